/*
 * moirai_op (moirai.h): our own tools ask about policies, pools and vCPUs and
 * change what Xen's interface has no words for. Values of parameters are in
 * moirai_param.c.
 */
#include "cpupool.h"
#include "hc_moirai.h"
#include "sched_abi.h"

_Static_assert(MOIRAI_HYPERCALL == __HYPERVISOR_arch_1, "Xen leaves this number free");
_Static_assert(MOIRAI_VALUES == SCHED_MAX_PARAMS, "values of one scope");
_Static_assert(MOIRAI_WINDOWS == SCHED_TABLE_MAX, "windows of a table");
_Static_assert(MAX_PCPUS <= 64, "pCPUs are bits of one word");
_Static_assert((int)MOIRAI_SCOPE_POOL == SCHED_PARAM_POOL &&
                   (int)MOIRAI_SCOPE_DOMAIN == SCHED_PARAM_DOMAIN &&
                   (int)MOIRAI_SCOPE_VCPU == SCHED_PARAM_UNIT,
               "scopes");
_Static_assert((int)MOIRAI_COUNT == SCHED_COUNT && (int)MOIRAI_TIME == SCHED_TIME_NS &&
                   (int)MOIRAI_PERCENT == SCHED_PERCENT && (int)MOIRAI_BOOL == SCHED_BOOL,
               "kinds");

/* ---- policies ------------------------------------------------------------------------------ */

static int write_param(struct vcpu *v, uint64_t to, const struct sched_param *p)
{
    struct moirai_param out = {
        .scope = p->scope, .kind = p->kind, .min = p->min, .max = p->max, .def = p->def};

    strcopy(out.name, p->name, sizeof out.name);
    strcopy(out.help, p->help, sizeof out.help);
    return copy_to_guest(v, to, &out, sizeof out);
}

static int write_text(struct vcpu *v, uint64_t to, const char *text, size_t room)
{
    size_t length = MIN(strlen(text), room - 1);

    return copy_to_guest(v, to, text, length) || clear_guest(v, to + length, 1) ? -XEN_EFAULT : 0;
}

static int policy(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_policy *out = &op->u.policy;
    unsigned i = 0;

    (void)why;
    while (sched_policies[i] && i < out->index)
        i++;
    const struct sched_policy *p = sched_policies[i];
    if (!p)
        return -XEN_ENOENT;
    const struct sched_param *params = sched_policy_params(p, &out->nr_params);
    out->nr_params = MIN(out->nr_params, (uint32_t)MOIRAI_PARAMS);
    for (i = 0; i < out->nr_params; i++)
        if (write_param(v, out->params + i * sizeof(struct moirai_param), &params[i]))
            return -XEN_EFAULT;
    out->id = p->id;
    strcopy(out->name, sched_policy_name(p), sizeof out->name);
    strcopy(out->title, p->name, sizeof out->title);
    return write_text(v, out->contract, sched_policy_contract(p), MOIRAI_CONTRACT);
}

/* ---- pools --------------------------------------------------------------------------------- */

static int pool_info(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_pool *out = &op->u.pool;

    (void)v;
    (void)why;
    spin_lock(&sched_lock);
    const struct sched_pool *pool = cpupool_from(out->pool);
    if (pool) {
        *out = (struct moirai_pool){
            .pool = pool->id, .policy = pool->policy->id, .pcpus = pool->cpus.word[0]};
        list_for_each(d, &pool->domains, struct sched_domain, pool_link)
            out->nr_domains++;
    }
    spin_unlock(&sched_lock);
    return pool ? 0 : -XEN_ENOENT;
}

static int switch_policy(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    const struct sched_policy *to = sched_policy_by_id(op->u.change.policy);
    int err = -XEN_ENOENT;

    (void)v;
    spin_lock(&sched_lock);
    struct sched_pool *pool = cpupool_find(op->u.change.pool);
    if (pool)
        err = pool->policy == to ? 0 : sched_pool_switch(pool, to, now(), why);
    spin_unlock(&sched_lock);
    return err;
}

