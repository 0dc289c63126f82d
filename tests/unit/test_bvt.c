/* Borrowed virtual time: shares, wake rule, allowance, warp, and what historic=1 changes. */
#include "mcuadv.h"

#define CTX_ALLOW (5 * MS)

static struct sched_unit *warped_hog(int64_t value, sched_time warpl, sched_time warpu)
{
    struct sched_unit *u = harness_hog(h);
    set(u, "warpvalue", value);
    set(u, "warpl", warpl);
    set(u, "warpu", warpu);
    set(u, "warpback", 1);
    return u;
}

/* ---- shares -------------------------------------------------------------------- */

static void test_large_ratio(void **state)
{
    (void)state;
    struct sched_unit *small = hog_of(2560);
    harness_hog(h);
    harness_run(h, 100 * SEC);
    assert_share(small, 100.0 / 257, 10.0 / 257);
}

static void test_pinned_pair_on_one_of_two(void **state)
{
    (void)state;
    struct sched_unit *heavy = hog_of(5), *light = harness_hog(h);
    harness_pin(h, heavy, 1);
    harness_pin(h, light, 1);
    harness_run(h, 10 * SEC);
    assert_share(heavy, 66.7, 0.5);
    assert_share(light, 33.3, 0.5);
}

static void test_new_mcuadv_applies_at_once(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, SEC);
    set(a, "mcuadv", 30);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_share(a, 25, 0.5);
    assert_share(b, 75, 0.5);
}

static void test_mcuadv_zero_is_refused(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal(harness_set(h, SCHED_PARAM_DOMAIN, u, "mcuadv", 0), -SCHED_EINVAL);
    assert_int_equal(harness_set(h, SCHED_PARAM_DOMAIN, u, "warpl", -1), -SCHED_EINVAL);
}

/* Two equal hogs take turns: catch up, then one allowance more. */
static void test_allowance_sets_the_switch_rate(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h);
    harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_in_range(harness_of(h, a)->switches, 490, 510);
    set_pool("ctx_allow", 50 * MS);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_in_range(harness_of(h, a)->switches, 48, 52);
}

/* The allowance is own service: a light unit is not switched more often for its weight. */
static void test_allowance_is_own_service(void **state)
{
    (void)state;
    struct sched_unit *light = hog_of(1000);
    harness_hog(h);
    harness_run(h, 100 * SEC);
    uint64_t n = harness_of(h, light)->switches;
    assert_in_range(harness_service(h, light) / (sched_time)n, CTX_ALLOW * 9 / 10, CTX_ALLOW * 2);
}

/* ---- sleeping and waking ---------------------------------------------------------- */

static void test_sleepers_bank_nothing(void **state)
{
    (void)state;
    assert_in_range(service_after_long_sleep(SEC), 490 * MS, 510 * MS);
}

/* What a unit used it has paid for, however it sleeps. */
static void test_sleep_does_not_forgive(void **state)
{
    (void)state;
    struct sched_unit *cycle = harness_unit(h, NULL, HARNESS_CYCLE, 9 * MS, 10 * US);
    harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_true(harness_share(h, cycle) <= 50.2);
    assert_true(harness_share(h, cycle) >= 45);
}

/* While the others take their turns the least A stands still. */
static void test_waking_within_the_allowance_runs_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        harness_hog(h);
    struct sched_unit *sleeper = harness_unit(h, NULL, HARNESS_CYCLE, 100 * US, 2 * MS);
    harness_run(h, SEC);
    harness_of(h, sleeper)->longest_wait = 0; /* all of them woke at the start */
    harness_run(h, 10 * SEC);
    assert_int_equal(harness_of(h, sleeper)->longest_wait, 0);
    set_pool("historic", 1);
    harness_run(h, 10 * SEC);
    assert_true(harness_of(h, sleeper)->longest_wait > CTX_ALLOW);
}

