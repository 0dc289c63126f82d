/* Affinity classes, and who of those that wait comes first for a pCPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../sched/index.h"
#include "../../sched/policy.h"

#define PCPUS 8
#define UNITS 64

static struct sched sched;
static struct sched_pool pool;
static struct sched_domain dom;
static struct sched_pcpu pcpus[PCPUS];
static struct sched_affinity slots[UNITS];
static struct sched_unit units[UNITS];

static struct mask bits(uint64_t b)
{
    return (struct mask){.summary = b != 0, .word = {b}};
}

static int setup(void **state)
{
    (void)state;
    sched_init(&sched, NULL, NULL, 0);
    pool = (struct sched_pool){.sched = &sched, .cpus = bits(0xff)};
    list_init(&pool.affinities);
    heap_init(&pool.index);
    dom.pool = &pool;
    for (unsigned i = 0; i < PCPUS; i++)
        pcpus[i] = (struct sched_pcpu){.id = i, .pool = &pool};
    for (int i = 0; i < UNITS; i++) {
        units[i] = (struct sched_unit){.domain = &dom, .hard = bits(~0ULL)};
        heap_node_init(&units[i].index_node);
    }
    sched_give_affinities(&sched, slots, UNITS);
    return 0;
}

static struct sched_unit *join(int i, uint64_t hard, uint64_t soft)
{
    struct sched_unit *u = &units[i];

    u->hard = bits(hard);
    u->soft = bits(soft);
    u->has_soft = soft != 0;
    assert_int_equal(affinity_join(u), 0);
    return u;
}

static struct sched_unit *waiting(int i, uint64_t hard, int64_t key)
{
    struct sched_unit *u = join(i, hard, 0);
    index_insert(u, key);
    return u;
}

static struct sched_unit *first_for(unsigned pcpu)
{
    return core_first_waiting(&pcpus[pcpu], false);
}

static void assert_mask(const struct mask *m, uint64_t expected)
{
    struct mask e = bits(expected);
    assert_true(mask_equal(m, &e));
}

static unsigned free_slots(void)
{
    unsigned n = 0;
    list_for_each(a, &sched.free_affinities, struct sched_affinity, link)
        n++;
    return n;
}

/* ---- classes ------------------------------------------------------------------------------ */

static void test_same_masks_share_a_class(void **state)
{
    (void)state;
    struct sched_unit *a = join(0, 0x0f, 0x03), *b = join(1, 0x0f, 0x03);
    assert_ptr_equal(a->affinity, b->affinity);
    assert_int_equal(a->affinity->users, 2);
    assert_int_equal(a->affinity->width, 4);
    assert_int_equal(free_slots(), UNITS - 1);
}

static void test_masks_count_within_the_pool_only(void **state)
{
    (void)state;
    struct sched_unit *a = join(0, 0x1f0, 0x130), *b = join(1, 0xf0, 0x30);
    assert_mask(&a->affinity->hard, 0xf0);
    assert_mask(&a->affinity->soft, 0x30);
    assert_ptr_equal(a->affinity, b->affinity);
    assert_false(a->affinity_broken);
}

static void test_different_soft_masks_are_different_classes(void **state)
{
    (void)state;
    assert_ptr_not_equal(join(0, 0x0f, 0x03)->affinity, join(1, 0x0f, 0x0c)->affinity);
}

static void test_hard_mask_outside_the_pool_is_ignored(void **state)
{
    (void)state;
    struct sched_unit *u = join(0, 0x300, 0x02);
    assert_true(u->affinity_broken);
    assert_mask(&u->affinity->hard, 0xff);
    assert_mask(&u->affinity->soft, 0x02);
    affinity_leave(u);
    assert_false(join(0, 0x301, 0)->affinity_broken);
}

static void test_soft_mask_stays_within_the_hard_one(void **state)
{
    (void)state;
    assert_mask(&join(0, 0x0f, 0x38)->affinity->soft, 0x08);
    assert_mask(&join(1, 0x0f, 0x30)->affinity->soft, 0x0f);
    assert_mask(&join(2, 0x07, 0)->affinity->soft, 0x07);
}

static void test_no_slot_left(void **state)
{
    (void)state;
    list_init(&sched.free_affinities);
    sched_give_affinities(&sched, slots, 1);
    struct sched_unit *u = join(0, 0x01, 0);
    units[1].hard = bits(0x02);
    assert_int_equal(affinity_join(&units[1]), -SCHED_ENOMEM);
    assert_null(units[1].affinity);
    join(2, 0x01, 0); /* an old class needs no slot */
    assert_int_equal(u->affinity->users, 2);
}

static void test_last_user_frees_the_slot(void **state)
{
    (void)state;
    struct sched_unit *a = join(0, 0x01, 0), *b = join(1, 0x01, 0);
    affinity_leave(a);
    assert_null(a->affinity);
    assert_int_equal(free_slots(), UNITS - 1);
    assert_int_equal(b->affinity->users, 1);
    affinity_leave(b);
    assert_int_equal(free_slots(), UNITS);
    assert_true(list_empty(&pool.affinities));
}

