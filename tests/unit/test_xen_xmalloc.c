/* Small objects of the hypervisor, over a row of frames that are handed out one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DEBUG
static char *arena;
#define DIRECT_MAP ((uintptr_t)arena)

#include "../../xen/xmalloc.c"
#include "xen_panic.h"

#define NR_FRAMES 512

static struct frame frames[NR_FRAMES];
static unsigned nr_used;

/* All locks here have the same rank: never two at once. */
void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->next, l->serving);
    l->next++;
}

void spin_unlock(struct spinlock *l)
{
    l->serving++;
}

struct frame *frame_of(mfn_t mfn)
{
    return &frames[mfn];
}

mfn_t mfn_of(const struct frame *f)
{
    return (mfn_t)(f - frames);
}

static bool is_free_run(mfn_t mfn, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++)
        if (frames[mfn + i].state == FRAME_XEN)
            return false;
    return true;
}

mfn_t frames_alloc(unsigned order, unsigned node)
{
    uint64_t nr = 1ULL << order;

    (void)node;
    assert_int_equal(lock.next, lock.serving);
    for (mfn_t mfn = 0; mfn + nr <= NR_FRAMES; mfn += nr) {
        if (is_free_run(mfn, nr)) {
            for (uint64_t i = 0; i < nr; i++)
                frames[mfn + i] = (struct frame){.state = FRAME_XEN};
            frames[mfn].order = (uint8_t)order;
            nr_used += (unsigned)nr;
            memset(mfn_to_va(mfn), 0, nr * PAGE_SIZE);
            return mfn;
        }
    }
    return MFN_NONE;
}

void frames_free(mfn_t mfn, unsigned order)
{
    assert_int_equal(frames[mfn].order, order);
    for (uint64_t i = 0; i < 1ULL << order; i++)
        frames[mfn + i].state = FRAME_FREE;
    nr_used -= 1U << order;
}

static int setup(void **state)
{
    (void)state;
    arena = aligned_alloc(PAGE_SIZE, NR_FRAMES * PAGE_SIZE);
    memset(frames, 0, sizeof frames);
    memset(partial, 0, sizeof partial);
    nr_used = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(arena);
    return 0;
}

static void assert_zero(const char *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(p[i], 0);
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 16, 17, 100, 2047, 2048, 2049, 4096, 4097, 70000};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        char *p = xmalloc(sizes[i]);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_zero(p, sizes[i]);
        memset(p, 0xff, sizes[i]);
        xfree(p);
        p = xmalloc(sizes[i]);
        assert_zero(p, sizes[i]);
        xfree(p);
    }
    xfree(NULL);
    assert_null(xmalloc(GIB(3)));
    assert_true(nr_used <= NR_CLASSES);
}

/* What panics here holds the lock. */
#define EXPECT_FOUND(statement)                                                                    \
    do {                                                                                           \
        EXPECT_PANIC(statement);                                                                   \
        lock.serving = lock.next;                                                                  \
    } while (0)

static void test_mistakes_are_found(void **state)
{
    char *a = xmalloc(100), *b = xmalloc(100);

    (void)state;
    xfree(a);
    EXPECT_FOUND(xfree(a));
    EXPECT_FOUND(xfree(b + 16));
    a[50] = 1;
    EXPECT_FOUND(while (xmalloc(100)){});
    EXPECT_FOUND(xfree(mfn_to_va(frames_alloc(0, 0))));
}

static void test_random(void **state)
{
    static struct {
        unsigned char *p;
        size_t size;
    } held[400];

    (void)state;
    srand(7);
    for (unsigned step = 0; step < 100000; step++) {
        unsigned i = (unsigned)rand() % 400;
        unsigned char mark = (unsigned char)i;

        if (held[i].p) {
            for (size_t at = 0; at < held[i].size; at++)
                assert_int_equal(held[i].p[at], mark);
            xfree(held[i].p);
            held[i].p = NULL;
        } else {
            held[i].size = 1 + (size_t)rand() % (rand() % 8 ? 200 : 3000);
            held[i].p = xmalloc(held[i].size);
            if (held[i].p)
                memset(held[i].p, mark, held[i].size);
        }
    }
    for (unsigned i = 0; i < 400; i++)
        xfree(held[i].p);
    assert_true(nr_used <= NR_CLASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
