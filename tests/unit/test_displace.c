/* Chains of moves: a waiting unit takes the pCPU of one that can go on elsewhere. */
#include "../../sched/fair.h"
#include "fixture.h"

#define PAUSE_MIN (2 * MS)
#define PAUSE_MAX (32 * MS)

/* May use the pCPUs `bits`, and runs on `pcpu`. */
static struct sched_unit *runs(uint64_t bits, unsigned pcpu, int64_t vtime)
{
    struct sched_unit *u = hog(256);

    allow(u, bits);
    wait_on(u, pcpu, vtime);
    assert_ptr_equal(sched_decide(h->pcpus[pcpu], h->now).unit, u);
    return u;
}

/* Has just run on `pcpu` and waits there, beside another that can not leave. */
static struct sched_unit *stuck(uint64_t bits, unsigned pcpu)
{
    struct sched_unit *pinned = hog(256), *u = hog(256);

    allow(pinned, 1U << pcpu);
    allow(u, bits);
    wait_on(pinned, pcpu, 0);
    wait_on(u, pcpu, 0);
    return u;
}

static void assert_at(const struct sched_unit *u, unsigned pcpu)
{
    assert_int_equal(u->state, SCHED_WAITING);
    assert_int_equal(u->home->id, pcpu);
    assert_int_equal(h->due[pcpu], h->now);
}

/* ---- to an idle pCPU ---------------------------------------------------------------------- */

static void test_straight_to_an_idle_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = stuck(3, 0);
    is_idle(1);
    assert_true(displace(u, h->now));
    assert_at(u, 1);
    assert_false(mask_test(&h->pool->idle, 1));
}

static void test_chain_to_an_idle_pcpu(void **state)
{
    (void)state;
    struct sched_unit *x = runs(6, 1, 0), *u = stuck(3, 0);
    is_idle(2);
    assert_true(displace(u, h->now));
    assert_at(x, 2);
    assert_at(u, 1);
    assert_null(h->pcpus[1]->current);
    assert_int_equal(x->moved, h->now);
    assert_int_equal(u->moved, h->now);
    harness_run(h, 0);
    assert_int_equal(runs_on(u), 1);
    assert_int_equal(runs_on(x), 2);
}

static void test_long_chain(void **state)
{
    struct sched_unit *x[8];

    (void)state;
    for (unsigned i = 1; i < 7; i++)
        x[i] = runs(3ULL << i, i, 0);
    struct sched_unit *u = stuck(3, 0);
    is_idle(7);
    assert_true(displace(u, h->now));
    assert_at(u, 1);
    for (unsigned i = 1; i < 7; i++)
        assert_at(x[i], i + 1);
}

static void test_pinned_unit_breaks_the_chain(void **state)
{
    (void)state;
    struct sched_unit *x = runs(2, 1, 0), *u = stuck(3, 0);
    uint64_t moves = u->migrations;
    is_idle(2);
    assert_false(displace(u, h->now));
    assert_int_equal(runs_on(x), 1);
    assert_int_equal(u->home->id, 0);
    assert_int_equal(u->migrations, moves);
}

static void test_bound_unit_breaks_the_chain(void **state)
{
    (void)state;
    struct sched_unit *x = runs(6, 1, 0), *u = stuck(3, 0);
    x->bound = true;
    is_idle(2);
    assert_false(displace(u, h->now));
    assert_int_equal(runs_on(x), 1);
}

/* ---- to a pCPU that is served better ------------------------------------------------------ */

static void test_running_unit_that_is_far_ahead_makes_room(void **state)
{
    (void)state;
    struct sched_unit *x = runs(2, 1, 100 * MS), *u = stuck(3, 0);
    assert_true(displace(u, h->now));
    assert_at(u, 1);
    assert_int_equal(x->state, SCHED_WAITING);
    assert_int_equal(x->home->id, 1);
    harness_run(h, 0);
    assert_int_equal(runs_on(u), 1);
}

static void test_chain_ends_at_the_best_served_pcpu(void **state)
{
    (void)state;
    struct sched_unit *x = runs(6, 1, 50 * MS), *y = runs(4, 2, 200 * MS), *u = stuck(3, 0);
    assert_true(displace(u, h->now));
    assert_at(u, 1);
    assert_at(x, 2);
    assert_int_equal(y->home->id, 2);
    assert_int_equal(y->state, SCHED_WAITING);
}

