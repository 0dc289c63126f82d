/* moirai node-speed: how much memory, in which order, what is timed, and what is said of it. */
#define _POSIX_C_SOURCE 200809L
#include "../../tools/cli/speed.h"
#include "said.h"

#define MIB (UINT64_C(1) << 20)

/* ---- how much memory ------------------------------------------------------------------------- */

static const struct speed_machine caches = {.cache_one = 33 * MIB, .cache_all = 256 * MIB};

static void assert_sizes(const struct speed_machine *m, uint64_t free_mib, uint64_t wish_mib,
                         uint64_t stream_mib, uint64_t chase_mib, bool cached)
{
    struct speed_sizes s;

    assert_true(speed_sizes(m, free_mib * MIB, wish_mib * MIB, &s));
    assert_int_equal(s.stream, stream_mib * MIB);
    assert_int_equal(s.chase, chase_mib * MIB);
    assert_int_equal(s.cached, cached);
}

static void memory_is_4_times_the_caches(void **state)
{
    (void)state;
    assert_sizes(&caches, 4096, 0, 1024, 132, false);
}

static void memory_without_caches_is_long_enough_to_be_timed(void **state)
{
    const struct speed_machine unknown = {.nr_nodes = 0};

    (void)state;
    assert_sizes(&unknown, 4096, 0, 64, 64, false);
}

static void no_more_than_half_of_what_is_free_is_used(void **state)
{
    struct speed_sizes s;

    (void)state;
    assert_sizes(&caches, 201, 0, 100, 100, true);
    assert_sizes(&caches, 2, 0, 1, 1, true);
    assert_false(speed_sizes(&caches, 2 * MIB - 1, 0, &s));
    assert_false(speed_sizes(&caches, 0, 0, &s));
}

static void a_wish_is_granted_or_refused(void **state)
{
    struct speed_sizes s;

    (void)state;
    assert_sizes(&caches, 201, 100, 100, 100, true);
    assert_false(speed_sizes(&caches, 201 * MIB, 101 * MIB, &s));
    assert_sizes(&caches, 8192, 2048, 2048, 132, false);
}

/* ---- in which order -------------------------------------------------------------------------- */

#define CELLS 5000

static void the_order_is_one_cycle(void **state)
{
    static uint32_t next[CELLS];

    (void)state;
    for (uint32_t nr = 1; nr <= CELLS; nr = nr < 8 ? nr + 1 : nr * 5) {
        uint32_t at = 0, steps = 0;

        speed_cycle(next, nr, 7);
        do {
            assert_true(next[at] < nr);
            at = next[at];
            steps++;
        } while (at && steps <= nr);
        assert_int_equal(steps, nr);
    }
}

/* A prefetcher would see steps of the same length. */
static void the_order_is_random(void **state)
{
    static uint32_t next[CELLS], other[CELLS];
    unsigned near = 0, same = 0;

    (void)state;
    speed_cycle(next, CELLS, 1);
    speed_cycle(other, CELLS, 2);
    for (uint32_t i = 0; i < CELLS; i++) {
        near += next[i] - i + 8 < 16;
        same += next[i] == other[i];
    }
    assert_true(near < CELLS / 100);
    assert_true(same < CELLS / 100);
}

/* ---- what is timed --------------------------------------------------------------------------- */

static struct speed_cell cells[CELLS] __attribute__((aligned(SPEED_LINE)));

static void a_chase_goes_where_the_order_says(void **state)
{
    static uint32_t next[CELLS];
    const struct speed_cell *at = cells;
    uint32_t expected = 0;

    (void)state;
    assert_int_equal(sizeof *cells, SPEED_LINE);
    speed_cycle(next, CELLS, 1);
    speed_link(cells, next, CELLS);
    speed_flush(cells, CELLS);
    for (unsigned i = 0; i < 3; i++) {
        at = speed_chase(at, 17);
        for (unsigned j = 0; j < 17; j++)
            expected = next[expected];
        assert_ptr_equal(at, &cells[expected]);
    }
    assert_ptr_equal(speed_chase(cells, CELLS), cells);
}

static void all_is_read(void **state)
{
    uint64_t words[64], sum = 0;

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        sum += words[i] = UINT64_C(0x1000000000000001) * (i + 1);
    assert_int_equal(speed_read(words, sizeof words), sum);
    assert_int_equal(speed_read(words, 0), 0);
}

static void half_is_copied(void **state)
{
    char memory[2 * SPEED_LINE + 1];

    (void)state;
    memset(memory, 'a', SPEED_LINE);
    memset(memory + SPEED_LINE, 'b', SPEED_LINE + 1);
    memory[SPEED_LINE + 5] = 'c';
    speed_copy(memory, 2 * SPEED_LINE);
    assert_memory_equal(memory, memory + SPEED_LINE, SPEED_LINE);
    assert_int_equal(memory[5], 'c');
    assert_int_equal(memory[2 * SPEED_LINE], 'b');
}

static void a_page_elsewhere_is_found(void **state)
{
    const int good[] = {1, 1, 1}, wrong[] = {1, 0, 1}, unknown[] = {1, 1, -2};

    (void)state;
    assert_int_equal(speed_elsewhere(good, 3, 1), 3);
    assert_int_equal(speed_elsewhere(good, 3, 0), 0);
    assert_int_equal(speed_elsewhere(wrong, 3, 1), 1);
    assert_int_equal(speed_elsewhere(unknown, 3, 1), 2);
    assert_int_equal(speed_elsewhere(NULL, 0, 1), 0);
}

/* ---- what came out --------------------------------------------------------------------------- */

