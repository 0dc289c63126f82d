/* Virtual time, and the clocks of pCPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sched/fair.h"
#include "../../sched/policy.h"

#define UNITS 3

static struct sched_pcpu pcpu;
static struct sched_unit units[UNITS];

static int setup(void **state)
{
    (void)state;
    pcpu = (struct sched_pcpu){0};
    for (int i = 0; i < UNITS; i++) {
        units[i] = (struct sched_unit){.home = &pcpu};
        fair_set_weight(&units[i], 256);
    }
    return 0;
}

/* On the pCPU, runnable. */
static struct sched_unit *join(int i, int64_t weight, int64_t vtime)
{
    struct sched_unit *u = &units[i];

    fair_set_weight(u, weight);
    u->vtime = vtime;
    fair_join(u);
    pcpu.nr_runnable++;
    return u;
}

/* ---- vtime -------------------------------------------------------------------------- */

static void test_vtime_is_service_by_weight(void **state)
{
    (void)state;
    fair_set_weight(&units[0], 512);
    fair_charge(&units[0], SEC);
    assert_int_equal(units[0].vtime, SEC / 2);
}

static void test_short_runs_lose_nothing(void **state)
{
    (void)state;
    fair_set_weight(&units[0], 65535);
    for (int i = 0; i < 65535; i++)
        fair_charge(&units[0], 1);
    assert_int_equal(units[0].vtime, 256);
}

/* 256 times 500 days in ns do not fit into 63 bits: it wraps, as virtual time may. */
static void test_long_run_of_the_lightest(void **state)
{
    (void)state;
    fair_set_weight(&units[0], 1);
    fair_charge(&units[0], 500 * 86400 * SEC);
    assert_int_equal(units[0].vtime, (int64_t)(256ULL * 500 * 86400 * SEC));
}

static void test_vtime_wraps(void **state)
{
    (void)state;
    units[0].vtime = INT64_MAX - 10;
    fair_charge(&units[0], 100);
    assert_int_equal(vtime_diff(units[0].vtime, INT64_MAX - 10), 100);
    assert_int_equal(vtime_later(units[0].vtime, INT64_MAX), units[0].vtime);
}

static void test_vtime_of_the_running_unit_grows(void **state)
{
    (void)state;
    pcpu.current = join(0, 128, 1000);
    join(1, 256, 1000);
    pcpu.charged = 50;
    assert_int_equal(fair_vtime_at(&pcpu, &units[0], 150), 1200);
    assert_int_equal(fair_vtime_at(&pcpu, &units[1], 150), 1000);
}

/* ---- conversions ----------------------------------------------------------------------- */

static void test_service_and_virtual_time(void **state)
{
    (void)state;
    fair_set_weight(&units[0], 768);
    assert_int_equal(fair_to_virtual(&units[0], 3 * MS), MS);
    assert_int_equal(fair_to_service(&units[0], MS), 3 * MS);
    assert_int_equal(fair_to_service(&units[0], -MS), -3 * MS);
}

static void test_conversions_saturate(void **state)
{
    (void)state;
    fair_set_weight(&units[0], 1);
    assert_true(fair_to_virtual(&units[0], INT64_MAX) > 60 * SEC);
    assert_true(fair_to_virtual(&units[0], -INT64_MAX) < -60 * SEC);
    fair_set_weight(&units[0], 65535);
    assert_true(fair_to_service(&units[0], INT64_MAX) > 60 * SEC);
    assert_true(fair_to_service(&units[0], -INT64_MAX) < -60 * SEC);
}

/* ---- the clock -------------------------------------------------------------------------- */

static void test_clock_is_the_weighted_mean(void **state)
{
    (void)state;
    join(0, 256, 0);
    join(1, 512, 300);
    assert_int_equal(fair_clock(&pcpu, 0), 200);
}

static void test_clock_counts_the_current_run(void **state)
{
    (void)state;
    pcpu.current = join(0, 256, 0);
    join(1, 512, 0);
    pcpu.charged = 1000;
    assert_int_equal(fair_clock(&pcpu, 1000 + 3 * MS), MS);
}

static void test_clock_follows_charges(void **state)
{
    (void)state;
    join(0, 256, 0);
    join(1, 256, 0);
    fair_charge(&units[0], 2 * MS);
    assert_int_equal(fair_clock(&pcpu, 0), MS);
}

static void test_clock_follows_a_vtime_set(void **state)
{
    (void)state;
    join(0, 256, 0);
    join(1, 768, 0);
    fair_set_vtime(&units[1], 400);
    assert_int_equal(fair_clock(&pcpu, 0), 300);
}

static void test_empty_clock_takes_the_first_vtime(void **state)
{
    (void)state;
    pcpu.clock.base = 5000;
    join(0, 256, 70);
    assert_int_equal(fair_clock(&pcpu, 0), 70);
}

static void test_last_one_leaves_its_vtime(void **state)
{
    (void)state;
    join(0, 65535, 0);
    join(1, 1, 777777);
    fair_charge(&units[0], MS);
    fair_leave(&units[0]);
    fair_leave(&units[1]);
    assert_int_equal(fair_clock(&pcpu, 0), 777777);
    assert_int_equal(pcpu.clock.weight, 0);
}

static void test_clock_across_the_wrap(void **state)
{
    (void)state;
    join(0, 256, INT64_MAX - 99);
    join(1, 256, INT64_MIN + 100);
    assert_int_equal(fair_clock(&pcpu, 0), INT64_MIN);
}

/* The sum of two heavy units a day apart needs more than 64 bits. */
static void test_clock_of_distant_heavy_units(void **state)
{
    (void)state;
    join(0, 65535, 0);
    join(1, 65535, 86400 * SEC);
    assert_in_range(fair_clock(&pcpu, 0), 43200 * SEC - US, 43200 * SEC + US);
}

static void test_clock_without_a_unit(void **state)
{
    (void)state;
    join(0, 256, 0);
    join(1, 512, 300);
    join(2, 1000, 12345);
    assert_int_equal(fair_clock_without(&units[2]), 200);
}

static void test_clock_time_is_shared_by_all(void **state)
{
    (void)state;
    join(0, 256, 0);
    join(1, 512, 0);
    assert_int_equal(fair_clock_time(&pcpu, MS), 3 * MS);
}

/* ---- joining others ----------------------------------------------------------------------- */

static void test_catch_up_is_forward_only(void **state)
{
    (void)state;
    pcpu.clock.base = 1000;
    units[0].vtime = 10;
    units[1].vtime = 2000;
    fair_catch_up(&units[0]);
    fair_catch_up(&units[1]);
    assert_int_equal(units[0].vtime, 1000);
    assert_int_equal(units[1].vtime, 2000);
}

#define FRESH(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_vtime_is_service_by_weight),
        FRESH(test_short_runs_lose_nothing),
        FRESH(test_long_run_of_the_lightest),
        FRESH(test_vtime_wraps),
        FRESH(test_vtime_of_the_running_unit_grows),
        FRESH(test_service_and_virtual_time),
        FRESH(test_conversions_saturate),
        FRESH(test_clock_is_the_weighted_mean),
        FRESH(test_clock_counts_the_current_run),
        FRESH(test_clock_follows_charges),
        FRESH(test_clock_follows_a_vtime_set),
        FRESH(test_empty_clock_takes_the_first_vtime),
        FRESH(test_last_one_leaves_its_vtime),
        FRESH(test_clock_across_the_wrap),
        FRESH(test_clock_of_distant_heavy_units),
        FRESH(test_clock_without_a_unit),
        FRESH(test_clock_time_is_shared_by_all),
        FRESH(test_catch_up_is_forward_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
