/*
 * What the guests do: a state machine per vCPU (worker) and, where the vCPUs
 * of a domain act together, one per domain (crew). They know the time and
 * nothing of the scheduler.
 *
 *   hog          one burst without end
 *   periodic     job k is released at start + phase + k * period, plus 0 to jitter, needs `busy`,
 *                and is late if it completes after its release plus period; jobs queue
 *   interactive  sleep, burst, sleep, ...
 *   trace        the same with recorded times
 *   server       each client thinks, sends a request, waits for the reply; any vCPU of the
 *                domain serves the oldest request
 *   fork-join    all vCPUs burst, wait for the last one, sleep for a gap, ...
 *   spin lock    compute, take the domain's lock, hold it, ...; whoever waits for the lock burns
 *                CPU time. Test-and-set: of the waiters that are running, the first one gets it;
 *                if none runs, the first one to be dispatched
 *   yielder      burst, yield, burst, ...
 */
#ifndef SIM_BEHAVIOUR_H
#define SIM_BEHAVIOUR_H

#include "../../sched/list.h"
#include "calendar.h"
#include "random.h"
#include "result.h"

enum timer_owner { TIMER_WORKER, TIMER_CLIENT, TIMER_CREW };

struct work_timer {
    struct event event;
    enum timer_owner owner;
};

struct worker;

/* What the engine does for them; none of these calls back into a behaviour. */
struct work_env {
    void *ctx;
    /* A blocked worker gets a burst and wakes; one that runs a burst gets another instead. */
    void (*give)(void *ctx, struct worker *w, sched_time burst);
    /* Work arrived for the worker, now or for when it has done what it has; for the ideal. */
    void (*demand)(void *ctx, struct worker *w, sched_time work);
    /* Call work_expire at `when`, SCHED_NEVER: do not. */
    void (*arm)(void *ctx, struct work_timer *t, sched_time when);
    bool (*running)(void *ctx, const struct worker *w);
};

/* What a worker does after a burst. */
enum work_next { NEXT_RUN, NEXT_YIELD, NEXT_BLOCK };
struct work_step {
    enum work_next next;
    sched_time burst; /* at least 1, SCHED_NEVER: without end; not for NEXT_BLOCK */
};

struct client {
    struct work_timer timer; /* end of thinking */
    struct list link;        /* crew->requests while it waits */
    struct crew *crew;
    struct rng rng;
    sched_time sent, service;
};

struct worker {
    struct crew *crew;
    struct vcpu_result *result; /* set by the caller */
    struct rng rng;
    struct work_timer timer;
    bool busy;               /* has a burst */
    sched_time start;        /* periodic: release of job 0 without jitter */
    uint64_t released, done; /* periodic: jobs */
    unsigned step;           /* trace */
    struct client *client;   /* server: whose request it serves */
    bool spinning;
    struct list spin_link;
};

struct crew {
    const struct workload *workload;
    const struct work_env *env;
    struct domain_result *result;
    unsigned nr_workers;
    struct worker **workers;
    struct rng rng;
    struct work_timer timer;
    unsigned arrived;      /* fork-join: at the barrier */
    struct worker *holder; /* spin lock */
    struct list spinners;
    struct client *clients;
    struct list requests;
};

/*
 * A crew for the nr_workers workers (zeroed but for `result`) in workers[].
 * Draws from streams of `seed` that follow from `stream`, which no other crew
 * of the run may have. false: out of memory.
 */
bool crew_init(struct crew *crew, const struct workload *workload, const struct work_env *env,
               struct worker **workers, unsigned nr_workers, struct domain_result *result,
               uint64_t seed, uint64_t stream);
void crew_free(struct crew *crew);

/* The domain starts (its workers are blocked), ends. */
void crew_start(struct crew *crew, sched_time now);
void crew_stop(struct crew *crew, sched_time now);

/* A burst is complete. */
struct work_step work_done(struct worker *w, sched_time now);
/* A spinning worker begins to run on a pCPU: it may find the lock free. */
void work_resume(struct worker *w);
void work_expire(struct work_timer *t, sched_time now);

#endif
