/* The boot allocator, the frame allocator and page references, on an arena in the place of RAM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define DEBUG
#define __XEN_TOOLS__
static char *arena;
#define DIRECT_MAP ((uintptr_t)arena)

#include "../../xen/frames.c"
/* The linker's symbols. */
#define boot_start ((char *)(KERNEL_BASE + MIB(2)))
#define image_end  (boot_start + 6 * PAGE_SIZE)
#include "../../xen/memory.c"
#include "xen_panic.h"

#define RAM_FRAMES 8192
#define BORDER     5120 /* first frame of node 1 */

struct boot_info boot;
struct acpi_info acpi;

void printk(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->next, l->serving);
    l->next++;
}

void spin_unlock(struct spinlock *l)
{
    l->serving++;
    assert_int_equal(l->next, l->serving);
}

unsigned acpi_node_of_memory(paddr_t pa)
{
    return pa >> PAGE_SHIFT >= BORDER;
}

void paging_init(void)
{
}

static int setup(void **state)
{
    (void)state;
    arena = aligned_alloc(PAGE_SIZE, RAM_FRAMES * PAGE_SIZE);
    memset(arena, 0x55, RAM_FRAMES * PAGE_SIZE);
    memset(&boot, 0, sizeof boot);
    memset(nodes, 0, sizeof nodes);
    lock = (struct spinlock)SPINLOCK_INIT(RANK_FRAMES);
    nr_nodes = 1;
    nr_reserved = 0;
    nr_ram = 0;
    released = false;
    /* 0 to 640 KiB, 1 MiB to 16 MiB, and to the end but for a page in two halves. */
    boot.region[0] = (struct boot_region){0, KIB(640), E820_RAM};
    boot.region[1] = (struct boot_region){MIB(1), MIB(15), E820_RAM};
    boot.region[2] = (struct boot_region){MIB(16), 0x800, E820_RESERVED};
    boot.region[3] = (struct boot_region){MIB(16) + 0x800, MIB(16) - 0x800, E820_RAM};
    boot.nr_regions = 4;
    boot.module[0] = (struct boot_module){MIB(4) + 123, 5000, ""};
    boot.nr_modules = 1;
    memory_init();
    memory_release();
    memory_release_low();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(arena);
    return 0;
}

/* Every free block is on the right list, aligned, whole and with no free twin; returns the sum. */
static uint64_t check_blocks(void)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < 2; n++) {
        uint64_t of_node = 0;

        for (unsigned order = 0; order <= MAX_ORDER; order++) {
            list_for_each(f, &nodes[n].free[order], struct frame, link) {
                mfn_t mfn = mfn_of(f), twin = mfn ^ (1ULL << order);

                assert_int_equal(f->order, order);
                assert_int_equal(mfn % (1ULL << order), 0);
                for (uint64_t i = 0; i < 1ULL << order; i++) {
                    assert_int_equal(f[i].state, FRAME_FREE);
                    assert_int_equal(f[i].node, n);
                    assert_true(!i || f[i].order == INSIDE);
                }
                if (order < MAX_ORDER && twin < table_end)
                    assert_false(table[twin].state == FRAME_FREE && table[twin].order == order &&
                                 table[twin].node == n);
                of_node += 1ULL << order;
            }
        }
        assert_int_equal(of_node, nodes[n].nr_free);
        sum += of_node;
    }
    for (mfn_t mfn = 0; mfn < table_end; mfn++)
        sum -= table[mfn].state == FRAME_FREE;
    assert_int_equal(sum, 0);
    return frames_free_count(NODE_ANY);
}

static void test_after_boot(void **state)
{
    uint64_t table_frames = RAM_FRAMES * sizeof(struct frame) / PAGE_SIZE;

    (void)state;
    check_blocks();
    assert_int_equal(frames_total(), 160 + 3840 + 4095);
    assert_int_equal(frames_max(), RAM_FRAMES - 1);
    /* Low memory, the image, the module's two pages and the table are not free. */
    assert_int_equal(frames_free_count(NODE_ANY), 3840 + 4095 - 6 - 2 - table_frames);
    assert_int_equal(frames_node_total(0), BORDER - 256 - 6 - 2 - 1);
    assert_int_equal(frame_of(0)->state, FRAME_XEN);
    assert_int_equal(frame_of(1025)->state, FRAME_XEN);
    assert_int_equal(frame_of(1026)->state, FRAME_FREE);
    assert_false(mfn_valid(200));
    assert_false(mfn_valid(4096));
    assert_false(mfn_valid(RAM_FRAMES));
    EXPECT_PANIC(boot_alloc(PAGE_SIZE, PAGE_SIZE, 0));
}

static void test_boot_alloc(void **state)
{
    (void)state;
    released = false;
    nr_reserved = 0;
    assert_int_equal(boot_alloc(1, 1, 0), MIB(32) - PAGE_SIZE);
    assert_int_equal(boot_alloc(PAGE_SIZE, MIB(1), MIB(20)), MIB(19));
    assert_int_equal(boot_alloc(MIB(13), PAGE_SIZE, 0), MIB(3));
    assert_true(boot_reserved(MIB(3) - 1, 2));
    assert_false(boot_reserved(MIB(2), MIB(1)));
    boot_reserve(MIB(2), MIB(1));
    boot_reserve(MIB(1), MIB(1));
    assert_int_equal(nr_reserved, 3);
    EXPECT_PANIC(boot_alloc(GIB(1), PAGE_SIZE, 0));
}

