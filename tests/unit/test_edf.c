/* Reservations served earliest deadline first: the rules for one server, queues, and parameters. */
#include "../../sched/admission.h"
#include "../../sched/edf.h"
#include "fixture.h"

/* ---- one server, of 50 ms in 100 ms, by hand ---------------------------------------------- */

#define SLICE  (50 * MS)
#define PERIOD (100 * MS)

static struct sched sched;
static struct sched_env env;
static struct sched_pool pool;
static struct sched_pcpu pcpu, pcpu2;
static struct sched_domain dom;
static struct sched_unit unit;
static struct edf_server s;
static struct sched_event last_event;
static unsigned events;

static void on_trace(void *ctx, const struct sched_event *e)
{
    (void)ctx;
    last_event = *e;
    events++;
}

static int server_begin(void **state)
{
    (void)state;
    env = (struct sched_env){.trace = on_trace};
    sched = (struct sched){.env = &env};
    pool = (struct sched_pool){.sched = &sched};
    pcpu = pcpu2 = (struct sched_pcpu){.pool = &pool};
    dom = (struct sched_domain){.pool = &pool};
    s = (struct edf_server){0};
    unit = (struct sched_unit){.domain = &dom, .home = &pcpu, .data = &s, .reserved = UTIL_ONE / 2};
    unit.value[EDF_PERIOD] = PERIOD;
    unit.value[EDF_SLICE] = SLICE;
    edf_unit_init(&unit, 0);
    events = 0;
    return 0;
}

static int64_t wake(sched_time now)
{
    return edf_refresh(&unit, SCHED_WOKEN, now);
}

static int64_t requeue(sched_time now)
{
    return edf_refresh(&unit, SCHED_PREEMPTED, now);
}

static void assert_server(int64_t remain, sched_time deadline)
{
    assert_int_equal(s.remain, remain);
    assert_int_equal(s.deadline, deadline);
}

static void test_renewal_rule(void **state)
{
    (void)state;
    assert_true(edf_cbs_renew(1, 10, 50, 100, 10));  /* deadline past */
    assert_false(edf_cbs_renew(5, 20, 50, 100, 10)); /* exactly its rate */
    assert_true(edf_cbs_renew(6, 20, 50, 100, 10));
    assert_true(edf_cbs_renew(10 * SEC, 10 * SEC, 10 * SEC - 1, 10 * SEC, 0)); /* no overflow */
}

static void test_first_period_begins_at_once(void **state)
{
    (void)state;
    assert_int_equal(wake(7 * MS), 0);
    assert_server(SLICE, 107 * MS);
    assert_true(edf_has_time(&s));
    assert_int_equal(s.rate, UTIL_ONE / 2);
}

static void test_without_admission_there_is_no_reservation(void **state)
{
    (void)state;
    unit.reserved = 0;
    wake(0);
    assert_int_equal(s.slice, 0);
    assert_false(edf_has_time(&s));
}

static void test_who_may_use_slack(void **state)
{
    (void)state;
    assert_false(edf_takes_slack(&unit));
    unit.value[EDF_SLACK] = 1;
    assert_true(edf_takes_slack(&unit));
    unit.value[EDF_SLACK] = 0;
    unit.reserved = 0; /* not admitted */
    assert_true(edf_takes_slack(&unit));
    unit.value[EDF_SLICE] = 0; /* wants neither */
    assert_false(edf_takes_slack(&unit));
}

static void test_sleeper_within_its_rate_keeps_its_deadline(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 30 * MS);
    wake(60 * MS); /* 20 left, 40 to go */
    assert_server(20 * MS, 100 * MS);
}

static void test_sleeper_that_comes_too_late_begins_anew(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 30 * MS);
    wake(61 * MS);
    assert_server(SLICE, 161 * MS);
}

static void test_used_up_waits_for_the_end_of_the_period(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, SLICE);
    wake(99 * MS);
    assert_server(0, 100 * MS);
    wake(100 * MS);
    assert_server(SLICE, 200 * MS);
}

static void test_running_too_long_is_taken_from_the_next_slice(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, SLICE + MS);
    requeue(100 * MS);
    assert_server(SLICE - MS, 200 * MS);
    edf_charge(&s, SLICE + MS);
    wake(205 * MS);
    assert_server(SLICE - 2 * MS, 305 * MS);
}

static void test_large_debt_takes_several_periods(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 4 * SLICE);
    requeue(250 * MS);
    assert_server(-SLICE, 300 * MS);
    requeue(1000 * MS);
    assert_server(SLICE, 1100 * MS);
    assert_int_equal(events, 0);
}

