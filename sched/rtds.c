/*
 * RTDS: global earliest deadline first (EDF) of budget servers.
 *
 * Design. Each unit is a server: `budget` ns of CPU time in every `period`.
 * All waiting units of the pool are in one index by (level, deadline); a pCPU
 * takes the first that its affinity allows, wherever it waited before. A unit
 * that used up its budget sits out the rest of its period (parked), or, with
 * `extratime`, goes on one level down with a new budget: spare time goes
 * round in budgets. At its deadline each runnable server is replenished: level 0,
 * next deadline. A new budget is a full one less what the last ran too long: who is
 * stopped late, again and again, gets no more in the long run.
 *
 * Wake rule. A server keeps its budget and deadline over a sleep only if that
 * does not exceed its utilisation from now on: left/(deadline - now) <=
 * budget/period. Otherwise its period begins anew with the wake. That is the
 * rule of the constant bandwidth server (CBS: Abeni & Buttazzo, RTSS 1998; on
 * multiprocessors: Baruah, Goossens & Lipari, RTAS 2002). Deadlines then follow
 * the job's release, at any phase, and a server never demands more than its
 * utilisation, which the admission test needs.
 *
 * Preemption. What waits is never more urgent than what runs on a pCPU that it
 * may use: a unit that becomes ready or is preempted goes to an idle pCPU, else to
 * that of the least urgent unit that it beats, and so on with the one displaced.
 *
 * Admission. Sufficient test for global EDF (Goossens, Funk & Baruah,
 * Real-Time Systems 25, 2003): U_sum <= m - (m - 1) * U_max. With affinities,
 * for each distinct hard affinity M among the reserved units, all units whose
 * affinity meets M must pass it on m = |M| pCPUs (reduction to global
 * subproblems: Gujarati, Cerqueira & Brandenburg, ECRTS 2013). On one pCPU this
 * is utilisation 1 and exact; on several it refuses some sets that would work.
 * A new unit whose default reservation does not fit has none, that is, it
 * stays at level 1 and below, until one that fits is set. The test runs when a
 * unit is created, when parameters are set and when `admission` is switched on,
 * but not for a change of affinity or of the pool's pCPUs: they can break
 * what was admitted, and a reservation may still be lowered then.
 *
 * Invariants. left > 0 for a waiting unit; deadline > now for a runnable one
 * (once the pool's timer has run). Only runnable servers are in `refills`, only
 * running ones in `running`.
 *
 * Promises. No admitted unit that declares itself rightly (jobs of up to
 * `budget`, released at least `period` apart) misses a deadline release +
 * period. Work conserving among units with extratime.
 *
 * Known to be bad at. Units without a reservation get what is left over and
 * STARVE IF RESERVATIONS USE ALL TIME. Without extratime time is left idle.
 * No stickiness to a pCPU's cache. A reservation that is lowered, or whose
 * unit leaves, is free at once although the current period may have been
 * served already: one admitted in its place can be late within that period.
 *
 * Historic. historic=1 gives the deferrable server of Xen's RTDS: a deadline
 * passed in sleep moves by whole periods, and what is left stays usable up to it.
 * At high utilisation units whose jobs are not in phase miss deadlines then.
 * Budget 4 ms in 10 ms and the 10 us minima are Xen's.
 */
#include "admission.h"
#include "index.h"
#include "policy.h"

#define RTDS_PERIOD     (10 * MS)
#define RTDS_BUDGET     (4 * MS)
#define RTDS_MIN        (10 * US)
#define RTDS_PERIOD_MAX (3600 * SEC)

/*
 * (level, deadline) as one key: levels are bands of 2^42 ns (73 minutes). Deadlines of
 * runnable units are at most a period apart, plus the lateness of the pool's timer, so bands do
 * not overlap while that is below 13 minutes. Keys compare by difference, so there is
 * room for 2^19 levels; units that got that far share the last one.
 */
#define LEVEL_BITS 42
#define LEVEL_MAX  ((1U << 19) - 1)

enum { RTDS_POOL_ADMISSION, RTDS_POOL_HISTORIC };
enum { RTDS_UNIT_PERIOD, RTDS_UNIT_BUDGET, RTDS_UNIT_EXTRATIME };