static void test_small_gain_is_not_worth_it(void **state)
{
    (void)state;
    sched_time resist = 2 * h->pool->policy->resist;
    struct sched_unit *x = runs(2, 1, 0), *u = stuck(3, 0);
    fair_set_vtime(x, fair_clock_without(u) + resist);
    assert_false(displace(u, h->now));
    assert_int_equal(runs_on(x), 1);
    fair_set_vtime(x, fair_clock_without(u) + resist + 1);
    h->pcpus[0]->displace_at = h->now;
    assert_true(displace(u, h->now));
}

/* ---- when it is not tried ----------------------------------------------------------------- */

static void test_only_with_somebody_to_leave_behind(void **state)
{
    (void)state;
    struct sched_unit *u = waits_on(0, 0);
    assert_false(displace(u, h->now));
    assert_int_equal(h->pcpus[0]->displace_at, 0); /* that was no attempt */
}

static void test_not_for_pinned_and_bound_units(void **state)
{
    (void)state;
    struct sched_unit *pinned = stuck(1, 0), *bound = stuck(3, 0);
    bound->bound = true;
    is_idle(1);
    assert_false(displace(pinned, h->now));
    assert_false(displace(bound, h->now));
    bound->bound = false;
    assert_true(displace(bound, h->now));
}

static void test_not_in_policies_that_place_units_themselves(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, MS);
    struct sched_unit *u = a->state == SCHED_RUNNING ? b : a;
    h->pcpus[0]->nr_runnable = 2;
    assert_false(displace(u, h->now));
    assert_int_equal(h->pcpus[0]->displace_at, 0);
}

static void test_failure_backs_off(void **state)
{
    (void)state;
    struct sched_unit *x = runs(2, 1, 0), *u = stuck(3, 0);
    struct sched_pcpu *home = u->home;
    const sched_time pauses[] = {PAUSE_MIN,     2 * PAUSE_MIN, 4 * PAUSE_MIN,
                                 8 * PAUSE_MIN, PAUSE_MAX,     PAUSE_MAX};
    for (unsigned i = 0; i < 6; i++) {
        assert_false(displace(u, h->now));
        assert_int_equal(home->displace_at, h->now + pauses[i]);
        h->now = home->displace_at;
        x->home->charged = h->now; /* its clock stands still */
    }
    fair_set_vtime(x, x->vtime + SEC);
    assert_false(displace(u, h->now - 1));
    assert_true(displace(u, h->now));
    assert_int_equal(home->displace_at, h->now + PAUSE_MIN);
}

/* ---- what it is for ----------------------------------------------------------------------- */

/* Units on {0}, {0,1}, {1,2} and {2}: three quarters of a pCPU each, over a chain only. */
static void test_fair_shares_over_a_chain(void **state)
{
    const uint64_t allowed[] = {1, 3, 6, 4};
    struct sched_unit *u[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        u[i] = hog(256);
        allow(u[i], allowed[i]);
    }
    harness_run(h, SEC);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 4; i++)
        assert_share(u[i], 75, 1);
    assert_int_equal(h->wasted, 0);
}

/* Three on pCPU 0, whose only way out leads over pCPU 1 to 2, where a light one is. */
static void test_weighted_shares_over_a_chain(void **state)
{
    (void)state;
    struct sched_unit *a = pinned_hog(256, 0), *b = hog(256), *c = hog(512), *d = hog(256);
    allow(b, 3);
    allow(c, 6);
    allow(d, 4);
    harness_run(h, SEC);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_share(a, 66.7, 1);
    assert_share(b, 66.7, 1);
    assert_share(c, 100, 1);
    assert_share(d, 66.7, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit2", 2, test_straight_to_an_idle_pcpu),
        ON("credit2", 3, test_chain_to_an_idle_pcpu),
        ON("credit2", 8, test_long_chain),
        ON("credit2", 3, test_pinned_unit_breaks_the_chain),
        ON("credit2", 3, test_bound_unit_breaks_the_chain),
        ON("credit2", 2, test_running_unit_that_is_far_ahead_makes_room),
        ON("credit2", 3, test_chain_ends_at_the_best_served_pcpu),
        ON("credit2", 2, test_small_gain_is_not_worth_it),
        ON("credit2", 2, test_only_with_somebody_to_leave_behind),
        ON("credit2", 2, test_not_for_pinned_and_bound_units),
        ON("null", 1, test_not_in_policies_that_place_units_themselves),
        ON("credit2", 2, test_failure_backs_off),
        ON("credit2", 3, test_fair_shares_over_a_chain),
        ON("credit", 3, test_fair_shares_over_a_chain),
        ON("credit2", 3, test_weighted_shares_over_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
