/*
 * The fluid ideal, run beside the real schedule: every vCPU has the same work
 * arrive at the same time as in the real one, and all that have work left are
 * served at once at the rates of ideal.h. Between events (work arrives, runs
 * out, a parameter changes) rates are constant, so the simulation is exact up
 * to rounding.
 */
#ifndef SIM_FLUID_H
#define SIM_FLUID_H

#include "../../sched/list.h"
#include "ideal.h"
#include "scenario.h"

#define FLUID_NOWHERE (-1)

struct fluid_unit {
    struct list link; /* in its pool's `active`, if it has work and may be served */
    int pool;         /* FLUID_NOWHERE: does not exist or is paused */
    int group;        /* its domain */
    double weight;
    const struct mask *hard;
    double backlog; /* ns, INFINITY: a hog */
    double rate;    /* pCPUs */
    double service; /* ns received by the pool's `settled` */
};

struct fluid_pool {
    struct list active;
    unsigned nr_active;
    sched_time settled; /* up to when its units' work has been counted */
    sched_time next;    /* when one of them runs out of work */
    bool stale;         /* `next` must be found anew */
    bool changed;       /* the rates too */
};

struct fluid {
    unsigned nr_units, nr_pools, nr_groups;
    struct fluid_unit *units;
    struct fluid_pool *pools;
    double *caps;               /* by group, in pCPUs; 0: none */
    struct ideal_unit *scratch; /* nr_units */
    /* At the end of a stretch of constant rates; `service` is the ideal. */
    void (*note)(void *ctx, unsigned unit, double service, sched_time now);
    void *ctx;
};

/* false: out of memory; fluid_free is right then too. */
bool fluid_init(struct fluid *f, unsigned nr_units, unsigned nr_pools, unsigned nr_groups);
void fluid_free(struct fluid *f);

/* Work for a unit; SCHED_NEVER: without end. */
void fluid_demand(struct fluid *f, unsigned unit, sched_time work, sched_time now);
/* What work is left is lost. */
void fluid_forget(struct fluid *f, unsigned unit, sched_time now);
/* The unit is served in `pool` as said from now on. `hard` stays valid until the next call. */
void fluid_place(struct fluid *f, unsigned unit, int pool, int group, double weight,
                 const struct mask *hard, sched_time now);
void fluid_cap(struct fluid *f, unsigned group, double cap, sched_time now);

/* After everything that happens at `now`: brings rates up to date. When to call it again at the
 * latest, SCHED_NEVER; *error is set if memory ran out. */
sched_time fluid_update(struct fluid *f, sched_time now, bool *error);

/* CPU time that the ideal has given by now. */
double fluid_service(const struct fluid *f, unsigned unit, sched_time now);

#endif
