/* Credit: weights where units are pinned, caps in any window, boost, and historic=1. */
#include "weights_and_caps.h"

#define TSLICE (30 * MS)

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "tslice", TSLICE, MS, SEC},
        {SCHED_PARAM_POOL, "ratelimit", MS, 0, 500 * MS},
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
        {SCHED_PARAM_DOMAIN, "weight", 256, 1, 65535},
        {SCHED_PARAM_DOMAIN, "cap", 0, 0, 100 * 65535},
    };

    (void)state;
    assert_limits(limits, 5);
}

static void test_ratelimit_above_tslice_is_refused(void **state)
{
    const int64_t more[] = {TSLICE, TSLICE + 1, 0}, equal[] = {TSLICE, TSLICE, 0};
    struct sched_refusal why;

    (void)state;
    int err = sched_pool_set(h->pool, more, h->now, &why);
    assert_refused(err, SCHED_EINVAL, &why, "ratelimit", TSLICE);
    assert_int_equal(h->pool->value[1], MS);
    assert_int_equal(sched_pool_set(h->pool, equal, h->now, &why), 0);
}

/* ---- weights ------------------------------------------------------------------------- */

/* Share of a pinned hog beside one of weight 256 that is pinned there too. */
static double pinned_share(int64_t weight, int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = pinned_hog(weight, 0);
    pinned_hog(256, 0);
    harness_run(h, 10 * SEC);
    return harness_share(h, u);
}

static void test_weights_hold_when_pinned(void **state)
{
    (void)state;
    assert_float_equal(pinned_share(512, 0), 66.7, 0.5);
}

/* Income comes from the whole pool, so nobody ever runs out. */
static void test_historic_weights_vanish_when_pinned(void **state)
{
    (void)state;
    assert_float_equal(pinned_share(512, 1), 50, 0.5);
}

static void test_historic_weights_hold_in_a_pool_of_one(void **state)
{
    (void)state;
    assert_float_equal(pinned_share(512, 1), 66.7, 1);
}

/* One pair 512:256, three 256:256, each pinned to a pCPU; 66.7 would be right. */
static void test_historic_weights_fade_among_pinned_pairs(void **state)
{
    (void)state;
    for (unsigned cpu = 1; cpu < 4; cpu++) {
        pinned_hog(256, cpu);
        pinned_hog(256, cpu);
    }
    assert_float_equal(pinned_share(512, 1), 55.3, 2);
}

static void test_weights_far_apart(void **state)
{
    (void)state;
    assert_float_equal(pinned_share(16384, 0), 98.46, 0.3);
}

static void test_new_weight_applies_at_once(void **state)
{
    (void)state;
    assert_new_weight_applies_within(5 * SEC);
}

static void test_weight_is_for_each_vcpu(void **state)
{
    (void)state;
    struct sched_unit *first = hog(256), *other = hog(256);
    struct sched_unit *second = harness_unit(h, first->domain, HARNESS_HOG, 0, 0);
    harness_run(h, 10 * SEC);
    assert_share(first, 33.3, 0.5);
    assert_share(second, 33.3, 0.5);
    assert_share(other, 33.3, 0.5);
}

/* ---- caps ------------------------------------------------------------------------------ */

static void test_cap_holds_in_any_window(void **state)
{
    (void)state;
    assert_cap_of_25_holds(TSLICE / 4);
}

static void test_cap_holds_after_a_long_sleep(void **state)
{
    (void)state;
    assert_true(excess_after_long_sleep(40) <= TSLICE * 40 / 100);
}

static void test_cap_follows_tslice(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    set(u, "cap", 50);
    set_pool("tslice", 100 * MS);
    harness_run(h, SEC);
    sched_block(u, h->now);
    harness_run(h, SEC);
    sched_wake(u, h->now);
    assert_in_range(worst_excess(u->domain, 50, SEC), 40 * MS, 50 * MS);
}

static void test_cap_may_be_more_than_one_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    set(u, "cap", 150);
    assert_true(worst_excess(u->domain, 150, 10 * SEC) <= TSLICE * 3 / 2);
    assert_in_range(domain_service(u->domain), 14975 * MS, 15025 * MS + TSLICE);
}

/* ---- slices ------------------------------------------------------------------------------ */

static void test_equals_take_turns_of_tslice(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    hog(256);
    harness_run(h, 12 * SEC);
    assert_in_range(harness_of(h, u)->switches, 198, 202);
    set_pool("tslice", 5 * MS);
    harness_mark(h);
    harness_run(h, 12 * SEC);
    assert_in_range(harness_of(h, u)->switches, 1195, 1205);
}

static void test_lighter_units_have_shorter_slices(void **state)
{
    (void)state;
    struct sched_unit *light = hog(256), *heavy = hog(1024);
    harness_run(h, 15 * SEC);
    assert_in_range(harness_of(h, light)->switches, 390, 410); /* 7.5 ms each */
    assert_in_range(harness_of(h, heavy)->switches, 390, 410);
}

static void test_ratelimit_delays_a_wake(void **state)
{
    (void)state;
    assert_int_equal(wait_for_ratelimit(10 * MS), 7 * MS);
}

static void test_wake_after_the_ratelimit_runs_at_once(void **state)
{
    (void)state;
    assert_int_equal(wait_for_ratelimit(3 * MS), 0);
}

