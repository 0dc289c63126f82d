/* Masks against arrays of flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../sched/mask.h"

#define N SCHED_MAX_PCPUS

static struct mask a, b;
static bool in_a[N], in_b[N];

static void flip_random(struct mask *m, bool *in, unsigned n)
{
    while (n--) {
        unsigned bit = (unsigned)rand() % N;
        if ((in[bit] = !in[bit]))
            mask_set(m, bit);
        else
            mask_clear(m, bit);
    }
}

static int setup(void **state)
{
    (void)state;
    srand(2);
    mask_clear_all(&a);
    mask_clear_all(&b);
    memset(in_a, 0, sizeof in_a);
    memset(in_b, 0, sizeof in_b);
    return 0;
}

static int next_in_both(unsigned from)
{
    for (; from < N; from++)
        if (in_a[from] && in_b[from])
            return (int)from;
    return MASK_NONE;
}

static void check_pair(void)
{
    struct mask both;
    unsigned count = 0;

    mask_and(&both, &a, &b);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(mask_test(&a, i), in_a[i]);
        assert_int_equal(mask_test(&both, i), in_a[i] && in_b[i]);
        count += in_a[i] && in_b[i];
    }
    assert_int_equal(mask_count(&both), count);
    assert_int_equal(mask_intersects(&a, &b), count > 0);
    assert_int_equal(mask_empty(&both), count == 0);
    for (unsigned from = 0; from < N; from += 1 + (unsigned)rand() % 40) {
        assert_int_equal(mask_next_common(&a, &b, from), next_in_both(from));
        assert_int_equal(mask_next(&both, from), next_in_both(from));
    }
}

static void test_random_sets(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        flip_random(&a, in_a, i < 30 ? 3 : 600);
        flip_random(&b, in_b, i < 30 ? 3 : 600);
        check_pair();
    }
}

/* Words that both masks have, but no bit in common. */
static void test_disjoint_words_are_passed_over(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N; i += 2) {
        mask_set(&a, i);
        mask_set(&b, i + 1);
    }
    assert_int_equal(mask_next_common(&a, &b, 0), MASK_NONE);
    mask_set(&b, 4000);
    assert_int_equal(mask_next_common(&a, &b, 0), 4000);
    assert_int_equal(mask_next_common(&a, &b, 4001), MASK_NONE);
}

static void test_last_bit_and_beyond(void **state)
{
    (void)state;
    mask_set(&a, N - 1);
    assert_int_equal(mask_next(&a, 0), N - 1);
    assert_int_equal(mask_next(&a, N - 1), N - 1);
    assert_int_equal(mask_next(&a, N), MASK_NONE);
    mask_clear(&a, N - 1);
    assert_true(mask_empty(&a));
    assert_int_equal(mask_next(&a, 0), MASK_NONE);
}

static void test_fill(void **state)
{
    const unsigned sizes[] = {0, 1, 63, 64, 65, 128, 4033, 4095, 4096};

    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned n = sizes[i], seen = 0;
        mask_fill(&a, n);
        assert_int_equal(mask_count(&a), n);
        mask_for_each(bit, &a)
            assert_int_equal(bit, seen++);
        assert_int_equal(seen, n);
    }
}

static void test_equality_and_hash(void **state)
{
    (void)state;
    flip_random(&a, in_a, 100);
    b = a;
    assert_true(mask_equal(&a, &b));
    assert_true(mask_hash(&a) == mask_hash(&b));
    for (unsigned i = 0; i < N; i += 61) {
        struct mask c = a;
        if (mask_test(&c, i))
            mask_clear(&c, i);
        else
            mask_set(&c, i);
        assert_false(mask_equal(&a, &c));
        assert_true(mask_hash(&a) != mask_hash(&c));
    }
}

static void test_and_in_place(void **state)
{
    (void)state;
    mask_fill(&a, 100);
    mask_set(&b, 99);
    mask_set(&b, 100);
    mask_and(&a, &a, &b);
    assert_int_equal(mask_count(&a), 1);
    assert_int_equal(mask_next(&a, 0), 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_sets, setup),
        cmocka_unit_test_setup(test_disjoint_words_are_passed_over, setup),
        cmocka_unit_test_setup(test_last_bit_and_beyond, setup),
        cmocka_unit_test_setup(test_fill, setup),
        cmocka_unit_test_setup(test_equality_and_hash, setup),
        cmocka_unit_test_setup(test_and_in_place, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
