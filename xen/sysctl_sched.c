/* sysctl: pools of pCPUs and their schedulers' parameters. */
#include "cpupool.h"
#include "hc_sysctl.h"
#include "sched_abi.h"

/* ---- pools --------------------------------------------------------------------------------- */

/* libxl 4.17 makes no domain in a pool whose scheduler it does not know, and knows sedf as one that is
 * gone. The null scheduler is one that it asks nothing of. */
static uint32_t id_for_libxl(const struct sched_policy *policy)
{
    return policy->id < XEN_SCHEDULER_CREDIT ? XEN_SCHEDULER_NULL : (uint32_t)policy->id;
}

/* Of the first pool whose number is not less. */
static int pool_info(struct vcpu *v, struct xen_sysctl_cpupool_op *op)
{
    struct mask cpus;

    spin_lock(&sched_lock);
    const struct sched_pool *pool = cpupool_from(op->cpupool_id);
    if (pool) {
        op->cpupool_id = pool->id;
        op->sched_id = id_for_libxl(pool->policy);
        op->n_dom = 0;
        list_for_each(d, &pool->domains, struct sched_domain, pool_link)
            op->n_dom++;
        cpus = pool->cpus;
    }
    spin_unlock(&sched_lock);
    return pool ? bitmap_write(v, &op->cpumap, &cpus, nr_pcpus) : -XEN_ENOENT;
}

/* pCPUs that a pool could have. */
static int free_info(struct vcpu *v, const struct xen_sysctl_cpupool_op *op)
{
    struct mask outside;

    mask_clear_all(&outside);
    spin_lock(&sched_lock);
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (cpupool_is_free(pcpus[i]))
            mask_set(&outside, i);
    spin_unlock(&sched_lock);
    return bitmap_write(v, &op->cpumap, &outside, nr_pcpus);
}

static int create(struct xen_sysctl_cpupool_op *op)
{
    const struct sched_policy *policy = sched_policy_by_id((int)op->sched_id);

    return policy ? cpupool_create(&op->cpupool_id, policy) : -XEN_ENOENT;
}

static int move_domain(const struct xen_sysctl_cpupool_op *op)
{
    struct domain *d = op->domid < MAX_DOMAINS ? domain_get((domid_t)op->domid) : NULL;

    if (!d)
        return -XEN_ESRCH;
    int err = cpupool_move_domain(d, op->cpupool_id);
    domain_put(d);
    return err;
}

int sysctl_cpupool_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_cpupool_op *op = &s->u.cpupool_op;

    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return create(op);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        return cpupool_destroy(op->cpupool_id);
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(v, op);
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return cpupool_add_pcpu(op->cpupool_id, op->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return cpupool_remove_pcpu(op->cpupool_id, op->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return move_domain(op);
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
static int pool_put(struct sched_pool *pool, const struct xen_sysctl_scheduler_op *op)
{
    const struct sched_policy *p = pool->policy;
    int64_t value[SCHED_MAX_PARAMS];
    int err = 0;

    memcpy(value, pool->value, sizeof value);
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
    return err ? err : sched_pool_set(pool, value, now(), NULL);
}

static void pool_get(const struct sched_pool *pool, struct xen_sysctl_scheduler_op *op)
{
    const struct sched_policy *p = pool->policy;

    if (p->id == XEN_SCHEDULER_CREDIT)
        to_credit(p, pool->value, &op->u.sched_credit);
    else
        op->u.sched_credit2.ratelimit_us =
            (uint32_t)(sched_value(p, SCHED_PARAM_POOL, "ratelimit", pool->value) / 1000);
}

static int scheduler_op_locked(struct xen_sysctl_scheduler_op *op)
{
    struct sched_pool *pool = cpupool_find(op->cpupool_id);

    if (!pool)
        return -XEN_ESRCH;
    if (op->sched_id != (uint32_t)pool->policy->id)
        return -XEN_EINVAL;
    if (op->sched_id != XEN_SCHEDULER_CREDIT && op->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EOPNOTSUPP; /* the interface has no parameters for it */
    if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo)
        return pool_put(pool, op);
    if (op->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
        return -XEN_EINVAL;
    pool_get(pool, op);
    return 0;
}

int sysctl_scheduler_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_scheduler_op *op = &s->u.scheduler_op;

    (void)v;
    spin_lock(&sched_lock);
    int err = scheduler_op_locked(op);
    spin_unlock(&sched_lock);
    return err;
}
