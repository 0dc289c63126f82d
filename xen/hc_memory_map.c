/*
 * HYPERVISOR_memory_op on single entries of a guest's physical memory: pages
 * shared with the hypervisor, moved pages, other domains' pages.
 */
#include "grant.h"
#include "physmap.h"

#define BUDGET_ENTRIES 64 /* in one go, of a list */

#define copy_arg(v, local, args)      copy_from_guest(v, local, (args)->a[1], sizeof *(local))
#define copy_arg_back(v, args, local) copy_to_guest(v, (args)->a[1], local, sizeof *(local))

/* ---- what is put at a gfn ------------------------------------------------------------------ */

static int add_grant_frame(struct domain *d, uint64_t index, gfn_t gfn)
{
    if (index > UINT32_MAX)
        return -XEN_EINVAL; /* with XENMAPIDX_grant_table_status too: there is no version 2 */
    mfn_t mfn = grant_shared_frame(d, index);
    return mfn == MFN_NONE ? -XEN_EINVAL : physmap_install(d, gfn, mfn, P2M_XEN);
}

/* The page moves; `from` is empty then. */
static int move_page(struct domain *d, gfn_t from, gfn_t gfn)
{
    if (from == gfn)
        return p2m_lookup(d, gfn).kind == P2M_RAM ? 0 : -XEN_EINVAL;
    if (p2m_lookup(d, from).kind != P2M_RAM)
        return -XEN_EINVAL;
    struct p2m_entry e = p2m_unmap(d, from);
    if (e.kind != P2M_RAM) { /* another vCPU of the guest was faster */
        physmap_drop(d, e);
        return -XEN_EAGAIN;
    }
    int err = physmap_install(d, gfn, e.mfn, P2M_RAM);
    if (err && p2m_map(d, from, e.mfn, ORDER_4K, P2M_RAM))
        physmap_drop(d, e);
    return err;
}

/* Trace buffers are there for good, so their entries hold no reference. */
static int add_trace_frame(struct domain *d, mfn_t mfn, gfn_t gfn)
{
    return trace_owns(mfn) ? physmap_install(d, gfn, mfn, P2M_XEN) : -XEN_EINVAL;
}

/* With a reference. Of all pages only RAM may get another frame meanwhile. */
static bool foreign_get(struct domain *owner, gfn_t gfn, mfn_t *mfn)
{
    struct p2m_entry e = p2m_lookup(owner, gfn);

    if (e.kind != P2M_XEN)
        return p2m_get_ram(owner, gfn, mfn);
    *mfn = e.mfn;
    return page_get(e.mfn, owner);
}

static int add_foreign(struct vcpu *v, struct domain *d, domid_t id, gfn_t from, gfn_t gfn)
{
    mfn_t mfn;
    int err;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (id == DOMID_XEN)
        return add_trace_frame(d, from, gfn);
    struct domain *owner = domain_for(v, id, &err);
    if (!owner)
        return err;
    if (owner == d || owner->dying || !foreign_get(owner, from, &mfn)) {
        err = -XEN_EINVAL;
    } else {
        err = physmap_install(d, gfn, mfn, P2M_FOREIGN);
        if (err)
            page_put(mfn);
    }
    domain_put(owner);
    return err;
}

