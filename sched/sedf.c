/*
 * SEDF: simple earliest deadline first.
 *
 * Design: a unit with slice > 0 has a reservation of slice in each period,
 * served by deadline (edf.h) on the pCPU that admission control chose. Time
 * that no reservation uses is extra time. It goes to the units with extratime=1
 * whose reservation is used up or which have none, in proportion to their
 * weights (0 means 256): the unit with the least virtual time runs, for
 * EXTRA_QUANTUM or until a period begins. Virtual time counts extra time only,
 * so a reservation is not paid for with the share. The core evens out the units
 * without reservations over the pCPUs, so weights alone, with slice 0, make a
 * proportional share scheduler.
 *
 * Invariants: a unit with time left in its slice is in no extra queue. A unit
 * that wakes takes part in extra time from the least virtual time that runs
 * or waits there, so sleepers bank nothing.
 *
 * Promises: each unit whose jobs need up to `slice` and are released at least
 * `period` apart has them done within `period`, at utilisations up to 1 for
 * each pCPU. With `latency` set, slice * latency / period of a job that follows
 * a sleep is done within `latency`. No reservation is admitted that does not
 * fit (admission=0: all are, and deadlines are missed).
 *
 * Starvation: a unit with slice 0 and extratime 0 never runs. Extra time may be
 * none at all: who lives on it starves when the reservations take the whole
 * pCPU. Units with reservations do not leave their pCPU, so another one may
 * have more extra time or even be idle.
 *
 * Bad at: latency of units on extra time, up to EXTRA_QUANTUM for each of them;
 * a guest that needs its slice in one piece when deadlines are short elsewhere.
 *
 * Sources: parameters, their limits and defaults, and the two extra queues are
 * those of Xen's sched_sedf.c (2005); the rule on waking is the constant
 * bandwidth server's (edf.h). historic=1 brings back what Xen's did instead: who
 * sleeps and wakes within a period loses what is left of its slice, and gets as
 * much extra time ahead of others, in the order of the penalty score; the
 * quantum is 500 us, and shorter gaps stay idle. The derived reservation
 * (weight > 0 without extratime) does not exist here: it changed with every
 * neighbour, so it could not be promised. It is refused.
 */
#include "edf.h"
#include "fair.h"

#define EXTRA_QUANTUM          (5 * MS) /* as Atropos' slack: 200 switches a second at most */
#define HISTORIC_EXTRA_QUANTUM (500 * US)

enum { SEDF_WEIGHT = EDF_SLACK + 1 };

static const struct sched_param sedf_params[] = {
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "a short sleep loses the rest of the slice; extra time comes in 500 us"},
    {"admission", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 1, "refuse reservations that do not fit"},
    {"period", SCHED_PARAM_UNIT, SCHED_TIME_NS, EDF_PERIOD_MIN, EDF_PERIOD_MAX, 100 * MS,
     "period of the reservation"},
    {"slice", SCHED_PARAM_UNIT, SCHED_TIME_NS, 0, EDF_PERIOD_MAX, 0,
     "reserved time in each period, 0 or 5 us to the period"},
    {"latency", SCHED_PARAM_UNIT, SCHED_TIME_NS, 0, EDF_PERIOD_MAX, 0,
     "earlier deadline for a part of the slice after a sleep, 0 for none"},
    {"extratime", SCHED_PARAM_UNIT, SCHED_BOOL, 0, 1, 1, "may use time that nobody has reserved"},
    {"weight", SCHED_PARAM_UNIT, SCHED_COUNT, 0, 65535, 0, "share of the extra time, 0 means 256"},
};

struct sedf_pcpu {
    struct edf_queue edf;
    struct heap penalty; /* historic: by score */
    struct heap extra;   /* by virtual time */
};

struct sedf_unit {
    struct edf_server server;
    struct heap_node extra;
    struct heap *in; /* the heap `extra` is in */
    int64_t lost;    /* historic: slice lost by a sleep and not made good yet */
};

static struct sedf_pcpu *sedf_pcpu(const struct sched_pcpu *p)
{
    return p->data;
}

static struct sedf_unit *sedf_unit(const struct sched_unit *u)
{
    return u->data;
}

static bool is_historic(const struct sched_pool *pool)
{
    return pool->value[EDF_HISTORIC];
}

static void set_weight(struct sched_unit *u)
{
    fair_set_weight(u, u->value[SEDF_WEIGHT] ? u->value[SEDF_WEIGHT] : 256);
}

static void sedf_pcpu_init(struct sched_pcpu *p)
{
    edf_pcpu_init(p);
    heap_init(&sedf_pcpu(p)->penalty);
    heap_init(&sedf_pcpu(p)->extra);
}

static void sedf_unit_init(struct sched_unit *u, sched_time now)
{
    edf_unit_init(u, now);
    heap_node_init(&sedf_unit(u)->extra);
    set_weight(u);
}

/* ---- extra time ------------------------------------------------------------------ */

static struct sched_unit *first_extra(const struct heap *h)
{
    const struct sedf_unit *s = heap_top_entry(h, struct sedf_unit, extra);
    return s ? s->server.unit : NULL;
}

/* Starts level with the unit that is furthest behind of those that compete for extra time. */
static void forget_sleep(struct sched_unit *u, sched_time now)
{
    const struct sched_unit *first = first_extra(&sedf_pcpu(u->home)->extra);
    const struct sched_unit *current = u->home->current;
    int64_t least;

    if (current && edf_server(current)->on_slack) {
        least = fair_vtime_at(u->home, current, now);
        if (first && vtime_diff(first->vtime, least) < 0)
            least = first->vtime;
    } else if (first) {
        least = first->vtime;
    } else {
        return;
    }
    fair_set_vtime(u, vtime_later(u->vtime, least));
}