/* It uses up the rest of its allowance, and then no sleep helps. */
static void test_waking_ahead_waits_for_the_others(void **state)
{
    (void)state;
    struct sched_unit *light = hog_of(1000), *heavy = harness_hog(h);
    harness_run(h, 60 * MS); /* light ran once, 5 ms, and is 500 ms ahead in virtual time */
    assert_true(harness_service(h, light) >= CTX_ALLOW);
    harness_mark(h);
    for (int i = 0; i < 100; i++) {
        sched_block(light, h->now);
        harness_run(h, MS);
        sched_wake(light, h->now);
        harness_run(h, 2 * MS);
    }
    assert_in_range(harness_service(h, light), 500 * US, 4 * MS);
    assert_in_range(harness_service(h, heavy), 296 * MS, 300 * MS);
}

/* The yielder goes on as long as it is behind, and not for an allowance more. */
static void test_yield_gives_up_the_allowance_only(void **state)
{
    (void)state;
    struct sched_unit *yielder = harness_unit(h, NULL, HARNESS_YIELD, 100 * US, 0);
    struct sched_unit *other = harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_share(yielder, 50, 1);
    assert_in_range(harness_of(h, other)->switches, 950, 1050);
}

/* An idle pCPU's sleepers are ahead in virtual time of those who come from a crowded one. */
/* It is owed what it lacked on the other pCPU, but half a second of that at most (levels.c). */
static void test_newcomer_does_not_hold_up_those_who_slept_for_long(void **state)
{
    struct sched_unit *crowd[10];

    (void)state;
    struct sched_unit *alone = harness_hog(h);
    harness_pin(h, alone, 1);
    for (int i = 0; i < 10; i++) {
        crowd[i] = harness_hog(h);
        harness_pin(h, crowd[i], 0);
    }
    harness_run(h, 10 * SEC);
    sched_block(alone, h->now);
    harness_run(h, MS);
    harness_pin(h, crowd[0], 1);
    harness_run(h, MS);
    sched_wake(alone, h->now);
    assert_in_range(service_within(alone, 1500 * MS), 490 * MS, 760 * MS);
}

/* ---- warp --------------------------------------------------------------------------- */

static void test_warp_cuts_latency(void **state)
{
    (void)state;
    set_pool("historic", 1); /* otherwise a wake alone does */
    for (int i = 0; i < 4; i++)
        harness_hog(h);
    struct sched_unit *cycle = harness_unit(h, NULL, HARNESS_CYCLE, 200 * US, 9800 * US);
    harness_run(h, 10 * SEC);
    assert_true(harness_of(h, cycle)->longest_wait > 5 * MS);
    set(cycle, "warpvalue", 10000); /* 100 ms */
    set(cycle, "warpback", 1);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_true(harness_of(h, cycle)->longest_wait < 100 * US);
    assert_share(cycle, 2, 0.05);
}

static void test_warp_does_not_change_the_share(void **state)
{
    (void)state;
    struct sched_unit *warped = warped_hog(5000, 2 * SEC, SEC); /* 50 ms */
    harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_share(warped, 50, 1);
}

static void test_warp_is_limited_to_warpl(void **state)
{
    (void)state;
    struct sched_unit *warped = warped_hog(1000000, 100 * MS, 0), *other = harness_hog(h);
    harness_run(h, 10 * MS); /* other had to be placed first */
    set(warped, "warpback", 1);
    assert_int_equal(service_within(warped, 100 * MS), 100 * MS);
    assert_true(service_within(other, 90 * MS) >= 85 * MS);
    assert_in_range(service_within(warped, 10 * SEC), 4900 * MS, 5100 * MS); /* off for good */
}

/* Another decision for the same unit begins no new stretch. */
static void test_warpl_counts_through_yields(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_YIELD, 10 * MS, 0);
    harness_hog(h);
    set(u, "warpvalue", 1000000);
    set(u, "warpl", 100 * MS);
    set(u, "warpback", 1);
    assert_int_equal(service_within(u, 100 * MS), 100 * MS);
    assert_true(service_within(u, 100 * MS) < 20 * MS);
}

