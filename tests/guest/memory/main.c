/* Memory operations on the caller's own memory: the gfn decides, and nothing may be lost. */
#include "../lib/guest.h"

#define EMPTY    0x110000ULL  /* gfns above all RAM, within start.S's mapping */
#define BEYOND   (1ULL << 40) /* and far beyond any guest's physical addresses */
#define ORDER_2M 9

static volatile uint64_t *at(uint64_t gfn)
{
    return (volatile uint64_t *)(uintptr_t)(gfn << PAGE_SHIFT);
}

static long extents(unsigned command, uint64_t *gfns, uint64_t nr, unsigned order)
{
    struct xen_memory_reservation r = {
        .nr_extents = nr, .extent_order = order, .domid = DOMID_SELF};

    r.extent_start.p = gfns;
    return memory_op(command, &r);
}

static long populate(uint64_t gfn, unsigned order)
{
    return extents(XENMEM_populate_physmap, &gfn, 1, order);
}

static long decrease(uint64_t gfn, unsigned order)
{
    return extents(XENMEM_decrease_reservation, &gfn, 1, order);
}

static long remove(uint64_t gfn)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = gfn};
    return memory_op(XENMEM_remove_from_physmap, &r);
}

static long add(unsigned space, uint64_t index, uint64_t gfn)
{
    struct xen_add_to_physmap op = {.domid = DOMID_SELF, .space = space, .idx = index, .gpfn = gfn};
    return memory_op(XENMEM_add_to_physmap, &op);
}

static long pages(unsigned command)
{
    domid_t self = DOMID_SELF;
    return memory_op(command, &self);
}

static long have(void)
{
    return pages(XENMEM_current_reservation);
}

/* ---- one page -------------------------------------------------------------------------------- */

static void one_page(void)
{
    long before = have();

    EXPECT(*at(EMPTY), -1);
    EXPECT(populate(EMPTY, 0), 1);
    EXPECT(have(), before + 1);
    CHECK(pages(XENMEM_maximum_gpfn) >= (long)EMPTY);
    for (unsigned i = 0; i < 512; i++)
        if (at(EMPTY)[i])
            failure("word %u of a new page is 0x%lx", i, at(EMPTY)[i]);
    at(EMPTY)[7] = 42;
    EXPECT(at(EMPTY)[7], 42);
    EXPECT(populate(EMPTY, 0), 0); /* there is something */
    EXPECT(at(EMPTY)[7], 42);
    EXPECT(decrease(EMPTY, 0), 1);
    EXPECT(at(EMPTY)[7], -1); /* no stale translation */
    EXPECT(decrease(EMPTY, 0), 0);
    EXPECT(have(), before);
}

static void again_and_again(void)
{
    for (unsigned i = 0; i < 200; i++) {
        if (populate(EMPTY, 0) != 1 || at(EMPTY)[1]) {
            failure("round %u: the page is not there, or not empty", i);
            return;
        }
        at(EMPTY)[1] = i + 1;
        if (at(EMPTY)[1] != i + 1 || decrease(EMPTY, 0) != 1 || at(EMPTY)[1] != ~0ULL) {
            failure("round %u: the page does not keep what is written, or stays", i);
            return;
        }
    }
}

/* ---- extents --------------------------------------------------------------------------------- */

static void superpage(void)
{
    long before = have();

    EXPECT(populate(EMPTY, ORDER_2M), 1);
    EXPECT(have(), before + 512);
    for (unsigned i = 0; i < 512; i++)
        *at(EMPTY + i) = i + 1;
    EXPECT(decrease(EMPTY + 100, 0), 1); /* one out of the middle */
    EXPECT(*at(EMPTY + 99), 100);
    EXPECT(*at(EMPTY + 100), -1);
    EXPECT(*at(EMPTY + 101), 102);
    EXPECT(decrease(EMPTY, ORDER_2M), 0); /* incomplete */
    EXPECT(have() <= before + 511, true);
    for (unsigned i = 0; i < 512; i++)
        decrease(EMPTY + i, 0);
    EXPECT(have(), before);
    EXPECT(*at(EMPTY + 511), -1);

    EXPECT(populate(EMPTY + 3, ORDER_2M), 1); /* not aligned: of small pages */
    EXPECT(*at(EMPTY + 3 + 511), 0);
    EXPECT(decrease(EMPTY + 3, ORDER_2M), 1);
    EXPECT(have(), before);

    EXPECT(populate(EMPTY + 511, 0), 1);
    EXPECT(populate(EMPTY, ORDER_2M), 0); /* its last page is taken: nothing of it stays */
    EXPECT(populate(EMPTY + 1, ORDER_2M), 0);
    EXPECT(*at(EMPTY + 1), -1);
    EXPECT(have(), before + 1);
    EXPECT(decrease(EMPTY + 511, 0), 1);
}