static const struct sched_param rtds_params[] = {
    {"admission", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 1,
     "refuse reservations that can not be guaranteed"},
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "a wake does not begin a new period, jobs out of phase can be late"},
    {"period", SCHED_PARAM_UNIT, SCHED_TIME_NS, RTDS_MIN, RTDS_PERIOD_MAX, RTDS_PERIOD,
     "period of the reservation, also its relative deadline"},
    {"budget", SCHED_PARAM_UNIT, SCHED_TIME_NS, RTDS_MIN, RTDS_PERIOD_MAX, RTDS_BUDGET,
     "CPU time reserved in each period"},
    {"extratime", SCHED_PARAM_UNIT, SCHED_BOOL, 0, 1, 1,
     "share in the time that reservations leave over"},
};

struct rtds_pool {
    struct heap refills;  /* runnable servers by deadline */
    struct heap running;  /* running units, the least urgent first */
    struct list reserved; /* rtds_units with a reservation */
};

struct rtds_pcpu {
    struct list visitors; /* waiting rtds_units that were told to expect this pCPU */
};

struct rtds_unit {
    struct sched_unit *unit;
    struct list visit;        /* in visitors */
    struct heap_node refill;  /* in refills */
    struct heap_node running; /* in running */
    struct list link;         /* in reserved */
    uint64_t util;            /* reserved utilisation, 2^-40; 0: none */
    sched_time deadline;
    sched_time left; /* of the budget, as of the last charge */
    unsigned level;
};

static struct rtds_pool *rtds_pool(const struct sched_pool *pool)
{
    return pool->data;
}

static struct rtds_pcpu *rtds_pcpu(const struct sched_pcpu *p)
{
    return p->data;
}

static struct rtds_unit *rtds_unit(const struct sched_unit *u)
{
    return u->data;
}

static struct rtds_pool *pool_of(const struct sched_unit *u)
{
    return rtds_pool(u->domain->pool);
}

static int64_t urgency(const struct sched_unit *u)
{
    const struct rtds_unit *r = rtds_unit(u);
    return (int64_t)(((uint64_t)r->level << LEVEL_BITS) + (uint64_t)r->deadline);
}

/* Key of the heap of running units, where the least urgent is first. */
static int64_t reversed(int64_t key)
{
    return (int64_t)(0 - (uint64_t)key);
}

static bool more_urgent(const struct sched_unit *a, const struct sched_unit *b)
{
    return heap_key_diff(urgency(a), urgency(b)) < 0;
}

/* ---- the server --------------------------------------------------------------------- */

/* Without a reservation a unit only ever gets spare time. */
static unsigned best_level(const struct rtds_unit *r)
{
    return r->util ? 0 : 1;
}

/* What it ran beyond its reservation is paid back from the budgets of the periods since. */
static void begin_period(struct rtds_unit *r, sched_time deadline, int64_t periods)
{
    int64_t budget = r->unit->value[RTDS_UNIT_BUDGET];
    int64_t debt = r->level == 0 && r->left < 0 ? -r->left : 0;

    r->deadline = deadline;
    r->left = time_min(budget, periods * budget - debt);
    r->level = best_level(r);
}

/* Periods that have begun since, if the deadline has passed. */
static int64_t periods_since(const struct rtds_unit *r, sched_time now)
{
    return (now - r->deadline) / r->unit->value[RTDS_UNIT_PERIOD] + 1;
}

/* The deadline has passed: on by whole periods until it is in the future. */
static void next_period(struct rtds_unit *r, sched_time now)
{
    int64_t n = periods_since(r, now);
    begin_period(r, r->deadline + n * r->unit->value[RTDS_UNIT_PERIOD], n);
}

/* May the server use what is left until its deadline without exceeding its utilisation? */
static bool within_bandwidth(const struct rtds_unit *r, sched_time now)
{
    const int64_t *value = r->unit->value;

    return r->level > best_level(r) || (__int128)r->left * value[RTDS_UNIT_PERIOD] <=
                                           (__int128)value[RTDS_UNIT_BUDGET] * (r->deadline - now);
}

static void bring_up_to_date(struct rtds_unit *r, enum sched_why why, sched_time now)
{
    bool historic = r->unit->domain->pool->value[RTDS_POOL_HISTORIC];

    if (why == SCHED_WOKEN && !historic && (r->deadline <= now || !within_bandwidth(r, now)))
        begin_period(r, now + r->unit->value[RTDS_UNIT_PERIOD],
                     r->deadline <= now ? periods_since(r, now) : 1);
    else if (r->deadline <= now)
        next_period(r, now);
}

