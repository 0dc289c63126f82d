/* The simulator's random numbers: streams that repeat, and distributions with the right shape. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/random.h"

#define DRAWS 200000

static void test_streams_repeat(void **state)
{
    struct rng a, b;

    (void)state;
    rng_seed(&a, 7, 3);
    rng_seed(&b, 7, 3);
    for (int i = 0; i < 100; i++)
        assert_true(rng_next(&a) == rng_next(&b));
}

static void test_streams_differ(void **state)
{
    struct rng base, other_seed, other_stream;
    int same = 0;

    (void)state;
    rng_seed(&base, 7, 3);
    rng_seed(&other_seed, 8, 3);
    rng_seed(&other_stream, 7, 4);
    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&base);
        same += x == rng_next(&other_seed);
        same += x == rng_next(&other_stream);
    }
    assert_int_equal(same, 0);
}

static void test_peek_tells_what_next_will_draw(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 1, 1);
    uint64_t third = rng_peek(&r, 2);
    rng_next(&r);
    rng_next(&r);
    assert_true(rng_peek(&r, 0) == third);
    assert_true(rng_next(&r) == third);
}

/* Chi-square over 10 cells: above 27.9 only once in a thousand streams. */
static void test_below_is_uniform(void **state)
{
    struct rng r;
    double count[10] = {0}, chi = 0;

    (void)state;
    rng_seed(&r, 42, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rng_below(&r, 10);
        assert_true(x < 10);
        count[x]++;
    }
    for (int i = 0; i < 10; i++)
        chi += (count[i] - DRAWS / 10.0) * (count[i] - DRAWS / 10.0) / (DRAWS / 10.0);
    assert_true(chi < 27.9);
}

static void test_exponential_moments_and_tail(void **state)
{
    struct rng r;
    double sum = 0, squares = 0;
    int above_one = 0, above_three = 0;

    (void)state;
    rng_seed(&r, 5, 0);
    for (int i = 0; i < DRAWS; i++) {
        double x = rng_exponential(&r);
        assert_true(x >= 0);
        sum += x;
        squares += x * x;
        above_one += x > 1;
        above_three += x > 3;
    }
    assert_true(fabs(sum / DRAWS - 1) < 0.01);
    assert_true(fabs(squares / DRAWS - 2) < 0.05);
    assert_true(fabs((double)above_one / DRAWS - exp(-1)) < 0.005);
    assert_true(fabs((double)above_three / DRAWS - exp(-3)) < 0.002);
}

static void test_times_follow_their_distribution(void **state)
{
    const struct dist constant = {DIST_CONST, 500, 0}, uniform = {DIST_UNIFORM, 10, 12},
                      exponential = {DIST_EXP, 1000000, 0};
    bool seen[3] = {false};
    double sum = 0;
    struct rng r;

    (void)state;
    rng_seed(&r, 9, 9);
    for (int i = 0; i < DRAWS; i++) {
        assert_int_equal(rng_time(&r, &constant), 500);
        sched_time t = rng_time(&r, &uniform);
        assert_in_range(t, 10, 12);
        seen[t - 10] = true;
        sum += (double)rng_time(&r, &exponential);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_true(fabs(sum / DRAWS - 1e6) < 1e4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_repeat),
        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_peek_tells_what_next_will_draw),
        cmocka_unit_test(test_below_is_uniform),
        cmocka_unit_test(test_exponential_moments_and_tail),
        cmocka_unit_test(test_times_follow_their_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
