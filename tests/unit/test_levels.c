/* Levels: distances between units in virtual time that are closed up, and those that are not. */
#include "../../sched/fair.h"
#include "../../sched/index.h"
#include "fixture.h"

#define LIMIT (500 * MS) /* GAP of levels.c */

static void close_up(void)
{
    h->pool->close_up = h->now;
    levels_tick(h->pool, h->now);
}

static void test_small_distances_stay(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 100), *b = waits_on(0, 100 + LIMIT);
    struct sched_unit *c = waits_on(1, 100 + 2 * LIMIT);
    close_up();
    assert_int_equal(a->vtime, 100);
    assert_int_equal(b->vtime, 100 + LIMIT);
    assert_int_equal(c->vtime, 100 + 2 * LIMIT);
}

static void test_large_gap_is_closed_from_below(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(1, 10 * SEC);
    close_up();
    assert_int_equal(b->vtime, 10 * SEC);
    assert_int_equal(a->vtime, 10 * SEC - LIMIT);
}

static void test_gap_of_one_ns_too_much(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0);
    waits_on(1, LIMIT + 1);
    close_up();
    assert_int_equal(a->vtime, 1);
}

static void test_a_level_moves_as_a_whole(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(0, 3 * MS), *c = waits_on(1, 20 * SEC);
    close_up();
    assert_int_equal(c->vtime, 20 * SEC);
    assert_int_equal(b->vtime, 20 * SEC - LIMIT);
    assert_int_equal(a->vtime, 20 * SEC - LIMIT - 3 * MS);
}

static void test_several_gaps_add_up(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(1, 10 * SEC), *c = waits_on(2, 30 * SEC);
    close_up();
    assert_int_equal(c->vtime, 30 * SEC);
    assert_int_equal(b->vtime, 30 * SEC - LIMIT);
    assert_int_equal(a->vtime, 30 * SEC - 2 * LIMIT);
}

static void make_light(struct sched_unit *u)
{
    core_unqueue(u, h->now);
    fair_set_weight(u, 16);
    core_queue(u, SCHED_MOVED, h->now);
}

/* A light unit's vtime jumps far: the limit is its own service. */
static void test_limit_below_a_light_unit(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *light = waits_on(1, 100 * SEC);
    make_light(light);
    close_up();
    assert_int_equal(light->vtime, 100 * SEC);
    assert_int_equal(a->vtime, 100 * SEC - 16 * LIMIT);
}

static void test_limit_above_a_light_unit(void **state)
{
    (void)state;
    struct sched_unit *light = waits_on(0, 0), *b = waits_on(1, 100 * SEC);
    make_light(light);
    close_up();
    assert_int_equal(b->vtime, 100 * SEC);
    assert_int_equal(light->vtime, 100 * SEC - 16 * LIMIT);
}

static void test_sleepers_make_no_level(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *asleep = waits_on(0, 10 * SEC);
    sched_block(asleep, h->now);
    waits_on(1, 20 * SEC);
    close_up();
    assert_int_equal(a->vtime, 20 * SEC - LIMIT);
}

static void test_sleepers_move_with_their_level(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *with = waits_on(0, -3 * MS),
                      *top = waits_on(1, 30 * SEC);
    sched_block(with, h->now);
    sched_block(top, h->now);
    waits_on(1, 20 * SEC);
    close_up();
    assert_int_equal(with->vtime, a->vtime - 3 * MS);
    assert_int_equal(top->vtime, 30 * SEC);
}

static void test_sleeper_between_levels_is_moved_no_further_than_its_gap(void **state)
{
    (void)state;
    struct sched_unit *between = waits_on(0, 19 * SEC);
    waits_on(0, 0);
    sched_block(between, h->now);
    waits_on(1, 20 * SEC);
    close_up();
    assert_int_equal(between->vtime, 20 * SEC - LIMIT);
}

static void test_across_the_wrap(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, INT64_MAX - 5), *b = waits_on(1, INT64_MIN + 10 * SEC);
    close_up();
    assert_int_equal(b->vtime, INT64_MIN + 10 * SEC);
    assert_int_equal(vtime_diff(b->vtime, a->vtime), LIMIT);
}

/* What a running unit has run since it was last charged counts. */
static void test_running_units_are_charged_first(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(1, LIMIT);
    allow(a, 1);
    sched_decide(h->pcpus[1], h->now);
    assert_int_equal(b->state, SCHED_RUNNING);
    h->now += SEC;
    close_up();
    assert_int_equal(b->service, SEC);
    assert_int_equal(b->vtime, SEC + LIMIT);
    assert_int_equal(a->vtime, SEC);
}