/* Returns false if the unit has to wait for its next period. */
static bool refill_from_spare_time(struct rtds_unit *r)
{
    if (r->left > 0)
        return true;
    if (!r->unit->value[RTDS_UNIT_EXTRATIME])
        return false;
    /* A slice of less than the least budget would be over before the switch to it is. */
    int64_t budget = r->unit->value[RTDS_UNIT_BUDGET];
    int64_t n = (RTDS_MIN - r->left + budget - 1) / budget;
    r->level = n < LEVEL_MAX - r->level ? r->level + (unsigned)n : LEVEL_MAX;
    r->left += n * budget;
    return true;
}

/* What is due already has its tick coming. */
static void await_deadline(struct rtds_unit *r, sched_time now)
{
    struct sched_pool *pool = r->unit->domain->pool;
    struct heap *refills = &rtds_pool(pool)->refills;

    if (!heap_queued(&r->refill))
        heap_insert(refills, &r->refill, r->deadline);
    else if (r->refill.key != r->deadline)
        heap_update(refills, &r->refill, r->deadline);
    if (refills->top->key > now)
        core_timer(pool, refills->top->key);
}

static void forget(struct heap *heap, struct heap_node *n)
{
    if (heap_queued(n))
        heap_remove(heap, n);
}

/* ---- which pCPU ----------------------------------------------------------------------- */

/* Scan affinities up to this wide, search the heap for wider ones. */
#define NARROW 8

/*
 * The least urgent of the running units on the pCPUs in `allowed`, `limit` if all are as urgent
 * as that: depth-first through the heap of running units, cut off at the best found. One step
 * if all pCPUs are allowed.
 */
static const struct heap_node *least_urgent(const struct heap_node *n, const struct mask *allowed,
                                            const struct heap_node *limit)
{
    if (!n || !heap_before(n, limit))
        return limit;
    const struct rtds_unit *r = container_of(n, const struct rtds_unit, running);
    if (mask_test(allowed, r->unit->home->id))
        return n;
    limit = least_urgent(n->left, allowed, limit);
    return least_urgent(n->right, allowed, limit);
}

static struct sched_pcpu *scan_least_urgent(const struct sched_unit *u)
{
    const struct sched_unit *least = u;

    mask_for_each(id, &u->affinity->hard) {
        const struct sched_unit *runs = u->domain->pool->sched->pcpus[id]->current;
        if (runs && more_urgent(least, runs))
            least = runs;
    }
    return least == u ? NULL : least->home;
}

/* The pCPU whose running unit `u` should displace, or NULL. */
static struct sched_pcpu *pcpu_to_preempt(const struct sched_unit *u)
{
    if (u->affinity->width <= NARROW)
        return scan_least_urgent(u);
    const struct heap_node limit = {.key = reversed(urgency(u))};
    const struct heap_node *n = least_urgent(pool_of(u)->running.top, &u->affinity->hard, &limit);
    return n == &limit ? NULL : container_of(n, const struct rtds_unit, running)->unit->home;
}

static struct sched_pcpu *idle_pcpu(const struct sched_unit *u)
{
    const struct sched_pool *pool = u->domain->pool;
    int id = mask_next_common(&u->affinity->soft, &pool->idle, 0);

    if (mask_test(&pool->idle, u->home->id) && unit_prefers(u, u->home))
        return u->home;
    if (id == MASK_NONE)
        id = mask_next_common(&u->affinity->hard, &pool->idle, 0);
    return id == MASK_NONE ? NULL : pool->sched->pcpus[id];
}

/* Where a unit that becomes ready shall be looked at: idle, about to decide, or to preempt. */
static struct sched_pcpu *place(const struct sched_unit *u)
{
    struct sched_pcpu *p = idle_pcpu(u);

    if (!p && u->home->current)
        p = pcpu_to_preempt(u);
    return p ? p : u->home;
}

/* A waiting unit may deserve a pCPU: an idle one, or a less urgent unit's. */
static void seek_pcpu(struct sched_unit *u, sched_time now)
{
    struct sched_pcpu *p = idle_pcpu(u);

    if (!p)
        p = pcpu_to_preempt(u);
    if (!p)
        return;
    list_del(&rtds_unit(u)->visit);
    list_add_tail(&rtds_pcpu(p)->visitors, &rtds_unit(u)->visit);
    core_resched(p, now);
}

