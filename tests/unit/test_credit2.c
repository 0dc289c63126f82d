/* Credit2: weights within a second, caps in any window, slices and latency, and historic=1. */
#include "weights_and_caps.h"

#define CREDIT_INIT (10 * MS)
#define CAP_PERIOD  (10 * MS)

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "ratelimit", MS, 0, 500 * MS},
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
        {SCHED_PARAM_DOMAIN, "weight", 256, 1, 65535},
        {SCHED_PARAM_DOMAIN, "cap", 0, 0, 100 * 65535},
    };

    (void)state;
    assert_limits(limits, 4);
}

/* ---- weights ------------------------------------------------------------------------- */

static void test_weights_hold_within_a_second_when_pinned(void **state)
{
    (void)state;
    struct sched_unit *heavy = pinned_hog(512, 0), *light = pinned_hog(256, 0);
    for (int second = 0; second < 10; second++) {
        harness_mark(h);
        harness_run(h, SEC);
        assert_share(heavy, 66.7, 1);
        assert_share(light, 33.3, 1);
    }
}

/* The trap: in Xen a lone neighbour in the same runqueue moves it to 0.75. */
static void test_neighbour_does_not_bend_the_weights(void **state)
{
    (void)state;
    struct sched_unit *heavy = pinned_hog(1024, 0), *neighbour = pinned_hog(256, 1);
    pinned_hog(256, 0);
    harness_run(h, 10 * SEC);
    assert_share(heavy, 80, 0.5);
    assert_share(neighbour, 100, 0);
}

static double heavy_share(int64_t weight, int historic)
{
    set_pool("historic", historic);
    struct sched_unit *heavy = hog(weight);
    hog(256);
    harness_run(h, 10 * SEC);
    return harness_share(h, heavy);
}

static void test_weights_far_apart(void **state)
{
    (void)state;
    assert_float_equal(heavy_share(16384, 0), 98.46, 0.5);
}

/* Overdrafts beyond 10 ms of credit are forgiven. */
static void test_historic_weights_are_clamped(void **state)
{
    (void)state;
    assert_float_equal(heavy_share(16384, 1), 94.5, 1.5);
}

static void test_historic_weights_within_the_clamp_hold(void **state)
{
    (void)state;
    assert_float_equal(heavy_share(512, 1), 66.7, 0.5);
}

static void test_new_weight_applies_at_once(void **state)
{
    (void)state;
    assert_new_weight_applies_within(SEC);
}

static void test_seven_hogs_share_four_pcpus_within_a_second(void **state)
{
    struct sched_unit *u[7];

    (void)state;
    for (int i = 0; i < 7; i++)
        u[i] = hog(256);
    harness_run(h, 3 * SEC);
    harness_mark(h);
    harness_run(h, SEC);
    for (int i = 0; i < 7; i++)
        assert_share(u[i], 400.0 / 7, 1);
    assert_int_equal(h->wasted, 0);
}

/* ---- caps ------------------------------------------------------------------------------ */

static void test_cap_holds_in_any_window(void **state)
{
    (void)state;
    assert_cap_of_25_holds(CAP_PERIOD / 4);
}

/* The trap: a budget refilled once a period allows twice that. */
static void test_cap_holds_after_a_long_sleep(void **state)
{
    (void)state;
    assert_in_range(excess_after_long_sleep(60), CAP_PERIOD / 5, CAP_PERIOD * 60 / 100);
}

/* A sibling that wakes while the bucket is empty parks, and must not come back with seconds owed. */
static void test_capped_sleeper_banks_nothing(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *sibling = harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    struct sched_unit *late = harness_unit(h, u->domain, HARNESS_IDLE, 0, 0);
    set(u, "cap", 60);
    harness_run(h, 10 * SEC + 7 * MS);
    sched_wake(late, h->now);
    harness_mark(h);
    harness_run(h, SEC);
    assert_share(u, 20, 2);
    assert_share(sibling, 20, 2);
    assert_share(late, 20, 2);
}

static void test_vcpus_share_the_cap(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    u[0] = hog(256);
    for (int i = 1; i < 3; i++)
        u[i] = harness_unit(h, u[0]->domain, HARNESS_HOG, 0, 0);
    set(u[0], "cap", 90);
    assert_true(worst_excess(u[0]->domain, 90, 10 * SEC) <= CAP_PERIOD * 90 / 100);
    for (int i = 0; i < 3; i++)
        assert_share(u[i], 30, 2);
    assert_in_range(domain_service(u[0]->domain), 8975 * MS, 9025 * MS);
}

static void test_historic_caps_hold_too(void **state)
{
    (void)state;
    set_pool("historic", 1);
    struct sched_unit *u = hog(256);
    set(u, "cap", 25);
    assert_true(worst_excess(u->domain, 25, 10 * SEC) <= CAP_PERIOD / 4);
}

/* ---- slices ------------------------------------------------------------------------------ */

/* Mean length of the turns of two equal hogs. */
static sched_time turn(sched_time ratelimit)
{
    struct sched_unit *u = hog(256);

    hog(256);
    set_pool("ratelimit", ratelimit);
    harness_run(h, 10 * SEC);
    return harness_service(h, u) / (sched_time)harness_of(h, u)->switches;
}