static void test_alloc_is_zeroed_and_near(void **state)
{
    mfn_t a = frames_alloc(3, 1), b = frames_alloc(0, 0);
    const char *bytes = mfn_to_va(a);

    (void)state;
    assert_true(a >= BORDER && a % 8 == 0);
    assert_true(b < BORDER);
    for (uint64_t i = 0; i < 8 * PAGE_SIZE; i++)
        assert_int_equal(bytes[i], 0);
    frames_free(a, 3);
    frames_free(b, 0);
    check_blocks();
    while ((a = frames_alloc(0, 1)) >= BORDER)
        assert_int_not_equal(a, MFN_NONE);
    assert_int_equal(frames_free_count(1), 0);
    assert_int_equal(frames_alloc(12, 0), MFN_NONE);
    assert_int_equal(frames_alloc(ORDER_1G + 1, 0), MFN_NONE);
}

static void init_domain(struct domain *d, uint64_t max)
{
    memset(d, 0, sizeof *d);
    list_init(&d->pages);
    d->max_pages = max;
}

static void test_wrong_frees(void **state)
{
    mfn_t a = frames_alloc(1, NODE_ANY);

    (void)state;
    EXPECT_PANIC(frames_free(a, 0));
    EXPECT_PANIC(frames_free(a + 1, 0));
    frames_free(a, 1);
    EXPECT_PANIC(frames_free(a, 1));
}

static void test_put_too_often(void **state)
{
    static struct domain d;
    mfn_t a;

    (void)state;
    init_domain(&d, 1);
    a = domain_pages_alloc(&d, 0, NODE_ANY);
    domain_page_free(&d, a);
    EXPECT_PANIC(page_put(a));
}

static void test_use_after_free_is_found(void **state)
{
    mfn_t a = frames_alloc(0, NODE_ANY);

    (void)state;
    frames_free(a, 0);
    ((char *)mfn_to_va(a))[77] = 1;
    EXPECT_PANIC(while (frames_alloc(0, NODE_ANY) != MFN_NONE){});
    assert_non_null(strstr(panic_text, "written to"));
}

static void test_references(void **state)
{
    static struct domain d, other;
    uint64_t before = frames_free_count(NODE_ANY);
    mfn_t a;

    (void)state;
    init_domain(&d, 9);
    a = domain_pages_alloc(&d, 3, NODE_ANY);
    assert_int_equal(d.tot_pages, 8);
    assert_int_equal(domain_pages_alloc(&d, 1, NODE_ANY), MFN_NONE);
    assert_true(page_get(a, &d));
    assert_true(page_get(a, NULL));
    assert_false(page_get(a, &other));
    assert_int_equal(frame_of(a)->refs, 3);
    domain_page_free(&other, a);
    domain_page_free(&d, a);
    domain_page_free(&d, a);
    assert_int_equal(d.tot_pages, 7);
    assert_int_equal(frame_of(a)->refs, 2);
    assert_false(page_get(a, &d));
    assert_false(page_get(a, NULL));
    page_put(a);
    assert_int_equal(frame_of(a)->state, FRAME_GUEST);
    page_put(a);
    assert_int_equal(frame_of(a)->state, FRAME_FREE);

    assert_true(domain_pages_free_some(&d, 7));
    assert_false(domain_pages_free_some(&d, 1));
    assert_int_equal(d.tot_pages, 0);
    assert_int_equal(frames_free_count(NODE_ANY), before);
    d.dying = true;
    assert_int_equal(domain_pages_alloc(&d, 0, NODE_ANY), MFN_NONE);
    check_blocks();
}

/* What is given up while somebody sees it still counts, until it is free. */
static void test_given_up(void **state)
{
    static struct domain d;
    mfn_t a;

    (void)state;
    init_domain(&d, 2);
    a = domain_pages_alloc(&d, 0, NODE_ANY);
    assert_true(page_get(a, &d));
    domain_page_free(&d, a);
    assert_int_equal(d.tot_pages, 0);
    assert_int_equal(domain_pages_alloc(&d, 1, NODE_ANY), MFN_NONE);
    page_put(a);
    assert_int_not_equal(domain_pages_alloc(&d, 1, NODE_ANY), MFN_NONE);
    assert_true(domain_pages_free_some(&d, 2));
    assert_int_equal(still_seen[0], 0);
    check_blocks();
}

/* Domains do not get the last frames. */
static void test_kept(void **state)
{
    static struct domain d;

    (void)state;
    init_domain(&d, UINT64_MAX);
    while (domain_pages_alloc(&d, 0, NODE_ANY) != MFN_NONE)
        ;
    assert_int_equal(frames_free_count(NODE_ANY), KEPT);
    assert_int_not_equal(frames_alloc(0, NODE_ANY), MFN_NONE);
}

