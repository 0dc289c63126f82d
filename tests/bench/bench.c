/*
 * Cost of the scheduling operations, and speed of the simulator. tests/bench/run calls this
 * program and makes tables and plots of what it says.
 *
 *   bench time POLICY       CSV: ns per operation
 *   bench count POLICY      under callgrind: one dump of instructions for each operation
 *   bench simulate FILE     decisions and events per second of CPU time
 *
 * A small rig in virtual time drives the core directly. Each round lasts 4 ms divided by the
 * number of pCPUs; in it one unit wakes, one that runs blocks, and all pCPUs that are due decide.
 * Only the call into the core is measured, not the rig.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "../../sched/policy.h"
#include "../../tools/sim/result.h"

#define DOMAIN_UNITS   4
#define ROUND_PER_PCPU (4 * MS)
#define WARM_UP        25 /* rounds for each pCPU: 100 ms */
#define SOCKET_PCPUS   32
#define NR_AFFINITIES  16 /* while a unit is added there are two classes, later one */
#define REPEATS        3 /* the fastest counts: other processes only ever add time */
#define TIMED_ROUNDS   4000
#define COUNTED_ROUNDS 400

/* The last is an empty operation: what measuring costs. */
enum op { OP_PICK, OP_WAKE, OP_BLOCK, OP_REWEIGHT, OP_TICK, OP_CLOSE_UP, OP_EMPTY, NR_OPS };
static const char *const op_name[NR_OPS] = {"pick", "wake",     "block", "re-weight",
                                            "tick", "close-up", "empty"};

struct size {
    unsigned pcpus, units;
};

static const struct size sizes[] = {
    {1, 4},    {8, 32},    {64, 256},   {512, 2048}, /* 4 units for each pCPU */
    {64, 64},  {64, 1024}, {64, 4096}, {64, 16384}, {64, 65536},
};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void *zeroed(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        die("out of memory");
    return p;
}

/* ---- meter ------------------------------------------------------------------- */

