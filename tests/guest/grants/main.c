/* Grants, from dom0 to itself: mapped, copied, withdrawn, and all the ways to get them wrong. */
#include "../lib/guest.h"

#define MAP_AT     0x110000000ULL /* where nothing else is, within start.S's mapping */
#define NR_ENTRIES (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define NOWHERE    0x3f00000000ULL

static char table_page[PAGE_SIZE] aligned_to(4096);
static struct grant_entry_v1 *const entry = (void *)table_page;
static char page[4][PAGE_SIZE] aligned_to(4096);

static uint64_t gfn_of(const void *p)
{
    return ADDRESS(p) >> PAGE_SHIFT;
}

static void grant(grant_ref_t ref, const void *what, uint16_t flags)
{
    entry[ref].domid = own_domid();
    entry[ref].frame = (uint32_t)gfn_of(what);
    __atomic_store_n(&entry[ref].flags, flags, __ATOMIC_RELEASE);
}

static struct gnttab_map_grant_ref map(grant_ref_t ref, uint64_t at, uint32_t flags)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = at, .flags = flags | GNTMAP_host_map, .ref = ref, .dom = own_domid()};

    EXPECT(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    return op;
}

static int unmap(grant_handle_t handle, uint64_t at)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .handle = handle};

    EXPECT(grant_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void setup(void)
{
    struct xen_add_to_physmap op = {.domid = DOMID_SELF,
                                    .space = XENMAPSPACE_grant_table,
                                    .idx = 100000,
                                    .gpfn = gfn_of(table_page)};
    struct gnttab_query_size size = {.dom = DOMID_SELF};

    EXPECT(memory_op(XENMEM_add_to_physmap, &op), -XEN_EINVAL); /* beyond the maximum */
    op.idx = 0;
    EXPECT(memory_op(XENMEM_add_to_physmap, &op), 0);
    EXPECT(grant_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT(size.status, GNTST_okay);
    EXPECT(size.nr_frames, 1);
    CHECK(size.max_nr_frames >= 4);
    size.dom = 77;
    EXPECT(grant_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT(size.status, GNTST_bad_domain);
    EXPECT(grant_op(GNTTABOP_query_size, &size, 2), -XEN_EINVAL);
}

static void versions(void)
{
    struct gnttab_set_version set = {.version = 1};
    struct gnttab_get_version get = {.dom = DOMID_SELF};

    EXPECT(grant_op(GNTTABOP_set_version, &set, 1), 0);
    EXPECT(grant_op(GNTTABOP_get_version, &get, 1), 0);
    EXPECT(get.version, 1);
    set.version = 2;
    CHECK(grant_op(GNTTABOP_set_version, &set, 1) < 0);
    set.version = 3;
    CHECK(grant_op(GNTTABOP_set_version, &set, 1) < 0);
}

/* ---- mapping --------------------------------------------------------------------------------- */

static void writable(void)
{
    volatile char *there = (volatile char *)MAP_AT;

    grant(8, page[0], GTF_permit_access);
    page[0][17] = 'x';
    struct gnttab_map_grant_ref m = map(8, MAP_AT, 0);
    EXPECT(m.status, GNTST_okay);
    EXPECT(entry[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT(there[17], 'x');
    there[18] = 'y';
    EXPECT(page[0][18], 'y');

    struct gnttab_map_grant_ref again = map(8, MAP_AT, 0);
    EXPECT(again.status, GNTST_bad_virt_addr); /* something is there already */
    again = map(8, MAP_AT + PAGE_SIZE, GNTMAP_readonly);
    EXPECT(again.status, GNTST_okay);
    CHECK(again.handle != m.handle);

    EXPECT(unmap(m.handle, MAP_AT + PAGE_SIZE), GNTST_bad_virt_addr);
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    EXPECT(entry[8].flags, GTF_permit_access | GTF_reading); /* the other one reads */
    EXPECT(unmap(m.handle, MAP_AT), GNTST_bad_handle);
    EXPECT(unmap(again.handle, MAP_AT + PAGE_SIZE), GNTST_okay);
    EXPECT(entry[8].flags, GTF_permit_access);
    EXPECT(unmap(~0u, MAP_AT), GNTST_bad_handle);
    EXPECT(unmap(123456, MAP_AT), GNTST_bad_handle);
}

static void read_only(void)
{
    grant(9, page[1], GTF_permit_access | GTF_readonly);
    EXPECT(map(9, MAP_AT, 0).status, GNTST_general_error);
    struct gnttab_map_grant_ref m = map(9, MAP_AT, GNTMAP_readonly);
    EXPECT(m.status, GNTST_okay);
    page[1][0] = 7;
    EXPECT(*(volatile char *)MAP_AT, 7);
    uint64_t fault = PROBE("movb $9, (%[at])", , [at] "r"(MAP_AT));
    CHECK(fault & FAULTED);
    EXPECT(page[1][0], 7);
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
}

/* Mapped pages can be written by hypercalls as by the guest, or not. */
static void by_hypercall(void)
{
    grant(9, page[1], GTF_permit_access);
    struct gnttab_map_grant_ref m = map(9, MAP_AT, GNTMAP_readonly);
    EXPECT(version_op(XENVER_extraversion, (void *)MAP_AT), -XEN_EFAULT);
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    m = map(9, MAP_AT, 0);
    EXPECT(version_op(XENVER_extraversion, (void *)MAP_AT), 0);
    EXPECT(page[1][0], '.');
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    EXPECT(version_op(XENVER_extraversion, (void *)MAP_AT), -XEN_EFAULT);
}

static void wrong_references(void)
{
    struct gnttab_map_grant_ref op = {.host_addr = MAP_AT, .flags = GNTMAP_host_map, .ref = 8};

    EXPECT(map(NR_ENTRIES * 4, MAP_AT, 0).status, GNTST_bad_gntref);
    EXPECT(map(~0u, MAP_AT, 0).status, GNTST_bad_gntref);
    grant(10, page[2], 0);
    EXPECT(map(10, MAP_AT, 0).status, GNTST_bad_gntref); /* nothing granted */
    grant(10, page[2], GTF_accept_transfer);
    EXPECT(map(10, MAP_AT, 0).status, GNTST_bad_gntref);
    grant(10, page[2], GTF_permit_access);
    entry[10].domid = 77;
    EXPECT(map(10, MAP_AT, 0).status, GNTST_bad_gntref); /* to another */
    grant(10, (void *)NOWHERE, GTF_permit_access);
    EXPECT(map(10, MAP_AT, 0).status, GNTST_bad_page);
    EXPECT(entry[10].flags, GTF_permit_access); /* not marked as used */
    grant(10, table_page, GTF_permit_access);
    EXPECT(map(10, MAP_AT, 0).status, GNTST_bad_page); /* the hypervisor's own */

    grant(8, page[0], GTF_permit_access);
    op.dom = 77;
    EXPECT(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    EXPECT(op.status, GNTST_bad_domain);
    EXPECT(map(8, MAP_AT + 1, 0).status, GNTST_bad_virt_addr);
    EXPECT(map(8, 1ULL << 60, 0).status, GNTST_bad_virt_addr);
    EXPECT(map(8, MAP_AT, GNTMAP_contains_pte).status, GNTST_general_error);
    EXPECT(map(8, MAP_AT, 1u << 15).status, GNTST_general_error);
    op.flags = 0; /* mapped for neither host nor device */
    EXPECT(grant_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    CHECK(op.status < 0);
    EXPECT(entry[8].flags, GTF_permit_access);
}

/* As many as the mapper may have handles for, in calls with long lists. */
static void many(void)
{
    enum { AT_ONCE = 100 };
    static struct gnttab_map_grant_ref maps[AT_ONCE];
    static struct gnttab_unmap_grant_ref unmaps[AT_ONCE];

    grant(8, page[0], GTF_permit_access);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < AT_ONCE; i++)
            maps[i] = (struct gnttab_map_grant_ref){.host_addr = MAP_AT + i * PAGE_SIZE,
                                                    .flags = GNTMAP_host_map,
                                                    .ref = 8,
                                                    .dom = own_domid()};
        EXPECT(grant_op(GNTTABOP_map_grant_ref, maps, AT_ONCE), 0);
        for (unsigned i = 0; i < AT_ONCE; i++) {
            if (maps[i].status)
                failure("map %u of round %u: %d", i, round, maps[i].status);
            unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = maps[i].host_addr,
                                                        .handle = maps[i].handle};
        }
        EXPECT(*(volatile char *)(MAP_AT + 99 * PAGE_SIZE + 17), 'x');
        EXPECT(grant_op(GNTTABOP_unmap_grant_ref, unmaps, AT_ONCE), 0);
        for (unsigned i = 0; i < AT_ONCE; i++)
            if (unmaps[i].status)
                failure("unmap %u of round %u: %d", i, round, unmaps[i].status);
    }
    EXPECT(entry[8].flags, GTF_permit_access);
}

/* The granter gives the page away while it is mapped: the mapper keeps what it sees. */
static void page_goes(void)
{
    uint64_t gfn = 0x118000;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    r.extent_start.p = &gfn;
    EXPECT(memory_op(XENMEM_populate_physmap, &r), 1);
    volatile char *there = (volatile char *)(gfn << PAGE_SHIFT);
    there[5] = 55;
    grant(11, (void *)(gfn << PAGE_SHIFT), GTF_permit_access);
    struct gnttab_map_grant_ref m = map(11, MAP_AT, 0);
    EXPECT(m.status, GNTST_okay);
    EXPECT(memory_op(XENMEM_decrease_reservation, &r), 1);
    EXPECT(*(volatile char *)(MAP_AT + 5), 55);
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    EXPECT(*(volatile char *)(MAP_AT + 5), -1); /* nothing there */
}

/* The mapper removes the page behind the grant table's back. */
static void removed(void)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = MAP_AT >> PAGE_SHIFT};

    grant(8, page[0], GTF_permit_access);
    struct gnttab_map_grant_ref m = map(8, MAP_AT, 0);
    EXPECT(memory_op(XENMEM_remove_from_physmap, &r), 0);
    EXPECT(entry[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    EXPECT(entry[8].flags, GTF_permit_access);
}

/* ---- copying --------------------------------------------------------------------------------- */

static int copy(struct gnttab_copy op)
{
    EXPECT(grant_op(GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void copies(void)
{
    struct gnttab_copy op = {.len = 100, .flags = GNTCOPY_source_gref};

    grant(8, page[0], GTF_permit_access);
    memset(page[0], 'a', PAGE_SIZE);
    memset(page[3], 'b', PAGE_SIZE);
    op.source.u.ref = 8;
    op.source.domid = own_domid();
    op.source.offset = 10;
    op.dest.u.gmfn = gfn_of(page[3]);
    op.dest.domid = DOMID_SELF;
    op.dest.offset = 4000 - 4;
    EXPECT(copy(op), GNTST_okay);
    CHECK(page[3][3995] == 'b' && page[3][3996] == 'a' && page[3][4095] == 'a');

    op.dest.offset = 3997; /* one byte too far */
    EXPECT(copy(op), GNTST_bad_copy_arg);
    op.dest.offset = 0;
    op.source.offset = 4095;
    op.len = 2;
    EXPECT(copy(op), GNTST_bad_copy_arg);
    op.source.offset = 0xffff;
    op.len = 0xffff;
    EXPECT(copy(op), GNTST_bad_copy_arg);
    op.source.offset = 0;
    op.len = 4096;
    EXPECT(copy(op), GNTST_okay);
    CHECK(page[3][0] == 'a');
    op.len = 0;
    EXPECT(copy(op), GNTST_okay);

    op.len = 1;
    op.source.u.ref = 12345678;
    EXPECT(copy(op), GNTST_bad_gntref);
    op.source.u.ref = 8;
    op.source.domid = 77;
    EXPECT(copy(op), GNTST_bad_domain);
    op.source.domid = own_domid();
    op.dest.u.gmfn = NOWHERE >> PAGE_SHIFT;
    EXPECT(copy(op), GNTST_bad_page);
    op.dest.u.gmfn = ~0ULL;
    EXPECT(copy(op), GNTST_bad_page);
    op.dest.domid = 77;
    EXPECT(copy(op), GNTST_permission_denied); /* a frame of another's, not granted */
    op.flags = 0xff;
    EXPECT(copy(op), GNTST_general_error);
    EXPECT(entry[8].flags, GTF_permit_access);
}

static void copies_to_grants(void)
{
    struct gnttab_copy op = {.len = 8, .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};

    grant(9, page[1], GTF_permit_access | GTF_readonly);
    grant(10, page[2], GTF_permit_access);
    memcpy(page[1], "12345678", 8);
    op.source.u.ref = 9;
    op.dest.u.ref = 10;
    op.source.domid = op.dest.domid = own_domid();
    EXPECT(copy(op), GNTST_okay);
    CHECK(!memcmp(page[2], "12345678", 8));
    op.dest.u.ref = 9;
    EXPECT(copy(op), GNTST_general_error); /* read-only */
    op.source.u.ref = op.dest.u.ref = 10;  /* within a page, overlapping */
    op.dest.offset = 4;
    EXPECT(copy(op), GNTST_okay);
    CHECK(!memcmp(page[2], "123412345678", 12));
    EXPECT(entry[9].flags, GTF_permit_access | GTF_readonly);
    EXPECT(entry[10].flags, GTF_permit_access);
}

static void swaps(void)
{
    struct gnttab_swap_grant_ref op = {.ref_a = 9, .ref_b = 10};

    grant(9, page[1], GTF_permit_access | GTF_readonly);
    grant(10, page[2], GTF_permit_access);
    EXPECT(grant_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    EXPECT(op.status, GNTST_okay);
    EXPECT(entry[9].frame, gfn_of(page[2]));
    EXPECT(entry[10].flags, GTF_permit_access | GTF_readonly);
    struct gnttab_map_grant_ref m = map(9, MAP_AT, 0);
    EXPECT(m.status, GNTST_okay);
    EXPECT(grant_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    EXPECT(op.status, GNTST_eagain); /* in use */
    EXPECT(unmap(m.handle, MAP_AT), GNTST_okay);
    op.ref_b = ~0u;
    EXPECT(grant_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    EXPECT(op.status, GNTST_bad_gntref);
}

static void run(void)
{
    setup();
    versions();
    writable();
    read_only();
    by_hypercall();
    wrong_references();
    many();
    page_goes();
    removed();
    copies();
    copies_to_grants();
    swaps();
}

const struct test test = {"grants", run, NULL};
