/* How ways are divided, for rates that are given. */
#define _POSIX_C_SOURCE 200809L
#include "cache_rig.h"

#define MIB 0x1p20

static double own[4];

static void divide(const char *text, const double *rate)
{
    char all[1024];

    snprintf(all, sizeof all, CACHE_RIG "%s", text);
    if (!cache_rig_load(all))
        fail_msg("refused: %s", said);
    for (unsigned d = 0; d < rig_scenario->nr; d++)
        rig_scenario->domains[d].fills = true;
    cache_divide(rig_scenario, rate, own);
}

static void test_by_rate(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1\n", (const double[]){3, 1});
    assert_near(own[0], 6 * MIB);
    assert_near(own[1], 2 * MIB);
}

static void test_nobody_fills(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1\n", (const double[]){0, 0});
    assert_near(own[0], 4 * MIB);
    assert_near(own[1], 4 * MIB);
}

static void test_masks_apart(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1\n"
           "psr-cat-set a 0xfc\npsr-cat-set b 0x3\n",
           (const double[]){1, 100});
    assert_near(own[0], 6 * MIB);
    assert_near(own[1], 2 * MIB);
}

/* a has ways 0 to 3 and b 2 to 5: 2 MiB of each are its own, 2 MiB are shared by rate. */
static void test_masks_that_overlap(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1\n"
           "psr-cat-set a 0x0f\npsr-cat-set b 0x3c\n",
           (const double[]){3, 1});
    assert_near(own[0], (2 + 1.5) * MIB);
    assert_near(own[1], (2 + 0.5) * MIB);
}

/* In the ways that both may fill, a's rate counts for half: it fills twice as many. */
static void test_rate_is_spread(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1\npsr-cat-set b 0xf\n",
           (const double[]){1, 1});
    assert_near(own[0], (4 + 4 / 3.) * MIB);
    assert_near(own[1], (8 / 3.) * MIB);
}

/* b needs 1 MiB, so a has the rest, however seldom it fills. */
static void test_footprint(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1 ws=1M\n", (const double[]){1, 100});
    assert_near(own[0], 7 * MIB);
    assert_near(own[1], 1 * MIB);
}

/* Once b is full, c's part grows beyond its footprint as well. */
static void test_footprints_one_after_another(void **state)
{
    (void)state;
    divide("domain a mpki=1 cpi=1\ndomain b mpki=1 cpi=1 ws=1M\ndomain c mpki=1 cpi=1 ws=2M\n",
           (const double[]){1, 6, 1});
    assert_near(own[0], 5 * MIB);
    assert_near(own[1], 1 * MIB);
    assert_near(own[2], 2 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_rate),
        cmocka_unit_test(test_nobody_fills),
        cmocka_unit_test(test_masks_apart),
        cmocka_unit_test(test_masks_that_overlap),
        cmocka_unit_test(test_rate_is_spread),
        cmocka_unit_test(test_footprint),
        cmocka_unit_test(test_footprints_one_after_another),
    };
    return cmocka_run_group_tests(tests, files_begin, cache_rig_end);
}