/* The pCPU has taken one unit; those that expected it in vain must try elsewhere. */
static void send_visitors_on(struct sched_pcpu *p, sched_time now)
{
    struct list *visitors = &rtds_pcpu(p)->visitors;

    while (!list_empty(visitors)) {
        struct rtds_unit *r = list_first_entry(visitors, struct rtds_unit, visit);
        list_del(&r->visit);
        seek_pcpu(r->unit, now);
    }
}

/* ---- queues --------------------------------------------------------------------------- */

static void rtds_pool_init(struct sched_pool *pool)
{
    struct rtds_pool *p = rtds_pool(pool);

    heap_init(&p->refills);
    heap_init(&p->running);
    list_init(&p->reserved);
}

static void rtds_pcpu_init(struct sched_pcpu *p)
{
    list_init(&rtds_pcpu(p)->visitors);
}

static void stopped(struct sched_unit *u)
{
    forget(&pool_of(u)->running, &rtds_unit(u)->running);
}

static bool rtds_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct rtds_unit *r = rtds_unit(u);

    stopped(u);
    bring_up_to_date(r, why, now);
    await_deadline(r, now);
    if (!refill_from_spare_time(r))
        return false;
    if (why != SCHED_PREEMPTED && why != SCHED_YIELDED) {
        core_set_home(u, place(u), now);
        list_add_tail(&rtds_pcpu(u->home)->visitors, &r->visit);
    }
    index_insert(u, urgency(u));
    return true;
}

static void rtds_slept(struct sched_unit *u, sched_time now)
{
    (void)now;
    stopped(u);
    forget(&pool_of(u)->refills, &rtds_unit(u)->refill);
}

static void rtds_dequeue(struct sched_unit *u, sched_time now)
{
    (void)now;
    if (index_holds(u))
        index_remove(u);
    list_del(&rtds_unit(u)->visit);
    forget(&pool_of(u)->refills, &rtds_unit(u)->refill);
}

static void rtds_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    (void)now;
    rtds_unit(u)->left -= ran;
}

/* The first that may run here; among equals the one that ran, to save a switch. */
static struct sched_unit *choose(const struct sched_pcpu *p, struct sched_unit *prev)
{
    struct sched_unit *u = core_first_waiting(p, false);

    if (u && prev && unit_may_run_on(prev, p) && !more_urgent(u, prev))
        return prev;
    return u;
}

static struct sched_decision rtds_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                       sched_time now)
{
    struct sched_unit *u = choose(p, prev);

    if (!u)
        return (struct sched_decision){.until = SCHED_NEVER};
    index_remove(u);
    list_del(&rtds_unit(u)->visit);
    core_set_home(u, p, now);
    heap_insert(&rtds_pool(p->pool)->running, &rtds_unit(u)->running, reversed(urgency(u)));
    mask_clear(&p->pool->idle, p->id);
    if (prev && prev != u)
        seek_pcpu(prev, now);
    send_visitors_on(p, now);
    return (struct sched_decision){.unit = u, .until = now + rtds_unit(u)->left};
}

static sched_time rtds_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                  sched_time now)
{
    return more_urgent(u, p->current) ? now : SCHED_NEVER;
}

/* ---- replenishment ---------------------------------------------------------------------- */

static void refill_running(struct rtds_unit *r, sched_time now)
{
    struct sched_unit *u = r->unit;
    sched_time unpaid = now - u->home->charged; /* of the period that ends; charged to the next */

    r->left -= unpaid;
    if (r->level == 0 && r->left > 0)
        core_trace(u->domain->pool, SCHED_EV_MISS, (int)u->home->id, u, r->deadline, now);
    next_period(r, now);
    r->left += unpaid;
    heap_update(&pool_of(u)->running, &r->running, reversed(urgency(u)));
    core_resched(u->home, now);
}

static void refill_waiting(struct rtds_unit *r, sched_time now)
{
    struct sched_unit *u = r->unit;

    if (r->level == 0)
        core_trace(u->domain->pool, SCHED_EV_MISS, (int)u->home->id, u, r->deadline, now);
    index_remove(u);
    next_period(r, now);
    index_insert(u, urgency(u));
    seek_pcpu(u, now);
}

