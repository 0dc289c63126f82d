/*
 * Fair borrowed virtual time: BVT that pays sleepers back.
 *
 * Rules and constants as in Xen 2.0's FBVT; the virtual time, the dispatch and
 * the context switch allowance are those of BVT (bvt.c, Duda & Cheriton 1999).
 *
 * Design: BVT's wake rule throws away the virtual time by which a sleeper fell
 * behind, so a unit that sleeps a lot gets less than its share of what was
 * used. FBVT banks it. On a wake at A behind the scheduler virtual time, A moves up to
 * SVT less a little (io_warp: half of the bank, at most 10 ms of virtual time,
 * so that it starts ahead of those who stayed) and what is left of the distance goes to the
 * bank. A unit with a bank may run longer by a fifth of it, at most one context
 * switch allowance, in each slice, and pays for that part from the bank instead
 * of with A.
 *
 * Invariant: A - bank grows by exactly what the unit has used, wakes included,
 * as long as the bank is not cut. So the bank is a loan repaid, not income.
 *
 * Promises: shares in proportion to 1/mcuadv, counting the recent sleep of a
 * unit as service still due: at most FBVT_BANK_MAX of own CPU time, which is
 * 0.5 percentage points of a pCPU over 10 s. Warp as in the first BVT: from a
 * wake, for warpl at most, and not within warpu of the last time that ran out.
 *
 * Bad at: the unit that is paid back makes others wait for up to one more
 * allowance each time. Starvation: none for good; a large warp holds the others
 * off for up to warpl after each wake, until it has been used up. No caps, no
 * reservations.
 *
 * historic=1 brings back two departures of Xen's code: a bank without a useful
 * bound (a unit that slept for an hour then runs above its share for as long)
 * and charging in whole MCUs of 100 us.
 */
#include "bvt_queue.h"

#define FBVT_BANK_MAX      (50 * MS)                      /* own service */
#define FBVT_IO_WARP_MAX   (1000 * BVT_WARP_UNIT)         /* virtual ns */
#define FBVT_HISTORIC_BANK (0xf0000000LL * BVT_WARP_UNIT) /* halved at this, virtual ns */
#define FBVT_BONUS_PART    5 /* a slice pays back this part of the bank */

enum { FBVT_WARP = BVT_DOMAIN_MCUADV + 1, FBVT_WARPL, FBVT_WARPU };

struct fbvt_unit {
    struct bvt_entry entry;
    int64_t bank;       /* time_slept: virtual ns it fell behind while it slept */
    sched_time bonus;   /* own service in this slice that the bank pays for; 0 once charged */
    sched_time planned; /* this slice */
    bool warping;
    sched_time warp_ends;
    sched_time rest_ends; /* no warp before */
};

static struct fbvt_unit *fbvt_unit(const struct sched_unit *u)
{
    return u->data;
}

static void move_vtime(struct sched_unit *u, int64_t by)
{
    fair_set_vtime(u, (int64_t)((uint64_t)u->vtime + (uint64_t)by));
}

static void fbvt_unit_init(struct sched_unit *u, sched_time now)
{
    bvt_entry_init(u);
    fbvt_unit(u)->rest_ends = now;
}

static void fbvt_changed(const struct sched_change *change, sched_time now)
{
    if (change->scope != SCHED_PARAM_DOMAIN)
        return;
    list_for_each(u, &change->domain->units, struct sched_unit, domain_link) {
        bvt_set_advance(u);
        fbvt_unit(u)->warping = false;
        fbvt_unit(u)->rest_ends = now;
    }
}

/* ---- the bank ---------------------------------------------------------------- */

static int64_t bounded_bank(const struct sched_unit *u, int64_t bank)
{
    if (bvt_historic(u->domain->pool))
        return bank >= FBVT_HISTORIC_BANK ? bank / 2 : bank;
    return time_min(bank, fair_to_virtual(u, FBVT_BANK_MAX));
}

static void bank_sleep(struct sched_unit *u, sched_time now)
{
    struct fbvt_unit *f = fbvt_unit(u);
    int64_t behind = vtime_diff(bvt_svt(u->home, now), u->vtime);

    if (behind <= 0)
        return;
    int64_t forward = behind - time_min(f->bank / 2, FBVT_IO_WARP_MAX);
    move_vtime(u, forward);
    f->bank = bounded_bank(u, f->bank + forward);
}

/* Own service on top of a slice. */
static sched_time bonus_of(const struct sched_unit *u)
{
    sched_time part = fair_to_service(u, fbvt_unit(u)->bank / FBVT_BONUS_PART);
    return time_min(part, bvt_ctx_allow(u->domain->pool));
}

/* The bank pays for the part of the bonus that `ran` is of the planned slice. Both factors are
 * at most BVT_RUN_MAX and BVT_CTX_MAX, so the product fits. */
static void pay_back(struct sched_unit *u, sched_time ran)
{
    struct fbvt_unit *f = fbvt_unit(u);
    sched_time part = f->bonus;

    if (ran < f->planned)
        part = (sched_time)((uint64_t)part * (uint64_t)ran / (uint64_t)f->planned);
    f->bonus = 0;
    int64_t refund = time_min(fair_to_virtual(u, part), f->bank);
    f->bank -= refund;
    move_vtime(u, -refund);
}