struct meter {
    bool counting;    /* by callgrind, else by the clock */
    enum op counted;  /* callgrind collects only this one */
    uint64_t start;   /* ns */
    uint64_t calls[NR_OPS], ns[NR_OPS];
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void begin(struct meter *m, enum op op)
{
    if (!m->counting)
        m->start = clock_ns(CLOCK_MONOTONIC);
    else if (m->counted == op)
        CALLGRIND_TOGGLE_COLLECT;
}

static void end(struct meter *m, enum op op)
{
    if (!m->counting)
        m->ns[op] += clock_ns(CLOCK_MONOTONIC) - m->start;
    else if (m->counted == op)
        CALLGRIND_TOGGLE_COLLECT;
    m->calls[op]++;
}

/* ---- rig --------------------------------------------------------------------- */

struct alarm {
    struct heap_node node; /* in rig->calendar, behind `when` while dirty */
    sched_time when;
};

struct rig {
    struct sched sched;
    struct sched_env env;
    struct size size;
    struct sched_policy set_up; /* the policy without admission */
    struct sched_pcpu **pcpus;
    struct sched_pool *pool;
    struct sched_affinity *affinities;
    char *domains, *units; /* arrays of domain_size() and unit_size() */
    struct heap calendar;
    struct alarm *alarms;        /* of the pCPUs */
    struct mask dirty;           /* pCPUs whose alarm changed: sorted in outside the measurement */
    const struct sched_pcpu *deciding;
    struct sched_unit **asleep;  /* ring of all units' size, first in first out */
    unsigned first_asleep, nr_asleep;
    sched_time now;
    uint64_t random;
    struct meter meter;
};

static unsigned draw(struct rig *r, unsigned below)
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

static void decide(struct rig *r, struct sched_pcpu *p, enum op op)
{
    struct alarm *a = &r->alarms[p->id];

    a->when = SCHED_NEVER;
    mask_set(&r->dirty, p->id);
    r->deciding = p;
    begin(&r->meter, op);
    struct sched_decision d = sched_decide(p, r->now);
    end(&r->meter, op);
    r->deciding = NULL;
    a->when = time_min(a->when, time_max(d.until, r->now + 1));
}

static void tick(struct rig *r)
{
    begin(&r->meter, OP_TICK);
    sched_tick(r->pool, r->now);
    end(&r->meter, OP_TICK);
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
            tick(r);
        else
            decide(r, r->pcpus[a - r->alarms], OP_PICK);
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
    begin(&r->meter, OP_WAKE);
    sched_wake(u, r->now);
    end(&r->meter, OP_WAKE);
}

/* One that runs; under a policy that idles there may be none. */
static void block_one(struct rig *r)
{
    unsigned from = draw(r, r->size.pcpus);

    for (unsigned i = 0; i < r->size.pcpus; i++) {
        struct sched_unit *u = r->pcpus[(from + i) % r->size.pcpus]->current;
        if (!u)
            continue;
        put_to_sleep(r, u);
        begin(&r->meter, OP_BLOCK);
        sched_block(u, r->now);
        end(&r->meter, OP_BLOCK);
        return;
    }
}

static void live(struct rig *r, unsigned rounds)
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

static void reweight_one(struct rig *r)
{
    const struct sched_policy *policy = r->pool->policy;
    struct sched_domain *d = domain_at(r, draw(r, nr_reserved_domains(r)));
    struct sched_unit *u = unit_at(r, d->id * DOMAIN_UNITS);
    const struct share *share;
    int64_t value[SCHED_MAX_PARAMS];
    unsigned index;
    const struct sched_param *p = find_share(policy, &index, &share);
    bool of_domain = p->scope == SCHED_PARAM_DOMAIN;

    memcpy(value, of_domain ? d->value : u->value, sizeof(value));
    value[index] = share->value[value[index] == share->value[0]];
    begin(&r->meter, OP_REWEIGHT);
    if (of_domain)
        sched_domain_set(d, value, r->now, NULL);
    else
        sched_unit_set(u, value, r->now, NULL);
    end(&r->meter, OP_REWEIGHT);
}

static void reweight(struct rig *r, unsigned rounds)
{
    const struct share *share;
    unsigned index;

    if (!find_share(r->pool->policy, &index, &share))
        return;
    for (unsigned i = 0; i < rounds; i++) {
        live(r, 1);
        reweight_one(r);
    }
}

/* ---- set-up ------------------------------------------------------------------- */

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
        if (i % DOMAIN_UNITS == 0 &&
            sched_domain_init(d, i / DOMAIN_UNITS, r->pool, false, 0))
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

static struct rig *new_rig(const struct sched_policy *policy, struct size size)
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
    live(r, WARM_UP * size.pcpus);
    return r;
}

static void free_rig(struct rig *r)
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

/* ---- measuring ----------------------------------------------------------------- */

static void empty(struct rig *r)
{
    for (unsigned i = 0; i < COUNTED_ROUNDS; i++) {
        begin(&r->meter, OP_EMPTY);
        end(&r->meter, OP_EMPTY);
    }
}

/* Fewer where one may look at all units. */
static unsigned rare_rounds(const struct rig *r)
{
    unsigned n = SCHED_MAX_UNITS * 4 / r->size.units;
    return n > 256 ? 256 : n;
}

/* Decisions during which the core closes up the levels of all units (levels.c), which is due
 * every 100 ms or less often. */
static void close_up(struct rig *r)
{
    if (!r->pool->policy->balanced)
        return;
    for (unsigned i = 0; i < rare_rounds(r); i++) {
        live(r, 1);
        r->pool->close_up = r->now;
        decide(r, r->pcpus[draw(r, r->size.pcpus)], OP_CLOSE_UP);
    }
}

static void run_op(struct rig *r, enum op op, unsigned rounds)
{
    if (op == OP_REWEIGHT)
        reweight(r, rare_rounds(r));
    else if (op == OP_CLOSE_UP)
        close_up(r);
    else if (op == OP_EMPTY)
        empty(r);
    else
        live(r, rounds);
}

