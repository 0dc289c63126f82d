/*
 * Pools and what belongs to them: pCPUs, domains, units, and their moves from
 * pool to pool and from policy to policy while they run.
 */
#include "admission.h"
#include "budget.h"
#include "core.h"
#include "fair.h"
#include "index.h"
#include "param.h"
#include "registry.h"

/* Policy data begins behind the object, aligned for anything. */
#define DATA_ALIGN     _Alignof(max_align_t)
#define DATA_OFFSET(t) ((sizeof(t) + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN)

/* pCPUs of one socket that look at each other first: the most that a wake-up compares. */
#define CLUSTER_MAX 16

size_t sched_pool_size(void)
{
    return DATA_OFFSET(struct sched_pool) + registry_pool_data();
}

size_t sched_pcpu_size(void)
{
    return DATA_OFFSET(struct sched_pcpu) + registry_pcpu_data();
}

size_t sched_domain_size(void)
{
    return DATA_OFFSET(struct sched_domain) + registry_domain_data();
}

size_t sched_unit_size(void)
{
    return DATA_OFFSET(struct sched_unit) + registry_unit_data();
}

static void zero(void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)data)[i] = 0;
}

void sched_init(struct sched *s, const struct sched_env *env, struct sched_pcpu **pcpus,
                unsigned nr_pcpus)
{
    s->env = env;
    s->pcpus = pcpus;
    s->nr_pcpus = nr_pcpus;
    list_init(&s->free_affinities);
}

void sched_give_affinities(struct sched *s, struct sched_affinity *slots, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        list_add_tail(&s->free_affinities, &slots[i].link);
}

/* Units in no queue and on no pCPU while something about all of them changes. */
static void withdraw_all(struct sched_pool *pool, sched_time now)
{
    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            core_withdraw(u, now);
}

/* ---- a policy takes hold of the objects of its pool -------------------------- */

static void adopt_pool(struct sched_pool *pool, const struct sched_policy *policy)
{
    pool->policy = policy;
    zero(pool->data, registry_pool_data());
    param_defaults(policy, SCHED_PARAM_POOL, pool->value);
    if (policy->pool_init)
        policy->pool_init(pool);
}

static void adopt_pcpu(struct sched_pcpu *pcpu)
{
    const struct sched_policy *policy = pcpu->pool->policy;

    zero(pcpu->data, registry_pcpu_data());
    pcpu->reserved = 0;
    if (policy->pcpu_init)
        policy->pcpu_init(pcpu);
}

static void adopt_domain(struct sched_domain *d, sched_time now)
{
    const struct sched_policy *policy = d->pool->policy;

    zero(d->data, registry_domain_data());
    budget_init(d);
    param_defaults(policy, SCHED_PARAM_DOMAIN, d->value);
    if (policy->domain_init)
        policy->domain_init(d, now);
}

static void adopt_unit(struct sched_unit *u, sched_time now)
{
    const struct sched_policy *policy = u->domain->pool->policy;

    zero(u->data, registry_unit_data());
    fair_set_weight(u, 256);
    u->reserved = 0;
    u->bound = false;
    param_defaults(policy, SCHED_PARAM_UNIT, u->value);
    if (policy->unit_init)
        policy->unit_init(u, now);
}

/* ---- pools and pCPUs ---------------------------------------------------------- */

void sched_pool_init(struct sched *s, struct sched_pool *pool, unsigned id,
                     const struct sched_policy *policy)
{
    pool->id = id;
    pool->sched = s;
    pool->data = (char *)pool + DATA_OFFSET(struct sched_pool);
    pool->timer = pool->close_up = SCHED_NEVER;
    mask_clear_all(&pool->cpus);
    mask_clear_all(&pool->idle);
    mask_clear_all(&pool->content);
    list_init(&pool->domains);
    list_init(&pool->affinities);
    heap_init(&pool->index);
    heap_init(&pool->refills);
    adopt_pool(pool, policy);
}

static void remove_pcpu(struct sched_pcpu *pcpu)
{
    struct sched_pool *pool = pcpu->pool;

    mask_clear(&pool->cpus, pcpu->id);
    mask_clear(&pool->idle, pcpu->id);
    mask_clear(&pool->content, pcpu->id);
    pool->nr_cpus--;
    list_del(&pcpu->cluster);
    pcpu->pool = NULL;
}

int sched_pool_fini(struct sched_pool *pool, sched_time now)
{
    if (!list_empty(&pool->domains))
        return -SCHED_EBUSY;
    mask_for_each(id, &pool->cpus) {
        struct sched_pcpu *pcpu = pool->sched->pcpus[id];
        remove_pcpu(pcpu);
        core_resched(pcpu, now);
    }
    return 0;
}

