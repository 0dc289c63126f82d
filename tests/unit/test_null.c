/* Null: a pCPU for each unit, and a line for those that find none. */
#include "contract.h"

/* ---- who has a pCPU ------------------------------------------------------------------ */

static void test_there_is_nothing_to_tune(void **state)
{
    (void)state;
    assert_int_equal(h->pool->policy->nr_params, 0);
}

static void test_each_unit_has_a_pcpu_of_its_own(void **state)
{
    struct sched_unit *u[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        u[i] = harness_hog(h);
    harness_run(h, SEC);
    for (int i = 0; i < 3; i++) {
        assert_share(u[i], 100, 0);
        assert_int_equal(harness_of(h, u[i])->switches, 1);
    }
}

static void test_owner_runs_as_soon_as_it_wakes(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 100 * US, 900 * US);
    harness_hog(h);
    harness_run(h, SEC);
    assert_int_equal(harness_of(h, u)->longest_wait, 0);
    assert_share(u, 10, 0.02);
}

static void test_nothing_preempts_an_owner(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_unit(h, NULL, HARNESS_YIELD, 100 * US, 0);
    harness_hog(h);
    harness_run(h, SEC);
    assert_share(owner, 100, 0);
    assert_int_equal(h->pcpus[0]->until, SCHED_NEVER);
}

static void test_owner_keeps_its_pcpu_asleep(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *waiter = harness_hog(h);
    harness_run(h, SEC);
    sched_block(owner, h->now);
    assert_int_equal(service_within(waiter, SEC), 0);
    sched_wake(owner, h->now);
    assert_int_equal(service_within(owner, SEC), SEC);
}

static void test_owner_keeps_its_pcpu_while_paused(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *waiter = harness_hog(h);
    harness_run(h, SEC);
    sched_pause(owner, h->now);
    assert_int_equal(service_within(waiter, SEC), 0);
    sched_unpause(owner, h->now);
    assert_int_equal(service_within(owner, SEC), SEC);
}

/* A sleeper's first pCPU is taken when it first wakes. */
static void test_pcpu_is_taken_by_the_first_wake(void **state)
{
    (void)state;
    struct sched_unit *sleeper = idle_unit(), *hog = harness_hog(h);
    assert_int_equal(service_within(hog, SEC), SEC);
    sched_wake(sleeper, h->now);
    assert_int_equal(service_within(sleeper, SEC), 0);
}

/* ---- which pCPU ------------------------------------------------------------------------- */

static void test_preferred_pcpu_is_taken_first(void **state)
{
    (void)state;
    struct sched_unit *u = idle_unit();
    prefer(u, 4);
    sched_wake(u, h->now);
    harness_run(h, MS);
    assert_int_equal(runs_on(u), 2);
}

static void test_any_allowed_pcpu_is_better_than_none(void **state)
{
    (void)state;
    struct sched_unit *taker = idle_unit(), *u = idle_unit();
    allow(taker, 4);
    prefer(u, 4);
    sched_wake(taker, h->now);
    sched_wake(u, h->now);
    harness_run(h, MS);
    assert_int_equal(runs_on(taker), 2);
    assert_in_range(runs_on(u), 0, 1);
}

static void test_forbidden_pcpu_stays_idle(void **state)
{
    (void)state;
    struct sched_unit *a = idle_unit(), *b = idle_unit();
    allow(a, 1);
    allow(b, 1);
    sched_wake(a, h->now);
    sched_wake(b, h->now);
    harness_run(h, SEC);
    assert_share(a, 100, 0);
    assert_share(b, 0, 0);
}

static void test_new_affinity_moves_the_owner_and_frees_its_pcpu(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h), *waiter = harness_hog(h);
    harness_run(h, MS);
    assert_int_equal(runs_on(a), 0);
    allow(a, 2); /* which b has */
    assert_int_equal(service_within(waiter, SEC), SEC);
    assert_int_equal(runs_on(waiter), 0);
    assert_share(b, 100, 0);
    assert_share(a, 0, 0);
}

/* ---- the line ---------------------------------------------------------------------------- */

static void test_waiters_starve(void **state)
{
    (void)state;
    harness_hog(h);
    harness_hog(h);
    struct sched_unit *waiter = harness_hog(h);
    harness_run(h, 100 * SEC);
    assert_share(waiter, 0, 0);
    assert_int_equal(waiter->state, SCHED_PARKED);
}

static void test_first_in_line_gets_the_freed_pcpu(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *first = harness_hog(h), *second = harness_hog(h);
    harness_run(h, SEC);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(first, SEC), SEC);
    assert_share(second, 0, 0);
}

static void test_who_prefers_the_freed_pcpu_goes_first(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *other = harness_hog(h);
    struct sched_unit *first = harness_hog(h), *second = harness_hog(h);
    prefer(first, 2);
    prefer(second, 1);
    harness_run(h, MS);
    assert_int_equal(runs_on(owner), 0);
    assert_int_equal(runs_on(other), 1);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(second, SEC), SEC);
    assert_share(first, 0, 0);
}

