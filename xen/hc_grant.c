/*
 * HYPERVISOR_grant_table_op (xen/grant_table.h): each operation takes an array.
 * After a bounded number of elements the caller comes again with the rest:
 * the array's address and length in its registers have moved on.
 */
#include "grant.h"
#include "hypercall.h"

#define BUDGET 32 /* elements in one go */

/* ---- operations on the table --------------------------------------------------------------- */

static int query_size(struct vcpu *v, uint64_t at)
{
    struct gnttab_query_size op;
    int err;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (d) {
        op.nr_frames = grants_nr_frames(d);
        op.max_nr_frames = grants_max_frames(d);
        op.status = GNTST_okay;
        domain_put(d);
    } else {
        op.status = err == -XEN_EPERM ? GNTST_permission_denied : GNTST_bad_domain;
    }
    return copy_to_guest(v, at, &op, sizeof op);
}

/* Grows the table. Its frames have no addresses until XENMEM_add_to_physmap gives them some. */
static int setup_frames(struct vcpu *v, struct domain *d, struct gnttab_setup_table *op)
{
    const xen_pfn_t nowhere = ~(xen_pfn_t)0;

    op->status = GNTST_general_error;
    if (op->nr_frames > grants_max_frames(d))
        return 0;
    if (op->nr_frames && grant_shared_frame(d, op->nr_frames - 1) == MFN_NONE)
        return 0;
    for (unsigned i = 0; i < op->nr_frames; i++)
        if (copy_out_at(v, op->frame_list, i, &nowhere))
            return -XEN_EFAULT;
    op->status = GNTST_okay;
    return 0;
}

static int setup_table(struct vcpu *v, uint64_t at)
{
    struct gnttab_setup_table op;
    int err;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (d) {
        err = setup_frames(v, d, &op);
        domain_put(d);
        if (err)
            return err;
    } else {
        op.status = err == -XEN_EPERM ? GNTST_permission_denied : GNTST_bad_domain;
    }
    return copy_to_guest(v, at, &op, sizeof op);
}

static int set_version(struct vcpu *v, uint64_t at)
{
    struct gnttab_set_version op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    if (op.version != 1)
        return op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    return copy_to_guest(v, at, &op, sizeof op);
}

static int get_version(struct vcpu *v, uint64_t at)
{
    struct gnttab_get_version op;
    int err;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (!d)
        return err;
    domain_put(d);
    op.version = 1;
    return copy_to_guest(v, at, &op, sizeof op);
}

/* Only tables of version 2 have them. */
static int get_status_frames(struct vcpu *v, uint64_t at)
{
    struct gnttab_get_status_frames op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    op.status = GNTST_general_error;
    return copy_to_guest(v, at, &op, sizeof op);
}

/* ---- operations on grants ------------------------------------------------------------------ */

static int map_grant_ref(struct vcpu *v, uint64_t at)
{
    struct gnttab_map_grant_ref op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    grant_map(v->domain, &op);
    return copy_to_guest(v, at, &op, sizeof op);
}

static int unmap_grant_ref(struct vcpu *v, uint64_t at)
{
    struct gnttab_unmap_grant_ref op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    grant_unmap(v->domain, &op);
    return copy_to_guest(v, at, &op, sizeof op);
}

static int copy(struct vcpu *v, uint64_t at)
{
    struct gnttab_copy op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    grant_copy(v->domain, &op);
    return copy_to_guest(v, at, &op, sizeof op);
}

static int swap_grant_ref(struct vcpu *v, uint64_t at)
{
    struct gnttab_swap_grant_ref op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    grant_swap(v->domain, &op);
    return copy_to_guest(v, at, &op, sizeof op);
}

/* ---- which is which ------------------------------------------------------------------------ */

static const struct {
    int (*run)(struct vcpu *v, uint64_t at);
    unsigned size;
    bool single; /* takes exactly one element */
} ops[] = {
    [GNTTABOP_map_grant_ref] = {map_grant_ref, sizeof(struct gnttab_map_grant_ref), false},
    [GNTTABOP_unmap_grant_ref] = {unmap_grant_ref, sizeof(struct gnttab_unmap_grant_ref), false},
    [GNTTABOP_setup_table] = {setup_table, sizeof(struct gnttab_setup_table), true},
    [GNTTABOP_copy] = {copy, sizeof(struct gnttab_copy), false},
    [GNTTABOP_query_size] = {query_size, sizeof(struct gnttab_query_size), true},
    [GNTTABOP_set_version] = {set_version, sizeof(struct gnttab_set_version), true},
    [GNTTABOP_get_status_frames] = {get_status_frames, sizeof(struct gnttab_get_status_frames),
                                    true},
    [GNTTABOP_get_version] = {get_version, sizeof(struct gnttab_get_version), true},
    [GNTTABOP_swap_grant_ref] = {swap_grant_ref, sizeof(struct gnttab_swap_grant_ref), false},
};

int64_t hc_grant(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = args->a[0], count = args->a[2];

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd].run)
        return -XEN_ENOSYS;
    if (count > INT32_MAX || (ops[cmd].single && count != 1))
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        if (i == BUDGET) {
            args->a[1] += (uint64_t)i * ops[cmd].size;
            args->a[2] = count - i;
            return HC_RESTART;
        }
        int err = ops[cmd].run(v, args->a[1] + (uint64_t)i * ops[cmd].size);
        if (err)
            return err;
    }
    return 0;
}
