/*
 * Admission of reservations to pCPUs: utilisation up to 1 on each, by bin
 * packing under hard affinity. EDF on one pCPU meets all deadlines iff the
 * utilisation is at most 1 (Liu & Layland, JACM 1973), so this test is exact
 * for a given packing.
 *
 * Utilisations are in units of 2^-40 pCPU, rounded down: the error of 65536
 * units is below 10^-7 of a pCPU.
 */
#ifndef SCHED_ADMISSION_H
#define SCHED_ADMISSION_H

#include "sched.h"

#define UTIL_ONE (1ULL << 40)

/* slice/period, 0 <= slice <= period, period > 0 and at most 2^43 ns (2.4 hours). */
uint64_t util_ratio(int64_t slice, int64_t period);

/* In parts per million, for messages. */
int64_t util_ppm(uint64_t util);

struct sched_change;

/* "Would everything fit if ...": exactly the fields that differ from now are set. */
struct admission_query {
    struct sched_pool *pool;
    const struct sched_change *change; /* new unit-scope values for a unit or a domain's units */
    const struct sched_unit *unit;     /* this unit gets the hard affinity `hard` */
    const struct mask *hard;
    const struct sched_pcpu *leaving; /* this pCPU goes */
    bool enforce; /* false: overload experiment, balance the sums instead of refusing */
};

/*
 * Finds a pCPU for every unit of the pool with a demand (policy->demand): keeps those that
 * can stay where they are, then repacks all if it must. On success 0, with unit->plan and
 * unit->plan_util of every unit of the pool set (plan NULL, plan_util 0: no reservation).
 * -ENOSPC: *why says how much is free on the best pCPU that the unit may use, in ppm.
 * Changes nothing but the plan fields.
 */
int admission_plan(const struct admission_query *q, struct sched_refusal *why);

#endif
