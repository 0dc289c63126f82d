/* RTDS: budgets and deadlines, spare time, the wake rule, and historic=1. */
#include "reservations.h"

int try_reserve(struct sched_unit *u, sched_time period, sched_time budget, int extratime,
                struct sched_refusal *why)
{
    return sched_unit_set(u, (const int64_t[]){period, budget, extratime}, h->now, why);
}

/* ---- parameters --------------------------------------------------------------------- */

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "admission", 1, 0, 1},
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
        {SCHED_PARAM_UNIT, "period", 10 * MS, 10 * US, 3600 * SEC},
        {SCHED_PARAM_UNIT, "budget", 4 * MS, 10 * US, 3600 * SEC},
        {SCHED_PARAM_UNIT, "extratime", 1, 0, 1},
    };

    (void)state;
    assert_limits(limits, 5);
}

static void test_budget_above_the_period_is_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    int err = try_reserve(idle_unit(), 5 * MS, 5 * MS + 1, 1, &why);
    assert_refused(err, SCHED_EINVAL, &why, "budget", 5 * MS);
}

/* ---- budgets ------------------------------------------------------------------------- */

static void test_budget_comes_once_a_period(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 4 * MS);
    for (int period = 0; period < 3; period++) {
        assert_int_equal(service_within(u, 4 * MS), 4 * MS);
        assert_int_equal(service_within(u, 6 * MS), 0);
    }
}

static void test_what_it_ran_too_long_is_paid_back(void **state)
{
    (void)state;
    struct sched_unit *u = server(10 * MS, 4 * MS);
    harness_run(h, MS);
    h->now += 27 * MS; /* nobody decides meanwhile */
    assert_int_equal(service_within(u, 42 * MS), 0);
    for (int period = 0; period < 3; period++)
        assert_int_equal(service_within(u, 10 * MS), 4 * MS);
}

/* When it is due to stop that has run `ran` of spare time in budgets of 4 ms. */
static sched_time due_after(sched_time ran)
{
    reserve(harness_hog(h), 100 * MS, 4 * MS, 1);
    harness_run(h, MS);
    h->now += ran - MS; /* nobody decides meanwhile */
    harness_run(h, 1);
    return h->due[0];
}

static void test_spare_time_pays_back_too(void **state)
{
    (void)state;
    assert_int_equal(due_after(7 * MS), 8 * MS);
}

/* A slice of less than the least budget would be over before the switch to it is. */
static void test_no_slice_is_shorter_than_the_least_budget(void **state)
{
    (void)state;
    assert_int_equal(due_after(8 * MS - 5 * US), 12 * MS);
}

static void test_extratime_uses_what_is_left(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal(service_within(u, SEC), SEC);
}

static void test_extratime_is_shared_by_utilisation(void **state)
{
    (void)state;
    struct sched_unit *big = reserve(harness_hog(h), 100 * MS, 4 * MS, 1);
    struct sched_unit *small = reserve(harness_hog(h), 100 * MS, 2 * MS, 1);
    harness_run(h, 10 * SEC);
    assert_share(big, 66.7, 2);
    assert_share(small, 33.3, 2);
}

static void test_extratime_takes_nothing_from_reservations(void **state)
{
    (void)state;
    struct sched_unit *u = server(20 * MS, 10 * MS);
    reserve(harness_hog(h), 10 * MS, MS, 1);
    harness_run(h, SEC);
    assert_share(u, 50, 0.01);
}

static void test_deadline_brings_the_budget_back_from_spare_time(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(harness_hog(h), 10 * MS, 4 * MS, 1),
                      *late = server(SEC, SEC / 2);
    for (int period = 0; period < 5; period++) {
        assert_int_equal(service_within(u, 4 * MS), 4 * MS);
        assert_int_equal(service_within(late, 6 * MS), 6 * MS);
    }
}

