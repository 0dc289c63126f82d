/*
 * What is measured: per vCPU service, latency, waiting and lag; per domain by
 * how much it exceeds its cap.
 */
#ifndef SIM_METER_H
#define SIM_METER_H

#include "result.h"

#define METER_NOT (-1) /* "since" of something that is not so now */

struct vcpu_meter {
    struct vcpu_result *result;
    sched_time created; /* METER_NOT: does not exist */
    sched_time running; /* since when, METER_NOT */
    sched_time waiting; /* since when it is runnable, not parked and not running, METER_NOT */
    sched_time woken;   /* METER_NOT once it has run */
};

void meter_init(struct vcpu_meter *m, struct vcpu_result *result);
void meter_create(struct vcpu_meter *m, sched_time now);
void meter_wake(struct vcpu_meter *m, sched_time now);
/* It waits from now on / does not wait any more. No effect if that is so already. */
void meter_wait(struct vcpu_meter *m, sched_time now);
void meter_wait_end(struct vcpu_meter *m, sched_time now);
/* It starts to run; `overhead` passes before it gets anything done. */
void meter_run(struct vcpu_meter *m, sched_time now, sched_time overhead);
void meter_stop(struct vcpu_meter *m, sched_time now);
/* It is destroyed, or the run ends. It must not be running. */
void meter_end(struct vcpu_meter *m, sched_time now);

/* CPU time received by `now`. */
static inline sched_time meter_service(const struct vcpu_meter *m, sched_time now)
{
    return m->result->service + (m->running == METER_NOT ? 0 : now - m->running);
}

/* The ideal would have given `ideal` ns by `now`. */
void meter_lag(struct vcpu_meter *m, double ideal, sched_time now);

/*
 * A capped domain. Its excess in the window (s, t] is f(t) - f(s) with f(t) =
 * service - cap * t, so the largest excess is that over the least f so far.
 * Between the times when one of its vCPUs starts or stops f is linear, so
 * looking at those times is exact. f is counted in ns/100, as caps are in per
 * cent.
 */
struct cap_meter {
    struct domain_result *result;
    int64_t cap; /* per cent of a pCPU, 0: none */
    unsigned running;
    sched_time updated;
    int64_t level, lowest; /* f, least f */
};

void cap_meter_init(struct cap_meter *c, struct domain_result *result);
/* Windows begin anew when the cap changes. */
void cap_meter_set(struct cap_meter *c, int64_t cap, sched_time now);
/* Looks at f; nothing if there is no cap. */
void cap_meter_update(struct cap_meter *c, sched_time now);

/* One of its vCPUs starts (+1) or stops (-1) to run. */
static inline void cap_meter_run(struct cap_meter *c, int change, sched_time now)
{
    if (c->cap)
        cap_meter_update(c, now);
    c->running += (unsigned)change;
}

#endif