/* Pages of a domain to node 1. */
static void test_swap(void **state)
{
    static struct domain d;
    uint64_t before = frames_free_count(NODE_ANY);
    mfn_t from, to;

    (void)state;
    init_domain(&d, 100);
    from = domain_pages_alloc(&d, 3, 0);
    assert_int_equal(d.on_node[0], 8);
    to = frames_take(3, 1);
    assert_int_equal(frame_of(to)->node, 1);
    assert_true(page_get(from + 5, &d));
    assert_false(domain_pages_swap(&d, from, to, 3)); /* somebody sees one of them */
    assert_int_equal(d.on_node[0], 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(page_get(from + i, &d)); /* none is left frozen */
        page_put(from + i);
    }
    page_put(from + 5);
    assert_true(domain_pages_swap(&d, from, to, 3));
    assert_int_equal(d.tot_pages, 8);
    assert_int_equal(d.on_node[0], 0);
    assert_int_equal(d.on_node[1], 8);
    assert_false(page_get(from, &d));
    assert_true(page_get(to + 7, &d));
    page_put(to + 7);
    frames_free(from, 3);
    assert_int_equal(check_blocks(), before - 8);
    assert_false(domain_pages_free_some(&d, 9));
    assert_int_equal(d.on_node[1], 0);
    assert_int_equal(check_blocks(), before);
}

/* Of this node or none, and not the last ones. */
static void test_take(void **state)
{
    mfn_t mfn;

    (void)state;
    assert_int_equal(frames_take(0, MAX_NODES), MFN_NONE);
    while ((mfn = frames_take(0, 1)) != MFN_NONE)
        assert_int_equal(frame_of(mfn)->node, 1);
    assert_int_equal(frames_free_count(1), 0);
    while (frames_take(0, 0) != MFN_NONE)
        ;
    assert_int_equal(frames_free_count(NODE_ANY), KEPT);
}

static void test_claim(void **state)
{
    static struct domain d;
    uint64_t before = frames_free_count(NODE_ANY);

    (void)state;
    init_domain(&d, UINT64_MAX);
    assert_int_equal(domain_pages_claim(&d, 1020, 8), -XEN_EBUSY); /* the module */
    assert_int_equal(domain_pages_claim(&d, RAM_FRAMES - 1, 2), -XEN_EBUSY);
    assert_int_equal(domain_pages_claim(&d, 2, UINT64_MAX), -XEN_EBUSY);
    assert_int_equal(domain_pages_claim(&d, 1030, 1500), 0);
    assert_int_equal(domain_pages_claim(&d, 5000, 400), 0); /* both nodes */
    assert_int_equal(domain_pages_claim(&d, 5399, 1), -XEN_EBUSY);
    assert_int_equal(d.tot_pages, 1900);
    assert_int_equal(check_blocks(), before - 1900);
    for (mfn_t mfn = 5000; mfn < 5400; mfn++)
        assert_true(page_get(mfn, &d));
    assert_true(domain_pages_free_some(&d, 1900));
    assert_int_equal(check_blocks(), before - 400);
    for (mfn_t mfn = 5000; mfn < 5400; mfn++)
        page_put(mfn);
    assert_int_equal(check_blocks(), before);
    d.max_pages = 5;
    assert_int_equal(domain_pages_claim(&d, 5000, 6), -XEN_ENOMEM);
}

/* Blocks of the hypervisor's, marked with their number, and pages of a domain's, at random. */
static void test_random(void **state)
{
    static struct domain d;
    static struct {
        mfn_t mfn;
        unsigned order;
    } held[200];
    uint64_t before = frames_free_count(NODE_ANY);

    (void)state;
    init_domain(&d, 3000);
    srand(1);
    for (unsigned i = 0; i < 200; i++)
        held[i].mfn = MFN_NONE;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % 200;

        if (held[i].mfn != MFN_NONE) {
            for (uint64_t p = 0; p < 1ULL << held[i].order; p++)
                assert_int_equal(*(unsigned *)mfn_to_va(held[i].mfn + p), i);
            frames_free(held[i].mfn, held[i].order);
            held[i].mfn = MFN_NONE;
        } else {
            held[i].order = (unsigned)rand() % 6;
            held[i].mfn = frames_alloc(held[i].order, (unsigned)rand() % 3);
            for (uint64_t p = 0; held[i].mfn != MFN_NONE && p < 1ULL << held[i].order; p++)
                *(unsigned *)mfn_to_va(held[i].mfn + p) = i;
        }
        if (rand() % 2)
            domain_pages_alloc(&d, (unsigned)rand() % 4, NODE_ANY);
        else
            domain_pages_free_some(&d, (unsigned)rand() % 16);
        if (step % 1000 == 0)
            check_blocks();
    }
    for (unsigned i = 0; i < 200; i++)
        if (held[i].mfn != MFN_NONE)
            frames_free(held[i].mfn, held[i].order);
    domain_pages_free_some(&d, UINT64_MAX);
    assert_int_equal(check_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_after_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boot_alloc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alloc_is_zeroed_and_near, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_frees, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_too_often, setup, teardown),
        cmocka_unit_test_setup_teardown(test_use_after_free_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
