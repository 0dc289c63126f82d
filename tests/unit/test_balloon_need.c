/* What a guest's reports are taken to mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../numa/balloon_fill.h"
#include "../../numa/balloon_need.h"

#define MIB  1024
#define CALM 30000

/* Of a domain with 512 MiB, of which its kernel does not count 12. */
static struct balloon_report report(int64_t available)
{
    return (struct balloon_report){.total = 500 * MIB, .available = available * MIB};
}

static void update(struct balloon_need *n, struct balloon_report r, int64_t at)
{
    balloon_need_update(n, &r, 512 * MIB, at, CALM);
}

static void test_live_is_what_is_used_and_a_margin(void **state)
{
    struct balloon_need n = {0};

    (void)state;
    update(&n, report(480), 1000);
    assert_int_equal(n.overhead, 12 * MIB);
    assert_int_equal(n.live, (32 + 8) * MIB);
    update(&n, report(20), 2000);
    assert_int_equal(n.live, 492 * MIB + 492 * MIB / 16);
}

static void test_want_counts_cache_and_what_is_asked_for(void **state)
{
    struct balloon_need n = {0};
    struct balloon_report r = report(400);

    (void)state;
    update(&n, r, 1000);
    assert_int_equal(n.want, (112 + 16) * MIB);
    r.cache = 30 * MIB;
    r.promised = 100 * MIB;
    update(&n, r, 2000);
    assert_int_equal(n.want, (112 + 16 + 130) * MIB);
    assert_int_equal(n.live, 120 * MIB);
}

static void test_want_leaves_room_for_growth(void **state)
{
    struct balloon_need n = {0};

    (void)state;
    update(&n, report(400), 1000);
    update(&n, report(340), 2000);
    assert_int_equal(n.want, (172 + 2 * 60) * MIB);
}

static void test_pressure_asks_for_more(void **state)
{
    struct balloon_need n = {0};
    struct balloon_report r = report(400);

    (void)state;
    r.pressure = 9;
    update(&n, r, 1000);
    int64_t calm = n.want;
    r.pressure = 100;
    update(&n, r, 2000);
    assert_in_range(n.want - calm, 51 * MIB, 52 * MIB);
    r.pressure = 1000;
    update(&n, r, 3000);
    assert_in_range(n.want - calm, 127 * MIB, 128 * MIB);
}

static void test_want_rises_at_once_and_falls_slowly(void **state)
{
    struct balloon_need n = {0};

    (void)state;
    update(&n, report(100), 0);
    int64_t high = n.want;
    update(&n, report(400), 1000);
    assert_int_equal(n.live, 120 * MIB);
    assert_in_range(n.want, high * 29 / 30, high);
    for (int64_t at = 2000; at < 31000; at += 1000)
        update(&n, report(400), at);
    assert_in_range(n.want, high * 4 / 10, high * 6 / 10); /* 1/e of the way is left */
    update(&n, report(100), 32000);
    assert_true(n.want >= high);
}

/* While a balloon moves, memory and MemTotal were not looked at in the same moment. */
static void test_overhead_is_of_quiet_times(void **state)
{
    struct balloon_need n = {0};
    struct balloon_report r = report(400);

    (void)state;
    update(&n, r, 1000);
    balloon_need_update(&n, &r, 448 * MIB, 2000, CALM);
    assert_int_equal(n.overhead, 12 * MIB);
    r.total = 434 * MIB;
    r.available = 334 * MIB;
    balloon_need_update(&n, &r, 448 * MIB, 3000, CALM);
    assert_int_equal(n.overhead, 12 * MIB);
    balloon_need_update(&n, &r, 448 * MIB, 4000, CALM);
    assert_int_equal(n.overhead, 14 * MIB);
}

static void test_lies_stay_within_bounds(void **state)
{
    const int64_t wild[] = {INT64_MIN, -1, 0, 1, BALLOON_MEMORY_MAX + 1, INT64_MAX};
    struct balloon_need n = {0};

    (void)state;
    for (unsigned i = 0; i < 6 * 6 * 6 * 6; i++) {
        struct balloon_report r = {wild[i % 6], wild[i / 6 % 6], wild[i / 36 % 6], wild[i / 216],
                                   i * 77};

        update(&n, r, i % 3 * 1000);
        assert_true(n.live >= 0 && n.live < 4 * BALLOON_MEMORY_MAX);
        assert_true(n.want >= n.live && n.want < 16 * BALLOON_MEMORY_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_is_what_is_used_and_a_margin),
        cmocka_unit_test(test_want_counts_cache_and_what_is_asked_for),
        cmocka_unit_test(test_want_leaves_room_for_growth),
        cmocka_unit_test(test_pressure_asks_for_more),
        cmocka_unit_test(test_want_rises_at_once_and_falls_slowly),
        cmocka_unit_test(test_overhead_is_of_quiet_times),
        cmocka_unit_test(test_lies_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
