/*
 * The guests' state machines, each against a machine that runs a burst as soon
 * as it is given one, on as many pCPUs as there are workers (or on none).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../tools/sim/behaviour.h"

#define MAX_WORKERS 4

static struct fake {
    struct crew crew;
    struct worker workers[MAX_WORKERS], *pointers[MAX_WORKERS];
    struct vcpu_result results[MAX_WORKERS];
    struct domain_result domain;
    struct heap calendar;
    struct work_env env;
    sched_time burst[MAX_WORKERS]; /* given last; 0: blocked */
    sched_time demanded[MAX_WORKERS];
    bool running[MAX_WORKERS];
} fake;

static unsigned number(const struct worker *w)
{
    return (unsigned)(w - fake.workers);
}

static void fake_give(void *ctx, struct worker *w, sched_time burst)
{
    (void)ctx;
    fake.burst[number(w)] = burst;
}

static void fake_demand(void *ctx, struct worker *w, sched_time work)
{
    (void)ctx;
    if (work != SCHED_NEVER)
        fake.demanded[number(w)] += work;
}

static void fake_arm(void *ctx, struct work_timer *t, sched_time when)
{
    (void)ctx;
    calendar_set(&fake.calendar, &t->event, when, ORDER_WAKE);
}

static bool fake_running(void *ctx, const struct worker *w)
{
    (void)ctx;
    return fake.running[number(w)];
}

static void begin(const struct workload *load, unsigned nr_workers)
{
    fake = (struct fake){.env = {NULL, fake_give, fake_demand, fake_arm, fake_running}};
    heap_init(&fake.calendar);
    for (unsigned i = 0; i < nr_workers; i++) {
        fake.pointers[i] = &fake.workers[i];
        fake.workers[i].result = &fake.results[i];
    }
    assert_true(
        crew_init(&fake.crew, load, &fake.env, fake.pointers, nr_workers, &fake.domain, 1, 0));
    crew_start(&fake.crew, 0);
}

/* Time of the next timer, SCHED_NEVER: none. */
static sched_time next_timer(void)
{
    return fake.calendar.top ? event_time(heap_top_entry(&fake.calendar, struct event, node))
                             : SCHED_NEVER;
}

/* The timer that is due first goes off; returns when. */
static sched_time fire(void)
{
    struct event *ev = heap_top_entry(&fake.calendar, struct event, node);
    sched_time now = event_time(ev);

    heap_remove(&fake.calendar, &ev->node);
    work_expire(container_of(ev, struct work_timer, event), now);
    return now;
}

/* Worker i completes its burst at `now`; its step is put into effect. */
static struct work_step complete(unsigned i, sched_time now)
{
    struct work_step step = work_done(&fake.workers[i], now);

    fake.burst[i] = step.next == NEXT_BLOCK ? 0 : step.burst;
    return step;
}

static struct dist fixed(sched_time t)
{
    return (struct dist){DIST_CONST, t, 0};
}

static void test_hog_runs_for_ever(void **state)
{
    const struct workload load = {.kind = WORK_HOG};

    (void)state;
    begin(&load, 2);
    assert_true(fake.burst[0] == SCHED_NEVER && fake.burst[1] == SCHED_NEVER);
    assert_true(next_timer() == SCHED_NEVER);
}

static void test_idle_never_wakes(void **state)
{
    const struct workload load = {.kind = WORK_IDLE};

    (void)state;
    begin(&load, 1);
    assert_true(fake.burst[0] == 0 && next_timer() == SCHED_NEVER);
}

static void test_yielder_yields_after_each_burst(void **state)
{
    const struct workload load = {.kind = WORK_YIELDER, .burst = fixed(50)};

    (void)state;
    begin(&load, 1);
    assert_int_equal(fake.burst[0], 50);
    assert_int_equal(complete(0, 50).next, NEXT_YIELD);
    assert_int_equal(fake.burst[0], 50);
}

static void test_interactive_sleeps_first(void **state)
{
    const struct workload load = {.kind = WORK_INTERACTIVE, .sleep = fixed(10), .burst = fixed(3)};

    (void)state;
    begin(&load, 1);
    assert_int_equal(fake.burst[0], 0);
    assert_int_equal(fire(), 10);
    assert_int_equal(fake.burst[0], 3);
    assert_int_equal(complete(0, 20).next, NEXT_BLOCK);
    assert_int_equal(next_timer(), 30);
    assert_int_equal(fake.demanded[0], 3);
}

