/* The queue of BVT against a search through all units, while warps come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../sched/bvt_queue.h"
#include "harness.h"

#define NR_UNITS 12

static struct harness *h;
static struct sched_unit *units[NR_UNITS];

static void set(struct sched_unit *u, const char *name, int64_t value)
{
    assert_int_equal(harness_set(h, SCHED_PARAM_DOMAIN, u, name, value), 0);
}

/* Hogs and sleepers, with and without warp, with short rests between warps. */
static int setup(void **state)
{
    (void)state;
    srand(3);
    h = harness_new("bvt", 1);
    for (int i = 0; i < NR_UNITS; i++) {
        enum harness_work work = i % 3 ? HARNESS_HOG : HARNESS_CYCLE;
        units[i] = harness_unit(h, NULL, work, (1 + rand() % 5) * MS, (1 + rand() % 50) * MS);
        set(units[i], "mcuadv", 1 + rand() % 30);
        if (i % 2)
            continue;
        set(units[i], "warpvalue", rand() % 2000 - 200);
        set(units[i], "warpl", (1 + rand() % 10) * MS);
        set(units[i], "warpu", (1 + rand() % 100) * MS);
        set(units[i], "warpback", 1);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static int64_t least_actual(void)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < NR_UNITS; i++)
        if (unit_runnable(units[i]))
            least = time_min(least, fair_vtime_at(h->pcpus[0], units[i], h->now));
    return least;
}

static int64_t effective(const struct sched_unit *u)
{
    return u->vtime - bvt_entry(u)->warp;
}

static int64_t least_effective_waiting(void)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < NR_UNITS; i++)
        if (units[i]->state == SCHED_WAITING)
            least = time_min(least, effective(units[i]));
    return least;
}

static void test_svt_and_first_are_the_least(void **state)
{
    unsigned warped = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        harness_run(h, 1 + rand() % (2 * MS));
        const struct sched_unit *first = bvt_queue_first(h->pcpus[0]);
        assert_int_equal(bvt_svt(h->pcpus[0], h->now), least_actual());
        assert_int_equal(effective(first), least_effective_waiting());
        warped += bvt_entry(first)->warp != 0;
    }
    assert_in_range(warped, 100, 2900); /* both kinds were there */
}

/* The last to leave sets the virtual time that the next to come finds. */
static void test_svt_of_an_idle_pcpu_is_the_last_one(void **state)
{
    (void)state;
    for (int i = 0; i < NR_UNITS; i++)
        sched_pause(units[i], h->now);
    assert_int_equal(bvt_svt(h->pcpus[0], h->now), units[NR_UNITS - 1]->vtime);
    assert_null(bvt_queue_first(h->pcpus[0]));
    assert_true(bvt_queue_next_flip(h->pcpus[0]) == SCHED_NEVER);
}

static void test_whole_mcus(void **state)
{
    struct sched_unit *u = units[0];

    (void)state;
    sched_pause(u, h->now);
    set(u, "mcuadv", 20);
    int64_t before = u->vtime;
    bvt_charge_whole_mcus(u, 3 * BVT_MCU);
    assert_int_equal(u->vtime - before, 0);
    bvt_charge_whole_mcus(u, BVT_MCU + 1);
    assert_int_equal(u->vtime - before, 2 * (BVT_MCU - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_svt_and_first_are_the_least, setup, teardown),
        cmocka_unit_test_setup_teardown(test_svt_of_an_idle_pcpu_is_the_last_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole_mcus, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
