/* Units with reservations, for tests of RTDS. */
#ifndef TEST_RTDS_H
#define TEST_RTDS_H

#include "contract.h"

static inline int try_reserve(struct sched_unit *u, sched_time period, sched_time budget,
                              int extratime, struct sched_refusal *why)
{
    const int64_t value[] = {period, budget, extratime};
    return sched_unit_set(u, value, h->now, why);
}

static inline struct sched_unit *reserve(struct sched_unit *u, sched_time period, sched_time budget,
                                         int extratime)
{
    assert_int_equal(try_reserve(u, period, budget, extratime, NULL), 0);
    return u;
}

/* Without extratime. */
static inline struct sched_unit *server(sched_time period, sched_time budget)
{
    return reserve(harness_hog(h), period, budget, 0);
}

/* A task of as much work as it reserves. */
static inline struct sched_unit *task(sched_time period, sched_time budget)
{
    return reserve(harness_unit(h, NULL, HARNESS_PERIODIC, budget, period), period, budget, 0);
}

#endif
