/* The help says what the parsers take. */
#include "sample_result.h"

#include "../../tools/sim/metric.h"
#include "../../tools/sim/report.h"

static void write_language(FILE *out, const struct result *r)
{
    (void)r;
    report_language(out);
}

static void names_every_metric(void **state)
{
    char *text = written(write_language), name[40];

    (void)state;
    for (unsigned m = 0; m < METRIC_NR; m++) {
        snprintf(name, sizeof(name), "\n  %s ", metric_info[m].name);
        assert_contains(text, name);
    }
    free(text);
}

static void names_every_statement_event_and_workload(void **state)
{
    static const char *const words[] = {
        "title",    "host",        "duration", "seed",      "costs",  "pool",     "domain",
        "at TIME",  "refused at",  "expect",   "set",       "create", "destroy",  "pause",
        "unpause",  "move",        "pin",      "switch",    "vcpu",   "cpu PCPU", "table",
        "hog",      "periodic",    "server",   "forkjoin",  "idle",   "trace",    "yielder",
        "spinlock", "interactive", "copies=",  "privileged"};
    char *text = written(write_language);

    (void)state;
    for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
        assert_contains(text, words[i]);
    assert_contains(text, "Plain numbers are refused");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_every_metric),
        TEST(names_every_statement_event_and_workload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
