/*
 * Moirai's vCPU schedulers: what a caller (hypervisor, simulator, test) sees.
 *
 * The caller owns time, memory, locks and interrupts. It tells the core what
 * happened (a unit woke, blocked, yielded; a slice ended) and asks it what a
 * pCPU should run. The core answers with a decision and, through `sched_env`,
 * with the pCPUs that should ask again. Nothing here locks: the caller
 * serialises all calls that concern one `struct sched`.
 *
 * All times are nanoseconds of one monotonic clock of the caller's.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "list.h"
#include "mask.h"

#define SCHED_MAX_UNITS  65536
#define SCHED_MAX_PARAMS 8
#define SCHED_NEVER      INT64_MAX
#define SCHED_NO_PCPU    (-1)
#define SCHED_TABLE_MAX  64 /* ARINC653_MAX_DOMAINS_PER_SCHEDULE of public/sysctl.h */

/* Errors are negative; the numbers are Xen's (public/errno.h). */
#define SCHED_ENOENT 2
#define SCHED_ENOMEM 12
#define SCHED_EBUSY  16
#define SCHED_EINVAL 22
#define SCHED_ENOSPC 28 /* a reservation that does not fit */

typedef int64_t sched_time;

struct sched;
struct sched_pool;
struct sched_pcpu;
struct sched_domain;
struct sched_unit;
struct sched_policy;

/* ---- parameters ------------------------------------------------------- */

enum sched_scope { SCHED_PARAM_POOL, SCHED_PARAM_DOMAIN, SCHED_PARAM_UNIT };
enum sched_kind { SCHED_COUNT, SCHED_TIME_NS, SCHED_PERCENT, SCHED_BOOL };

/* One tunable of a policy. Values are int64 in the kind's unit. */
struct sched_param {
    const char *name; /* the historic name, as in the tools: "mcuadv", "weight" */
    enum sched_scope scope;
    enum sched_kind kind;
    int64_t min, max, def;
    const char *help; /* one line, no full stop */
};

/* Why a change was refused; `why` is a static text, `limit` what would be right. */
struct sched_refusal {
    const char *param; /* NULL if no single one is at fault */
    const char *why;
    int64_t limit; /* in the unit that `why` names, or 0 */
};

/* One window of an ARINC653 major frame. */
struct sched_window {
    const struct sched_domain *domain;
    unsigned vcpu;
    sched_time runtime;
};

/* The same as it is read: the domain may be gone. */
struct sched_table_window {
    unsigned domain, vcpu; /* ids */
    sched_time runtime;
};

/* ---- environment: the only way out ------------------------------------ */

enum sched_event_kind {
    SCHED_EV_WAKE,
    SCHED_EV_BLOCK,
    SCHED_EV_SWITCH,  /* `unit` starts on `pcpu`; NULL = idle */
    SCHED_EV_MIGRATE, /* `unit`'s home changed to `pcpu`, `arg` = the old one */
    SCHED_EV_PARK,    /* out of budget or cap */
    SCHED_EV_UNPARK,
    SCHED_EV_MISS, /* the policy saw a deadline pass with budget unused; `arg` = deadline */
    SCHED_EV_AFFINITY_BROKEN, /* no pCPU of the hard affinity is in the pool: all are allowed */
};

struct sched_event {
    enum sched_event_kind kind;
    sched_time now;
    int pcpu;
    const struct sched_unit *unit;
    int64_t arg;
};

struct sched_env {
    void *ctx;
    /* Call sched_decide(pcpu) at `when` at the latest; `when` <= now means at once. */
    void (*resched)(void *ctx, unsigned pcpu, sched_time when);
    /* Call sched_tick(pool) at `when`; replaces an earlier request for that pool. */
    void (*timer)(void *ctx, struct sched_pool *pool, sched_time when);
    /* May be NULL. */
    void (*trace)(void *ctx, const struct sched_event *event);
};

/* ---- affinity: interned pairs of masks, each with the units that wait -- */

/*
 * Units of one pool with the same effective hard and soft affinity share a
 * class. Slots are memory of the caller's (sched_give_affinities): one for
 * each unit is always enough.
 */
