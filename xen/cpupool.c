/* Pools: a list by number, under sched_lock, and the timer of each. */
#include "cpupool.h"

struct cpupool {
    struct list link;
    struct timer timer;
    struct sched_pool pool aligned_to(64); /* the policy's data follows */
};

struct sched_pool *pool0;

static struct list pools = {&pools, &pools};

static struct cpupool *cpupool_with(struct sched_pool *pool)
{
    return container_of(pool, struct cpupool, pool);
}

/* ---- the timer ----------------------------------------------------------------------------- */

static void tick(struct timer *t)
{
    spin_lock(&sched_lock);
    sched_tick(&container_of(t, struct cpupool, timer)->pool, now());
    spin_unlock(&sched_lock);
}

void cpupool_timer(void *ctx, struct sched_pool *pool, sched_time when)
{
    (void)ctx;
    timer_set(&cpupool_with(pool)->timer, when);
}

/* ---- finding ------------------------------------------------------------------------------- */

struct sched_pool *cpupool_from(uint32_t at_least)
{
    list_for_each(p, &pools, struct cpupool, link)
        if (p->pool.id >= at_least)
            return &p->pool;
    return NULL;
}

struct sched_pool *cpupool_find(uint32_t id)
{
    struct sched_pool *pool = cpupool_from(id);

    return pool && pool->id == id ? pool : NULL;
}

uint32_t cpupool_of(const struct domain *d)
{
    spin_lock(&sched_lock);
    uint32_t id = d->sched->pool->id;
    spin_unlock(&sched_lock);
    return id;
}

/* ---- making and unmaking ------------------------------------------------------------------- */

static struct cpupool *alloc_pool(void)
{
    struct cpupool *p = xmalloc(offsetof(struct cpupool, pool) + sched_pool_size());

    if (p)
        timer_init(&p->timer, tick);
    return p;
}

static uint32_t free_id(void)
{
    uint32_t id = 0;

    list_for_each(p, &pools, struct cpupool, link) {
        if (p->pool.id != id)
            break;
        id++;
    }
    return id;
}

static void list_pool(struct cpupool *p)
{
    struct list *after = &pools;

    list_for_each(other, &pools, struct cpupool, link)
        if (other->pool.id < p->pool.id)
            after = &other->link;
    list_add_head(after, &p->link);
}

void cpupools_init(struct sched *s, const struct sched_policy *policy)
{
    struct cpupool *p = alloc_pool();

    if (!p)
        panic("no memory for the scheduler");
    pool0 = &p->pool;
    sched_pool_init(s, pool0, 0, policy);
    list_pool(p);
}

int cpupool_create(uint32_t *id, const struct sched_policy *policy)
{
    struct cpupool *p = alloc_pool();
    int err = 0;

    if (!p)
        return -XEN_ENOMEM;
    spin_lock(&sched_lock);
    if (*id == CPUPOOL_ANY)
        *id = free_id();
    else if (cpupool_find(*id))
        err = -XEN_EEXIST;
    if (!err) {
        sched_pool_init(pool0->sched, &p->pool, *id, policy);
        list_pool(p);
    }
    spin_unlock(&sched_lock);
    if (err)
        xfree(p);
    return err;
}

int cpupool_destroy(uint32_t id)
{
    int err = -XEN_ENOENT;

    spin_lock(&sched_lock);
    struct sched_pool *pool = cpupool_find(id);
    if (pool)
        err = pool->nr_cpus ? -XEN_EBUSY : sched_pool_fini(pool, now());
    if (!err)
        list_del(&cpupool_with(pool)->link);
    spin_unlock(&sched_lock);
    if (err)
        return err;
    timer_fini(&cpupool_with(pool)->timer);
    xfree(cpupool_with(pool));
    return 0;
}

/* ---- pCPUs --------------------------------------------------------------------------------- */

bool cpupool_is_free(const struct pcpu *p)
{
    return p->online && !p->sched->pool;
}

static uint32_t first_free(void)
{
    uint32_t i = 0;

    while (i < nr_pcpus && !cpupool_is_free(pcpus[i]))
        i++;
    return i;
}

static uint32_t last_of(const struct sched_pool *pool)
{
    uint32_t i = nr_pcpus;

    while (i && pcpus[i - 1]->sched->pool != pool)
        i--;
    return i ? i - 1 : nr_pcpus;
}

static int add_pcpu(struct sched_pool *pool, uint32_t pcpu)
{
    if (!pool)
        return -XEN_ENOENT;
    if (pcpu == CPUPOOL_ANY)
        pcpu = first_free();
    else if (pcpu >= nr_pcpus)
        return -XEN_EINVAL;
    if (pcpu >= nr_pcpus || !cpupool_is_free(pcpus[pcpu]))
        return -XEN_ENODEV;
    return sched_pool_add_pcpu(pool, pcpus[pcpu]->sched, now());
}

int cpupool_add_pcpu(uint32_t id, uint32_t pcpu)
{
    spin_lock(&sched_lock);
    int err = add_pcpu(cpupool_find(id), pcpu);
    spin_unlock(&sched_lock);
    return err;
}

/* What runs there leaves as soon as the pCPU has looked; whoever takes it over waits for that. */
static int remove_pcpu(struct sched_pool *pool, uint32_t pcpu)
{
    if (!pool)
        return -XEN_ENOENT;
    if (pcpu == CPUPOOL_ANY)
        pcpu = last_of(pool);
    if (pcpu >= nr_pcpus)
        return -XEN_EINVAL;
    if (pcpus[pcpu]->sched->pool != pool)
        return -XEN_EADDRNOTAVAIL;
    return sched_pool_remove_pcpu(pcpus[pcpu]->sched, now(), NULL);
}

int cpupool_remove_pcpu(uint32_t id, uint32_t pcpu)
{
    spin_lock(&sched_lock);
    int err = remove_pcpu(cpupool_find(id), pcpu);
    spin_unlock(&sched_lock);
    return err;
}

static int offline(struct pcpu *p)
{
    int err = 0;

    if (!p->online)
        return -XEN_EEXIST;
    if (!cpupool_is_free(p))
        err = p->sched->pool == pool0 ? sched_pool_remove_pcpu(p->sched, now(), NULL) : -XEN_ENODEV;
    if (!err)
        p->online = false;
    return err;
}

int cpupool_offline_pcpu(struct pcpu *p)
{
    spin_lock(&sched_lock);
    int err = offline(p);
    spin_unlock(&sched_lock);
    return err;
}

int cpupool_online_pcpu(struct pcpu *p)
{
    int err = -XEN_EEXIST;

    spin_lock(&sched_lock);
    if (!p->online) {
        p->online = true;
        err = sched_pool_add_pcpu(pool0, p->sched, now());
    }
    spin_unlock(&sched_lock);
    return err;
}

/* ---- domains ------------------------------------------------------------------------------- */

int cpupool_move_domain(struct domain *d, uint32_t id)
{
    int err = -XEN_ENOENT;

    if (is_dom0(d))
        return -XEN_EPERM;
    spin_lock(&sched_lock);
    struct sched_pool *pool = cpupool_find(id);
    if (pool && pool->nr_cpus)
        err = sched_domain_move(d->sched, pool, now(), NULL);
    spin_unlock(&sched_lock);
    return err;
}
