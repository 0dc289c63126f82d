/* Where units are placed, and which work pCPUs take over from each other. */
#include "../../sched/fair.h"
#include "fixture.h"

#define LOOK_MIN MS
#define LOOK_MAX (5 * MS)

static struct sched_pcpu *pcpu(unsigned id)
{
    return h->pcpus[id];
}

/* Asleep, with this home. */
static struct sched_unit *sleeper(unsigned home)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    core_set_home(u, pcpu(home), h->now);
    return u;
}

static unsigned place(const struct sched_unit *u)
{
    return balance_place(u, h->now)->id;
}

/* A pinned hog runs on each pCPU of `bits`; the others have decided, too. */
static void busy(uint64_t bits)
{
    for (unsigned i = 0; i < h->nr_pcpus; i++)
        if (bits >> i & 1)
            pinned_hog(256, i);
    harness_run(h, 0);
    for (unsigned i = 0; i < h->nr_pcpus; i++)
        assert_true(pcpu(i)->current || !(bits >> i & 1));
}

static sched_time resist(void)
{
    return h->pool->policy->resist;
}

/* ---- placement ---------------------------------------------------------------------------- */

static void test_home_if_it_is_free(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(1);
    assert_int_equal(place(u), 1);
}

static void test_an_idle_pcpu_if_home_is_busy(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(1);
    busy(6);
    assert_int_equal(place(u), 0);
}

static void test_an_idle_pcpu_that_it_prefers(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    prefer(u, 4);
    core_set_home(u, pcpu(0), h->now);
    assert_int_equal(place(u), 2); /* though home is free */
    busy(1);
    assert_int_equal(place(u), 2);
}

static void test_any_idle_pcpu_is_better_than_to_wait(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    prefer(u, 5);
    busy(5);
    assert_int_equal(place(u), 1);
}

static void test_idle_pcpu_must_be_allowed(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    allow(u, 3);
    busy(3);
    assert_int_not_equal(place(u), 2);
}

static void test_neighbours_are_asked_first(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(20);
    busy(1ULL << 20);
    assert_int_equal(place(u), 21);
    busy(0xffff0000ULL & ~(1ULL << 20)); /* the rest of its cluster */
    assert_int_equal(place(u), 0);
}

/* Home's unit has just begun to run, the other pCPU's could be preempted at once. */
static void test_where_it_runs_soonest_if_all_are_busy(void **state)
{
    (void)state;
    struct sched_unit *a = pinned_hog(256, 0), *u = sleeper(0);
    pinned_hog(256, 1);
    harness_run(h, 10 * MS);
    assert_int_equal(place(u), 0);
    sched_pause(a, h->now);
    sched_unpause(a, h->now);
    harness_run(h, 0);
    assert_int_equal(place(u), 1);
}

static void test_bound_units_stay(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", MS), 0);
    unsigned home = u->home->id;
    struct sched_unit *other = harness_hog(h);
    harness_pin(h, other, home);
    harness_run(h, 0);
    assert_int_equal(place(u), home);
}

static void test_policies_that_place_units_themselves(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(1);
    harness_pin(h, harness_hog(h), 1);
    harness_run(h, 0);
    assert_int_equal(place(u), 1);
}

static void test_least_loaded(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    pinned_hog(256, 0);
    pinned_hog(256, 1);
    pinned_hog(256, 1);
    assert_ptr_equal(balance_least_loaded(u), pcpu(2));
    prefer(u, 3);
    assert_ptr_equal(balance_least_loaded(u), pcpu(0));
    pinned_hog(256, 0);
    pinned_hog(256, 0);
    assert_ptr_equal(balance_least_loaded(u), pcpu(1));
}

static void test_least_loaded_of_sixteen(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    for (unsigned i = 0; i < 16; i++)
        pinned_hog(256, i);
    assert_int_equal(balance_least_loaded(u)->id, 0);
    allow(u, ~1ULL);
    assert_int_equal(balance_least_loaded(u)->id, 16);
}

/* ---- taking over -------------------------------------------------------------------------- */

static void test_pcpu_without_work_takes_who_waits(void **state)
{
    (void)state;
    waits_on(0, MS);
    struct sched_unit *u = waits_on(0, 0);
    assert_ptr_equal(balance_pull(pcpu(1), h->now), u);
    assert_int_equal(u->home->id, 1);
    assert_int_equal(u->moved, h->now);
    assert_int_equal(u->state, SCHED_WAITING);
}

static void test_nobody_to_take(void **state)
{
    (void)state;
    assert_null(balance_pull(pcpu(1), h->now));
    struct sched_unit *u = waits_on(1, 0);
    assert_null(balance_pull(pcpu(1), h->now)); /* its own already */
    assert_int_equal(u->home->id, 1);
}

static void test_who_prefers_the_pcpu_comes_first(void **state)
{
    (void)state;
    struct sched_unit *first = hog(256), *fan = hog(256);
    prefer(first, 1);
    prefer(fan, 2);
    wait_on(first, 0, 0);
    wait_on(fan, 0, MS);
    assert_ptr_equal(balance_pull(pcpu(1), h->now), fan);
    assert_int_equal(first->home->id, 0);
}

