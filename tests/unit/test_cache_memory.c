/* Speed, latency under load, throttles and limits. */
#define _POSIX_C_SOURCE 200809L
#include "cache_rig.h"

#define SLOW_HOST "cache 8M ways=8\nclock 1GHz\n"

static double ipc(unsigned d)
{
    return 1 / rig_result.state[d].cpi;
}

static double gbs(unsigned d)
{
    return rig_result.state[d].bandwidth / 1e9;
}

/* 10 misses per 1000 at 100 cycles, two at a time: 0.5 cycles an instruction. */
static void test_misses_cost(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=10 cpi=0.5 mlp=2\n");
    assert_near(rig_result.state[0].cpi, 1);
    assert_near(gbs(0), 0.64);
    assert_near(rig_result.latency, 100e-9);
}

static void test_writes_are_traffic(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=10 cpi=0.5 mlp=2 written=0.5\n");
    assert_near(rig_result.state[0].cpi, 1);
    assert_near(gbs(0), 0.96);
}

/* Little's law: 8 lines in 100 ns. */
static void test_lines_in_flight(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=1000 cpi=0.5 mlp=1000 outstanding=8\n");
    assert_near(gbs(0), 8 * 64 / 100.);
}

static void test_demand(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=100 cpi=0.1 mlp=100 demand=2GB/s cores=3\n");
    assert_near(gbs(0), 6);
}

/* Half of the limit in use: one `queue` more. */
static void test_latency_rises(void **state)
{
    (void)state;
    cache_rig_solve(SLOW_HOST "memory 10GB/s latency=100ns queue=30ns\n"
                              "domain a mpki=1000 cpi=0.1 mlp=100 demand=5GB/s\n");
    assert_near(rig_result.latency, 130e-9);
    assert_near(gbs(0), 5);
}

/* Many want more than there is: the limit is not exceeded, and all get the same. */
static void test_limit(void **state)
{
    (void)state;
    cache_rig_solve(SLOW_HOST "memory 10GB/s latency=100ns queue=30ns\n"
                              "domain a mpki=500 cpi=0.1 mlp=32 cores=20\n"
                              "domain b mpki=500 cpi=0.1 mlp=32 cores=20\n");
    assert_true(rig_result.bandwidth < 10e9);
    assert_true(rig_result.bandwidth > 9e9);
    assert_near(gbs(0), gbs(1));
}

static double throttled(const char *kind, unsigned value, const char *keys)
{
    char text[512];

    snprintf(text, sizeof text,
             SLOW_HOST "memory 1000000GB/s latency=100ns\nthrottle %s\n"
                       "domain a mpki=1000 cpi=0.1 mlp=1000 outstanding=1000 %s\n"
                       "psr-mba-set a %u\n",
             kind, keys, value);
    cache_rig_solve(text);
    return gbs(0);
}

static void test_linear(void **state)
{
    (void)state;
    assert_near(throttled("linear link=10GB/s", 0, ""), 10);
    assert_near(throttled("linear link=10GB/s", 30, ""), 7);
    assert_near(throttled("linear link=10GB/s", 39, ""), 7); /* the step below */
    assert_near(throttled("linear link=10GB/s", 90, ""), 1);
    assert_near(throttled("linear link=10GB/s", 90, "cores=4"), 4);      /* each core has its own */
    assert_near(throttled("linear link=10GB/s", 30, "demand=2GB/s"), 2); /* not of what is used */
}

/* Half of the accesses hit, and wait in the throttle all the same. */
static void test_hits_are_throttled(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=50 apki=100 cpi=0.1 mlp=1000\npsr-mba-set a 90\n");
    assert_near(gbs(0), 0.5);
}

static void test_nonlinear(void **state)
{
    (void)state;
    assert_near(throttled("nonlinear link=10GB/s", 1, ""), 5);
    assert_near(throttled("nonlinear link=10GB/s", 5, ""), 2); /* 4 */
    assert_near(throttled("nonlinear link=10GB/s", 64, ""), 10 / 65.);
}

/* In eighths of GB/s, for all that is in the class. */
static void test_limit_of_a_class(void **state)
{
    (void)state;
    assert_near(throttled("limit", 8, ""), 1);
    assert_near(throttled("limit", 8, "cores=4"), 1);
    assert_near(throttled("limit", 2047, "demand=3GB/s"), 3);
    cache_rig_solve(SLOW_HOST "memory 1000000GB/s latency=100ns\nthrottle limit\n"
                              "domain a mpki=100 cpi=0.1 mlp=100 demand=3GB/s\n"
                              "domain b mpki=100 cpi=0.1 mlp=100 demand=1GB/s\n"
                              "domain c mpki=100 cpi=0.1 mlp=100 demand=1GB/s\n"
                              "psr-mba-set a 16\npsr-mba-set b 16\n");
    assert_near(gbs(0), 1.5);
    assert_near(rig_result.state[0].cpi, 2 * 6.4 / 3); /* 6.4 bytes an instruction */
    assert_near(gbs(1), 0.5);
    assert_near(gbs(2), 1);
}

static void test_throttling_helps_others(void **state)
{
    static const char text[] = SLOW_HOST "memory 10GB/s latency=100ns queue=30ns\n"
                                         "throttle linear link=20GB/s\n"
                                         "domain a mpki=10 cpi=0.5 mlp=1\n"
                                         "domain b mpki=500 cpi=0.1 mlp=32\n%s";
    char with[512];
    double before;

    (void)state;
    snprintf(with, sizeof with, text, "");
    cache_rig_solve(with);
    before = ipc(0);
    snprintf(with, sizeof with, text, "xl psr-mba-set b 90\n");
    cache_rig_solve(with);
    assert_true(ipc(0) > 1.5 * before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misses_cost),
        cmocka_unit_test(test_writes_are_traffic),
        cmocka_unit_test(test_lines_in_flight),
        cmocka_unit_test(test_demand),
        cmocka_unit_test(test_latency_rises),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_hits_are_throttled),
        cmocka_unit_test(test_nonlinear),
        cmocka_unit_test(test_limit_of_a_class),
        cmocka_unit_test(test_throttling_helps_others),
    };
    return cmocka_run_group_tests(tests, files_begin, cache_rig_end);
}
