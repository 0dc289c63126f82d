/*
 * One random scenario: what is drawn, what happens in it and what must hold.
 * Everything follows from the policy and the seed.
 *
 * A trial ends at the first violation: violated() reports it and ends the
 * process, which runs this one trial only (property.c).
 */
#ifndef PROPERTY_TRIAL_H
#define PROPERTY_TRIAL_H

#include "../../tools/sim/random.h"
#include "../unit/harness.h"

/* What invariants.c remembers of a unit since the last step. */
struct unit_watch {
    sched_time service;
    sched_time waiting_since; /* has been waiting without any service since then */
};

/* A capped domain since something about it changed, in 1/100 ns: the service minus cap * time. */
struct cap_watch {
    int64_t lowest;
    sched_time start;
};

struct trial {
    const struct sched_policy *policy;
    const char *program, *kind;
    uint64_t seed;
    struct rng rng;
    struct harness *h;
    bool calm; /* weights are at most 16:1 and nothing else is set: starvation can be told */
    bool overloaded; /* admission was off at some time */

    struct sched_domain *domains[HARNESS_MAX_UNITS]; /* the living ones */
    unsigned nr_domains;

    struct unit_watch seen[HARNESS_MAX_UNITS];
    struct cap_watch caps[HARNESS_MAX_UNITS]; /* by domain id */
    const struct sched_unit *on[HARNESS_MAX_PCPUS];
    sched_time wasted; /* harness's, until the last step */
    sched_time served; /* by all pCPUs in the last step */
};

_Noreturn void violated(const struct trial *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- generate.c: random values --------------------------------------------------- */

/* 0 to n-1 */
unsigned draw(struct trial *t, unsigned n);
bool one_in(struct trial *t, unsigned n);
/* Log-uniform between low and high, both included. */
int64_t draw_log(struct trial *t, int64_t low, int64_t high);
/* 1 to 64, mostly few. */
unsigned draw_pcpus(struct trial *t);
int draw_weight(struct trial *t);

enum spread { SPREAD_ALL, SPREAD_INTERVALS, SPREAD_SUBSETS, SPREAD_SINGLES, NR_SPREADS };
/* A non-empty set of the first nr pCPUs. */
void draw_mask(struct trial *t, enum spread spread, unsigned nr, struct mask *m);

/* A unit of `d` (NULL: of a new domain) with a random pattern of work. */
struct sched_unit *generate_unit(struct trial *t, struct sched_domain *d);
struct sched_domain *generate_domain(struct trial *t);

/* Random values for some of the parameters that the policy has at this scope; it may refuse. */
void generate_pool_params(struct trial *t, struct sched_pool *pool);
void generate_domain_params(struct trial *t, struct sched_domain *d);
void generate_unit_params(struct trial *t, struct sched_unit *u);

/* Gives the unit a weight in the way its policy has; returns what its share is in proportion to. */
double give_weight(struct trial *t, struct sched_unit *u, int weight);

/* ---- invariants.c: what holds in every scenario ----------------------------------- */

/* Begin to watch; the harness is there. */
void watch(struct trial *t);
/* Time passes, then everything is inspected. */
void advance(struct trial *t, sched_time duration);
/* Call after every change from outside: windows of caps begin anew. */
void changed(struct trial *t);

/* ---- disturb.c -------------------------------------------------------------------- */

/* One random event: pause, pin, hotplug, move, switch, create, destroy, ... */
void disturb(struct trial *t);

/* ---- kinds of trials ---------------------------------------------------------------- */

void try_chaos(struct trial *t);        /* chaos.c: all at once */
void try_shares(struct trial *t);       /* shares.c: weights, caps and thieves */
void try_short_shares(struct trial *t); /* credit2's promise over 1 s */
void try_far_weights(struct trial *t);  /* 256:1 */
void try_cap(struct trial *t);
void try_reservations(struct trial *t); /* reservations.c */
void try_table(struct trial *t);        /* fixed.c: arinc653 */
void try_null(struct trial *t);

#endif
