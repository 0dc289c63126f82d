/* What the simulator measures, against a brute-force count where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../tools/sim/meter.h"
#include "../../tools/sim/random.h"

static struct vcpu_result got;
static struct vcpu_meter meter;

static int setup(void **state)
{
    (void)state;
    got = (struct vcpu_result){0};
    meter_init(&meter, &got);
    meter_create(&meter, 100);
    return 0;
}

static void test_latency_is_wake_to_first_run(void **state)
{
    (void)state;
    meter_wake(&meter, 100);
    meter_wait(&meter, 100);
    meter_run(&meter, 130, 4); /* 4 ns of overhead before it does anything */
    meter_stop(&meter, 150);
    meter_wait(&meter, 150);
    meter_run(&meter, 250, 4); /* preempted, not woken: no second sample */
    meter_stop(&meter, 251);
    assert_int_equal(got.latency.count, 1);
    assert_int_equal(got.latency.max, 34);
    assert_int_equal(got.switches, 2);
    assert_int_equal(got.longest_wait, 100);
}

static void test_parking_interrupts_a_wait(void **state)
{
    (void)state;
    meter_wake(&meter, 100);
    meter_wait(&meter, 100);
    meter_wait_end(&meter, 110); /* parked */
    meter_wait(&meter, 500);
    meter_wait(&meter, 505); /* known already */
    meter_run(&meter, 520, 0);
    assert_int_equal(got.longest_wait, 20);
    assert_int_equal(got.latency.max, 420);
}

static void test_service_counts_the_current_run(void **state)
{
    (void)state;
    meter_run(&meter, 100, 0);
    assert_int_equal(meter_service(&meter, 160), 60);
    meter_stop(&meter, 170);
    assert_int_equal(meter_service(&meter, 200), 70);
    assert_int_equal(got.service, 70);
}

static void test_end_counts_presence_and_an_unfinished_wait(void **state)
{
    (void)state;
    meter_wait(&meter, 300);
    meter_end(&meter, 1000);
    assert_int_equal(got.present, 900);
    assert_int_equal(got.longest_wait, 700);
    meter_create(&meter, 2000);
    meter_end(&meter, 2010);
    assert_int_equal(got.present, 910);
}

static void test_lag_keeps_the_maximum(void **state)
{
    (void)state;
    meter_lag(&meter, 50, 150);
    meter_run(&meter, 150, 0);
    meter_lag(&meter, 80, 200); /* has 50 */
    meter_lag(&meter, 90, 400);
    assert_true(got.max_lag == 50);
}

static void test_cap_excess_of_a_burst(void **state)
{
    struct domain_result domain = {0};
    struct cap_meter cap;

    (void)state;
    cap_meter_init(&cap, &domain);
    cap_meter_set(&cap, 50, 0);
    cap_meter_run(&cap, +1, 1000); /* idle before: that earns nothing */
    cap_meter_run(&cap, +1, 1100); /* 50 ns of excess so far */
    cap_meter_run(&cap, -1, 1200); /* and 150 more */
    cap_meter_run(&cap, -1, 1210); /* and 5 more */
    cap_meter_update(&cap, 5000);
    assert_true(domain.cap_excess == 205);
}

static void test_cap_windows_begin_anew_with_the_cap(void **state)
{
    struct domain_result domain = {0};
    struct cap_meter cap;

    (void)state;
    cap_meter_init(&cap, &domain);
    cap_meter_run(&cap, +1, 0); /* uncapped: runs without excess */
    cap_meter_set(&cap, 100, 1000);
    cap_meter_update(&cap, 2000);
    assert_true(domain.cap_excess == 0);
    cap_meter_set(&cap, 10, 3000);
    cap_meter_update(&cap, 3100);
    assert_true(domain.cap_excess == 90);
    cap_meter_set(&cap, 0, 3100);
    cap_meter_run(&cap, -1, 9000);
    assert_true(domain.cap_excess == 90);
}

static void test_no_excess_without_a_cap(void **state)
{
    struct domain_result domain = {0};
    struct cap_meter cap;

    (void)state;
    cap_meter_init(&cap, &domain);
    cap_meter_run(&cap, +1, 1000);
    cap_meter_update(&cap, 5000); /* the run ends */
    assert_true(domain.cap_excess == 0);
}

/* All pairs of the moments at which something changed. */
static double brute_force(const sched_time *at, const sched_time *service, int n, double cap)
{
    double worst = 0;

    for (int s = 0; s < n; s++) {
        for (int t = s; t < n; t++) {
            double excess = (double)(service[t] - service[s]) - cap * (double)(at[t] - at[s]);
            if (excess > worst)
                worst = excess;
        }
    }
    return worst;
}

#define STEPS 200

static void test_cap_excess_equals_brute_force(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 3, 0);
    for (int round = 0; round < 50; round++) {
        struct domain_result domain = {0};
        struct cap_meter cap;
        sched_time at[STEPS] = {0}, service[STEPS] = {0};
        unsigned running = 0;

        cap_meter_init(&cap, &domain);
        cap_meter_set(&cap, 70, 0);
        for (int i = 1; i < STEPS; i++) {
            sched_time passed = (sched_time)rng_below(&r, 1000);
            bool start = running == 0 || (running < 4 && rng_below(&r, 2));
            at[i] = at[i - 1] + passed;
            service[i] = service[i - 1] + (sched_time)running * passed;
            cap_meter_run(&cap, start ? 1 : -1, at[i]);
            running += start ? 1u : -1u;
        }
        double diff = domain.cap_excess - brute_force(at, service, STEPS, 0.7);
        assert_true(diff < 1e-3 && diff > -1e-3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_latency_is_wake_to_first_run, setup),
        cmocka_unit_test_setup(test_parking_interrupts_a_wait, setup),
        cmocka_unit_test_setup(test_service_counts_the_current_run, setup),
        cmocka_unit_test_setup(test_end_counts_presence_and_an_unfinished_wait, setup),
        cmocka_unit_test_setup(test_lag_keeps_the_maximum, setup),
        cmocka_unit_test(test_cap_excess_of_a_burst),
        cmocka_unit_test(test_cap_windows_begin_anew_with_the_cap),
        cmocka_unit_test(test_no_excess_without_a_cap),
        cmocka_unit_test(test_cap_excess_equals_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