struct sched_affinity {
    struct list link;       /* pool->affinities, or sched->free_affinities */
    struct heap_node node;  /* in pool->index while somebody waits; key = the earliest waiter's */
    struct heap waiting;    /* waiting units that other pCPUs may take, by unit->index_node.key */
    struct mask hard, soft; /* within the pool; soft is a subset of hard, or equal if none set */
    struct sched_pool *pool;
    uint64_t search; /* number of the last search for a chain that looked at it (displace.c) */
    unsigned users;
    unsigned width; /* pCPUs in hard */
};

/* ---- objects ------------------------------------------------------------
 * Fields are read by callers, written by the core and the policy only. Each
 * object is followed in memory by the policy's data; sched_*_size() says how
 * much memory to provide, enough for every policy, so that a change of policy
 * can not run out of memory.
 */

/* Virtual clock of the units that are runnable on one pCPU (see fair.h). */
struct sched_clock {
    int64_t base; /* the weighted mean of their virtual times is base + sum/weight */
    __int128 sum; /* of weight * (vtime - base) */
    uint64_t weight;
};

struct sched_pcpu {
    unsigned id;
    unsigned core, socket, node; /* topology, as the caller numbered it */
    struct sched *sched;
    struct sched_pool *pool; /* NULL: free */
    struct list cluster; /* ring of the pCPUs that are searched first, see pool->cluster_level */

    struct sched_unit *current; /* NULL: idle */
    sched_time since;           /* when `current` began this unbroken run */
    sched_time charged;         /* up to when `current` has been charged */
    sched_time until;           /* end of the slice decided last */
    bool busy;                  /* the last decision was not to idle */

    struct sched_clock clock;
    unsigned nr_runnable; /* waiting here or running, parked ones not counted */
    uint64_t reserved;    /* admitted utilisation, 2^-40 of a pCPU (admission.h) */
    uint64_t planned;     /* scratch of admission_plan */
    struct list units;    /* all units whose home this is */
    struct list offered;  /* units that count on the next decision (balance_claim) */

    /* Scratch of the search for chains of moves (displace.c). */
    struct list search_link;
    struct sched_pcpu *via;
    uint64_t search;
    sched_time displace_at, displace_pause; /* when it tries again, and how long after that */
    void *data;                             /* the policy's */
};

enum sched_state {
    SCHED_DETACHED, /* in no pool */
    SCHED_BLOCKED,  /* sleeps, is paused or offline */
    SCHED_PARKED,   /* runnable, but the policy withholds the pCPU (cap, budget) */
    SCHED_WAITING,
    SCHED_RUNNING,
};

struct sched_unit {
    unsigned id;   /* unique in `struct sched`, 0 to SCHED_MAX_UNITS-1 */
    unsigned vcpu; /* index in the domain */
    struct sched_domain *domain;
    enum sched_state state;
    bool awake;              /* the guest wants to run */
    unsigned paused;         /* reasons that it must not: pause, offline */
    struct sched_pcpu *home; /* where it is queued or runs, or last did */
    struct list domain_link, home_link, offer_link;

    struct mask hard, soft; /* as set by the caller */
    bool has_soft;
    struct sched_affinity *affinity; /* the class; NULL if detached */
    struct heap_node index_node;     /* in affinity->waiting */
    bool yielding;                   /* sched_unit_yield since it was last queued */
    bool moving;                     /* withdrawn while a change is applied */
    bool affinity_broken;            /* no pCPU of `hard` is in the pool */
    bool bound;                      /* admission chose its pCPU; the balancer leaves it alone */

    struct list park_link;  /* in domain->budget.parked */
    sched_time quota;       /* granted by the domain's budget for this run */
    sched_time quota_start; /* `service` when it was granted */

    sched_time service;  /* CPU time received since creation */
    sched_time woken;    /* time of the last wake */
    sched_time moved;    /* when the core last moved it to another pCPU while it waited */
    uint64_t migrations; /* changes of home */

    /* Weighted service: vtime grows by 256/weight ns for each ns run (fair.h). */
    int64_t vtime;
    uint64_t vtime_rest;           /* what the division left */
    uint32_t share_num, share_den; /* vtime += ran * num / den */
    bool in_clock;
    struct heap_node level_node; /* scratch of levels.c, like the next */
    struct list level_link;

