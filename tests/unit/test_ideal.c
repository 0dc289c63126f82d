/* The fluid ideal: known answers, and random cases against the definition of max-min fairness. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../tools/sim/ideal.h"

#define MAX_UNITS  1000
#define MAX_GROUPS 4
#define CLOSE      1e-7

static struct ideal_unit units[MAX_UNITS];
static struct mask masks[16];
static double caps[MAX_GROUPS];
static unsigned nr_units, nr_masks, nr_caps;

static int setup(void **state)
{
    (void)state;
    nr_units = nr_masks = nr_caps = 0;
    return 0;
}

/* A new mask with pCPUs first..last. */
static const struct mask *range(unsigned first, unsigned last)
{
    struct mask *m = &masks[nr_masks++];

    mask_clear_all(m);
    for (unsigned cpu = first; cpu <= last; cpu++)
        mask_set(m, cpu);
    return m;
}

static struct ideal_unit *add(double weight, const struct mask *hard)
{
    struct ideal_unit *u = &units[nr_units++];

    *u = (struct ideal_unit){.weight = weight, .hard = hard, .limit = 1, .group = -1, .rate = -1};
    return u;
}

static void solve(void)
{
    assert_int_equal(ideal_rates(units, nr_units, caps, nr_caps), 0);
}

static void assert_rate(unsigned unit, double rate)
{
    if (fabs(units[unit].rate - rate) > CLOSE)
        fail_msg("unit %u: rate %.12g, expected %.12g", unit, units[unit].rate, rate);
}

static void nobody_is_fine(void **state)
{
    (void)state;
    solve();
}

static void equal_hogs_share_equally(void **state)
{
    const struct mask *both = range(0, 1);

    (void)state;
    for (int i = 0; i < 3; i++)
        add(256, both);
    solve();
    for (unsigned i = 0; i < 3; i++)
        assert_rate(i, 2.0 / 3);
}

static void weight_is_the_share(void **state)
{
    const struct mask *one = range(0, 0);

    (void)state;
    add(512, one);
    add(256, one);
    add(16384, one);
    solve();
    assert_rate(0, 512.0 / 17152);
    assert_rate(1, 256.0 / 17152);
    assert_rate(2, 16384.0 / 17152);
}

static void nobody_gets_more_than_one_pcpu(void **state)
{
    const struct mask *both = range(0, 1);

    (void)state;
    add(10, both);
    add(1, both);
    add(1, both);
    solve();
    assert_rate(0, 1);
    assert_rate(1, 0.5);
    assert_rate(2, 0.5);
}

static void equal_masks_need_not_be_the_same_object(void **state)
{
    (void)state;
    add(1, range(0, 1));
    add(1, range(0, 1));
    add(2, range(0, 1));
    solve();
    assert_rate(0, 0.5);
    assert_rate(1, 0.5);
    assert_rate(2, 1);
}

static void pinned_pair_shares_its_pcpu(void **state)
{
    const struct mask *second = range(1, 1), *both = range(0, 1);

    (void)state;
    add(512, second);
    add(256, second);
    add(256, both);
    solve();
    assert_rate(0, 2.0 / 3);
    assert_rate(1, 1.0 / 3);
    assert_rate(2, 1);
}

static void free_hogs_make_room_for_pinned_ones(void **state)
{
    const struct mask *first = range(0, 0), *both = range(0, 1);

    (void)state;
    add(1, first);
    add(1, both);
    add(1, both);
    solve();
    for (unsigned i = 0; i < 3; i++)
        assert_rate(i, 2.0 / 3);
}

static void nested_cuts_freeze_one_by_one(void **state)
{
    const struct mask *one = range(0, 0), *two = range(0, 1), *four = range(0, 3);

    (void)state;
    for (int i = 0; i < 4; i++)
        add(1, one); /* 1/4 each */
    for (int i = 0; i < 2; i++)
        add(1, two); /* 1/2 each, on the second */
    for (int i = 0; i < 3; i++)
        add(1, four); /* 2/3 each, on the last two */
    solve();
    for (unsigned i = 0; i < nr_units; i++)
        assert_rate(i, i < 4 ? 0.25 : i < 6 ? 0.5 : 2.0 / 3);
}

