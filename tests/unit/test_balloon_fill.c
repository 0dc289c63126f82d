/* The division of memory: bounds, sums, weights, and the price that all pay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../numa/balloon_fill.h"

#define MIB 1024

static struct balloon_claim claim(int64_t low, int64_t high, int64_t active, uint32_t weight)
{
    return (struct balloon_claim){low * MIB, high * MIB, active * MIB, weight, -1};
}

static void test_weights_share_what_all_would_use(void **state)
{
    struct balloon_claim c[] = {claim(0, 1000, 1000, 512), claim(0, 1000, 1000, 256)};

    (void)state;
    assert_int_equal(balloon_fill(c, 2, 900 * MIB, 750), 0);
    assert_int_equal(c[0].got, 600 * MIB);
    assert_int_equal(c[1].got, 300 * MIB);
}

/* The example of Waldspurger's section 5.2: a tax of 75 % bills an idle unit as four. */
static void test_tax_takes_idle_memory(void **state)
{
    struct balloon_claim c[] = {claim(0, 1000, 0, 256), claim(0, 1000, 1000, 256)};

    (void)state;
    assert_int_equal(balloon_fill(c, 2, 1000 * MIB, 0), 0);
    assert_int_equal(c[0].got, 500 * MIB);
    assert_int_equal(balloon_fill(c, 2, 1000 * MIB, 750), 0);
    assert_int_equal(c[0].got, 200 * MIB);
    assert_int_equal(c[1].got, 800 * MIB);
    assert_int_equal(balloon_fill(c, 2, 1000 * MIB, BALLOON_TAX_MAX), 0);
    assert_in_range(c[0].got, 0, 1 * MIB);
}

static void test_bounds_come_first(void **state)
{
    struct balloon_claim c[] = {claim(300, 400, 0, 1), claim(0, 100, 400, 60000),
                                claim(0, 1000, 1000, 10)};

    (void)state;
    assert_int_equal(balloon_fill(c, 3, 900 * MIB, 750), 0);
    assert_int_equal(c[0].got, 300 * MIB);
    assert_int_equal(c[1].got, 100 * MIB);
    assert_int_equal(c[2].got, 500 * MIB);
}

static void test_too_much_and_too_little(void **state)
{
    struct balloon_claim c[] = {claim(100, 200, 50, 256), claim(100, 300, 50, 256)};

    (void)state;
    assert_int_equal(balloon_fill(c, 2, 501 * MIB, 750), 1 * MIB);
    assert_int_equal(c[0].got, 200 * MIB);
    assert_int_equal(c[1].got, 300 * MIB);
    assert_int_equal(balloon_fill(c, 2, 199 * MIB, 750), -1 * MIB);
    assert_int_equal(c[0].got, 100 * MIB);
    assert_int_equal(c[1].got, 100 * MIB);
    assert_int_equal(balloon_fill(c, 2, -5, 750), -200 * MIB - 5);
    assert_int_equal(balloon_fill(c, 0, 7, 750), 7);
}

static void test_extremes(void **state)
{
    struct balloon_claim c[] = {
        {0, BALLOON_MEMORY_MAX, 0, BALLOON_WEIGHT_MAX, 0},
        {0, BALLOON_MEMORY_MAX, 0, 1, 0},
        {0, BALLOON_MEMORY_MAX, BALLOON_MEMORY_MAX, 1, 0},
    };

    (void)state;
    assert_int_equal(balloon_fill(c, 3, 3 * BALLOON_MEMORY_MAX, BALLOON_TAX_MAX), 0);
    assert_int_equal(balloon_fill(c, 3, INT64_MAX, BALLOON_TAX_MAX),
                     INT64_MAX - 3 * BALLOON_MEMORY_MAX);
    assert_int_equal(balloon_fill(c, 3, 1, 0), 0);
    assert_int_equal(c[0].got + c[1].got + c[2].got, 1);
}

/* ---- any claims ------------------------------------------------------------------------------ */

#define MANY 40

static void make_claims(struct balloon_claim *c, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        c[i] = claim(rand() % 100, 0, rand() % 600, 1 + (uint32_t)rand() % 1000);
        c[i].high = c[i].low + rand() % (500 * MIB);
    }
}

static double billed(const struct balloon_claim *c, unsigned tax)
{
    double idle = c->got > c->active ? (double)(c->got - c->active) : 0;

    return ((double)c->got - idle + idle * 1000 / (1000 - tax)) / c->weight;
}

/* Who could still lose pays no less per unit of weight than who could still gain. */
static void check_price(const struct balloon_claim *c, unsigned nr, unsigned tax)
{
    double most_gainer = 1e300, least_loser = 0;

    for (unsigned i = 0; i < nr; i++) {
        double b = billed(&c[i], tax), exact = 2.0 * 1000 / (1000 - tax) / c[i].weight;

        if (c[i].got < c[i].high && b + exact < most_gainer)
            most_gainer = b + exact;
        if (c[i].got > c[i].low && b - exact > least_loser)
            least_loser = b - exact;
    }
    assert_true(least_loser <= most_gainer);
}

static void test_any(void **state)
{
    struct balloon_claim c[MANY];

    (void)state;
    srand(5);
    for (unsigned round = 0; round < 4000; round++) {
        unsigned nr = 1 + (unsigned)rand() % MANY, tax = (unsigned)rand() % 960;
        int64_t low = 0, high = 0, sum = 0;

        make_claims(c, nr);
        for (unsigned i = 0; i < nr; i++)
            low += c[i].low, high += c[i].high;
        int64_t amount = low + (high - low) * (rand() % 101) / 100;
        assert_int_equal(balloon_fill(c, nr, amount, tax), 0);
        for (unsigned i = 0; i < nr; i++) {
            assert_in_range(c[i].got, c[i].low, c[i].high);
            sum += c[i].got;
        }
        assert_int_equal(sum, amount);
        check_price(c, nr, tax);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_share_what_all_would_use),
        cmocka_unit_test(test_tax_takes_idle_memory),
        cmocka_unit_test(test_bounds_come_first),
        cmocka_unit_test(test_too_much_and_too_little),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
