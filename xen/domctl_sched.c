/* domctl: vCPUs as the scheduler sees them, and where they like to be. */
#include "hc_sysctl.h"
#include "sched_abi.h"
#include "x86/arch.h"

/* ---- vCPUs --------------------------------------------------------------------------------- */

int domctl_getvcpuinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_getvcpuinfo *info = &c->u.getvcpuinfo;
    int err;
    const struct vcpu *of = domctl_vcpu(d, info->vcpu, &err);

    (void)v;
    if (!of)
        return err;
    spin_lock(&sched_lock);
    info->cpu = of->unit->home ? of->unit->home->id : 0;
    spin_unlock(&sched_lock);
    info->online = !of->down;
    info->blocked = of->blocked;
    info->running = vcpu_is_running(of);
    info->cpu_time = vcpu_cpu_time(of);
    return 0;
}

/* ---- affinity ------------------------------------------------------------------------------ */

/* Hard and soft as they were set; no soft one is any pCPU. */
static void affinity_of(const struct sched_unit *u, struct mask *hard, struct mask *soft)
{
    spin_lock(&sched_lock);
    *hard = u->hard;
    if (u->has_soft)
        *soft = u->soft;
    else
        mask_fill(soft, SCHED_MAX_PCPUS);
    spin_unlock(&sched_lock);
}

static int affinity_out(struct vcpu *v, const struct xen_domctl_vcpuaffinity *a,
                        const struct mask *hard, const struct mask *soft)
{
    int err = 0;

    if (a->flags & XEN_VCPUAFFINITY_HARD)
        err = bitmap_write(v, &a->cpumap_hard, hard, nr_pcpus);
    if (!err && a->flags & XEN_VCPUAFFINITY_SOFT)
        err = bitmap_write(v, &a->cpumap_soft, soft, nr_pcpus);
    return err;
}

static int check_affinity(struct domain *d, const struct xen_domctl_vcpuaffinity *a, uint32_t known,
                          struct vcpu **of)
{
    int err;

    *of = domctl_vcpu(d, a->vcpu, &err);
    if (!*of)
        return err;
    if (a->flags & ~known || !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -XEN_EINVAL;
    return 0;
}

int domctl_getvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    const struct xen_domctl_vcpuaffinity *a = &c->u.vcpuaffinity;
    struct mask hard, soft;
    struct vcpu *of;
    int err = check_affinity(d, a, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT, &of);

    if (err)
        return err;
    affinity_of(of->unit, &hard, &soft);
    return affinity_out(v, a, &hard, &soft);
}

/* The masks become what they amount to in the unit's pool. */
static int set_affinity(struct sched_unit *u, struct mask *hard, struct mask *soft)
{
    spin_lock(&sched_lock);
    int err = sched_set_affinity(u, hard, soft, now(), NULL);
    mask_and(hard, hard, &u->domain->pool->cpus);
    mask_and(soft, soft, hard);
    spin_unlock(&sched_lock);
    return err;
}

int domctl_setvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    const struct xen_domctl_vcpuaffinity *a = &c->u.vcpuaffinity;
    struct mask hard, soft;
    struct vcpu *of;
    int err = check_affinity(
        d, a, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE, &of);

    if (err)
        return err;
    affinity_of(of->unit, &hard, &soft);
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        err = bitmap_read(v, &a->cpumap_hard, &hard, nr_pcpus);
    if (!err && a->flags & XEN_VCPUAFFINITY_SOFT)
        err = bitmap_read(v, &a->cpumap_soft, &soft, nr_pcpus);
    if (!err)
        err = set_affinity(of->unit, &hard, &soft);
    return err ? err : affinity_out(v, a, &hard, &soft);
}

/* ---- scheduling parameters: all of this under sched_lock ----------------------------------- */

/* Of credit and credit2. What the interface calls "unchanged" is a weight of 0 and, in credit
 * alone, a cap of 0xffff. */
static int put_weight(struct sched_domain *d, const struct xen_domctl_scheduler_op *op)
{
    const struct sched_policy *p = d->pool->policy;
    bool credit = op->sched_id == XEN_SCHEDULER_CREDIT;
    uint16_t weight = credit ? op->u.credit.weight : op->u.credit2.weight;
    uint16_t cap = credit ? op->u.credit.cap : op->u.credit2.cap;
    int64_t value[SCHED_MAX_PARAMS];

    memcpy(value, d->value, sizeof value);
    if (weight)
        sched_value_set(p, SCHED_PARAM_DOMAIN, "weight", value, weight);
    if (!credit || cap != 0xffff)
        sched_value_set(p, SCHED_PARAM_DOMAIN, "cap", value, cap);
    return sched_domain_set(d, value, now(), NULL);
}

static void get_weight(const struct sched_domain *d, struct xen_domctl_scheduler_op *op)
{
    const struct sched_policy *p = d->pool->policy;
    uint16_t weight = (uint16_t)sched_value(p, SCHED_PARAM_DOMAIN, "weight", d->value);
    uint16_t cap = (uint16_t)MIN(sched_value(p, SCHED_PARAM_DOMAIN, "cap", d->value), 0xffff);

    if (op->sched_id == XEN_SCHEDULER_CREDIT)
        op->u.credit = (struct xen_domctl_sched_credit){weight, cap};
    else
        op->u.credit2 = (struct xen_domctl_sched_credit2){weight, cap};
}