/* 0-1, 1-2, 2-0: no pCPU is anybody's own, all three have the same share of the ring. */
static void ring_of_masks_balances(void **state)
{
    struct mask *wrap;
    const struct mask *a = range(0, 1), *b = range(1, 2);

    (void)state;
    range(0, 0);
    wrap = &masks[2];
    mask_set(wrap, 2);
    add(1, a);
    add(1, a);
    add(1, b);
    add(1, wrap);
    add(1, wrap);
    solve();
    for (unsigned i = 0; i < nr_units; i++)
        assert_rate(i, 0.6);
}

static void limit_leaves_the_rest_to_others(void **state)
{
    const struct mask *one = range(0, 0);

    (void)state;
    add(256, one)->limit = 0.1;
    add(256, one);
    add(256, one)->limit = 0;
    solve();
    assert_rate(0, 0.1);
    assert_rate(1, 0.9);
    assert_rate(2, 0);
}

static void underload_gives_everybody_its_limit(void **state)
{
    const struct mask *four = range(0, 3), *two = range(0, 1);

    (void)state;
    add(1, four)->limit = 0.3;
    add(100, two)->limit = 0.9;
    add(7, four)->limit = 1;
    solve();
    assert_rate(0, 0.3);
    assert_rate(1, 0.9);
    assert_rate(2, 1);
}

static void cap_bounds_the_group(void **state)
{
    const struct mask *two = range(0, 1);

    (void)state;
    caps[nr_caps++] = 0.25;
    add(1000, two)->group = 0;
    add(1000, two)->group = 0;
    add(1, two);
    solve();
    assert_rate(0, 0.125);
    assert_rate(1, 0.125);
    assert_rate(2, 1);
}

static void cap_that_does_not_bind_changes_nothing(void **state)
{
    const struct mask *one = range(0, 0);

    (void)state;
    caps[nr_caps++] = 3;
    add(1, one)->group = 0;
    add(3, one)->group = 0;
    solve();
    assert_rate(0, 0.25);
    assert_rate(1, 0.75);
}

static void pinned_member_leaves_cap_to_the_other(void **state)
{
    const struct mask *first = range(0, 0), *second = range(1, 1);

    (void)state;
    caps[nr_caps++] = 0.8;
    add(1, first)->group = 0; /* beside three hogs: 0.25 */
    add(1, second)->group = 0;
    for (int i = 0; i < 3; i++)
        add(1, first);
    solve();
    assert_rate(0, 0.25);
    assert_rate(1, 0.55);
    assert_rate(2, 0.25);
}

static void mask_without_pcpus_gives_nothing(void **state)
{
    struct mask none;

    (void)state;
    mask_clear_all(&none);
    add(1, &none);
    add(1, range(0, 0));
    solve();
    assert_rate(0, 0);
    assert_rate(1, 1);
}

static void large_machine_with_few_masks(void **state)
{
    const struct mask *all = range(0, 63), *half = range(0, 31), *quarter = range(16, 31);

    (void)state;
    for (int i = 0; i < MAX_UNITS; i++)
        add(256, i % 5 == 0 ? half : i % 5 == 1 ? quarter : all);
    solve();
    for (unsigned i = 0; i < MAX_UNITS; i++)
        assert_rate(i, 64.0 / MAX_UNITS);
}

