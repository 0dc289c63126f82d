/*
 * Null: at most one unit on each pCPU, and no scheduling at all.
 *
 * Design. A unit that becomes runnable takes a pCPU for itself: its home if
 * that is free, else the first free one that it prefers, else the first free
 * one that it may use. It keeps the pCPU while it sleeps, is paused or
 * offline, until it ends, leaves the pool, or its affinity forbids the pCPU.
 * Units that find none wait (parked) in a line, first come first served; a
 * pCPU that becomes free takes the first in the line that prefers it, else the
 * first that may use it.
 *
 * Invariants. pcpu->owner and unit->pcpu point to each other. A parked unit is
 * in the line, and no free pCPU of the pool could take it (once the pool's
 * timer, which hands out freed pCPUs, has run).
 *
 * Promises. A unit that has a pCPU runs on it whenever it wants to, at once.
 *
 * Known to be bad at. UNITS IN THE LINE STARVE for as long as the others keep
 * their pCPUs, which may be for ever. pCPUs of sleeping units stay idle: not
 * work conserving. pCPUs are given away one at a time, so a unit that may run
 * anywhere can take the only pCPU that a pinned one may use. If the affinity
 * of a sleeper forbids its pCPU, that is freed when the sleeper wakes.
 *
 * Source. The behaviour documented for Xen's null scheduler (Xen 4.9 on).
 */
#include "policy.h"

struct null_pool {
    struct mask free; /* pCPUs without an owner; may name some that left the pool */
    struct list line; /* of null_unit, by ticket */
    uint64_t tickets;
};

struct null_pcpu {
    struct sched_unit *owner;
};

struct null_unit {
    struct list link; /* in the line */
    struct sched_unit *unit;
    struct sched_pool *pool;
    struct sched_pcpu *pcpu; /* its own, if that agrees; see has_pcpu */
    uint64_t ticket;         /* place in the line, kept until it gets a pCPU; 0: never waited */
    bool queued;
};

static struct null_pool *null_pool(const struct sched_pool *pool)
{
    return pool->data;
}

static struct null_pcpu *null_pcpu(const struct sched_pcpu *p)
{
    return p->data;
}

static struct null_unit *null_unit(const struct sched_unit *u)
{
    return u->data;
}

static void null_pool_init(struct sched_pool *pool)
{
    mask_clear_all(&null_pool(pool)->free);
    list_init(&null_pool(pool)->line);
}

static void null_pcpu_init(struct sched_pcpu *p)
{
    mask_set(&null_pool(p->pool)->free, p->id);
}

static void null_unit_init(struct sched_unit *u, sched_time now)
{
    struct null_unit *n = null_unit(u);

    (void)now;
    list_init(&n->link);
    n->unit = u;
    n->pool = u->domain->pool;
}

/* A pCPU that left the pool forgot its owner, but the owner does not know yet. */
static bool has_pcpu(const struct null_unit *n)
{
    return n->pcpu && n->pcpu->pool == n->pool && null_pcpu(n->pcpu)->owner == n->unit;
}

static void release(struct null_unit *n, sched_time now)
{
    struct null_pool *np = null_pool(n->pool);

    if (has_pcpu(n)) {
        null_pcpu(n->pcpu)->owner = NULL;
        mask_set(&np->free, n->pcpu->id);
        if (!list_empty(&np->line))
            core_timer(n->pool, now);
    }
    n->pcpu = NULL;
}

static void assign(struct null_unit *n, struct sched_pcpu *p)
{
    null_pcpu(p)->owner = n->unit;
    mask_clear(&null_pool(n->pool)->free, p->id);
    n->pcpu = p;
    n->ticket = 0;
}

static int free_pcpu(const struct null_unit *n, const struct mask *allowed)
{
    const struct mask *free = &null_pool(n->pool)->free;
    unsigned home = n->unit->home->id;

    if (mask_test(free, home) && mask_test(allowed, home))
        return (int)home;
    return mask_next_common(free, allowed, 0);
}

