/* SEDF: reservations, extra time by weight, admission, and what historic=1 changes. */
#include "reservations.h"

static int try_with_latency(struct sched_unit *u, sched_time period, sched_time slice,
                            sched_time latency, int extratime, struct sched_refusal *why)
{
    const int64_t value[] = {period, slice, latency, extratime, 0};
    return sched_unit_set(u, value, h->now, why);
}

int try_reserve(struct sched_unit *u, sched_time period, sched_time slice, int extratime,
                struct sched_refusal *why)
{
    return try_with_latency(u, period, slice, 0, extratime, why);
}

static struct sched_unit *weighted(int64_t weight)
{
    struct sched_unit *u = harness_hog(h);

    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "weight", weight), 0);
    return u;
}

/* ---- parameters --------------------------------------------------------------------- */

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
        {SCHED_PARAM_POOL, "admission", 1, 0, 1},
        {SCHED_PARAM_UNIT, "period", 100 * MS, 10 * US, 10 * SEC},
        {SCHED_PARAM_UNIT, "slice", 0, 0, 10 * SEC},
        {SCHED_PARAM_UNIT, "latency", 0, 0, 10 * SEC},
        {SCHED_PARAM_UNIT, "extratime", 1, 0, 1},
        {SCHED_PARAM_UNIT, "weight", 0, 0, 65535},
    };

    (void)state;
    assert_limits(limits, 7);
}

static void test_control_domain_has_a_reservation(void **state)
{
    (void)state;
    control_domain(800 * MS);
}

static void test_latency_above_the_period_is_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    int err = try_with_latency(idle_unit(), 10 * MS, MS, 10 * MS + 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "latency", 10 * MS);
}

/* A share is not a reservation: Xen's derived one changed with every neighbour. */
static void test_weight_without_extratime_is_refused(void **state)
{
    const int64_t value[] = {100 * MS, 0, 0, 0, 256};
    struct sched_refusal why;

    (void)state;
    int err = sched_unit_set(idle_unit(), value, h->now, &why);
    assert_refused(err, SCHED_EINVAL, &why, "weight", 0);
}

/* ---- latency ---------------------------------------------------------------------------- */

/* How much of the next 12 ms a unit gets that wakes beside one with the deadline in 38 ms. */
static sched_time service_after_wake(sched_time latency)
{
    struct sched_unit *u = idle_unit();

    assert_int_equal(try_with_latency(u, 100 * MS, 50 * MS, latency, 0, NULL), 0);
    server(50 * MS, 25 * MS);
    harness_run(h, 12 * MS);
    sched_wake(u, h->now);
    return service_within(u, 12 * MS);
}

static void test_latency_brings_a_part_of_the_slice_forward(void **state)
{
    (void)state;
    assert_int_equal(service_after_wake(10 * MS), 5 * MS);
}

static void test_without_latency_the_period_is_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(service_after_wake(0), 0);
}

/* ---- admission ----------------------------------------------------------------------------- */

static void test_pinning_is_refused_where_it_does_not_fit(void **state)
{
    struct sched_refusal why;
    const struct mask first = mask_of(1);

    (void)state;
    struct sched_unit *a = server(10 * MS, 6 * MS), *b = server(10 * MS, 6 * MS);
    harness_pin(h, a, 0);
    int err = sched_set_affinity(b, &first, NULL, h->now, &why);
    assert_no_room(err, &why, 400000);
    assert_int_equal(service_within(b, SEC), 600 * MS);
}

/* ---- extra time ----------------------------------------------------------------------- */

static void test_weights_share_extra_time(void **state)
{
    (void)state;
    struct sched_unit *heavy = weighted(512), *light = weighted(0); /* 0 is 256 */
    harness_pin(h, heavy, 0);
    harness_pin(h, light, 0);
    harness_run(h, 10 * SEC);
    assert_share(heavy, 66.7, 0.5);
    assert_share(light, 33.3, 0.5);
}

static void test_weight_ratio_of_256(void **state)
{
    (void)state;
    struct sched_unit *light = weighted(1);
    weighted(256);
    harness_run(h, 100 * SEC);
    assert_share(light, 100.0 / 257, 10.0 / 257);
}

/* The trap: weights were shares of one pCPU, whatever the others did. */
static void test_weights_hold_over_all_pcpus(void **state)
{
    (void)state;
    assert_three_share_two_pcpus(weighted(100), weighted(100), weighted(100));
}

