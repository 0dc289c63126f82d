/*
 * Credit: proportional shares with caps and a boost for units that wake
 * (the default of Xen from 3.0.3 to 4.11).
 *
 * Design. A unit is UNDER while it has used no more than its share and OVER
 * afterwards. A unit that wakes in UNDER, from sleep or from its cap, is boosted: it runs ahead of
 * all others until it has run for a tick. Among the rest the one that is furthest behind runs, for
 * tslice at the heaviest weight of the runqueue and proportionally less for lighter ones, but for
 * the ratelimit at least.
 *
 * Xen hands out credits every 30 ms, computed from the capacity of the whole
 * pool. A unit's contention, however, is with those on its runqueue, so two
 * units that are pinned to one pCPU of a larger pool both get more than they
 * can burn, never run out, and alternate 1:1 whatever their weights. Here the
 * income is that of the runqueue: credit is the distance between the pCPU's
 * clock and the unit's vtime (fair.h), exact at every instant, and what pCPUs
 * differ by is evened out by the core (balance.c).
 *
 * Invariants. Boosting changes the order, never the account, and only UNDER
 * units get it; so sleeping across ticks, yielding or frequent waking gains no
 * service. A sleeper keeps at most one tslice of credit.
 *
 * historic=1 restores Xen's accounting: income from the pool's capacity every
 * tslice, clipped to one pCPU for each vCPU, credit limited to one tslice
 * either way, UNDER and OVER served first in, first out.
 *
 * Bad at: latency of units that use more than their share (up to a tslice for
 * each neighbour), and reservations (there are none).
 */
#include "budget.h"
#include "fair.h"
#include "policy.h"

#define TICKS_PER_SLICE 3
#define MIGRATE_RESIST  (2 * MS)

enum { POOL_TSLICE, POOL_RATELIMIT, POOL_HISTORIC };
enum { DOMAIN_WEIGHT, DOMAIN_CAP };

struct runqueue {
    struct heap waiting; /* not boosted: by vtime, or UNDER before OVER if historic */
    struct list boosted; /* first in, first out */
};

struct credit_unit {
    struct heap_node node;
    struct list boost_link;
    struct sched_unit *unit;
    bool boost;
    sched_time boost_left; /* run time until the boost ends */
    int64_t credit;        /* historic: ns of CPU time, negative is OVER */
    bool active;           /* historic: ran since the last accounting */
};

struct credit_pool {
    sched_time accounting; /* historic: when the next one is due */
};

static struct runqueue *runqueue_of(const struct sched_pcpu *pcpu)
{
    return pcpu->data;
}

static bool historic(const struct sched_pool *pool)
{
    return pool->value[POOL_HISTORIC];
}

static struct sched_unit *first_waiting(const struct runqueue *rq)
{
    struct credit_unit *c = list_first_entry(&rq->boosted, struct credit_unit, boost_link);
    if (!c)
        c = heap_top_entry(&rq->waiting, struct credit_unit, node);
    return c ? c->unit : NULL;
}

static void pcpu_init(struct sched_pcpu *pcpu)
{
    heap_init(&runqueue_of(pcpu)->waiting);
    list_init(&runqueue_of(pcpu)->boosted);
}

static void unit_init(struct sched_unit *u, sched_time now)
{
    struct credit_unit *c = u->data;
    (void)now;
    c->unit = u;
    heap_node_init(&c->node);
    list_init(&c->boost_link);
    fair_set_weight(u, u->domain->value[DOMAIN_WEIGHT]);
}

static bool is_under(const struct sched_unit *u, sched_time now)
{
    const struct credit_unit *c = u->data;

    if (historic(u->domain->pool))
        return c->credit >= 0;
    return !u->home->nr_runnable || vtime_diff(fair_clock(u->home, now), u->vtime) >= 0;
}

/* Where the unit stands in its runqueue's heap. */
static int64_t order_key(const struct sched_unit *u)
{
    const struct credit_unit *c = u->data;
    return historic(u->domain->pool) ? c->credit < 0 : u->vtime;
}

static void boost(struct sched_unit *u)
{
    struct credit_unit *c = u->data;
    c->boost = true;
    c->boost_left = u->domain->pool->value[POOL_TSLICE] / TICKS_PER_SLICE;
}

/* A sleeper comes back with one tslice of its own service at most. */
static void limit_lag(struct sched_unit *u, sched_time now)
{
    if (!u->home->nr_runnable)
        return;
    int64_t most = fair_to_virtual(u, u->domain->pool->value[POOL_TSLICE]);
    fair_set_vtime(u, vtime_later(u->vtime, fair_clock(u->home, now) - most));
}

