/* Caps: the token bucket alone, and what a capped domain gets in any window of time. */
#include <stdlib.h>

#include "../../sched/budget.h"
#include "fixture.h"

#define PERIOD (10 * MS)

/* ---- the bucket alone: a domain whose units are started and stopped by hand --------------- */

static struct sched sched;
static struct sched_env env;
static struct sched_pool pool;
static struct sched_domain dom, other;
static struct sched_unit units[5];
static sched_time timer;

static void on_timer(void *ctx, struct sched_pool *p, sched_time when)
{
    (void)ctx, (void)p;
    timer = when;
}

static int bucket_begin(void **state)
{
    (void)state;
    env = (struct sched_env){.timer = on_timer};
    sched = (struct sched){.env = &env};
    pool = (struct sched_pool){.sched = &sched, .timer = SCHED_NEVER};
    heap_init(&pool.refills);
    dom = other = (struct sched_domain){.pool = &pool, .nr_units = 1};
    budget_init(&dom);
    budget_init(&other);
    for (int i = 0; i < 5; i++) {
        units[i] = (struct sched_unit){.domain = &dom, .state = SCHED_BLOCKED};
        list_init(&units[i].park_link);
    }
    timer = SCHED_NEVER;
    return 0;
}

/* Started before, it runs for `ran` and stops at `now`. */
static void run_until(struct sched_unit *u, sched_time ran, sched_time now)
{
    u->service += ran;
    budget_stop(u, now);
}

static void test_no_cap_is_no_limit(void **state)
{
    (void)state;
    assert_false(budget_capped(&dom));
    assert_true(budget_available(&dom, 0));
    assert_int_equal(budget_start(&units[0], 0), SCHED_NEVER);
    run_until(&units[0], SEC, SEC);
    assert_int_equal(budget_start(&units[0], SEC), SCHED_NEVER);
}

static void test_starts_empty(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 7);
    assert_true(budget_capped(&dom));
    assert_false(budget_available(&dom, 7));
    assert_int_equal(budget_start(&units[0], 7), 0);
    budget_stop(&units[0], 7);
    assert_int_equal(dom.budget.running, 0);
}

static void test_fills_at_the_rate_of_the_cap(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    assert_int_equal(budget_start(&units[0], 2500 * US - 1), 0);
    assert_int_equal(budget_start(&units[0], 2500 * US), 1250 * US);
}

static void test_many_small_refills_lose_nothing(void **state)
{
    (void)state;
    budget_set(&dom, 1, PERIOD, 0);
    for (sched_time now = 1; now <= 1000; now++)
        budget_available(&dom, now);
    assert_int_equal(dom.budget.free, 10);
}

static void test_fills_up_to_one_period_s_worth(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    assert_int_equal(budget_start(&units[0], 1000 * SEC), 5 * MS);
    assert_int_equal(budget_start(&units[1], 1000 * SEC), 0);
}

static void test_what_is_held_takes_room_in_the_bucket(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_start(&units[0], SEC);
    budget_available(&dom, SEC + 4 * MS);
    assert_int_equal(dom.budget.held, MS);
    assert_int_equal(dom.budget.free, 2 * MS);
    budget_available(&dom, SEC + 100 * MS); /* it should have stopped long ago */
    assert_int_equal(dom.budget.free, 5 * MS);
}

static void test_free_and_held_together_are_never_more_than_the_depth(void **state)
{
    (void)state;
    dom.nr_units = 2;
    budget_set(&dom, 150, PERIOD, 0);
    assert_int_equal(budget_start(&units[0], SEC), 7500 * US);
    budget_available(&dom, SEC + MS);
    assert_int_equal(dom.budget.held, 6500 * US);
    assert_int_equal(dom.budget.free, 8500 * US);
}

static void test_stop_returns_what_was_not_burnt(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_start(&units[0], SEC);
    run_until(&units[0], 2 * MS, SEC + 2 * MS);
    assert_int_equal(budget_start(&units[0], SEC + 2 * MS), 4 * MS);
}

