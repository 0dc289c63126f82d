#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sched/list.h"

struct item {
    int id;
    struct list link;
};

static struct list head;
static struct item items[5];

static int setup(void **state)
{
    (void)state;
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].id = i;
        list_init(&items[i].link);
    }
    return 0;
}

/* The ids on the list, as decimal digits from the first to the last; both directions agree. */
static int digits(void)
{
    int forward = 0, backward = 0, place = 1;

    list_for_each(it, &head, struct item, link)
        forward = forward * 10 + it->id;
    for (const struct list *l = head.prev; l != &head; l = l->prev, place *= 10)
        backward += place * list_entry(l, struct item, link)->id;
    assert_int_equal(forward, backward);
    return forward;
}

static void test_order(void **state)
{
    (void)state;
    list_add_tail(&head, &items[2].link);
    list_add_tail(&head, &items[3].link);
    list_add_head(&head, &items[1].link);
    assert_int_equal(digits(), 123);
    assert_ptr_equal(list_first_entry(&head, struct item, link), &items[1]);
}

static void test_empty(void **state)
{
    (void)state;
    assert_true(list_empty(&head));
    assert_null(list_first_entry(&head, struct item, link));
    list_for_each(it, &head, struct item, link)
        fail_msg("%d is on an empty list", it->id);
}

static void test_delete_twice_is_safe(void **state)
{
    (void)state;
    for (int i = 1; i < 5; i++)
        list_add_tail(&head, &items[i].link);
    assert_true(list_linked(&items[2].link));
    list_del(&items[2].link);
    list_del(&items[2].link);
    assert_false(list_linked(&items[2].link));
    assert_int_equal(digits(), 134);
}

static void test_safe_iteration_may_unlink(void **state)
{
    (void)state;
    for (int i = 1; i < 5; i++)
        list_add_tail(&head, &items[i].link);
    list_for_each_safe(it, &head, struct item, link)
        if (it->id % 2)
            list_del(&it->link);
    assert_int_equal(digits(), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, setup),
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_delete_twice_is_safe, setup),
        cmocka_unit_test_setup(test_safe_iteration_may_unlink, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