/* ns of each operation, from the fastest of several runs. */
static void time_ops(struct rig *r, double *ns, uint64_t *calls)
{
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        struct meter *m = &r->meter;
        *m = (struct meter){.counting = false};
        live(r, TIMED_ROUNDS);
        empty(r);
        struct meter everyday = *m;
        reweight(r, rare_rounds(r));
        close_up(r);
        for (unsigned op = 0; op < NR_OPS; op++) {
            const struct meter *of = op == OP_REWEIGHT || op == OP_CLOSE_UP ? m : &everyday;
            if (!of->calls[op])
                continue;
            double mean = (double)of->ns[op] / (double)of->calls[op];
            ns[op] = calls[op] && ns[op] < mean ? ns[op] : mean;
            calls[op] = of->calls[op];
        }
    }
}

static void time_policy(const struct sched_policy *policy)
{
    for (unsigned i = 0; i < NR_SIZES; i++) {
        double ns[NR_OPS] = {0};
        uint64_t calls[NR_OPS] = {0};
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r\033[Ktime   %s: %u pCPUs, %u units", policy->opt_name,
                    sizes[i].pcpus, sizes[i].units);
        struct rig *r = new_rig(policy, sizes[i]);
        time_ops(r, ns, calls);
        free_rig(r);
        for (unsigned op = 0; op < OP_EMPTY; op++) {
            if (calls[op])
                printf("%s,%u,%u,%s,%" PRIu64 ",%.0f\n", policy->opt_name, sizes[i].pcpus,
                       sizes[i].units, op_name[op], calls[op],
                       ns[op] > ns[OP_EMPTY] ? ns[op] - ns[OP_EMPTY] : 0);
        }
        fflush(stdout);
    }
}

/* The dump's description says what it is of: "POLICY PCPUS UNITS OP CALLS". */
static void count_op(struct rig *r, enum op op)
{
    char what[100];

    r->meter = (struct meter){.counting = true, .counted = op};
    CALLGRIND_ZERO_STATS;
    run_op(r, op, COUNTED_ROUNDS);
    snprintf(what, sizeof(what), "%s %u %u %s %" PRIu64, r->pool->policy->opt_name, r->size.pcpus,
             r->size.units, op_name[op], r->meter.calls[op]);
    if (r->meter.calls[op])
        CALLGRIND_DUMP_STATS_AT(what);
}

static void count_policy(const struct sched_policy *policy)
{
    for (unsigned i = 0; i < NR_SIZES; i++) {
        struct rig *r = new_rig(policy, sizes[i]);
        CALLGRIND_START_INSTRUMENTATION;
        for (unsigned op = 0; op < NR_OPS; op++)
            count_op(r, (enum op)op);
        CALLGRIND_STOP_INSTRUMENTATION;
        free_rig(r);
    }
}

/* ---- the simulator ---------------------------------------------------------------- */

/* CSV: with or without the ideal, decisions, events, seconds of CPU time. */
static void time_simulation(const struct scenario *s, bool ideal)
{
    const struct run_options options = {.ideal = ideal};
    uint64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    struct result *r = simulate(s, &options);
    double seconds = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e-9;

    if (!r)
        exit(2);
    printf("%s,%" PRIu64 ",%" PRIu64 ",%.3f\n", ideal ? "yes" : "no", r->decisions, r->events,
           seconds);
    result_free(r);
}

static void time_simulator(const char *file)
{
    struct scenario *s = scenario_load(file, NULL);

    if (!s)
        exit(2);
    time_simulation(s, true);
    time_simulation(s, false);
    scenario_free(s);
}

static const struct sched_policy *policy_named(const char *name)
{
    const struct sched_policy *p = sched_policy_by_name(name);

    if (!p)
        die("there is no such policy");
    return p;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "time") && argc == 3) {
        time_policy(policy_named(argv[2]));
    } else if (!strcmp(what, "count") && argc == 3) {
        count_policy(policy_named(argv[2]));
    } else if (!strcmp(what, "simulate") && argc == 3) {
        time_simulator(argv[2]);
    } else {
        fputs("usage: bench time POLICY | bench count POLICY | bench simulate FILE\n", stderr);
        return 2;
    }
    return 0;
}