static bool enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct credit_unit *c = u->data;
    struct runqueue *rq = runqueue_of(u->home);

    budget_stop(u, now);
    if (why == SCHED_WOKEN)
        limit_lag(u, now);
    if (!budget_available(u->domain, now)) {
        c->boost = false;
        budget_park(u, now);
        return false;
    }
    if ((why == SCHED_WOKEN || why == SCHED_UNPARKED) && is_under(u, now))
        boost(u);
    else if (why == SCHED_YIELDED)
        c->boost = false;
    if (c->boost)
        list_add_tail(&rq->boosted, &c->boost_link);
    else
        heap_insert(&rq->waiting, &c->node, order_key(u));
    return true;
}

static void dequeue(struct sched_unit *u, sched_time now)
{
    struct credit_unit *c = u->data;
    (void)now;
    if (list_linked(&c->boost_link))
        list_del(&c->boost_link);
    else if (heap_queued(&c->node))
        heap_remove(&runqueue_of(u->home)->waiting, &c->node);
}

static void slept(struct sched_unit *u, sched_time now)
{
    struct credit_unit *c = u->data;
    c->boost = false;
    budget_stop(u, now);
}

static void charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    struct credit_unit *c = u->data;
    struct credit_pool *pool = u->domain->pool->data;

    if (c->boost && (c->boost_left -= ran) <= 0)
        c->boost = false;
    if (!historic(u->domain->pool))
        return;
    c->credit -= ran;
    c->active = true;
    if (!pool->accounting) {
        pool->accounting = now + u->domain->pool->value[POOL_TSLICE];
        core_timer(u->domain->pool, pool->accounting);
    }
}

/* ---- dispatch -------------------------------------------------------------------- */

/* The rest of a boost, or tslice for the heaviest of the unit and the next in line and less for a
 * lighter one. */
static sched_time slice_of(const struct sched_pcpu *pcpu, const struct sched_unit *u)
{
    const int64_t *value = pcpu->pool->value;
    const struct sched_unit *next = first_waiting(runqueue_of(pcpu));
    const struct credit_unit *c = u->data;

    if (!next)
        return SCHED_NEVER;
    if (c->boost)
        return time_max(c->boost_left, value[POOL_RATELIMIT]);
    if (historic(pcpu->pool) || u->share_den >= next->share_den)
        return value[POOL_TSLICE];
    return time_max(value[POOL_TSLICE] * u->share_den / next->share_den,
                    time_max(value[POOL_RATELIMIT], 100 * US));
}

static struct sched_unit *choose(struct sched_pcpu *pcpu, struct sched_unit *prev, sched_time now)
{
    struct runqueue *rq = runqueue_of(pcpu);
    struct sched_unit *first = first_waiting(rq);

    if (prev && !prev->yielding && now < pcpu->since + pcpu->pool->value[POOL_RATELIMIT])
        return prev;
    if (!first || first != prev || !prev->yielding || rq->waiting.size == 1)
        return first;
    return container_of(heap_second(&rq->waiting), struct credit_unit, node)->unit;
}

static struct sched_decision pick(struct sched_pcpu *pcpu, struct sched_unit *prev, sched_time now)
{
    struct sched_unit *u;

    while ((u = choose(pcpu, prev, now))) {
        dequeue(u, now);
        sched_time quota = budget_start(u, now);
        if (quota) {
            sched_time run = time_min(slice_of(pcpu, u), quota);
            sched_time kept = pcpu->since + pcpu->pool->value[POOL_RATELIMIT];
            if (u == prev && now < kept && first_waiting(runqueue_of(pcpu)))
                run = time_min(run, kept - now);
            return (struct sched_decision){u, run == SCHED_NEVER ? run : now + run};
        }
        budget_park(u, now);
        core_park(u, now);
        if (u == prev)
            prev = NULL;
    }
    return (struct sched_decision){NULL, SCHED_NEVER};
}

/* Boosted before UNDER before OVER; equals wait for the end of the slice, which a unit that has
 * been alone so far does not have. */
static int priority(const struct sched_unit *u, sched_time now)
{
    const struct credit_unit *c = u->data;
    return c->boost ? 2 : is_under(u, now);
}

static sched_time preempt_at(const struct sched_pcpu *pcpu, const struct sched_unit *u,
                             sched_time now)
{
    bool more_urgent = priority(u, now) > priority(pcpu->current, now);
    return time_max(now,
                    pcpu->since + pcpu->pool->value[more_urgent ? POOL_RATELIMIT : POOL_TSLICE]);
}

/* ---- historic accounting ----------------------------------------------------------- */

static unsigned active_units(const struct sched_domain *d)
{
    unsigned n = 0;
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        n += ((struct credit_unit *)u->data)->active;
    return n;
}

