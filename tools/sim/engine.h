/*
 * The discrete-event engine's state, shared by engine.c (what happens as time
 * passes), guest.c (vCPUs start and stop) and change.c (what the scenario
 * orders).
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "fluid.h"
#include "machine.h"
#include "meter.h"
#include "result.h"
#include "behaviour.h"
#include "calendar.h"
#include "turns.h"

struct sim_vcpu {
    struct worker worker;
    struct vcpu_meter meter;
    struct sched_unit *unit;
    struct sim_pcpu *pcpu; /* runs there; NULL: does not run */
    struct sim_pcpu *last; /* where it ran last */
    sched_time left;       /* of its burst, SCHED_NEVER: endless */
    sched_time from;       /* its progress is counted up to here; later than now: overhead */
    bool blocked;          /* has no burst */
    bool watched;          /* no pCPU that it may use should idle while it waits */
    struct list waiting;   /* in engine->waiting, if watched */
};

struct sim_pcpu {
    sched_time finish; /* the running vCPU's burst is complete */
    sched_time decide; /* time to ask the scheduler */
    struct sched_pcpu *core;
    struct sim_vcpu *running, *last; /* NULL: none (yet) */
    bool kicked;                     /* asked to decide at once by an event of somebody else's */
};

struct sim_pool {
    struct event event; /* the policy's timer */
};

struct sim_domain {
    struct crew crew;
    struct cap_meter cap;
};

struct engine {
    const struct scenario *scenario;
    struct run_options options;
    struct result *result;
    struct machine machine;
    struct sched_env sched_env;
    struct work_env work_env; /* guest_env for this engine */

    sched_time now;
    struct heap calendar; /* all but the pCPUs' events: */
    struct turns turns;   /* for each pCPU the earlier of its `finish` and `decide` */
    struct event change, sample, fluid_event;
    unsigned next_change;
    bool failed; /* a message has been printed */

    struct sim_vcpu *vcpus;
    struct worker **workers; /* crews' arrays, one after the other */
    struct sim_pcpu *pcpus;
    struct sim_pool *pools;
    struct sim_domain *domains;

    struct sim_pcpu *active;   /* whose event it is that is being processed */
    struct sim_pcpu *deciding; /* inside sched_decide for it */
    struct mask idle;          /* pCPUs that run nothing */
    struct list waiting;       /* watched vCPUs that wait */
    unsigned wasted;           /* idle pCPUs that one of them may use */
    unsigned instant_events;   /* since time last passed */

    struct fluid fluid; /* if options.ideal */
    double reported;    /* wall clock time of the last line of progress */
};

/* ---- guest.c: vCPUs --------------------------------------------------------------- */

/* What behaviours call; ctx is the engine, to be filled in. */
extern const struct work_env guest_env;

static inline unsigned vcpu_index(const struct engine *e, const struct sim_vcpu *v)
{
    return (unsigned)(v - e->vcpus);
}

static inline struct sim_vcpu *vcpu_of(struct engine *e, const struct sched_unit *u)
{
    return &e->vcpus[u->id];
}

/* (Re)schedules the pCPU's event. */
void pcpu_arm(struct engine *e, struct sim_pcpu *p);

/* Begin, end to run. After vcpu_stop the vCPU waits if the scheduler says so. */
void vcpu_start(struct engine *e, struct sim_pcpu *p, struct sim_vcpu *v);
void vcpu_stop(struct engine *e, struct sim_pcpu *p);
/* The running vCPU has completed its burst. */
void vcpu_finish(struct engine *e, struct sim_pcpu *p);
/* The vCPU waits from now on. */
void vcpu_wait(struct engine *e, struct sim_vcpu *v);
/* The meter and the list of the waiting follow the scheduler's state of the vCPU. */
void vcpu_follow(struct engine *e, struct sim_vcpu *v);

/* ---- change.c: the scenario's orders ------------------------------------------------ */

/* Creates the domains that are there from the start, then starts them. Sets e->failed. */
void change_boot(struct engine *e);
void change_apply(struct engine *e, unsigned index);
/* The run ends: what is there is counted as if destroyed. */
void change_end(struct engine *e);

/* ---- result.c ------------------------------------------------------------------------ */

/* NULL: out of memory. */
struct result *result_new(const struct scenario *s, const struct run_options *o);
void result_add_slice(struct result *r, const struct run_options *o, const struct slice *slice);

#endif
