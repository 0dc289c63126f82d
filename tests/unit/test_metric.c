/* The numbers that reports and expectations share. */
#include "sample_result.h"

#include "../../tools/sim/metric.h"

static double value[METRIC_NR];

static void measure(int domain, int vcpu)
{
    metric_measure(&sample, domain, vcpu, (struct window){0, 0}, value);
}

static void measure_between(int domain, int vcpu, sched_time from, sched_time to)
{
    metric_measure(&sample, domain, vcpu, (struct window){from, to}, value);
}

static void assert_value(enum metric m, double expected)
{
    if (fabs(value[m] - expected) > 1e-6)
        fail_msg("%s is %g, expected %g", metric_info[m].name, value[m], expected);
}

static void every_metric_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned m = 0; m < METRIC_NR; m++)
        assert_int_equal(metric_by_name(metric_info[m].name), m);
    assert_int_equal(metric_by_name("sharing"), METRIC_NR);
}

static void vcpu_share_is_of_its_presence(void **state)
{
    (void)state;
    measure(0, 0);
    assert_value(METRIC_SHARE, 90);
    assert_value(METRIC_IDEAL_SHARE, 100);
    assert_value(METRIC_ERROR, 10);
    sample_vcpus[0].present = 20 * SEC;
    measure(0, 0);
    assert_value(METRIC_SHARE, 45);
}

static void domain_sums_shares_and_keeps_the_worst_error(void **state)
{
    (void)state;
    measure(1, -1);
    assert_value(METRIC_SHARE, 100);
    assert_value(METRIC_IDEAL_SHARE, 100);
    assert_value(METRIC_ERROR, 10);
    assert_value(METRIC_SERVICE, 10e9);
    assert_value(METRIC_SWITCHES, 50);
    assert_value(METRIC_LAG, 3e6);
    assert_value(METRIC_CAP_EXCESS, 12345);
    assert_value(METRIC_ITERATIONS, 5);
    assert_true(isnan(value[METRIC_UTILISATION]));
}

static void host_sums_everything(void **state)
{
    (void)state;
    measure(-1, -1);
    assert_value(METRIC_SHARE, 190);
    assert_value(METRIC_UTILISATION, 95);
    assert_value(METRIC_MIGRATIONS, 3);
    assert_value(METRIC_MISSES, 3);
    assert_value(METRIC_IDLE_WHILE_WAITING, 2000);
    assert_value(METRIC_DECISIONS, 60);
}

static void latency_is_near_the_quantile(void **state)
{
    (void)state;
    measure(1, 0);
    assert_value(METRIC_WAKES, 1000);
    assert_in_range((uint64_t)value[METRIC_LATENCY_P50], 980, 1020);
    assert_in_range((uint64_t)value[METRIC_LATENCY_P999], 980000, 1000000);
    assert_value(METRIC_LATENCY_MAX, 1e6);
}

static void what_did_not_happen_is_not_a_number(void **state)
{
    (void)state;
    measure(0, 0);
    assert_true(isnan(value[METRIC_LATENCY_P50]));
    assert_true(isnan(value[METRIC_MISSES]));
    assert_true(isnan(value[METRIC_REQUESTS]));
    assert_value(METRIC_WAKES, 0);
}

static void waiting_for_most_of_the_time_is_starving(void **state)
{
    (void)state;
    measure(1, -1); /* 3 s and 6 s of 10 s */
    assert_value(METRIC_STARVED, 1);
    assert_value(METRIC_LONGEST_WAIT, 6e9);
}

static void window_is_taken_from_the_samples(void **state)
{
    (void)state;
    for (unsigned n = 5; n < SAMPLES; n++) /* the hog gets nothing in the second half */
        sample_samples[n * 3].service = 4500 * MS;
    sample_vcpus[0].service = 4500 * MS;
    measure_between(0, 0, 0, 5 * SEC);
    assert_value(METRIC_SHARE, 90);
    measure_between(0, 0, 5 * SEC, 10 * SEC);
    assert_value(METRIC_SHARE, 0);
    assert_value(METRIC_ERROR, 100);
    measure_between(0, 0, 4500 * MS, 5500 * MS); /* between two samples: a straight line */
    assert_value(METRIC_SHARE, 45);
    assert_true(isnan(value[METRIC_SWITCHES]));
}

static void after_the_last_sample_the_end_counts(void **state)
{
    (void)state;
    sample.nr_samples = SAMPLES - 1;
    sample_vcpus[0].service = 8100 * MS;
    measure_between(0, 0, 9 * SEC, 10 * SEC);
    assert_value(METRIC_SHARE, 0);
    sample.nr_samples = 0;
    measure_between(0, 0, 0, 5 * SEC);
    assert_value(METRIC_SERVICE, 4050e6);
}

static void assert_shown(enum metric_unit unit, double v, const char *text)
{
    struct metric_text buffer;

    assert_string_equal(metric_show(unit, v, &buffer), text);
}

static void numbers_are_shown_with_three_digits(void **state)
{
    (void)state;
    assert_shown(UNIT_NS, 0, "0 ns");
    assert_shown(UNIT_NS, 999, "999 ns");
    assert_shown(UNIT_NS, 1000, "1.00 us");
    assert_shown(UNIT_NS, 12345, "12.3 us");
    assert_shown(UNIT_NS, 999600, "1.00 ms");
    assert_shown(UNIT_NS, 123456789, "123 ms");
    assert_shown(UNIT_NS, 3.6e12, "3600 s");
    assert_shown(UNIT_PERCENT, 66.6666, "66.67");
    assert_shown(UNIT_COUNT, 12, "12");
    assert_shown(UNIT_COUNT, NAN, "-");
}

static void only_vcpus_of_larger_domains_are_numbered(void **state)
{
    struct vcpu_name name;

    (void)state;
    assert_string_equal(vcpu_name(&sample, 0, &name), "hog");
    assert_string_equal(vcpu_name(&sample, 2, &name), "web, inc.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_metric_has_a_name_of_its_own),
        TEST(vcpu_share_is_of_its_presence),
        TEST(domain_sums_shares_and_keeps_the_worst_error),
        TEST(host_sums_everything),
        TEST(latency_is_near_the_quantile),
        TEST(what_did_not_happen_is_not_a_number),
        TEST(waiting_for_most_of_the_time_is_starving),
        TEST(window_is_taken_from_the_samples),
        TEST(after_the_last_sample_the_end_counts),
        TEST(numbers_are_shown_with_three_digits),
        TEST(only_vcpus_of_larger_domains_are_numbered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
