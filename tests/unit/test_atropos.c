/* Atropos: reservations, slack in turns, latency, admission, and what historic=1 changes. */
#include "reservations.h"

#define TURN (5 * MS)

static int try_with_latency(struct sched_unit *u, sched_time period, sched_time slice,
                            sched_time latency, int xtratime, struct sched_refusal *why)
{
    const int64_t value[] = {period, slice, latency, xtratime};
    return sched_unit_set(u, value, h->now, why);
}

int try_reserve(struct sched_unit *u, sched_time period, sched_time slice, int xtratime,
                struct sched_refusal *why)
{
    return try_with_latency(u, period, slice, period, xtratime, why);
}

/* ---- parameters --------------------------------------------------------------------- */

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
        {SCHED_PARAM_POOL, "admission", 1, 0, 1},
        {SCHED_PARAM_UNIT, "period", 10 * SEC, 10 * US, 10 * SEC},
        {SCHED_PARAM_UNIT, "slice", 10 * MS, 0, 10 * SEC},
        {SCHED_PARAM_UNIT, "latency", 10 * SEC, 1, 10 * SEC},
        {SCHED_PARAM_UNIT, "xtratime", 1, 0, 1},
    };

    (void)state;
    assert_limits(limits, 6);
}

static void test_control_domain_has_a_reservation(void **state)
{
    (void)state;
    const struct sched_unit *u = control_domain(850 * MS);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "latency"), 5 * MS);
}

static void test_latency_above_the_period_is_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    int err = try_with_latency(idle_unit(), 10 * MS, MS, 10 * MS + 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "latency", 10 * MS);
}

/* ---- slack -------------------------------------------------------------------------------- */

static void test_slack_goes_round_in_turns(void **state)
{
    struct sched_unit *u[3], *turn[9];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = extra_hog();
    for (int i = 0; i < 9; i++) {
        harness_run(h, MS);
        turn[i] = h->pcpus[0]->current;
        harness_run(h, TURN - MS);
        assert_ptr_equal(turn[i], turn[i % 3]);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(harness_service(h, u[i]), 3 * TURN);
}

/* 7 ms of slack between the slices: were a turn lost, one would have 5 of 7, the other 2. */
static void test_interrupted_turn_goes_on(void **state)
{
    (void)state;
    server(8 * MS, MS);
    struct sched_unit *a = extra_hog(), *b = extra_hog();
    harness_run(h, 10 * SEC);
    assert_share(a, 43.75, 0.2);
    assert_share(b, 43.75, 0.2);
}

static void test_slack_is_not_charged_to_the_reservation(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(harness_hog(h), 100 * MS, 20 * MS, 1), *other = extra_hog();
    harness_run(h, 10 * SEC);
    assert_share(u, 60, 1);
    assert_share(other, 40, 1);
}

static void test_yield_ends_the_turn(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_YIELD, MS, 0);
    reserve(u, 10 * SEC, 0, 1);
    extra_hog();
    harness_run(h, 6 * SEC);
    assert_share(u, 100.0 / 6, 0.1);
}

static void test_frequent_wakes_steal_no_slack(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, TURN - 10 * US, 10 * US);
    reserve(u, 10 * SEC, 0, 1);
    extra_hog();
    extra_hog();
    harness_run(h, 10 * SEC);
    assert_true(harness_share(h, u) <= 33.7);
}

static void test_slack_is_shared_over_all_pcpus(void **state)
{
    (void)state;
    assert_three_share_two_pcpus(extra_hog(), extra_hog(), extra_hog());
}

/* ---- admission ---------------------------------------------------------------------- */

static void test_default_that_does_not_fit_lives_on_slack(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 10 * MS), *late = harness_hog(h);
    assert_int_equal(service_within(late, 20 * SEC), 0);
    reserve(u, 10 * MS, 9 * MS, 0);
    assert_in_range(service_within(late, 20 * SEC), 1990 * MS, 2010 * MS);
}

/* ---- latency, and historic ---------------------------------------------------------- */

/* 40 ms in 100 with a latency of 60: what it gets of them before those who are due after 80. */
static sched_time urgent_part(int historic)
{
    struct sched_unit *u = idle_unit();

    set_pool("historic", historic);
    assert_int_equal(try_with_latency(u, 100 * MS, 40 * MS, 60 * MS, 0, NULL), 0);
    server(80 * MS, 40 * MS);
    harness_run(h, 79 * MS);
    sched_wake(u, h->now);
    return service_within(u, 40 * MS);
}