static void test_burst_of_nothing_takes_time(void **state)
{
    const struct workload load = {.kind = WORK_INTERACTIVE, .sleep = fixed(0), .burst = fixed(0)};

    (void)state;
    begin(&load, 1);
    fire();
    assert_int_equal(fake.burst[0], 1);
}

static void test_periodic_deadline_is_met_at_the_deadline(void **state)
{
    const struct workload load = {.kind = WORK_PERIODIC, .period = 10, .busy = 4, .phase = 3};

    (void)state;
    begin(&load, 1);
    assert_int_equal(fire(), 3);
    assert_int_equal(fake.burst[0], 4);
    assert_int_equal(next_timer(), 13);
    complete(0, 13);
    assert_int_equal(fake.results[0].jobs, 1);
    assert_int_equal(fake.results[0].misses, 0);
    assert_int_equal(fire(), 13);
    complete(0, 24); /* due at 23 */
    assert_int_equal(fake.results[0].jobs, 2);
    assert_int_equal(fake.results[0].misses, 1);
}

static void test_periodic_jobs_queue(void **state)
{
    const struct workload load = {.kind = WORK_PERIODIC, .period = 10, .busy = 4};

    (void)state;
    begin(&load, 1);
    for (int i = 0; i < 3; i++) /* released at 0, 10, 20 */
        fire();
    assert_int_equal(fake.demanded[0], 12);
    assert_int_equal(complete(0, 25).next, NEXT_RUN); /* late */
    assert_int_equal(complete(0, 26).next, NEXT_RUN); /* late */
    assert_int_equal(complete(0, 27).next, NEXT_BLOCK);
    assert_int_equal(fake.results[0].jobs, 3);
    assert_int_equal(fake.results[0].misses, 2);
}

static void test_periodic_unfinished_jobs_count_when_due(void **state)
{
    const struct workload load = {.kind = WORK_PERIODIC, .period = 10, .busy = 4};

    (void)state;
    begin(&load, 1);
    for (int i = 0; i < 3; i++) /* due at 10, 20, 30 */
        fire();
    crew_stop(&fake.crew, 29);
    assert_int_equal(fake.results[0].jobs, 2);
    assert_int_equal(fake.results[0].misses, 2);
    assert_true(next_timer() == SCHED_NEVER);
}

static void test_periodic_jitter_delays_the_release_and_the_deadline(void **state)
{
    const struct workload load = {.kind = WORK_PERIODIC, .period = 1000, .busy = 1, .jitter = 100};
    bool jittered = false;

    (void)state;
    begin(&load, 1);
    for (sched_time k = 0; k < 200; k++) {
        sched_time release = fire();
        assert_in_range(release, k * 1000, k * 1000 + 100);
        jittered = jittered || release != k * 1000;
        complete(0, release + 1000);
    }
    assert_true(jittered);
    assert_int_equal(fake.results[0].misses, 0);
}

static void test_trace_repeats(void **state)
{
    struct workload load = {.kind = WORK_TRACE, .nr_steps = 3};

    (void)state;
    load.steps = calloc(3, sizeof(*load.steps));
    load.steps[0].sleep = 5;
    load.steps[0].run = 2;
    load.steps[1].run = 7; /* without sleep: goes on at once */
    load.steps[2].sleep = 100;
    load.steps[2].run = 1;
    begin(&load, 1);
    assert_int_equal(fire(), 5);
    assert_int_equal(fake.burst[0], 2);
    assert_int_equal(complete(0, 7).next, NEXT_RUN);
    assert_int_equal(fake.burst[0], 7);
    assert_int_equal(complete(0, 14).next, NEXT_BLOCK);
    assert_int_equal(fire(), 114);
    assert_int_equal(fake.burst[0], 1);
    complete(0, 115);
    assert_int_equal(fire(), 120);
    assert_int_equal(fake.burst[0], 2);
    free(load.steps);
}

