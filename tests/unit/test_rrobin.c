/* Round robin: turns, what a sleep or a yield does to them, and what historic=1 changes. */
#include "contract.h"

#define SLICE (10 * MS)

static void test_limits_of_parameters(void **state)
{
    static const struct limits limits[] = {
        {SCHED_PARAM_POOL, "slice", SLICE, 10 * US, 10 * SEC},
        {SCHED_PARAM_POOL, "historic", 0, 0, 1},
    };

    (void)state;
    assert_limits(limits, 2);
}

/* ---- turns ------------------------------------------------------------------------ */

static void test_hogs_take_turns_of_a_slice(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = harness_hog(h);
    for (int i = 0; i < 6; i++)
        assert_int_equal(service_within(u[i % 3], SLICE), SLICE);
}

static void test_slice_sets_the_length_of_turns(void **state)
{
    (void)state;
    set_pool("slice", 50 * MS);
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    assert_int_equal(service_within(a, 50 * MS), 50 * MS);
    assert_int_equal(service_within(b, 50 * MS), 50 * MS);
}

/* It has used more than that of its turn. */
static void test_shorter_slice_ends_the_turn_in_course(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, 5 * MS);
    set_pool("slice", MS);
    harness_mark(h);
    harness_run(h, 4 * MS);
    assert_int_equal(harness_service(h, a), 2 * MS);
    assert_int_equal(harness_service(h, b), 2 * MS);
}

static void test_alone_runs_on_without_a_switch(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    harness_run(h, SEC);
    assert_share(u, 100, 0);
    assert_int_equal(harness_of(h, u)->switches, 1);
}

/* ---- waking, sleeping, yielding ------------------------------------------------------ */

static void test_wake_does_not_preempt(void **state)
{
    (void)state;
    struct sched_unit *sleeper = idle_unit();
    struct sched_unit *hog = harness_hog(h);
    harness_run(h, 3 * MS);
    sched_wake(sleeper, h->now);
    assert_int_equal(service_within(hog, 7 * MS), 7 * MS);
    assert_int_equal(service_within(sleeper, SLICE), SLICE);
}

static void test_wake_goes_behind_those_who_wait(void **state)
{
    (void)state;
    struct sched_unit *sleeper = idle_unit();
    harness_hog(h);
    struct sched_unit *second = harness_hog(h);
    harness_run(h, 3 * MS);
    sched_wake(sleeper, h->now);
    harness_run(h, 7 * MS);
    assert_int_equal(service_within(second, SLICE), SLICE);
    assert_int_equal(service_within(sleeper, SLICE), SLICE);
}

/* The trap: a unit that is rescheduled early loses the rest of its slice. */
static void test_interrupted_turn_goes_on(void **state)
{
    (void)state;
    struct sched_unit *sleeper = harness_hog(h), *hog = harness_hog(h);
    harness_run(h, 4 * MS);
    sched_block(sleeper, h->now);
    harness_run(h, MS);
    sched_wake(sleeper, h->now);
    harness_run(h, 9 * MS); /* the other's slice */
    harness_mark(h);
    harness_run(h, 16 * MS);
    assert_int_equal(harness_service(h, sleeper), 6 * MS);
    assert_int_equal(harness_service(h, hog), 10 * MS);
}

static double share_of_cycle(sched_time run, sched_time sleep)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, run, sleep);

    harness_hog(h);
    harness_hog(h);
    harness_run(h, 10 * SEC);
    return harness_share(h, u);
}

static void test_sleep_before_the_end_of_the_slice_steals_nothing(void **state)
{
    (void)state;
    assert_true(share_of_cycle(SLICE - 10 * US, 10 * US) <= 33.7);
}

static void test_frequent_wakes_steal_nothing(void **state)
{
    (void)state;
    assert_true(share_of_cycle(MS, 10 * US) <= 33.7);
}

static void test_yield_gives_the_rest_of_the_turn_away(void **state)
{
    (void)state;
    struct sched_unit *yielder = harness_unit(h, NULL, HARNESS_YIELD, MS, 0);
    struct sched_unit *hog = harness_hog(h);
    harness_run(h, 11 * SEC);
    assert_share(yielder, 100.0 / 11, 0.1);
    assert_share(hog, 1000.0 / 11, 0.1);
}