    uint64_t reserved;  /* own admitted utilisation, 2^-40 */
    uint64_t plan_util; /* admission_plan's answer: utilisation and pCPU-to-be */
    struct sched_pcpu *plan;
    int64_t value[SCHED_MAX_PARAMS]; /* SCHED_PARAM_UNIT values, in the policy's order */
    void *data;
};

/* A cap as a token bucket (budget.h). */
struct sched_budget {
    int64_t cap;   /* per cent of one pCPU */
    int64_t depth; /* one replenishment period's budget, ns; 0: no cap */
    sched_time period;
    int64_t free; /* tokens nobody holds, ns */
    int64_t held; /* tokens granted to running units and not burnt yet, as of `updated` */
    int64_t rest; /* remainder of the refill division */
    unsigned running;
    sched_time updated;
    struct list parked;      /* units that wait for tokens, by park_link */
    struct heap_node refill; /* in pool->refills, key = when to unpark */
};

/* Values that survive a change of policy: parameters that both have (param.h). */
struct kept_params {
    int64_t weight, cap; /* -1: the old policy had none */
};

struct sched_domain {
    unsigned id;
    struct sched_pool *pool;
    struct list pool_link;
    struct list units;
    unsigned nr_units;
    bool privileged; /* the control domain: some policies give it other defaults */
    struct sched_budget budget;
    struct kept_params kept;         /* while the pool changes its policy */
    int64_t value[SCHED_MAX_PARAMS]; /* SCHED_PARAM_DOMAIN values */
    void *data;
};

struct sched_pool {
    unsigned id;
    struct sched *sched;
    const struct sched_policy *policy;
    struct mask cpus;
    struct mask idle;    /* pCPUs of the pool whose current is NULL */
    struct mask content; /* busy pCPUs that found nobody to take over, and do not look again */
    unsigned nr_cpus;
    struct list domains;
    struct list affinities;
    sched_time close_up;             /* when levels.c looks again */
    uint64_t searches;               /* number of the current search (displace.c) */
    struct heap index;               /* classes in which somebody waits */
    struct heap refills;             /* domain budgets with parked units */
    sched_time timer;                /* when sched_tick is due, SCHED_NEVER if not */
    int64_t value[SCHED_MAX_PARAMS]; /* SCHED_PARAM_POOL values */
    void *data;
};

struct sched {
    const struct sched_env *env;
    struct sched_pcpu **pcpus; /* by id, caller's array of nr_pcpus */
    unsigned nr_pcpus;
    struct list free_affinities;
};

/* What a pCPU should do. */
struct sched_decision {
    struct sched_unit *unit; /* NULL: idle */
    sched_time until;        /* decide again then, SCHED_NEVER if nothing is due */
};

/* ---- policies ---------------------------------------------------------- */

/* All policies, NULL terminated. */
extern const struct sched_policy *const sched_policies[];
/* By boot name ("credit2") or NULL. */
const struct sched_policy *sched_policy_by_name(const char *opt_name);
const struct sched_policy *sched_policy_by_id(int id);
const char *sched_policy_name(const struct sched_policy *p);     /* boot name */
const char *sched_policy_contract(const struct sched_policy *p); /* one paragraph */
const struct sched_param *sched_policy_params(const struct sched_policy *p, unsigned *nr);
/* The parameter `name` at `scope`, its index within that scope in *index; NULL if there is none. */
const struct sched_param *sched_param_by_name(const struct sched_policy *p, enum sched_scope scope,
                                              const char *name, unsigned *index);

/* ---- set-up ------------------------------------------------------------ */

size_t sched_pool_size(void);
size_t sched_pcpu_size(void);
size_t sched_domain_size(void);
size_t sched_unit_size(void);

/* `pcpus` is an array of nr_pcpus pointers (zeroed) that the core fills in. */
void sched_init(struct sched *s, const struct sched_env *env, struct sched_pcpu **pcpus,
                unsigned nr_pcpus);
void sched_give_affinities(struct sched *s, struct sched_affinity *slots, unsigned n);