static void test_warp_returns_after_warpu(void **state)
{
    (void)state;
    struct sched_unit *warped = warped_hog(1000000, 100 * MS, 50 * MS);
    struct sched_unit *other = harness_hog(h);
    harness_run(h, 10 * MS);
    set(warped, "warpback", 1);
    assert_int_equal(service_within(warped, 100 * MS), 100 * MS);
    assert_int_equal(service_within(other, 50 * MS), 50 * MS); /* it would go on for longer */
    assert_int_equal(service_within(warped, 100 * MS), 100 * MS);
    assert_true(service_within(warped, 10 * MS) < 10 * MS);
}

/* With unsigned virtual times E of a new unit would wrap and it would starve. */
static void test_large_warp_at_virtual_time_zero(void **state)
{
    (void)state;
    struct sched_unit *warped = warped_hog(INT32_MAX, 0, 0);
    harness_hog(h);
    assert_true(service_within(warped, SEC) >= 990 * MS);
}

static void test_negative_warp_holds_back(void **state)
{
    (void)state;
    struct sched_unit *held = warped_hog(-10000, 0, 0); /* 100 ms */
    harness_hog(h);
    harness_run(h, 100 * MS);
    assert_true(harness_service(h, held) <= 20 * MS);
    harness_run(h, 10 * SEC);
    assert_share(held, 50, 1);
}

/* ---- historic ------------------------------------------------------------------------- */

static uint64_t decisions_of_four_hogs(int historic)
{
    set_pool("historic", historic);
    for (int i = 0; i < 4; i++)
        hog_of(10 << i);
    harness_run(h, 10 * SEC);
    return h->decisions;
}

static void test_slices_catch_up(void **state)
{
    (void)state;
    assert_in_range(decisions_of_four_hogs(0), 1000, 1500);
}

static void test_historic_slices_do_not(void **state)
{
    (void)state;
    assert_in_range(decisions_of_four_hogs(1), 1900, 2100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("bvt", 1, test_share_is_inverse_to_mcuadv),
        ON("bvt", 1, test_large_ratio),
        ON("bvt", 2, test_pinned_pair_on_one_of_two),
        ON("bvt", 2, test_three_hogs_share_two_pcpus),
        ON("bvt", 1, test_new_mcuadv_applies_at_once),
        ON("bvt", 1, test_mcuadv_zero_is_refused),
        ON("bvt", 1, test_allowance_sets_the_switch_rate),
        ON("bvt", 1, test_allowance_is_own_service),
        ON("bvt", 1, test_sleepers_bank_nothing),
        ON("bvt", 1, test_waking_unit_that_is_behind_runs_at_once),
        ON("bvt", 1, test_sleep_does_not_forgive),
        ON("bvt", 1, test_waking_within_the_allowance_runs_at_once),
        ON("bvt", 1, test_waking_ahead_waits_for_the_others),
        ON("bvt", 1, test_yield_gives_up_the_allowance_only),
        ON("bvt", 2, test_newcomer_does_not_hold_up_those_who_slept_for_long),
        ON("bvt", 1, test_warp_cuts_latency),
        ON("bvt", 1, test_warp_does_not_change_the_share),
        ON("bvt", 1, test_warp_is_limited_to_warpl),
        ON("bvt", 1, test_warpl_counts_through_yields),
        ON("bvt", 1, test_warp_returns_after_warpu),
        ON("bvt", 1, test_large_warp_at_virtual_time_zero),
        ON("bvt", 1, test_negative_warp_holds_back),
        ON("bvt", 1, test_slices_catch_up),
        ON("bvt", 1, test_historic_slices_do_not),
        ON("bvt", 1, test_short_runs_are_charged_exactly),
        ON("bvt", 1, test_historic_short_runs_are_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
