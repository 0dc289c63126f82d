/*
 * HYPERVISOR_memory_op (xen/memory.h): how much memory a domain has, and what
 * its memory map says. Operations on single entries are in hc_memory_map.c.
 *
 * Operations on lists of extents return how many of them they did. After a
 * bounded number they ask to be called again.
 */
#include "boot.h"
#include "physmap.h"

/* Clearing more than this at a time would hold the pCPU for too long. */
#define BUDGET_PAGES 1024
/* Greatest extent; tools that ask for 1 GiB fall back to this by themselves. */
#define MAX_ORDER  ORDER_2M
#define MAX_E820   128
#define UNMAP_COST 8 /* in cleared pages: other pCPUs have to be waited for */

typedef int64_t (*memory_op)(struct vcpu *v, struct hc_args *args, uint64_t done);

#define copy_arg(v, local, args)      copy_from_guest(v, local, (args)->a[1], sizeof *(local))
#define copy_arg_back(v, args, local) copy_to_guest(v, (args)->a[1], local, sizeof *(local))

/* ---- lists of extents ---------------------------------------------------------------------- */

struct extent_op {
    int (*run)(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r);
    unsigned page_cost;
};

/* The NUMA node that the caller wishes, or else the domain's. */
static unsigned wanted_node(const struct domain *d, uint32_t flags)
{
    unsigned node = XENMEMF_get_node(flags);

    if (node == 0xff || flags & XENMEMF_vnode) /* no domain has virtual nodes */
        return numa_node_for(d);
    return node;
}

static bool flags_possible(const struct domain *d, const struct xen_memory_reservation *r)
{
    unsigned bits = XENMEMF_get_address_bits(r->mem_flags);

    if (bits && (bits < PAGE_SHIFT || (bits < 64 && frames_max() >> (bits - PAGE_SHIFT))))
        return false; /* memory is handed out without regard to its address */
    return !(r->mem_flags & XENMEMF_exact_node_request) ||
           frames_free_count(wanted_node(d, r->mem_flags)) >= 1ULL << r->extent_order;
}

static int populate_extent(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r)
{
    if (d->dying || !flags_possible(d, r))
        return -XEN_EINVAL;
    if (r->mem_flags & XENMEMF_populate_on_demand) /* not for a guest to ask */
        return d == current_vcpu()->domain ? -XEN_EINVAL : on_demand_mark(d, gfn, r->extent_order);
    return physmap_populate(d, gfn, r->extent_order, wanted_node(d, r->mem_flags));
}

static int free_extent(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r)
{
    int err = 0;

    for (uint64_t i = 0; !err && i < 1ULL << r->extent_order; i++)
        err = physmap_free(d, gfn + i);
    return err;
}

static int64_t run_extents(struct vcpu *v, struct hc_args *args, struct domain *d, uint64_t done,
                           const struct xen_memory_reservation *r, const struct extent_op *op)
{
    uint64_t cost = (uint64_t)op->page_cost << r->extent_order;

    for (uint64_t spent = 0; done < r->nr_extents; done++, spent += cost) {
        xen_pfn_t gfn;

        if (spent >= BUDGET_PAGES)
            return memop_restart(args, done);
        if (copy_in_at(v, &gfn, r->extent_start, done))
            return done ? (int64_t)done : -XEN_EFAULT;
        if (op->run(d, gfn, r))
            break;
    }
    return done;
}

static int64_t on_extents(struct vcpu *v, struct hc_args *args, uint64_t done,
                          const struct extent_op *op)
{
    struct xen_memory_reservation r;
    int err;

    if (copy_arg(v, &r, args))
        return done ? (int64_t)done : -XEN_EFAULT;
    if (done > r.nr_extents || r.nr_extents > UINT64_MAX >> (MEMOP_EXTENT_SHIFT + 1) ||
        r.extent_order > MAX_ORDER)
        return done;
    struct domain *d = domain_for(v, r.domid, &err);
    if (!d)
        return done ? (int64_t)done : err;
    int64_t result = run_extents(v, args, d, done, &r, op);
    domain_put(d);
    return result;
}

static int64_t populate_physmap(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    static const struct extent_op op = {populate_extent, 1};
    return on_extents(v, args, done, &op);
}

static int64_t decrease_reservation(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    static const struct extent_op op = {free_extent, UNMAP_COST};
    return on_extents(v, args, done, &op);
}

/* Gives frames without addresses, which only PV guests can make use of: none are given. */
static int64_t increase_reservation(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    (void)v;
    (void)args;
    return done;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int64_t maximum_ram_page(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    (void)v;
    (void)args;
    (void)done;
    return frames_max();
}

static int64_t reservation_number(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_memory_domain arg;
    int64_t result;
    int err;

    (void)done;
    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, arg.domid, &err);
    if (!d)
        return err;
    switch (args->a[0] & MEMOP_CMD_MASK) {
    case XENMEM_current_reservation:
        result = d->tot_pages;
        break;
    case XENMEM_maximum_reservation:
        result = d->max_pages;
        break;
    default:
        result = d->p2m.highest;
    }
    domain_put(d);
    return result;
}

/* Nothing is ever shared between domains, so nothing is saved by it. */
static int64_t sharing_number(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    (void)v;
    (void)args;
    (void)done;
    return 0;
}

