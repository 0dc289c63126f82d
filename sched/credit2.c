/*
 * Credit2: weighted fair shares with short latencies (Dunlap, "Credit2: a
 * scheduler for latency-sensitive workloads", Xen Summit 2009 onwards).
 *
 * Design. A unit's credit is the CPU time that it is owed: it burns while the
 * unit runs, faster for lighter units, and the unit with the most credit runs.
 * When even the best has none left, everybody on the runqueue gets CREDIT_INIT
 * more. Adding the same to all changes nothing in the order, so credit is kept
 * as a distance on the virtual time line (fair.h): credit = zero - vtime, and a
 * reset moves the runqueue's `zero`. Nobody's credit needs to be touched.
 *
 * A unit runs until the next one in line has as much credit as it has, but at
 * least the ratelimit and at most MAX_TIMER; one that wakes with more credit
 * than the running unit takes over once that has run for the ratelimit, and
 * chooses the pCPU of its cluster where this is soonest. pCPUs of a pool even
 * out through the core (balance.c): taking over a unit from another runqueue
 * must be worth MIGRATE_RESIST of its service.
 *
 * Invariants. Vtimes never go back, so a unit that sleeps, yields or is woken
 * often gets what its weight buys; a sleeper comes back with CARRY_OVER more
 * than a reset gives over the unit that runs, at most. Caps are token buckets (budget.h).
 *
 * historic=1 restores two clips of Xen's: credit never falls below CREDIT_MIN,
 * so a light unit's overdraft is forgiven and weight ratios beyond about 20:1
 * are not delivered, and replenishment of caps stays as here.
 *
 * Bad at: reservations (there are none) and cache warmth below the ratelimit.
 */
#include "budget.h"
#include "fair.h"
#include "policy.h"

#define CREDIT_INIT      (10 * MS)
#define CREDIT_MIN       (-CREDIT_INIT)
#define CARRY_OVER       (500 * US)
#define MIN_TIMER        (500 * US)
#define MAX_TIMER        (10 * MS)
#define MIGRATE_RESIST   (500 * US)
#define TICKLE_TOLERANCE (50 * US)
#define CAP_PERIOD       (10 * MS)

enum { POOL_RATELIMIT, POOL_HISTORIC };
enum { DOMAIN_WEIGHT, DOMAIN_CAP };

struct runqueue {
    struct heap waiting; /* by vtime: the most credit first */
    int64_t zero;        /* the vtime that stands for no credit */
    uint32_t heaviest;   /* weight whose credit burns 1 ns per ns */
};

struct credit2_unit {
    struct heap_node node;
    struct sched_unit *unit;
};

static struct runqueue *runqueue_of(const struct sched_pcpu *pcpu)
{
    return pcpu->data;
}

static struct sched_unit *first_waiting(const struct runqueue *rq)
{
    struct credit2_unit *c = heap_top_entry(&rq->waiting, struct credit2_unit, node);
    return c ? c->unit : NULL;
}

static bool historic(const struct sched_pcpu *pcpu)
{
    return pcpu->pool->value[POOL_HISTORIC];
}

/* Credit of the runqueue's heaviest unit as virtual time. */
static int64_t credit_span(const struct runqueue *rq, int64_t credit)
{
    return credit * 256 / rq->heaviest;
}

static void pcpu_init(struct sched_pcpu *pcpu)
{
    struct runqueue *rq = runqueue_of(pcpu);
    heap_init(&rq->waiting);
    rq->heaviest = 256;
}

static void unit_init(struct sched_unit *u, sched_time now)
{
    struct credit2_unit *c = u->data;
    (void)now;
    c->unit = u;
    heap_node_init(&c->node);
    fair_set_weight(u, u->domain->value[DOMAIN_WEIGHT]);
}

/* The best has no credit left: everybody gets more. */
static void reset_credit(struct runqueue *rq, int64_t best_vtime)
{
    if (vtime_diff(best_vtime, rq->zero) >= 0)
        rq->zero = best_vtime + credit_span(rq, CREDIT_INIT);
}

/* Who comes from sleep is owed at most CREDIT_INIT + CARRY_OVER more than the unit that runs. */
static void limit_credit(struct sched_unit *u, const struct runqueue *rq, sched_time now)
{
    const struct sched_pcpu *pcpu = u->home;

    if (!pcpu->current)
        return;
    int64_t most = credit_span(rq, CREDIT_INIT) + fair_to_virtual(u, CARRY_OVER);
    int64_t running = fair_vtime_at(pcpu, pcpu->current, now);
    fair_set_vtime(u, vtime_later(u->vtime, running - most));
}

static bool enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct credit2_unit *c = u->data;
    struct runqueue *rq = runqueue_of(u->home);

    budget_stop(u, now);
    if (!u->home->nr_runnable || u->share_den > rq->heaviest)
        rq->heaviest = u->share_den;
    if (why == SCHED_WOKEN)
        limit_credit(u, rq, now);
    if (!budget_available(u->domain, now)) {
        budget_park(u, now);
        return false;
    }
    heap_insert(&rq->waiting, &c->node, u->vtime);
    return true;
}

static void dequeue(struct sched_unit *u, sched_time now)
{
    struct credit2_unit *c = u->data;
    (void)now;
    if (heap_queued(&c->node))
        heap_remove(&runqueue_of(u->home)->waiting, &c->node);
}