/* ---- boost ------------------------------------------------------------------------------ */

static void test_boost_cuts_latency(void **state)
{
    (void)state;
    assert_short_waits_beside(4, 0.05);
}

/* It is owed as much as the first, which has had its tick and 2 ms. */
static void test_boost_ends_after_a_tick(void **state)
{
    (void)state;
    struct sched_unit *first = idle_unit();
    struct sched_unit *second = idle_unit();
    hog(256);
    harness_run(h, SEC);
    sched_wake(first, h->now);
    assert_int_equal(service_within(first, TSLICE / 3 + 2 * MS), TSLICE / 3 + 2 * MS);
    sched_wake(second, h->now);
    assert_true(service_within(second, 2 * MS) >= MS);
}

static void test_boosted_units_do_not_preempt_each_other(void **state)
{
    (void)state;
    struct sched_unit *first = idle_unit();
    struct sched_unit *second = idle_unit();
    hog(256);
    harness_run(h, SEC);
    sched_wake(first, h->now);
    harness_run(h, 2 * MS);
    sched_wake(second, h->now);
    assert_int_equal(service_within(first, 7 * MS), 7 * MS);
}

static void test_boosted_units_go_in_order_of_their_wakes(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = idle_unit();
    hog(256);
    harness_run(h, SEC);
    for (int i = 0; i < 3; i++)
        sched_wake(u[i], h->now);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(service_within(u[i], MS), MS);
        sched_block(u[i], h->now);
    }
}

/* A light unit is OVER after its burst, and waits its turn when it wakes. */
static void test_no_boost_beyond_the_share(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 5 * MS, MS);
    hog(2560);
    harness_run(h, 10 * SEC);
    assert_true(harness_share(h, u) <= 100.0 / 11 + 0.5);
    assert_true(harness_of(h, u)->longest_wait > 20 * MS);
}

/* A sleeper's credit is limited to one tslice. */
static void test_sleepers_keep_one_tslice(void **state)
{
    (void)state;
    assert_in_range(service_after_long_sleep(990 * MS), 495 * MS, 495 * MS + TSLICE);
}

/* ---- no theft --------------------------------------------------------------------------- */

/* The trap: awake between ticks only. */
static void test_sleep_across_ticks_steals_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_CYCLE, 9 * MS, MS) <= 33.8);
}

static void test_yield_before_accounting_steals_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_YIELD, TSLICE - 100 * US, 0) <= 33.8);
}

static void test_frequent_wakes_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_CYCLE, 500 * US, 10 * US) <= 33.8);
}

static void test_yield_lets_the_next_go(void **state)
{
    (void)state;
    struct sched_unit *yielder = harness_unit(h, NULL, HARNESS_YIELD, 100 * US, 0);
    struct sched_unit *other = hog(256);
    harness_run(h, SEC);
    assert_true(harness_of(h, other)->switches >= 30);
    assert_true(harness_share(h, yielder) <= 50.5);
    assert_int_equal(h->wasted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit", 1, test_limits_of_parameters),
        ON("credit", 1, test_ratelimit_above_tslice_is_refused),
        ON("credit", 2, test_cap_above_100_for_each_vcpu_is_refused),
        ON("credit", 2, test_weights_hold_when_pinned),
        ON("credit", 2, test_historic_weights_vanish_when_pinned),
        ON("credit", 1, test_historic_weights_hold_in_a_pool_of_one),
        ON("credit", 4, test_historic_weights_fade_among_pinned_pairs),
        ON("credit", 2, test_weights_far_apart),
        ON("credit", 2, test_weight_ratio_of_256),
        ON("credit", 1, test_new_weight_applies_at_once),
        ON("credit", 1, test_weight_is_for_each_vcpu),
        ON("credit", 2, test_three_hogs_share_two_pcpus),
        ON("credit", 1, test_cap_holds_in_any_window),
        ON("credit", 1, test_cap_holds_after_a_long_sleep),
        ON("credit", 1, test_cap_follows_tslice),
        ON("credit", 2, test_cap_may_be_more_than_one_pcpu),
        ON("credit", 1, test_others_use_what_a_cap_leaves),
        ON("credit", 1, test_cap_can_be_removed),
        ON("credit", 1, test_equals_take_turns_of_tslice),
        ON("credit", 1, test_lighter_units_have_shorter_slices),
        ON("credit", 1, test_ratelimit_delays_a_wake),
        ON("credit", 1, test_wake_after_the_ratelimit_runs_at_once),
        ON("credit", 1, test_boost_cuts_latency),
        ON("credit", 1, test_boost_ends_after_a_tick),
        ON("credit", 1, test_boosted_units_do_not_preempt_each_other),
        ON("credit", 1, test_boosted_units_go_in_order_of_their_wakes),
        ON("credit", 1, test_no_boost_beyond_the_share),
        ON("credit", 1, test_sleepers_keep_one_tslice),
        ON("credit", 1, test_sleep_across_ticks_steals_nothing),
        ON("credit", 1, test_yield_before_accounting_steals_nothing),
        ON("credit", 1, test_frequent_wakes_steal_nothing),
        ON("credit", 1, test_yield_lets_the_next_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
