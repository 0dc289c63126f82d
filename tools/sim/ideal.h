/*
 * The fluid ideal: weighted max-min fair shares under hard affinity, caps and
 * one pCPU per vCPU at a time (Generalised Multiprocessor Sharing).
 *
 * Rates are found by progressive filling: raise the common level of
 * rate/weight until a set of units uses up all pCPUs they may run on (a
 * minimum cut), or a unit reaches one pCPU, or a domain its cap; freeze those;
 * go on. Rational in theory, double in here; deterministic.
 */
#ifndef SIM_IDEAL_H
#define SIM_IDEAL_H

#include "../../sched/mask.h"

struct ideal_unit {
    double weight;           /* > 0 */
    const struct mask *hard; /* effective */
    double limit;            /* most it can use, in pCPUs, 0 to 1 */
    int group;               /* index into group_cap (its domain), -1: uncapped */
    double rate;             /* the answer, in pCPUs */
};

/* units of one pool; group_cap[g] bounds the sum over the group, in pCPUs.
 * Returns 0, or -1 if memory ran out. */
int ideal_rates(struct ideal_unit *units, unsigned nr_units, const double *group_cap,
                unsigned nr_groups);

#endif
