/* hvm_op: HVM parameters, and the vector of event upcalls. */
#include "event.h"
#include "hypercall.h"

typedef int64_t hvm_op(struct vcpu *v, uint64_t arg);

/* ---- parameters --------------------------------------------------------------------------- */

enum {
    BY_GUEST = 1, /* the domain itself may set it; all others are the toolstack's */
    ONCE = 2,     /* a value other than 0 stays */
    LIMITED = 4,  /* not above `max` */
};

static const struct {
    uint8_t flags;
    uint64_t max;
} rules[HVM_NR_PARAMS] = {
    [HVM_PARAM_CALLBACK_IRQ] = {BY_GUEST, 0},
    [HVM_PARAM_STORE_EVTCHN] = {BY_GUEST, 0},
    [HVM_PARAM_IOREQ_PFN] = {ONCE, 0},
    [HVM_PARAM_BUFIOREQ_PFN] = {ONCE, 0},
    [HVM_PARAM_VIRIDIAN] = {ONCE, 0},
    [HVM_PARAM_TIMER_MODE] = {LIMITED, HVMPTM_one_missed_tick_pending},
    [HVM_PARAM_VM86_TSS] = {BY_GUEST, 0},
    [HVM_PARAM_CONSOLE_EVTCHN] = {BY_GUEST, 0},
    [HVM_PARAM_ACPI_IOPORTS_LOCATION] = {BY_GUEST, 0},
    [HVM_PARAM_TRIPLE_FAULT_REASON] = {LIMITED, SHUTDOWN_MAX},
    [HVM_PARAM_IOREQ_SERVER_PFN] = {ONCE, 0},
    [HVM_PARAM_NR_IOREQ_SERVER_PAGES] = {ONCE, 0},
    [HVM_PARAM_VM_GENERATION_ID_ADDR] = {BY_GUEST, 0},
    [HVM_PARAM_ALTP2M] = {ONCE | LIMITED, XEN_ALTP2M_limited},
    [HVM_PARAM_X87_FIP_WIDTH] = {BY_GUEST | LIMITED, 8},
    [HVM_PARAM_VM86_TSS_SIZED] = {BY_GUEST, 0},
    [HVM_PARAM_MCA_CAP] = {ONCE | LIMITED, XEN_HVM_MCA_CAP_MASK},
};

/* The domain whose parameter *op is to be, with a reference; NULL and *err. */
static struct domain *param_owner(struct vcpu *v, uint64_t arg, struct xen_hvm_param *op, int *err)
{
    if (copy_from_guest(v, op, arg, sizeof *op))
        *err = -XEN_EFAULT;
    else if (op->index >= HVM_NR_PARAMS)
        *err = -XEN_EINVAL;
    else
        return domain_for(v, op->domid, err);
    return NULL;
}

/* With d->lock. */
static int set(const struct vcpu *v, struct domain *d, uint32_t index, uint64_t value)
{
    unsigned flags = rules[index].flags;

    if (v->domain == d && !(flags & BY_GUEST))
        return -XEN_EPERM;
    if ((flags & LIMITED) && value > rules[index].max)
        return -XEN_EINVAL;
    if ((flags & ONCE) && d->params[index] && d->params[index] != value)
        return -XEN_EEXIST;
    d->params[index] = value;
    return 0;
}

static int64_t set_param(struct vcpu *v, uint64_t arg)
{
    struct xen_hvm_param op;
    int err;
    struct domain *d = param_owner(v, arg, &op, &err);

    if (!d)
        return err;
    spin_lock(&d->lock);
    err = set(v, d, op.index, op.value);
    spin_unlock(&d->lock);
    domain_put(d);
    return err;
}

static int64_t get_param(struct vcpu *v, uint64_t arg)
{
    struct xen_hvm_param op;
    int err;
    struct domain *d = param_owner(v, arg, &op, &err);

    if (!d)
        return err;
    op.value = __atomic_load_n(&d->params[op.index], __ATOMIC_RELAXED);
    domain_put(d);
    return copy_to_guest(v, arg, &op, sizeof op);
}

/* ---- upcalls -------------------------------------------------------------------------------- */

static int64_t set_upcall_vector(struct vcpu *v, uint64_t arg)
{
    struct xen_hvm_evtchn_upcall_vector op;
    struct domain *d = v->domain;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.vector < 16) /* the local APIC's first vector */
        return -XEN_EINVAL;
    if (op.vcpu >= d->max_vcpus || !d->vcpus[op.vcpu])
        return -XEN_ENOENT;
    struct vcpu *target = d->vcpus[op.vcpu];
    __atomic_store_n(&target->upcall_vector, op.vector, __ATOMIC_SEQ_CST);
    if (events_pending(target))
        event_upcall(target);
    return 0;
}

/* Success would make Linux believe in shadow page tables. */
static int64_t pagetable_dying(struct vcpu *v, uint64_t arg)
{
    (void)v;
    (void)arg;
    return -XEN_EINVAL;
}

static hvm_op *const ops[] = {
    [HVMOP_set_param] = set_param,
    [HVMOP_get_param] = get_param,
    [HVMOP_pagetable_dying] = pagetable_dying,
    [HVMOP_set_evtchn_upcall_vector] = set_upcall_vector,
};

int64_t hc_hvm(struct vcpu *v, struct hc_args *args)
{
    uint32_t op = (uint32_t)args->a[0];

    if (op >= ARRAY_SIZE(ops) || !ops[op])
        return -XEN_ENOSYS;
    return ops[op](v, args->a[1]);
}
