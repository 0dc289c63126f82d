/* Reservations by earliest deadline: see edf.h. */
#include "edf.h"
#include "admission.h"

/* ---- one server -------------------------------------------------------------- */

/* What the rate is worth over `time`. */
static int64_t entitled(const struct edf_server *s, sched_time time)
{
    return (int64_t)(((unsigned __int128)s->rate * (uint64_t)time) >> 40);
}

/* What it has run ahead of its rate: a new reservation begins with this debt. */
static int64_t lead(const struct edf_server *s, sched_time now)
{
    if (!s->slice)
        return 0;
    if (now >= s->deadline)
        return s->remain < 0 ? -s->remain : 0;
    int64_t ahead = s->slice - s->remain - entitled(s, now - (s->deadline - s->period));
    return ahead > 0 ? ahead : 0;
}

/* New parameters from `now` on; false if they are the old ones. */
static bool set_server(struct edf_server *s, int64_t slice, int64_t period, int64_t latency,
                       sched_time now)
{
    if (s->slice == slice && s->period == period && s->latency == latency)
        return false;
    s->remain = -lead(s, now);
    s->deadline = now;
    s->urgent = 0;
    s->urgent_by = now;
    s->slice = slice;
    s->period = period;
    s->latency = latency;
    s->rate = util_ratio(slice, period);
    return true;
}

/* The part of the slice that is due after `latency`. In the first Atropos the division was one
 * of whole numbers, so the part could exceed the rate. */
static int64_t latency_share(const struct edf_server *s, bool historic)
{
    return historic ? s->slice / (s->period / s->latency) : entitled(s, s->latency);
}

static void begin_urgent(struct edf_server *s, bool historic, sched_time now)
{
    s->urgent = 0;
    if (now + s->latency >= s->deadline)
        return;
    int64_t share = latency_share(s, historic);
    s->urgent = share < s->remain ? share : s->remain;
    s->urgent_by = now + s->latency;
}

static void wake_server(struct edf_server *s, bool historic, sched_time now)
{
    if (s->remain <= 0 && now < s->deadline)
        return;
    if (s->remain <= 0 || edf_cbs_renew(s->remain, s->deadline, s->slice, s->period, now)) {
        s->remain = s->slice + (s->remain < 0 ? s->remain : 0);
        s->deadline = now + s->period;
        begin_urgent(s, historic, now);
    } else if (now >= s->urgent_by) {
        begin_urgent(s, historic, now);
    } else if (edf_cbs_renew(s->urgent, s->urgent_by, s->slice, s->period, now)) {
        s->urgent = 0; /* too late for that; due at the end of the period */
    }
}

/* Begins the period that `now` is in. True: time was left of an earlier one, though the unit
 * wanted to run, so a deadline was missed. */
static bool advance_server(struct edf_server *s, sched_time now)
{
    bool missed = s->remain > 0;
    int64_t periods = (now - s->deadline) / s->period + 1;

    s->deadline += periods * s->period;
    s->remain = missed ? s->slice : time_min(s->slice, s->remain + periods * s->slice);
    s->urgent = 0;
    return missed;
}

void edf_charge(struct edf_server *s, int64_t ran)
{
    s->urgent = s->urgent > ran ? s->urgent - ran : 0;
    s->remain -= ran;
}

int64_t edf_refresh(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct edf_server *s = edf_server(u);
    const int64_t *v = u->value;
    bool historic = u->domain->pool->value[EDF_HISTORIC];
    bool fresh = set_server(s, u->reserved ? v[EDF_SLICE] : 0, v[EDF_PERIOD],
                            v[EDF_LATENCY] ? v[EDF_LATENCY] : v[EDF_PERIOD], now);

    fresh |= s->home != u->home;
    s->home = u->home;
    if (!s->slice)
        return 0;
    if (historic && why == SCHED_WOKEN && !fresh && s->remain > 0 && now < s->deadline) {
        int64_t lost = s->remain;
        s->remain = 0;
        s->urgent = 0;
        return lost;
    }
    sched_time deadline = s->deadline;
    if (fresh || why == SCHED_WOKEN)
        wake_server(s, historic, now);
    else if (now >= s->deadline && advance_server(s, now))
        core_trace(u->domain->pool, SCHED_EV_MISS, (int)u->home->id, u, deadline, now);
    return 0;
}

/* ---- queues -------------------------------------------------------------------- */

static struct edf_pool *edf_pool(const struct sched_pool *pool)
{
    return pool->data;
}

static struct sched_unit *first_unit(const struct heap *h)
{
    const struct edf_server *s = heap_top_entry(h, struct edf_server, node);
    return s ? s->unit : NULL;
}

static bool park(struct sched_unit *u)
{
    struct edf_server *s = edf_server(u);

    s->parked = true;
    if (s->slice) {
        heap_insert(&edf_pool(u->domain->pool)->parked, &s->node, s->deadline);
        core_timer(u->domain->pool, s->deadline);
    }
    return false;
}

