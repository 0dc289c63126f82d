/* What happens to units: waking, sleeping, pauses, yields, parking, and decisions. */
#include "../../sched/index.h"
#include "fixture.h"

static struct sched_event log_of[64]; /* since watch() */
static unsigned logged;

static void log_event(void *ctx, const struct sched_event *e)
{
    (void)ctx;
    if (logged < 64)
        log_of[logged++] = *e;
}

static void watch(void)
{
    logged = 0;
    h->env.trace = log_event;
}

static unsigned count(enum sched_event_kind kind, const struct sched_unit *u)
{
    unsigned n = 0;
    for (unsigned i = 0; i < logged; i++)
        n += log_of[i].kind == kind && log_of[i].unit == u;
    return n;
}

static struct sched_unit *idler(void)
{
    return harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
}

static struct sched_pcpu *pcpu(unsigned id)
{
    return h->pcpus[id];
}

/* Two hogs on one pCPU: one runs, the other waits. */
static struct sched_unit *runner, *waiter;

static void run_two(void)
{
    struct sched_unit *a = hog(256), *b = hog(256);

    harness_run(h, 5 * MS + 10 * US);
    runner = pcpu(0)->current;
    waiter = runner == a ? b : a;
    assert_int_equal(waiter->state, SCHED_WAITING);
}

static struct sched_unit *parked_hog(void)
{
    struct sched_unit *u = hog(256);
    set(u, "cap", 10);
    while (u->state != SCHED_PARKED)
        harness_run(h, MS);
    return u;
}

/* ---- waking and sleeping ------------------------------------------------------------------ */

static void test_waker_is_queued_and_its_pcpu_asked(void **state)
{
    (void)state;
    struct sched_unit *u = idler();
    harness_run(h, MS);
    watch();
    sched_wake(u, h->now);
    assert_int_equal(u->state, SCHED_WAITING);
    assert_true(u->in_clock);
    assert_int_equal(u->woken, MS);
    assert_int_equal(h->due[0], h->now);
    assert_int_equal(pcpu(0)->nr_runnable, 1);
    sched_wake(u, h->now + 1);
    assert_int_equal(u->woken, MS);
    assert_int_equal(count(SCHED_EV_WAKE, u), 1);
}