static void test_running_unit_is_moved_up_too(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0);
    waits_on(1, 10 * SEC);
    sched_decide(h->pcpus[0], h->now);
    close_up();
    assert_int_equal(a->state, SCHED_RUNNING);
    assert_int_equal(a->vtime, 10 * SEC - LIMIT);
}

/* Index, queue and clock go with the vtime. */
static void test_all_keys_follow(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(0, MS), *c = waits_on(1, 10 * SEC);
    close_up();
    assert_int_equal(a->index_node.key, a->vtime);
    assert_int_equal(b->index_node.key, b->vtime);
    assert_ptr_equal(core_first_waiting(h->pcpus[1], false), a);
    assert_int_equal(fair_clock(h->pcpus[0], h->now), (a->vtime + b->vtime) / 2);
    assert_int_equal(fair_clock(h->pcpus[1], h->now), c->vtime);
    assert_ptr_equal(sched_decide(h->pcpus[0], h->now).unit, a);
}

static struct sched_unit *idler_on(unsigned pcpu)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    harness_pin(h, u, pcpu);
    return u;
}

/* Round robin's queue is not by vtime: the order of turns stays, only the index follows. */
static void test_order_of_turns_stays(void **state)
{
    (void)state;
    struct sched_unit *a = idler_on(0), *b = idler_on(0), *c = idler_on(1);
    sched_wake(a, h->now);
    sched_wake(b, h->now);
    sched_wake(c, h->now);
    fair_set_vtime(a, 2 * MS);
    fair_set_vtime(b, MS);
    fair_set_vtime(c, 10 * SEC);
    close_up();
    assert_int_equal(b->vtime, a->vtime - MS);
    assert_int_equal(a->vtime, 10 * SEC - LIMIT);
    assert_ptr_equal(sched_decide(h->pcpus[0], h->now).unit, a);
}

static void test_not_again_before_the_period_is_over(void **state)
{
    (void)state;
    struct sched_unit *a = waits_on(0, 0), *b = waits_on(1, 10 * SEC);
    close_up();
    assert_int_equal(h->pool->close_up, h->now + 100 * MS);
    fair_set_vtime(b, 20 * SEC);
    levels_tick(h->pool, h->now + 100 * MS - 1);
    assert_int_equal(a->vtime, 10 * SEC - LIMIT);
    levels_tick(h->pool, h->now + 100 * MS);
    assert_int_equal(a->vtime, 20 * SEC - LIMIT);
}

static void test_many_units_are_looked_at_less_often(void **state)
{
    (void)state;
    struct sched_domain *d = harness_domain(h);
    for (int i = 0; i < 512; i++)
        harness_unit(h, d, HARNESS_HOG, 0, 0);
    close_up();
    assert_int_equal(h->pool->close_up, h->now + 300 * MS);
}

static void test_unbalanced_policies_have_no_levels(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, MS);
    a->vtime = 0;
    b->vtime = 10 * SEC;
    close_up();
    assert_true(a->vtime < SEC);
    assert_int_equal(h->pool->close_up, SCHED_NEVER);
}

/* A pinned pair, that was served badly for long, owes nothing to a unit that was alone. */
static void test_long_imbalance_is_not_paid_back(void **state)
{
    (void)state;
    struct sched_unit *a = pinned_hog(256, 0), *b = pinned_hog(256, 0), *c = pinned_hog(256, 1);
    harness_run(h, 60 * SEC);
    allow(c, 1);
    sched_pause(b, h->now);
    assert_true(service_within(c, 2 * SEC) > 700 * MS);
    assert_true(harness_service(h, a) > SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit2", 2, test_small_distances_stay),
        ON("credit2", 2, test_large_gap_is_closed_from_below),
        ON("credit2", 2, test_gap_of_one_ns_too_much),
        ON("credit2", 2, test_a_level_moves_as_a_whole),
        ON("credit2", 3, test_several_gaps_add_up),
        ON("credit2", 2, test_limit_below_a_light_unit),
        ON("credit2", 2, test_limit_above_a_light_unit),
        ON("credit2", 2, test_sleepers_make_no_level),
        ON("credit2", 2, test_sleepers_move_with_their_level),
        ON("credit2", 2, test_sleeper_between_levels_is_moved_no_further_than_its_gap),
        ON("credit2", 2, test_across_the_wrap),
        ON("credit2", 2, test_running_units_are_charged_first),
        ON("credit2", 2, test_running_unit_is_moved_up_too),
        ON("credit2", 2, test_all_keys_follow),
        ON("rrobin", 2, test_order_of_turns_stays),
        ON("credit2", 2, test_not_again_before_the_period_is_over),
        ON("credit2", 2, test_many_units_are_looked_at_less_often),
        ON("null", 2, test_unbalanced_policies_have_no_levels),
        ON("credit2", 2, test_long_imbalance_is_not_paid_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
