/* Times, numbers, parameters, sets of pCPUs, lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../tools/sim/units.h"

#define MS 1000000LL

static struct host_pcpu pcpus[8] = {[4] = {4, 1, 1}, {5, 1, 1}, {6, 1, 1}, {7, 1, 1}};
static const struct host host = {.nr_pcpus = 8, .pcpus = pcpus};
static struct problem why;

static sched_time time_of(const char *text)
{
    sched_time t = -1;

    if (!unit_time(text, &t, &why))
        fail_msg("%s: %s", text, why.text);
    return t;
}

static void reads_times(void **state)
{
    (void)state;
    assert_int_equal(time_of("0"), 0);
    assert_int_equal(time_of("17ns"), 17);
    assert_int_equal(time_of("500us"), 500000);
    assert_int_equal(time_of("10ms"), 10 * MS);
    assert_int_equal(time_of("1.5ms"), 1500000);
    assert_int_equal(time_of("0.001us"), 1);
    assert_int_equal(time_of("2s"), 2000 * MS);
    assert_int_equal(time_of("3min"), 180000 * MS);
    assert_int_equal(time_of("1h"), 3600000 * MS);
}

static void refuses_times(void **state)
{
    static const char *const wrong[] = {
        "",     "ms",   "10 ms",   "10sec",   "1,5ms", "1.ms", ".5s",
        "1e3s", "0x10", "-1ms",    "+1ms",    "1.5",   "10MS", "99999999999999999999",
        "17",   "0.5",  "900000h", "0.0001us"};
    sched_time t = 42;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (unit_time(wrong[i], &t, &why))
            fail_msg("'%s' was taken for %lld ns", wrong[i], (long long)t);
        assert_int_equal(t, 42);
    }
    assert_false(unit_time("10sec", &t, &why));
    assert_non_null(strstr(why.text, "ns, us, ms, s, min, h"));
    assert_false(unit_time("4000", &t, &why)); /* us to xl sched-rtds, ns to xm sched-sedf */
    assert_non_null(strstr(why.text, "'4000' has no unit; use 4000ns, 4000us"));
}

static void reads_plain_numbers_of_programs(void **state)
{
    sched_time t;

    (void)state;
    assert_true(unit_time_or_ns("17", &t, &why) && t == 17);
    assert_true(unit_time_or_ns("17us", &t, &why) && t == 17000);
    assert_false(unit_time_or_ns("17x", &t, &why));
    assert_false(unit_time_or_ns("1.5", &t, &why));
}

static void shows_times(void **state)
{
    struct time_text b;

    (void)state;
    assert_string_equal(unit_show_time(0, &b), "0");
    assert_string_equal(unit_show_time(1500000, &b), "1500us");
    assert_string_equal(unit_show_time(10 * MS, &b), "10ms");
    assert_string_equal(unit_show_time(2000 * MS, &b), "2s");
    assert_string_equal(unit_show_time(7, &b), "7ns");
}

static void reads_numbers(void **state)
{
    int64_t i;
    uint64_t u;
    double d;

    (void)state;
    assert_true(unit_integer("-12", &i, &why) && i == -12);
    assert_false(unit_integer("12x", &i, &why));
    assert_false(unit_integer("", &i, &why));
    assert_false(unit_integer("-", &i, &why));
    assert_false(unit_integer(" 1", &i, &why));
    assert_false(unit_integer("9223372036854775808", &i, &why));
    assert_true(unit_unsigned("18446744073709551615", &u, &why) && u == UINT64_MAX);
    assert_false(unit_unsigned("-1", &u, &why));
    assert_true(unit_number("12.5", &d, &why) && d == 12.5);
    assert_false(unit_number("nan", &d, &why));
    assert_false(unit_number("inf", &d, &why));
    assert_false(unit_number("0x10", &d, &why));
    assert_true(unit_percent("66.5%", &d, &why) && d == 66.5);
    assert_true(unit_percent("25", &d, &why) && d == 25);
    assert_false(unit_percent("25%%", &d, &why));
    assert_true(unit_bool("yes", &i, &why) && i == 1);
    assert_true(unit_bool("0", &i, &why) && i == 0);
    assert_false(unit_bool("2", &i, &why));
}