static void test_deadline_passed_with_time_left_is_a_miss(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 20 * MS);
    requeue(99 * MS);
    assert_int_equal(events, 0);
    requeue(120 * MS);
    assert_int_equal(events, 1);
    assert_int_equal(last_event.kind, SCHED_EV_MISS);
    assert_int_equal(last_event.arg, 100 * MS);
    assert_server(SLICE, 200 * MS);
}

/* ---- latency ------------------------------------------------------------------------------ */

static void test_part_of_the_slice_is_due_after_the_latency(void **state)
{
    (void)state;
    unit.value[EDF_LATENCY] = 20 * MS;
    wake(0);
    assert_int_equal(edf_due(&s), 20 * MS);
    assert_int_equal(edf_left(&s), 10 * MS);
    edf_charge(&s, 4 * MS);
    assert_int_equal(edf_left(&s), 6 * MS);
    edf_charge(&s, 6 * MS);
    assert_int_equal(edf_due(&s), 100 * MS);
    assert_int_equal(edf_left(&s), 40 * MS);
}

static void test_urgent_part_comes_once_in_a_latency(void **state)
{
    (void)state;
    unit.value[EDF_LATENCY] = 20 * MS;
    wake(0);
    edf_charge(&s, 15 * MS);
    wake(19 * MS);
    assert_int_equal(edf_due(&s), 100 * MS);
    wake(25 * MS);
    assert_int_equal(edf_due(&s), 45 * MS);
    assert_int_equal(edf_left(&s), 10 * MS);
    assert_server(35 * MS, 100 * MS);
}

/* 25 ms are left at 40: an urgent part of 10 by 60. At 45 that would exceed the rate until 60. */
static void test_urgent_part_that_comes_too_late_waits_for_the_period_s_end(void **state)
{
    (void)state;
    unit.value[EDF_LATENCY] = 20 * MS;
    wake(0);
    edf_charge(&s, 25 * MS);
    wake(40 * MS);
    assert_int_equal(edf_due(&s), 60 * MS);
    wake(45 * MS);
    assert_int_equal(edf_due(&s), 100 * MS);
    assert_int_equal(edf_left(&s), 25 * MS);
}

static void test_no_urgent_part_near_the_period_s_end(void **state)
{
    (void)state;
    unit.value[EDF_LATENCY] = 20 * MS;
    wake(0);
    edf_charge(&s, 45 * MS);
    wake(80 * MS);
    assert_int_equal(edf_due(&s), 100 * MS);
    assert_int_equal(s.urgent, 0);
}

static void test_latency_of_a_period_changes_nothing(void **state)
{
    (void)state;
    unit.value[EDF_LATENCY] = PERIOD;
    wake(0);
    assert_int_equal(s.urgent, 0);
    assert_int_equal(edf_left(&s), SLICE);
}

static void test_historic_urgent_part_is_a_whole_number_of_parts(void **state)
{
    (void)state;
    pool.value[EDF_HISTORIC] = 1;
    unit.value[EDF_LATENCY] = 60 * MS; /* 100 / 60 is 1 */
    wake(0);
    assert_int_equal(edf_due(&s), 60 * MS);
    assert_int_equal(edf_left(&s), SLICE);
}

static void test_historic_short_sleep_loses_the_slice(void **state)
{
    (void)state;
    pool.value[EDF_HISTORIC] = 1;
    wake(0);
    edf_charge(&s, 10 * MS);
    assert_int_equal(requeue(10 * MS), 0);
    assert_int_equal(wake(20 * MS), 40 * MS);
    assert_server(0, 100 * MS);
    assert_int_equal(wake(100 * MS), 0);
    assert_server(SLICE, 200 * MS);
}

/* ---- change ------------------------------------------------------------------------------- */

static void test_what_was_run_ahead_counts_against_new_parameters(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, SLICE);
    unit.value[EDF_PERIOD] = 200 * MS;
    requeue(60 * MS); /* 50 run, 30 earned */
    assert_server(30 * MS, 260 * MS);
}

static void test_what_was_run_behind_does_not_count(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 10 * MS);
    unit.value[EDF_PERIOD] = 200 * MS;
    requeue(60 * MS);
    assert_server(SLICE, 260 * MS);
}

static void test_debt_survives_the_end_of_the_period(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, SLICE + 5 * MS);
    unit.value[EDF_SLICE] = 20 * MS;
    requeue(150 * MS);
    assert_server(15 * MS, 250 * MS);
}

static void test_same_parameters_are_no_change(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 10 * MS);
    edf_refresh(&unit, SCHED_MOVED, 30 * MS);
    assert_server(40 * MS, 100 * MS);
}

