/* Figures: data, scripts, and what gnuplot makes of them. */
#include "sample_result.h"

#include <dirent.h>
#include <unistd.h>

#include "../../tools/sim/report.h"

static char directory[32];

static char *path_of(const char *name)
{
    static char path[320];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int setup_directory(void **state)
{
    (void)state;
    make_sample();
    strcpy(directory, "/tmp/moirai-test-plot-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    DIR *d = opendir(directory);

    (void)state;
    for (struct dirent *e; (e = readdir(d));)
        unlink(path_of(e->d_name));
    closedir(d);
    return rmdir(directory);
}

/* To be freed. */
static char *content(const char *name, size_t *size)
{
    char *text = calloc(1, 1 << 20);
    FILE *in = fopen(path_of(name), "r");

    assert_non_null(text);
    if (!in)
        fail_msg("%s is missing", name);
    *size = fread(text, 1, (1 << 20) - 1, in);
    fclose(in);
    return text;
}

static void assert_file(const char *name, const char *part)
{
    size_t size;
    char *text = content(name, &size);

    assert_contains(text, part);
    free(text);
}

static void figures_are_png_and_svg(void **state)
{
    static const char *const names[] = {"timeline", "shares", "latency"};
    char name[32];

    (void)state;
    assert_true(report_plot(directory, &sample));
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s.png", names[i]);
        assert_file(name, "\x89PNG");
        snprintf(name, sizeof(name), "%s.svg", names[i]);
        assert_file(name, "</svg>");
        snprintf(name, sizeof(name), "%s.gp", names[i]);
        assert_file(name, "it''s a \"test\"'");
    }
    assert_file("plot-timeline.csv", "\n0.001500,3.000007,0,2,\"web, inc.1\"\n");
    assert_file("plot-shares.csv", "\n0.500000,0,90.0000,100.0000\n");
    assert_file("latency.svg", "web, inc.0");
}

static void figure_without_data_is_left_out(void **state)
{
    (void)state;
    sample_vcpus[1].latency = (struct histogram){0};
    sample.nr_slices = 0;
    assert_true(report_plot(directory, &sample));
    assert_int_not_equal(access(path_of("latency.gp"), F_OK), 0);
    assert_int_not_equal(access(path_of("timeline.gp"), F_OK), 0);
    assert_int_equal(access(path_of("shares.png"), F_OK), 0);
}

static void same_result_same_bytes(void **state)
{
    size_t size, again;
    char *first, *second;

    (void)state;
    assert_true(report_plot(directory, &sample));
    first = content("latency.png", &size);
    assert_true(report_plot(directory, &sample));
    second = content("latency.png", &again);
    assert_int_equal(size, again);
    assert_memory_equal(first, second, size);
    free(first);
    free(second);
}

static void missing_parent_is_an_error(void **state)
{
    (void)state;
    assert_false(report_plot(path_of("no/such/place"), &sample));
}

#define PLOT_TEST(f) cmocka_unit_test_setup_teardown(f, setup_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLOT_TEST(figures_are_png_and_svg),
        PLOT_TEST(figure_without_data_is_left_out),
        PLOT_TEST(same_result_same_bytes),
        PLOT_TEST(missing_parent_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
