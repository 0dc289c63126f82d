/* sysctl: the pool of pCPUs and its scheduler's parameters. */
#include "hc_sysctl.h"
#include "sched_abi.h"

/* ---- pools: there is one ------------------------------------------------------------------- */

static int pool_info(struct vcpu *v, struct xen_sysctl_cpupool_op *op)
{
    unsigned domains_in = 0;

    if (op->cpupool_id > pool0->id && op->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
        return -XEN_ENOENT;
    spin_lock(&sched_lock);
    list_for_each(d, &pool0->domains, struct sched_domain, pool_link)
        domains_in++;
    op->sched_id = (uint32_t)pool0->policy->id;
    struct mask cpus = pool0->cpus;
    spin_unlock(&sched_lock);
    op->cpupool_id = pool0->id;
    op->n_dom = domains_in;
    return bitmap_write(v, &op->cpumap, &cpus, nr_pcpus);
}

/* pCPUs in no pool. */
static int free_info(struct vcpu *v, const struct xen_sysctl_cpupool_op *op)
{
    struct mask outside;

    mask_clear_all(&outside);
    spin_lock(&sched_lock);
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (!mask_test(&pool0->cpus, i))
            mask_set(&outside, i);
    spin_unlock(&sched_lock);
    return bitmap_write(v, &op->cpumap, &outside, nr_pcpus);
}

int sysctl_cpupool_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_cpupool_op *op = &s->u.cpupool_op;

    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(v, op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return free_info(v, op);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- schedulers ---------------------------------------------------------------------------- */

int sysctl_sched_id(struct vcpu *v, struct xen_sysctl *s)
{
    (void)v;
    spin_lock(&sched_lock);
    s->u.sched_id.sched_id = (uint32_t)pool0->policy->id;
    spin_unlock(&sched_lock);
    return 0;
}

/* Milliseconds and microseconds of the interface to the core's ns and back. Credit's migration
 * delay has no counterpart: it is 0, and 0 can be set. */
static int from_credit(const struct sched_policy *p, const struct xen_sysctl_credit_schedule *c,
                       int64_t *value)
{
    if (c->vcpu_migr_delay_us)
        return -XEN_EINVAL;
    sched_value_set(p, SCHED_PARAM_POOL, "tslice", value, c->tslice_ms * 1000000LL);
    sched_value_set(p, SCHED_PARAM_POOL, "ratelimit", value, c->ratelimit_us * 1000LL);
    return c->ratelimit_us > c->tslice_ms * 1000ULL ? -XEN_EINVAL : 0;
}

static void to_credit(const struct sched_policy *p, const int64_t *value,
                      struct xen_sysctl_credit_schedule *c)
{
    c->tslice_ms = (uint32_t)(sched_value(p, SCHED_PARAM_POOL, "tslice", value) / 1000000);
    c->ratelimit_us = (uint32_t)(sched_value(p, SCHED_PARAM_POOL, "ratelimit", value) / 1000);
    c->vcpu_migr_delay_us = 0;
}

static bool ratelimit_ok(uint32_t us)
{
    return !us || (us >= XEN_SYSCTL_SCHED_RATELIMIT_MIN && us <= XEN_SYSCTL_SCHED_RATELIMIT_MAX);
}

/* Under sched_lock. */
static int pool_put(const struct xen_sysctl_scheduler_op *op)
{
    const struct sched_policy *p = pool0->policy;
    int64_t value[SCHED_MAX_PARAMS];
    int err = 0;

    memcpy(value, pool0->value, sizeof value);
    if (p->id == XEN_SCHEDULER_CREDIT) {
        if (!ratelimit_ok(op->u.sched_credit.ratelimit_us))
            return -XEN_EINVAL;
        err = from_credit(p, &op->u.sched_credit, value);
    } else {
        if (!ratelimit_ok(op->u.sched_credit2.ratelimit_us))
            return -XEN_EINVAL;
        sched_value_set(p, SCHED_PARAM_POOL, "ratelimit", value,
                        op->u.sched_credit2.ratelimit_us * 1000LL);
    }
    return err ? err : sched_pool_set(pool0, value, now(), NULL);
}

static void pool_get(struct xen_sysctl_scheduler_op *op)
{
    const struct sched_policy *p = pool0->policy;

    if (p->id == XEN_SCHEDULER_CREDIT)
        to_credit(p, pool0->value, &op->u.sched_credit);
    else
        op->u.sched_credit2.ratelimit_us =
            (uint32_t)(sched_value(p, SCHED_PARAM_POOL, "ratelimit", pool0->value) / 1000);
}

static int scheduler_op_locked(struct xen_sysctl_scheduler_op *op)
{
    if (op->sched_id != (uint32_t)pool0->policy->id)
        return -XEN_EINVAL;
    if (op->sched_id != XEN_SCHEDULER_CREDIT && op->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EOPNOTSUPP; /* the interface has no parameters for it */
    if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo)
        return pool_put(op);
    if (op->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
        return -XEN_EINVAL;
    pool_get(op);
    return 0;
}

int sysctl_scheduler_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_scheduler_op *op = &s->u.scheduler_op;

    (void)v;
    if (op->cpupool_id != pool0->id)
        return -XEN_ESRCH;
    spin_lock(&sched_lock);
    int err = scheduler_op_locked(op);
    spin_unlock(&sched_lock);
    return err;
}