static void join_extra(struct sched_unit *u, enum sched_why why)
{
    struct sedf_pcpu *q = sedf_pcpu(u->home);
    struct sedf_unit *s = sedf_unit(u);
    int64_t key = u->vtime;

    s->in = &q->extra;
    if (s->lost && is_historic(u->domain->pool)) {
        s->in = &q->penalty;
        key = (s->server.period << 10) / s->lost;
    } else if (why == SCHED_YIELDED && q->extra.top) {
        key = vtime_later(key, q->extra.top->key);
    }
    heap_insert(s->in, &s->extra, key);
}

static struct sched_decision pick_extra(struct sched_pcpu *p, sched_time next, sched_time now)
{
    const struct sedf_pcpu *q = sedf_pcpu(p);
    bool historic = is_historic(p->pool);
    sched_time quantum = historic ? HISTORIC_EXTRA_QUANTUM : EXTRA_QUANTUM;
    struct sched_unit *u = first_extra(&q->penalty);

    if (!u)
        u = first_extra(&q->extra);
    if (!u || (historic && next - now < quantum))
        return (struct sched_decision){.until = next};
    p->pool->policy->dequeue(u, now);
    edf_server(u)->on_slack = true;
    return (struct sched_decision){.unit = u, .until = time_min(next, now + quantum)};
}

/* ---- ops -------------------------------------------------------------------------- */

static bool sedf_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct sedf_unit *s = sedf_unit(u);
    int64_t lost = edf_refresh(u, why, now);

    if (lost)
        s->lost = lost;
    if (!edf_takes_slack(u)) /* has no say in how well its pCPU serves those who do */
        fair_set_vtime(u, fair_clock(u->home, now));
    else if (why == SCHED_WOKEN)
        forget_sleep(u, now);
    if (!edf_enqueue(u))
        return false;
    if (!edf_has_time(&s->server))
        join_extra(u, why);
    return true;
}

static void sedf_dequeue(struct sched_unit *u, sched_time now)
{
    struct sedf_unit *s = sedf_unit(u);

    (void)now;
    edf_dequeue(u);
    if (heap_queued(&s->extra))
        heap_remove(s->in, &s->extra);
}

static void sedf_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    struct sedf_unit *s = sedf_unit(u);

    (void)now;
    if (s->server.on_slack) {
        s->lost = time_max(s->lost - ran, 0);
        return;
    }
    edf_charge(&s->server, ran);
    /* Only extra time counts. */
    fair_set_vtime(u, (int64_t)((uint64_t)u->vtime - (uint64_t)fair_to_virtual(u, ran)));
}

static struct sched_decision sedf_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                       sched_time now)
{
    struct sched_decision d;

    (void)prev;
    if (edf_pick(p, now, &d))
        return d;
    return pick_extra(p, d.until, now);
}

static sched_time sedf_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                  sched_time now)
{
    const struct sedf_unit *current = sedf_unit(p->current);

    if (is_historic(p->pool) && sedf_unit(u)->lost && !current->lost && current->server.on_slack)
        return now;
    return edf_preempt_at(p, u, now);
}

static int sedf_check(const struct sched_change *c, struct sched_refusal *why)
{
    if (c->scope == SCHED_PARAM_UNIT && c->value[SEDF_WEIGHT] && !c->value[EDF_SLACK])
        return refuse(why, SCHED_EINVAL, "weight",
                      "needs extratime=1: a share is not a reservation; for one, set period and "
                      "slice, and weight to 0",
                      0);
    return edf_check(c, why);
}

static void sedf_changed(const struct sched_change *c, sched_time now)
{
    (void)now;
    if (c->scope != SCHED_PARAM_UNIT)
        return;
    list_for_each(u, &c->domain->units, struct sched_unit, domain_link)
        if (!c->unit || c->unit == u)
            set_weight(u);
}

const struct sched_policy sched_sedf = {
    .name = "Simple EDF Scheduler",
    .opt_name = "sedf",
    .id = 4,
    .contract =
        "Each vCPU with a slice gets it in every period, by earliest deadline first: jobs of up "
        "to a slice, released at least a period apart, are done within the period. Reservations "
        "that fit on no pCPU are refused, unless admission=0. What nobody has reserved goes to "
        "vCPUs with extratime=1 in proportion to their weights, and the weights alone, with slice "
        "0, give weighted fair shares over all pCPUs. A vCPU with slice 0 and extratime 0 never "
        "runs, and extra time can be none. vCPUs with reservations stay on the pCPU that "
        "admission chose, so the policy is work conserving only among those without.",
    .params = sedf_params,
    .nr_params = sizeof(sedf_params) / sizeof(sedf_params[0]),
    .pool_size = sizeof(struct edf_pool),
    .pcpu_size = sizeof(struct sedf_pcpu),
    .unit_size = sizeof(struct sedf_unit),
    .balanced = true,
    .by_vtime = true,
    .resist = 2 * EXTRA_QUANTUM,
    .pool_init = edf_pool_init,
    .pcpu_init = sedf_pcpu_init,
    .unit_init = sedf_unit_init,
    .enqueue = sedf_enqueue,
    .dequeue = sedf_dequeue,
    .charge = sedf_charge,
    .pick = sedf_pick,
    .preempt_at = sedf_preempt_at,
    .tick = edf_tick,
    .check = sedf_check,
    .changed = sedf_changed,
    .demand = edf_demand,
};
