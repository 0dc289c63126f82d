/* The table for people. */
#include "sample_result.h"

#include "../../tools/sim/report.h"

static void table_says_who_got_what(void **state)
{
    char *text = written(report_table);

    (void)state;
    assert_contains(text, "it's a \"test\"\n10s, seed 42; Pool-0: credit2 on pCPU 0-1\n");
    assert_contains(text, "hog            90.00   100.00   10.00            -");
    assert_contains(text, "web, inc      100.00   100.00   10.00      1.01 us");
    assert_contains(text, "web, inc.1     40.00    50.00   10.00");
    assert_contains(text,
                    "95.00 % of the host used, 60 decisions, 2.00 us idle while a vCPU waited");
    free(text);
}

static void servers_have_a_table_of_their_own(void **state)
{
    char *text = written(report_table);

    (void)state;
    assert_contains(text, "server ");
    assert_contains(text, "2.00 ms");
    free(text);
    sample_domain_results[1].requests = (struct histogram){0};
    text = written(report_table);
    assert_null(strstr(text, "server"));
    free(text);
}

static void refused_changes_are_listed(void **state)
{
    char *text;

    (void)state;
    sample.refusals = calloc(1, sizeof(*sample.refusals));
    sample.nr_refusals = 1;
    sample.refusals[0].why = (struct sched_refusal){"budget", "more than is free", 250000};
    text = written(report_table);
    assert_contains(text,
                    ", 1 change refused\nrefused: test.sim:7: budget: more than is free: 250000\n");
    free(sample.refusals);
    free(text);
}

static void pcpus_are_shown_as_ranges(void **state)
{
    char *text;

    (void)state;
    mask_clear(&sample_pool.cpus, 1);
    mask_set(&sample_pool.cpus, 6);
    mask_set(&sample_pool.cpus, SCHED_MAX_PCPUS - 2);
    mask_set(&sample_pool.cpus, SCHED_MAX_PCPUS - 1);
    text = written(report_table);
    assert_contains(text, "on pCPU 0,6,4094-4095\n");
    free(text);
}

static void catalogue_has_every_policy_and_parameter(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    report_policies(out);
    fclose(out);
    for (unsigned i = 0; sched_policies[i]; i++) {
        unsigned nr;
        const struct sched_param *p = sched_policy_params(sched_policies[i], &nr);
        assert_contains(text, sched_policy_name(sched_policies[i]));
        for (unsigned j = 0; j < nr; j++)
            assert_contains(text, p[j].name);
    }
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        assert_in_range(end - line, 0, 100);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table_says_who_got_what),
        TEST(servers_have_a_table_of_their_own),
        TEST(refused_changes_are_listed),
        TEST(pcpus_are_shown_as_ranges),
        TEST(catalogue_has_every_policy_and_parameter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