static int64_t pod_target(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_pod_target pod;
    int err = 0;

    (void)done;
    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_arg(v, &pod, args))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, pod.domid, &err);
    if (!d)
        return err;
    if ((args->a[0] & MEMOP_CMD_MASK) == XENMEM_set_pod_target && !is_dom0(d))
        err = on_demand_target(d, pod.target_pages);
    pod.tot_pages = d->tot_pages;
    pod.pod_cache_pages = d->on_demand.nr_stock;
    pod.pod_entries = d->on_demand.nr_marks;
    domain_put(d);
    if (err)
        return err == HC_RESTART ? memop_restart(args, done) : err;
    return copy_arg_back(v, args, &pod) ? -XEN_EFAULT : 0;
}

/* Says whether the memory would be there. Nothing is set aside: who builds two domains at a time
 * learns of a lack when it allocates. */
static int64_t claim_pages(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_memory_reservation r;
    int err;

    (void)done;
    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_arg(v, &r, args))
        return -XEN_EFAULT;
    if (r.extent_order || r.mem_flags || !handle_null(r.extent_start))
        return -XEN_EINVAL;
    struct domain *d = domain_for(v, r.domid, &err);
    if (!d)
        return err;
    if (d->dying)
        err = -XEN_EINVAL;
    else
        err =
            r.nr_extents > d->tot_pages && r.nr_extents - d->tot_pages > frames_free_count(NODE_ANY)
                ? -XEN_ENOMEM
                : 0;
    domain_put(d);
    return err;
}

static int64_t no_vnuma(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    (void)v;
    (void)args;
    (void)done;
    return -XEN_EOPNOTSUPP; /* exactly this is what `xl save` wants to hear */
}

/* ---- memory maps --------------------------------------------------------------------------- */

static int64_t memory_map(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct domain *d = v->domain;
    struct xen_memory_map map;
    int err = 0;

    (void)done;
    if (copy_arg(v, &map, args))
        return -XEN_EFAULT;
    spin_lock(&d->lock);
    if (!d->nr_e820) {
        err = -XEN_ENOSYS;
    } else {
        map.nr_entries = MIN(map.nr_entries, d->nr_e820);
        if (copy_to_guest(v, (uintptr_t)map.buffer.p, d->e820, map.nr_entries * sizeof d->e820[0]))
            err = -XEN_EFAULT;
    }
    spin_unlock(&d->lock);
    if (err)
        return err;
    return copy_arg_back(v, args, &map) ? -XEN_EFAULT : 0;
}

static int64_t machine_memory_map(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_memory_map map;
    unsigned n = boot.nr_regions;

    (void)done;
    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_arg(v, &map, args))
        return -XEN_EFAULT;
    if (!handle_null(map.buffer)) {
        n = MIN(n, map.nr_entries);
        for (unsigned i = 0; i < n; i++) {
            struct e820entry e = {boot.region[i].start, boot.region[i].size, boot.region[i].type};
            if (copy_to_guest(v, (uintptr_t)map.buffer.p + i * sizeof e, &e, sizeof e))
                return -XEN_EFAULT;
        }
    }
    map.nr_entries = n;
    return copy_arg_back(v, args, &map) ? -XEN_EFAULT : 0;
}

static void replace_map(struct domain *d, struct e820entry *e820, unsigned n)
{
    spin_lock(&d->lock);
    struct e820entry *old = d->e820;
    d->e820 = e820;
    d->nr_e820 = n;
    spin_unlock(&d->lock);
    xfree(old);
}

static int64_t set_memory_map(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_foreign_memory_map arg;
    struct e820entry *e820 = NULL;
    int err;

    (void)done;
    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    unsigned n = arg.map.nr_entries;
    if (n > MAX_E820)
        return -XEN_EINVAL;
    if (n) {
        e820 = xnew_array(struct e820entry, n);
        if (!e820)
            return -XEN_ENOMEM;
        if (copy_from_guest(v, e820, (uintptr_t)arg.map.buffer.p, n * sizeof *e820)) {
            xfree(e820);
            return -XEN_EFAULT;
        }
    }
    struct domain *d = domain_for(v, arg.domid, &err);
    if (!d) {
        xfree(e820);
        return err;
    }
    replace_map(d, e820, n);
    domain_put(d);
    return 0;
}

/* ---- which is which ------------------------------------------------------------------------ */

static const memory_op ops[] = {
    [XENMEM_increase_reservation] = increase_reservation,
    [XENMEM_decrease_reservation] = decrease_reservation,
    [XENMEM_maximum_ram_page] = maximum_ram_page,
    [XENMEM_current_reservation] = reservation_number,
    [XENMEM_maximum_reservation] = reservation_number,
    [XENMEM_populate_physmap] = populate_physmap,
    [XENMEM_add_to_physmap] = memop_add_to_physmap,
    [XENMEM_memory_map] = memory_map,
    [XENMEM_machine_memory_map] = machine_memory_map,
    [XENMEM_set_memory_map] = set_memory_map,
    [XENMEM_maximum_gpfn] = reservation_number,
    [XENMEM_remove_from_physmap] = memop_remove,
    [XENMEM_set_pod_target] = pod_target,
    [XENMEM_get_pod_target] = pod_target,
    [XENMEM_get_sharing_freed_pages] = sharing_number,
    [XENMEM_get_sharing_shared_pages] = sharing_number,
    [XENMEM_add_to_physmap_batch] = memop_add_batch,
    [XENMEM_claim_pages] = claim_pages,
    [XENMEM_get_vnumainfo] = no_vnuma,
    [XENMEM_acquire_resource] = memop_acquire,
};

int64_t hc_memory(struct vcpu *v, struct hc_args *args)
{
    unsigned cmd = args->a[0] & MEMOP_CMD_MASK;
    uint64_t done = args->a[0] >> MEMOP_EXTENT_SHIFT;

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
        return -XEN_ENOSYS;
    return ops[cmd](v, args, done);
}
