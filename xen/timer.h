/* Time since boot in ns, and one-shot timers of each pCPU in a heap. */
#ifndef XEN_TIMER_H
#define XEN_TIMER_H

#include "pcpu.h"

/* x86/tsc.c: calibrated against the HPET, the PM timer or the PIT. */
sched_time now(void);
/* now() as of a reading of the TSC. */
sched_time time_of_tsc(uint64_t tsc);
extern uint64_t tsc_khz;
/* pvclock: ns = (((tsc - base) << shift) * mul) >> 32, shift may be negative (xen.h,
 * vcpu_time_info); base is the TSC at now() == 0. */
extern uint64_t tsc_base;
extern uint32_t tsc_mul;
extern int8_t tsc_shift;
/* Wall-clock time at now() == 0, in ns since 1970, from the RTC; platform_op settime64 sets it. */
extern int64_t wallclock_base;

struct timer {
    struct heap_node node;
    struct pcpu *pcpu; /* fires there */
    void (*fire)(struct timer *);
};

void timer_init(struct timer *t, void (*fire)(struct timer *));
/* At `when` or, if that has passed, as soon as possible; on this pCPU. Replaces an earlier setting. */
void timer_set(struct timer *t, sched_time when);
void timer_stop(struct timer *t);
/* Stops it for good: its `fire` is not running any more either, so that its memory may be freed. The
 * caller holds no lock that `fire` takes. */
void timer_fini(struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
    return heap_queued(&t->node);
}

/* Fire what is due on this pCPU and arm its hardware for the rest, or for its decide_at. */
void timers_run(void);
void timers_arm(void);
void timers_pcpu_init(struct pcpu *p);

/* x86/apic.c: the local APIC's one-shot timer of this pCPU; SCHED_NEVER stops it. */
void apic_timer_arm(sched_time when);

#endif
