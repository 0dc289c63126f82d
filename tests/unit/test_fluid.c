/* The fluid ideal in time: work arrives, is served at the rates of the moment, and runs out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/fluid.h"

#define UNITS 3

static struct fluid fluid;
static struct mask one, two;
static double noted[UNITS];
static sched_time noted_at[UNITS];

static void note(void *ctx, unsigned unit, double service, sched_time now)
{
    (void)ctx;
    noted[unit] = service;
    noted_at[unit] = now;
}

/* All units in pool 0, which has one pCPU, with weight 1. */
static int setup(void **state)
{
    (void)state;
    fluid = (struct fluid){.note = note};
    mask_clear_all(&one);
    mask_clear_all(&two);
    mask_set(&one, 0);
    mask_set(&two, 1);
    if (!fluid_init(&fluid, UNITS, 2, UNITS))
        return 1;
    for (unsigned i = 0; i < UNITS; i++)
        fluid_place(&fluid, i, 0, (int)i, 1, &one, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fluid_free(&fluid);
    return 0;
}

static sched_time update(sched_time now)
{
    bool no_memory = false;
    sched_time next = fluid_update(&fluid, now, &no_memory);

    assert_false(no_memory);
    return next;
}

static void assert_service(unsigned unit, sched_time now, double expected)
{
    assert_true(fabs(fluid_service(&fluid, unit, now) - expected) < 1e-3);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    assert_true(update(0) == SCHED_NEVER);
    assert_service(0, 1000, 0);
}

static void test_hogs_share_by_weight(void **state)
{
    (void)state;
    fluid_place(&fluid, 1, 0, 1, 3, &one, 0);
    fluid_demand(&fluid, 0, SCHED_NEVER, 0);
    fluid_demand(&fluid, 1, SCHED_NEVER, 0);
    assert_true(update(0) == SCHED_NEVER);
    assert_service(0, 1000, 250);
    assert_service(1, 1000, 750);
}

static void test_work_runs_out(void **state)
{
    (void)state;
    fluid_demand(&fluid, 0, SCHED_NEVER, 0);
    fluid_demand(&fluid, 1, 100, 0);
    assert_int_equal(update(0), 200); /* 100 ns at half a pCPU */
    assert_service(1, 150, 75);
    assert_service(1, 300, 100); /* no more than its work even if looked at late */
    assert_true(update(200) == SCHED_NEVER);
    assert_int_equal(noted_at[1], 200);
    assert_true(noted[1] == 100);
    assert_service(0, 300, 200);
    assert_service(1, 300, 100);
}

static void test_work_arrives_meanwhile(void **state)
{
    (void)state;
    fluid_demand(&fluid, 0, 100, 0);
    assert_int_equal(update(0), 100);
    fluid_demand(&fluid, 1, 30, 50); /* 50 left of unit 0 */
    assert_int_equal(update(50), 110);
    assert_int_equal(update(110), 130);
    assert_true(update(130) == SCHED_NEVER);
    assert_service(0, 130, 100);
    assert_service(1, 130, 30);
}

static void test_more_work_for_the_same_unit(void **state)
{
    (void)state;
    fluid_demand(&fluid, 0, 100, 0);
    update(0);
    fluid_demand(&fluid, 0, 100, 60);
    assert_int_equal(update(60), 200);
}

static void test_cap_holds_the_group(void **state)
{
    (void)state;
    fluid_cap(&fluid, 0, 0.2, 0);
    fluid_demand(&fluid, 0, SCHED_NEVER, 0);
    fluid_demand(&fluid, 1, SCHED_NEVER, 0);
    update(0);
    assert_service(0, 1000, 200);
    assert_service(1, 1000, 800);
    fluid_cap(&fluid, 0, 0, 1000);
    update(1000);
    assert_service(0, 2000, 700);
}

static void test_paused_units_keep_their_work(void **state)
{
    (void)state;
    fluid_demand(&fluid, 0, 100, 0);
    update(0);
    fluid_place(&fluid, 0, FLUID_NOWHERE, 0, 1, NULL, 40);
    assert_true(update(40) == SCHED_NEVER);
    assert_service(0, 1000, 40);
    fluid_place(&fluid, 0, 0, 0, 1, &one, 1000);
    assert_int_equal(update(1000), 1060);
    fluid_forget(&fluid, 0, 1010);
    assert_true(update(1010) == SCHED_NEVER);
    assert_service(0, 2000, 50);
}

static void test_pools_are_apart(void **state)
{
    (void)state;
    fluid_demand(&fluid, 0, SCHED_NEVER, 0);
    fluid_demand(&fluid, 1, SCHED_NEVER, 0);
    update(0);
    fluid_place(&fluid, 1, 1, 1, 1, &two, 100);
    update(100);
    assert_service(0, 200, 150);
    assert_service(1, 200, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hogs_share_by_weight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work_runs_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work_arrives_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_work_for_the_same_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cap_holds_the_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paused_units_keep_their_work, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pools_are_apart, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