static void lists(void)
{
    static uint64_t gfns[3000];
    long before = have();

    for (unsigned i = 0; i < 3000; i++)
        gfns[i] = EMPTY + i;
    EXPECT(extents(XENMEM_populate_physmap, gfns, 3000, 0), 3000); /* more than one go */
    EXPECT(have(), before + 3000);
    *at(EMPTY + 2999) = 1;
    EXPECT(extents(XENMEM_decrease_reservation, gfns, 3000, 0), 3000);
    EXPECT(have(), before);
    gfns[10] = BEYOND;
    EXPECT(extents(XENMEM_populate_physmap, gfns, 20, 0), 10); /* as far as it went */
    EXPECT(extents(XENMEM_decrease_reservation, gfns, 20, 0), 10);
    EXPECT(have(), before);
    EXPECT(extents(XENMEM_populate_physmap, gfns, 0, 0), 0);
}

/* dom0's devices know machine addresses: what it gives back and takes again is 1:1 once more. */
static void ballooning(void)
{
    static char mine[16][4096] aligned_to(4096);
    uint64_t gfns[16];
    long before = have();

    for (unsigned i = 0; i < 16; i++)
        gfns[i] = ADDRESS(mine[i]) >> PAGE_SHIFT;
    mine[5][0] = 1;
    EXPECT(extents(XENMEM_decrease_reservation, gfns, 16, 0), 16);
    EXPECT(have(), before - 16);
    EXPECT(*(volatile char *)mine[5], -1);
    EXPECT(extents(XENMEM_populate_physmap, gfns, 16, 0), 16);
    EXPECT(have(), before);
    EXPECT(*(volatile char *)mine[5], 0);
}

/* ---- moving and removing --------------------------------------------------------------------- */

static void moving(void)
{
    long before = have();

    EXPECT(populate(EMPTY, 0), 1);
    at(EMPTY)[3] = 33;
    EXPECT(add(XENMAPSPACE_gmfn, EMPTY, EMPTY + 9), 0);
    EXPECT(at(EMPTY + 9)[3], 33);
    EXPECT(at(EMPTY)[3], -1);
    EXPECT(add(XENMAPSPACE_gmfn, EMPTY + 9, EMPTY + 9), 0);
    EXPECT(at(EMPTY + 9)[3], 33);
    EXPECT(add(XENMAPSPACE_gmfn, EMPTY, EMPTY + 9), -XEN_EINVAL); /* there is nothing to move */
    EXPECT(add(XENMAPSPACE_gmfn, EMPTY + 9, BEYOND), -XEN_EINVAL);
    EXPECT(at(EMPTY + 9)[3], 33);
    EXPECT(have(), before + 1);

    EXPECT(populate(EMPTY, 0), 1); /* what was at the target is freed */
    EXPECT(add(XENMAPSPACE_gmfn, EMPTY + 9, EMPTY), 0);
    EXPECT(at(EMPTY)[3], 33);
    EXPECT(have(), before + 1);

    EXPECT(remove(EMPTY), 0);
    EXPECT(remove(EMPTY), -XEN_ENOENT);
    EXPECT(remove(BEYOND), -XEN_ENOENT);
    EXPECT(have(), before);
}

static void ranges(void)
{
    struct xen_add_to_physmap op = {.domid = DOMID_SELF,
                                    .size = 200,
                                    .space = XENMAPSPACE_gmfn_range,
                                    .idx = EMPTY,
                                    .gpfn = EMPTY + 1000};
    long before = have();

    for (unsigned i = 0; i < 200; i++) {
        populate(EMPTY + i, 0);
        *at(EMPTY + i) = i;
    }
    EXPECT(memory_op(XENMEM_add_to_physmap, &op), 0);
    EXPECT(*at(EMPTY + 1199), 199);
    EXPECT(*at(EMPTY + 199), -1);
    for (unsigned i = 0; i < 200; i++)
        EXPECT(remove(EMPTY + 1000 + i), 0);
    EXPECT(have(), before);
}