static void test_server_queues_in_order(void **state)
{
    const struct workload load = {
        .kind = WORK_SERVER, .clients = 3, .sleep = fixed(10), .burst = fixed(4)};

    (void)state;
    begin(&load, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fire(), 10);
    assert_int_equal(fake.burst[0], 4);
    assert_int_equal(complete(0, 14).next, NEXT_RUN);
    assert_int_equal(complete(0, 18).next, NEXT_RUN);
    assert_int_equal(complete(0, 22).next, NEXT_BLOCK);
    assert_int_equal(fake.domain.requests.count, 3);
    assert_int_equal(fake.domain.requests.max, 12);
    assert_true(fake.domain.requests.sum == 4 + 8 + 12);
    assert_int_equal(fire(), 24); /* the first client has thought again */
    crew_free(&fake.crew);
}

static void test_server_uses_all_workers(void **state)
{
    const struct workload load = {
        .kind = WORK_SERVER, .clients = 2, .sleep = fixed(10), .burst = fixed(4)};

    (void)state;
    begin(&load, 2);
    fire();
    assert_int_equal(fake.burst[1], 0);
    fire();
    assert_int_equal(fake.burst[1], 4);
    crew_free(&fake.crew);
}

static void test_forkjoin_waits_for_the_last(void **state)
{
    const struct workload load = {.kind = WORK_FORKJOIN, .sleep = fixed(6), .burst = fixed(4)};

    (void)state;
    begin(&load, 3);
    assert_int_equal(complete(1, 4).next, NEXT_BLOCK);
    assert_int_equal(complete(0, 5).next, NEXT_BLOCK);
    assert_true(next_timer() == SCHED_NEVER);
    assert_int_equal(fake.domain.iterations, 0);
    assert_int_equal(complete(2, 9).next, NEXT_BLOCK);
    assert_int_equal(fake.domain.iterations, 1);
    assert_int_equal(fire(), 15);
    assert_true(fake.burst[0] == 4 && fake.burst[1] == 4 && fake.burst[2] == 4);
}

static void begin_spinlock(void)
{
    static const struct workload load = {
        .kind = WORK_SPINLOCK, .sleep = {DIST_CONST, 10, 0}, .burst = {DIST_CONST, 3, 0}};

    begin(&load, 3);
    assert_int_equal(complete(0, 10).burst, 3);        /* 0 takes the free lock */
    assert_true(complete(1, 10).burst == SCHED_NEVER); /* 1 and 2 spin */
    assert_true(complete(2, 10).burst == SCHED_NEVER);
}

static void test_spinlock_goes_to_the_first_that_runs(void **state)
{
    (void)state;
    begin_spinlock();
    fake.running[2] = true;
    assert_int_equal(complete(0, 13).burst, 10); /* computes again */
    assert_true(fake.burst[1] == SCHED_NEVER);
    assert_int_equal(fake.burst[2], 3);
    assert_int_equal(fake.domain.iterations, 1);
}

static void test_spinlock_is_found_free_when_nobody_ran(void **state)
{
    (void)state;
    begin_spinlock();
    complete(0, 13);
    work_resume(&fake.workers[2]);
    assert_int_equal(fake.burst[2], 3);
    work_resume(&fake.workers[1]); /* taken again */
    assert_true(fake.burst[1] == SCHED_NEVER);
}

static void test_stop_and_start_again(void **state)
{
    (void)state;
    begin_spinlock();
    crew_stop(&fake.crew, 12);
    crew_start(&fake.crew, 50);
    assert_int_equal(complete(1, 60).burst, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hog_runs_for_ever),
        cmocka_unit_test(test_idle_never_wakes),
        cmocka_unit_test(test_yielder_yields_after_each_burst),
        cmocka_unit_test(test_interactive_sleeps_first),
        cmocka_unit_test(test_burst_of_nothing_takes_time),
        cmocka_unit_test(test_periodic_deadline_is_met_at_the_deadline),
        cmocka_unit_test(test_periodic_jobs_queue),
        cmocka_unit_test(test_periodic_unfinished_jobs_count_when_due),
        cmocka_unit_test(test_periodic_jitter_delays_the_release_and_the_deadline),
        cmocka_unit_test(test_trace_repeats),
        cmocka_unit_test(test_server_queues_in_order),
        cmocka_unit_test(test_server_uses_all_workers),
        cmocka_unit_test(test_forkjoin_waits_for_the_last),
        cmocka_unit_test(test_spinlock_goes_to_the_first_that_runs),
        cmocka_unit_test(test_spinlock_is_found_free_when_nobody_ran),
        cmocka_unit_test(test_stop_and_start_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