/* Credit is clipped to a tslice; who saves more than that stops earning with half of it. */
static void earn(struct sched_unit *u, int64_t income, int64_t tslice, sched_time now)
{
    struct credit_unit *c = u->data;
    bool queued = heap_queued(&c->node);

    if (!c->active)
        return;
    if (queued)
        heap_remove(&runqueue_of(u->home)->waiting, &c->node);
    c->credit = time_max(c->credit + income, -tslice);
    if (c->credit > tslice) {
        c->credit /= 2;
        c->active = false;
    }
    if (queued)
        heap_insert(&runqueue_of(u->home)->waiting, &c->node, order_key(u));
    if (u->state == SCHED_RUNNING && c->credit < 0)
        core_resched(u->home, now);
}

/* The pool's capacity for one tslice, shared by weight, at most one pCPU for each vCPU. */
static void account(struct sched_pool *pool, sched_time now)
{
    int64_t tslice = pool->value[POOL_TSLICE], total = tslice * pool->nr_cpus, weights = 0;

    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        weights += d->value[DOMAIN_WEIGHT] * active_units(d);
    list_for_each(d, &pool->domains, struct sched_domain, pool_link) {
        int64_t weight = d->value[DOMAIN_WEIGHT] * active_units(d);
        if (!weight)
            continue;
        int64_t income = time_min(total * d->value[DOMAIN_WEIGHT] / weights, tslice);
        total -= income * active_units(d);
        weights -= weight;
        list_for_each(u, &d->units, struct sched_unit, domain_link)
            earn(u, income, tslice, now);
    }
}

static sched_time tick(struct sched_pool *pool, sched_time now)
{
    struct credit_pool *data = pool->data;

    if (!historic(pool) || !data->accounting)
        return SCHED_NEVER;
    if (data->accounting <= now) {
        mask_for_each(id, &pool->cpus)
            core_charge(pool->sched->pcpus[id], now);
        account(pool, now);
        data->accounting = now + pool->value[POOL_TSLICE];
    }
    return data->accounting;
}

/* ---- parameters ---------------------------------------------------------------------- */

static int check(const struct sched_change *c, struct sched_refusal *why)
{
    if (c->scope == SCHED_PARAM_POOL && c->value[POOL_RATELIMIT] > c->value[POOL_TSLICE])
        return refuse(why, SCHED_EINVAL, "ratelimit", "is more than tslice, in ns",
                      c->value[POOL_TSLICE]);
    if (c->scope == SCHED_PARAM_DOMAIN)
        return budget_check(c->domain, c->value[DOMAIN_CAP], why);
    return 0;
}

static void set_cap(struct sched_domain *d, sched_time now)
{
    budget_set(d, d->value[DOMAIN_CAP], d->pool->value[POOL_TSLICE], now);
}

static void changed(const struct sched_change *c, sched_time now)
{
    if (c->scope == SCHED_PARAM_DOMAIN) {
        list_for_each(u, &c->domain->units, struct sched_unit, domain_link)
            fair_set_weight(u, c->domain->value[DOMAIN_WEIGHT]);
        set_cap(c->domain, now);
    } else if (c->scope == SCHED_PARAM_POOL) {
        list_for_each(d, &c->pool->domains, struct sched_domain, pool_link)
            set_cap(d, now);
    }
}

static const struct sched_param params[] = {
    {"tslice", SCHED_PARAM_POOL, SCHED_TIME_NS, 1 * MS, 1000 * MS, 30 * MS,
     "longest time a vCPU runs while others wait"},
    {"ratelimit", SCHED_PARAM_POOL, SCHED_TIME_NS, 0, 500 * MS, 1 * MS,
     "shortest time a vCPU runs before another may take over"},
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "share out the pool's capacity every tslice, as Xen does"},
    {"weight", SCHED_PARAM_DOMAIN, SCHED_COUNT, 1, 65535, 256,
     "share of each vCPU relative to others"},
    {"cap", SCHED_PARAM_DOMAIN, SCHED_PERCENT, 0, 100 * 65535LL, 0,
     "most CPU time of the domain, in per cent of one pCPU; 0 is no cap"},
};

const struct sched_policy sched_credit = {
    .name = "SMP Credit Scheduler",
    .opt_name = "credit",
    .id = 5,
    .contract = "A weight is the share: weighted max-min fairness under hard affinity, within 1 "
                "percentage point over 10 s. A cap is never exceeded by more than one tslice's "
                "budget. A vCPU that wakes within its share runs next. Work conserving but for "
                "caps; nothing starves. No reservations.",
    .params = params,
    .nr_params = sizeof(params) / sizeof(params[0]),
    .pool_size = sizeof(struct credit_pool),
    .pcpu_size = sizeof(struct runqueue),
    .unit_size = sizeof(struct credit_unit),
    .balanced = true,
    .by_vtime = true,
    .resist = MIGRATE_RESIST,
    .pcpu_init = pcpu_init,
    .unit_init = unit_init,
    .enqueue = enqueue,
    .dequeue = dequeue,
    .charge = charge,
    .slept = slept,
    .pick = pick,
    .preempt_at = preempt_at,
    .tick = tick,
    .check = check,
    .changed = changed,
};
