/* Atropos: reservations, slack in turns, latency, admission, and what historic=1 changes. */
#include "contract.h"

#define TURN (5 * MS)

static int try_reserve(struct sched_unit *u, sched_time period, sched_time slice,
                       sched_time latency, int xtratime, struct sched_refusal *why)
{
    const int64_t value[] = {period, slice, latency, xtratime};
    return sched_unit_set(u, value, h->now, why);
}

static struct sched_unit *reserve(struct sched_unit *u, sched_time period, sched_time slice,
                                  int xtratime)
{
    assert_int_equal(try_reserve(u, period, slice, period, xtratime, NULL), 0);
    return u;
}

/* Without slack. */
static struct sched_unit *server(sched_time period, sched_time slice)
{
    return reserve(harness_hog(h), period, slice, 0);
}

/* Without a reservation. */
static struct sched_unit *slack_hog(void)
{
    return reserve(harness_hog(h), 10 * SEC, 0, 1);
}

/* A task of as much work as it reserves. */
static struct sched_unit *task(sched_time period, sched_time slice)
{
    return reserve(harness_unit(h, NULL, HARNESS_PERIODIC, slice, period), period, slice, 0);
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
    struct sched_domain *d = harness_domain(h);
    d->privileged = true;
    struct sched_unit *u = harness_unit(h, d, HARNESS_HOG, 0, 0);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "period"), 20 * MS);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "slice"), 15 * MS);
    assert_int_equal(value_of(u, SCHED_PARAM_UNIT, "latency"), 5 * MS);
    for (int i = 0; i < 9; i++)
        harness_hog(h);
    assert_in_range(service_within(u, SEC), 750 * MS, 850 * MS);
}

static void test_slice_and_latency_are_up_to_the_period(void **state)
{
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = idle_unit();
    int err = try_reserve(u, 10 * MS, 10 * MS + 1, 10 * MS, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "slice", 10 * MS);
    err = try_reserve(u, 10 * MS, 5 * US - 1, 10 * MS, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "slice", 5 * US);
    err = try_reserve(u, 10 * MS, MS, 10 * MS + 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "latency", 10 * MS);
    assert_int_equal(try_reserve(u, 10 * MS, 10 * MS, 10 * MS, 1, &why), 0);
}

/* ---- reservations ---------------------------------------------------------------------- */

static void test_slice_comes_in_every_period(void **state)
{
    (void)state;
    struct sched_unit *u = server(20 * MS, 5 * MS);
    for (int i = 0; i < 3; i++)
        slack_hog();
    for (int period = 0; period < 10; period++)
        assert_int_equal(service_within(u, 20 * MS), 5 * MS);
}

static void test_without_xtratime_the_rest_stays_idle(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 4 * MS);
    assert_int_equal(service_within(u, SEC), 400 * MS);
    reserve(u, 10 * MS, 4 * MS, 1);
    assert_int_equal(service_within(u, SEC), SEC);
}

static void test_neither_slice_nor_xtratime_never_runs(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 0);
    assert_int_equal(service_within(u, 20 * SEC), 0);
}

static void test_later_deadline_waits(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 100 * MS, 20 * MS, 0);
    server(10 * MS, 5 * MS);
    harness_run(h, 11 * MS);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 4 * MS), 0);
    assert_int_equal(service_within(u, 5 * MS), 5 * MS);
}

/* 3 ms until 10 ms, 2 ms of the next slice. */
static void test_slice_outlives_a_short_sleep(void **state)
{
    (void)state;
    assert_int_equal(service_after_sleep(server(10 * MS, 4 * MS), 2 * MS), 3 * MS + 2 * MS);
}

static void test_wake_too_late_begins_a_new_period(void **state)
{
    (void)state;
    assert_int_equal(service_after_sleep(server(10 * MS, 4 * MS), 5 * MS), 4 * MS);
}

static void test_no_deadline_is_missed_at_95_per_cent(void **state)
{
    (void)state;
    assert_no_misses_at_95_percent(task);
}

/* ---- slack -------------------------------------------------------------------------------- */

