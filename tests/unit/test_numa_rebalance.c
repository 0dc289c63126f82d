/* Which pages follow which vCPUs, and how fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../../numa/rebalance.h"

#define SECOND 1000000000LL

static struct rebalance_domain d;
static int64_t t;

static int setup(void **state)
{
    (void)state;
    memset(&d, 0, sizeof d);
    t = 5 * SECOND;
    return 0;
}

/* For that long the vCPUs of nodes 0 and 1 are these. */
static void live(int64_t time, uint32_t on_0, uint32_t on_1)
{
    uint32_t vcpus[NUMA_MAX_NODES] = {on_0, on_1};

    for (int64_t end = t + time; t < end; t += REBALANCE_PERIOD)
        rebalance_seen(&d, vcpus, t);
}

/* ---- home --------------------------------------------------------------------------------- */

static void test_first_home_at_once(void **state)
{
    (void)state;
    live(REBALANCE_PERIOD, 0, 3);
    assert_int_equal(d.home, 2);
}

static void test_without_vcpus(void **state)
{
    (void)state;
    live(SECOND, 0, 0);
    assert_int_equal(d.home, 0);
    d.pages[0] = 1000;
    assert_int_equal(rebalance_misplaced(&d), 0);
    live(SECOND, 1, 0);
    live(10 * SECOND, 0, 0);
    assert_int_equal(d.home, 1);
}

static void test_home_follows(void **state)
{
    (void)state;
    live(2 * SECOND, 16, 0);
    live(10 * SECOND, 0, 16);
    assert_int_equal(d.home, 2);
}

/* For less than a second of the other node, nothing. */
static void test_short_visits(void **state)
{
    (void)state;
    d.pages[0] = 1000;
    live(2 * SECOND, 1, 0);
    for (unsigned i = 0; i < 20; i++) {
        live(SECOND / 2, 0, 1);
        live(SECOND / 2, 1, 0);
        assert_int_equal(d.home & 1, 1);
        assert_int_equal(rebalance_misplaced(&d), 0);
    }
}

static void test_home_on_two_nodes(void **state)
{
    (void)state;
    d.pages[0] = 1000;
    d.pages[1] = 1000;
    live(5 * SECOND, 2, 2);
    assert_int_equal(d.home, 3);
    assert_int_equal(rebalance_misplaced(&d), 0);
}

/* One that sleeps there does not make it a home. */
static void test_a_tenth_is_no_home(void **state)
{
    (void)state;
    live(5 * SECOND, 1, 16);
    assert_int_equal(d.home, 2);
    live(10 * SECOND, 3, 16);
    assert_int_equal(d.home, 3);
}

/* ---- what moves --------------------------------------------------------------------------- */

static void test_misplaced(void **state)
{
    (void)state;
    d.pages[0] = 1000;
    d.pages[1] = 24;
    live(REBALANCE_PERIOD, 0, 1);
    assert_int_equal(rebalance_misplaced(&d), 1000);
}

static void test_few_are_left_alone(void **state)
{
    (void)state;
    live(REBALANCE_PERIOD, 0, 1);
    d.pages[1] = 64 * 63;
    d.pages[0] = 63;
    assert_int_equal(rebalance_misplaced(&d), 0);
    d.pages[0] = 65;
    assert_int_equal(rebalance_misplaced(&d), 65);
}

static void test_not_while_home_changes(void **state)
{
    (void)state;
    live(SECOND, 0, 1);
    d.pages[0] = 1000;
    assert_int_equal(rebalance_misplaced(&d), 1000);
    live(SECOND / 2, 100, 1);
    assert_int_equal(rebalance_misplaced(&d), 0);
}

static void test_what_stays(void **state)
{
    (void)state;
    live(SECOND, 0, 1);
    d.pages[0] = 100;
    d.pages[1] = 900;
    assert_int_equal(rebalance_misplaced(&d), 100);
    rebalance_tried(&d, t);
    assert_int_equal(rebalance_misplaced(&d), 0);
    live(REBALANCE_RETRY - SECOND, 0, 1);
    assert_int_equal(rebalance_misplaced(&d), 0);
    live(2 * SECOND, 0, 1);
    assert_int_equal(rebalance_misplaced(&d), 100);
    /* More than stayed has come. */
    rebalance_tried(&d, t);
    d.pages[0] = 400;
    assert_int_equal(rebalance_misplaced(&d), 300);
}