/* ---- what a vCPU has got --------------------------------------------------------------------- */

static void vcpu_info(const struct vcpu *of, struct moirai_vcpu *out)
{
    struct vcpu_runstate_info runstate;

    runstate_get(of, &runstate);
    memset(out, 0, sizeof *out);
    out->domain = of->domain->id;
    out->vcpu = of->id;
    out->runstate = (uint32_t)runstate.state;
    memcpy(out->time, runstate.time, sizeof out->time);
    spin_lock(&sched_lock);
    out->now = (uint64_t)now();
    out->pool = of->unit->domain->pool->id;
    out->pcpu = of->unit->home ? of->unit->home->id : 0;
    out->hard = of->unit->affinity ? of->unit->affinity->hard.word[0] : 0;
    out->migrations = of->unit->migrations;
    out->wakes = of->wake_stats.wakes;
    out->latency_sum = of->wake_stats.latency_sum;
    out->latency_max = of->wake_stats.latency_max;
    memcpy(out->latency, of->wake_stats.latency, sizeof out->latency);
    spin_unlock(&sched_lock);
}

static bool vcpu_from(const struct domain *d, uint32_t at_least, struct moirai_vcpu *out)
{
    for (uint32_t i = at_least; i < d->max_vcpus; i++) {
        if (d->vcpus[i]) {
            vcpu_info(d->vcpus[i], out);
            return true;
        }
    }
    return false;
}

static int next_vcpu(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_vcpu *out = &op->u.vcpu;
    uint32_t domain = out->domain, vcpu = out->vcpu;

    (void)v;
    (void)why;
    while (domain < MAX_DOMAINS) {
        struct domain *d = domain_get_next((domid_t)domain);
        if (!d)
            break;
        bool found = vcpu_from(d, d->id == domain ? vcpu : 0, out);
        domain = d->id + 1u;
        vcpu = 0;
        domain_put(d);
        if (found)
            return 0;
    }
    return -XEN_ENOENT;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static moirai_fn *const ops[] = {
    [MOIRAI_POLICY] = policy,
    [MOIRAI_POOL] = pool_info,
    [MOIRAI_GET] = moirai_get,
    [MOIRAI_SET] = moirai_set,
    [MOIRAI_SWITCH] = switch_policy,
    [MOIRAI_VCPU] = next_vcpu,
    [MOIRAI_GET_TABLE] = moirai_get_table,
    [MOIRAI_SET_TABLE] = moirai_set_table,
    [MOIRAI_NODE] = moirai_node,
    [MOIRAI_NODES] = moirai_nodes,
    [MOIRAI_GET_REBALANCE] = moirai_get_rebalance,
    [MOIRAI_SET_REBALANCE] = moirai_set_rebalance,
    [MOIRAI_PMU] = moirai_pmu,
    [MOIRAI_PERF_START] = moirai_perf_start,
    [MOIRAI_PERF_READ] = moirai_perf_read,
    [MOIRAI_PERF_STOP] = moirai_perf_stop,
};

static void say_why(struct moirai_refusal *out, const struct sched_refusal *why)
{
    memset(out, 0, sizeof *out);
    if (why->param)
        strcopy(out->param, why->param, sizeof out->param);
    if (why->why)
        strcopy(out->why, why->why, sizeof out->why);
    out->limit = why->limit;
}

int64_t hc_moirai(struct vcpu *v, struct hc_args *args)
{
    struct sched_refusal why = {.param = NULL};
    struct moirai_op op;
    int err = -XEN_ENOSYS;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_from_guest(v, &op, args->a[0], sizeof op))
        return -XEN_EFAULT;
    if (op.version != MOIRAI_VERSION)
        return -XEN_EACCES;
    if (op.cmd < ARRAY_SIZE(ops) && ops[op.cmd])
        err = ops[op.cmd](v, &op, &why);
    say_why(&op.refusal, &why);
    return copy_to_guest(v, args->a[0], &op, sizeof op) ? -XEN_EFAULT : err;
}
