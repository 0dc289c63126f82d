/* The scenario's expectations against the result. */
#include "sample_result.h"

#include "../../tools/sim/verdict.h"

/* Adds an expectation about `domain`, `vcpu`. */
static struct expectation *expect(const char *metric, int domain, int vcpu, int relation,
                                  double value, double tolerance)
{
    static char names[8][32];
    unsigned n = sample_scenario.nr_expectations++;
    struct expectation *e = &sample_expectations[n];

    snprintf(names[n], sizeof(names[n]), "%s", metric);
    *e = (struct expectation){.metric = names[n],
                              .domain = domain,
                              .vcpu = vcpu,
                              .value = value,
                              .tolerance = tolerance,
                              .place = {"test.sim", 10 + (int)n}};
    e->relation = relation;
    return e;
}

static bool met(const char *metric, int relation, double value, double tolerance)
{
    return verdict_of(&sample, expect(metric, 0, -1, relation, value, tolerance)).ok;
}

static void equal_is_within_the_tolerance(void **state)
{
    (void)state;
    assert_true(met("share", EXPECT_EQ, 90.5, 0.5));
    assert_true(met("share", EXPECT_EQ, 89.5, 0.5));
    assert_false(met("share", EXPECT_EQ, 90.6, 0.5));
    assert_false(met("share", EXPECT_EQ, 89.4, 0.5));
}

static void bounds_include_themselves(void **state)
{
    (void)state;
    assert_true(met("share", EXPECT_LE, 90, 0));
    assert_false(met("share", EXPECT_LE, 89.9, 0));
    assert_true(met("share", EXPECT_LE, 89.9, 0.2));
    assert_true(met("share", EXPECT_GE, 90, 0));
    assert_false(met("share", EXPECT_GE, 90.1, 0));
    assert_true(met("share", EXPECT_GE, 90.1, 0.2));
}

static void what_was_not_measured_is_never_ok(void **state)
{
    (void)state;
    assert_false(met("latency_max", EXPECT_LE, 1e9, 0));
    assert_false(met("misses", EXPECT_EQ, 0, 0));
    assert_true(isnan(verdict_of(&sample, &sample_expectations[0]).measured));
}

static void window_counts(void **state)
{
    struct expectation *e = expect("service", 0, -1, EXPECT_EQ, 900e6, 0);

    (void)state;
    assert_false(verdict_of(&sample, e).ok);
    e->from = 3 * SEC;
    e->to = 4 * SEC;
    assert_true(verdict_of(&sample, e).ok);
    assert_string_equal(verdict_of(&sample, e).claim, "service of hog from 3s to 4s = 900 ms");
}

static void host_domain_and_vcpu_are_told_apart(void **state)
{
    (void)state;
    assert_true(verdict_of(&sample, expect("share", -1, -1, EXPECT_EQ, 190, 0.01)).ok);
    assert_true(verdict_of(&sample, expect("share", 1, -1, EXPECT_EQ, 100, 0.01)).ok);
    assert_true(verdict_of(&sample, expect("share", 1, 1, EXPECT_EQ, 40, 0.01)).ok);
    assert_string_equal(verdict_of(&sample, &sample_expectations[2]).claim,
                        "share of web, inc.1 = 40.00 ± 0.01");
}

static char *printed(bool only_failed, unsigned nr_failed)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(verdict_print(out, &sample, only_failed), nr_failed);
    fclose(out);
    return text;
}

static void lines_say_what_was_measured(void **state)
{
    char *text;

    (void)state;
    expect("share", 0, -1, EXPECT_GE, 80, 0);
    expect("lag", 1, -1, EXPECT_LE, 1e6, 0);
    expect("latency_p99", 0, -1, EXPECT_LE, 1e6, 0);
    text = printed(false, 2);
    assert_string_equal(
        text, "ok      share of hog >= 80.00: 90.00\n"
              "FAILED  test.sim:11: lag of web, inc <= 1.00 ms: 3.00 ms\n"
              "FAILED  test.sim:12: latency_p99 of hog <= 1.00 ms: nothing was measured\n");
    free(text);
    text = printed(true, 2);
    assert_int_equal(strncmp(text, "FAILED  test.sim:11", 19), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_is_within_the_tolerance),       TEST(bounds_include_themselves),
        TEST(what_was_not_measured_is_never_ok),   TEST(window_counts),
        TEST(host_domain_and_vcpu_are_told_apart), TEST(lines_say_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
