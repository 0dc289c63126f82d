/*
 * Levels: units that are served alike, and what they remember of units that
 * are served differently.
 *
 * Where affinity, or the one pCPU that a unit can use at a time, keeps units
 * apart, max-min fairness serves them at different rates, and their vtimes
 * drift apart for as long as that lasts. The order of the levels matters (who
 * is better off may help), their distance does not; but when load or affinity
 * change, the distance would be paid back in CPU time by units that owe
 * nothing. So now and then the gaps between levels are closed up to GAP
 * of service: all units below a gap move up together, which changes neither
 * the order of any two units nor any distance within a level. Sleepers make no
 * level but move with theirs, or they would come back with a lag nobody owes.
 *
 * This is the one place that looks at all units of a pool. It costs
 * O(n log n) every n/256 tenths of a second, by the pool's timer: dispatch and
 * wake-ups have no part in it.
 */
#include "core.h"
#include "fair.h"
#include "index.h"

#define PERIOD           (100 * MS)
#define UNITS_PER_PERIOD 256
#define GAP              (500 * MS) /* own service: more than units of one level are ever apart */

static bool sleepers_keep_lag(const struct sched_pool *pool)
{
    unsigned banks = pool->policy->banks;
    return banks && pool->value[banks - 1];
}

static unsigned sort_units(struct sched_pool *pool, struct heap *sorted, sched_time now)
{
    bool all = !sleepers_keep_lag(pool);

    heap_init(sorted);
    mask_for_each(id, &pool->cpus)
        core_charge(pool->sched->pcpus[id], now);
    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            if (all || u->in_clock)
                heap_insert(sorted, &u->level_node, u->vtime);
    return (unsigned)sorted->size;
}

/* How much further apart than they should be. A light unit's vtime jumps far. */
static int64_t excess(const struct sched_unit *below, const struct sched_unit *above)
{
    if (!above)
        return 0;
    int64_t gap = vtime_diff(above->vtime, below->vtime);
    int64_t span = fair_to_virtual(below, GAP), other = fair_to_virtual(above, GAP);
    int64_t limit = span > other ? span : other;
    return gap > limit ? gap - limit : 0;
}

static void shift(struct sched_unit *u, int64_t by, sched_time now)
{
    bool queued = u->state == SCHED_WAITING && u->domain->pool->policy->by_vtime;

    if (queued)
        core_unqueue(u, now);
    fair_set_vtime(u, (int64_t)((uint64_t)u->vtime + (uint64_t)by));
    if (queued)
        core_queue(u, SCHED_MOVED, now);
    else if (index_holds(u))
        index_update(u, u->vtime);
}

/* From the top down: who is in the clock makes a level, the others keep their place between. */
static unsigned close_gaps(struct sched_pool *pool, sched_time now)
{
    struct heap sorted;
    struct list order;
    unsigned n = sort_units(pool, &sorted, now);
    const struct sched_unit *above = NULL;
    int64_t moved = 0; /* how far the level above has moved up */

    list_init(&order);
    while (!heap_empty(&sorted)) {
        struct sched_unit *u = heap_top_entry(&sorted, struct sched_unit, level_node);
        heap_remove(&sorted, &u->level_node);
        list_add_head(&order, &u->level_link);
    }
    while (!list_empty(&order)) {
        struct sched_unit *u = list_first_entry(&order, struct sched_unit, level_link);
        list_del(&u->level_link);
        /* `above` has moved already */
        int64_t by = time_max(moved, excess(u, above));
        if (by > 0)
            shift(u, by, now);
        if (u->in_clock) {
            above = u;
            moved = by;
        }
    }
    return n;
}

static bool all_sleep(const struct sched_pool *pool)
{
    mask_for_each(id, &pool->cpus)
        if (pool->sched->pcpus[id]->nr_runnable)
            return false;
    return true;
}

sched_time levels_tick(struct sched_pool *pool, sched_time now)
{
    if (now < pool->close_up)
        return pool->close_up;
    pool->close_up = SCHED_NEVER;
    if (pool->policy->balanced && !all_sleep(pool))
        pool->close_up = now + PERIOD * (1 + close_gaps(pool, now) / UNITS_PER_PERIOD);
    return pool->close_up;
}

void levels_watch(struct sched_pool *pool, sched_time now)
{
    if (pool->close_up != SCHED_NEVER || !pool->policy->balanced)
        return;
    pool->close_up = now + PERIOD;
    core_timer(pool, pool->close_up);
}