static void test_pinned_and_bound_units_are_left(void **state)
{
    (void)state;
    struct sched_unit *bound = waits_on(0, 0);
    pinned_hog(256, 0);
    core_unqueue(bound, h->now);
    bound->bound = true;
    core_queue(bound, SCHED_MOVED, h->now);
    assert_null(balance_pull(pcpu(1), h->now));
}

static void test_unbalanced_policies_pull_nothing(void **state)
{
    (void)state;
    harness_hog(h);
    harness_hog(h);
    harness_hog(h);
    harness_run(h, MS);
    assert_null(balance_pull(pcpu(1), h->now));
    assert_int_equal(balance_look_again(pcpu(1), h->now), SCHED_NEVER);
}

/* On pCPU 1 with an own unit at `ahead`: is one at 0, on pCPU 0, taken over? */
static bool taken(struct sched_unit *u, int64_t ahead)
{
    struct sched_unit *own = waits_on(1, ahead);
    bool moved = balance_pull(pcpu(1), h->now) != NULL;

    if (moved)
        wait_on(u, 0, 0);
    u->moved = 0;
    sched_block(own, h->now);
    return moved;
}

static void test_busy_pcpu_takes_who_is_far_enough_behind(void **state)
{
    (void)state;
    struct sched_unit *u = waits_on(0, 0);
    assert_false(taken(u, resist()));
    assert_true(taken(u, resist() + 1));
}

static void test_more_resistance_outside_the_soft_affinity(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    prefer(u, 1);
    wait_on(u, 0, 0);
    assert_false(taken(u, 4 * resist()));
    assert_true(taken(u, 4 * resist() + 1));
}

/* The unit is far behind, but its pCPU as a whole is not: its turn comes there. */
static void test_queue_that_is_served_as_well_keeps_its_units(void **state)
{
    (void)state;
    struct sched_unit *u = waits_on(0, 0);
    waits_on(0, 20 * MS);
    assert_false(taken(u, 10 * MS));
    assert_true(taken(u, 10 * MS + resist()));
}

static void test_who_has_just_moved_stays_for_a_while(void **state)
{
    (void)state;
    struct sched_unit *u = waits_on(0, 0);
    waits_on(1, 10 * MS);
    h->now = 10 * MS;
    u->moved = h->now - LOOK_MIN + 1;
    assert_null(balance_pull(pcpu(1), h->now));
    assert_ptr_equal(balance_pull(pcpu(1), h->now + 1), u);
}

/* ---- looking again ------------------------------------------------------------------------ */

static void test_content_pcpu_does_not_look_again(void **state)
{
    (void)state;
    assert_int_equal(balance_look_again(pcpu(0), h->now), SCHED_NEVER);
    assert_false(mask_test(&h->pool->content, 0)); /* idle is not content */
    busy(1);
    assert_int_equal(balance_look_again(pcpu(0), h->now), SCHED_NEVER);
    assert_true(mask_test(&h->pool->content, 0));
}

static void test_looks_again_when_it_will_be_far_enough_ahead(void **state)
{
    (void)state;
    busy(3);
    struct sched_unit *u = waits_on(0, 0);
    assert_int_equal(balance_look_again(pcpu(1), h->now), h->now + LOOK_MIN);
    assert_false(mask_test(&h->pool->content, 1));
    wait_on(u, 0, 2500 * US - resist());
    assert_int_equal(balance_look_again(pcpu(1), h->now), h->now + 2500 * US);
    wait_on(u, 0, SEC);
    assert_int_equal(balance_look_again(pcpu(1), h->now), h->now + LOOK_MAX);
}

static void test_pcpu_with_a_unit_that_could_leave_looks_again(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    harness_run(h, 0);
    assert_int_equal(balance_look_again(u->home, h->now), SCHED_NEVER);
    pinned_hog(256, u->home->id);
    assert_int_equal(balance_look_again(u->home, h->now), h->now + LOOK_MAX);
}

/* ---- offers ------------------------------------------------------------------------------- */

static void test_claimed_pcpu_is_asked_and_not_idle_any_more(void **state)
{
    (void)state;
    struct sched_unit *u = sleeper(0);
    assert_true(mask_test(&h->pool->idle, 1));
    balance_claim(pcpu(1), u, h->now);
    assert_false(mask_test(&h->pool->idle, 1));
    assert_int_equal(h->due[1], h->now);
}

static void forget_resched(void)
{
    for (unsigned i = 0; i < h->nr_pcpus; i++)
        h->due[i] = SCHED_NEVER;
}

static void test_offer_goes_to_an_idle_pcpu_that_is_allowed(void **state)
{
    (void)state;
    busy(1);
    struct sched_unit *u = hog(256);
    allow(u, 9);
    wait_on(u, 0, 0);
    is_idle(1), is_idle(2), is_idle(3);
    forget_resched();
    balance_offer(u, h->now);
    assert_int_equal(h->due[3], h->now);
    assert_int_equal(h->due[1], SCHED_NEVER);
    assert_false(mask_test(&h->pool->idle, 3));
    harness_run(h, 0);
    assert_int_equal(runs_on(u), 3);
}