static void test_yield_keeps_the_budget(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_YIELD, 100 * US, 0);
    reserve(u, 10 * MS, 5 * MS, 0);
    server(10 * MS, 5 * MS);
    harness_run(h, SEC);
    assert_share(u, 50, 0.1);
}

/* ---- deadlines -------------------------------------------------------------------------- */

static void test_latest_deadline_is_preempted(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 10 * MS, MS, 0);
    struct sched_unit *late = server(100 * MS, 50 * MS), *early = server(50 * MS, 25 * MS);
    harness_run(h, MS);
    int cpu = runs_on(late), kept = runs_on(early);
    sched_wake(u, h->now);
    harness_run(h, 100 * US);
    assert_int_equal(runs_on(u), cpu);
    assert_int_equal(runs_on(early), kept);
}

/* Twelve run, each due 10 ms later than the one before; who makes way for a unit with `allowed`. */
static unsigned makes_way(uint64_t allowed)
{
    struct sched_unit *u = reserve(idle_unit(), 10 * MS, MS, 0), *runs[12];

    for (int i = 0; i < 12; i++)
        runs[i] = server((100 + 10 * i) * MS, 10 * MS);
    harness_run(h, MS);
    for (int i = 0; i < 12; i++)
        assert_int_equal(runs_on(runs[i]), i);
    allow(u, allowed);
    sched_wake(u, h->now);
    harness_run(h, 100 * US);
    assert_int_equal(u->state, SCHED_RUNNING);
    return u->home->id;
}

static void test_latest_of_many_is_preempted(void **state)
{
    (void)state;
    assert_int_equal(makes_way(0xfff), 11);
}

static void test_latest_of_many_allowed_is_preempted(void **state)
{
    (void)state;
    assert_int_equal(makes_way(0x3fe), 9);
}

static void test_idle_pcpu_is_taken_preferred_or_not(void **state)
{
    (void)state;
    struct sched_unit *busy = server(10 * MS, 6 * MS);
    struct sched_unit *a = reserve(idle_unit(), 100 * MS, MS, 0);
    struct sched_unit *b = reserve(idle_unit(), 100 * MS, MS, 0);
    harness_pin(h, busy, 0);
    prefer(a, 4);
    prefer(b, 1);
    harness_run(h, 100 * US);
    sched_wake(a, h->now);
    harness_run(h, 100 * US);
    sched_wake(b, h->now);
    harness_run(h, 100 * US);
    assert_int_equal(runs_on(a), 2);
    assert_int_equal(runs_on(b), 1);
}

/* A pinned unit takes the pCPU of the second in line, which takes that of the third. */
static void test_displaced_unit_displaces_the_next(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 10 * MS, MS, 0);
    struct sched_unit *late = server(100 * MS, 50 * MS), *early = server(50 * MS, 25 * MS);
    harness_run(h, MS);
    int cpu = runs_on(early), other = runs_on(late);
    harness_pin(h, u, (unsigned)cpu);
    sched_wake(u, h->now);
    harness_run(h, 100 * US);
    assert_int_equal(runs_on(u), cpu);
    assert_int_equal(runs_on(early), other);
    harness_run(h, MS);
    assert_int_equal(runs_on(late), cpu);
}

static void test_displaced_unit_goes_to_an_idle_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = reserve(idle_unit(), 10 * MS, 5 * MS, 0);
    struct sched_unit *late = server(100 * MS, 50 * MS);
    harness_run(h, MS);
    harness_pin(h, u, (unsigned)runs_on(late));
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 5 * MS), 5 * MS);
    assert_int_equal(harness_service(h, late), 5 * MS);
}