static void test_stop_twice_returns_once(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_start(&units[0], SEC);
    run_until(&units[0], 4 * MS, SEC + 4 * MS);
    budget_stop(&units[0], SEC + 4 * MS);
    assert_int_equal(dom.budget.free, 3 * MS);
    assert_int_equal(dom.budget.running, 0);
}

static void test_overrun_is_paid_back(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_start(&units[0], SEC);
    run_until(&units[0], 6 * MS, SEC + 6 * MS);
    assert_int_equal(budget_start(&units[0], SEC + 6 * MS), 2 * MS);
}

static void test_siblings_share_the_bucket(void **state)
{
    (void)state;
    dom.nr_units = 4;
    budget_set(&dom, 200, PERIOD, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(budget_start(&units[i], SEC), 5 * MS);
    assert_int_equal(budget_start(&units[4], SEC), 0);
    assert_int_equal(dom.budget.running, 4);
}

static void test_quotas_are_not_too_small_to_run(void **state)
{
    (void)state;
    dom.nr_units = 100;
    budget_set(&dom, 50, PERIOD, 0);
    assert_int_equal(budget_start(&units[0], SEC), BUDGET_MIN_QUOTA);
    budget_set(&dom, 1, PERIOD, SEC);
    assert_int_equal(budget_start(&units[1], 2 * SEC), 100 * US); /* the whole depth */
}

static void test_a_new_cap_starts_anew(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_available(&dom, SEC);
    budget_set(&dom, 80, PERIOD, SEC);
    assert_int_equal(budget_start(&units[0], SEC), 0);
    assert_int_equal(budget_start(&units[0], 2 * SEC), 8 * MS);
    budget_set(&dom, 0, PERIOD, 2 * SEC);
    assert_false(budget_capped(&dom));
}

/* ---- waiting for tokens ------------------------------------------------------------------- */

static void test_parked_until_half_a_quota_is_there(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_park(&units[0], 0);
    assert_int_equal(timer, 5 * MS);
    assert_int_equal(budget_tick(&pool, 5 * MS - 1), 5 * MS);
    assert_true(list_linked(&units[0].park_link));
    assert_int_equal(budget_tick(&pool, 5 * MS), SCHED_NEVER);
    assert_false(list_linked(&units[0].park_link));
}

static void test_wait_for_tokens_is_rounded_up(void **state)
{
    (void)state;
    dom.nr_units = 3;
    budget_set(&dom, 70, PERIOD, 0);
    budget_park(&units[0], 0);
    assert_int_equal(timer, 1666666); /* 1166666 ns at 0.7 */
}

static void test_parked_with_tokens_waits_no_longer_than_needed(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_park(&units[0], SEC);
    assert_int_equal(timer, SEC + 1);
}

static void test_last_one_unparked_cancels_the_timer(void **state)
{
    (void)state;
    budget_set(&dom, 50, PERIOD, 0);
    budget_park(&units[0], 0);
    budget_park(&units[1], 0);
    budget_unpark(&units[0]);
    assert_int_equal(budget_tick(&pool, 0), 5 * MS);
    budget_unpark(&units[1]);
    assert_int_equal(budget_tick(&pool, 0), SCHED_NEVER);
}

static void test_domains_take_turns_by_time(void **state)
{
    (void)state;
    units[1].domain = &other;
    budget_set(&dom, 50, PERIOD, 0);
    budget_set(&other, 50, PERIOD, MS);
    budget_park(&units[1], MS);
    budget_park(&units[0], MS);
    assert_int_equal(budget_tick(&pool, 5 * MS), 6 * MS);
    assert_false(list_linked(&units[0].park_link));
    assert_true(list_linked(&units[1].park_link));
}

/* ---- capped domains that run -------------------------------------------------------------- */

#define STEPS 2000

/* In every window between two of the steps: no more than cap * W + depth. */
static void assert_windows(const sched_time *got, int64_t cap, sched_time step)
{
    for (int i = 0; i < STEPS; i++)
        for (int j = i + 1; j <= STEPS; j++) {
            sched_time most = cap * (j - i) * step / 100 + cap * PERIOD / 100;
            if (got[j] - got[i] > most)
                fail_msg("%lld ns in steps %d to %d", (long long)(got[j] - got[i]), i, j);
        }
}

static struct sched_domain *capped(int64_t cap, int nr_units, enum harness_work work,
                                   sched_time run, sched_time sleep)
{
    struct sched_domain *d = harness_domain(h);
    struct sched_unit *u = NULL;

    for (int i = 0; i < nr_units; i++)
        u = harness_unit(h, d, work, run, sleep);
    set(u, "cap", cap);
    return d;
}

static sched_time domain_service(const struct sched_domain *d)
{
    sched_time sum = 0;
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        sum += harness_service(h, u);
    return sum;
}

static void check_windows(const struct sched_domain *d, int64_t cap, sched_time step)
{
    sched_time *got = calloc(STEPS + 1, sizeof *got);

    assert_non_null(got);
    harness_mark(h);
    for (int i = 0; i <= STEPS; i++) {
        got[i] = domain_service(d);
        harness_run(h, step);
    }
    assert_windows(got, cap, step);
    free(got);
}

static void test_four_capped_hogs_in_any_window(void **state)
{
    (void)state;
    check_windows(capped(150, 4, HARNESS_HOG, 0, 0), 150, 330 * US);
}

/* Sleeps long enough to fill the bucket, and then runs as much as it can. */
static void test_sleepers_bank_one_depth_at_most(void **state)
{
    (void)state;
    check_windows(capped(30, 2, HARNESS_CYCLE, 9 * MS, 41 * MS), 30, 170 * US);
}

static void test_hog_gets_its_cap(void **state)
{
    (void)state;
    struct sched_domain *d = capped(25, 1, HARNESS_HOG, 0, 0);
    harness_run(h, 10 * SEC);
    assert_float_equal((double)domain_service(d) / (10.0 * SEC), 0.25, 0.0025);
}

static void test_cap_beside_others_on_one_pcpu(void **state)
{
    (void)state;
    struct sched_domain *d = capped(40, 2, HARNESS_HOG, 0, 0);
    struct sched_unit *u = hog(64);
    harness_run(h, 10 * SEC);
    assert_float_equal((double)domain_service(d) / (10.0 * SEC), 0.40, 0.0025);
    assert_share(u, 60, 0.25);
}

/* Whoever is behind in the line for tokens gets them all the same. */
static void test_siblings_get_the_same(void **state)
{
    (void)state;
    struct sched_domain *d = capped(100, 5, HARNESS_HOG, 0, 0);
    harness_run(h, 10 * SEC);
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        assert_share(u, 20, 1);
}

#define BUCKET(test) cmocka_unit_test_setup(test, bucket_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUCKET(test_no_cap_is_no_limit),
        BUCKET(test_starts_empty),
        BUCKET(test_fills_at_the_rate_of_the_cap),
        BUCKET(test_many_small_refills_lose_nothing),
        BUCKET(test_fills_up_to_one_period_s_worth),
        BUCKET(test_what_is_held_takes_room_in_the_bucket),
        BUCKET(test_free_and_held_together_are_never_more_than_the_depth),
        BUCKET(test_stop_returns_what_was_not_burnt),
        BUCKET(test_stop_twice_returns_once),
        BUCKET(test_overrun_is_paid_back),
        BUCKET(test_siblings_share_the_bucket),
        BUCKET(test_quotas_are_not_too_small_to_run),
        BUCKET(test_a_new_cap_starts_anew),
        BUCKET(test_parked_until_half_a_quota_is_there),
        BUCKET(test_wait_for_tokens_is_rounded_up),
        BUCKET(test_parked_with_tokens_waits_no_longer_than_needed),
        BUCKET(test_last_one_unparked_cancels_the_timer),
        BUCKET(test_domains_take_turns_by_time),
        ON("credit2", 4, test_four_capped_hogs_in_any_window),
        ON("credit", 4, test_four_capped_hogs_in_any_window),
        ON("credit2", 2, test_sleepers_bank_one_depth_at_most),
        ON("credit2", 1, test_hog_gets_its_cap),
        ON("credit", 1, test_hog_gets_its_cap),
        ON("credit2", 1, test_cap_beside_others_on_one_pcpu),
        ON("credit2", 2, test_siblings_get_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
