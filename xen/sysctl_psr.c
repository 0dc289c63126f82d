/* sysctl: what can be partitioned and counted on each socket (xl psr-hwinfo). */
#include "psr.h"

int sysctl_psr_cmt_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_psr_cmt_op *op = &s->u.psr_cmt_op;
    const struct psr *psr = psr_monitoring();

    (void)v;
    if (!psr && op->cmd == XEN_SYSCTL_PSR_CMT_get_l3_cache_size)
        psr = psr_allocation(); /* for psr-cat-show, which asks this too */
    if (!psr)
        return -XEN_ENODEV;
    if (op->flags)
        return -XEN_EINVAL;
    unsigned cpu = op->cmd == XEN_SYSCTL_PSR_CMT_get_l3_cache_size ? op->u.l3_cache.cpu : 0;
    bool online = cpu < nr_pcpus && pcpus[cpu]->online;
    const struct psr_caps *caps = online ? psr_caps(psr, pcpus[cpu]->socket) : NULL;
    if (!caps)
        return -XEN_ENODEV;
    switch (op->cmd) {
    case XEN_SYSCTL_PSR_CMT_enabled:
        op->u.data = 1;
        return 0;
    case XEN_SYSCTL_PSR_CMT_get_total_rmid:
        op->u.data = psr->rmids.max;
        return 0;
    case XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor:
        op->u.data = caps->monitor.upscaling;
        return 0;
    case XEN_SYSCTL_PSR_CMT_get_l3_cache_size:
        op->u.data = caps->l3.kib;
        return 0;
    case XEN_SYSCTL_PSR_CMT_get_l3_event_mask:
        op->u.data = caps->monitor.events;
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

static int cache_info(const struct psr_cache *c, unsigned classes, struct xen_sysctl_psr_alloc *op)
{
    if (!c->len)
        return -XEN_ENOENT;
    op->u.cat_info.cbm_len = c->len;
    op->u.cat_info.cos_max = classes - 1;
    op->u.cat_info.flags = c->cdp_on ? XEN_SYSCTL_PSR_CAT_L3_CDP : 0;
    return 0;
}

static int bandwidth_info(const struct psr_bandwidth *b, unsigned classes,
                          struct xen_sysctl_psr_alloc *op)
{
    if (!b->max)
        return -XEN_ENOENT;
    op->u.mba_info.thrtl_max = b->max;
    op->u.mba_info.cos_max = classes - 1;
    op->u.mba_info.flags = b->linear ? XEN_SYSCTL_PSR_MBA_LINEAR : 0;
    return 0;
}

/* Fewer classes than the resource has if another has fewer: a class is one of all. */
int sysctl_psr_alloc(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_psr_alloc *op = &s->u.psr_alloc;
    const struct psr *psr = psr_allocation();
    const struct psr_caps *caps = psr ? psr_caps(psr, op->target) : NULL;

    (void)v;
    if (!psr)
        return -XEN_ENODEV;
    if (!caps)
        return -XEN_ERANGE;
    unsigned classes = psr_nr_classes(psr, op->target);
    switch (op->cmd) {
    case XEN_SYSCTL_PSR_get_l3_info:
        return cache_info(&caps->l3, classes, op);
    case XEN_SYSCTL_PSR_get_l2_info:
        return cache_info(&caps->l2, classes, op);
    case XEN_SYSCTL_PSR_get_mba_info:
        return bandwidth_info(&caps->bandwidth, classes, op);
    default:
        return -XEN_EOPNOTSUPP;
    }
}
