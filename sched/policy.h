/*
 * The seam between the core and the policies.
 *
 * A policy orders the units that are queued on one pCPU (their `home`) and
 * says for how long the first may run. The core does the rest: who is
 * runnable, where a unit is placed, which pCPU takes work from which, cap
 * budgets, admission to pCPUs, parameters.
 *
 * Ops take `now`, return a decision, and neither lock, allocate, read a clock
 * nor print. NULL ops are allowed where said.
 */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include "sched.h"

enum sched_why {
    SCHED_WOKEN,     /* from sleep */
    SCHED_PREEMPTED, /* its slice ended or something more urgent came */
    SCHED_YIELDED,
    SCHED_MOVED,    /* from another pCPU, pool or policy; also after a change of parameters */
    SCHED_UNPARKED, /* core_ready */
};

/* A set of values that is to be checked before it is applied. */
struct sched_change {
    enum sched_scope scope;
    struct sched_pool *pool;
    struct sched_domain *domain; /* NULL at pool scope */
    struct sched_unit *unit;     /* NULL: all units of the domain */
    const int64_t *value;
};

struct sched_policy {
    const char *name;     /* "SMP Credit Scheduler" */
    const char *opt_name; /* "credit", as in sched= */
    int id;               /* public/domctl.h, XEN_SCHEDULER_* and its historic values */
    const char *contract; /* what it promises and what it does not, a paragraph for people */
    const struct sched_param *params; /* grouped by scope: pool, domain, unit */
    unsigned nr_params;
    size_t pool_size, pcpu_size, domain_size, unit_size; /* of ->data, zeroed before *_init */

    /*
     * A balanced policy lets the core move its waiting units between pCPUs:
     * an idle pCPU takes one, and a pCPU whose clock is ahead of another's by more than
     * `resist` ns of the unit's own service takes the unit that is furthest behind.
     * Unbalanced policies (unbound units included) place units themselves, or never move them.
     */
    bool balanced;
    sched_time resist;
    unsigned banks; /* 1 + the pool parameter with which sleepers keep any lag; 0: there is none */
    bool by_vtime;  /* its queues are ordered by vtime: a change of vtime needs queueing anew */

    void (*pool_init)(struct sched_pool *); /* may be NULL, like the next three */
    void (*pcpu_init)(struct sched_pcpu *);
    void (*domain_init)(struct sched_domain *,
                        sched_time now); /* after the defaults are in value[] */
    void (*unit_init)(struct sched_unit *, sched_time now);
    void (*unit_fini)(struct sched_unit *, sched_time now); /* may be NULL; dequeued already */

    /* Put a runnable unit on its home's queue. false: it may not run now (no budget); the
     * policy will call core_ready when it may. The core then counts it as parked. */
    bool (*enqueue)(struct sched_unit *, enum sched_why, sched_time now);
    /* Take a waiting or parked unit out of all queues of the policy: it blocks, moves or ends. */
    void (*dequeue)(struct sched_unit *, sched_time now);
    /* `ran` ns on its home have just passed. Called for the running unit before any enqueue,
     * and whenever its parameters or place change. The core has advanced vtime already.
     * May be NULL. */
    void (*charge)(struct sched_unit *, sched_time ran, sched_time now);
    /* The running unit went to sleep (charged already, and not on a queue). May be NULL. */
    void (*slept)(struct sched_unit *, sched_time now);
    /* Choose from the pCPU's queue and take the chosen one off it. `prev` is the unit that ran
     * until now: it is queued again if it is still runnable (state SCHED_WAITING), and
     * prev == chosen continues its run. pcpu->since is when prev began. */
    struct sched_decision (*pick)(struct sched_pcpu *, struct sched_unit *prev, sched_time now);
    /* When should queued `u` (its home is `pcpu`, or may become it) take over from
     * pcpu->current, which is not NULL? `now` at once, SCHED_NEVER: wait for the slice to end. */
    sched_time (*preempt_at)(const struct sched_pcpu *, const struct sched_unit *u, sched_time now);