static sched_time rtds_tick(struct sched_pool *pool, sched_time now)
{
    struct heap *refills = &rtds_pool(pool)->refills;
    struct rtds_unit *r = heap_top_entry(refills, struct rtds_unit, refill);

    while (r && r->deadline <= now) {
        if (r->unit->state == SCHED_RUNNING)
            refill_running(r, now);
        else if (r->unit->state == SCHED_WAITING)
            refill_waiting(r, now);
        else
            next_period(r, now);
        await_deadline(r, now);
        core_ready(r->unit, now);
        r = heap_top_entry(refills, struct rtds_unit, refill);
    }
    return r ? r->deadline : SCHED_NEVER;
}

/* ---- admission ---------------------------------------------------------------------------- */

static uint64_t util_of(const int64_t *value)
{
    return util_ratio(value[RTDS_UNIT_BUDGET], value[RTDS_UNIT_PERIOD]);
}

/* The reserved units whose affinity meets one mask, and those that the change is about. */
struct subproblem {
    const struct mask *cpus;
    uint64_t sum, max; /* of the former, the latter not included */
    unsigned asking;   /* number of the latter */
};

static bool concerns(const struct sched_change *c, const struct sched_unit *u)
{
    return c->scope == SCHED_PARAM_UNIT && (c->unit ? c->unit == u : c->domain == u->domain);
}

/* Walks the units that the change is about; begins with NULL. */
static struct sched_unit *next_asking(const struct sched_change *c, const struct sched_unit *u)
{
    if (c->scope != SCHED_PARAM_UNIT)
        return NULL;
    if (c->unit)
        return u ? NULL : c->unit;
    struct list *l = u ? u->domain_link.next : c->domain->units.next;
    return l == &c->domain->units ? NULL : list_entry(l, struct sched_unit, domain_link);
}

static void add_asking(struct subproblem *s, const struct sched_change *c)
{
    for (struct sched_unit *u = next_asking(c, NULL); u; u = next_asking(c, u))
        s->asking += mask_intersects(&u->affinity->hard, s->cpus);
}

static void add_reserved(struct subproblem *s, const struct sched_change *c)
{
    list_for_each(r, &rtds_pool(c->pool)->reserved, struct rtds_unit, link) {
        if (concerns(c, r->unit) || !mask_intersects(&r->unit->affinity->hard, s->cpus))
            continue;
        s->sum += r->util;
        s->max = r->util > s->max ? r->util : s->max;
    }
}

/* The most that each of the asking units could reserve; negative: too much is reserved already.
 * From sum + k*x <= m - (m - 1) * max(max, x), both ways. */
static int64_t most(const struct subproblem *s)
{
    int64_t m = (int64_t)mask_count(s->cpus);
    int64_t k = s->asking ? s->asking : 1;
    int64_t one = (int64_t)UTIL_ONE, sum = (int64_t)s->sum, max = (int64_t)s->max;
    int64_t free = m * one - (m - 1) * max - sum;

    if (free < k * max)
        return free < 0 ? free : free / k;
    return (m * one - sum) / (m - 1 + k);
}

static bool has_users(const struct sched_affinity *a, const struct sched_change *c)
{
    list_for_each(r, &rtds_pool(c->pool)->reserved, struct rtds_unit, link)
        if (r->unit->affinity == a)
            return true;
    for (struct sched_unit *u = next_asking(c, NULL); u; u = next_asking(c, u))
        if (u->affinity == a)
            return true;
    return false;
}

/* The least of most() over all subproblems that the change is part of. */
static int64_t most_anywhere(const struct sched_change *c)
{
    int64_t least = (int64_t)UTIL_ONE;

    list_for_each(a, &c->pool->affinities, struct sched_affinity, link) {
        struct subproblem s = {.cpus = &a->hard};
        add_asking(&s, c);
        if ((c->scope == SCHED_PARAM_UNIT && !s.asking) || !has_users(a, c))
            continue;
        add_reserved(&s, c);
        int64_t x = most(&s);
        least = x < least ? x : least;
    }
    return least;
}

/* Does every unit concerned already reserve as much? */
static bool nothing_grows(const struct sched_change *c)
{
    for (struct sched_unit *u = next_asking(c, NULL); u; u = next_asking(c, u))
        if (rtds_unit(u)->util < util_of(c->value))
            return false;
    return true;
}

