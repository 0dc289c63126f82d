#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN_UNITS   4
#define ROUND_PER_PCPU (4 * MS)
#define WARM_UP        25 /* rounds for each pCPU */
#define SOCKET_PCPUS   32
#define NR_AFFINITIES  16 /* while a unit is added there are two classes, later one */

void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

unsigned rig_draw(struct rig *r, unsigned below)
{
    r->random = r->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)((r->random >> 33) % below);
}

static struct sched_domain *domain_at(const struct rig *r, unsigned i)
{
    return (struct sched_domain *)(r->domains + i * sched_domain_size());
}

static struct sched_unit *unit_at(const struct rig *r, unsigned i)
{
    return (struct sched_unit *)(r->units + i * sched_unit_size());
}

static void on_resched(void *ctx, unsigned pcpu, sched_time when)
{
    struct rig *r = ctx;

    if (when <= r->now && r->deciding == r->pcpus[pcpu])
        return; /* the decision that is being made is the answer */
    if (when < r->alarms[pcpu].when) {
        r->alarms[pcpu].when = time_max(when, r->now);
        mask_set(&r->dirty, pcpu);
    }
}

static void on_timer(void *ctx, struct sched_pool *pool, sched_time when)
{
    (void)ctx, (void)pool, (void)when; /* pool->timer has it */
}

/* ---- time -------------------------------------------------------------------- */

static void decide(struct rig *r, struct sched_pcpu *p)
{
    struct alarm *a = &r->alarms[p->id];

    a->when = SCHED_NEVER;
    mask_set(&r->dirty, p->id);
    r->deciding = p;
    stopwatch_start(&r->watch, OP_PICK);
    struct sched_decision d = sched_decide(p, r->now);
    stopwatch_stop(&r->watch, OP_PICK);
    r->deciding = NULL;
    a->when = time_min(a->when, time_max(d.until, r->now + 1));
}

void rig_tick(struct rig *r, enum op op)
{
    stopwatch_start(&r->watch, op);
    sched_tick(r->pool, r->now);
    stopwatch_stop(&r->watch, op);
}

static void sort_alarms(struct rig *r)
{
    mask_for_each(id, &r->dirty) {
        struct alarm *a = &r->alarms[id];
        if (a->when != a->node.key)
            heap_update(&r->calendar, &a->node, a->when);
    }
    mask_clear_all(&r->dirty);
}

static void run_until(struct rig *r, sched_time end_time)
{
    for (;;) {
        sort_alarms(r);
        struct alarm *a = heap_top_entry(&r->calendar, struct alarm, node);
        sched_time next = time_min(a->when, r->pool->timer);
        if (next > end_time)
            break;
        r->now = time_max(r->now, next);
        if (r->pool->timer == next)
            rig_tick(r, OP_TICK);
        else
            decide(r, r->pcpus[a - r->alarms]);
    }
    r->now = end_time;
}

/* ---- what units do ----------------------------------------------------------- */

static void put_to_sleep(struct rig *r, struct sched_unit *u)
{
    r->asleep[(r->first_asleep + r->nr_asleep++) % r->size.units] = u;
}

static void wake_one(struct rig *r)
{
    if (!r->nr_asleep)
        return;
    struct sched_unit *u = r->asleep[r->first_asleep];
    r->first_asleep = (r->first_asleep + 1) % r->size.units;
    r->nr_asleep--;
    stopwatch_start(&r->watch, OP_WAKE);
    sched_wake(u, r->now);
    stopwatch_stop(&r->watch, OP_WAKE);
}

/* One that runs; under a policy that idles there may be none. */
static void block_one(struct rig *r)
{
    unsigned from = rig_draw(r, r->size.pcpus);

    for (unsigned i = 0; i < r->size.pcpus; i++) {
        struct sched_unit *u = r->pcpus[(from + i) % r->size.pcpus]->current;
        if (!u)
            continue;
        put_to_sleep(r, u);
        stopwatch_start(&r->watch, OP_BLOCK);
        sched_block(u, r->now);
        stopwatch_stop(&r->watch, OP_BLOCK);
        return;
    }
}