static void shared_info_moves(void)
{
    long before = have();

    EXPECT(add(XENMAPSPACE_shared_info, 0, EMPTY), 0);
    uint64_t seconds = at(EMPTY)[offsetof(struct shared_info, wc_version) / 8];
    CHECK(seconds != ~0ULL);
    EXPECT(add(XENMAPSPACE_shared_info, 0, EMPTY + 1), 0); /* it may be in two places */
    EXPECT(at(EMPTY + 1)[offsetof(struct shared_info, wc_version) / 8], seconds);
    EXPECT(add(XENMAPSPACE_shared_info, 1, EMPTY), -XEN_EINVAL);
    EXPECT(decrease(EMPTY, 0), 0); /* it is not memory */
    EXPECT(remove(EMPTY), 0);
    EXPECT(remove(EMPTY + 1), 0);
    EXPECT(add(99, 0, EMPTY), -XEN_ENOSYS);
    EXPECT(add(XENMAPSPACE_gmfn_foreign, 0, EMPTY), -XEN_ENOSYS);
    EXPECT(have(), before);
}

static void batches(void)
{
    uint64_t from[3] = {EMPTY, EMPTY + 1, EMPTY + 50}, to[3] = {EMPTY + 10, BEYOND, EMPTY + 12};
    int errs[3] = {1, 1, 1};
    struct xen_add_to_physmap_batch op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .size = 3};
    long before = have();

    op.idxs.p = from;
    op.gpfns.p = to;
    op.errs.p = errs;
    populate(EMPTY, 0);
    populate(EMPTY + 1, 0);
    EXPECT(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
    EXPECT(errs[0], 0);
    EXPECT(errs[1], -XEN_EINVAL);
    EXPECT(errs[2], -XEN_EINVAL);
    op.space = XENMAPSPACE_gmfn_foreign; /* its own memory is not another's */
    op.u.foreign_domid = own_domid();
    EXPECT(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
    EXPECT(errs[0], -XEN_EINVAL);
    op.u.foreign_domid = 77;
    EXPECT(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
    EXPECT(errs[0], -XEN_ESRCH);
    remove(EMPTY + 10);
    remove(EMPTY + 1);
    EXPECT(have(), before);
}

/* ---- nonsense -------------------------------------------------------------------------------- */

static void out_of_range(void)
{
    long before = have();

    EXPECT(populate(BEYOND, 0), 0);
    EXPECT(populate(~0ULL, 0), 0);
    EXPECT(populate(~0ULL - 511, ORDER_2M), 0);
    EXPECT(populate((1ULL << 28) - 1, 1), 0); /* half of it is beyond 40 bits */
    EXPECT(populate(EMPTY, 63), 0);
    EXPECT(populate(EMPTY, ~0u), 0);
    EXPECT(decrease(~0ULL, 0), 0);
    EXPECT(decrease(BEYOND, ORDER_2M), 0);
    EXPECT(extents(XENMEM_populate_physmap, NULL, ~0ULL, 0), 0);
    EXPECT(add(XENMAPSPACE_gmfn, ~0ULL, EMPTY), -XEN_EINVAL);
    EXPECT(add(XENMAPSPACE_shared_info, 0, ~0ULL), -XEN_EINVAL);
    EXPECT(have(), before);
}

static void other_domains(void)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = 77};
    domid_t nobody = 77;
    uint64_t gfn = EMPTY;

    r.extent_start.p = &gfn;
    EXPECT(memory_op(XENMEM_populate_physmap, &r), -XEN_ESRCH);
    EXPECT(memory_op(XENMEM_current_reservation, &nobody), -XEN_ESRCH);
    EXPECT(memory_op(1000, NULL), -XEN_ENOSYS);
}

static void memory_map(void)
{
    static struct e820entry e[64];
    struct xen_memory_map map = {.nr_entries = 64};
    uint64_t ram = 0, end = 0;

    map.buffer.p = e;
    EXPECT(memory_op(XENMEM_memory_map, &map), 0);
    CHECK(map.nr_entries >= 3 && map.nr_entries < 64);
    for (unsigned i = 0; i < map.nr_entries; i++) {
        CHECK(e[i].addr >= end);
        end = e[i].addr + e[i].size;
        if (e[i].type == 1)
            ram += e[i].size >> PAGE_SHIFT;
    }
    CHECK((long)ram <= have() && (long)ram > have() - 64);
    map.nr_entries = 1;
    EXPECT(memory_op(XENMEM_memory_map, &map), 0);
    EXPECT(map.nr_entries, 1);
}

static void run(void)
{
    memory_map();
    one_page();
    again_and_again();
    superpage();
    lists();
    ballooning();
    moving();
    ranges();
    shared_info_moves();
    batches();
    out_of_range();
    other_domains();
}

const struct test test = {"memory", run, NULL};