/* RTDS's are the units'. */
static void from_rtds(const struct sched_policy *p, const struct xen_domctl_sched_rtds *r,
                      int64_t *value)
{
    sched_value_set(p, SCHED_PARAM_UNIT, "period", value, r->period * 1000LL);
    sched_value_set(p, SCHED_PARAM_UNIT, "budget", value, r->budget * 1000LL);
    sched_value_set(p, SCHED_PARAM_UNIT, "extratime", value,
                    !!(r->flags & XEN_DOMCTL_SCHEDRT_extra));
}

static void to_rtds(const struct sched_policy *p, const int64_t *value,
                    struct xen_domctl_sched_rtds *r)
{
    r->period = (uint32_t)(sched_value(p, SCHED_PARAM_UNIT, "period", value) / 1000);
    r->budget = (uint32_t)(sched_value(p, SCHED_PARAM_UNIT, "budget", value) / 1000);
    r->flags = sched_value(p, SCHED_PARAM_UNIT, "extratime", value) ? XEN_DOMCTL_SCHEDRT_extra : 0;
}

static void unit_defaults(const struct sched_policy *p, int64_t *value)
{
    unsigned nr, n = 0;
    const struct sched_param *params = sched_policy_params(p, &nr);

    for (unsigned i = 0; i < nr; i++)
        if (params[i].scope == SCHED_PARAM_UNIT)
            value[n++] = params[i].def;
}

/* The domain's is that of all its units, and what is read is the default. */
static int rtds_domain(struct sched_domain *d, struct xen_domctl_scheduler_op *op)
{
    const struct sched_policy *p = d->pool->policy;
    int64_t value[SCHED_MAX_PARAMS] = {0};

    unit_defaults(p, value);
    if (op->cmd == XEN_DOMCTL_SCHEDOP_getinfo) {
        to_rtds(p, value, &op->u.rtds);
        return 0;
    }
    from_rtds(p, &op->u.rtds, value);
    return sched_domain_set_units(d, value, now(), NULL);
}

static int domain_params(struct sched_domain *d, struct xen_domctl_scheduler_op *op)
{
    if (op->sched_id != (uint32_t)d->pool->policy->id)
        return -XEN_EINVAL;
    if (op->sched_id == XEN_SCHEDULER_RTDS)
        return rtds_domain(d, op);
    if (op->cmd == XEN_DOMCTL_SCHEDOP_putinfo)
        return put_weight(d, op);
    get_weight(d, op);
    return 0;
}

/* ---- the same for single vCPUs ------------------------------------------------------------- */

static int rtds_vcpu(struct domain *d, uint32_t cmd, struct xen_domctl_schedparam_vcpu *one)
{
    int64_t value[SCHED_MAX_PARAMS];
    int err;
    struct vcpu *of = domctl_vcpu(d, one->vcpuid, &err);

    if (!of)
        return -XEN_EINVAL;
    spin_lock(&sched_lock);
    const struct sched_policy *p = d->sched->pool->policy;
    memcpy(value, of->unit->value, sizeof value);
    if (p->id != XEN_SCHEDULER_RTDS) {
        err = -XEN_EINVAL;
    } else if (cmd == XEN_DOMCTL_SCHEDOP_putvcpuinfo) {
        from_rtds(p, &one->u.rtds, value);
        err = sched_unit_set(of->unit, value, now(), NULL);
    } else {
        to_rtds(p, value, &one->u.rtds);
    }
    spin_unlock(&sched_lock);
    return err;
}

static int vcpu_params(struct vcpu *v, struct domain *d, struct xen_domctl_scheduler_op *op)
{
    uint32_t i, n = op->u.v.nr_vcpus;

    if (op->sched_id != XEN_SCHEDULER_RTDS || op->u.v.padding || n > d->max_vcpus)
        return -XEN_EINVAL;
    for (i = 0; i < n; i++) {
        struct xen_domctl_schedparam_vcpu one;
        if (copy_in_at(v, &one, op->u.v.vcpus, i))
            return -XEN_EFAULT;
        int err = rtds_vcpu(d, op->cmd, &one);
        if (err)
            return err;
        if (op->cmd == XEN_DOMCTL_SCHEDOP_getvcpuinfo && copy_out_at(v, op->u.v.vcpus, i, &one))
            return -XEN_EFAULT;
    }
    return 0;
}

int domctl_scheduler_op(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_scheduler_op *op = &c->u.scheduler_op;
    int err;

    if (op->sched_id != XEN_SCHEDULER_CREDIT && op->sched_id != XEN_SCHEDULER_CREDIT2 &&
        op->sched_id != XEN_SCHEDULER_RTDS)
        return -XEN_EOPNOTSUPP; /* the interface has no parameters for it */
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
    case XEN_DOMCTL_SCHEDOP_getinfo:
        spin_lock(&sched_lock);
        err = domain_params(d->sched, op);
        spin_unlock(&sched_lock);
        return err;
    case XEN_DOMCTL_SCHEDOP_putvcpuinfo:
    case XEN_DOMCTL_SCHEDOP_getvcpuinfo:
        return vcpu_params(v, d, op);
    default:
        return -XEN_EINVAL;
    }
}
