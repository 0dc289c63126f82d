/*
 * Bin packing of reservations: see admission.h.
 *
 * Units stay where they are if they can. If a new or grown one fits nowhere, all are packed anew,
 * those that may go to the fewest pCPUs first and the big ones before the small ones, by three
 * heuristics in turn and then by a search through all packings that gives up after SEARCH_NODES
 * steps: packing is NP-hard, so a set that only a very long search could pack is refused.
 * Sorting is by repeated selection: there is no memory for an array, and parameters change rarely.
 */
#include "admission.h"
#include "policy.h"

#define SEARCH_UNITS 512
#define SEARCH_NODES 20000

/* Which of the pCPUs that have room. Worst fit spreads, which leaves slack everywhere. */
enum fit { FIT_WORST, FIT_BEST, FIT_FIRST };

uint64_t util_ratio(int64_t slice, int64_t period)
{
    uint64_t rest = (uint64_t)slice, ratio = 0;

    if (slice >= period)
        return UTIL_ONE;
    for (int bit = 0; bit < 40; bit++) {
        rest <<= 1;
        ratio <<= 1;
        if (rest >= (uint64_t)period) {
            rest -= (uint64_t)period;
            ratio |= 1;
        }
    }
    return ratio;
}

int64_t util_ppm(uint64_t util)
{
    return (int64_t)((util >> 10) * 1000000 >> 30);
}

/* ---- the question ------------------------------------------------------------ */

/* The pool's unit after `u`, the first one after NULL; NULL at the end. Units that are on their
 * way into or out of the pool do not count. */
static struct sched_unit *next_unit(const struct sched_pool *pool, const struct sched_unit *u)
{
    const struct sched_domain *d =
        u ? u->domain : list_first_entry(&pool->domains, struct sched_domain, pool_link);
    if (!d)
        return NULL;
    const struct list *l = u ? u->domain_link.next : d->units.next;

    for (;;) {
        if (l != &d->units) {
            struct sched_unit *next = list_entry(l, struct sched_unit, domain_link);
            if (next->state != SCHED_DETACHED)
                return next;
            l = l->next;
        } else if (d->pool_link.next != &pool->domains) {
            d = list_entry(d->pool_link.next, struct sched_domain, pool_link);
            l = d->units.next;
        } else {
            return NULL;
        }
    }
}

#define for_each_unit(u, pool)                                                                     \
    for (struct sched_unit *u = next_unit(pool, NULL); u; u = next_unit(pool, u))

/* What is admitted already counts, not what the unit's values say: a default that did not fit
 * when the unit came is no reservation. */
static uint64_t demand_of(const struct admission_query *q, const struct sched_unit *u)
{
    const struct sched_change *c = q->change;

    if (c && c->scope == SCHED_PARAM_UNIT && c->domain == u->domain && (!c->unit || c->unit == u))
        return q->pool->policy->demand(u, c->value);
    return u->reserved;
}

static const struct mask *hard_of(const struct admission_query *q, const struct sched_unit *u)
{
    return u == q->unit && q->hard ? q->hard : &u->hard;
}

/* Hard affinity without any pCPU in the pool counts as none. */
static bool has_pcpu(const struct admission_query *q, const struct mask *hard)
{
    int id = mask_next_common(hard, &q->pool->cpus, 0);

    if (id != MASK_NONE && q->leaving && (unsigned)id == q->leaving->id)
        id = mask_next_common(hard, &q->pool->cpus, (unsigned)id + 1);
    return id != MASK_NONE;
}

static bool allowed(const struct admission_query *q, const struct sched_unit *u,
                    const struct sched_pcpu *p)
{
    const struct mask *hard = hard_of(q, u);
    return p->pool == q->pool && p != q->leaving && (mask_test(hard, p->id) || !has_pcpu(q, hard));
}

static bool fits(const struct admission_query *q, const struct sched_unit *u,
                 const struct sched_pcpu *p)
{
    return !q->enforce || p->planned + u->plan_util <= UTIL_ONE;
}