static void test_reservation_is_not_paid_for_with_the_share(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(harness_hog(h), 100 * MS, 50 * MS, 1);
    struct sched_unit *other = harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_share(u, 75, 0.5);
    assert_share(other, 25, 0.5);
}

static void test_sleepers_bank_no_extra_time(void **state)
{
    (void)state;
    assert_in_range(service_after_long_sleep(SEC), 490 * MS, 510 * MS);
}

static void test_frequent_wakes_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_CYCLE, 4900 * US, 10 * US) <= 33.8);
}

static void test_frequent_yields_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_beside_two(HARNESS_YIELD, 400 * US, 0) <= 33.8);
}

/* ---- historic ------------------------------------------------------------------------- */

/* It goes first among those on extra time until it has got what it lost. */
static void test_historic_loss_is_made_good_from_extra_time(void **state)
{
    (void)state;
    set_pool("historic", 1);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 10 * MS, MS);
    reserve(u, 100 * MS, 50 * MS, 1);
    for (int i = 0; i < 9; i++)
        harness_hog(h);
    harness_run(h, 10 * SEC);
    assert_true(harness_share(h, u) >= 48);
}

static uint64_t switches_in_10_s(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = harness_hog(h);
    harness_hog(h);
    harness_run(h, 10 * SEC);
    return harness_of(h, u)->switches;
}

static void test_extra_time_comes_in_5_ms(void **state)
{
    (void)state;
    assert_in_range(switches_in_10_s(0), 990, 1010);
}

static void test_historic_extra_time_comes_in_500_us(void **state)
{
    (void)state;
    assert_in_range(switches_in_10_s(1), 9900, 10100);
}

/* A reservation leaves gaps of 400 us in each ms to two who would use them. */
static double use_of_short_gaps(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = reserve(harness_hog(h), MS, 600 * US, 1), *other = harness_hog(h);
    harness_run(h, SEC);
    return harness_share(h, u) + harness_share(h, other);
}

static void test_short_gaps_are_used(void **state)
{
    (void)state;
    assert_float_equal(use_of_short_gaps(0), 100, 0.1);
}

static void test_historic_short_gaps_stay_idle(void **state)
{
    (void)state;
    assert_float_equal(use_of_short_gaps(1), 60, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("sedf", 1, test_limits_of_parameters),
        ON("sedf", 1, test_control_domain_has_a_reservation),
        ON("sedf", 1, test_slices_are_5_us_to_the_period),
        ON("sedf", 1, test_latency_above_the_period_is_refused),
        ON("sedf", 1, test_weight_without_extratime_is_refused),
        ON("sedf", 1, test_slice_comes_in_every_period),
        ON("sedf", 1, test_without_extra_time_the_rest_stays_idle),
        ON("sedf", 1, test_neither_slice_nor_extra_time_never_runs),
        ON("sedf", 1, test_earlier_deadline_preempts_at_once),
        ON("sedf", 1, test_later_deadline_waits),
        ON("sedf", 1, test_budget_outlives_a_short_sleep),
        ON("sedf", 1, test_wake_too_late_begins_a_new_period),
        ON("sedf", 1, test_no_deadline_is_missed_at_95_per_cent),
        ON("sedf", 1, test_latency_brings_a_part_of_the_slice_forward),
        ON("sedf", 1, test_without_latency_the_period_is_the_deadline),
        ON("sedf", 1, test_overload_is_refused_and_says_what_is_free),
        ON("sedf", 1, test_admission_can_be_switched_off),
        ON("sedf", 2, test_reservations_are_packed),
        ON("sedf", 2, test_pinning_is_refused_where_it_does_not_fit),
        ON("sedf", 2, test_weights_share_extra_time),
        ON("sedf", 1, test_weight_ratio_of_256),
        ON("sedf", 2, test_weights_hold_over_all_pcpus),
        ON("sedf", 1, test_reservation_is_not_paid_for_with_the_share),
        ON("sedf", 1, test_sleepers_bank_no_extra_time),
        ON("sedf", 1, test_frequent_wakes_steal_nothing),
        ON("sedf", 1, test_frequent_yields_steal_nothing),
        ON("sedf", 1, test_short_sleep_keeps_the_slice),
        ON("sedf", 1, test_historic_short_sleep_loses_the_slice),
        ON("sedf", 1, test_historic_loss_is_made_good_from_extra_time),
        ON("sedf", 1, test_extra_time_comes_in_5_ms),
        ON("sedf", 1, test_historic_extra_time_comes_in_500_us),
        ON("sedf", 1, test_short_gaps_are_used),
        ON("sedf", 1, test_historic_short_gaps_stay_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
