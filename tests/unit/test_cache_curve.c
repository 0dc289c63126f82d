/* Miss curves. */
#define _POSIX_C_SOURCE 200809L
#include "cache_rig.h"

static struct arena memory;
static struct problem why;

static struct miss_curve curve(const char *text)
{
    struct miss_curve c;

    if (!miss_curve_parse(&memory, text, &c, &why))
        fail_msg("%s: %s", text, why.text);
    return c;
}

static void test_straight_between_points(void **state)
{
    struct miss_curve c = curve("1M:40,2M:30,4M:10");

    (void)state;
    assert_int_equal(c.nr, 3);
    assert_true(miss_curve_at(&c, 0) == 40);
    assert_true(miss_curve_at(&c, 0x1p20) == 40);
    assert_near(miss_curve_at(&c, 1.5 * 0x1p20), 35);
    assert_near(miss_curve_at(&c, 2 * 0x1p20), 30);
    assert_near(miss_curve_at(&c, 2.5 * 0x1p20), 25);
    assert_true(miss_curve_at(&c, 4 * 0x1p20) == 10);
    assert_true(miss_curve_at(&c, 1e12) == 10);
}

static void test_one_number(void **state)
{
    struct miss_curve c = curve("12.5");

    (void)state;
    assert_true(miss_curve_at(&c, 0) == 12.5);
    assert_true(miss_curve_at(&c, 1e12) == 12.5);
}

static void test_what_is_wrong(void **state)
{
    static const char *const wrong[][2] = {
        {"x", "'x' is not a number"},
        {"-1", "-1 misses per 1000 instructions; use 0 to 1000"},
        {"1M:1001", "use 0 to 1000"},
        {"1M:5,6", "'6' is no point of a curve; use SIZE:MISSES, like 2.5M:30"},
        {"1:5", "'1' is not a size"},
        {"2M:5,1M:6", "not in order"},
        {"1M:5,1M:4", "not in order"},
        {"1M:5,2M:5.7", "use a curve that falls"},
        {"1M:5,", "'' is no point"},
    };
    struct miss_curve c;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (miss_curve_parse(&memory, wrong[i][0], &c, &why))
            fail_msg("'%s' was taken", wrong[i][0]);
        if (!strstr(why.text, wrong[i][1]))
            fail_msg("expected '%s' in: %s", wrong[i][1], why.text);
    }
    curve("1M:5,2M:5.5"); /* as much as measurements wriggle */
}

static int end(void **state)
{
    (void)state;
    arena_free(&memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight_between_points),
        cmocka_unit_test(test_one_number),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
