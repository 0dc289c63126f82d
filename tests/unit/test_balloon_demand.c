/* Demands for memory: how they are written and what they come to. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include "../../tools/balloon/demand.h"

#define MIB 1024

static struct arena memory;
static struct demand demand;
static struct demand_walker walker;

static bool parse(const char *text)
{
    const char *file = file_with("trace.csv", "# recorded\n0,1024\n10,5120\n20,2048\n");

    return demand_parse(&memory, text, (struct place){file, 3}, &demand);
}

static void begin(const char *text, uint64_t stream)
{
    assert_true(parse(text));
    demand_begin(&walker, &demand, 1, stream);
}

/* Least and most of so many seconds. */
static void range(int64_t seconds, int64_t *least, int64_t *most)
{
    *least = INT64_MAX;
    *most = 0;
    for (int64_t now = 1; now <= seconds; now++) {
        int64_t x = demand_at(&walker, now);

        *least = x < *least ? x : *least;
        *most = x > *most ? x : *most;
    }
}

static void test_const(void **state)
{
    (void)state;
    begin("const:60M", 0);
    assert_int_equal(demand_at(&walker, 1), 60 * MIB);
    assert_int_equal(demand_at(&walker, 1000), 60 * MIB);
}

static void test_wave_goes_all_the_way(void **state)
{
    int64_t least, most;

    (void)state;
    begin("wave:10M:110M:1min", 5);
    range(60, &least, &most);
    assert_in_range(least, 10 * MIB, 11 * MIB);
    assert_in_range(most, 109 * MIB, 110 * MIB);
}

static void test_burst_has_two_levels(void **state)
{
    double on = 0;

    (void)state;
    begin("burst:10M:200M:30s:10s", 3);
    for (int64_t now = 1; now <= 100000; now++) {
        int64_t x = demand_at(&walker, now);

        assert_true(x == 10 * MIB || x == 200 * MIB);
        on += x == 200 * MIB;
    }
    assert_in_range((int64_t)on, 22000, 28000);
}

static void test_walk_stays_within(void **state)
{
    int64_t least, most, last;

    (void)state;
    begin("walk:10M:50M:2M", 3);
    last = walker.level;
    for (int64_t now = 1; now < 1000; now++) {
        int64_t x = demand_at(&walker, now);

        assert_true(x - last <= 2 * MIB && last - x <= 2 * MIB);
        last = x;
    }
    range(10000, &least, &most);
    assert_int_equal(least, 10 * MIB);
    assert_int_equal(most, 50 * MIB);
}

static void test_trace_repeats(void **state)
{
    unsigned seen[6] = {0};

    (void)state;
    begin("trace:trace.csv:200%", 3);
    for (int64_t now = 0; now < 200; now++)
        seen[demand_at(&walker, now) / 2048]++;
    assert_int_equal(seen[1], 100);
    assert_int_equal(seen[5], 100);
}

static void test_trace_pauses(void **state)
{
    double busy = 0;

    (void)state;
    begin("trace:trace.csv:100%:1min", 3);
    for (int64_t now = 1; now <= 80000; now++)
        busy += demand_at(&walker, now) == 5 * MIB;
    assert_in_range((int64_t)busy, 9000, 11000);
}

static void test_same_seed_same_demand(void **state)
{
    int64_t first[50];

    (void)state;
    begin("burst:10M:200M:3s:2s", 3);
    for (int64_t i = 0; i < 50; i++)
        first[i] = demand_at(&walker, i);
    begin("burst:10M:200M:3s:2s", 3);
    for (int64_t i = 0; i < 50; i++)
        assert_int_equal(demand_at(&walker, i), first[i]);
}

static void test_refusals(void **state)
{
    const struct {
        const char *text, *because;
    } wrong[] = {
        {"", "this is no demand; use const:SIZE"},
        {"wave:10M", "this is no demand"},
        {"wave:90M:10M:1min", "90M is more than 10M"},
        {"wave:10M:90M:1", "wave:10M:90M:1: "},
        {"burst:10M:90M:1ms:1s", "1ms is too short; use 1s or more"},
        {"const:10", "'10' is no amount of memory"},
        {"trace:none.csv", "none.csv can not be opened"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        said_begin();
        bool ok = parse(wrong[i].text);
        said_end();
        assert_false(ok);
        assert_said(wrong[i].because);
    }
}

static void test_bad_traces(void **state)
{
    const char *const wrong[] = {"0,1\n", "1,1\n2,2\n", "0,1\n5,2\n5,3\n", "0,1\nx\n",
                                 "0,1\n1,-1\n"};

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *file = file_with("bad.csv", wrong[i]);

        said_begin();
        bool ok = demand_parse(&memory, "trace:bad.csv", (struct place){file, 1}, &demand);
        said_end();
        assert_false(ok);
    }
}

static int end(void **state)
{
    arena_free(&memory);
    return files_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_const),
        cmocka_unit_test(test_wave_goes_all_the_way),
        cmocka_unit_test(test_burst_has_two_levels),
        cmocka_unit_test(test_walk_stays_within),
        cmocka_unit_test(test_trace_repeats),
        cmocka_unit_test(test_trace_pauses),
        cmocka_unit_test(test_same_seed_same_demand),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_traces),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
