/* A change to several units: in any order that works, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/all_or_none.h"

#define NR 3

/* Each unit's value[0] is a place that it takes alone; places of others are not to be had. */
static struct sched_unit units[NR], *list[NR];
static unsigned calls;

static int setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NR; i++) {
        units[i] = (struct sched_unit){.id = i, .value = {i}};
        list[i] = &units[i];
    }
    calls = 0;
    return 0;
}

static int take_place(struct sched_unit *u, const void *how, sched_time now,
                      struct sched_refusal *why)
{
    int64_t place = ((const int64_t *)how)[u->id];

    (void)now;
    calls++;
    for (unsigned i = 0; i < NR; i++) {
        if (&units[i] != u && units[i].value[0] == place) {
            why->why = "taken";
            return -SCHED_ENOSPC;
        }
    }
    u->value[0] = place;
    return 0;
}

static void undo(const struct unit_before *before, sched_time now)
{
    (void)now;
    before->unit->value[0] = before->value[0];
}

static int change(const int64_t *places, struct sched_refusal *why)
{
    return all_or_none(list, NR, &(struct unit_change){take_place, undo, places}, 0, why);
}

static void all_at_once(void **state)
{
    static const int64_t places[NR] = {10, 11, 12};
    struct sched_refusal why = {0};

    (void)state;
    assert_int_equal(change(places, &why), 0);
    assert_int_equal(calls, NR);
    assert_int_equal(units[2].value[0], 12);
}

static void in_an_order_that_works(void **state)
{
    static const int64_t places[NR] = {1, 2, 3}; /* only from the last to the first */
    struct sched_refusal why = {0};

    (void)state;
    assert_int_equal(change(places, &why), 0);
    for (unsigned i = 0; i < NR; i++)
        assert_int_equal(units[i].value[0], i + 1);
}

static void none_if_one_is_refused(void **state)
{
    static const int64_t places[NR] = {10, 11, 11};
    struct sched_refusal why = {0};

    (void)state;
    assert_int_equal(change(places, &why), -SCHED_ENOSPC);
    assert_string_equal(why.why, "taken");
    for (unsigned i = 0; i < NR; i++)
        assert_int_equal(units[i].value[0], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_at_once, setup),
        cmocka_unit_test_setup(in_an_order_that_works, setup),
        cmocka_unit_test_setup(none_if_one_is_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