/* The others there have not reckoned with its deadline. */
static void test_on_another_pcpu_the_rule_for_wakers_applies(void **state)
{
    (void)state;
    wake(0);
    edf_charge(&s, 10 * MS);
    unit.home = &pcpu2;
    edf_refresh(&unit, SCHED_MOVED, 30 * MS);
    assert_server(SLICE, 130 * MS);
}

/* ---- checks ------------------------------------------------------------------------------- */

static struct sched_refusal why;

static int check(int64_t slice, int64_t period, int64_t latency)
{
    const int64_t value[SCHED_MAX_PARAMS] = {
        [EDF_PERIOD] = period, [EDF_SLICE] = slice, [EDF_LATENCY] = latency};
    const struct sched_change c = {.scope = SCHED_PARAM_UNIT, .pool = &pool, .value = value};

    why = (struct sched_refusal){0};
    return edf_check(&c, &why);
}

static void test_refused_values(void **state)
{
    (void)state;
    assert_int_equal(check(4 * US, 100 * MS, 0), -SCHED_EINVAL);
    assert_string_equal(why.param, "slice");
    assert_int_equal(why.limit, EDF_SLICE_MIN);
    assert_int_equal(check(101 * MS, 100 * MS, 0), -SCHED_EINVAL);
    assert_string_equal(why.param, "slice");
    assert_int_equal(why.limit, 100 * MS);
    assert_int_equal(check(50 * MS, 100 * MS, 101 * MS), -SCHED_EINVAL);
    assert_string_equal(why.param, "latency");
    assert_int_equal(why.limit, 100 * MS);
}

static void test_accepted_values(void **state)
{
    const struct sched_change c = {.scope = SCHED_PARAM_POOL, .pool = &pool};

    (void)state;
    assert_int_equal(check(0, 10 * US, 0), 0);
    assert_int_equal(check(5 * US, 10 * US, 10 * US), 0);
    assert_int_equal(check(10 * SEC, 10 * SEC, 10 * SEC), 0);
    assert_int_equal(edf_check(&c, NULL), 0);
}

static void test_demand(void **state)
{
    (void)state;
    assert_int_equal(edf_demand(&unit, unit.value), UTIL_ONE / 2);
    unit.value[EDF_SLICE] = 0;
    assert_int_equal(edf_demand(&unit, unit.value), 0);
}

/* ---- units that run ----------------------------------------------------------------------- */

/* The values of sedf. */
static void reserve(struct sched_unit *u, sched_time slice, sched_time period, bool extra)
{
    const int64_t value[] = {period, slice, 0, extra, 0};
    assert_int_equal(sched_unit_set(u, value, h->now, NULL), 0);
}

static struct sched_unit *periodic(sched_time slice, sched_time period)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_PERIODIC, slice, period);
    reserve(u, slice, period, false);
    return u;
}

static void test_full_pcpu_misses_nothing(void **state)
{
    (void)state;
    struct sched_unit *u[] = {periodic(2 * MS, 5 * MS), periodic(2 * MS, 7 * MS),
                              periodic(11 * MS, 35 * MS)};
    harness_unit(h, NULL, HARNESS_HOG, 0, 0); /* on slack */
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(harness_of(h, u[i])->misses, 0);
}

/* Parked until each period begins: exactly the slice, though the pCPU is idle. */
static void test_no_slack_is_no_more_than_the_slice(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    reserve(u, 30 * MS, 100 * MS, false);
    harness_run(h, 50 * MS);
    assert_int_equal(u->state, SCHED_PARKED);
    assert_int_equal(h->pool->timer, 100 * MS);
    assert_int_equal(service_within(u, 10 * SEC), 3 * SEC);
}

static void test_without_reservation_and_slack_it_never_runs(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    reserve(u, 0, 100 * MS, false);
    assert_int_equal(service_within(u, 10 * SEC), 0);
    assert_int_equal(u->state, SCHED_PARKED);
    assert_int_equal(h->pool->timer, SCHED_NEVER);
    reserve(u, 10 * MS, 100 * MS, false);
    assert_int_equal(service_within(u, SEC), 100 * MS);
}

static void test_parked_one_can_sleep(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    reserve(u, 30 * MS, 100 * MS, false);
    harness_run(h, 50 * MS);
    sched_block(u, h->now);
    assert_int_equal(service_within(u, SEC), 0);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 100 * MS), 30 * MS);
}