static int check_unit(const struct sched_change *c, struct sched_refusal *why)
{
    if (c->value[RTDS_UNIT_BUDGET] > c->value[RTDS_UNIT_PERIOD])
        return refuse(why, SCHED_EINVAL, "budget", "is more than the period, in ns",
                      c->value[RTDS_UNIT_PERIOD]);
    if (!c->pool->value[RTDS_POOL_ADMISSION] || nothing_grows(c))
        return 0;
    int64_t free = most_anywhere(c);
    if (free < (int64_t)util_of(c->value))
        return refuse(why, SCHED_ENOSPC, "budget",
                      "the reservation does not fit; free for each unit asking, in ppm of a pCPU",
                      free > 0 ? util_ppm((uint64_t)free) : 0);
    return 0;
}

static int rtds_check(const struct sched_change *c, struct sched_refusal *why)
{
    if (c->scope == SCHED_PARAM_UNIT)
        return check_unit(c, why);
    if (c->scope == SCHED_PARAM_POOL && c->value[RTDS_POOL_ADMISSION] &&
        !c->pool->value[RTDS_POOL_ADMISSION] && most_anywhere(c) < 0)
        return refuse(why, SCHED_ENOSPC, "admission",
                      "the reservations made without admission do not fit", 0);
    return 0;
}

static void reserve(struct sched_unit *u, uint64_t util)
{
    struct rtds_unit *r = rtds_unit(u);

    r->util = util;
    list_del(&r->link);
    if (util)
        list_add_tail(&pool_of(u)->reserved, &r->link);
}

/* New values begin a new period, and so a server. */
static void rtds_changed(const struct sched_change *c, sched_time now)
{
    for (struct sched_unit *u = next_asking(c, NULL); u; u = next_asking(c, u)) {
        reserve(u, util_of(c->value));
        rtds_unit(u)->deadline = now;
    }
}

static void rtds_unit_init(struct sched_unit *u, sched_time now)
{
    struct rtds_unit *r = rtds_unit(u);
    const struct sched_change c = {.scope = SCHED_PARAM_UNIT,
                                   .pool = u->domain->pool,
                                   .domain = u->domain,
                                   .unit = u,
                                   .value = u->value};

    r->unit = u;
    heap_node_init(&r->refill);
    heap_node_init(&r->running);
    list_init(&r->link);
    list_init(&r->visit);
    r->deadline = now;
    if (!check_unit(&c, NULL))
        reserve(u, util_of(u->value));
}

static void rtds_unit_fini(struct sched_unit *u, sched_time now)
{
    (void)now;
    reserve(u, 0);
}

const struct sched_policy sched_rtds = {
    .name = "SMP RTDS Scheduler",
    .opt_name = "rtds",
    .id = 8,
    .contract =
        "Each unit reserves `budget` ns in every `period`, served by global EDF. A unit admitted "
        "(U_sum <= m - (m-1) U_max on every set of m pCPUs that is a reserved unit's affinity, "
        "with all reserved units that may use one of them) whose jobs need at most `budget` and "
        "are "
        "released at least `period` apart finishes each within `period` of its release, at any "
        "phase. A new unit whose default does not fit has no reservation and runs in spare time "
        "only, so it may starve. Spare time goes to units with extratime, one budget at a time "
        "by deadline; others get their budget and no more. Changes of affinity and of the pool's "
        "pCPUs are not tested for admission.",
    .params = rtds_params,
    .nr_params = sizeof(rtds_params) / sizeof(rtds_params[0]),
    .pool_size = sizeof(struct rtds_pool),
    .pcpu_size = sizeof(struct rtds_pcpu),
    .unit_size = sizeof(struct rtds_unit),
    .pool_init = rtds_pool_init,
    .pcpu_init = rtds_pcpu_init,
    .unit_init = rtds_unit_init,
    .unit_fini = rtds_unit_fini,
    .enqueue = rtds_enqueue,
    .dequeue = rtds_dequeue,
    .charge = rtds_charge,
    .slept = rtds_slept,
    .pick = rtds_pick,
    .preempt_at = rtds_preempt_at,
    .tick = rtds_tick,
    .check = rtds_check,
    .changed = rtds_changed,
};