void rig_live(struct rig *r, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        run_until(r, r->now + ROUND_PER_PCPU / r->size.pcpus);
        wake_one(r);
        run_until(r, r->now);
        block_one(r);
    }
}

/* ---- weights ------------------------------------------------------------------- */

/* What stands for the weight, and two values of it. */
static const struct share {
    const char *name;
    int64_t value[2];
} shares[] = {
    {"weight", {256, 512}},
    {"mcuadv", {10, 20}},
    {"slice", {2 * MS, 3 * MS / 2}},
    {"budget", {3 * MS, 2 * MS}},
};

/* NULL if the policy has none. */
static const struct sched_param *find_share(const struct sched_policy *policy, unsigned *index,
                                            const struct share **share)
{
    for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        *share = &shares[i];
        for (unsigned s = SCHED_PARAM_DOMAIN; s <= SCHED_PARAM_UNIT; s++) {
            const struct sched_param *p =
                sched_param_by_name(policy, (enum sched_scope)s, shares[i].name, index);
            if (p)
                return p;
        }
    }
    return NULL;
}

/* Domains whose units have reservations where the policy makes them: two units for each pCPU. */
static unsigned nr_reserved_domains(const struct rig *r)
{
    unsigned n = 2 * r->size.pcpus / DOMAIN_UNITS, all = r->size.units / DOMAIN_UNITS;
    return n < 1 ? 1 : n < all ? n : all;
}

void rig_reweight(struct rig *r)
{
    const struct sched_policy *policy = r->pool->policy;
    struct sched_domain *d = domain_at(r, rig_draw(r, nr_reserved_domains(r)));
    struct sched_unit *u = unit_at(r, d->id * DOMAIN_UNITS);
    const struct share *share;
    int64_t value[SCHED_MAX_PARAMS];
    unsigned index;
    const struct sched_param *p = find_share(policy, &index, &share);
    bool of_domain = p->scope == SCHED_PARAM_DOMAIN;

    memcpy(value, of_domain ? d->value : u->value, sizeof(value));
    value[index] = share->value[value[index] == share->value[0]];
    stopwatch_start(&r->watch, OP_REWEIGHT);
    if (of_domain)
        sched_domain_set(d, value, r->now, NULL);
    else
        sched_unit_set(u, value, r->now, NULL);
    stopwatch_stop(&r->watch, OP_REWEIGHT);
}

bool rig_has_weights(const struct rig *r)
{
    const struct share *share;
    unsigned index;

    return find_share(r->pool->policy, &index, &share) != NULL;
}

/* ---- set-up ------------------------------------------------------------------- */

static void *zeroed(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        die("out of memory");
    return p;
}

static void add_pcpus(struct rig *r)
{
    unsigned n = r->size.pcpus;

    for (unsigned i = 0; i < n; i++) {
        struct sched_pcpu *p = zeroed(1, sched_pcpu_size());
        heap_node_init(&r->alarms[i].node);
        r->alarms[i].when = SCHED_NEVER;
        heap_insert(&r->calendar, &r->alarms[i].node, SCHED_NEVER);
        sched_pcpu_init(&r->sched, p, i, i, i / SOCKET_PCPUS, i / SOCKET_PCPUS);
        if (sched_pool_add_pcpu(r->pool, p, 0))
            die("a pCPU was refused");
    }
}

/* Units begin evenly spread over the pCPUs, where a host that has run for a while has them. */
static void add_unit(struct rig *r, unsigned i)
{
    struct sched_unit *u = unit_at(r, i);
    struct mask home;

    mask_clear_all(&home);
    mask_set(&home, i % r->size.pcpus);
    if (sched_unit_init(u, domain_at(r, i / DOMAIN_UNITS), i, i % DOMAIN_UNITS, 0) ||
        sched_set_affinity(u, &home, NULL, 0, NULL) || sched_set_affinity(u, NULL, NULL, 0, NULL))
        die("a unit was refused");
}