bool edf_enqueue(struct sched_unit *u)
{
    struct edf_server *s = edf_server(u);

    if (edf_has_time(s))
        heap_insert(&edf_queue(u->home)->run, &s->node, edf_due(s));
    else if (!edf_takes_slack(u))
        return park(u);
    else if (s->slice)
        heap_insert(&edf_queue(u->home)->wait, &s->node, s->deadline);
    return true;
}

void edf_dequeue(struct sched_unit *u)
{
    struct edf_server *s = edf_server(u);
    struct edf_queue *q = edf_queue(u->home);

    if (heap_queued(&s->node))
        heap_remove(s->parked         ? &edf_pool(u->domain->pool)->parked
                    : edf_has_time(s) ? &q->run
                                      : &q->wait,
                    &s->node);
    s->parked = false;
}

/* A queued unit whose period is over. */
static struct sched_unit *expired(const struct sched_pcpu *p, sched_time now)
{
    const struct edf_queue *q = edf_queue(p);
    struct sched_unit *late = first_unit(&q->run), *waiting = first_unit(&q->wait);

    if (late && edf_server(late)->deadline <= now)
        return late;
    return waiting && edf_server(waiting)->deadline <= now ? waiting : NULL;
}

static sched_time next_release(const struct sched_pcpu *p)
{
    const struct sched_unit *u = first_unit(&edf_queue(p)->wait);
    return u ? edf_server(u)->deadline : SCHED_NEVER;
}

bool edf_pick(struct sched_pcpu *p, sched_time now, struct sched_decision *d)
{
    const struct sched_policy *policy = p->pool->policy;
    struct sched_unit *u;

    while ((u = expired(p, now)) != NULL) {
        policy->dequeue(u, now);
        policy->enqueue(u, SCHED_PREEMPTED, now);
    }
    u = first_unit(&edf_queue(p)->run);
    d->unit = u;
    d->until = next_release(p);
    if (!u)
        return false;
    policy->dequeue(u, now);
    edf_server(u)->on_slack = false;
    d->until = time_min(d->until, now + edf_left(edf_server(u)));
    return true;
}

sched_time edf_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u, sched_time now)
{
    const struct edf_server *s = edf_server(u), *current = edf_server(p->current);

    if (!s->slice)
        return SCHED_NEVER;
    if (!edf_has_time(s))
        return s->deadline;
    return current->on_slack || edf_due(s) < edf_due(current) ? now : SCHED_NEVER;
}

/* ---- ops ------------------------------------------------------------------------ */

void edf_pool_init(struct sched_pool *pool)
{
    heap_init(&edf_pool(pool)->parked);
}

void edf_pcpu_init(struct sched_pcpu *p)
{
    heap_init(&edf_queue(p)->run);
    heap_init(&edf_queue(p)->wait);
}

void edf_unit_init(struct sched_unit *u, sched_time now)
{
    struct edf_server *s = edf_server(u);

    (void)now;
    s->unit = u;
    heap_node_init(&s->node);
    if (u->domain->privileged) {
        u->value[EDF_PERIOD] = EDF_DOM0_PERIOD;
        u->value[EDF_SLICE] = EDF_DOM0_SLICE;
    }
}

int edf_check(const struct sched_change *c, struct sched_refusal *why)
{
    const int64_t *v = c->value;

    if (c->scope != SCHED_PARAM_UNIT)
        return 0;
    if (v[EDF_SLICE] && v[EDF_SLICE] < EDF_SLICE_MIN)
        return refuse(why, SCHED_EINVAL, "slice", "is less than the minimum of 5 us, and not 0",
                      EDF_SLICE_MIN);
    if (v[EDF_SLICE] > v[EDF_PERIOD])
        return refuse(why, SCHED_EINVAL, "slice", "is more than the period", v[EDF_PERIOD]);
    if (v[EDF_LATENCY] > v[EDF_PERIOD])
        return refuse(why, SCHED_EINVAL, "latency", "is more than the period", v[EDF_PERIOD]);
    return 0;
}

uint64_t edf_demand(const struct sched_unit *u, const int64_t *value)
{
    (void)u;
    return value[EDF_SLICE] ? util_ratio(value[EDF_SLICE], value[EDF_PERIOD]) : 0;
}

/* Parked units whose next period begins may run. */
sched_time edf_tick(struct sched_pool *pool, sched_time now)
{
    struct heap *parked = &edf_pool(pool)->parked;
    struct sched_unit *u;

    while ((u = first_unit(parked)) != NULL) {
        if (edf_server(u)->deadline > now)
            return edf_server(u)->deadline;
        edf_dequeue(u);
        core_ready(u, now);
    }
    return SCHED_NEVER;
}
