/* A scenario under one way to divide the memory. */
#ifndef BALLOON_RUN_H
#define BALLOON_RUN_H

#include <stdio.h>

#include "scenario.h"

enum way {
    WAY_BALLOON, /* the policy */
    WAY_EQUAL,   /* an equal share for each, for good */
    WAY_NONE,    /* no balloon: each has its max; who does not fit is not there */
    WAY_IDEAL,   /* the policy's division of the true demands, at once: a bound */
    NR_WAYS
};

extern const char *const way_names[NR_WAYS];

/* Sums over all seconds; memory in KiB. Useful is what programs hold of what they would use. */
struct run_result {
    unsigned there; /* domains that could be created */
    double demand, useful;
    int64_t unmet;   /* domain-seconds with less than 95 % of the demand */
    int64_t broken;  /* domain-seconds below the guarantee */
    int64_t harmful; /* targets that a guest could only follow by giving up what it uses */
    int64_t over;    /* seconds in which less than the reserve was free */
    int64_t moved;   /* KiB given up or taken */
};

/*
 * `totals` gets a line for each second, demand and useful of all; `domains` one for each domain
 * every ten seconds: second,domain,demand,memory,useful,target (MiB). Both may be NULL.
 */
struct run_result run_scenario(const struct mem_scenario *s, enum way way, FILE *totals,
                               FILE *domains);

#endif