/* Pages that stayed at one home may move to another. */
static void test_stays_until_home_changes(void **state)
{
    (void)state;
    live(SECOND, 0, 1);
    d.pages[0] = 1000;
    rebalance_tried(&d, t);
    live(5 * SECOND, 1, 0);
    assert_int_equal(d.home, 1);
    d.pages[1] = 500;
    assert_int_equal(rebalance_misplaced(&d), 500);
}

static void test_target(void **state)
{
    static struct numa_nodes m = {.nr = 2};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        m.node[i] = (struct numa_node){.total = 100000, .free = 50000};
    live(SECOND, 2, 3);
    assert_int_equal(rebalance_target(&d, &m), 1);
    m.node[1].free = 1000; /* not for this */
    assert_int_equal(rebalance_target(&d, &m), 0);
    m.node[0].free = 0;
    assert_int_equal(rebalance_target(&d, &m), NUMA_MAX_NODES);
}

/* ---- how fast ----------------------------------------------------------------------------- */

static void test_off(void **state)
{
    struct rebalance r = {.rate = 0};

    (void)state;
    assert_int_equal(rebalance_allowance(&r, SECOND), 0);
    r.saved = 100;
    assert_int_equal(rebalance_allowance(&r, 2 * SECOND), 0);
}

static void test_burst(void **state)
{
    struct rebalance r = {.rate = 1000};

    (void)state;
    assert_int_equal(rebalance_allowance(&r, 1000 * SECOND), REBALANCE_BURST);
    rebalance_moved(&r, 500);
    assert_int_equal(rebalance_allowance(&r, 1000 * SECOND), 12);
    assert_int_equal(rebalance_allowance(&r, 1000 * SECOND + SECOND / 10), 112);
    rebalance_moved(&r, 1000000);
    assert_int_equal(rebalance_allowance(&r, 1000 * SECOND + SECOND / 10), 0);
    r = (struct rebalance){.rate = 1000000};
    assert_int_equal(rebalance_allowance(&r, 1000 * SECOND), 10000);
}

/* Whatever the rate and however often it is asked for, as much as that in the long run. */
static void test_rate(void **state)
{
    static const uint64_t rates[] = {1, 7, 999, 25600, 1000003, REBALANCE_RATE_MAX};

    (void)state;
    for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct rebalance r = {.rate = rates[i], .filled = SECOND};
        uint64_t moved = 0, burst = rates[i] / 100 > 512 ? rates[i] / 100 : 512;

        for (int64_t at = SECOND; at < 11 * SECOND; at += 3333333) {
            uint64_t nr = rebalance_allowance(&r, at);

            assert_true(nr <= burst);
            moved += nr;
            rebalance_moved(&r, nr);
        }
        assert_true(moved <= 10 * rates[i]);
        assert_true(moved + rates[i] / 100 + 1 >= 10 * rates[i]);
    }
}

/* A clock that stands still, and one that was read late. */
static void test_clock(void **state)
{
    struct rebalance r = {.rate = 1000, .filled = SECOND};

    (void)state;
    assert_int_equal(rebalance_allowance(&r, SECOND), 0);
    assert_int_equal(rebalance_allowance(&r, SECOND / 2), 0);
    assert_int_equal(rebalance_allowance(&r, INT64_MAX), 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_home_at_once, setup),
        cmocka_unit_test_setup(test_without_vcpus, setup),
        cmocka_unit_test_setup(test_home_follows, setup),
        cmocka_unit_test_setup(test_short_visits, setup),
        cmocka_unit_test_setup(test_home_on_two_nodes, setup),
        cmocka_unit_test_setup(test_a_tenth_is_no_home, setup),
        cmocka_unit_test_setup(test_misplaced, setup),
        cmocka_unit_test_setup(test_few_are_left_alone, setup),
        cmocka_unit_test_setup(test_not_while_home_changes, setup),
        cmocka_unit_test_setup(test_what_stays, setup),
        cmocka_unit_test_setup(test_stays_until_home_changes, setup),
        cmocka_unit_test_setup(test_target, setup),
        cmocka_unit_test_setup(test_off, setup),
        cmocka_unit_test_setup(test_burst, setup),
        cmocka_unit_test_setup(test_rate, setup),
        cmocka_unit_test_setup(test_clock, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