static void add_units(struct rig *r)
{
    for (unsigned i = 0; i < r->size.units; i++) {
        struct sched_domain *d = domain_at(r, i / DOMAIN_UNITS);
        if (i % DOMAIN_UNITS == 0 && sched_domain_init(d, i / DOMAIN_UNITS, r->pool, false, 0))
            die("a domain was refused");
        add_unit(r, i);
    }
}

/* 2 ms of 10 ms for two units on each pCPU; the others live on what is left. */
static void reserve(struct rig *r)
{
    unsigned slice, period;

    if (!r->pool->policy->demand)
        return;
    sched_param_by_name(r->pool->policy, SCHED_PARAM_UNIT, "slice", &slice);
    sched_param_by_name(r->pool->policy, SCHED_PARAM_UNIT, "period", &period);
    for (unsigned i = 0; i < nr_reserved_domains(r); i++) {
        int64_t value[SCHED_MAX_PARAMS];
        struct sched_refusal why = {0};
        memcpy(value, unit_at(r, i * DOMAIN_UNITS)->value, sizeof(value));
        value[slice] = 2 * MS;
        value[period] = 10 * MS;
        for (unsigned j = 0; j < SCHED_MAX_PARAMS; j++)
            value[j] = value[j] > 10 * MS ? 10 * MS : value[j]; /* the latency of Atropos */
        if (sched_domain_set_units(domain_at(r, i), value, 0, &why))
            die(why.why);
    }
}

static void give_table(struct rig *r)
{
    struct sched_window window[SCHED_TABLE_MAX];
    unsigned n = r->size.units < SCHED_TABLE_MAX ? r->size.units : SCHED_TABLE_MAX;

    if (!r->pool->policy->set_table)
        return;
    for (unsigned i = 0; i < n; i++)
        window[i] = (struct sched_window){domain_at(r, i / DOMAIN_UNITS), i % DOMAIN_UNITS, MS};
    if (sched_set_table(r->pool, n * MS, window, n, 0, NULL))
        die("the table was refused");
}

/* The last few units start asleep: a quarter as many as there are pCPUs. */
static void wake_most(struct rig *r)
{
    unsigned nr_asleep = (r->size.pcpus + 3) / 4;

    for (unsigned i = 0; i < r->size.units - nr_asleep; i++)
        sched_wake(unit_at(r, i), 0);
    for (unsigned i = r->size.units - nr_asleep; i < r->size.units; i++)
        put_to_sleep(r, unit_at(r, i));
}

struct rig *rig_new(const struct sched_policy *policy, struct size size)
{
    struct rig *r = zeroed(1, sizeof(*r));

    r->size = size;
    r->env = (struct sched_env){.ctx = r, .resched = on_resched, .timer = on_timer};
    r->pcpus = zeroed(size.pcpus, sizeof(*r->pcpus));
    r->alarms = zeroed(size.pcpus, sizeof(*r->alarms));
    r->asleep = zeroed(size.units, sizeof(*r->asleep));
    r->domains = zeroed(size.units / DOMAIN_UNITS, sched_domain_size());
    r->units = zeroed(size.units, sched_unit_size());
    r->pool = zeroed(1, sched_pool_size());
    heap_init(&r->calendar);
    sched_init(&r->sched, &r->env, r->pcpus, size.pcpus);
    r->affinities = zeroed(NR_AFFINITIES, sizeof(*r->affinities));
    sched_give_affinities(&r->sched, r->affinities, NR_AFFINITIES);
    /* Admission looks at all units for each new one: 65536 units would take minutes. */
    r->set_up = *policy;
    r->set_up.demand = NULL;
    sched_pool_init(&r->sched, r->pool, 0, &r->set_up);
    add_pcpus(r);
    add_units(r);
    r->pool->policy = policy;
    reserve(r);
    give_table(r);
    wake_most(r);
    rig_live(r, WARM_UP * size.pcpus);
    return r;
}

void rig_free(struct rig *r)
{
    for (unsigned i = 0; i < r->size.pcpus; i++)
        free(r->pcpus[i]);
    free(r->affinities);
    free(r->pcpus);
    free(r->alarms);
    free(r->asleep);
    free(r->domains);
    free(r->units);
    free(r->pool);
    free(r);
}