/* Memory for objects comes zeroed and of sched_*_size() bytes. */
void sched_pool_init(struct sched *s, struct sched_pool *pool, unsigned id,
                     const struct sched_policy *policy);
/* -EBUSY while it has domains; its pCPUs become free. */
int sched_pool_fini(struct sched_pool *pool, sched_time now);
void sched_pcpu_init(struct sched *s, struct sched_pcpu *pcpu, unsigned id, unsigned core,
                     unsigned socket, unsigned node);

/* Add a free pCPU to a pool / take it out (-EBUSY: the last one and there are domains;
 * -ENOSPC: the reservations admitted do not fit on the rest). Also pCPU hotplug. */
int sched_pool_add_pcpu(struct sched_pool *pool, struct sched_pcpu *pcpu, sched_time now);
int sched_pool_remove_pcpu(struct sched_pcpu *pcpu, sched_time now, struct sched_refusal *why);

/* Change the policy of a pool under its running domains. Weights and caps are kept where both
 * policies have them; all other parameters take their default. */
int sched_pool_switch(struct sched_pool *pool, const struct sched_policy *policy, sched_time now,
                      struct sched_refusal *why);

int sched_domain_init(struct sched_domain *d, unsigned id, struct sched_pool *pool, bool privileged,
                      sched_time now);
/* Move a domain with all its units. -EBUSY: the target has no pCPU. */
int sched_domain_move(struct sched_domain *d, struct sched_pool *pool, sched_time now,
                      struct sched_refusal *why);
/* All units must have been removed. */
void sched_domain_fini(struct sched_domain *d);

/* A new unit: blocked, any pCPU, default parameters. -ENOMEM: no affinity slot. */
int sched_unit_init(struct sched_unit *u, struct sched_domain *d, unsigned id, unsigned vcpu,
                    sched_time now);
void sched_unit_fini(struct sched_unit *u, sched_time now);

/* ---- events ------------------------------------------------------------ */

void sched_wake(struct sched_unit *u, sched_time now);
/* The unit sleeps; if it was running, its pCPU is asked to decide again. */
void sched_block(struct sched_unit *u, sched_time now);
/* The running unit lets others go first; its pCPU is asked to decide again. (The C library owns the
 * name sched_yield.) */
void sched_unit_yield(struct sched_unit *u, sched_time now);
void sched_pause(struct sched_unit *u, sched_time now);
void sched_unpause(struct sched_unit *u, sched_time now);

/* What shall `pcpu` run from `now` on? Called at the end of a slice and on request. */
struct sched_decision sched_decide(struct sched_pcpu *pcpu, sched_time now);
/* The pool's timer is due. */
void sched_tick(struct sched_pool *pool, sched_time now);

/* ---- changes while running --------------------------------------------- */

/* NULL = any pCPU (hard) or no preference (soft). -EINVAL: no pCPU of the pool in `hard`;
 * -ENOSPC: the unit's reservation fits on none of them. */
int sched_set_affinity(struct sched_unit *u, const struct mask *hard, const struct mask *soft,
                       sched_time now, struct sched_refusal *why);

/*
 * Set all parameters of one scope at once, in the policy's order. Checked first, then
 * applied, so a refusal changes nothing. Unit-scope values given to a domain go to all its
 * units.
 */
int sched_pool_set(struct sched_pool *pool, const int64_t *value, sched_time now,
                   struct sched_refusal *why);
int sched_domain_set(struct sched_domain *d, const int64_t *value, sched_time now,
                     struct sched_refusal *why);
int sched_domain_set_units(struct sched_domain *d, const int64_t *value, sched_time now,
                           struct sched_refusal *why);
int sched_unit_set(struct sched_unit *u, const int64_t *value, sched_time now,
                   struct sched_refusal *why);

/* ARINC653 only: a new major frame, valid from `now` on. -EINVAL with the reason. */
int sched_set_table(struct sched_pool *pool, sched_time major_frame,
                    const struct sched_window *window, unsigned n, sched_time now,
                    struct sched_refusal *why);
/* The table in force, up to SCHED_TABLE_MAX windows: their number, or -EINVAL. */
int sched_get_table(const struct sched_pool *pool, sched_time *major_frame,
                    struct sched_table_window *window, struct sched_refusal *why);

#endif
