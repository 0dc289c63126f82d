/* dom0 and two guests, with the memory and the vCPUs that a builder would give them. */
#include "machine.h"

#include "../../xen/cpupool.h"
#include "../../xen/event_private.h"
#include "../../xen/grant.h"
#include "../../xen/hypercall.h"
#include "../../xen/physmap.h"
#include "../../xen/x86/vioapic.h"
#include "check.h"

#define NR_VCPUS  2
#define NR_GRANTS 16

/* First pages of each guest, by use. */
enum {
    GRANTED = 32, /* NR_GRANTS pages */
    INFO_PAGE = 50,
    RUNSTATE_PAGE,
    CONTROL_PAGE,
    SHOWN_PAGE = WORDS_PAGE + 1, /* which dom0 maps */
};
#define NR_STEPS 10000 /* of a destruction */

/* Page tables: present, writable, user; the last level has 2 MiB pages. */
#define PTE_TABLE 0x67ULL
#define PTE_PAGE  0xe7ULL
#define DEVICE    0xfed00 /* gfn that is a device's */

static uint64_t free_at_start, objects_at_start;

static void must(int err)
{
    if (err)
        panic("the world cannot be made: %d", err);
}

gfn_t world_gfn(const struct domain *d, unsigned i)
{
    return is_dom0(d) ? DOM0_FIRST + i : i;
}

/* The guest's own page tables map 1 GiB 1:1. */
static void write_page_tables(struct domain *d)
{
    paddr_t at = world_gfn(d, PAGE_TABLES) << PAGE_SHIFT;
    uint64_t entry;

    for (unsigned level = 0; level < 2; level++) {
        entry = (at + (level + 1) * PAGE_SIZE) | PTE_TABLE;
        must(copy_to_gpa(d, at + level * PAGE_SIZE, &entry, sizeof entry));
    }
    for (uint64_t i = 0; i < 512; i++) {
        entry = i << 21 | PTE_PAGE;
        must(copy_to_gpa(d, at + 2 * PAGE_SIZE + i * sizeof entry, &entry, sizeof entry));
    }
}

static void add_vcpus(struct domain *d)
{
    const struct guest_mode flat = {.cs_long = true},
                            paged = {
                                .cs_long = true,
                                .cr0 = BIT(31) | BIT(16) | BIT(0),
                                .cr3 = world_gfn(d, PAGE_TABLES) << PAGE_SHIFT,
                                .cr4 = BIT(5),
                                .efer = BIT(8) | BIT(10),
                            };

    for (unsigned i = 0; i < NR_VCPUS; i++) {
        must(vcpu_create(d, i));
        d->vcpus[i]->initialised = true;
        d->vcpus[i]->hw->mode = i ? flat : paged;
        if (i)
            must(vcpu_register_info(d->vcpus[i], world_gfn(d, INFO_PAGE), 0));
        else
            d->vcpus[i]->runstate_gva = world_gfn(d, RUNSTATE_PAGE) << PAGE_SHIFT;
        d->vcpus[i]->lapic.wait_for_sipi = false;
        must(vlapic_wrmsr(d->vcpus[i], 0x1b, d->vcpus[i]->lapic.base | BIT(10)));
        vcpu_up(d->vcpus[i]);
    }
    domain_unpause(d);
}

static struct domain *make(domid_t id, bool privileged)
{
    struct xen_domctl_createdomain config = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = NR_VCPUS,
        .max_evtchn_port = 200,
        .max_grant_frames = 4,
        .max_maptrack_frames = 2,
        .grant_opts = 1,
        .arch.emulation_flags = XEN_X86_EMU_LAPIC,
    };
    struct domain *d;

    must(domain_create(id, &config, privileged, &d));
    return d;
}

static void finish(struct domain *d)
{
    mfn_t grants = grant_shared_frame(d, 0);

    must(physmap_install(d, world_gfn(d, GRANT_PAGE), grants, P2M_XEN));
    must(physmap_install(d, world_gfn(d, SHARED_PAGE), d->shared_mfn, P2M_XEN));
    write_page_tables(d);
    add_vcpus(d);
}

/* Taken before anything else splits the blocks that it is in. */
static void claim(struct domain *d, mfn_t mfn, uint64_t nr)
{
    must(domain_pages_claim(d, mfn, nr));
    memset(mfn_to_va(mfn), 0, nr * PAGE_SIZE);
}

static void line_changed(struct domain *d, unsigned gsi, bool masked, bool level, bool active_low)
{
    (void)d;
    (void)gsi;
    (void)masked;
    (void)level;
    (void)active_low;
}

static void line_eoi(struct domain *d, unsigned gsi)
{
    (void)d;
    (void)gsi;
}

static struct domain *make_dom0(void)
{
    static const struct vioapic_lines no_lines = {line_changed, line_eoi};
    struct domain *d = make(0, true);

    d->max_pages = frames_total();
    claim(d, DOM0_FIRST, DOM0_PAGES);
    claim(d, LARGE_PAGE, 1 << ORDER_2M);
    for (mfn_t mfn = DOM0_FIRST; mfn < DOM0_FIRST + DOM0_PAGES; mfn++)
        must(p2m_map(d, mfn, mfn, ORDER_4K, P2M_RAM));
    must(p2m_map(d, LARGE_PAGE, LARGE_PAGE, ORDER_2M, P2M_RAM));
    must(p2m_map(d, DEVICE, DEVICE, ORDER_4K, P2M_MMIO));
    must(vioapic_init(d, &no_lines));
    finish(d);
    return d;
}

static struct domain *make_domu(domid_t id)
{
    struct domain *d = make(id, false);