static void test_offer_asks_content_pcpus_in_time(void **state)
{
    (void)state;
    busy(3);
    assert_true(mask_test(&h->pool->content, 1));
    struct sched_unit *u = waits_on(0, 0);
    wait_on(u, 0, 2500 * US - resist());
    mask_set(&h->pool->content, 1);
    forget_resched();
    balance_offer(u, h->now);
    assert_int_equal(h->due[1], h->now + 2500 * US);
    assert_false(mask_test(&h->pool->content, 1));
}

static void test_nobody_is_asked_for_a_unit_that_can_not_move(void **state)
{
    (void)state;
    busy(1);
    struct sched_unit *pinned = pinned_hog(256, 0);
    is_idle(1);
    forget_resched();
    balance_offer(pinned, h->now);
    assert_int_equal(h->due[1], SCHED_NEVER);
    assert_true(mask_test(&h->pool->idle, 1));
}

/* Both idle pCPUs were promised to units; the first takes both's best, the other is offered again.
 */
static void test_unit_passed_over_is_offered_again(void **state)
{
    (void)state;
    busy(1);
    struct sched_unit *a = hog(256), *b = hog(256);
    wait_on(a, 0, MS);
    wait_on(b, 0, 0);
    is_idle(1), is_idle(2);
    forget_resched();
    balance_claim(pcpu(1), a, h->now);
    assert_ptr_equal(sched_decide(pcpu(1), h->now).unit, b);
    assert_int_equal(h->due[2], h->now);
    harness_run(h, 0);
    assert_int_equal(runs_on(a), 2);
}

/* ---- what it is for ----------------------------------------------------------------------- */

static void test_three_hogs_share_two_pcpus(void **state)
{
    (void)state;
    struct sched_unit *u[] = {harness_hog(h), harness_hog(h), harness_hog(h)};
    harness_run(h, 10 * SEC);
    for (int i = 0; i < 3; i++)
        assert_share(u[i], 66.7, 1);
    assert_int_equal(h->wasted, 0);
}

static void test_floating_unit_makes_way_for_pinned_ones(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h), *u = harness_hog(h);
    harness_pin(h, a, 1);
    harness_pin(h, b, 1);
    harness_run(h, 10 * SEC);
    assert_share(a, 50, 1);
    assert_share(b, 50, 1);
    assert_share(u, 100, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit2", 2, test_home_if_it_is_free),
        ON("credit2", 3, test_an_idle_pcpu_if_home_is_busy),
        ON("credit2", 3, test_an_idle_pcpu_that_it_prefers),
        ON("credit2", 3, test_any_idle_pcpu_is_better_than_to_wait),
        ON("credit2", 3, test_idle_pcpu_must_be_allowed),
        ON("credit2", 32, test_neighbours_are_asked_first),
        ON("credit2", 2, test_where_it_runs_soonest_if_all_are_busy),
        ON("sedf", 2, test_bound_units_stay),
        ON("null", 2, test_policies_that_place_units_themselves),
        ON("credit2", 3, test_least_loaded),
        ON("credit2", 20, test_least_loaded_of_sixteen),
        ON("credit2", 2, test_pcpu_without_work_takes_who_waits),
        ON("credit2", 2, test_nobody_to_take),
        ON("credit2", 2, test_who_prefers_the_pcpu_comes_first),
        ON("credit2", 2, test_pinned_and_bound_units_are_left),
        ON("null", 2, test_unbalanced_policies_pull_nothing),
        ON("credit2", 2, test_busy_pcpu_takes_who_is_far_enough_behind),
        ON("credit2", 2, test_more_resistance_outside_the_soft_affinity),
        ON("credit2", 2, test_queue_that_is_served_as_well_keeps_its_units),
        ON("credit2", 2, test_who_has_just_moved_stays_for_a_while),
        ON("credit2", 2, test_content_pcpu_does_not_look_again),
        ON("credit2", 2, test_looks_again_when_it_will_be_far_enough_ahead),
        ON("credit2", 2, test_pcpu_with_a_unit_that_could_leave_looks_again),
        ON("credit2", 2, test_claimed_pcpu_is_asked_and_not_idle_any_more),
        ON("credit2", 4, test_offer_goes_to_an_idle_pcpu_that_is_allowed),
        ON("credit2", 2, test_offer_asks_content_pcpus_in_time),
        ON("credit2", 2, test_nobody_is_asked_for_a_unit_that_can_not_move),
        ON("credit2", 3, test_unit_passed_over_is_offered_again),
        ON("credit2", 2, test_three_hogs_share_two_pcpus),
        ON("rrobin", 2, test_three_hogs_share_two_pcpus),
        ON("credit2", 2, test_floating_unit_makes_way_for_pinned_ones),
        ON("bvt", 2, test_floating_unit_makes_way_for_pinned_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
