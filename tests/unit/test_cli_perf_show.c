/* How moirai perf shows what was counted. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../tools/cli/perf_show.h"

static char *text;
static size_t size;

static const struct moirai_pmu model = {
    .nr_general = 4, .nr_fixed = 3, .width = 48, .model = 1, .name = "Intel X", .rates = "some"};
static const struct moirai_pmu machine = {.nr_general = 6, .width = 48};
static const char *const names[] = {"INST_RETIRED", "LLC_MISSES:u"};
static const struct moirai_perf_read counted = {
    .nr = 2,
    .nr_groups = 2,
    .enabled = 2000000,
    .event = {{1000, 500000, 4000}, {0, 0, 0}},
};

static struct perf_show show;

static void begin(bool csv, const struct moirai_pmu *what)
{
    show = (struct perf_show){open_memstream(&text, &size), csv, "bdw_ep", what};
    assert_non_null(show.out);
}

static void assert_text(const char *wanted)
{
    fclose(show.out);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_csv(void **state)
{
    (void)state;
    begin(true, &model);
    perf_show_begin(&show, 1);
    perf_show_domain(&show, "web", 3, names, &counted);
    assert_text("name,domain,event,estimate,count,enabled_ns,running_ns,pmu\n"
                "web,3,INST_RETIRED,4000,1000,2000000,500000,model:bdw_ep\n"
                "web,3,LLC_MISSES:u,0,0,2000000,0,model:bdw_ep\n");
    begin(true, &machine);
    perf_show_domain(&show, "web", 3, names, &counted);
    assert_text("web,3,INST_RETIRED,4000,1000,2000000,500000,bdw_ep\n"
                "web,3,LLC_MISSES:u,0,0,2000000,0,bdw_ep\n");
}

static void test_table(void **state)
{
    (void)state;
    begin(false, &model);
    perf_show_begin(&show, 1.5);
    assert_text("MODEL of an Intel X (bdw_ep): these counts are made up: some\n"
                "bdw_ep: 4 counters of 48 bits, 3 fixed ones\n1.50 s\n\n"
                "NAME               ID             ESTIMATE                COUNT    PART  EVENT\n");
    begin(false, &machine);
    perf_show_pmu(&show);
    assert_text("bdw_ep: 6 counters of 48 bits, 0 fixed ones\n");
}

static void test_domain(void **state)
{
    struct moirai_perf_read one = counted;

    (void)state;
    begin(false, &model);
    perf_show_domain(&show, "web", 3, names, &counted);
    assert_text("web                 3                 4000                 1000   25.0%  "
                "INST_RETIRED\n"
                "web                 3                    -                    -    0.0%  "
                "LLC_MISSES:u\n"
                "web                 3                2.000 ms of vCPU time; multiplexed: 2 groups "
                "took turns, see PART\n\n");
    one.nr = one.nr_groups = 1;
    one.enabled = 0;
    begin(false, &model);
    perf_show_domain(&show, "web", 3, names, &one);
    fclose(show.out);
    assert_non_null(strstr(text, "  0.0%  INST_RETIRED\n"));
    assert_null(strstr(text, "multiplexed"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