    d->max_pages = DOMU_PAGES + 16;
    for (gfn_t gfn = 0; gfn < DOMU_PAGES; gfn++)
        if (gfn != GRANT_PAGE && gfn != SHARED_PAGE)
            must(physmap_populate(d, gfn, ORDER_4K, NODE_ANY));
    finish(d);
    return d;
}

/* ---- what the domains have with each other --------------------------------------------------- */

static void connect(struct domain *a, struct domain *b)
{
    int port = evtchn_alloc_unbound(a, b->id);

    must(MIN(port, 0));
    must(MIN(evtchn_bind_interdomain(b, a->id, (evtchn_port_t)port), 0));
    must(MIN(evtchn_alloc_unbound(a, b->id), 0));
}

/* Entry i is for domain i % 3; those of the upper half are to be read only. */
static void offer_grants(struct domain *d)
{
    for (unsigned i = 0; i < NR_GRANTS; i++) {
        struct grant_entry_v1 e = {
            .flags = GTF_permit_access | (i < NR_GRANTS / 2 ? 0 : GTF_readonly),
            .domid = (domid_t)(i % (NR_DOMUS + 1)),
            .frame = (uint32_t)world_gfn(d, GRANTED + i),
        };
        must(copy_to_gpa(d, (world_gfn(d, GRANT_PAGE) << PAGE_SHIFT) + i * sizeof e, &e, sizeof e));
    }
}

static void map_grant(struct domain *d, const struct domain *from, unsigned ref, gfn_t gfn)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = gfn << PAGE_SHIFT, .flags = GNTMAP_host_map, .ref = ref, .dom = from->id};

    grant_map(d, &op);
    must(op.status);
}

static void map_foreign(struct domain *d, struct domain *from, gfn_t gfn)
{
    mfn_t mfn = p2m_lookup(from, world_gfn(from, SHOWN_PAGE)).mfn;

    must(!page_get(mfn, from));
    must(physmap_install(d, gfn, mfn, P2M_FOREIGN));
}

static void use_fifo(struct domain *d)
{
    struct evtchn_init_control op = {.control_gfn = world_gfn(d, CONTROL_PAGE)};

    must(fifo_init_control(d, &op));
    op.vcpu = 1;
    op.offset = 1024;
    must(fifo_init_control(d, &op));
    must(fifo_expand_array(d, world_gfn(d, WORDS_PAGE)));
}

static void own_channels(struct domain *d)
{
    must(MIN(evtchn_bind_virq(d, is_dom0(d) ? VIRQ_DOM_EXC : VIRQ_DEBUG, 0), 0));
    must(MIN(evtchn_bind_virq(d, VIRQ_TIMER, 1), 0));
    must(MIN(evtchn_bind_ipi(d, 1), 0));
}

/* A bit of everything, so that a short sequence finds something to take apart. */
static void enrich(struct domain *all[NR_DOMUS + 1])
{
    for (unsigned i = 0; i <= NR_DOMUS; i++) {
        offer_grants(all[i]);
        for (unsigned k = 0; k <= NR_DOMUS; k++)
            connect(all[i], all[k]);
        own_channels(all[i]);
    }
    use_fifo(all[2]);
    for (unsigned i = 0; i < NR_DOMUS; i++) {
        map_foreign(all[0], all[i + 1], MAPPED + i);
        map_grant(all[0], all[i + 1], 0, MAPPED + 8 + i);
        map_grant(all[i + 1], all[NR_DOMUS - i], i + 1, MAPPED + i);
    }
}

/* Empty pages of the allocator of objects can be had, too. */
static uint64_t available(void)
{
    return frames_free_count(NODE_ANY) + objects_empty_pages();
}

void world_make(void)
{
    free_at_start = available();
    objects_at_start = objects_count();
    struct domain *all[NR_DOMUS + 1];

    all[0] = make_dom0();
    for (unsigned i = 1; i <= NR_DOMUS; i++)
        all[i] = make_domu((domid_t)i);
    enrich(all);
    machine_settle();
    check_all();
}

/* ---- the end --------------------------------------------------------------------------------- */

static void destroy(struct domain *d)
{
    for (unsigned i = 0; i < NR_STEPS; i++) {
        int err = domain_destroy(d);
        machine_settle();
        if (!err)
            return;
        if (err != HC_RESTART)
            panic("d%u cannot be destroyed: %d", d->id, err);
    }
    panic("the destruction of d%u does not end", d->id);
}

/* One that cannot be destroyed, as a guest that cannot be: it is only taken apart here. */
static void destroy_dom0(void)
{
    struct domain *d = domain_get(0);

    vioapic_fini(d);
    d->privileged = false;
    destroy(d);
    domain_put(d);
}

/* Those that dom0 has made. */
static void destroy_pools(void)
{
    struct sched_pool *pool;

    while ((pool = cpupool_from(1))) {
        uint32_t id = pool->id;
        while (pool->nr_cpus)
            must(cpupool_remove_pcpu(id, CPUPOOL_ANY));
        must(cpupool_destroy(id));
    }
}

/* The console's and the scheduler's are left. */
static void check_timers(void)
{
    size_t left = 0;

    for (unsigned i = 0; i < nr_pcpus; i++)
        left += pcpus[i]->timers.size;
    if (left > 2)
        panic("%lu timers are left", left);
}

void world_end(void)
{
    struct domain *d;

    fail_allocation = 0;
    machine_pcpu = pcpus[0];
    while ((d = domain_get_next(1))) {
        destroy(d);
        domain_put(d);
    }
    destroy_pools();
    check_all();
    if (dom0->refs != 1)
        panic("dom0 has %u references", dom0->refs);
    destroy_dom0();
    check_timers();
    if (objects_count() != objects_at_start)
        panic("%ld objects are left", (long)(objects_count() - objects_at_start));
    if (available() != free_at_start)
        panic("%lu frames were free, now %lu", free_at_start, available());
    check_frames();
}
