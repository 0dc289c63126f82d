/*
 * What the scheduler does, counted for each vCPU and recorded for the tools in
 * Xen's trace format (xen/trace.h): a ring of records for each pCPU, written by
 * that pCPU and read by dom0 from memory that it maps (sysctl tbuf_op).
 */
#ifndef XEN_TRACE_RINGS_H
#define XEN_TRACE_RINGS_H

#include "../sched/sched.h"
#include "frames.h"
#include "moirai.h"

struct vcpu;

/* ---- trace_sched.c: what is said; under sched_lock ------------------------------------------ */

/* Of one vCPU. */
struct wake_stats {
    sched_time woken; /* and has not run since; 0: no */
    uint64_t wakes, latency_sum, latency_max;
    uint32_t latency[MOIRAI_BUCKETS]; /* see moirai.h */
};

/* An event of sched/; `v` is whose unit it has, or NULL. */
void trace_sched(const struct sched_event *e, const struct vcpu *v);
void count_sched(const struct sched_event *e, struct wake_stats *s);
/* It changes to this RUNSTATE_*. */
void trace_runstate(const struct vcpu *v, int to);

/* ---- trace.c: rings ------------------------------------------------------------------------- */

#define TRACE_WORDS 6 /* of one record at most */

extern volatile bool trace_on;

/* On this pCPU's ring, if its kind is wanted. */
void trace_record(uint32_t event, const uint32_t *words, unsigned n);
#define trace(event, ...)                                                                          \
    do {                                                                                           \
        if (trace_on) {                                                                            \
            const uint32_t words_[] = {__VA_ARGS__};                                               \
            trace_record(event, words_, ARRAY_SIZE(words_));                                       \
        }                                                                                          \
    } while (0)

/* Who ran on this pCPU until now (domain in the upper half), as far as the trace goes. */
uint32_t trace_switch(uint32_t to);

/* The pages of each ring, once: -EINVAL later, or if it is none or too many; -ENOMEM. */
int trace_set_size(uint32_t pages);
/* -EINVAL while there are no rings. */
int trace_start(void);
void trace_stop(void);
void trace_set_mask(uint32_t events);
void trace_set_pcpus(const struct mask *pcpus);

struct trace_info {
    uint32_t events;
    uint32_t bytes; /* of the table of rings (struct t_info), 0 if there is none */
    mfn_t table;
};
struct trace_info trace_info(void);
/* Does the frame belong to the rings or their table? Then it will for ever. */
bool trace_owns(mfn_t mfn);

#endif
