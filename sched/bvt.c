/*
 * Borrowed virtual time.
 *
 * K. Duda, D. Cheriton, "Borrowed-virtual-time (BVT) scheduling", SOSP 1999;
 * constants, parameters and the form of the warp limits as in Xen 2.0 and 3.0.
 *
 * Design: a unit's actual virtual time A grows by mcuadv/10 ns for each ns that
 * it runs, so its share is in proportion to 1/mcuadv. The least effective
 * virtual time E = A - warp runs, until its E has passed that of the next by
 * the context switch allowance C, which is own service of the one that runs:
 * the allowance costs every weight the same number of switches. A unit that
 * wakes starts at the scheduler virtual time (the least A that is runnable)
 * unless it is ahead of it: sleepers bank nothing.
 *
 * The allowance holds for who wakes, too: until it runs, a unit is put forward
 * by C. Otherwise one that needs little and is a little ahead of the least A
 * waits for the turns of all that are at the least, C each, every time that it
 * wakes before they are through, which with four hogs is 20 ms.
 *
 * A domain that warps borrows against its future: its units run up to
 * warpvalue of virtual time ahead of the others, but pay for all they use, so
 * the order changes and the long-run share does not. A unit runs warped for at
 * most warpl at a stretch and must then do without for warpu (0: until the
 * parameters are set again).
 *
 * Invariants: A never goes back on one pCPU; a queued unit's keys are its A and
 * E; SVT <= A for every runnable unit.
 *
 * Promises: shares in proportion to 1/mcuadv on each pCPU, with an error of at
 * most about C of service each; the core evens out the pCPUs.
 *
 * Bad at: units that sleep for less than the others' turns, as what they fell
 * behind meanwhile is lost (fbvt.c repays it); latency without warp, which is a
 * turn of all the others for a unit that needs more than its share; a unit far behind
 * (it came here with a lag) runs in one slice until it has caught up. A yield
 * passes the pCPU on only if another E is as small, so who spins and yields
 * burns its share. Starvation, for a while: a warped domain can hold a pCPU for
 * warpl at a time, and with warpl 0 until it has used up its warpvalue; a
 * negative warpvalue holds a domain back as much. Nobody waits for ever. There
 * are no caps and no reservations.
 *
 * historic=1 brings back two departures of Xen's code: the part of a slice that
 * is for catching up was a number of MCUs taken for ns, so every slice was about
 * C; and each run was charged in whole MCUs of 100 us, so units with short runs
 * got less than their share. Nor is who wakes put forward.
 */
#include "bvt_queue.h"

enum { BVT_WARPBACK = BVT_DOMAIN_MCUADV + 1, BVT_WARPVALUE, BVT_WARPL, BVT_WARPU };

struct bvt_unit {
    struct bvt_entry entry;
    bool warping;
    sched_time warp_ends; /* while it runs and warps: warpl after the start, or SCHED_NEVER */
    sched_time rest_ends; /* while it may not warp, or SCHED_NEVER */
};

static struct bvt_unit *bvt_unit(const struct sched_unit *u)
{
    return u->data;
}

/* The warp in force, in virtual ns. */
static int64_t warp_of(const struct sched_unit *u)
{
    return bvt_unit(u)->warping ? u->domain->value[BVT_WARPVALUE] * BVT_WARP_UNIT : 0;
}

/* A stretch of running with warp may begin. */
static void limit_warp(struct sched_unit *u, sched_time now)
{
    sched_time warpl = u->domain->value[BVT_WARPL];
    bvt_unit(u)->warp_ends = warpl ? now + warpl : SCHED_NEVER;
}

static void start_warp(struct sched_unit *u, sched_time now)
{
    struct bvt_unit *b = bvt_unit(u);

    b->warping = true;
    b->rest_ends = SCHED_NEVER;
    limit_warp(u, now);
}

static void stop_warp(struct sched_unit *u, sched_time now)
{
    struct bvt_unit *b = bvt_unit(u);
    sched_time warpu = u->domain->value[BVT_WARPU];

    b->warping = false;
    b->rest_ends = warpu ? now + warpu : SCHED_NEVER;
}

static void reset_warp(struct sched_unit *u, sched_time now)
{
    struct bvt_unit *b = bvt_unit(u);

    b->warping = u->domain->value[BVT_WARPBACK];
    b->rest_ends = SCHED_NEVER;
    limit_warp(u, now);
}

static void bvt_unit_init(struct sched_unit *u, sched_time now)
{
    bvt_entry_init(u);
    reset_warp(u, now);
}

static void bvt_changed(const struct sched_change *change, sched_time now)
{
    if (change->scope != SCHED_PARAM_DOMAIN)
        return;
    list_for_each(u, &change->domain->units, struct sched_unit, domain_link) {
        bvt_set_advance(u);
        reset_warp(u, now);
    }
}

static void bvt_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    struct bvt_unit *b = bvt_unit(u);

    if (bvt_historic(u->domain->pool))
        bvt_charge_whole_mcus(u, ran);
    if (b->warping && now >= b->warp_ends)
        stop_warp(u, now);
}