/* ---- random cases ----------------------------------------------------------- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % n;
}

#define CPUS 5

static void random_case(void)
{
    nr_units = nr_masks = 0;
    nr_caps = pick(MAX_GROUPS);
    for (unsigned g = 0; g < nr_caps; g++)
        caps[g] = pick(30) / 10.0;
    for (unsigned n = 1 + pick(4); nr_masks < n;) {
        struct mask *m = &masks[nr_masks++];
        mask_clear_all(m);
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            if (pick(2))
                mask_set(m, cpu);
        }
    }
    for (unsigned n = 1 + pick(9); nr_units < n;) {
        static const double weights[] = {1, 2, 256, 512, 65535, 0.3};
        struct ideal_unit *u = add(weights[pick(6)], &masks[pick(nr_masks)]);
        u->limit = pick(3) ? 1 : pick(11) / 10.0;
        u->group = (int)pick(nr_caps + 1) - 1;
    }
}

/* How much the units of `set` (bits) may have together, by their pCPUs. */
static double room_for(unsigned set)
{
    struct mask reach;
    unsigned n = 0;

    mask_clear_all(&reach);
    for (unsigned i = 0; i < nr_units; i++) {
        for (unsigned cpu = 0; set >> i & 1 && cpu < CPUS; cpu++) {
            if (mask_test(units[i].hard, cpu) && !mask_test(&reach, cpu)) {
                mask_set(&reach, cpu);
                n++;
            }
        }
    }
    return n;
}

static double rate_of(unsigned set)
{
    double sum = 0;

    for (unsigned i = 0; i < nr_units; i++)
        sum += set >> i & 1 ? units[i].rate : 0;
    return sum;
}

/* Of a full resource shared by `set`, unit i has the largest level, so raising it takes from
 * somebody who is not better off. */
static bool is_top_of(unsigned i, unsigned set)
{
    double level = units[i].rate / units[i].weight;

    for (unsigned j = 0; j < nr_units; j++) {
        if (set >> j & 1 && units[j].rate / units[j].weight > level * (1 + CLOSE) + 1e-13)
            return false;
    }
    return true;
}

static unsigned members(int group)
{
    unsigned set = 0;

    for (unsigned i = 0; i < nr_units; i++)
        set |= (unsigned)(units[i].group == group) << i;
    return set;
}

static bool has_bottleneck(unsigned i)
{
    int g = units[i].group;

    if (units[i].rate >= units[i].limit - CLOSE)
        return true;
    if (g >= 0 && rate_of(members(g)) >= caps[g] - CLOSE && is_top_of(i, members(g)))
        return true;
    for (unsigned set = 1; set < 1U << nr_units; set++) {
        if (set >> i & 1 && rate_of(set) >= room_for(set) - CLOSE && is_top_of(i, set))
            return true;
    }
    return false;
}

/* Feasible (Hall's condition for every set of units) and every unit has a bottleneck: that is
 * weighted max-min fairness (Bertsekas & Gallager, Data Networks, 6.5.2). */
static void random_cases_are_max_min_fair(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3000; n++) {
        seed = n;
        random_case();
        solve();
        for (unsigned set = 1; set < 1U << nr_units; set++) {
            if (rate_of(set) > room_for(set) + CLOSE)
                fail_msg("case %u: units %x do not fit", n, set);
        }
        for (unsigned g = 0; g < nr_caps; g++)
            assert_true(rate_of(members((int)g)) <= caps[g] + CLOSE);
        for (unsigned i = 0; i < nr_units; i++) {
            if (units[i].rate > units[i].limit + CLOSE || !has_bottleneck(i))
                fail_msg("case %u: unit %u with rate %g is not max-min", n, i, units[i].rate);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_fine),
        TEST(equal_hogs_share_equally),
        TEST(weight_is_the_share),
        TEST(nobody_gets_more_than_one_pcpu),
        TEST(equal_masks_need_not_be_the_same_object),
        TEST(pinned_pair_shares_its_pcpu),
        TEST(free_hogs_make_room_for_pinned_ones),
        TEST(nested_cuts_freeze_one_by_one),
        TEST(ring_of_masks_balances),
        TEST(limit_leaves_the_rest_to_others),
        TEST(underload_gives_everybody_its_limit),
        TEST(cap_bounds_the_group),
        TEST(cap_that_does_not_bind_changes_nothing),
        TEST(pinned_member_leaves_cap_to_the_other),
        TEST(mask_without_pcpus_gives_nothing),
        TEST(large_machine_with_few_masks),
        TEST(random_cases_are_max_min_fair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