/* ---- the plan ------------------------------------------------------------------ */

static void put(struct sched_unit *u, struct sched_pcpu *p)
{
    u->plan = p;
    p->planned += u->plan_util;
}

static void take_back(struct sched_unit *u)
{
    u->plan->planned -= u->plan_util;
    u->plan = NULL;
}

static struct sched_pcpu *pcpu_at(const struct admission_query *q, int id)
{
    return q->pool->sched->pcpus[id];
}

static void start_plan(const struct admission_query *q)
{
    mask_for_each(id, &q->pool->cpus)
        pcpu_at(q, id)->planned = 0;
    for_each_unit(u, q->pool) {
        u->plan_util = demand_of(q, u);
        u->plan = NULL;
    }
}

/* Units keep their pCPU, those with an unchanged reservation before the others. */
static void keep_places(const struct admission_query *q, bool unchanged)
{
    for_each_unit(u, q->pool)
        if (u->plan_util && !u->plan && u->bound && (u->plan_util == u->reserved) == unchanged &&
            allowed(q, u, u->home) && fits(q, u, u->home))
            put(u, u->home);
}

/* Refused: the plan is what is in force. */
static void plan_nothing(const struct admission_query *q)
{
    for_each_unit(u, q->pool) {
        u->plan = u->bound ? u->home : NULL;
        u->plan_util = u->reserved;
    }
}

static unsigned width(const struct admission_query *q, const struct sched_unit *u)
{
    return u == q->unit && q->hard ? mask_count(q->hard) : u->affinity->width;
}

/* The order in which units are packed; total. */
static bool before(const struct admission_query *q, const struct sched_unit *a,
                   const struct sched_unit *b)
{
    unsigned wa = width(q, a), wb = width(q, b);

    if (wa != wb)
        return wa < wb;
    if (a->plan_util != b->plan_util)
        return a->plan_util > b->plan_util;
    return a->id < b->id;
}

static struct sched_unit *first_unplaced(const struct admission_query *q)
{
    struct sched_unit *first = NULL;

    for_each_unit(u, q->pool)
        if (u->plan_util && !u->plan && (!first || before(q, u, first)))
            first = u;
    return first;
}

static bool better(const struct sched_unit *u, const struct sched_pcpu *p,
                   const struct sched_pcpu *best, enum fit fit)
{
    if (!best)
        return true;
    if (p->planned == best->planned)
        return p == u->home && fit != FIT_FIRST;
    return fit == FIT_WORST ? p->planned < best->planned
                            : fit == FIT_BEST && p->planned > best->planned;
}

static struct sched_pcpu *choose(const struct admission_query *q, const struct sched_unit *u,
                                 enum fit fit, bool soft)
{
    struct sched_pcpu *best = NULL;

    mask_for_each(id, &q->pool->cpus) {
        struct sched_pcpu *p = pcpu_at(q, id);
        if (allowed(q, u, p) && fits(q, u, p) && (!soft || mask_test(&u->soft, p->id)) &&
            better(u, p, best, fit))
            best = p;
    }
    return best;
}

/* Gives every unit that has none a pCPU; soft affinity is honoured if there is room. */
static bool place_rest(const struct admission_query *q, enum fit fit)
{
    struct sched_unit *u;

    while ((u = first_unplaced(q)) != NULL) {
        struct sched_pcpu *p = u->has_soft ? choose(q, u, fit, true) : NULL;
        if (!p)
            p = choose(q, u, fit, false);
        if (!p)
            return false;
        put(u, p);
    }
    return true;
}

/* ---- the search ------------------------------------------------------------------ */

/* The reserved unit next to `u` in packing order; from NULL the first. */
static struct sched_unit *neighbour(const struct admission_query *q, const struct sched_unit *u,
                                    bool forward)
{
    struct sched_unit *next = NULL;

    for_each_unit(v, q->pool) {
        if (!v->plan_util || v == u || (u && before(q, u, v) != forward))
            continue;
        if (!next || before(q, v, next) == forward)
            next = v;
    }
    return next;
}

