/* Scenarios of memory, the model of a guest, and what comes out of a run. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include "../../tools/balloon/guest.h"
#include "../../tools/balloon/run.h"

#define MIB 1024

static struct mem_scenario s;

static bool load(const char *text)
{
    mem_scenario_free(&s);
    return mem_scenario_load(&s, file_with("test.mem", text));
}

/* Four that need much in turns, more than there is at a time, as in tests/qemu/scripts/balloon. */
static const char four[] = "title four\n"
                           "host 640M\nreserve 32M\nduration 20min\n"
                           "domain a count=4 min=96M max=256M demand=burst:10M:180M:60s:20s\n";

static void test_scenario(void **state)
{
    (void)state;
    assert_true(load(four));
    assert_string_equal(s.title, "four");
    assert_int_equal(s.host, 640 * MIB);
    assert_int_equal(s.duration, 1200);
    assert_int_equal(s.nr, 4);
    assert_string_equal(s.domains[3].name, "a-4");
    assert_int_equal(s.domains[3].rule.max, 256 * MIB);
    assert_int_equal(s.params.reserve, 32 * MIB);
}

static void test_refusals(void **state)
{
    const struct {
        const char *text, *because;
    } wrong[] = {
        {"host 1G\n", "host, duration and a domain must be there"},
        {"host 64\n", "test.mem:1: host: '64' is no amount"},
        {"domain a min=1M max=2M\n", "min=, max= and demand= must all be there"},
        {"domain a count=0\n", "count: 0 is out of range"},
        {"domain a cache=101%\n", "cache: 101% is out of range"},
        {"domain a demand=much\n", "demand=much: this is no demand"},
        {"hosts 1G\n", "'hosts' is not understood"},
        {"host 100M\nreserve 20M\nduration 1s\n"
         "domain a count=2 min=50M max=80M demand=const:1M\n",
         "the guarantees (min=) and the reserve are 120M, the host has 100M"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        said_begin();
        bool ok = load(wrong[i].text);
        said_end();
        assert_false(ok);
        assert_said(wrong[i].because);
    }
}

/* What a guest needs without any program. */
#define BARE (GUEST_OVERHEAD + GUEST_KERNEL)

static void test_guest_takes_what_there_is(void **state)
{
    struct sim_guest g = {.memory = BARE + 80 * MIB};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        guest_run(&g, 200 * MIB);
    assert_int_equal(g.anon, 80 * MIB - GUEST_SLACK);
    assert_int_equal(guest_balloon(&g, BARE, 0), 0); /* it has nothing to give */
    assert_int_equal(guest_report(&g).available, GUEST_SLACK);
    assert_int_equal(guest_report(&g).promised, 200 * MIB - g.anon);
    guest_run(&g, 10 * MIB);
    assert_int_equal(guest_balloon(&g, BARE + 20 * MIB, 0), -60 * MIB);
    assert_int_equal(guest_balloon(&g, BARE + 80 * MIB, 20 * MIB), 20 * MIB);
}

static void test_guest_drops_its_cache(void **state)
{
    struct sim_guest g = {.memory = BARE + 200 * MIB, .cache = 50};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        guest_run(&g, 160 * MIB);
    assert_int_equal(g.cached, 80 * MIB);
    assert_int_equal(guest_report(&g).pressure, 0);
    guest_balloon(&g, BARE + 110 * MIB, 0);
    assert_int_equal(g.memory, BARE + 110 * MIB);
    assert_int_equal(g.anon, 80 * MIB);
    assert_int_equal(g.cached, 30 * MIB);
    assert_in_range(guest_report(&g).pressure, 100, 300);
}

/* The mix of experiments/ballooning/hundred.mem, on a quarter of an hour. */
static const char hundred[] =
    "host 32G\nreserve 512M\nduration 15min\n"
    "domain web count=40 min=128M max=640M demand=wave:60M:520M:10min cache=25%\n"
    "domain batch count=25 min=96M max=1G weight=128 demand=burst:20M:800M:5min:90s\n"
    "domain db count=15 min=256M max=768M weight=512 demand=walk:150M:650M:6M cache=50%\n"
    "domain dev count=20 min=128M max=1G demand=burst:60M:700M:8min:1min cache=10%\n";

static void run_all(const char *text, struct run_result *r)
{
    assert_true(load(text));
    for (unsigned way = 0; way < NR_WAYS; way++) {
        r[way] = run_scenario(&s, way, NULL, NULL);
        assert_true(r[way].demand == r[0].demand);
        assert_int_equal(r[way].over, 0);
        assert_true(r[way].useful <= r[way].demand);
    }
    assert_int_equal(r[WAY_BALLOON].there, s.nr);
    assert_int_equal(r[WAY_BALLOON].broken, 0);
    assert_int_equal(r[WAY_BALLOON].harmful, 0);
    assert_true(r[WAY_BALLOON].useful <= r[WAY_IDEAL].useful);
}

static void test_four_domains(void **state)
{
    struct run_result r[NR_WAYS];

    (void)state;
    run_all(four, r);
    assert_int_equal(r[WAY_NONE].there, 2);
    assert_true(r[WAY_BALLOON].useful > r[WAY_EQUAL].useful * 1.2);
    assert_true(r[WAY_BALLOON].useful > r[WAY_NONE].useful * 1.2);
}

static void test_a_hundred_domains(void **state)
{
    struct run_result r[NR_WAYS];

    (void)state;
    run_all(hundred, r);
    assert_true(r[WAY_BALLOON].useful > r[WAY_EQUAL].useful * 1.25);
    assert_true(r[WAY_BALLOON].useful > r[WAY_NONE].useful * 1.25);
    assert_true(r[WAY_BALLOON].useful > r[WAY_IDEAL].useful * 0.8);
}

static void test_same_bytes(void **state)
{
    struct run_result r[2];

    (void)state;
    assert_true(load(four));
    r[0] = run_scenario(&s, WAY_BALLOON, NULL, NULL);
    r[1] = run_scenario(&s, WAY_BALLOON, NULL, NULL);
    assert_true(r[0].useful == r[1].useful && r[0].moved == r[1].moved);
}

static int end(void **state)
{
    mem_scenario_free(&s);
    return files_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_guest_takes_what_there_is),
        cmocka_unit_test(test_guest_drops_its_cache),
        cmocka_unit_test(test_four_domains),
        cmocka_unit_test(test_a_hundred_domains),
        cmocka_unit_test(test_same_bytes),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
