/* Caps as token buckets: see budget.h. */
#include "budget.h"
#include "policy.h"

void budget_init(struct sched_domain *d)
{
    d->budget = (struct sched_budget){0};
    list_init(&d->budget.parked);
    heap_node_init(&d->budget.refill);
}

void budget_set(struct sched_domain *d, int64_t cap, sched_time period, sched_time now)
{
    struct sched_budget *b = &d->budget;

    b->cap = cap;
    b->depth = cap * period / 100;
    b->free = b->held = b->rest = 0;
    b->updated = now;
}

int budget_check(const struct sched_domain *d, int64_t cap, struct sched_refusal *why)
{
    int64_t most = 100LL * (d->nr_units ? d->nr_units : 1);

    if (cap > most)
        return refuse(why, SCHED_EINVAL, "cap", "is more than 100 per cent for each vCPU", most);
    return 0;
}

/*
 * Brings the bucket up to `now`: held tokens burn with every unit that runs,
 * free ones flow in, and both together fill the bucket at most.
 */
static void refill(struct sched_budget *b, sched_time now)
{
    sched_time dt = now - b->updated;
    int64_t in = time_min(dt, SEC) * b->cap + b->rest; /* a second fills any bucket */

    b->updated = now;
    b->held -= dt * b->running;
    b->free += in / 100;
    b->rest = in % 100;
    int64_t room = b->depth - time_max(b->held, 0);
    if (b->free > room) {
        b->free = room;
        b->rest = 0;
    }
}

/* What one unit takes at a time, so that its siblings get some too. */
static int64_t quota_of(const struct sched_domain *d)
{
    int64_t part = d->budget.depth / (d->nr_units ? d->nr_units : 1);
    return time_max(part, time_min(d->budget.depth, BUDGET_MIN_QUOTA));
}

bool budget_available(struct sched_domain *d, sched_time now)
{
    if (!budget_capped(d))
        return true;
    refill(&d->budget, now);
    return d->budget.free > 0 && d->budget.free >= quota_of(d) / BUDGET_START;
}

sched_time budget_start(struct sched_unit *u, sched_time now)
{
    struct sched_domain *d = u->domain;

    if (!budget_capped(d))
        return SCHED_NEVER;
    if (!budget_available(d, now))
        return 0;
    u->quota = time_min(d->budget.free, quota_of(d));
    u->quota_start = u->service;
    d->budget.free -= u->quota;
    d->budget.held += u->quota;
    d->budget.running++;
    return u->quota;
}

void budget_stop(struct sched_unit *u, sched_time now)
{
    struct sched_budget *b = &u->domain->budget;

    if (!u->quota)
        return;
    refill(b, now);
    int64_t left = u->quota - (u->service - u->quota_start);
    b->running--;
    b->held -= left;
    b->free += left; /* an overrun is paid back from the bucket */
    u->quota = 0;
}

static sched_time ready_at(struct sched_domain *d, sched_time now)
{
    struct sched_budget *b = &d->budget;

    refill(b, now);
    int64_t missing = (quota_of(d) / BUDGET_READY - b->free) * 100 - b->rest;
    return missing <= 0 ? now : now + (missing + b->cap - 1) / b->cap;
}

void budget_park(struct sched_unit *u, sched_time now)
{
    struct sched_domain *d = u->domain;
    sched_time at = time_max(ready_at(d, now), now + 1);

    list_add_tail(&d->budget.parked, &u->park_link);
    if (!heap_queued(&d->budget.refill))
        heap_insert(&d->pool->refills, &d->budget.refill, at);
    core_timer(d->pool, at);
}

void budget_unpark(struct sched_unit *u)
{
    struct sched_domain *d = u->domain;

    list_del(&u->park_link);
    if (list_empty(&d->budget.parked) && heap_queued(&d->budget.refill))
        heap_remove(&d->pool->refills, &d->budget.refill);
}

sched_time budget_tick(struct sched_pool *pool, sched_time now)
{
    while (!heap_empty(&pool->refills) && pool->refills.top->key <= now) {
        struct sched_budget *b = container_of(pool->refills.top, struct sched_budget, refill);
        heap_remove(&pool->refills, &b->refill);
        /* Whoever finds the bucket empty again parks anew, behind this batch. */
        struct list batch = b->parked;
        if (list_empty(&b->parked))
            continue;
        batch.next->prev = batch.prev->next = &batch;
        list_init(&b->parked);
        while (!list_empty(&batch)) {
            struct sched_unit *u = list_first_entry(&batch, struct sched_unit, park_link);
            list_del(&u->park_link);
            core_ready(u, now);
        }
    }
    return heap_empty(&pool->refills) ? SCHED_NEVER : pool->refills.top->key;
}