void sched_pcpu_init(struct sched *s, struct sched_pcpu *pcpu, unsigned id, unsigned core,
                     unsigned socket, unsigned node)
{
    pcpu->id = id;
    pcpu->core = core;
    pcpu->socket = socket;
    pcpu->node = node;
    pcpu->sched = s;
    pcpu->until = SCHED_NEVER;
    pcpu->data = (char *)pcpu + DATA_OFFSET(struct sched_pcpu);
    list_init(&pcpu->cluster);
    list_init(&pcpu->units);
    list_init(&pcpu->offered);
    list_init(&pcpu->search_link);
    s->pcpus[id] = pcpu;
}

static unsigned ring_size(const struct list *ring)
{
    unsigned n = 1;
    for (const struct list *l = ring->next; l != ring; l = l->next)
        n++;
    return n;
}

/* Joins the first ring of its socket that has room. */
static void join_cluster(struct sched_pcpu *pcpu)
{
    mask_for_each(id, &pcpu->pool->cpus) {
        struct sched_pcpu *other = pcpu->sched->pcpus[id];
        if (other != pcpu && other->socket == pcpu->socket &&
            ring_size(&other->cluster) < CLUSTER_MAX) {
            list_add_tail(&other->cluster, &pcpu->cluster);
            return;
        }
    }
}

/* Effective affinity and home follow the pool's pCPUs and the reservations. */
static int settle_unit(struct sched_unit *u, sched_time now)
{
    bool was_broken = u->affinity_broken;

    if (u->affinity)
        affinity_leave(u);
    int err = affinity_join(u);
    if (err)
        return err;
    if (u->affinity_broken && !was_broken)
        core_trace(u->domain->pool, SCHED_EV_AFFINITY_BROKEN, SCHED_NO_PCPU, u, 0, now);
    if (u->bound)
        core_set_home(u, u->plan, now);
    else if (!u->home || !unit_may_run_on(u, u->home))
        core_set_home(u, balance_least_loaded(u), now);
    return 0;
}

static void settle_all(struct sched_pool *pool, sched_time now)
{
    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            settle_unit(u, now);
    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            core_resume(u, now);
}

int sched_pool_add_pcpu(struct sched_pool *pool, struct sched_pcpu *pcpu, sched_time now)
{
    if (pcpu->pool)
        return -SCHED_EBUSY;
    withdraw_all(pool, now);
    pcpu->pool = pool;
    pcpu->current = NULL;
    pcpu->clock = (struct sched_clock){0};
    mask_set(&pool->cpus, pcpu->id);
    mask_set(&pool->idle, pcpu->id);
    pool->nr_cpus++;
    join_cluster(pcpu);
    adopt_pcpu(pcpu);
    if (!reserve_ask(&(struct admission_query){.pool = pool}, NULL))
        reserve_apply(pool); /* units whose affinity was broken go back */
    settle_all(pool, now);
    core_resched(pcpu, now);
    return 0;
}

int sched_pool_remove_pcpu(struct sched_pcpu *pcpu, sched_time now, struct sched_refusal *why)
{
    struct sched_pool *pool = pcpu->pool;

    if (!pool)
        return refuse(why, SCHED_EINVAL, NULL, "the pCPU is in no pool", 0);
    if (pool->nr_cpus == 1 && !list_empty(&pool->domains))
        return refuse(why, SCHED_EBUSY, NULL, "it is the last pCPU of a pool with domains", 0);
    int err = reserve_ask(&(struct admission_query){.pool = pool, .leaving = pcpu}, why);
    if (err)
        return err;
    withdraw_all(pool, now);
    remove_pcpu(pcpu);
    reserve_apply(pool);
    settle_all(pool, now);
    core_resched(pcpu, now);
    return 0;
}

/* ---- domains and units ---------------------------------------------------------- */

/* Bound units go where the plan has them. */
static void follow_plan(struct sched_pool *pool, sched_time now)
{
    list_for_each(d, &pool->domains, struct sched_domain, pool_link) {
        list_for_each(u, &d->units, struct sched_unit, domain_link) {
            if (!u->bound || u->plan == u->home)
                continue;
            core_withdraw(u, now);
            core_set_home(u, u->plan, now);
            core_resume(u, now);
        }
    }
}

/* A reservation by default is taken if it fits; if not, the unit starts without one. */
static void reserve_default(struct sched_unit *u, sched_time now)
{
    const struct sched_change c = {.scope = SCHED_PARAM_UNIT,
                                   .pool = u->domain->pool,
                                   .domain = u->domain,
                                   .unit = u,
                                   .value = u->value};

    if (!c.pool->policy->demand ||
        reserve_ask(&(struct admission_query){.pool = c.pool, .change = &c}, NULL))
        return;
    reserve_apply(c.pool);
    follow_plan(c.pool, now);
}

/* The unit, in no pool so far, joins its domain's. */
static int attach_unit(struct sched_unit *u, sched_time now)
{
    int err = settle_unit(u, now);

    if (err)
        return err;
    u->state = SCHED_BLOCKED;
    u->vtime = fair_clock(u->home, now);
    adopt_unit(u, now);
    reserve_default(u, now);
    return 0;
}

