/*
 * Reservations: what is admitted gets its slice in every period; units that
 * do as they declared miss no deadline, whatever the others do.
 *
 * All are set before anything runs: a server that leaves its pCPU in the
 * middle of a period can make others late once (edf.h), by contract.
 */
#include "../../sched/admission.h"
#include "trial.h"

#define MOST_RESERVED 64
#define LONGEST_PERIOD (100 * MS)

struct reservation {
    struct sched_unit *unit;
    sched_time slice, period;
    bool greedy; /* a hog: runs beyond its reservation if it can */
};

struct reservations {
    struct reservation r[MOST_RESERVED];
    unsigned nr;
    uint64_t total; /* utilisation */
};

/* Slice and period as the policy calls them, both at once. */
static int reserve(struct trial *t, struct sched_unit *u, sched_time slice, sched_time period)
{
    const struct sched_policy *p = t->policy;
    int64_t value[SCHED_MAX_PARAMS];
    unsigned i;

    for (i = 0; i < SCHED_MAX_PARAMS; i++)
        value[i] = u->value[i];
    sched_param_by_name(p, SCHED_PARAM_UNIT, "period", &i);
    value[i] = period;
    if (!sched_param_by_name(p, SCHED_PARAM_UNIT, "slice", &i))
        sched_param_by_name(p, SCHED_PARAM_UNIT, "budget", &i);
    value[i] = slice;
    if (sched_param_by_name(p, SCHED_PARAM_UNIT, "latency", &i))
        value[i] = draw_log(t, 1, period);
    if (sched_param_by_name(p, SCHED_PARAM_UNIT, "extratime", &i) ||
        sched_param_by_name(p, SCHED_PARAM_UNIT, "xtratime", &i))
        value[i] = one_in(t, 2);
    return sched_unit_set(u, value, t->h->now, NULL);
}

/* Without one: lives on slack, and wants all it can get. */
static void give_up(struct trial *t, struct sched_unit *u)
{
    harness_of(t->h, u)->work = HARNESS_HOG;
    sched_wake(u, t->h->now);
}

/* On one pCPU admission is exact. */
static void check_refusal(struct trial *t, struct reservations *rs, uint64_t util, int refused)
{
    uint64_t room = UTIL_ONE * t->h->nr_pcpus - rs->total;

    if (!refused && util > room)
        violated(t, "%.6f of a pCPU admitted to %.6f", (double)util / UTIL_ONE,
                 (double)room / UTIL_ONE);
    if (refused && t->h->nr_pcpus == 1 && util <= room)
        violated(t, "%.6f of a pCPU refused where %.6f are free", (double)util / UTIL_ONE,
                 (double)room / UTIL_ONE);
}

static void add_reservation(struct trial *t, struct reservations *rs, enum spread spread)
{
    struct sched_unit *u = harness_unit(t->h, NULL, HARNESS_IDLE, 0, 0);
    sched_time period = draw_log(t, MS, LONGEST_PERIOD);
    sched_time slice = 10 * US + draw_log(t, 0, period - 10 * US) / (1 + draw(t, 4));
    uint64_t util = util_ratio(slice, period);
    struct mask hard;

    draw_mask(t, spread, t->h->nr_pcpus, &hard);
    sched_set_affinity(u, &hard, NULL, t->h->now, NULL);
    int refused = reserve(t, u, slice, period);
    check_refusal(t, rs, util, refused);
    if (refused) {
        give_up(t, u);
        return;
    }
    rs->total += util;
    rs->r[rs->nr++] = (struct reservation){u, slice, period, one_in(t, 3)};
}

/* The first job is released at any phase. */
static void start(struct trial *t, const struct reservation *r)
{
    struct harness_unit *hu = harness_of(t->h, r->unit);

    hu->work = r->greedy ? HARNESS_HOG : HARNESS_PERIODIC;
    hu->run = r->greedy ? 0 : one_in(t, 2) ? r->slice : draw_log(t, 1, r->slice);
    hu->left = hu->run;
    hu->sleep = r->period + (one_in(t, 2) ? 0 : draw_log(t, 0, r->period));
    hu->alarm = r->greedy ? SCHED_NEVER : t->h->now + hu->sleep;
    sched_wake(r->unit, t->h->now);
}

static void check_reservation(struct trial *t, const struct reservation *r)
{
    const struct harness_unit *hu = harness_of(t->h, r->unit);
    sched_time periods = (t->h->now - t->h->marked) / r->period;
    sched_time service = harness_service(t->h, r->unit);

    if (hu->misses)
        violated(t, "unit %u, %lld of %lld us, run %lld each %lld: %llu deadlines missed",
                 r->unit->id, (long long)(r->slice / US), (long long)(r->period / US),
                 (long long)(hu->run / US), (long long)(hu->sleep / US),
                 (unsigned long long)hu->misses);
    if (r->greedy && service < (periods - 2) * r->slice)
        violated(t, "unit %u, %lld of %lld us: got %lld us in %lld periods", r->unit->id,
                 (long long)(r->slice / US), (long long)(r->period / US),
                 (long long)(service / US), (long long)periods);
}

void try_reservations(struct trial *t)
{
    struct reservations rs = {.nr = 0};
    enum spread spread = one_in(t, 2) ? SPREAD_ALL : (enum spread)draw(t, NR_SPREADS);

    t->h = harness_new(t->policy->opt_name, 1 + draw(t, 8));
    watch(t);
    unsigned n = 1 + draw(t, 4 * t->h->nr_pcpus);
    for (unsigned i = 0; i < n; i++)
        add_reservation(t, &rs, spread);
    for (unsigned i = 0; i < rs.nr; i++) {
        start(t, &rs.r[i]);
        if (one_in(t, 2))
            advance(t, draw_log(t, US, 20 * MS));
    }
    harness_mark(t->h);
    t->wasted = 0;
    for (unsigned i = 0; i < 20; i++)
        advance(t, draw_log(t, MS, 100 * MS));
    for (unsigned i = 0; i < rs.nr; i++)
        check_reservation(t, &rs.r[i]);
}