static void test_who_may_not_use_the_freed_pcpu_lets_others_go(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *other = harness_hog(h);
    struct sched_unit *first = harness_hog(h), *second = harness_hog(h);
    allow(first, 2);
    harness_run(h, MS);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(second, SEC), SEC);
    sched_unit_fini(other, h->now);
    assert_int_equal(service_within(first, SEC), SEC);
}

static void test_place_in_line_is_kept_in_sleep(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *first = harness_hog(h), *second = harness_hog(h);
    harness_run(h, MS);
    sched_block(first, h->now);
    harness_run(h, MS);
    sched_wake(first, h->now);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(first, SEC), SEC);
    assert_share(second, 0, 0);
}

static void test_sleeper_does_not_take_part_in_the_line(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *first = harness_hog(h), *second = harness_hog(h);
    harness_run(h, MS);
    sched_block(first, h->now);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(second, SEC), SEC);
}

static void test_who_loses_its_pcpu_goes_to_the_end_of_the_line(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *other = harness_hog(h);
    struct sched_unit *first = harness_hog(h), *second = harness_hog(h);
    harness_run(h, MS);
    sched_unit_fini(owner, h->now); /* first has its pCPU now */
    harness_run(h, MS);
    allow(first, 2);
    assert_int_equal(service_within(second, SEC), SEC);
    struct sched_unit *third = harness_hog(h);
    allow(third, 2);
    harness_run(h, MS);
    sched_unit_fini(other, h->now);
    assert_int_equal(service_within(first, SEC), SEC);
    assert_share(third, 0, 0);
}

static void test_freed_pcpu_that_nobody_prefers_is_taken(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *other = harness_hog(h), *waiter = harness_hog(h);
    prefer(waiter, 2);
    harness_run(h, MS);
    assert_int_equal(runs_on(other), 1);
    sched_unit_fini(owner, h->now);
    assert_int_equal(service_within(waiter, SEC), SEC);
}

/* The pCPU has been freed, but not been handed out yet. */
static void test_newcomer_does_not_overtake_the_line(void **state)
{
    (void)state;
    struct sched_unit *owner = harness_hog(h), *waiter = harness_hog(h);
    harness_run(h, MS);
    sched_unit_fini(owner, h->now);
    struct sched_unit *newcomer = harness_hog(h);
    assert_int_equal(service_within(waiter, SEC), SEC);
    assert_share(newcomer, 0, 0);
}

/* ---- changes of the pool -------------------------------------------------------------------- */

static void test_pcpu_removed_sends_its_owner_to_the_line(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, MS);
    assert_int_equal(runs_on(b), 1);
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, NULL), 0);
    assert_int_equal(service_within(b, SEC), 0);
    assert_share(a, 100, 0);
    assert_int_equal(sched_pool_add_pcpu(h->pool, h->pcpus[1], h->now), 0);
    assert_int_equal(service_within(b, SEC), SEC);
    assert_share(a, 100, 0);
}

static void test_domain_that_moves_away_frees_its_pcpu(void **state)
{
    (void)state;
    struct sched_pool *pool = harness_pool(h, "null");
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, NULL), 0);
    assert_int_equal(sched_pool_add_pcpu(pool, h->pcpus[1], h->now), 0);
    struct sched_unit *owner = harness_hog(h), *waiter = harness_hog(h);
    harness_run(h, SEC);
    assert_int_equal(sched_domain_move(owner->domain, pool, h->now, NULL), 0);
    assert_int_equal(service_within(waiter, SEC), SEC);
    assert_share(owner, 100, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("null", 1, test_there_is_nothing_to_tune),
        ON("null", 3, test_each_unit_has_a_pcpu_of_its_own),
        ON("null", 2, test_owner_runs_as_soon_as_it_wakes),
        ON("null", 1, test_nothing_preempts_an_owner),
        ON("null", 1, test_owner_keeps_its_pcpu_asleep),
        ON("null", 1, test_owner_keeps_its_pcpu_while_paused),
        ON("null", 1, test_pcpu_is_taken_by_the_first_wake),
        ON("null", 3, test_preferred_pcpu_is_taken_first),
        ON("null", 3, test_any_allowed_pcpu_is_better_than_none),
        ON("null", 2, test_forbidden_pcpu_stays_idle),
        ON("null", 2, test_new_affinity_moves_the_owner_and_frees_its_pcpu),
        ON("null", 2, test_waiters_starve),
        ON("null", 1, test_first_in_line_gets_the_freed_pcpu),
        ON("null", 2, test_who_prefers_the_freed_pcpu_goes_first),
        ON("null", 2, test_who_may_not_use_the_freed_pcpu_lets_others_go),
        ON("null", 1, test_place_in_line_is_kept_in_sleep),
        ON("null", 1, test_sleeper_does_not_take_part_in_the_line),
        ON("null", 2, test_who_loses_its_pcpu_goes_to_the_end_of_the_line),
        ON("null", 2, test_freed_pcpu_that_nobody_prefers_is_taken),
        ON("null", 1, test_newcomer_does_not_overtake_the_line),
        ON("null", 2, test_pcpu_removed_sends_its_owner_to_the_line),
        ON("null", 2, test_domain_that_moves_away_frees_its_pcpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