static void detach_unit(struct sched_unit *u, sched_time now)
{
    const struct sched_policy *policy = u->domain->pool->policy;

    core_withdraw(u, now);
    if (policy->unit_fini)
        policy->unit_fini(u, now);
    u->home->reserved -= u->reserved;
    u->reserved = u->plan_util = 0;
    u->plan = NULL;
    u->bound = false;
    affinity_leave(u);
    list_del(&u->home_link);
    u->home = NULL;
    u->state = SCHED_DETACHED;
}

int sched_domain_init(struct sched_domain *d, unsigned id, struct sched_pool *pool, bool privileged,
                      sched_time now)
{
    if (!pool->nr_cpus)
        return -SCHED_EBUSY;
    d->id = id;
    d->pool = pool;
    d->privileged = privileged;
    d->data = (char *)d + DATA_OFFSET(struct sched_domain);
    list_init(&d->units);
    list_add_tail(&pool->domains, &d->pool_link);
    adopt_domain(d, now);
    return 0;
}

void sched_domain_fini(struct sched_domain *d)
{
    list_del(&d->pool_link);
    d->pool = NULL;
}

int sched_unit_init(struct sched_unit *u, struct sched_domain *d, unsigned id, unsigned vcpu,
                    sched_time now)
{
    u->id = id;
    u->vcpu = vcpu;
    u->domain = d;
    u->data = (char *)u + DATA_OFFSET(struct sched_unit);
    list_init(&u->home_link);
    list_init(&u->offer_link);
    list_init(&u->park_link);
    list_init(&u->level_link);
    heap_node_init(&u->index_node);
    heap_node_init(&u->level_node);
    mask_fill(&u->hard, SCHED_MAX_PCPUS);
    list_add_tail(&d->units, &u->domain_link);
    d->nr_units++;
    int err = attach_unit(u, now);
    if (err) {
        list_del(&u->domain_link);
        d->nr_units--;
    }
    return err;
}

void sched_unit_fini(struct sched_unit *u, sched_time now)
{
    detach_unit(u, now);
    list_del(&u->domain_link);
    u->domain->nr_units--;
}

int sched_domain_move(struct sched_domain *d, struct sched_pool *pool, sched_time now,
                      struct sched_refusal *why)
{
    struct kept_params kept = param_keep(d);

    if (d->pool == pool)
        return 0;
    if (!pool->nr_cpus)
        return refuse(why, SCHED_EBUSY, NULL, "the pool has no pCPU", 0);
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        detach_unit(u, now);
    list_del(&d->pool_link);
    d->pool = pool;
    list_add_tail(&pool->domains, &d->pool_link);
    adopt_domain(d, now);
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        attach_unit(u, now); /* the slots just freed are there at least */
    param_restore(d, &kept, now);
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        core_resume(u, now);
    return 0;
}

int sched_pool_switch(struct sched_pool *pool, const struct sched_policy *policy, sched_time now,
                      struct sched_refusal *why)
{
    if (!policy)
        return refuse(why, SCHED_ENOENT, NULL, "there is no such policy", 0);
    list_for_each(d, &pool->domains, struct sched_domain, pool_link) {
        d->kept = param_keep(d);
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            detach_unit(u, now);
    }
    adopt_pool(pool, policy);
    mask_for_each(id, &pool->cpus) {
        pool->sched->pcpus[id]->clock = (struct sched_clock){0};
        adopt_pcpu(pool->sched->pcpus[id]);
    }
    list_for_each(d, &pool->domains, struct sched_domain, pool_link) {
        adopt_domain(d, now);
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            attach_unit(u, now);
        param_restore(d, &d->kept, now);
    }
    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            core_resume(u, now);
    return 0;
}

int sched_set_affinity(struct sched_unit *u, const struct mask *hard, const struct mask *soft,
                       sched_time now, struct sched_refusal *why)
{
    struct sched_pool *pool = u->domain->pool;
    struct mask all;

    mask_fill(&all, SCHED_MAX_PCPUS);
    if (!hard)
        hard = &all;
    if (!mask_intersects(hard, &pool->cpus))
        return refuse(why, SCHED_EINVAL, NULL, "no pCPU of the pool is in the hard affinity", 0);
    int err = reserve_ask(&(struct admission_query){.pool = pool, .unit = u, .hard = hard}, why);
    if (err)
        return err;
    u->hard = *hard;
    u->has_soft = soft != NULL;
    if (soft)
        u->soft = *soft;
    if (pool->policy->demand) {
        withdraw_all(pool, now);
        reserve_apply(pool);
        settle_all(pool, now);
        return 0;
    }
    core_withdraw(u, now);
    settle_unit(u, now); /* the slot just freed is there at least */
    core_resume(u, now);
    return 0;
}
