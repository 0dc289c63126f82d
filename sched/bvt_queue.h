/*
 * What BVT and FBVT share: a pCPU's queue by effective virtual time.
 *
 * A_i, the actual virtual time, is unit->vtime; E_i = A_i - warp_i. A unit that
 * waits with a warp in force is in a second heap by E and a third by A, so that
 * both the least E (dispatch) and the least A (scheduler virtual time) of
 * thousands of units are at hand in O(log n). A unit without warp, the usual
 * case, is in one heap, as its E is its A.
 *
 * A warp that begins or ends while its unit waits is a "flip": it is in a heap
 * by time and is due at the first dispatch at or after that time.
 */
#ifndef SCHED_BVT_QUEUE_H
#define SCHED_BVT_QUEUE_H

#include "fair.h"
#include "policy.h"

#define BVT_MCU           (100 * US) /* minimum charging unit */
#define BVT_CTX_ALLOW     (5 * MS)
#define BVT_CTX_MIN       (100 * US)
#define BVT_CTX_MAX       (1 * SEC)
#define BVT_RUN_MAX       (10 * SEC) /* longest slice */
#define BVT_MCU_ADVANCE   10         /* default: virtual time advances with real time */
#define BVT_MCUADV_MAX    10000000
#define BVT_WARP_TIME_MAX (3600 * SEC)
/* Virtual ns of one historic unit: an MCU advances the default domain by 10 of them. */
#define BVT_WARP_UNIT (BVT_MCU / BVT_MCU_ADVANCE)

/* Both policies have these pool parameters, in this order, and mcuadv first in a domain. */
enum { BVT_POOL_CTX_ALLOW, BVT_POOL_HISTORIC };
enum { BVT_DOMAIN_MCUADV };

#define BVT_PARAM_CTX_ALLOW                                                                        \
    {                                                                                              \
        "ctx_allow", SCHED_PARAM_POOL, SCHED_TIME_NS, BVT_CTX_MIN, BVT_CTX_MAX, BVT_CTX_ALLOW,     \
            "context switch allowance: how far a unit may run ahead of the next"                   \
    }
#define BVT_PARAM_MCUADV                                                                           \
    {                                                                                              \
        "mcuadv", SCHED_PARAM_DOMAIN, SCHED_COUNT, 1, BVT_MCUADV_MAX, BVT_MCU_ADVANCE,             \
            "virtual time per 100 us of CPU time; the share is in proportion to its inverse"       \
    }

/* Begins the data of each unit of either policy. */
struct bvt_entry {
    struct sched_unit *unit;
    struct heap_node effective, actual, flip;
    int64_t warp; /* virtual ns by which E is behind A now */
};

struct bvt_queue {
    struct heap plain;         /* units whose warp is 0, by A = E */
    struct heap warped;        /* the others by E */
    struct heap warped_actual; /* and by A */
    struct heap flips;         /* by time */
    int64_t last;              /* A of the unit that left last: the SVT while nobody is runnable */
};

static inline struct bvt_entry *bvt_entry(const struct sched_unit *u)
{
    return u->data;
}

static inline sched_time bvt_ctx_allow(const struct sched_pool *pool)
{
    return pool->value[BVT_POOL_CTX_ALLOW];
}

static inline bool bvt_historic(const struct sched_pool *pool)
{
    return pool->value[BVT_POOL_HISTORIC];
}

void bvt_queue_init(struct sched_pcpu *pcpu);
void bvt_entry_init(struct sched_unit *u);
/* Apply the domain's mcuadv. */
void bvt_set_advance(struct sched_unit *u);

/* Queue on the home with this warp, which will begin or end at `flip_at` if the unit still
 * waits then (SCHED_NEVER: it lasts). */
void bvt_queue_add(struct sched_unit *u, int64_t warp, sched_time flip_at);
void bvt_queue_remove(struct sched_unit *u);
/* The least E, or NULL. */
struct sched_unit *bvt_queue_first(const struct sched_pcpu *pcpu);
/* A unit whose flip is due, taken off the queue, or NULL. */
struct sched_unit *bvt_queue_take_flip(struct sched_pcpu *pcpu, sched_time now);
/* When the next flip is due, or SCHED_NEVER. */
sched_time bvt_queue_next_flip(const struct sched_pcpu *pcpu);

/* Least A of the runnable units at `now`, the running one included. */
int64_t bvt_svt(const struct sched_pcpu *pcpu, sched_time now);

/* The time for which `u`, not queued, may run before the next in the queue catches up, plus
 * the context switch allowance; ten allowances if it is alone. `bonus` is own service that
 * comes on top. The queue's next flip is not looked at. */
sched_time bvt_slice(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time bonus);
/* How far the current unit is from the E of `u`, as the current one's own service. */
sched_time bvt_distance(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time now);

/* The ops `slept` and `dequeue` of both policies. */
void bvt_slept(struct sched_unit *u, sched_time now);
void bvt_dequeue(struct sched_unit *u, sched_time now);

/* Historic accounting: what has been run counts in whole MCUs. */
void bvt_charge_whole_mcus(struct sched_unit *u, sched_time ran);

#endif
