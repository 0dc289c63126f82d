/* Files of a directory: CSV. */
#include "sample_result.h"

#include <unistd.h>

#include "../../tools/sim/report.h"

static char directory[] = "/tmp/moirai-test-csv-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"vcpus.csv", "domains.csv", "shares.csv", "latency.csv"};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

/* To be freed. */
static char *content(const char *name)
{
    char *text = calloc(1, 65536);
    FILE *in = fopen(path_of(name), "r");

    assert_non_null(text);
    assert_non_null(in);
    assert_true(fread(text, 1, 65535, in) > 0);
    fclose(in);
    return text;
}

static unsigned lines(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void assert_file(const char *name, unsigned nr_lines, const char *start, const char *part)
{
    char *text = content(name);

    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    assert_contains(text, part);
    assert_int_equal(lines(text), nr_lines);
    free(text);
}

static void files_have_a_row_for_each(void **state)
{
    (void)state;
    assert_true(report_csv(directory, &sample));
    assert_file("vcpus.csv", 4, "domain,vcpu,share_percent,ideal_share_percent,error_points,",
                "\n\"web, inc\",1,40.0000,50.0000,10.0000,4000000000,0,,,,,100,3,30,2,");
    assert_file("domains.csv", 3, "domain,share_percent,", "\nhog,90.0000,100.0000,");
    assert_file("shares.csv", 1 + 3 * SAMPLES,
                "time_ns,domain,vcpu,share_percent,ideal_share_percent\n",
                "\n2000000000,\"web, inc\",0,60.0000,50.0000\n");
    assert_file("latency.csv", 21, "domain,vcpu,quantile,latency_ns,wakes\n",
                "\n\"web, inc\",0,1.0000,1000000,1000\n");
}

static void directory_may_exist_already(void **state)
{
    (void)state;
    assert_true(report_csv(directory, &sample));
    assert_true(report_csv(directory, &sample));
}

static void file_in_the_way_is_an_error(void **state)
{
    (void)state;
    assert_true(report_csv(directory, &sample));
    assert_false(report_csv(path_of("vcpus.csv"), &sample));
    assert_false(report_csv(path_of("no/such/place"), &sample));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_have_a_row_for_each),
        TEST(directory_may_exist_already),
        TEST(file_in_the_way_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
