/*
 * A small host in virtual time that drives the core directly. Each round lasts
 * 4 ms divided by the number of pCPUs; in it one unit wakes, one that runs
 * blocks, and all pCPUs that are due decide. Only the call into the core is
 * measured, not the rig.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "../../sched/policy.h"
#include "stopwatch.h"

struct size {
    unsigned pcpus, units;
};

struct alarm {
    struct heap_node node; /* in rig->calendar, behind `when` while dirty */
    sched_time when;
};

struct rig {
    struct sched sched;
    struct sched_env env;
    struct size size;
    struct sched_policy set_up; /* the policy without admission */
    struct sched_pcpu **pcpus;
    struct sched_pool *pool;
    struct sched_affinity *affinities;
    char *domains, *units; /* arrays of domain_size() and unit_size() */
    struct heap calendar;
    struct alarm *alarms; /* of the pCPUs */
    struct mask dirty;    /* pCPUs whose alarm changed: sorted in outside the measurement */
    const struct sched_pcpu *deciding;
    struct sched_unit **asleep; /* ring of all units' size, first in first out */
    unsigned first_asleep, nr_asleep;
    sched_time now;
    uint64_t random;
    struct stopwatch watch;
};

/* Warmed up for 100 ms. */
struct rig *rig_new(const struct sched_policy *policy, struct size size);
void rig_free(struct rig *r);

/* Evenly distributed, 0 to below-1. */
unsigned rig_draw(struct rig *r, unsigned below);

void rig_live(struct rig *r, unsigned rounds);
/* The pool's timer is due now; that counts as `op`. */
void rig_tick(struct rig *r, enum op op);

/* Is there anything like a weight to change? */
bool rig_has_weights(const struct rig *r);
/* Some domain's, or some unit's, changes between two values. */
void rig_reweight(struct rig *r);

_Noreturn void die(const char *what);

#endif