static void reads_parameters_of_each_kind(void **state)
{
    const struct sched_param slice = {.kind = SCHED_TIME_NS, .min = 1 * MS, .max = 1000 * MS};
    const struct sched_param weight = {.kind = SCHED_COUNT, .min = 1, .max = 65535};
    const struct sched_param cap = {.kind = SCHED_PERCENT, .min = 0, .max = 400};
    const struct sched_param flag = {.kind = SCHED_BOOL, .min = 0, .max = 1};
    int64_t v = 42;

    (void)state;
    assert_true(unit_param(&slice, "5ms", true, &v, &why) && v == 5 * MS);
    assert_true(unit_param(&weight, "65535", true, &v, &why) && v == 65535);
    assert_true(unit_param(&cap, "25%", true, &v, &why) && v == 25);
    assert_true(unit_param(&flag, "on", true, &v, &why) && v == 1);
    v = 42;
    assert_false(unit_param(&slice, "2s", true, &v, &why));
    assert_non_null(strstr(why.text, "1ms to 1s"));
    assert_false(unit_param(&weight, "0", true, &v, &why));
    assert_false(unit_param(&weight, "65536", true, &v, &why));
    assert_non_null(strstr(why.text, "1 to 65535"));
    assert_false(unit_param(&cap, "25.5", true, &v, &why));
    assert_int_equal(v, 42);
    assert_true(unit_param(&weight, "0", false, &v, &why) && v == 0);
}

/* The set as bits. */
static unsigned cpus(const char *text)
{
    struct mask m;
    unsigned bits = 0;

    if (!unit_cpus(text, &host, &m, &why))
        return 0;
    mask_for_each(cpu, &m)
        bits |= 1u << cpu;
    return bits;
}

static void reads_cpus(void **state)
{
    (void)state;
    assert_int_equal(cpus("1"), 0x02);
    assert_int_equal(cpus("0-3"), 0x0f);
    assert_int_equal(cpus("2,4-7"), 0xf4);
    assert_int_equal(cpus(" 2, 4 - 7 "), 0xf4);
    assert_int_equal(cpus("all"), 0xff);
    assert_int_equal(cpus("0-3,^1"), 0x0d);
    assert_int_equal(cpus("^1"), 0xfd);
    assert_int_equal(cpus("^1,^2"), 0xf9);
    assert_int_equal(cpus("^1,0-3"), 0x0f);
    assert_int_equal(cpus("node:1"), 0xf0);
    assert_int_equal(cpus("nodes:0-1"), 0xff);
    assert_int_equal(cpus("all,^node:0"), 0xf0);
    assert_int_equal(cpus("^node:0"), 0xf0);
    assert_int_equal(cpus("node:0,^2,7"), 0x8b);
}

static void refuses_cpus(void **state)
{
    static const char *const wrong[] = {"",
                                        "8",
                                        "0-8",
                                        "3-1",
                                        "1-",
                                        "-1",
                                        "a",
                                        "1,,2",
                                        "1,",
                                        "^all",
                                        "node:2",
                                        "node",
                                        "1^",
                                        "1:2",
                                        "0,^0",
                                        "1-2-3",
                                        "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (cpus(wrong[i]))
            fail_msg("'%s' was taken", wrong[i]);
    assert_int_equal(cpus("9"), 0);
    assert_non_null(strstr(why.text, "0 to 7"));
    assert_int_equal(cpus("node:2"), 0);
    assert_non_null(strstr(why.text, "0 to 1"));
}

static void reads_lists(void **state)
{
    struct arena a = {0};
    const char **items;
    unsigned nr;

    (void)state;
    assert_true(unit_list(&a, "[\"0\", '1-2,4' ,3]", &items, &nr, &why));
    assert_int_equal(nr, 3);
    assert_string_equal(items[0], "0");
    assert_string_equal(items[1], "1-2,4");
    assert_string_equal(items[2], "3");
    assert_true(unit_list(&a, "[]", &items, &nr, &why));
    assert_int_equal(nr, 0);
    assert_false(unit_list(&a, "[\"0\"", &items, &nr, &why));
    assert_false(unit_list(&a, "[\"0]", &items, &nr, &why));
    assert_false(unit_list(&a, "[\"0\" \"1\"]", &items, &nr, &why));
    assert_false(unit_list(&a, "0", &items, &nr, &why));
    assert_false(unit_list(&a, "[0] 1", &items, &nr, &why));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_times),
        cmocka_unit_test(refuses_times),
        cmocka_unit_test(reads_plain_numbers_of_programs),
        cmocka_unit_test(shows_times),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_parameters_of_each_kind),
        cmocka_unit_test(reads_cpus),
        cmocka_unit_test(refuses_cpus),
        cmocka_unit_test(reads_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