    /* The pool's timer (core_timer) is due; returns when next. May be NULL. */
    sched_time (*tick)(struct sched_pool *, sched_time now);

    /* Beyond the ranges in params: 0 or -errno with the reason in *why. May be NULL.
     * Must not change anything. */
    int (*check)(const struct sched_change *, struct sched_refusal *why);
    /* New values are in place. Exactly the innermost object given changed: unit, or domain, or
     * pool. No unit of it is queued meanwhile: the core has dequeued (and charged) all units
     * that the change concerns and puts them back (SCHED_MOVED) afterwards. May be NULL. */
    void (*changed)(const struct sched_change *, sched_time now);

    /* Admitted utilisation (2^-40) of a unit with `value`s; see admission.h. NULL: the policy
     * makes no reservations on pCPUs. Units with a non-zero one are bound to one pCPU. */
    uint64_t (*demand)(const struct sched_unit *, const int64_t *value);

    /* ARINC653 only. */
    int (*set_table)(struct sched_pool *, sched_time major_frame, const struct sched_window *,
                     unsigned n, sched_time now, struct sched_refusal *why);
    unsigned (*get_table)(const struct sched_pool *, sched_time *major_frame,
                          struct sched_table_window *);
};

extern const struct sched_policy sched_rrobin, sched_bvt, sched_fbvt, sched_atropos, sched_sedf,
    sched_credit, sched_credit2, sched_rtds, sched_arinc653, sched_null;

/* ---- what the core offers to policies ----------------------------------- */

/* A parked unit may run again: places it, queues it (SCHED_UNPARKED), preempts if due. */
void core_ready(struct sched_unit *u, sched_time now);
/* The unit is runnable and queued, but may no longer run: the opposite; policy dequeued it. */
void core_park(struct sched_unit *u, sched_time now);
/* Bring the pCPU's running unit's account up to `now` (calls the policy's charge). */
void core_charge(struct sched_pcpu *pcpu, sched_time now);
/* Ask for tick() at `when` at the latest. */
void core_timer(struct sched_pool *pool, sched_time when);
/* Ask pCPU to decide again at `when` at the latest. */
void core_resched(struct sched_pcpu *pcpu, sched_time when);
/* Change a unit's home while it is in no queue (null's waiters, RTDS's global queue). */
void core_set_home(struct sched_unit *u, struct sched_pcpu *pcpu, sched_time now);
void core_trace(struct sched_pool *pool, enum sched_event_kind kind, int pcpu,
                const struct sched_unit *u, int64_t arg, sched_time now);

/* The waiting unit with the least index key that may run on `pcpu`, wherever it is queued;
 * soft: only units that prefer this pCPU. NULL if there is none. */
struct sched_unit *core_first_waiting(const struct sched_pcpu *pcpu, bool soft);

/* Effective hard affinity. */
static inline bool unit_may_run_on(const struct sched_unit *u, const struct sched_pcpu *p)
{
    return mask_test(&u->affinity->hard, p->id);
}

static inline bool unit_prefers(const struct sched_unit *u, const struct sched_pcpu *p)
{
    return mask_test(&u->affinity->soft, p->id);
}

static inline bool unit_runnable(const struct sched_unit *u)
{
    return u->awake && !u->paused && u->state != SCHED_DETACHED;
}

static inline int refuse(struct sched_refusal *why, int err, const char *param, const char *text,
                         int64_t limit)
{
    if (why)
        *why = (struct sched_refusal){.param = param, .why = text, .limit = limit};
    return -err;
}

static inline sched_time time_min(sched_time a, sched_time b)
{
    return a < b ? a : b;
}

static inline sched_time time_max(sched_time a, sched_time b)
{
    return a > b ? a : b;
}

#define US  1000LL
#define MS  1000000LL
#define SEC 1000000000LL

#endif
