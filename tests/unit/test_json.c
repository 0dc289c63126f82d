/* JSON: the writer, and the report that uses it. */
#include "sample_result.h"

#include "../../tools/sim/emit.h"
#include "../../tools/sim/report.h"

static char *text;
static size_t size;
static struct emit e;

static void begin(unsigned flat)
{
    e = (struct emit){.out = open_memstream(&text, &size), .flat = flat};
    assert_non_null(e.out);
}

static void assert_emitted(const char *expected)
{
    fclose(e.out);
    assert_string_equal(text, expected);
    free(text);
}

static void values_are_separated_and_indented(void **state)
{
    (void)state;
    begin(0);
    emit_object(&e, NULL);
    emit_integer(&e, "a", INT64_MIN);
    emit_unsigned(&e, "b", UINT64_MAX);
    emit_array(&e, "c");
    emit_bool(&e, NULL, true);
    emit_bool(&e, NULL, false);
    emit_array_end(&e);
    emit_array(&e, "d");
    emit_array_end(&e);
    emit_object_end(&e);
    assert_emitted("{\n  \"a\": -9223372036854775808,\n  \"b\": 18446744073709551615,\n  \"c\": [\n"
                   "    true,\n    false\n  ],\n  \"d\": []\n}\n");
}

static void flat_objects_stay_on_their_line(void **state)
{
    (void)state;
    begin(2);
    emit_array(&e, NULL);
    emit_object(&e, NULL);
    emit_integer(&e, "a", 1);
    emit_integer(&e, "b", 2);
    emit_object_end(&e);
    emit_array_end(&e);
    assert_emitted("[\n  {\"a\": 1,\"b\": 2}\n]\n");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    begin(1);
    emit_array(&e, NULL);
    emit_string(&e, NULL, "a\"b\\c\n\x01 \xc3\xa9 %s");
    emit_array_end(&e);
    assert_emitted("[\"a\\\"b\\\\c\\u000a\\u0001 \xc3\xa9 %s\"]\n");
}

static void what_is_not_a_number_is_null(void **state)
{
    (void)state;
    begin(1);
    emit_array(&e, NULL);
    emit_number(&e, NULL, NAN, 3);
    emit_number(&e, NULL, INFINITY, 3);
    emit_number(&e, NULL, 2.0 / 3, 3);
    emit_array_end(&e);
    assert_emitted("[null,null,0.667]\n");
}

static void report_holds_everything_in_order(void **state)
{
    static const char *const parts[] = {"\"title\": \"it's a \\\"test\\\"\"",
                                        "\"seed\": 42",
                                        "\"duration_ns\": 10000000000",
                                        "\"policy\": \"credit2\"",
                                        "\"total\": {",
                                        "\"utilisation_percent\": 95.0000",
                                        "\"domains\": [",
                                        "\"name\": \"hog\"",
                                        "\"share_percent\": 90.0000",
                                        "\"latency_p50_ns\": null",
                                        "\"name\": \"web, inc\"",
                                        "\"vcpus\": [",
                                        "\"vcpu\": 1",
                                        "\"misses\": 3",
                                        "\"refused_changes\": []",
                                        "\"expectations\": [",
                                        "\"claim\": \"share of hog = 90.00\"",
                                        "\"ok\": true",
                                        "\"measured\": 90.0000",
                                        "\"unit\": \"percent\"",
                                        "\"line\": 3"};
    static char metric[] = "share";
    char *json;
    const char *at;

    (void)state;
    sample_expectations[0] =
        (struct expectation){.metric = metric, .vcpu = -1, .value = 90, .place = {"test.sim", 3}};
    sample_scenario.nr_expectations = 1;
    at = json = written(report_json);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        at = strstr(at, parts[i]);
        if (!at)
            fail_msg("%s is missing or out of order in:\n%s", parts[i], json);
    }
    free(json);
}

static void same_result_same_bytes(void **state)
{
    char *once = written(report_json), *again = written(report_json);

    (void)state;
    assert_string_equal(once, again);
    free(once);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_separated_and_indented),
        TEST(flat_objects_stay_on_their_line),
        TEST(strings_are_escaped),
        TEST(what_is_not_a_number_is_null),
        TEST(report_holds_everything_in_order),
        TEST(same_result_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
