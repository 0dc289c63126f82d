/* The texts that guests report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/cli/meminfo.h"

/* Of a PVH guest with 128 MiB and Debian's 6.1 kernel, shortened. */
static const char text[] = "MemTotal:          95416 kB\n"
                           "MemFree:           61220 kB\n"
                           "MemAvailable:      58960 kB\n"
                           "Buffers:               0 kB\n"
                           "Active:             2760 kB\n"
                           "Inactive:            116 kB\n"
                           "Active(anon):        160 kB\n"
                           "Active(file):       2600 kB\n"
                           "AnonPages:           180 kB\n"
                           "Shmem:              2696 kB\n"
                           "Committed_AS:      12940 kB\n";

static void test_meminfo(void **state)
{
    struct balloon_report r = {.pressure = 7};

    (void)state;
    assert_true(meminfo_parse(text, &r));
    assert_int_equal(r.total, 95416);
    assert_int_equal(r.available, 58960);
    assert_int_equal(r.cache, 2600);
    assert_int_equal(r.promised, 12940 - 180 - 2696);
    assert_int_equal(r.pressure, 7);
}

static void test_what_is_missing_is_0(void **state)
{
    struct balloon_report r;

    (void)state;
    assert_true(meminfo_parse("MemTotal: 100 kB\nMemAvailable: 50 kB\nShmem: 9 kB\n", &r));
    assert_int_equal(r.cache, 0);
    assert_int_equal(r.promised, 0);
}

static void test_nonsense_is_no_report(void **state)
{
    const char *const wrong[] = {"",
                                 "\n\n",
                                 "MemTotal",
                                 "MemTotal: 100 kB",
                                 "MemAvailable: 100 kB",
                                 "MemTotal: -1 kB\nMemAvailable: 5 kB",
                                 "MemTotal: 99999999999999999 kB\nMemAvailable: 5 kB",
                                 "MemTotal: much\nMemAvailable: 5 kB",
                                 "xMemTotal: 7\nMemAvailable: 5 kB"};
    struct balloon_report r;

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(meminfo_parse(wrong[i], &r));
}

static void test_pressure(void **state)
{
    (void)state;
    assert_int_equal(pressure_parse("some avg10=12.34 avg60=1.00 avg300=0.00 total=5\nfull ..."),
                     123);
    assert_int_equal(pressure_parse("some avg10=0.00 avg60=1.00"), 0);
    assert_int_equal(pressure_parse("some avg10=-4"), 0);
    assert_int_equal(pressure_parse("some avg10=nan"), 0);
    assert_int_equal(pressure_parse("some avg10=1e9"), 0);
    assert_int_equal(pressure_parse(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meminfo),
        cmocka_unit_test(test_what_is_missing_is_0),
        cmocka_unit_test(test_nonsense_is_no_report),
        cmocka_unit_test(test_pressure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
