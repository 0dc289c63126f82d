/* What BVT and FBVT both promise: shares in inverse proportion to mcuadv, charged exactly. */
#ifndef TEST_MCUADV_H
#define TEST_MCUADV_H

#include "contract.h"

static inline struct sched_unit *hog_of(int64_t mcuadv)
{
    struct sched_unit *u = harness_hog(h);
    set(u, "mcuadv", mcuadv);
    return u;
}

static inline void test_share_is_inverse_to_mcuadv(void **state)
{
    struct sched_unit *u[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        u[i] = hog_of(10 << i);
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 4; i++)
        assert_share(u[i], 800.0 / 15 / (double)(1 << i), 0.2);
}

static inline void test_waking_unit_that_is_behind_runs_at_once(void **state)
{
    (void)state;
    struct sched_unit *sleeper = idle_unit();
    harness_hog(h);
    harness_run(h, SEC + 123 * US);
    sched_wake(sleeper, h->now);
    assert_int_equal(service_within(sleeper, MS), MS);
}

/* ---- charging ----------------------------------------------------------------------- */

static inline double share_of_short_runs(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_YIELD, 20 * US, 0);
    harness_hog(h);
    harness_run(h, 10 * SEC);
    return harness_share(h, u);
}

static inline void test_short_runs_are_charged_exactly(void **state)
{
    (void)state;
    assert_float_equal(share_of_short_runs(0), 50, 1);
}

static inline void test_historic_short_runs_are_rounded_up(void **state)
{
    (void)state;
    assert_float_equal(share_of_short_runs(1), 100.0 / 6, 1);
}

#endif