static void runs_have_a_middle(void **state)
{
    const struct speed_figure f = {{5, 1, 400, 3, 4}};

    (void)state;
    assert_true(speed_median(&f) == 4);
    assert_true(speed_least(&f) == 1);
    assert_true(speed_most(&f) == 400);
    assert_true(f.run[0] == 5);
}

/* Node 1 has no memory, node 8 no CPUs. */
static struct speed_pair pairs[] = {
    {0, 0, 4, 10, 64 * MIB, {{9, 8, 7, 10, 11}}, {{1, 2, 3, 4, 5}}, {{80, 80, 80, 70, 99}}},
    {0, 8, 4, 25, 32 * MIB, {{2, 2, 2, 2, 2}}, {{1, 1, 1, 1, 1}}, {{200, 200, 200, 200, 200}}},
    {1, 0, 2, 21, 64 * MIB, {{3, 3, 3, 3, 3}}, {{2, 2, 2, 2, 2}}, {{160, 160, 160, 160, 160}}},
    {1, 8, 2, 35, 32 * MIB, {{1, 1, 1, 1, 1}}, {{1, 1, 1, 1, 1}}, {{300, 300, 300, 300, 300}}},
};
static struct speed_node nodes[] = {
    {.id = 0, .nr_cpus = 4, .memory = true},
    {.id = 1, .nr_cpus = 2},
    {.id = 8, .memory = true},
};
static const struct speed_machine machine = {.nr_nodes = 3, .nodes = nodes};
static struct speed_result result = {.nr = 4, .pairs = pairs};

static char *text;
static size_t size;

static FILE *open_text(void)
{
    free(text);
    text = NULL;
    return open_memstream(&text, &size);
}

static void a_table_has_distances_and_what_they_should_be(void **state)
{
    FILE *out = open_text();

    (void)state;
    speed_print(&result, out);
    fclose(out);
    assert_string_equal(
        text,
        "CPU node  CPUs  Memory node  Read GB/s  Copy GB/s  Latency ns  Distance   Measured\n"
        "0            4  0                 9.00       3.00        80.0        10       10.0\n"
        "0            4  8                 2.00       1.00       200.0        25       25.0\n"
        "1            2  0                 3.00       2.00       160.0        21          -\n"
        "1            2  8                 1.00       1.00       300.0        35          -\n");
}

static void csv_has_medians_and_extremes(void **state)
{
    FILE *out = open_text();
    unsigned commas = 0;

    (void)state;
    speed_csv(&result, out);
    fclose(out);
    for (const char *c = text; *c && *c != '\n'; c++)
        commas += *c == ',';
    assert_int_equal(commas, 13);
    assert_non_null(strstr(text, "\n0,4,0,10,64,9.000,7.000,11.000,3.000,1.000,5.000,"
                                 "80.00,70.00,99.00\n"));
    assert_non_null(strstr(text, "\n1,2,8,35,32,1.000,"));
}

static const char *notes_of(const struct speed_machine *m, const struct speed_result *r)
{
    FILE *out = open_text();

    speed_notes(m, r, out);
    fclose(out);
    return text;
}

static void nodes_that_are_left_out_are_named(void **state)
{
    (void)state;
    assert_string_equal(notes_of(&machine, &result), "Node 1 has no memory that may be used.\n"
                                                     "Node 8 has no CPU that may be used.\n");
}

static void one_node_is_explained(void **state)
{
    struct speed_machine one = {.nr_nodes = 1, .nodes = nodes};

    (void)state;
    assert_non_null(strstr(notes_of(&one, &result), "it takes a machine with several sockets"));
    one.domain = true;
    assert_non_null(strstr(notes_of(&one, &result), "start Linux without it"));
}

static void figures_that_are_less_than_they_seem_are_explained(void **state)
{
    const struct speed_machine good = {.nr_nodes = 2,
                                       .nodes = (struct speed_node[]){nodes[0], nodes[0]}};
    struct speed_result r = result;

    (void)state;
    assert_string_equal(notes_of(&good, &r), "");
    r.cached = true;
    assert_non_null(strstr(notes_of(&good, &r), "4 times the caches"));
    r.small_pages = true;
    assert_non_null(strstr(notes_of(&good, &r), "no huge pages"));
}

static bool exists(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", said_folder, name);
    return !access(path, R_OK);
}

static void a_plot_comes_with_its_data(void **state)
{
    (void)state;
    said_begin();
    bool ok = speed_plot(&result, said_folder);
    said_end();
    assert_string_equal(said, "");
    assert_true(ok);
    assert_true(exists("node-speed.csv") && exists("node-speed.gp"));
    assert_true(exists("node-speed.png") && exists("node-speed.svg"));
}

static int teardown(void **state)
{
    free(text);
    return files_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_4_times_the_caches),
        cmocka_unit_test(memory_without_caches_is_long_enough_to_be_timed),
        cmocka_unit_test(no_more_than_half_of_what_is_free_is_used),
        cmocka_unit_test(a_wish_is_granted_or_refused),
        cmocka_unit_test(the_order_is_one_cycle),
        cmocka_unit_test(the_order_is_random),
        cmocka_unit_test(a_chase_goes_where_the_order_says),
        cmocka_unit_test(all_is_read),
        cmocka_unit_test(half_is_copied),
        cmocka_unit_test(a_page_elsewhere_is_found),
        cmocka_unit_test(runs_have_a_middle),
        cmocka_unit_test(a_table_has_distances_and_what_they_should_be),
        cmocka_unit_test(csv_has_medians_and_extremes),
        cmocka_unit_test(nodes_that_are_left_out_are_named),
        cmocka_unit_test(one_node_is_explained),
        cmocka_unit_test(figures_that_are_less_than_they_seem_are_explained),
        cmocka_unit_test(a_plot_comes_with_its_data),
    };

    return cmocka_run_group_tests(tests, files_begin, teardown);
}
