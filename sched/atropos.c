/*
 * Atropos: reservations by earliest deadline, slack in turns.
 *
 * Design: a unit has `slice` in each `period`, served by deadline (edf.h) on the
 * pCPU that admission control chose. After a long sleep the share
 * slice * latency / period of the first slice has the deadline `latency`, the
 * rest the deadline of the period. Slack, the time that no reservation uses,
 * goes to the units with xtratime=1 whose slice is used up, in turns of
 * SLACK_QUANTUM; who is interrupted in its turn goes on with it later. A unit
 * whose reservation was not admitted (a new one with the default parameters that
 * does not fit) lives on slack.
 *
 * Invariants: a unit with time left in its slice waits for no turn. Slack is not
 * charged to the reservation.
 *
 * Promises: each unit whose jobs need up to `slice` and are released at least
 * `period` apart has them done within `period`, and the latency share within
 * `latency`, at utilisations up to 1 for each pCPU. No reservation is admitted
 * that does not fit (admission=0: all are, and deadlines are missed).
 *
 * Starvation: a unit with slice 0 and xtratime 0 never runs. Slack may be none at
 * all: who lives on it starves when the reservations take the whole pCPU. Units
 * with reservations, even the small default one, do not leave their pCPU, so
 * another one may have more slack or even be idle.
 *
 * Bad at: sharing slack by any weight, or fairly between pCPUs; latency of units
 * on slack, up to SLACK_QUANTUM for each of them.
 *
 * Sources: Nemesis (Leslie et al., IEEE JSAC 14(7), 1996), of which Xen 2.0's
 * sched_atropos.c is a port; parameters and defaults are from there. The rule on
 * waking is the constant bandwidth server's (edf.h). historic=1 brings back what
 * Xen's did instead: no run is shorter than 5 ms; a wake does not preempt; who
 * sleeps and wakes within a period has only slack until its end; and the latency
 * share is slice / (period / latency) in whole numbers, which can be the whole
 * slice.
 */
#include "edf.h"
#include "fair.h"

#define SLACK_QUANTUM    (5 * MS)
#define HISTORIC_RUN_MIN (5 * MS)
#define DOM0_LATENCY     (5 * MS)
#define DEFAULT_PERIOD   (10 * SEC)
#define DEFAULT_SLICE    (10 * MS)

static const struct sched_param atropos_params[] = {
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "runs of 5 ms at least, wakes do not preempt, a short sleep loses the rest of the slice"},
    {"admission", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 1, "refuse reservations that do not fit"},
    {"period", SCHED_PARAM_UNIT, SCHED_TIME_NS, EDF_PERIOD_MIN, EDF_PERIOD_MAX, DEFAULT_PERIOD,
     "period of the reservation"},
    {"slice", SCHED_PARAM_UNIT, SCHED_TIME_NS, 0, EDF_PERIOD_MAX, DEFAULT_SLICE,
     "reserved time in each period, 0 or 5 us to the period"},
    {"latency", SCHED_PARAM_UNIT, SCHED_TIME_NS, 1, EDF_PERIOD_MAX, DEFAULT_PERIOD,
     "deadline for the first part of the slice after a long sleep"},
    {"xtratime", SCHED_PARAM_UNIT, SCHED_BOOL, 0, 1, 1, "may use time that nobody has reserved"},
};

struct atropos_pcpu {
    struct edf_queue edf;
    struct list slack; /* units that wait for a turn */
};

struct atropos_unit {
    struct edf_server server;
    struct list link; /* in atropos_pcpu.slack */
    int64_t turn;     /* what is left of it */
    bool moved;
};

static struct atropos_pcpu *atropos_pcpu(const struct sched_pcpu *p)
{
    return p->data;
}

static struct atropos_unit *atropos_unit(const struct sched_unit *u)
{
    return u->data;
}

static bool is_historic(const struct sched_pool *pool)
{
    return pool->value[EDF_HISTORIC];
}

static void atropos_pcpu_init(struct sched_pcpu *p)
{
    edf_pcpu_init(p);
    list_init(&atropos_pcpu(p)->slack);
}

static void atropos_unit_init(struct sched_unit *u, sched_time now)
{
    edf_unit_init(u, now);
    list_init(&atropos_unit(u)->link);
    if (u->domain->privileged)
        u->value[EDF_LATENCY] = DOM0_LATENCY;
}

