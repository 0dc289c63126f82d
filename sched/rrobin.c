/*
 * Round robin: one queue per pCPU, everybody runs in turn for one slice.
 *
 * Design. A unit's turn begins when it is picked and ends when the slice is
 * used up or given away by a yield; then it goes to the tail and waits for its
 * next turn. A unit whose turn is interrupted (it sleeps, or the pCPU decides
 * early) returns to the head with what is left of the slice, so a short sleep
 * costs it nothing. The core evens out the queues of several pCPUs; it moves the
 * unit that is furthest behind, so a unit that is moved goes to the head.
 *
 * Invariants. Moves apart, a slice is renewed only at the tail: between two
 * renewals of one unit each unit that waited in front of it has had its turn. A
 * unit may therefore overtake another by one slice, whatever its pattern of sleep.
 *
 * Promises. All units that want to run on a pCPU get the same share of it. A
 * waiting unit's turn comes after at most two slices of every other unit of
 * its pCPU. Nothing starves.
 *
 * Known to be bad at. No weights, no caps, no preemption: a wake waits for the
 * end of the slice that runs, and once in a while for a whole round. Many
 * units make long rounds.
 *
 * Historic. Xen's sched_rrobin.c puts each waker at the head with a whole
 * slice and forgets what is left of an interrupted one. A unit that sleeps
 * briefly and often stays in front then, and the others starve; historic=1
 * brings this back. The slice (10 ms) is Xen's.
 */
#include "policy.h"

#define RR_SLICE (10 * MS)

enum { RR_POOL_SLICE, RR_POOL_HISTORIC };

static const struct sched_param rr_params[] = {
    {"slice", SCHED_PARAM_POOL, SCHED_TIME_NS, 10 * US, 10 * SEC, RR_SLICE,
     "time that a unit runs in its turn"},
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "a unit that wakes goes to the head with a whole slice, others may starve"},
};

struct rr_pcpu {
    struct list queue;
};

struct rr_unit {
    struct list link; /* in its home's queue */
    struct sched_unit *unit;
    sched_time left; /* of the slice */
    bool in_turn;    /* picked since the slice was renewed */
    bool moved;      /* here, and not picked yet */
};

static struct rr_pcpu *rr_pcpu(const struct sched_pcpu *p)
{
    return p->data;
}

static struct rr_unit *rr_unit(const struct sched_unit *u)
{
    return u->data;
}

static void rr_pcpu_init(struct sched_pcpu *p)
{
    list_init(&rr_pcpu(p)->queue);
}

static void rr_unit_init(struct sched_unit *u, sched_time now)
{
    struct rr_unit *r = rr_unit(u);

    (void)now;
    list_init(&r->link);
    r->unit = u;
}

static bool rr_goes_first(const struct sched_unit *u, enum sched_why why)
{
    const struct rr_unit *r = rr_unit(u);

    if (why == SCHED_MOVED)
        return true;
    if (u->domain->pool->value[RR_POOL_HISTORIC])
        return why == SCHED_WOKEN;
    return why != SCHED_YIELDED && r->in_turn && r->left > 0;
}

/* The place behind which a unit that goes first is put: even it lets one go that was moved here
 * to catch up, which would otherwise be moved on before its turn. */
static struct list *rr_front(struct list *queue, enum sched_why why)
{
    const struct rr_unit *head = list_first_entry(queue, struct rr_unit, link);

    return head && head->moved && why != SCHED_MOVED ? queue->next : queue;
}

static bool rr_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    const struct sched_pool *pool = u->domain->pool;
    struct rr_unit *r = rr_unit(u);
    struct list *queue = &rr_pcpu(u->home)->queue;
    bool first = rr_goes_first(u, why);

    (void)now;
    if (first)
        list_add_head(rr_front(queue, why), &r->link);
    else
        list_add_tail(queue, &r->link);
    if (!first || !r->in_turn || r->left <= 0 || pool->value[RR_POOL_HISTORIC]) {
        r->left = pool->value[RR_POOL_SLICE];
        r->in_turn = false;
    }
    r->left = time_min(r->left, pool->value[RR_POOL_SLICE]);
    r->moved = why == SCHED_MOVED;
    return true;
}

static void rr_dequeue(struct sched_unit *u, sched_time now)
{
    (void)now;
    list_del(&rr_unit(u)->link);
}

static void rr_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    (void)now;
    rr_unit(u)->left -= ran;
}

static struct sched_decision rr_pick(struct sched_pcpu *p, struct sched_unit *prev, sched_time now)
{
    const struct list *queue = &rr_pcpu(p)->queue;
    struct rr_unit *r;

    (void)prev;
    if (list_empty(queue))
        return (struct sched_decision){.until = SCHED_NEVER};
    r = list_first_entry(queue, struct rr_unit, link);
    list_del(&r->link);
    r->in_turn = true;
    return (struct sched_decision){.unit = r->unit, .until = now + r->left};
}

static sched_time rr_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                sched_time now)
{
    (void)p;
    (void)u;
    (void)now;
    return SCHED_NEVER;
}

const struct sched_policy sched_rrobin = {
    .name = "Round-Robin Scheduler",
    .opt_name = "rrobin",
    .id = 3,
    .contract =
        "Every unit that wants to run gets the same share of its pCPU, in turns of one slice. A "
        "unit that sleeps in its turn keeps the rest of it. There are no weights, caps or "
        "reservations, and a wake does not preempt: expect latencies of one slice, at times of "
        "two rounds. Nothing starves, except with historic=1, where units that sleep and wake "
        "quickly keep the others out. Work conserving.",
    .params = rr_params,
    .nr_params = sizeof(rr_params) / sizeof(rr_params[0]),
    .pcpu_size = sizeof(struct rr_pcpu),
    .unit_size = sizeof(struct rr_unit),
    .balanced = true,
    .resist = RR_SLICE,
    .pcpu_init = rr_pcpu_init,
    .unit_init = rr_unit_init,
    .enqueue = rr_enqueue,
    .dequeue = rr_dequeue,
    .charge = rr_charge,
    .pick = rr_pick,
    .preempt_at = rr_preempt_at,
};
