/*
 * What each policy with reservations promises of them: so much CPU time in every period, earliest
 * deadline first, and no more admitted than fits. A test of such a policy says what its parameters
 * are (try_reserve) and lists those of the tests below that the policy is to pass.
 */
#ifndef TEST_RESERVATIONS_H
#define TEST_RESERVATIONS_H

#include "contract.h"

/* `budget` in each period, and what is left over if `extra`; what the core returned. */
int try_reserve(struct sched_unit *u, sched_time period, sched_time budget, int extra,
                struct sched_refusal *why);

static inline struct sched_unit *reserve(struct sched_unit *u, sched_time period, sched_time budget,
                                         int extra)
{
    assert_int_equal(try_reserve(u, period, budget, extra, NULL), 0);
    return u;
}

/* Without extra time. */
static inline struct sched_unit *server(sched_time period, sched_time budget)
{
    return reserve(harness_hog(h), period, budget, 0);
}

/* Without a reservation. */
static inline struct sched_unit *extra_hog(void)
{
    return reserve(harness_hog(h), 10 * SEC, 0, 1);
}

/* A task of as much work as it reserves. */
static inline struct sched_unit *task(sched_time period, sched_time budget)
{
    return reserve(harness_unit(h, NULL, HARNESS_PERIODIC, budget, period), period, budget, 0);
}

/* ---- parameters --------------------------------------------------------------------- */

/* A hog of the control domain beside nine others; it gets its 75 % and no more than `most` of a
 * second. */
static inline struct sched_unit *control_domain(sched_time most)
{
    struct sched_domain *d = harness_domain(h);

    d->privileged = true;
    struct sched_unit *u = harness_unit(h, d, HARNESS_HOG, 0, 0);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "period"), 20 * MS);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "slice"), 15 * MS);
    for (int i = 0; i < 9; i++)
        harness_hog(h);
    assert_in_range(service_within(u, SEC), 750 * MS, most);
    return u;
}

static inline void test_slices_are_5_us_to_the_period(void **state)
{
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = idle_unit();
    int err = try_reserve(u, 10 * MS, 5 * US - 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "slice", 5 * US);
    err = try_reserve(u, 10 * MS, 10 * MS + 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "slice", 10 * MS);
    reserve(u, 10 * MS, 5 * US, 1);
    reserve(u, 10 * MS, 10 * MS, 1);
}

/* ---- the budget --------------------------------------------------------------------- */

static inline void test_slice_comes_in_every_period(void **state)
{
    (void)state;
    struct sched_unit *u = server(20 * MS, 5 * MS);
    for (int i = 0; i < 3; i++)
        extra_hog();
    for (int period = 0; period < 10; period++)
        assert_int_equal(service_within(u, 20 * MS), 5 * MS);
}

static inline void test_without_extra_time_the_rest_stays_idle(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 4 * MS);
    assert_int_equal(service_within(u, SEC), 400 * MS);
    reserve(u, 10 * MS, 4 * MS, 1);
    assert_int_equal(service_within(u, SEC), SEC);
}

static inline void test_neither_slice_nor_extra_time_never_runs(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 0);
    assert_int_equal(service_within(u, 20 * SEC), 0);
}

/* A unit with 4 ms in 10 begins its period, runs for 1 ms and sleeps until `wake`; what it gets in
 * 10 ms from there. */
static inline sched_time service_after_sleep(sched_time wake)
{
    struct sched_unit *u = server(10 * MS, 4 * MS);

    harness_run(h, MS);
    sched_block(u, h->now);
    harness_run(h, wake - h->now);
    sched_wake(u, h->now);
    return service_within(u, 10 * MS);
}

/* 3 ms until 10 ms, 2 ms of the next budget. */
static inline void test_budget_outlives_a_short_sleep(void **state)
{
    (void)state;
    assert_int_equal(service_after_sleep(2 * MS), 3 * MS + 2 * MS);
}

static inline void test_wake_too_late_begins_a_new_period(void **state)
{
    (void)state;
    assert_int_equal(service_after_sleep(5 * MS), 4 * MS);
}

/* ---- deadlines ---------------------------------------------------------------------- */

static inline void test_earlier_deadline_preempts_at_once(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 10 * MS, 2 * MS, 0);
    server(100 * MS, 50 * MS);
    harness_run(h, 5 * MS);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 2 * MS), 2 * MS);
}

static inline void test_later_deadline_waits(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 100 * MS, 20 * MS, 0);
    server(10 * MS, 5 * MS);
    harness_run(h, 11 * MS);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 4 * MS), 0);
    assert_int_equal(service_within(u, 5 * MS), 5 * MS);
}

/* Out of phase, and beside a hog. */
static inline void test_no_deadline_is_missed_at_95_per_cent(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    u[0] = task(10 * MS, 4 * MS);
    harness_run(h, 1234 * US);
    u[1] = task(20 * MS, 7 * MS);
    harness_run(h, 3210 * US);
    u[2] = task(50 * MS, 10 * MS);
    harness_hog(h);
    harness_run(h, 100 * SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(harness_of(h, u[i])->misses, 0);
}

/* ---- admission ---------------------------------------------------------------------- */

/* A reservation refused for want of room; the answer is rounded to a millionth. */
static inline void assert_no_room(int err, const struct sched_refusal *why, int64_t free_ppm)
{
    assert_int_equal(err, -SCHED_ENOSPC);
    assert_non_null(why->why);
    assert_in_range(why->limit, free_ppm - 1, free_ppm + 1);
}

static inline void test_overload_is_refused_and_says_what_is_free(void **state)
{
    struct sched_refusal why;

    (void)state;
    server(10 * MS, 6 * MS);
    struct sched_unit *u = server(10 * MS, 2 * MS);
    int err = try_reserve(u, 20 * MS, 9 * MS, 0, &why);
    assert_no_room(err, &why, 400000);
    assert_int_equal(service_within(u, SEC), 200 * MS); /* as before */
    reserve(u, 20 * MS, 8 * MS, 0);
}

static inline void test_admission_can_be_switched_off(void **state)
{
    (void)state;
    set_pool("admission", 0);
    struct sched_unit *a = server(10 * MS, 8 * MS), *b = server(10 * MS, 8 * MS);
    harness_run(h, SEC);
    assert_float_equal(harness_share(h, a) + harness_share(h, b), 100, 0.01);
}

/* The trap: affinity was the first pCPU, and nobody counted. */
static inline void test_reservations_are_packed(void **state)
{
    (void)state;
    struct sched_unit *a = server(10 * MS, 5 * MS), *b = server(10 * MS, 5 * MS);
    struct sched_unit *whole = server(10 * MS, 10 * MS);
    harness_run(h, 100 * MS);
    harness_mark(h);
    harness_run(h, SEC);
    assert_share(a, 50, 0.01);
    assert_share(b, 50, 0.01);
    assert_share(whole, 100, 0.01);
}

/* ---- what historic=1 changes ---------------------------------------------------------- */

/* Reserves half, sleeps for 1 ms after each 10; another has the other half, due later. */
static inline sched_time service_of_short_sleeper(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 10 * MS, MS);
    reserve(u, 100 * MS, 50 * MS, 1);
    server(SEC, 500 * MS);
    return service_within(u, 100 * MS);
}

static inline void test_short_sleep_keeps_the_slice(void **state)
{
    (void)state;
    assert_int_equal(service_of_short_sleeper(0), 50 * MS);
}

static inline void test_historic_short_sleep_loses_the_slice(void **state)
{
    (void)state;
    assert_int_equal(service_of_short_sleeper(1), 10 * MS);
}

#endif