static void test_turns_last_for_the_ratelimit(void **state)
{
    (void)state;
    assert_in_range(turn(20 * MS), 19900 * US, 21 * MS);
}

static void test_turns_last_for_500_us_without_a_ratelimit(void **state)
{
    (void)state;
    assert_in_range(turn(0), 499 * US, MS);
}

/* The heavy one could go on for 256 times as long. */
static void test_slices_last_for_10_ms_at_most(void **state)
{
    (void)state;
    hog(1);
    hog(65535);
    harness_run(h, 10 * SEC);
    assert_in_range(h->decisions, 990, 1100);
}

static void test_ratelimit_delays_a_wake(void **state)
{
    (void)state;
    assert_in_range(wait_for_ratelimit(10 * MS), 7 * MS - 50 * US, 7 * MS);
}

static void test_waker_that_is_owed_more_runs_at_once(void **state)
{
    (void)state;
    struct sched_unit *sleeper = idle_unit();
    hog(256);
    harness_run(h, SEC);
    sched_wake(sleeper, h->now);
    assert_int_equal(service_within(sleeper, 10 * MS), 10 * MS);
}

static void test_waker_that_is_owed_less_waits(void **state)
{
    (void)state;
    struct sched_unit *light = hog(16), *heavy = hog(256);
    harness_run(h, SEC);
    while (runs_on(light) < 0)
        harness_run(h, 100 * US);
    harness_run(h, 900 * US);
    sched_block(light, h->now); /* 16 times as far ahead as it ran */
    harness_run(h, MS);
    sched_wake(light, h->now);
    assert_int_equal(service_within(heavy, 5 * MS), 5 * MS);
}

/* A sleeper comes back with no more than a reset gives, and the carry-over. */
static void test_sleepers_keep_little_credit(void **state)
{
    (void)state;
    assert_in_range(service_after_long_sleep(SEC), 500 * MS + CREDIT_INIT / 2 - MS,
                    500 * MS + CREDIT_INIT / 2 + MS);
}

static void test_latency_is_the_ratelimit_at_most(void **state)
{
    (void)state;
    assert_short_waits_beside(16, 0.1);
}

/* ---- no theft -------------------------------------------------------------------------------- */

static void test_sleep_across_resets_steals_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_CYCLE, 9 * MS, MS) <= 33.8);
}

static void test_frequent_wakes_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_CYCLE, 400 * US, 10 * US) <= 33.8);
}

static void test_frequent_yields_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_YIELD, 450 * US, 0) <= 33.8);
}

static void test_yield_lets_the_next_go(void **state)
{
    (void)state;
    struct sched_unit *yielder = idle_unit(), *other = hog(256);
    harness_run(h, SEC);
    sched_wake(yielder, h->now);
    harness_run(h, 2 * MS);
    sched_unit_yield(yielder, h->now);
    assert_in_range(service_within(other, MS), 950 * US, MS);
    assert_int_equal(service_within(yielder, MS), MS); /* it is owed more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit2", 1, test_limits_of_parameters),
        ON("credit2", 1, test_cap_above_100_for_each_vcpu_is_refused),
        ON("credit2", 2, test_weights_hold_within_a_second_when_pinned),
        ON("credit2", 2, test_neighbour_does_not_bend_the_weights),
        ON("credit2", 2, test_weight_ratio_of_256),
        ON("credit2", 1, test_weights_far_apart),
        ON("credit2", 1, test_historic_weights_are_clamped),
        ON("credit2", 1, test_historic_weights_within_the_clamp_hold),
        ON("credit2", 1, test_new_weight_applies_at_once),
        ON("credit2", 4, test_seven_hogs_share_four_pcpus_within_a_second),
        ON("credit2", 1, test_cap_holds_in_any_window),
        ON("credit2", 1, test_cap_holds_after_a_long_sleep),
        ON("credit2", 2, test_vcpus_share_the_cap),
        ON("credit2", 2, test_capped_sleeper_banks_nothing),
        ON("credit2", 1, test_others_use_what_a_cap_leaves),
        ON("credit2", 1, test_historic_caps_hold_too),
        ON("credit2", 1, test_cap_can_be_removed),
        ON("credit2", 1, test_turns_last_for_the_ratelimit),
        ON("credit2", 1, test_turns_last_for_500_us_without_a_ratelimit),
        ON("credit2", 1, test_slices_last_for_10_ms_at_most),
        ON("credit2", 1, test_ratelimit_delays_a_wake),
        ON("credit2", 1, test_waker_that_is_owed_more_runs_at_once),
        ON("credit2", 1, test_waker_that_is_owed_less_waits),
        ON("credit2", 1, test_sleepers_keep_little_credit),
        ON("credit2", 4, test_latency_is_the_ratelimit_at_most),
        ON("credit2", 1, test_sleep_across_resets_steals_nothing),
        ON("credit2", 1, test_frequent_wakes_steal_nothing),
        ON("credit2", 1, test_frequent_yields_steal_nothing),
        ON("credit2", 1, test_yield_lets_the_next_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