static void test_running_unit_goes_to_sleep(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    harness_run(h, MS);
    watch();
    sched_block(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    assert_int_equal(u->service, MS);
    assert_false(u->in_clock);
    assert_null(pcpu(0)->current);
    assert_int_equal(h->due[0], h->now);
    sched_block(u, h->now);
    assert_int_equal(count(SCHED_EV_BLOCK, u), 1);
    harness_run(h, MS);
    assert_true(mask_test(&h->pool->idle, 0));
}

static void test_waiting_unit_goes_to_sleep(void **state)
{
    (void)state;
    run_two();
    sched_block(waiter, h->now);
    assert_int_equal(waiter->state, SCHED_BLOCKED);
    assert_int_equal(runner->state, SCHED_RUNNING);
    assert_int_equal(pcpu(0)->nr_runnable, 1);
    assert_int_equal(service_within(runner, SEC), SEC);
}

static void test_parked_unit_goes_to_sleep(void **state)
{
    (void)state;
    struct sched_unit *u = parked_hog();
    sched_block(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    assert_int_equal(service_within(u, SEC), 0);
    sched_wake(u, h->now);
    assert_true(service_within(u, SEC) > 99 * MS);
}

/* ---- pauses ------------------------------------------------------------------------------- */

static void test_pauses_nest(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    sched_pause(u, h->now);
    sched_pause(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    sched_unpause(u, h->now);
    assert_int_equal(service_within(u, SEC), 0);
    sched_unpause(u, h->now);
    assert_int_equal(service_within(u, SEC), SEC);
}

static void test_unpause_without_pause_is_nothing(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    sched_unpause(u, h->now);
    assert_int_equal(u->paused, 0);
    sched_pause(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
}

static void test_wake_under_pause_counts_afterwards(void **state)
{
    (void)state;
    struct sched_unit *u = idler();
    sched_pause(u, h->now);
    sched_wake(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    assert_int_equal(service_within(u, SEC), 0);
    sched_unpause(u, h->now);
    assert_int_equal(u->woken, h->now);
    assert_int_equal(service_within(u, SEC), SEC);
}

static void test_sleep_under_pause_counts_afterwards(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    sched_pause(u, h->now);
    sched_block(u, h->now);
    sched_unpause(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    sched_wake(u, h->now);
    assert_int_equal(u->state, SCHED_WAITING);
}

static void test_pause_of_units_that_wait_or_run(void **state)
{
    (void)state;
    run_two();
    sched_pause(waiter, h->now);
    assert_int_equal(service_within(runner, SEC), SEC);
    sched_unpause(waiter, h->now);
    sched_pause(runner, h->now);
    assert_int_equal(service_within(waiter, SEC), SEC);
}

/* ---- yields ------------------------------------------------------------------------------- */

static void test_yield_lets_another_go_first(void **state)
{
    (void)state;
    run_two();
    sched_unit_yield(runner, h->now);
    assert_true(runner->yielding);
    assert_int_equal(h->due[0], h->now);
    harness_run(h, 0);
    assert_ptr_equal(pcpu(0)->current, waiter);
    assert_false(runner->yielding);
}

static void test_yield_of_one_that_does_not_run(void **state)
{
    (void)state;
    run_two();
    sched_time due = h->due[0];
    sched_unit_yield(waiter, h->now);
    assert_false(waiter->yielding);
    assert_int_equal(h->due[0], due);
}

/* ---- accounts ----------------------------------------------------------------------------- */

static void test_charge_counts_time_once(void **state)
{
    (void)state;
    struct sched_unit *u = hog(512);
    harness_run(h, MS);
    int64_t vtime = u->vtime;
    core_charge(pcpu(0), 4 * MS);
    core_charge(pcpu(0), 4 * MS);
    assert_int_equal(u->service, 4 * MS);
    assert_int_equal(u->vtime - vtime, 2 * MS);
    assert_int_equal(pcpu(0)->charged, 4 * MS);
}

static void test_charge_of_an_idle_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = idler();
    core_charge(pcpu(0), SEC);
    assert_int_equal(pcpu(0)->charged, SEC);
    assert_int_equal(u->service, 0);
}

/* ---- decisions ---------------------------------------------------------------------------- */

static void test_switches_are_traced_once(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    watch();
    harness_run(h, 0);
    for (sched_time now = MS; now < 10 * MS; now += MS)
        assert_ptr_equal(sched_decide(pcpu(0), now).unit, u);
    assert_int_equal(count(SCHED_EV_SWITCH, u), 1);
    assert_int_equal(pcpu(0)->since, 0);
    assert_int_equal(u->service, 9 * MS);
}

static void test_switch_to_idle_is_traced_once(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    harness_run(h, MS);
    watch();
    sched_block(u, h->now);
    sched_decide(pcpu(0), h->now);
    sched_decide(pcpu(0), h->now);
    assert_int_equal(count(SCHED_EV_SWITCH, NULL), 1);
}

static void test_idle_mask_follows_decisions(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    sched_decide(pcpu(u->home->id), 0);
    assert_false(mask_test(&h->pool->idle, u->home->id));
    assert_true(mask_test(&h->pool->idle, 1 - u->home->id));
    sched_block(u, MS);
    sched_decide(pcpu(u->home->id), MS);
    assert_true(mask_test(&h->pool->idle, u->home->id));
}

static void test_lone_unit_is_left_in_peace(void **state)
{
    (void)state;
    hog(256);
    assert_int_equal(sched_decide(pcpu(0), 0).until, SCHED_NEVER);
    assert_int_equal(pcpu(0)->until, SCHED_NEVER);
}

static void test_slice_ends_for_those_who_wait(void **state)
{
    (void)state;
    run_two();
    assert_true(pcpu(0)->until <= h->now + 10 * MS);
    harness_mark(h);
    harness_run(h, SEC);
    assert_share(runner, 50, 1);
    assert_share(waiter, 50, 1);
}

/* It runs where it does not like to be; the pCPU that it prefers becomes idle. */
static void test_unit_leaves_for_a_pcpu_that_it_prefers(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *block = pinned_hog(65535, 1);
    prefer(u, 2);
    harness_run(h, 10 * MS);
    pinned_hog(256, 0);
    while (runs_on(u) != 0)
        harness_run(h, 100 * US);
    sched_block(block, h->now);
    sched_decide(pcpu(1), h->now);
    assert_true(mask_test(&h->pool->idle, 1));
    pcpu(0)->displace_at = SCHED_NEVER; /* not by a chain of moves */
    sched_decide(pcpu(0), h->now);
    assert_int_equal(u->home->id, 1);
    assert_int_equal(h->due[1], h->now);
}

/* Nobody else wants its pCPU, so nothing but its own preference makes it decide again. */
static void test_lone_unit_leaves_for_a_pcpu_that_it_prefers(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *block = pinned_hog(65535, 1);
    prefer(u, 2);
    harness_run(h, 10 * MS);
    assert_int_equal(runs_on(u), 0);
    sched_block(block, h->now);
    harness_run(h, 10 * MS);
    assert_int_equal(runs_on(u), 1);
}

/* ---- the pool's timer --------------------------------------------------------------------- */

static void test_timer_keeps_the_earliest(void **state)
{
    (void)state;
    core_timer(h->pool, 9 * MS);
    core_timer(h->pool, 5 * MS);
    core_timer(h->pool, 7 * MS);
    assert_int_equal(h->pool->timer, 5 * MS);
    sched_tick(h->pool, 5 * MS); /* nobody needs another */
    assert_int_equal(h->pool->timer, SCHED_NEVER);
}

static void test_parked_unit_is_ready_in_time(void **state)
{
    (void)state;
    watch();
    struct sched_unit *u = parked_hog();
    assert_false(u->in_clock);
    assert_int_equal(pcpu(0)->nr_runnable, 0);
    assert_int_not_equal(h->pool->timer, SCHED_NEVER);
    assert_int_equal(count(SCHED_EV_PARK, u), count(SCHED_EV_UNPARK, u) + 1);
    harness_run(h, h->pool->timer - h->now);
    assert_int_equal(u->state, SCHED_RUNNING);
    assert_int_equal(count(SCHED_EV_PARK, u), count(SCHED_EV_UNPARK, u));
}

static void test_ready_is_for_parked_units(void **state)
{
    (void)state;
    run_two();
    struct sched_unit *asleep = idler();
    watch();
    core_ready(runner, h->now);
    core_ready(waiter, h->now);
    core_ready(asleep, h->now);
    assert_int_equal(runner->state, SCHED_RUNNING);
    assert_int_equal(waiter->state, SCHED_WAITING);
    assert_int_equal(asleep->state, SCHED_BLOCKED);
    assert_int_equal(logged, 0);
}

/* ---- homes -------------------------------------------------------------------------------- */

static void test_new_home_is_a_migration(void **state)
{
    (void)state;
    struct sched_unit *u = idler();
    unsigned from = u->home->id, to = 1 - from;
    watch();
    core_set_home(u, pcpu(from), h->now);
    assert_int_equal(u->migrations, 0);
    assert_int_equal(logged, 0);
    core_set_home(u, pcpu(to), h->now);
    assert_int_equal(u->migrations, 1);
    assert_int_equal(count(SCHED_EV_MIGRATE, u), 1);
    assert_int_equal(log_of[0].pcpu, to);
    assert_int_equal(log_of[0].arg, from);
    assert_true(list_empty(&pcpu(from)->units));
}

static void test_waiting_unit_moves_with_its_weight(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    struct sched_pcpu *from = u->home, *to = pcpu(1 - from->id);
    core_move(u, to, MS);
    assert_ptr_equal(u->home, to);
    assert_int_equal(u->moved, MS);
    assert_int_equal(u->state, SCHED_WAITING);
    assert_int_equal(from->nr_runnable, 0);
    assert_int_equal(from->clock.weight, 0);
    assert_int_equal(to->nr_runnable, 1);
    assert_true(to->clock.weight > 0);
    assert_ptr_equal(sched_decide(to, MS).unit, u);
}

static void test_only_waiting_units_are_moved(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *asleep = idler();
    harness_run(h, MS);
    const struct sched_pcpu *home = u->home, *other = asleep->home;
    core_move(u, pcpu(1 - home->id), h->now);
    core_move(asleep, pcpu(1 - other->id), h->now);
    assert_ptr_equal(u->home, home);
    assert_ptr_equal(asleep->home, other);
    assert_int_equal(u->state, SCHED_RUNNING);
}

/* ---- withdrawal --------------------------------------------------------------------------- */

static void test_withdrawn_units_are_nowhere(void **state)
{
    (void)state;
    run_two();
    core_withdraw(runner, h->now);
    core_withdraw(waiter, h->now);
    assert_int_equal(pcpu(0)->nr_runnable, 0);
    assert_null(pcpu(0)->current);
    assert_null(core_first_waiting(pcpu(0), false));
    assert_int_equal(runner->service + waiter->service, h->now);
    core_resume(runner, h->now);
    core_resume(waiter, h->now);
    core_resume(waiter, h->now);
    assert_int_equal(pcpu(0)->nr_runnable, 2);
    harness_mark(h);
    harness_run(h, SEC);
    assert_share(runner, 50, 2);
}

static void test_sleeper_is_not_resumed(void **state)
{
    (void)state;
    struct sched_unit *u = idler();
    core_withdraw(u, h->now);
    core_resume(u, h->now);
    assert_int_equal(u->state, SCHED_BLOCKED);
    assert_int_equal(pcpu(0)->nr_runnable, 0);
}

static void test_preempted_unit_waits_again(void **state)
{
    (void)state;
    run_two();
    sched_time service = runner->service;
    core_preempt(pcpu(0), h->now + 100);
    assert_int_equal(runner->state, SCHED_WAITING);
    assert_true(runner->service > service);
    assert_null(pcpu(0)->current);
    assert_int_equal(h->due[0], h->now + 100);
}

/* Only units that others could take are in the index. */
static void test_who_is_indexed(void **state)
{
    (void)state;
    struct sched_unit *pinned = pinned_hog(256, 0), *u = hog(256);
    assert_false(index_holds(pinned));
    assert_true(index_holds(u));
    sched_decide(u->home, h->now);
    assert_false(index_holds(pcpu(u->home->id)->current));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("credit2", 1, test_waker_is_queued_and_its_pcpu_asked),
        ON("credit2", 1, test_running_unit_goes_to_sleep),
        ON("credit2", 1, test_waiting_unit_goes_to_sleep),
        ON("credit2", 1, test_parked_unit_goes_to_sleep),
        ON("credit2", 1, test_pauses_nest),
        ON("credit2", 1, test_unpause_without_pause_is_nothing),
        ON("credit2", 1, test_wake_under_pause_counts_afterwards),
        ON("credit2", 1, test_sleep_under_pause_counts_afterwards),
        ON("credit2", 1, test_pause_of_units_that_wait_or_run),
        ON("credit2", 1, test_yield_lets_another_go_first),
        ON("credit2", 1, test_yield_of_one_that_does_not_run),
        ON("credit2", 1, test_charge_counts_time_once),
        ON("credit2", 1, test_charge_of_an_idle_pcpu),
        ON("credit2", 1, test_switches_are_traced_once),
        ON("credit2", 1, test_switch_to_idle_is_traced_once),
        ON("credit2", 2, test_idle_mask_follows_decisions),
        ON("credit2", 1, test_lone_unit_is_left_in_peace),
        ON("credit2", 1, test_slice_ends_for_those_who_wait),
        ON("credit2", 2, test_unit_leaves_for_a_pcpu_that_it_prefers),
        ON("credit2", 2, test_lone_unit_leaves_for_a_pcpu_that_it_prefers),
        ON("credit2", 1, test_timer_keeps_the_earliest),
        ON("credit2", 1, test_parked_unit_is_ready_in_time),
        ON("credit2", 1, test_ready_is_for_parked_units),
        ON("credit2", 2, test_new_home_is_a_migration),
        ON("credit2", 2, test_waiting_unit_moves_with_its_weight),
        ON("credit2", 2, test_only_waiting_units_are_moved),
        ON("credit2", 1, test_withdrawn_units_are_nowhere),
        ON("credit2", 1, test_sleeper_is_not_resumed),
        ON("credit2", 1, test_preempted_unit_waits_again),
        ON("credit2", 2, test_who_is_indexed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