static bool take_free_pcpu(struct null_unit *n)
{
    int id = free_pcpu(n, &n->unit->affinity->soft);

    if (id == MASK_NONE)
        id = free_pcpu(n, &n->unit->affinity->hard);
    if (id == MASK_NONE)
        return false;
    assign(n, n->pool->sched->pcpus[id]);
    return true;
}

static void join_line(struct null_unit *n, sched_time now)
{
    struct null_pool *np = null_pool(n->pool);
    struct list *before = np->line.prev;

    if (!n->ticket)
        n->ticket = ++np->tickets;
    while (before != &np->line && list_entry(before, struct null_unit, link)->ticket > n->ticket)
        before = before->prev;
    list_add_head(before, &n->link);
    if (mask_intersects(&np->free, &n->unit->affinity->hard))
        core_timer(n->pool, now);
}

static bool null_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct null_unit *n = null_unit(u);

    if (!has_pcpu(n) || !unit_may_run_on(u, n->pcpu)) {
        release(n, now);
        /* A change of the pool moves all units: who waited longer may be yet to come. */
        bool first = why != SCHED_MOVED && list_empty(&null_pool(n->pool)->line);
        if (!first || !take_free_pcpu(n)) {
            join_line(n, now);
            return false;
        }
    }
    core_set_home(u, n->pcpu, now);
    n->queued = true;
    return true;
}

static void null_dequeue(struct sched_unit *u, sched_time now)
{
    (void)now;
    list_del(&null_unit(u)->link);
    null_unit(u)->queued = false;
}

static void null_unit_fini(struct sched_unit *u, sched_time now)
{
    release(null_unit(u), now);
}

static struct sched_decision null_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                       sched_time now)
{
    struct sched_unit *owner = null_pcpu(p)->owner;

    (void)prev;
    (void)now;
    if (!owner || !null_unit(owner)->queued)
        return (struct sched_decision){.until = SCHED_NEVER};
    null_unit(owner)->queued = false;
    return (struct sched_decision){.unit = owner, .until = SCHED_NEVER};
}

static sched_time null_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                  sched_time now)
{
    return null_pcpu(p)->owner == u ? now : SCHED_NEVER;
}

static struct null_unit *first_in_line(const struct null_pool *np, const struct sched_pcpu *p,
                                       bool soft)
{
    list_for_each(n, &np->line, struct null_unit, link)
        if (soft ? unit_prefers(n->unit, p) : unit_may_run_on(n->unit, p))
            return n;
    return NULL;
}

/* Hands out the free pCPUs. */
static sched_time null_tick(struct sched_pool *pool, sched_time now)
{
    struct null_pool *np = null_pool(pool);
    int id = mask_next_common(&np->free, &pool->cpus, 0);

    for (; id != MASK_NONE && !list_empty(&np->line);
         id = mask_next_common(&np->free, &pool->cpus, (unsigned)id + 1)) {
        struct sched_pcpu *p = pool->sched->pcpus[id];
        struct null_unit *n = first_in_line(np, p, true);
        if (!n)
            n = first_in_line(np, p, false);
        if (!n)
            continue;
        list_del(&n->link);
        assign(n, p);
        core_ready(n->unit, now);
    }
    return SCHED_NEVER;
}

const struct sched_policy sched_null = {
    .name = "null Scheduler",
    .opt_name = "null",
    .id = 9,
    .contract =
        "Each unit has a pCPU of its own and runs on it at once whenever it wants to; nothing "
        "preempts it. It keeps the pCPU while it sleeps. Units for which no pCPU is left wait in a "
        "line until one is freed, by the end, the departure or a new affinity of its owner, or by "
        "a pCPU added to the pool: they starve as long as that does not happen. Not work "
        "conserving; no weights, caps or reservations.",
    .pool_size = sizeof(struct null_pool),
    .pcpu_size = sizeof(struct null_pcpu),
    .unit_size = sizeof(struct null_unit),
    .pool_init = null_pool_init,
    .pcpu_init = null_pcpu_init,
    .unit_init = null_unit_init,
    .unit_fini = null_unit_fini,
    .enqueue = null_enqueue,
    .dequeue = null_dequeue,
    .pick = null_pick,
    .preempt_at = null_preempt_at,
    .tick = null_tick,
};
