#include "fluid.h"

#include <math.h>
#include <stdlib.h>

/* Less work than this is rounding. */
#define CRUMB 0.5

bool fluid_init(struct fluid *f, unsigned nr_units, unsigned nr_pools, unsigned nr_groups)
{
    f->nr_units = nr_units;
    f->nr_pools = nr_pools;
    f->nr_groups = nr_groups;
    f->units = calloc(nr_units + 1, sizeof(*f->units));
    f->pools = calloc(nr_pools, sizeof(*f->pools));
    f->caps = calloc(nr_groups + 1, sizeof(*f->caps));
    f->scratch = calloc(nr_units + 1, sizeof(*f->scratch));
    if (!f->units || !f->pools || !f->caps || !f->scratch)
        return false;
    for (unsigned i = 0; i < nr_units; i++) {
        list_init(&f->units[i].link);
        f->units[i].pool = FLUID_NOWHERE;
    }
    for (unsigned i = 0; i < nr_pools; i++) {
        list_init(&f->pools[i].active);
        f->pools[i].next = SCHED_NEVER;
    }
    return true;
}

void fluid_free(struct fluid *f)
{
    free(f->units);
    free(f->pools);
    free(f->caps);
    free(f->scratch);
}

/* ---- time passes ------------------------------------------------------------- */

static void deactivate(struct fluid *f, struct fluid_unit *u)
{
    if (!list_linked(&u->link))
        return;
    list_del(&u->link);
    f->pools[u->pool].nr_active--;
    f->pools[u->pool].changed = true;
    u->rate = 0;
}

static void activate(struct fluid *f, struct fluid_unit *u)
{
    if (u->pool == FLUID_NOWHERE || !(u->backlog > 0) || list_linked(&u->link))
        return;
    list_add_tail(&f->pools[u->pool].active, &u->link);
    f->pools[u->pool].nr_active++;
    f->pools[u->pool].changed = true;
}

static double served_since(const struct fluid_unit *u, sched_time passed)
{
    return fmin(u->backlog, u->rate * (double)passed);
}

static void serve(struct fluid *f, struct fluid_unit *u, sched_time passed)
{
    double work = served_since(u, passed);

    if (u->backlog - work < CRUMB)
        work = u->backlog;
    u->service += work;
    u->backlog -= work;
    if (u->backlog <= 0)
        deactivate(f, u);
}

/* Counts the work of the pool's units up to now. */
static void settle(struct fluid *f, struct fluid_pool *pool, sched_time now)
{
    sched_time passed = now - pool->settled;

    if (!passed)
        return;
    pool->settled = now;
    pool->stale = true;
    list_for_each_safe(u, &pool->active, struct fluid_unit, link) {
        serve(f, u, passed);
        f->note(f->ctx, (unsigned)(u - f->units), u->service, now);
    }
}

double fluid_service(const struct fluid *f, unsigned unit, sched_time now)
{
    const struct fluid_unit *u = &f->units[unit];

    if (!list_linked(&u->link))
        return u->service;
    return u->service + served_since(u, now - f->pools[u->pool].settled);
}

/* ---- changes -------------------------------------------------------------------- */

void fluid_demand(struct fluid *f, unsigned unit, sched_time work, sched_time now)
{
    struct fluid_unit *u = &f->units[unit];

    if (u->pool != FLUID_NOWHERE)
        settle(f, &f->pools[u->pool], now);
    u->backlog += work == SCHED_NEVER ? INFINITY : (double)work;
    if (u->pool != FLUID_NOWHERE)
        f->pools[u->pool].stale = true;
    activate(f, u);
}

void fluid_forget(struct fluid *f, unsigned unit, sched_time now)
{
    struct fluid_unit *u = &f->units[unit];

    if (u->pool != FLUID_NOWHERE)
        settle(f, &f->pools[u->pool], now);
    deactivate(f, u);
    u->backlog = 0;
}

void fluid_place(struct fluid *f, unsigned unit, int pool, int group, double weight,
                 const struct mask *hard, sched_time now)
{
    struct fluid_unit *u = &f->units[unit];

    if (u->pool != FLUID_NOWHERE)
        settle(f, &f->pools[u->pool], now);
    deactivate(f, u);
    u->pool = pool;
    u->group = group;
    u->weight = weight;
    u->hard = hard;
    if (pool != FLUID_NOWHERE)
        settle(f, &f->pools[pool], now);
    activate(f, u);
}

void fluid_cap(struct fluid *f, unsigned group, double cap, sched_time now)
{
    if (f->caps[group] == cap)
        return;
    f->caps[group] = cap;
    for (unsigned i = 0; i < f->nr_pools; i++) {
        settle(f, &f->pools[i], now);
        f->pools[i].changed = true;
    }
}

/* ---- rates ----------------------------------------------------------------------- */

static bool find_rates(struct fluid *f, struct fluid_pool *pool)
{
    unsigned n = 0;

    list_for_each(u, &pool->active, struct fluid_unit, link)
        f->scratch[n++] = (struct ideal_unit){.weight = u->weight,
                                              .hard = u->hard,
                                              .limit = 1,
                                              .group = f->caps[u->group] > 0 ? u->group : -1};
    if (n && ideal_rates(f->scratch, n, f->caps, f->nr_groups))
        return false;
    n = 0;
    list_for_each(u, &pool->active, struct fluid_unit, link)
        u->rate = f->scratch[n++].rate;
    return true;
}

static sched_time time_left(const struct fluid_unit *u)
{
    double left = ceil(u->backlog / u->rate); /* inf or NaN if it is never served or a hog */

    if (!(left < (double)(SCHED_NEVER / 2)))
        return SCHED_NEVER / 2;
    return left >= 1 ? (sched_time)left : 1;
}

static sched_time find_next(const struct fluid_pool *pool)
{
    sched_time least = SCHED_NEVER / 2;

    list_for_each(u, &pool->active, struct fluid_unit, link) {
        sched_time left = time_left(u);
        if (left < least)
            least = left;
    }
    return least == SCHED_NEVER / 2 ? SCHED_NEVER : pool->settled + least;
}

sched_time fluid_update(struct fluid *f, sched_time now, bool *error)
{
    sched_time next = SCHED_NEVER;

    for (unsigned i = 0; i < f->nr_pools; i++) {
        struct fluid_pool *pool = &f->pools[i];
        if (pool->next <= now || pool->changed)
            settle(f, pool, now);
        if (pool->changed && !find_rates(f, pool))
            *error = true;
        if (pool->changed || pool->stale)
            pool->next = find_next(pool);
        pool->changed = pool->stale = false;
        if (pool->next < next)
            next = pool->next;
    }
    return next;
}