static void test_wait_is_two_slices_of_each_other_at_most(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        harness_unit(h, NULL, HARNESS_CYCLE, 7 * MS, 300 * US);
    harness_hog(h);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, MS, 21 * MS);
    harness_run(h, 100 * SEC);
    assert_in_range(harness_of(h, u)->longest_wait, SLICE, 2 * 4 * SLICE);
}

/* ---- historic: wakes go to the head ---------------------------------------------------- */

static struct sched_unit *hog_beside_two_that_sleep(int historic)
{
    set_pool("historic", historic);
    struct sched_unit *hog = harness_hog(h);
    harness_unit(h, NULL, HARNESS_CYCLE, MS, 100 * US);
    harness_unit(h, NULL, HARNESS_CYCLE, MS, 100 * US);
    harness_run(h, 10 * SEC);
    return hog;
}

static void test_sleepers_do_not_starve_the_others(void **state)
{
    (void)state;
    assert_true(harness_share(h, hog_beside_two_that_sleep(0)) > 33);
}

static void test_historic_sleepers_starve_the_others(void **state)
{
    (void)state;
    assert_true(harness_share(h, hog_beside_two_that_sleep(1)) < 1);
}

static void test_historic_forgets_the_rest_of_a_turn(void **state)
{
    (void)state;
    set_pool("historic", 1);
    struct sched_unit *sleeper = harness_hog(h);
    harness_run(h, 2 * MS);
    harness_hog(h);
    harness_run(h, 2 * MS);
    sched_block(sleeper, h->now);
    harness_run(h, MS);
    sched_wake(sleeper, h->now);
    harness_run(h, 9 * MS);
    assert_int_equal(service_within(sleeper, 16 * MS), 10 * MS);
}

/* ---- several pCPUs ------------------------------------------------------------------------ */

static void test_pinned_hogs_share_their_pcpu(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        u[i] = harness_hog(h);
        harness_pin(h, u[i], i != 0);
    }
    harness_run(h, 10 * SEC);
    assert_share(u[0], 100, 0);
    assert_share(u[1], 50, 0.2);
    assert_share(u[2], 50, 0.2);
}

/* It comes after those who are there, and must not be moved on before its turn. */
static void test_unit_between_two_crowds_gets_its_share(void **state)
{
    struct sched_unit *u[5];

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        u[i] = harness_hog(h);
        if (i < 4)
            harness_pin(h, u[i], i / 2);
    }
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 5; i++)
        assert_share(u[i], 40, 3);
}

static void test_no_pcpu_is_idle_while_somebody_waits(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        harness_unit(h, NULL, HARNESS_CYCLE, (3 + i) * MS, (2 + i) * MS);
    harness_run(h, 10 * SEC);
    assert_int_equal(h->wasted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rrobin", 1, test_limits_of_parameters),
        ON("rrobin", 1, test_hogs_take_turns_of_a_slice),
        ON("rrobin", 1, test_slice_sets_the_length_of_turns),
        ON("rrobin", 1, test_shorter_slice_ends_the_turn_in_course),
        ON("rrobin", 1, test_alone_runs_on_without_a_switch),
        ON("rrobin", 1, test_wake_does_not_preempt),
        ON("rrobin", 1, test_wake_goes_behind_those_who_wait),
        ON("rrobin", 1, test_interrupted_turn_goes_on),
        ON("rrobin", 1, test_sleep_before_the_end_of_the_slice_steals_nothing),
        ON("rrobin", 1, test_frequent_wakes_steal_nothing),
        ON("rrobin", 1, test_yield_gives_the_rest_of_the_turn_away),
        ON("rrobin", 1, test_wait_is_two_slices_of_each_other_at_most),
        ON("rrobin", 1, test_sleepers_do_not_starve_the_others),
        ON("rrobin", 1, test_historic_sleepers_starve_the_others),
        ON("rrobin", 1, test_historic_forgets_the_rest_of_a_turn),
        ON("rrobin", 2, test_three_hogs_share_two_pcpus),
        ON("rrobin", 2, test_pinned_hogs_share_their_pcpu),
        ON("rrobin", 2, test_unit_between_two_crowds_gets_its_share),
        ON("rrobin", 2, test_no_pcpu_is_idle_while_somebody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
