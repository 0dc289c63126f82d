/*
 * HYPERVISOR_grant_table_op (xen/grant_table.h): each operation takes an array.
 * After a bounded number of elements the caller comes again with the rest:
 * the array's address and length in its registers have moved on.
 */
#include "grant.h"
#include "hypercall.h"

#define BUDGET 32 /* elements in one go */

union grant_op {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_setup_table setup;
    struct gnttab_copy copy;
    struct gnttab_query_size size;
    struct gnttab_set_version set_version;
    struct gnttab_get_status_frames status_frames;
    struct gnttab_get_version get_version;
    struct gnttab_swap_grant_ref swap;
};

/* ---- operations on the table --------------------------------------------------------------- */

/* What an operation answers for a domain that domain_for() refuses. */
static int16_t status_of(int err)
{
    return err == -XEN_EPERM ? GNTST_permission_denied : GNTST_bad_domain;
}

static int query_size(struct vcpu *v, union grant_op *op)
{
    int err;
    struct domain *d = domain_for(v, op->size.dom, &err);

    if (d) {
        struct grants_size size = grants_size(d);
        op->size.nr_frames = size.nr_frames;
        op->size.max_nr_frames = size.max_frames;
        domain_put(d);
    }
    op->size.status = d ? GNTST_okay : status_of(err);
    return 0;
}

/* Grows the table. Its frames have no addresses until XENMEM_add_to_physmap gives them some. */
static int setup_frames(struct vcpu *v, struct domain *d, struct gnttab_setup_table *op)
{
    const xen_pfn_t nowhere = ~(xen_pfn_t)0;

    op->status = GNTST_general_error;
    if (op->nr_frames > grants_size(d).max_frames)
        return 0;
    if (op->nr_frames && grant_shared_frame(d, op->nr_frames - 1) == MFN_NONE)
        return 0;
    for (unsigned i = 0; i < op->nr_frames; i++)
        if (copy_out_at(v, op->frame_list, i, &nowhere))
            return -XEN_EFAULT;
    op->status = GNTST_okay;
    return 0;
}

static int setup_table(struct vcpu *v, union grant_op *op)
{
    int err;
    struct domain *d = domain_for(v, op->setup.dom, &err);

    if (!d) {
        op->setup.status = status_of(err);
        return 0;
    }
    err = setup_frames(v, d, &op->setup);
    domain_put(d);
    return err;
}

static int set_version(struct vcpu *v, union grant_op *op)
{
    (void)v;
    if (op->set_version.version == 1)
        return 0;
    return op->set_version.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
}

static int get_version(struct vcpu *v, union grant_op *op)
{
    int err;
    struct domain *d = domain_for(v, op->get_version.dom, &err);

    if (!d)
        return err;
    domain_put(d);
    op->get_version.version = 1;
    return 0;
}

/* Only tables of version 2 have them. */
static int get_status_frames(struct vcpu *v, union grant_op *op)
{
    (void)v;
    op->status_frames.status = GNTST_general_error;
    return 0;
}

/* ---- operations on grants ------------------------------------------------------------------ */

static int map_grant_ref(struct vcpu *v, union grant_op *op)
{
    grant_map(v->domain, &op->map);
    return 0;
}

static int unmap_grant_ref(struct vcpu *v, union grant_op *op)
{
    grant_unmap(v->domain, &op->unmap);
    return 0;
}

static int copy(struct vcpu *v, union grant_op *op)
{
    grant_copy(v->domain, &op->copy);
    return 0;
}

static int swap_grant_ref(struct vcpu *v, union grant_op *op)
{
    grant_swap(v->domain, &op->swap);
    return 0;
}

/* ---- which is which ------------------------------------------------------------------------ */

static const struct {
    int (*run)(struct vcpu *v, union grant_op *op);
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

/* One element, read from the guest and written back with the answer. */
static int run(struct vcpu *v, uint32_t cmd, uint64_t at)
{
    union grant_op op;

    if (copy_from_guest(v, &op, at, ops[cmd].size))
        return -XEN_EFAULT;
    int err = ops[cmd].run(v, &op);
    return err ? err : copy_to_guest(v, at, &op, ops[cmd].size);
}

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
        int err = run(v, cmd, args->a[1] + (uint64_t)i * ops[cmd].size);
        if (err)
            return err;
    }
    return 0;
}
