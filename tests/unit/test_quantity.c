/* Sizes, rates, frequencies and latencies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../tools/sim/quantity.h"

static struct problem why;

static void assert_is(enum quantity kind, const char *text, double value)
{
    double out = -1;

    if (!quantity_parse(kind, text, &out, &why))
        fail_msg("%s: %s", text, why.text);
    assert_float_equal(out / value, 1, 1e-12);
}

static void assert_wrong(enum quantity kind, const char *text, const char *because)
{
    double out = 42;

    if (quantity_parse(kind, text, &out, &why))
        fail_msg("'%s' was taken for %g", text, out);
    assert_true(out == 42);
    if (!strstr(why.text, because))
        fail_msg("expected '%s' in: %s", because, why.text);
}

static void test_units(void **state)
{
    double zero = 1;

    (void)state;
    assert_is(QUANTITY_SIZE, "512K", 512 * 1024);
    assert_is(QUANTITY_SIZE, "27.5M", 27.5 * 1024 * 1024);
    assert_is(QUANTITY_SIZE, "1G", 1024. * 1024 * 1024);
    assert_is(QUANTITY_RATE, "119GB/s", 119e9);
    assert_is(QUANTITY_RATE, "35000MB/s", 35e9);
    assert_is(QUANTITY_FREQUENCY, "2.1GHz", 2.1e9);
    assert_is(QUANTITY_FREQUENCY, "800MHz", 8e8);
    assert_is(QUANTITY_LATENCY, "90.5ns", 90.5e-9);
    assert_is(QUANTITY_LATENCY, "1us", 1e-6);
    assert_true(quantity_parse(QUANTITY_SIZE, "0", &zero, &why));
    assert_true(zero == 0);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    assert_wrong(QUANTITY_SIZE, "27", "'27' is not a size; use a number with its unit, like 27.5M");
    assert_wrong(QUANTITY_SIZE, "27m", "not a size");
    assert_wrong(QUANTITY_SIZE, "-1M", "not a size");
    assert_wrong(QUANTITY_SIZE, "0x10M", "not a size");
    assert_wrong(QUANTITY_SIZE, "", "not a size");
    assert_wrong(QUANTITY_SIZE, "1e300M", "not a size");
    assert_wrong(QUANTITY_RATE, "119G", "not a rate; use a number with its unit, like 119GB/s");
    assert_wrong(QUANTITY_FREQUENCY, "2 GHz", "not a frequency");
    assert_wrong(QUANTITY_LATENCY, "inf", "not a latency");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
