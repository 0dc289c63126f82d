/* The pCPUs' next events: the earliest first, ties first in first out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/random.h"
#include "../../tools/sim/turns.h"

#define MANY 100 /* not a power of two: some leaves stay empty */

static struct turns turns;

static int set_up(void **state)
{
    (void)state;
    return turns_init(&turns, MANY) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    turns_free(&turns);
    return 0;
}

static void assert_first(unsigned pcpu, int64_t key)
{
    assert_int_equal(turn_key(turns_first(&turns)), key);
    assert_int_equal(turn_pcpu(turns_first(&turns)), pcpu);
}

static void test_nothing_is_due_at_first(void **state)
{
    (void)state;
    assert_true(turn_key(turns_first(&turns)) == TURN_NEVER);
}

static void test_the_earliest_is_first(void **state)
{
    (void)state;
    turns_set(&turns, 99, 30);
    assert_first(99, 30);
    turns_set(&turns, 0, 20);
    assert_first(0, 20);
    turns_set(&turns, 0, 40);
    assert_first(99, 30);
    turns_set(&turns, 99, TURN_NEVER);
    assert_first(0, 40);
}

static void test_ties_are_first_in_first_out(void **state)
{
    (void)state;
    turns_set(&turns, 7, 10);
    turns_set(&turns, 3, 10);
    turns_set(&turns, 5, 10);
    assert_first(7, 10);
    turns_set(&turns, 7, 10); /* it was that already, so it keeps its place */
    assert_first(7, 10);
    turns_set(&turns, 7, 11);
    turns_set(&turns, 7, 10);
    assert_first(3, 10);
    turns_set(&turns, 3, 12);
    assert_first(5, 10);
}

static void test_one_pcpu(void **state)
{
    struct turns one;

    (void)state;
    assert_true(turns_init(&one, 1));
    turns_set(&one, 0, 5);
    assert_int_equal(turn_key(turns_first(&one)), 5);
    turns_set(&one, 0, TURN_NEVER);
    assert_true(turn_key(turns_first(&one)) == TURN_NEVER);
    turns_free(&one);
}

/* Against a scan over all. */
static void test_like_a_scan(void **state)
{
    int64_t key[MANY];
    unsigned set[MANY] = {0};
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1, 1);
    for (unsigned i = 0; i < MANY; i++)
        key[i] = TURN_NEVER;
    for (unsigned n = 1; n < 20000; n++) {
        unsigned pcpu = (unsigned)(rng_next(&rng) % MANY), first = 0;
        int64_t k = (int64_t)(rng_next(&rng) % 50);
        turns_set(&turns, pcpu, k);
        set[pcpu] = key[pcpu] == k ? set[pcpu] : n;
        key[pcpu] = k;
        for (unsigned i = 1; i < MANY; i++)
            if (key[i] < key[first] || (key[i] == key[first] && set[i] < set[first]))
                first = i;
        assert_first(first, key[first]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_due_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_earliest_is_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ties_are_first_in_first_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_pcpu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_like_a_scan, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
