/* Chrome trace events. */
#include "sample_result.h"

#include "../../tools/sim/report.h"

static void tracks_have_names_and_order(void **state)
{
    char *text = written(report_trace);

    (void)state;
    assert_contains(text, "{\"name\": \"process_name\",\"ph\": \"M\",\"pid\": 1,\"tid\": 0,"
                          "\"args\": {\"name\": \"it's a \\\"test\\\"\"}}");
    assert_contains(text, "{\"name\": \"thread_name\",\"ph\": \"M\",\"pid\": 1,\"tid\": 2,"
                          "\"args\": {\"name\": \"pCPU 1\"}}");
    assert_contains(text, "{\"name\": \"thread_sort_index\",\"ph\": \"M\",\"pid\": 1,\"tid\": 2,"
                          "\"args\": {\"sort_index\": 2}}");
    free(text);
}

static void slices_keep_their_nanoseconds(void **state)
{
    char *text = written(report_trace);

    (void)state;
    assert_contains(text, "{\"name\": \"hog\",\"cat\": \"hog\",\"ph\": \"X\",\"ts\": 0.000,"
                          "\"dur\": 1.500,\"pid\": 1,\"tid\": 1}");
    assert_contains(text, "{\"name\": \"web, inc.1\",\"cat\": \"web, inc\",\"ph\": \"X\","
                          "\"ts\": 1.500,\"dur\": 2998.507,\"pid\": 1,\"tid\": 1}");
    free(text);
}

static void truncation_is_said(void **state)
{
    char *text = written(report_trace);

    (void)state;
    assert_contains(text, "\"truncated\": false");
    free(text);
    sample.slices_truncated = true;
    text = written(report_trace);
    assert_contains(text, "\"truncated\": true");
    assert_contains(text,
                    "{\"name\": \"the trace is cut off here: it holds 3 slices\",\"ph\": \"i\","
                    "\"s\": \"g\",\"ts\": 3000.007,");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tracks_have_names_and_order),
        TEST(slices_keep_their_nanoseconds),
        TEST(truncation_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
