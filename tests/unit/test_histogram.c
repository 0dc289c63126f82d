/* Histograms of times: exact below 64 ns, within 1/64 above, quantiles never above the maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../tools/sim/result.h"

static int setup(void **state)
{
    *state = calloc(2, sizeof(struct histogram));
    return *state == NULL;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_empty(void **state)
{
    const struct histogram *h = *state;

    assert_int_equal(histogram_quantile(h, 0.5), 0);
    assert_int_equal(histogram_quantile(h, 1), 0);
}

static void test_small_values_are_exact(void **state)
{
    struct histogram *h = *state;

    for (sched_time t = 0; t < HIST_SUB; t++)
        histogram_add(h, t);
    for (int i = 1; i <= HIST_SUB; i++)
        assert_int_equal(histogram_quantile(h, (double)i / HIST_SUB), i - 1);
    assert_int_equal(h->max, HIST_SUB - 1);
    assert_int_equal(h->count, HIST_SUB);
    assert_true(h->sum == HIST_SUB * (HIST_SUB - 1) / 2.0);
}

/* The lower of two values must come back from its bucket, not from the maximum. */
static void test_relative_error(void **state)
{
    struct histogram *h = *state;

    for (sched_time t = 1; t < (sched_time)1 << 50; t += 1 + t / 5) {
        *h = (struct histogram){0};
        histogram_add(h, t);
        histogram_add(h, 2 * t);
        sched_time got = histogram_quantile(h, 0.5);
        assert_true(got >= t);
        assert_true((got - t) * HIST_SUB <= t);
        assert_int_equal(histogram_quantile(h, 1), 2 * t);
    }
}

static void test_powers_of_two_begin_a_bucket(void **state)
{
    struct histogram *h = *state;

    for (int bit = 7; bit < 50; bit++) {
        *h = (struct histogram){0};
        histogram_add(h, ((sched_time)1 << bit) - 1);
        histogram_add(h, (sched_time)1 << bit);
        assert_int_equal(histogram_quantile(h, 0.5), ((sched_time)1 << bit) - 1);
    }
}

static void test_beyond_the_last_bucket(void **state)
{
    struct histogram *h = *state;

    histogram_add(h, SCHED_NEVER);
    histogram_add(h, SCHED_NEVER - 5);
    assert_int_equal(histogram_quantile(h, 0.1), SCHED_NEVER);
    histogram_add(h, -3); /* counts as 0 */
    assert_int_equal(histogram_quantile(h, 0.1), 0);
}

static void test_rank_is_rounded_up(void **state)
{
    struct histogram *h = *state;

    for (sched_time t = 1; t <= 10; t++)
        histogram_add(h, t);
    assert_int_equal(histogram_quantile(h, 0), 1);
    assert_int_equal(histogram_quantile(h, 0.1), 1);
    assert_int_equal(histogram_quantile(h, 0.11), 2);
    assert_int_equal(histogram_quantile(h, 0.99), 10);
}

static void test_merge(void **state)
{
    struct histogram *h = *state;

    histogram_add(&h[0], 5);
    histogram_add(&h[0], 7);
    histogram_add(&h[1], 1000);
    histogram_merge(&h[0], &h[1]);
    assert_int_equal(h[0].count, 3);
    assert_int_equal(h[0].max, 1000);
    assert_true(h[0].sum == 1012);
    assert_int_equal(histogram_quantile(&h[0], 0.4), 7);
    assert_int_equal(histogram_quantile(&h[0], 0.9), 1000);
    h[1] = (struct histogram){0};
    histogram_merge(&h[0], &h[1]);
    assert_int_equal(h[0].count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_values_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_relative_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_powers_of_two_begin_a_bucket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_beyond_the_last_bucket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rank_is_rounded_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