static void test_earlier_deadline_takes_over_at_once(void **state)
{
    (void)state;
    struct sched_unit *slow = harness_hog(h), *fast = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    reserve(slow, 50 * MS, 100 * MS, false);
    reserve(fast, 2 * MS, 10 * MS, false);
    harness_run(h, 20 * MS);
    assert_int_equal(slow->state, SCHED_RUNNING);
    sched_wake(fast, h->now);
    assert_int_equal(h->due[0], h->now);
    harness_run(h, 0);
    assert_int_equal(fast->state, SCHED_RUNNING);
    assert_int_equal(edf_preempt_at(h->pcpus[0], slow, h->now), SCHED_NEVER);
}

static void test_later_deadline_waits_unless_slack_runs(void **state)
{
    (void)state;
    struct sched_unit *fast = harness_hog(h), *slow = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    struct sched_unit *none = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    reserve(fast, 2 * MS, 10 * MS, true);
    reserve(slow, 50 * MS, 100 * MS, false);
    harness_run(h, MS);
    sched_wake(slow, h->now);
    sched_wake(none, h->now);
    assert_int_equal(edf_preempt_at(h->pcpus[0], slow, h->now), SCHED_NEVER);
    assert_int_equal(edf_preempt_at(h->pcpus[0], none, h->now), SCHED_NEVER);
    edf_server(fast)->on_slack = true;
    assert_int_equal(edf_preempt_at(h->pcpus[0], slow, h->now), h->now);
}

static void test_one_that_lives_on_slack_takes_over_in_its_next_period(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h), *v = harness_hog(h);
    reserve(u, 2 * MS, 50 * MS, true);
    while (v->state != SCHED_RUNNING)
        harness_run(h, MS);
    assert_int_equal(edf_preempt_at(h->pcpus[0], u, h->now), 50 * MS);
    assert_true(service_within(u, SEC) > 500 * MS); /* 40 and half of the rest */
}

static void test_privileged_domain_has_a_reservation_by_default(void **state)
{
    (void)state;
    struct sched_domain *d = harness_domain(h);
    d->privileged = true;
    struct sched_unit *u = harness_unit(h, d, HARNESS_IDLE, 0, 0);
    assert_int_equal(u->reserved, util_ratio(15, 20));
    assert_int_equal(u->value[EDF_PERIOD], EDF_DOM0_PERIOD);
    assert_int_equal(u->value[EDF_SLICE], EDF_DOM0_SLICE);
}

#define SERVER(test) cmocka_unit_test_setup(test, server_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER(test_renewal_rule),
        SERVER(test_first_period_begins_at_once),
        SERVER(test_without_admission_there_is_no_reservation),
        SERVER(test_who_may_use_slack),
        SERVER(test_sleeper_within_its_rate_keeps_its_deadline),
        SERVER(test_sleeper_that_comes_too_late_begins_anew),
        SERVER(test_used_up_waits_for_the_end_of_the_period),
        SERVER(test_running_too_long_is_taken_from_the_next_slice),
        SERVER(test_large_debt_takes_several_periods),
        SERVER(test_deadline_passed_with_time_left_is_a_miss),
        SERVER(test_part_of_the_slice_is_due_after_the_latency),
        SERVER(test_urgent_part_comes_once_in_a_latency),
        SERVER(test_urgent_part_that_comes_too_late_waits_for_the_period_s_end),
        SERVER(test_no_urgent_part_near_the_period_s_end),
        SERVER(test_latency_of_a_period_changes_nothing),
        SERVER(test_historic_urgent_part_is_a_whole_number_of_parts),
        SERVER(test_historic_short_sleep_loses_the_slice),
        SERVER(test_what_was_run_ahead_counts_against_new_parameters),
        SERVER(test_what_was_run_behind_does_not_count),
        SERVER(test_debt_survives_the_end_of_the_period),
        SERVER(test_same_parameters_are_no_change),
        SERVER(test_on_another_pcpu_the_rule_for_wakers_applies),
        SERVER(test_refused_values),
        SERVER(test_accepted_values),
        SERVER(test_demand),
        ON("sedf", 1, test_full_pcpu_misses_nothing),
        ON("sedf", 1, test_no_slack_is_no_more_than_the_slice),
        ON("sedf", 1, test_without_reservation_and_slack_it_never_runs),
        ON("sedf", 1, test_parked_one_can_sleep),
        ON("sedf", 1, test_earlier_deadline_takes_over_at_once),
        ON("sedf", 1, test_later_deadline_waits_unless_slack_runs),
        ON("sedf", 1, test_one_that_lives_on_slack_takes_over_in_its_next_period),
        ON("sedf", 1, test_privileged_domain_has_a_reservation_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
