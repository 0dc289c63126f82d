/* Fair BVT: sleepers are paid back, within bounds; warp from a wake; historic=1. */
#include "mcuadv.h"

/* ---- the bank --------------------------------------------------------------------- */

/* BVT gives such a unit 6 % (its own test has the reason); it is due what it asks for. */
static void test_short_sleeper_gets_its_share(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        harness_hog(h);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 20 * US, 80 * US);
    harness_run(h, 10 * SEC);
    assert_share(u, 20, 1);
}

static void test_sleeper_is_paid_back_to_its_share_and_no_more(void **state)
{
    (void)state;
    harness_hog(h);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 40 * MS, 10 * MS);
    harness_run(h, 10 * SEC);
    assert_share(u, 50, 0.5);
}

/* It has 50 ms in the bank, and so gets half of that more than the half it is due. */
static void test_bank_is_bounded(void **state)
{
    (void)state;
    assert_in_range(service_after_long_sleep(10 * SEC), 5010 * MS, 5040 * MS);
}

static void test_historic_bank_is_not(void **state)
{
    (void)state;
    set_pool("historic", 1);
    assert_true(service_after_long_sleep(10 * SEC) > 5500 * MS);
}

/* One slice is longer by at most a context switch allowance. */
static void test_bonus_is_bounded(void **state)
{
    (void)state;
    set_pool("historic", 1);
    struct sched_unit *sleeper = idle_unit();
    struct sched_unit *other = harness_hog(h);
    harness_run(h, 100 * SEC);
    sched_wake(sleeper, h->now);
    harness_run(h, 100 * MS);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    sched_time turn = 10 * SEC / (sched_time)harness_of(h, other)->switches;
    assert_in_range(turn, 20 * MS, 30 * MS); /* 10 ms, and 10 ms with 5 more */
}

/* ---- warp --------------------------------------------------------------------------- */

/* Has run once, 50 s of virtual time, so that it would have to wait without a warp. */
static struct sched_unit *sleeper_ahead(int64_t warpl, int64_t warpu)
{
    struct sched_unit *u = harness_hog(h);

    set(u, "mcuadv", 100000);
    set(u, "warp", 100000000); /* 1000 s of virtual time */
    set(u, "warpl", warpl);
    set(u, "warpu", warpu);
    harness_hog(h);
    harness_run(h, SEC);
    sched_block(u, h->now);
    harness_run(h, 5 * MS);
    return u;
}

static void test_warp_lasts_for_warpl_from_a_wake(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper_ahead(20 * MS, 0);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 20 * MS), 20 * MS);
    assert_int_equal(service_within(u, 100 * MS), 0);
}

static void test_no_warp_within_warpu_of_the_last(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper_ahead(20 * MS, 50 * MS);
    sched_wake(u, h->now);
    harness_run(h, 21 * MS);
    sched_block(u, h->now);
    harness_run(h, MS);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 60 * MS), 0);
    sched_block(u, h->now);
    harness_run(h, MS);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 20 * MS), 20 * MS);
}

/* A warp that ends while its unit waits no longer counts. */
static void test_warp_ends_while_waiting(void **state)
{
    (void)state;
    struct sched_unit *first = sleeper_ahead(30 * MS, 0);
    struct sched_unit *second = idle_unit();
    set(second, "warp", 1000000000);
    set(second, "warpl", 100 * MS);
    sched_wake(second, h->now);
    harness_run(h, MS);
    sched_wake(first, h->now);
    assert_int_equal(service_within(second, 90 * MS), 90 * MS);
    assert_int_equal(service_within(first, 50 * MS), 0);
    assert_int_equal(harness_of(h, first)->switches, 0);
}

static void test_no_warp_by_default(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper_ahead(0, 0);
    sched_wake(u, h->now);
    assert_int_equal(service_within(u, 100 * MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("fbvt", 1, test_share_is_inverse_to_mcuadv),
        ON("fbvt", 2, test_three_hogs_share_two_pcpus),
        ON("fbvt", 1, test_short_sleeper_gets_its_share),
        ON("fbvt", 1, test_sleeper_is_paid_back_to_its_share_and_no_more),
        ON("fbvt", 1, test_bank_is_bounded),
        ON("fbvt", 1, test_historic_bank_is_not),
        ON("fbvt", 1, test_bonus_is_bounded),
        ON("fbvt", 1, test_waking_unit_that_is_behind_runs_at_once),
        ON("fbvt", 1, test_warp_lasts_for_warpl_from_a_wake),
        ON("fbvt", 1, test_no_warp_within_warpu_of_the_last),
        ON("fbvt", 1, test_warp_ends_while_waiting),
        ON("fbvt", 1, test_no_warp_by_default),
        ON("fbvt", 1, test_short_runs_are_charged_exactly),
        ON("fbvt", 1, test_historic_short_runs_are_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