/* pCPUs that are filled alike need to be tried only once if every unit may go to all. */
static bool all_alike(const struct admission_query *q)
{
    for_each_unit(u, q->pool)
        mask_for_each(id, &q->pool->cpus)
            if (u->plan_util && pcpu_at(q, id) != q->leaving && !allowed(q, u, pcpu_at(q, id)))
                return false;
    return true;
}

static bool tried_like(const struct admission_query *q, const struct sched_pcpu *p)
{
    mask_for_each(id, &q->pool->cpus) {
        const struct sched_pcpu *other = pcpu_at(q, id);
        if (other == p)
            return false;
        if (other != q->leaving && other->planned == p->planned)
            return true;
    }
    return false;
}

static struct sched_pcpu *next_try(const struct admission_query *q, const struct sched_unit *u,
                                   unsigned from, bool alike)
{
    for (int id = mask_next(&q->pool->cpus, from); id != MASK_NONE;
         id = mask_next(&q->pool->cpus, (unsigned)id + 1)) {
        struct sched_pcpu *p = pcpu_at(q, id);
        if (allowed(q, u, p) && fits(q, u, p) && !(alike && tried_like(q, p)))
            return p;
    }
    return NULL;
}

/* Depth first; the path is in the plans of the units in packing order. */
static bool search(const struct admission_query *q)
{
    struct sched_unit *u = neighbour(q, NULL, true);
    bool alike = all_alike(q);
    unsigned from = 0;

    for (unsigned node = 0; u && node < SEARCH_NODES; node++) {
        struct sched_pcpu *p = next_try(q, u, from, alike);
        if (p) {
            put(u, p);
            u = neighbour(q, u, true);
            from = 0;
            if (!u)
                return true;
        } else {
            u = neighbour(q, u, false);
            if (u) {
                from = u->plan->id + 1;
                take_back(u);
            }
        }
    }
    return false;
}

static bool may_fit(const struct admission_query *q, unsigned *nr)
{
    uint64_t pcpus = q->pool->nr_cpus - (q->leaving != NULL);
    uint64_t sum = 0;

    *nr = 0;
    for_each_unit(u, q->pool) {
        sum += u->plan_util;
        *nr += u->plan_util != 0;
    }
    return sum <= pcpus * UTIL_ONE;
}

static bool repack(const struct admission_query *q)
{
    unsigned nr;

    if (!may_fit(q, &nr))
        return false;
    for (int fit = FIT_WORST; fit <= FIT_FIRST; fit++) {
        start_plan(q);
        if (place_rest(q, (enum fit)fit))
            return true;
    }
    start_plan(q);
    return nr <= SEARCH_UNITS && search(q);
}

/* ---- the answer --------------------------------------------------------------------- */

static bool place_in_gaps(const struct admission_query *q)
{
    start_plan(q);
    keep_places(q, true);
    keep_places(q, false);
    return place_rest(q, FIT_WORST);
}

static int refuse_plan(const struct admission_query *q, struct sched_refusal *why)
{
    uint64_t most = 0;

    place_in_gaps(q);
    const struct sched_unit *u = first_unplaced(q);
    mask_for_each(id, &q->pool->cpus) {
        const struct sched_pcpu *p = pcpu_at(q, id);
        if (allowed(q, u, p) && p->planned < UTIL_ONE && UTIL_ONE - p->planned > most)
            most = UTIL_ONE - p->planned;
    }
    plan_nothing(q);
    return refuse(why, SCHED_ENOSPC, NULL,
                  "the reservation fits on no pCPU that the vCPU may use; free on the best, in "
                  "millionths of a pCPU",
                  util_ppm(most));
}

int admission_plan(const struct admission_query *q, struct sched_refusal *why)
{
    if (place_in_gaps(q) || repack(q))
        return 0;
    return refuse_plan(q, why);
}