static void test_slot_used_again_is_as_new(void **state)
{
    (void)state;
    struct sched_unit *u = join(0, 0x0f, 0);
    struct sched_affinity *a = u->affinity;
    a->search = 7;
    affinity_leave(u);
    assert_ptr_equal(join(1, 0x30, 0)->affinity, a);
    assert_int_equal(a->users, 1);
    assert_int_equal(a->width, 2);
    assert_int_equal(a->search, 0);
    assert_true(heap_empty(&a->waiting));
}

/* ---- who is first ------------------------------------------------------------------------- */

static void test_nobody_waits(void **state)
{
    (void)state;
    assert_null(first_for(0));
    struct sched_unit *u = waiting(0, 0x01, 5);
    assert_true(index_holds(u));
    index_remove(u);
    assert_false(index_holds(u));
    assert_null(first_for(0));
    assert_true(heap_empty(&pool.index));
}

static void test_least_key_is_first(void **state)
{
    (void)state;
    waiting(0, 0x0f, 30);
    struct sched_unit *b = waiting(1, 0x0f, 10);
    waiting(2, 0xff, 20);
    assert_ptr_equal(first_for(0), b);
}

static void test_equal_keys_are_served_in_order(void **state)
{
    (void)state;
    struct sched_unit *a = waiting(0, 0x0f, 10), *b = waiting(1, 0x0f, 10);
    assert_ptr_equal(first_for(0), a);
    index_remove(a);
    assert_ptr_equal(first_for(0), b);
}

static void test_those_who_may_not_are_passed_over(void **state)
{
    (void)state;
    waiting(0, 0x01, 10);
    waiting(1, 0x03, 20);
    struct sched_unit *c = waiting(2, 0x04, 30);
    assert_ptr_equal(first_for(2), c);
    assert_null(first_for(3));
}

static void test_soft_search_asks_the_soft_mask(void **state)
{
    (void)state;
    struct sched_unit *a = join(0, 0x0f, 0x02), *b = join(1, 0x0f, 0x01);
    index_insert(a, 10);
    index_insert(b, 20);
    assert_ptr_equal(core_first_waiting(&pcpus[0], true), b);
    assert_ptr_equal(core_first_waiting(&pcpus[0], false), a);
    assert_null(core_first_waiting(&pcpus[2], true));
}

static void test_update_moves_the_class(void **state)
{
    (void)state;
    struct sched_unit *a = waiting(0, 0x0f, 10), *b = waiting(1, 0xff, 20);
    index_update(b, 5);
    assert_ptr_equal(first_for(0), b);
    index_update(b, 15);
    assert_ptr_equal(first_for(0), a);
    index_update(a, 30);
    assert_ptr_equal(first_for(0), b);
}

static void test_keys_wrap(void **state)
{
    (void)state;
    struct sched_unit *early = waiting(0, 0x0f, INT64_MAX - 1);
    waiting(1, 0xff, INT64_MIN + 1);
    assert_ptr_equal(first_for(0), early);
}

/* ---- against a search through all --------------------------------------------------------- */

static int64_t least_key(unsigned pcpu, bool soft)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < UNITS; i++) {
        const struct sched_unit *u = &units[i];
        if (index_holds(u) &&
            (soft ? unit_prefers(u, &pcpus[pcpu]) : unit_may_run_on(u, &pcpus[pcpu])))
            least = time_min(least, u->index_node.key);
    }
    return least;
}

static void check_first(unsigned pcpu, bool soft)
{
    const struct sched_unit *u = core_first_waiting(&pcpus[pcpu], soft);
    int64_t least = least_key(pcpu, soft);

    assert_int_equal(u ? u->index_node.key : INT64_MAX, least);
    if (u)
        assert_true(soft ? unit_prefers(u, &pcpus[pcpu]) : unit_may_run_on(u, &pcpus[pcpu]));
}

static void change_one(void)
{
    struct sched_unit *u = &units[rand() % UNITS];
    int64_t key = rand() % 1000;

    if (!index_holds(u))
        index_insert(u, key);
    else if (rand() % 2)
        index_remove(u);
    else
        index_update(u, key);
}

static void test_any_changes_any_masks(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < UNITS; i++)
        join(i, (uint64_t)(rand() % 255 + 1), i % 2 ? (uint64_t)(rand() % 255 + 1) : 0);
    for (int step = 0; step < 5000; step++) {
        change_one();
        for (unsigned p = 0; p < PCPUS; p++) {
            check_first(p, false);
            check_first(p, true);
        }
    }
}

#define FRESH(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_same_masks_share_a_class),
        FRESH(test_masks_count_within_the_pool_only),
        FRESH(test_different_soft_masks_are_different_classes),
        FRESH(test_hard_mask_outside_the_pool_is_ignored),
        FRESH(test_soft_mask_stays_within_the_hard_one),
        FRESH(test_no_slot_left),
        FRESH(test_last_user_frees_the_slot),
        FRESH(test_slot_used_again_is_as_new),
        FRESH(test_nobody_waits),
        FRESH(test_least_key_is_first),
        FRESH(test_equal_keys_are_served_in_order),
        FRESH(test_those_who_may_not_are_passed_over),
        FRESH(test_soft_search_asks_the_soft_mask),
        FRESH(test_update_moves_the_class),
        FRESH(test_keys_wrap),
        FRESH(test_any_changes_any_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