static void test_no_deadline_is_missed_on_two_pcpus(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    u[0] = task(10 * MS, 6 * MS);
    harness_run(h, 1234 * US);
    u[1] = task(7 * MS, 4200 * US);
    harness_run(h, 3210 * US);
    u[2] = task(25 * MS, 5 * MS);
    harness_run(h, 100 * SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(harness_of(h, u[i])->misses, 0);
}

static unsigned misses_traced;

static void count_misses(void *ctx, const struct sched_event *e)
{
    (void)ctx;
    misses_traced += e->kind == SCHED_EV_MISS;
}

/* Both want all that they reserve, 60 % each. */
static void test_missed_deadlines_are_traced(void **state)
{
    (void)state;
    set_pool("admission", 0);
    misses_traced = 0;
    h->env.trace = count_misses;
    server(10 * MS, 6 * MS);
    harness_run(h, SEC);
    assert_int_equal(misses_traced, 0);
    server(10 * MS, 6 * MS);
    harness_run(h, SEC);
    assert_in_range(misses_traced, 90, 110);
}

/* ---- the wake rule ------------------------------------------------------------------------ */

/* The deferrable server: all of two budgets, back to back. */
static void test_historic_wake_keeps_the_period(void **state)
{
    (void)state;
    set_pool("historic", 1);
    assert_int_equal(service_after_sleep(5 * MS), 3 * MS + 4 * MS);
}

/* U = 1, but jobs out of phase with the periods of a server that has slept. */
static uint64_t misses_beside_a_sleeper(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *sleeper = reserve(idle_unit(), 10 * MS, 5 * MS, 0);
    harness_run(h, 5 * MS);
    struct sched_unit *u = task(7 * MS, 3500 * US);
    sched_wake(sleeper, h->now);
    harness_run(h, 20 * MS);
    return harness_of(h, u)->misses;
}

static void test_sleeper_makes_nobody_miss(void **state)
{
    (void)state;
    assert_int_equal(misses_beside_a_sleeper(0), 0);
}

static void test_historic_sleeper_makes_others_miss(void **state)
{
    (void)state;
    assert_true(misses_beside_a_sleeper(1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rtds", 1, test_limits_of_parameters),
        ON("rtds", 1, test_budget_above_the_period_is_refused),
        ON("rtds", 1, test_budget_comes_once_a_period),
        ON("rtds", 1, test_what_it_ran_too_long_is_paid_back),
        ON("rtds", 1, test_spare_time_pays_back_too),
        ON("rtds", 1, test_no_slice_is_shorter_than_the_least_budget),
        ON("rtds", 1, test_without_extra_time_the_rest_stays_idle),
        ON("rtds", 1, test_extratime_uses_what_is_left),
        ON("rtds", 1, test_extratime_is_shared_by_utilisation),
        ON("rtds", 1, test_extratime_takes_nothing_from_reservations),
        ON("rtds", 1, test_deadline_brings_the_budget_back_from_spare_time),
        ON("rtds", 1, test_yield_keeps_the_budget),
        ON("rtds", 1, test_earlier_deadline_preempts_at_once),
        ON("rtds", 1, test_later_deadline_waits),
        ON("rtds", 2, test_latest_deadline_is_preempted),
        ON("rtds", 12, test_latest_of_many_is_preempted),
        ON("rtds", 12, test_latest_of_many_allowed_is_preempted),
        ON("rtds", 3, test_idle_pcpu_is_taken_preferred_or_not),
        ON("rtds", 2, test_displaced_unit_displaces_the_next),
        ON("rtds", 2, test_displaced_unit_goes_to_an_idle_pcpu),
        ON("rtds", 1, test_no_deadline_is_missed_at_95_per_cent),
        ON("rtds", 2, test_no_deadline_is_missed_on_two_pcpus),
        ON("rtds", 1, test_missed_deadlines_are_traced),
        ON("rtds", 1, test_budget_outlives_a_short_sleep),
        ON("rtds", 1, test_wake_too_late_begins_a_new_period),
        ON("rtds", 1, test_historic_wake_keeps_the_period),
        ON("rtds", 1, test_sleeper_makes_nobody_miss),
        ON("rtds", 1, test_historic_sleeper_makes_others_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