static void wait_for_turn(struct sched_unit *u, enum sched_why why)
{
    struct list *slack = &atropos_pcpu(u->home)->slack;
    struct atropos_unit *a = atropos_unit(u);

    if (why == SCHED_MOVED || (why == SCHED_PREEMPTED && a->turn > 0)) {
        const struct atropos_unit *head = list_first_entry(slack, struct atropos_unit, link);
        a->turn = why == SCHED_MOVED ? SLACK_QUANTUM : a->turn;
        a->moved = why == SCHED_MOVED;
        list_add_head(head && head->moved && !a->moved ? slack->next : slack, &a->link);
        return;
    }
    a->moved = false;
    a->turn = SLACK_QUANTUM;
    list_add_tail(slack, &a->link);
}

/* Virtual time is for the core only, which moves units without reservations by it: they bank
 * nothing in their sleep, and those with one have no say in how well their pCPU serves. */
static void keep_vtime(struct sched_unit *u, enum sched_why why, sched_time now)
{
    int64_t clock = fair_clock(u->home, now);

    if (u->reserved)
        fair_set_vtime(u, clock);
    else if (why == SCHED_WOKEN)
        fair_set_vtime(u, vtime_later(u->vtime, clock));
}

static bool atropos_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    edf_refresh(u, why, now);
    keep_vtime(u, why, now);
    if (!edf_enqueue(u))
        return false;
    if (!edf_has_time(edf_server(u)))
        wait_for_turn(u, why);
    return true;
}

static void atropos_dequeue(struct sched_unit *u, sched_time now)
{
    (void)now;
    edf_dequeue(u);
    list_del(&atropos_unit(u)->link);
}

static void atropos_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    struct atropos_unit *a = atropos_unit(u);

    (void)now;
    if (a->server.on_slack)
        a->turn -= ran;
    else
        edf_charge(&a->server, ran);
}

static struct sched_decision atropos_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                          sched_time now)
{
    bool historic = is_historic(p->pool);
    struct sched_decision d;
    struct atropos_unit *a;

    (void)prev;
    if (!edf_pick(p, now, &d)) {
        a = list_first_entry(&atropos_pcpu(p)->slack, struct atropos_unit, link);
        if (!a)
            return d;
        d.unit = a->server.unit;
        d.until = time_min(d.until, now + a->turn);
        atropos_dequeue(d.unit, now);
        a->server.on_slack = true;
    }
    if (historic)
        d.until = time_max(d.until, now + HISTORIC_RUN_MIN);
    return d;
}

static sched_time atropos_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                     sched_time now)
{
    sched_time when = edf_preempt_at(p, u, now);
    return is_historic(p->pool) && when <= now ? SCHED_NEVER : when;
}

const struct sched_policy sched_atropos = {
    .name = "Atropos Scheduler",
    .opt_name = "atropos",
    .id = 2,
    .contract =
        "Each vCPU gets its slice in every period, by earliest deadline first: jobs of up to a "
        "slice, released at least a period apart, are done within the period, and after a sleep "
        "the share slice * latency / period of them within the latency. Reservations that fit on "
        "no pCPU are refused, unless admission=0. Slack goes in turns of 5 ms to vCPUs with "
        "xtratime=1. A vCPU with slice 0 and xtratime 0 never runs, and slack can be none. vCPUs "
        "with reservations stay on the pCPU that admission chose, so the policy is work "
        "conserving only among those without.",
    .params = atropos_params,
    .nr_params = sizeof(atropos_params) / sizeof(atropos_params[0]),
    .pool_size = sizeof(struct edf_pool),
    .pcpu_size = sizeof(struct atropos_pcpu),
    .unit_size = sizeof(struct atropos_unit),
    .balanced = true,
    .resist = 2 * SLACK_QUANTUM,
    .pool_init = edf_pool_init,
    .pcpu_init = atropos_pcpu_init,
    .unit_init = atropos_unit_init,
    .enqueue = atropos_enqueue,
    .dequeue = atropos_dequeue,
    .charge = atropos_charge,
    .pick = atropos_pick,
    .preempt_at = atropos_preempt_at,
    .tick = edf_tick,
    .check = edf_check,
    .demand = edf_demand,
};