/* How much less the E of a unit that has just woken is, until it runs. */
static int64_t put_forward(const struct sched_unit *u)
{
    const struct sched_pool *pool = u->domain->pool;

    return bvt_historic(pool) ? 0 : fair_to_virtual(u, bvt_ctx_allow(pool));
}

static bool bvt_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    struct bvt_unit *b = bvt_unit(u);

    if (why == SCHED_WOKEN)
        fair_set_vtime(u, vtime_later(u->vtime, bvt_svt(u->home, now)));
    if (!b->warping && now >= b->rest_ends)
        start_warp(u, now);
    bvt_queue_add(u, warp_of(u) + (why == SCHED_WOKEN ? put_forward(u) : 0), b->rest_ends);
    return true;
}

/* Put units whose rest from warping is over where they belong now. */
static void end_rests(struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_unit *u;

    while ((u = bvt_queue_take_flip(pcpu, now)) != NULL) {
        start_warp(u, now);
        bvt_queue_add(u, warp_of(u), SCHED_NEVER);
    }
}

static sched_time slice(const struct sched_pcpu *pcpu, const struct sched_unit *u)
{
    sched_time ctx_allow = bvt_ctx_allow(pcpu->pool);
    sched_time run = bvt_slice(pcpu, u, 0);

    if (bvt_historic(pcpu->pool) && bvt_queue_first(pcpu))
        return (run - ctx_allow) / BVT_MCU + ctx_allow;
    return time_max(run, BVT_MCU); /* who was put forward may have nothing left of the allowance */
}

static struct sched_decision bvt_pick(struct sched_pcpu *pcpu, struct sched_unit *prev,
                                      sched_time now)
{
    end_rests(pcpu, now);

    struct sched_unit *u = bvt_queue_first(pcpu);
    if (!u)
        return (struct sched_decision){NULL, SCHED_NEVER};
    bvt_queue_remove(u);

    struct bvt_unit *b = bvt_unit(u);
    b->entry.warp = warp_of(u);
    if (u != prev)
        limit_warp(u, now);

    sched_time until = time_min(now + slice(pcpu, u), bvt_queue_next_flip(pcpu));
    return (struct sched_decision){u, time_min(until, b->warping ? b->warp_ends : b->rest_ends)};
}

static sched_time bvt_preempt_at(const struct sched_pcpu *pcpu, const struct sched_unit *u,
                                 sched_time now)
{
    sched_time ctx_allow = bvt_ctx_allow(pcpu->pool);
    sched_time distance = bvt_distance(pcpu, u, now);

    if (distance <= 0)
        return now;
    if (bvt_historic(pcpu->pool))
        return time_max(now, pcpu->since + distance / BVT_MCU + ctx_allow);
    return now + time_min(distance + ctx_allow, BVT_RUN_MAX);
}

static const struct sched_param bvt_params[] = {
    BVT_PARAM_CTX_ALLOW,
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "slices and charging as in Xen 2.0: no catching up in a slice, whole MCUs of 100 us"},
    BVT_PARAM_MCUADV,
    {"warpback", SCHED_PARAM_DOMAIN, SCHED_BOOL, 0, 1, 0, "whether the domain warps"},
    {"warpvalue", SCHED_PARAM_DOMAIN, SCHED_COUNT, INT32_MIN, INT32_MAX, 0,
     "how far it runs ahead when it warps, in the units of mcuadv (10 us of CPU time at 10)"},
    {"warpl", SCHED_PARAM_DOMAIN, SCHED_TIME_NS, 0, BVT_WARP_TIME_MAX, 2000 * MS,
     "longest run with warp at a stretch, 0 for no limit"},
    {"warpu", SCHED_PARAM_DOMAIN, SCHED_TIME_NS, 0, BVT_WARP_TIME_MAX, 1000 * MS,
     "time without warp after that, 0 for until the parameters are set again"},
};

const struct sched_policy sched_bvt = {
    .name = "Borrowed Virtual Time",
    .opt_name = "bvt",
    .id = 0,
    .contract =
        "Shares in proportion to 1/mcuadv, within 1 percentage point over 10 s, on any affinity. "
        "Time asleep earns nothing. A warp brings a domain's work forward and leaves its share "
        "as it is; while it lasts (warpl) others may have to wait. No caps, no reservations.",
    .params = bvt_params,
    .nr_params = sizeof bvt_params / sizeof bvt_params[0],
    .pcpu_size = sizeof(struct bvt_queue),
    .unit_size = sizeof(struct bvt_unit),
    .balanced = true,
    .by_vtime = true,
    .resist = 2 * MS,
    .pcpu_init = bvt_queue_init,
    .unit_init = bvt_unit_init,
    .enqueue = bvt_enqueue,
    .dequeue = bvt_dequeue,
    .charge = bvt_charge,
    .slept = bvt_slept,
    .pick = bvt_pick,
    .preempt_at = bvt_preempt_at,
    .changed = bvt_changed,
};