static int add_entry(struct vcpu *v, struct domain *d, unsigned space, domid_t foreign,
                     uint64_t index, gfn_t gfn)
{
    switch (space) {
    case XENMAPSPACE_shared_info:
        return index ? -XEN_EINVAL : physmap_install(d, gfn, d->shared_mfn, P2M_XEN);
    case XENMAPSPACE_grant_table:
        return add_grant_frame(d, index, gfn);
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
        return move_page(d, index, gfn);
    case XENMAPSPACE_gmfn_foreign:
        return add_foreign(v, d, foreign, index, gfn);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- operations ---------------------------------------------------------------------------- */

static int64_t add_range(struct vcpu *v, struct hc_args *args, struct domain *d,
                         const struct xen_add_to_physmap *arg, uint64_t done)
{
    unsigned budget = BUDGET_ENTRIES;

    for (; done < arg->size; done++) {
        if (!budget--)
            return memop_restart(args, done);
        int err = add_entry(v, d, arg->space, 0, arg->idx + done, arg->gpfn + done);
        if (err)
            return err;
    }
    return 0;
}

int64_t memop_add_to_physmap(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_add_to_physmap arg;
    int64_t result;
    int err;

    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    if (arg.space == XENMAPSPACE_gmfn_foreign)
        return -XEN_ENOSYS; /* only in the batched form, which can name the other domain */
    if (done && arg.space != XENMAPSPACE_gmfn_range)
        return -XEN_ENOSYS;
    struct domain *d = domain_for(v, arg.domid, &err);
    if (!d)
        return err;
    if (d->dying)
        result = -XEN_EINVAL;
    else if (arg.space == XENMAPSPACE_gmfn_range)
        result = add_range(v, args, d, &arg, done);
    else
        result = add_entry(v, d, arg.space, 0, arg.idx, arg.gpfn);
    domain_put(d);
    return result;
}

static int64_t add_list(struct vcpu *v, struct hc_args *args, struct domain *d,
                        const struct xen_add_to_physmap_batch *arg, uint64_t done)
{
    unsigned budget = BUDGET_ENTRIES;

    for (; done < arg->size; done++) {
        xen_ulong_t index;
        xen_pfn_t gfn;

        if (!budget--)
            return memop_restart(args, done);
        if (copy_in_at(v, &index, arg->idxs, done) || copy_in_at(v, &gfn, arg->gpfns, done))
            return -XEN_EFAULT;
        int err = add_entry(v, d, arg->space, arg->u.foreign_domid, index, gfn);
        if (copy_out_at(v, arg->errs, done, &err))
            return -XEN_EFAULT;
    }
    return 0;
}

int64_t memop_add_batch(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_add_to_physmap_batch arg;
    int err;

    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    if (done > arg.size || arg.space == XENMAPSPACE_gmfn_range ||
        (arg.space != XENMAPSPACE_gmfn_foreign && arg.u.res0))
        return -XEN_EINVAL;
    struct domain *d = domain_for(v, arg.domid, &err);
    if (!d)
        return err;
    int64_t result = d->dying ? -XEN_EINVAL : add_list(v, args, d, &arg, done);
    domain_put(d);
    return result;
}

int64_t memop_remove(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_remove_from_physmap arg;
    int err;

    if (done)
        return -XEN_ENOSYS;
    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, arg.domid, &err);
    if (!d)
        return err;
    struct p2m_entry e = p2m_lookup(d, arg.gpfn);
    if (e.kind == P2M_NONE) {
        err = -XEN_ENOENT;
    } else if (e.kind == P2M_MMIO) {
        err = -XEN_EPERM;
    } else {
        e = p2m_unmap(d, arg.gpfn);
        physmap_drop(d, e);
        err = e.kind == P2M_NONE ? -XEN_ENOMEM : 0;
    }
    domain_put(d);
    return err;
}

/* ---- resources of another domain: its grant table ------------------------------------------ */

static int map_grant_frame(struct vcpu *v, struct domain *owner, uint64_t index, gfn_t gfn)
{
    mfn_t mfn = grant_shared_frame(owner, index);

    if (mfn == MFN_NONE || !page_get(mfn, owner))
        return -XEN_EINVAL;
    int err = physmap_install(v->domain, gfn, mfn, P2M_FOREIGN);
    if (err)
        page_put(mfn);
    return err;
}

static int acquire_grant_frames(struct vcpu *v, struct domain *owner,
                                const struct xen_mem_acquire_resource *arg)
{
    unsigned max = grants_size(owner).max_frames;

    if (arg->frame >= max || arg->nr_frames > max - arg->frame)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < arg->nr_frames; i++) {
        xen_pfn_t gfn;
        int err = copy_in_at(v, &gfn, arg->frame_list, i) ? -XEN_EFAULT : 0;

        if (!err)
            err = map_grant_frame(v, owner, arg->frame + i, gfn);
        if (err)
            return i ? -XEN_EIO : err; /* EIO: some have been mapped */
    }
    return 0;
}

static int acquire(struct vcpu *v, struct hc_args *args, struct domain *owner,
                   struct xen_mem_acquire_resource *arg)
{
    if (owner == v->domain)
        return -XEN_EPERM;
    if (owner->dying)
        return -XEN_EINVAL;
    if (arg->nr_frames)
        return acquire_grant_frames(v, owner, arg);
    if (!handle_null(arg->frame_list))
        return -XEN_EINVAL;
    arg->nr_frames = grants_size(owner).max_frames;
    return copy_arg_back(v, args, arg) ? -XEN_EFAULT : 0;
}

int64_t memop_acquire(struct vcpu *v, struct hc_args *args, uint64_t done)
{
    struct xen_mem_acquire_resource arg;
    int err;

    if (done)
        return -XEN_ENOSYS;
    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_arg(v, &arg, args))
        return -XEN_EFAULT;
    if (arg.pad)
        return -XEN_EINVAL;
    if (arg.type != XENMEM_resource_grant_table)
        return -XEN_EOPNOTSUPP;
    if (arg.id != XENMEM_resource_grant_table_id_shared)
        return -XEN_EINVAL;
    struct domain *owner = domain_for(v, arg.domid, &err);
    if (!owner)
        return err;
    err = acquire(v, args, owner, &arg);
    domain_put(owner);
    return err;
}