static void test_slack_goes_round_in_turns(void **state)
{
    struct sched_unit *u[3], *turn[9];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = slack_hog();
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
    struct sched_unit *a = slack_hog(), *b = slack_hog();
    harness_run(h, 10 * SEC);
    assert_share(a, 43.75, 0.2);
    assert_share(b, 43.75, 0.2);
}

static void test_slack_is_not_charged_to_the_reservation(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(harness_hog(h), 100 * MS, 20 * MS, 1), *other = slack_hog();
    harness_run(h, 10 * SEC);
    assert_share(u, 60, 1);
    assert_share(other, 40, 1);
}

static void test_yield_ends_the_turn(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_YIELD, MS, 0);
    reserve(u, 10 * SEC, 0, 1);
    slack_hog();
    harness_run(h, 6 * SEC);
    assert_share(u, 100.0 / 6, 0.1);
}

static void test_frequent_wakes_steal_no_slack(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, TURN - 10 * US, 10 * US);
    reserve(u, 10 * SEC, 0, 1);
    slack_hog();
    slack_hog();
    harness_run(h, 10 * SEC);
    assert_true(harness_share(h, u) <= 33.7);
}

static void test_slack_is_shared_over_all_pcpus(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = slack_hog();
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 3; i++)
        assert_share(u[i], 66.7, 1);
    assert_int_equal(h->wasted, 0);
}

/* ---- admission ---------------------------------------------------------------------------------
 */

static void test_overload_is_refused_and_says_what_is_free(void **state)
{
    struct sched_refusal why;

    (void)state;
    server(10 * MS, 6 * MS);
    struct sched_unit *u = server(10 * MS, 2 * MS);
    int err = try_reserve(u, 20 * MS, 9 * MS, 20 * MS, 0, &why);
    assert_no_room(err, &why, 400000);
    assert_int_equal(service_within(u, SEC), 200 * MS); /* as before */
    reserve(u, 20 * MS, 8 * MS, 0);
}

static void test_admission_can_be_switched_off(void **state)
{
    (void)state;
    set_pool("admission", 0);
    struct sched_unit *a = server(10 * MS, 8 * MS), *b = server(10 * MS, 8 * MS);
    harness_run(h, SEC);
    assert_float_equal(harness_share(h, a) + harness_share(h, b), 100, 0.01);
}

static void test_reservations_are_packed(void **state)
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

static void test_default_that_does_not_fit_lives_on_slack(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 10 * MS), *late = harness_hog(h);
    assert_int_equal(service_within(late, 20 * SEC), 0);
    reserve(u, 10 * MS, 9 * MS, 0);
    assert_in_range(service_within(late, 20 * SEC), 1990 * MS, 2010 * MS);
}

/* ---- latency, and historic
 * ------------------------------------------------------------------------ */

/* 40 ms in 100 with a latency of 60: what it gets of them before those who are due after 80. */
static sched_time urgent_part(int historic)
{
    struct sched_unit *u = idle_unit();

    set_pool("historic", historic);
    assert_int_equal(try_reserve(u, 100 * MS, 40 * MS, 60 * MS, 0, NULL), 0);
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

    slack_hog();
    slack_hog();
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

/* Reserves half, sleeps for 1 ms after each 10. */
static sched_time service_of_short_sleeper(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 10 * MS, MS);
    reserve(u, 100 * MS, 50 * MS, 0);
    return service_within(u, 100 * MS);
}

static void test_short_sleep_keeps_the_slice(void **state)
{
    (void)state;
    assert_int_equal(service_of_short_sleeper(0), 50 * MS);
}

static void test_historic_short_sleep_loses_the_slice(void **state)
{
    (void)state;
    assert_int_equal(service_of_short_sleeper(1), 10 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("atropos", 1, test_limits_of_parameters),
        ON("atropos", 1, test_control_domain_has_a_reservation),
        ON("atropos", 1, test_slice_and_latency_are_up_to_the_period),
        ON("atropos", 1, test_slice_comes_in_every_period),
        ON("atropos", 1, test_without_xtratime_the_rest_stays_idle),
        ON("atropos", 1, test_neither_slice_nor_xtratime_never_runs),
        ON("atropos", 1, test_later_deadline_waits),
        ON("atropos", 1, test_slice_outlives_a_short_sleep),
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