/* ---- warp: from a wake, for warpl ----------------------------------------------- */

static void start_warp(struct sched_unit *u, sched_time now)
{
    struct fbvt_unit *f = fbvt_unit(u);
    const int64_t *value = u->domain->value;

    f->warping = value[FBVT_WARP] && value[FBVT_WARPL] && now >= f->rest_ends;
    f->warp_ends = now + value[FBVT_WARPL];
}

static void stop_warp(struct sched_unit *u, sched_time now)
{
    struct fbvt_unit *f = fbvt_unit(u);

    f->warping = false;
    f->rest_ends = now + u->domain->value[FBVT_WARPU];
}

static int64_t warp_of(const struct sched_unit *u)
{
    return fbvt_unit(u)->warping ? u->domain->value[FBVT_WARP] * BVT_WARP_UNIT : 0;
}

static sched_time warp_end_of(const struct sched_unit *u)
{
    return fbvt_unit(u)->warping ? fbvt_unit(u)->warp_ends : SCHED_NEVER;
}

static void end_warps(struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_unit *u;

    while ((u = bvt_queue_take_flip(pcpu, now)) != NULL) {
        stop_warp(u, now);
        bvt_queue_add(u, 0, SCHED_NEVER);
    }
}

/* ---- ops ------------------------------------------------------------------------ */

static void fbvt_charge(struct sched_unit *u, sched_time ran, sched_time now)
{
    (void)now;
    if (bvt_historic(u->domain->pool))
        bvt_charge_whole_mcus(u, ran);
    pay_back(u, ran);
}

static bool fbvt_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    if (why == SCHED_WOKEN) {
        bank_sleep(u, now);
        start_warp(u, now);
    } else if (now >= warp_end_of(u)) {
        stop_warp(u, now);
    }
    bvt_queue_add(u, warp_of(u), warp_end_of(u));
    return true;
}

static struct sched_decision fbvt_pick(struct sched_pcpu *pcpu, struct sched_unit *prev,
                                       sched_time now)
{
    (void)prev;
    end_warps(pcpu, now);

    struct sched_unit *u = bvt_queue_first(pcpu);
    if (!u)
        return (struct sched_decision){NULL, SCHED_NEVER};
    bvt_queue_remove(u);

    struct fbvt_unit *f = fbvt_unit(u);
    f->entry.warp = warp_of(u);
    f->bonus = bonus_of(u);
    f->planned = bvt_slice(pcpu, u, f->bonus);

    sched_time flip = time_min(bvt_queue_next_flip(pcpu), warp_end_of(u));
    return (struct sched_decision){u, time_min(now + f->planned, flip)};
}

static sched_time fbvt_preempt_at(const struct sched_pcpu *pcpu, const struct sched_unit *u,
                                  sched_time now)
{
    sched_time distance = bvt_distance(pcpu, u, now);
    sched_time lead = bvt_ctx_allow(pcpu->pool) + fbvt_unit(pcpu->current)->bonus;

    return distance <= 0 ? now : now + time_min(distance + lead, BVT_RUN_MAX);
}

static const struct sched_param fbvt_params[] = {
    BVT_PARAM_CTX_ALLOW,
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0,
     "as in Xen 2.0: sleepers bank without bound, runs are charged in whole MCUs of 100 us"},
    BVT_PARAM_MCUADV,
    {"warp", SCHED_PARAM_DOMAIN, SCHED_COUNT, 0, INT32_MAX, 0,
     "how far it runs ahead after a wake, in the units of mcuadv (10 us of CPU time at 10)"},
    {"warpl", SCHED_PARAM_DOMAIN, SCHED_TIME_NS, 0, BVT_WARP_TIME_MAX, 0,
     "how long after a wake it warps"},
    {"warpu", SCHED_PARAM_DOMAIN, SCHED_TIME_NS, 0, BVT_WARP_TIME_MAX, 0,
     "time without warp after one that lasted warpl"},
};

const struct sched_policy sched_fbvt = {
    .name = "Fair Borrowed Virtual Time",
    .opt_name = "fbvt",
    .id = 1,
    .contract =
        "Shares in proportion to 1/mcuadv, within 1 percentage point over 10 s, on any affinity. "
        "A unit that slept is paid back the service it missed, up to 50 ms of CPU time at any "
        "moment. After a wake, a warp can bring a domain's work forward; it pays for all it "
        "uses. No caps, no reservations.",
    .params = fbvt_params,
    .nr_params = sizeof fbvt_params / sizeof fbvt_params[0],
    .pcpu_size = sizeof(struct bvt_queue),
    .unit_size = sizeof(struct fbvt_unit),
    .balanced = true,
    .by_vtime = true,
    .banks = 1 + BVT_POOL_HISTORIC,
    .resist = 2 * MS,
    .pcpu_init = bvt_queue_init,
    .unit_init = fbvt_unit_init,
    .enqueue = fbvt_enqueue,
    .dequeue = bvt_dequeue,
    .charge = fbvt_charge,
    .slept = bvt_slept,
    .pick = fbvt_pick,
    .preempt_at = fbvt_preempt_at,
    .changed = fbvt_changed,
};
