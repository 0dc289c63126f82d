/* The heap against a plain array that is searched, and its shape after every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../sched/heap.h"

#define N 700

struct item {
    int id;
    struct heap_node node;
};

static struct heap heap;
static struct item items[N];

static int setup(void **state)
{
    (void)state;
    heap_init(&heap);
    for (int i = 0; i < N; i++) {
        items[i].id = i;
        heap_node_init(&items[i].node);
    }
    return 0;
}

/* Nodes of the subtree; checks links, order and completeness (node k is at place k). */
static size_t check_subtree(const struct heap_node *n, const struct heap_node *parent, size_t place)
{
    if (!n)
        return 0;
    assert_ptr_equal(n->parent, parent);
    assert_true(n->queued);
    assert_true(place <= heap.size);
    if (parent)
        assert_true(heap_before(parent, n));
    return 1 + check_subtree(n->left, n, 2 * place) + check_subtree(n->right, n, 2 * place + 1);
}

static void check_shape(void)
{
    assert_int_equal(check_subtree(heap.top, NULL, 1), heap.size);
    assert_int_equal(heap_empty(&heap), heap.size == 0);
}

/* Of those that are queued, but for one. */
static const struct item *first_without(const struct item *left_out)
{
    const struct item *best = NULL;

    for (int i = 0; i < N; i++)
        if (heap_queued(&items[i].node) && &items[i] != left_out &&
            (!best || heap_before(&items[i].node, &best->node)))
            best = &items[i];
    return best;
}

static void random_step(int keys)
{
    struct item *it = &items[rand() % N];
    int64_t key = rand() % keys - keys / 2;

    if (!heap_queued(&it->node)) {
        heap_insert(&heap, &it->node, key);
        assert_int_equal(it->node.key, key);
    } else if (rand() % 3) {
        heap_update(&heap, &it->node, key);
        assert_int_equal(it->node.key, key);
    } else {
        heap_remove(&heap, &it->node);
        assert_false(heap_queued(&it->node));
    }
}

static void test_random_steps_keep_order_and_shape(void **state)
{
    (void)state;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        random_step(step < 10000 ? 50 : 1000000); /* many ties, few ties */
        const struct item *first = first_without(NULL), *second = first_without(first);
        assert_ptr_equal(heap_top_entry(&heap, struct item, node), first);
        if (first)
            assert_ptr_equal(heap_second(&heap), second ? &second->node : NULL);
        if (step % 16 == 0)
            check_shape();
    }
}

static void test_small_sizes(void **state)
{
    (void)state;
    for (int n = 0; n < 20; n++)
        for (int gone = 0; gone < n; gone++) {
            setup(state);
            for (int i = 0; i < n; i++)
                heap_insert(&heap, &items[i].node, (i * 7) % n);
            heap_remove(&heap, &items[gone].node);
            check_shape();
            assert_int_equal(heap.size, n - 1);
        }
}

static void test_drains_sorted(void **state)
{
    int64_t last = INT64_MIN;

    (void)state;
    for (int i = 0; i < N; i++)
        heap_insert(&heap, &items[i].node, rand() % 1000);
    for (int i = 0; i < N; i++) {
        struct heap_node *top = heap.top;
        assert_true(top->key >= last);
        last = top->key;
        heap_remove(&heap, top);
    }
    assert_true(heap_empty(&heap));
    assert_null(heap_top_entry(&heap, struct item, node));
}

static void test_equal_keys_first_in_first_out(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        heap_insert(&heap, &items[i].node, 5);
    heap_update(&heap, &items[3].node, 5); /* counts as new */
    for (int i = 0; i < 100; i++) {
        int expect = i < 3 ? i : i < 99 ? i + 1 : 3;
        struct item *it = heap_top_entry(&heap, struct item, node);
        assert_int_equal(it->id, expect);
        heap_remove(&heap, &it->node);
    }
}

static void test_keys_wrap_around(void **state)
{
    (void)state;
    heap_insert(&heap, &items[0].node, INT64_MIN + 5); /* later, by 10 */
    heap_insert(&heap, &items[1].node, INT64_MAX - 4);
    assert_int_equal(heap_top_entry(&heap, struct item, node)->id, 1);
    assert_int_equal(heap_key_diff(INT64_MIN + 5, INT64_MAX - 4), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_steps_keep_order_and_shape, setup),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test_setup(test_drains_sorted, setup),
        cmocka_unit_test_setup(test_equal_keys_first_in_first_out, setup),
        cmocka_unit_test_setup(test_keys_wrap_around, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