static void slept(struct sched_unit *u, sched_time now)
{
    budget_stop(u, now);
}

static void charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    struct runqueue *rq = runqueue_of(u->home);
    (void)ran;
    (void)now;
    if (!historic(u->home))
        return;
    int64_t floor = rq->zero - credit_span(rq, CREDIT_MIN);
    if (vtime_diff(u->vtime, floor) > 0)
        fair_set_vtime(u, floor);
}

/* The first in line, or the one behind it if the first has just yielded. */
static struct sched_unit *candidate(struct runqueue *rq, struct sched_unit *prev, bool yielded)
{
    struct sched_unit *first = first_waiting(rq);

    if (!yielded || first != prev || rq->waiting.size == 1)
        return first;
    return container_of(heap_second(&rq->waiting), struct credit2_unit, node)->unit;
}

/* How long until the next in line has as much credit, within the limits of the timer. */
static sched_time run_time(const struct sched_pcpu *pcpu, const struct sched_unit *u)
{
    const struct sched_unit *next = first_waiting(runqueue_of(pcpu));
    sched_time least = time_max(MIN_TIMER, pcpu->pool->value[POOL_RATELIMIT]);

    if (!next)
        return SCHED_NEVER;
    sched_time tie = fair_to_service(u, vtime_diff(next->vtime, u->vtime));
    return time_max(least, time_min(tie, time_max(MAX_TIMER, least)));
}

/* The unit that runs keeps the pCPU until it has run for the ratelimit. */
static sched_time keep_until(const struct sched_pcpu *pcpu)
{
    return pcpu->since + pcpu->pool->value[POOL_RATELIMIT] - TICKLE_TOLERANCE;
}

static struct sched_unit *choose(struct sched_pcpu *pcpu, struct sched_unit *prev, sched_time now)
{
    struct runqueue *rq = runqueue_of(pcpu);
    bool yielded = prev && prev->yielding;

    if (prev && !yielded && now < keep_until(pcpu))
        return prev;
    return candidate(rq, prev, yielded);
}

static struct sched_decision pick(struct sched_pcpu *pcpu, struct sched_unit *prev, sched_time now)
{
    struct sched_unit *u;

    while ((u = choose(pcpu, prev, now))) {
        dequeue(u, now);
        sched_time quota = budget_start(u, now);
        if (quota) {
            reset_credit(runqueue_of(pcpu), u->vtime);
            sched_time run = u == prev && now < keep_until(pcpu)
                                 ? keep_until(pcpu) + TICKLE_TOLERANCE - now
                                 : run_time(pcpu, u);
            run = time_min(run, quota);
            return (struct sched_decision){u, run == SCHED_NEVER ? run : now + run};
        }
        budget_park(u, now);
        core_park(u, now);
        if (u == prev)
            prev = NULL;
    }
    return (struct sched_decision){NULL, SCHED_NEVER};
}

static sched_time preempt_at(const struct sched_pcpu *pcpu, const struct sched_unit *u,
                             sched_time now)
{
    int64_t lead = vtime_diff(u->vtime, fair_vtime_at(pcpu, pcpu->current, now));
    sched_time tie = lead <= 0 ? now : now + fair_to_service(pcpu->current, lead);
    return time_max(tie, keep_until(pcpu));
}

static int check(const struct sched_change *c, struct sched_refusal *why)
{
    if (c->scope == SCHED_PARAM_DOMAIN)
        return budget_check(c->domain, c->value[DOMAIN_CAP], why);
    return 0;
}

static void changed(const struct sched_change *c, sched_time now)
{
    if (c->scope != SCHED_PARAM_DOMAIN)
        return;
    list_for_each(u, &c->domain->units, struct sched_unit, domain_link)
        fair_set_weight(u, c->domain->value[DOMAIN_WEIGHT]);
    budget_set(c->domain, c->domain->value[DOMAIN_CAP], CAP_PERIOD, now);
}

static const struct sched_param params[] = {
    {"ratelimit", SCHED_PARAM_POOL, SCHED_TIME_NS, 0, 500 * MS, 1 * MS,
     "shortest time a vCPU runs before another may take over"},
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "forgive debt beyond 10 ms of credit, as Xen does"},
    {"weight", SCHED_PARAM_DOMAIN, SCHED_COUNT, 1, 65535, 256,
     "share of each vCPU relative to others"},
    {"cap", SCHED_PARAM_DOMAIN, SCHED_PERCENT, 0, 100 * 65535LL, 0,
     "most CPU time of the domain, in per cent of one pCPU; 0 is no cap"},
};

const struct sched_policy sched_credit2 = {
    .name = "SMP Credit Scheduler rev2",
    .opt_name = "credit2",
    .id = 6,
    .contract = "A weight is the share: weighted max-min fairness under hard affinity, within 1 "
                "percentage point over 1 s. A cap is never exceeded by more than 10 ms of its "
                "budget. Work conserving but for caps; nothing starves. No reservations.",
    .params = params,
    .nr_params = sizeof(params) / sizeof(params[0]),
    .pcpu_size = sizeof(struct runqueue),
    .unit_size = sizeof(struct credit2_unit),
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
    .check = check,
    .changed = changed,
};