static void test_latency_share_is_in_proportion(void **state)
{
    (void)state;
    assert_in_range(urgent_part(0), 24 * MS - US, 24 * MS);
}

/* The trap: period / latency is 1, so it is all of the slice. */
static void test_historic_latency_share_can_be_the_slice(void **state)
{
    (void)state;
    assert_int_equal(urgent_part(1), 40 * MS);
}

/* A unit with a reservation wakes 1 ms after another's turn on slack began. */
static sched_time wait_for_the_turn(int historic)
{
    struct sched_unit *u = reserve(idle_unit(), 100 * MS, 10 * MS, 0);

    extra_hog();
    extra_hog();
    set_pool("historic", historic);
    harness_run(h, SEC);
    harness_run(h, h->pcpus[0]->until - h->now + MS);
    sched_wake(u, h->now);
    harness_run(h, 20 * MS);
    return harness_of(h, u)->longest_wait;
}

static void test_wake_preempts_slack(void **state)
{
    (void)state;
    assert_int_equal(wait_for_the_turn(0), 0);
}

static void test_historic_wake_does_not_preempt(void **state)
{
    (void)state;
    assert_int_equal(wait_for_the_turn(1), 4 * MS);
}

static sched_time first_run(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = server(20 * MS, MS);
    return service_within(u, 20 * MS);
}

static void test_short_slices_are_exact(void **state)
{
    (void)state;
    assert_int_equal(first_run(0), MS);
}

static void test_historic_runs_last_for_5_ms(void **state)
{
    (void)state;
    assert_int_equal(first_run(1), 5 * MS);
}

/* What runs too long is taken from the next slices. */
static void test_historic_overrun_is_paid_back(void **state)
{
    (void)state;
    first_run(1);
    harness_run(h, 10 * SEC);
    assert_true(harness_service(h, h->units[0].unit) <= 510 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("atropos", 1, test_limits_of_parameters),
        ON("atropos", 1, test_control_domain_has_a_reservation),
        ON("atropos", 1, test_slices_are_5_us_to_the_period),
        ON("atropos", 1, test_latency_above_the_period_is_refused),
        ON("atropos", 1, test_slice_comes_in_every_period),
        ON("atropos", 1, test_without_extra_time_the_rest_stays_idle),
        ON("atropos", 1, test_neither_slice_nor_extra_time_never_runs),
        ON("atropos", 1, test_earlier_deadline_preempts_at_once),
        ON("atropos", 1, test_later_deadline_waits),
        ON("atropos", 1, test_budget_outlives_a_short_sleep),
        ON("atropos", 1, test_wake_too_late_begins_a_new_period),
        ON("atropos", 1, test_no_deadline_is_missed_at_95_per_cent),
        ON("atropos", 1, test_slack_goes_round_in_turns),
        ON("atropos", 1, test_interrupted_turn_goes_on),
        ON("atropos", 1, test_slack_is_not_charged_to_the_reservation),
        ON("atropos", 1, test_yield_ends_the_turn),
        ON("atropos", 1, test_frequent_wakes_steal_no_slack),
        ON("atropos", 2, test_slack_is_shared_over_all_pcpus),
        ON("atropos", 1, test_overload_is_refused_and_says_what_is_free),
        ON("atropos", 1, test_admission_can_be_switched_off),
        ON("atropos", 2, test_reservations_are_packed),
        ON("atropos", 1, test_default_that_does_not_fit_lives_on_slack),
        ON("atropos", 1, test_latency_share_is_in_proportion),
        ON("atropos", 1, test_historic_latency_share_can_be_the_slice),
        ON("atropos", 1, test_wake_preempts_slack),
        ON("atropos", 1, test_historic_wake_does_not_preempt),
        ON("atropos", 1, test_short_slices_are_exact),
        ON("atropos", 1, test_historic_runs_last_for_5_ms),
        ON("atropos", 1, test_historic_overrun_is_paid_back),
        ON("atropos", 1, test_short_sleep_keeps_the_slice),
        ON("atropos", 1, test_historic_short_sleep_loses_the_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
