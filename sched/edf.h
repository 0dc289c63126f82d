/*
 * Reservations served earliest deadline first: what SEDF and Atropos share.
 * They differ in who gets the slack, the time that no reservation uses.
 *
 * A server may use `slice` ns in each `period`. While it sleeps it keeps its
 * deadline and what is left; on waking the rule of the constant bandwidth
 * server (Abeni & Buttazzo, RTSS 1998) decides whether it may go on with them
 * or starts a new period. So in any interval the servers of a pCPU ask for no
 * more than their utilisation, and EDF serves them all in time if these sum up
 * to at most one (Liu & Layland, JACM 1973). A server that has used up its
 * slice waits for the end of its period; what it ran too long is taken from
 * the next slice.
 *
 * Latency (Atropos): a server that wakes gets the share slice * latency / period
 * of its slice with the earlier deadline now + latency, and the rest with the
 * deadline of the period. Both parts have the density slice / period, so this
 * costs the others nothing. The next such part comes not before the deadline of
 * the last, unless the rule on waking begins a new period.
 *
 * A change of slice or period carries over what the server has run ahead of
 * its old rate. When a server leaves a pCPU in the middle of a period, what it
 * ran ahead is forgotten: the others there may find a deadline missed until
 * that period would have ended, if a new server takes the room at once.
 */
#ifndef SCHED_EDF_H
#define SCHED_EDF_H

#include "policy.h"

/* Both policies begin their lists of values with these. */
enum { EDF_HISTORIC, EDF_ADMISSION };                   /* pool */
enum { EDF_PERIOD, EDF_SLICE, EDF_LATENCY, EDF_SLACK }; /* unit; slack: may use what is left over */

#define EDF_PERIOD_MIN (10 * US)
#define EDF_PERIOD_MAX (10 * SEC)
#define EDF_SLICE_MIN  (5 * US)

/* A unit's reservation; first in the policy's data of the unit. */
struct edf_server {
    int64_t slice, period, latency; /* slice 0: no reservation; latency 1 to period */
    uint64_t rate;                  /* slice/period, 2^-40 */
    sched_time deadline;            /* end of the period in course */
    int64_t remain;                 /* of the slice; negative: ran too long */
    sched_time urgent_by;           /* deadline of the part that `latency` brings forward */
    int64_t urgent;                 /* what is left of that part; belongs to `remain` */
    struct sched_unit *unit;
    const struct sched_pcpu *home; /* for which the deadline was set */
    bool on_slack;                 /* it runs, or last ran, on slack */
    bool parked;                   /* in edf_pool.parked, or for good */
    struct heap_node node;         /* in edf_queue or edf_pool */
};

/* The servers that are queued on one pCPU; first in the policy's data of the pCPU. */
struct edf_queue {
    struct heap run;  /* have time left, by deadline */
    struct heap wait; /* have none, by the end of their period */
};

/* The policy's data of the pool. */
struct edf_pool {
    struct heap parked; /* have no time left and may not use slack, by the end of their period */
};

/*
 * The rule on waking: must the server begin a new period? Yes if its deadline
 * is past, or if using `remain` by the deadline would exceed the rate slice / period.
 */
static inline bool edf_cbs_renew(int64_t remain, sched_time deadline, int64_t slice, int64_t period,
                                 sched_time now)
{
    if (deadline <= now)
        return true;
    return (__int128)remain * period > (__int128)(deadline - now) * slice;
}

static inline struct edf_server *edf_server(const struct sched_unit *u)
{
    return u->data;
}

static inline struct edf_queue *edf_queue(const struct sched_pcpu *p)
{
    return p->data;
}

/* Does the unit run, or could it, on its reservation? */
static inline bool edf_has_time(const struct edf_server *s)
{
    return s->slice && s->remain > 0;
}

/* What it must finish next, and how much of that is left. */
static inline sched_time edf_due(const struct edf_server *s)
{
    return s->urgent > 0 ? s->urgent_by : s->deadline;
}

static inline int64_t edf_left(const struct edf_server *s)
{
    return s->urgent > 0 ? s->urgent : s->remain;
}

/* Units whose reservation is not admitted live on slack, whatever their parameters say. */
static inline bool edf_takes_slack(const struct sched_unit *u)
{
    return u->value[EDF_SLACK] || (u->value[EDF_SLICE] && !u->reserved);
}

/* Ops that both policies use as they are; unit_init gives privileged domains EDF_DOM0_*. */
#define EDF_DOM0_PERIOD (20 * MS)
#define EDF_DOM0_SLICE  (15 * MS)
void edf_pool_init(struct sched_pool *pool);
void edf_pcpu_init(struct sched_pcpu *p);
void edf_unit_init(struct sched_unit *u, sched_time now);
int edf_check(const struct sched_change *c, struct sched_refusal *why);
uint64_t edf_demand(const struct sched_unit *u, const int64_t *value);
sched_time edf_tick(struct sched_pool *pool, sched_time now);

/*
 * The unit is about to be queued: begins a new period if one is due. Returns what was left of a
 * slice that is lost because historic=1 and the unit slept in its period, otherwise 0.
 */
int64_t edf_refresh(struct sched_unit *u, enum sched_why why, sched_time now);

/* The unit ran on its reservation. */
void edf_charge(struct edf_server *s, int64_t ran);

/* Queue the unit's reservation, if it has one. Without time left and slack, parks the unit until
 * its next period and returns false. */
bool edf_enqueue(struct sched_unit *u);
void edf_dequeue(struct sched_unit *u);

/* Begins the periods that are due, by enqueue(SCHED_PREEMPTED), and takes the first unit that has
 * time left. False: there is none; d->until is when the next period of one on slack begins. */
bool edf_pick(struct sched_pcpu *p, sched_time now, struct sched_decision *d);

/* When queued `u` takes over from the running unit by its reservation, now or in its next
 * period; SCHED_NEVER: when that one's time is up. */
sched_time edf_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u, sched_time now);

#endif
