#include "run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "guest.h"

const char *const way_names[NR_WAYS] = {"balloond", "equal", "none", "ideal"};

#define MIB 1024.0

struct run {
    const struct mem_scenario *s;
    enum way way;
    struct sim_guest *guests;
    struct demand_walker *walkers;
    struct balloon_domain *domains;
    struct balloon_claim *claims;
    bool *there;
    int64_t free;
    struct run_result result;
};

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- the domains at the start ---------------------------------------------------------------- */

static int64_t first_memory(const struct run *r, const struct rule *rule)
{
    int64_t all = r->s->host - r->s->params.reserve;

    switch (r->way) {
    case WAY_EQUAL:
        return min(all / r->s->nr, rule->max);
    case WAY_NONE:
        return rule->max;
    default:
        return rule->min;
    }
}

static void create(struct run *r, unsigned i)
{
    const struct mem_domain *from = &r->s->domains[i];
    int64_t memory = first_memory(r, &from->rule);

    demand_begin(&r->walkers[i], from->demand, (uint64_t)r->s->seed, i);
    if (memory > r->free - r->s->params.reserve)
        return;
    r->free -= memory;
    r->there[i] = true;
    r->result.there++;
    r->guests[i] = (struct sim_guest){.cache = from->cache, .memory = memory};
    r->domains[i].target = memory;
    rule_apply(&from->rule, from->rule.max, &r->domains[i]);
}

static bool run_begin(struct run *r)
{
    unsigned nr = r->s->nr;

    r->guests = calloc(nr, sizeof *r->guests);
    r->walkers = calloc(nr, sizeof *r->walkers);
    r->domains = calloc(nr, sizeof *r->domains);
    r->claims = calloc(nr, sizeof *r->claims);
    r->there = calloc(nr, sizeof *r->there);
    if (!r->guests || !r->walkers || !r->domains || !r->claims || !r->there)
        return false;
    r->free = r->s->host;
    for (unsigned i = 0; i < nr; i++)
        create(r, i);
    return true;
}

static void run_end(struct run *r)
{
    free(r->guests);
    free(r->walkers);
    free(r->domains);
    free(r->claims);
    free(r->there);
}

/* ---- a second -------------------------------------------------------------------------------- */

static void decide(struct run *r, int64_t now)
{
    for (unsigned i = 0; i < r->s->nr; i++) {
        r->domains[i].memory = r->guests[i].memory;
        r->domains[i].report = guest_report(&r->guests[i]);
        r->domains[i].reported = 1000 * now;
    }
    balloon_step(&r->s->params, r->domains, r->claims, r->s->nr, r->free, 1000 * now);
    for (unsigned i = 0; i < r->s->nr; i++) {
        const struct balloon_domain *d = &r->domains[i];

        r->result.harmful +=
            d->why != BALLOON_KEPT && d->target < min(guest_used(&r->guests[i]), d->memory);
    }
}

static void move_memory(struct run *r)
{
    for (unsigned i = 0; i < r->s->nr; i++) {
        int64_t by = guest_balloon(&r->guests[i], r->domains[i].target, r->free);

        r->free -= by;
        r->result.moved += by < 0 ? -by : by;
    }
}

/* What would be if memory and knowledge took no time. */
static void divide_ideally(struct run *r)
{
    for (unsigned i = 0; i < r->s->nr; i++) {
        const struct rule *rule = &r->s->domains[i].rule;
        int64_t need = GUEST_OVERHEAD + GUEST_KERNEL + r->guests[i].demand;

        need = need < rule->min ? rule->min : min(need, rule->max);
        r->claims[i] = (struct balloon_claim){
            .low = rule->min, .high = need, .active = need, .weight = rule->weight};
    }
    balloon_fill(r->claims, r->s->nr, r->s->host - r->s->params.reserve, 0);
    for (unsigned i = 0; i < r->s->nr; i++) {
        struct sim_guest *g = &r->guests[i];

        g->memory = r->claims[i].got;
        g->anon = min(g->demand, g->memory - GUEST_OVERHEAD - GUEST_KERNEL);
    }
}

static int64_t useful(const struct sim_guest *g)
{
    return g->anon + g->cached;
}

static void account(struct run *r, FILE *totals)
{
    int64_t demand = 0, held = 0;

    for (unsigned i = 0; i < r->s->nr; i++) {
        const struct sim_guest *g = &r->guests[i];

        demand += g->demand;
        held += useful(g);
        r->result.unmet += useful(g) < g->demand / 20 * 19;
        r->result.broken += r->there[i] && g->memory < r->domains[i].guarantee;
    }
    r->result.demand += (double)demand;
    r->result.useful += (double)held;
    r->result.over += r->free < r->s->params.reserve;
    if (totals)
        fprintf(totals, "%.1f,%.1f\n", (double)demand / MIB, (double)held / MIB);
}

static void print_domains(const struct run *r, int64_t now, FILE *out)
{
    for (unsigned i = 0; i < r->s->nr; i++)
        fprintf(out, "%" PRId64 ",%s,%.1f,%.1f,%.1f,%.1f\n", now, r->s->domains[i].name,
                (double)r->guests[i].demand / MIB, (double)r->guests[i].memory / MIB,
                (double)useful(&r->guests[i]) / MIB, (double)r->domains[i].target / MIB);
}

static void second(struct run *r, int64_t now)
{
    for (unsigned i = 0; i < r->s->nr; i++) {
        int64_t demand = demand_at(&r->walkers[i], now);

        if (r->way == WAY_IDEAL || !r->there[i])
            r->guests[i].demand = demand;
        else
            guest_run(&r->guests[i], demand);
    }
    if (r->way == WAY_IDEAL)
        divide_ideally(r);
    if (r->way == WAY_BALLOON) {
        decide(r, now);
        move_memory(r);
    }
}

struct run_result run_scenario(const struct mem_scenario *s, enum way way, FILE *totals,
                               FILE *domains)
{
    struct run r = {.s = s, .way = way};

    if (!run_begin(&r)) {
        complain((struct place){"moirai-balloon-sim", 0}, "out of memory");
        exit(2);
    }
    for (int64_t now = 1; now <= s->duration; now++) {
        second(&r, now);
        account(&r, totals);
        if (domains && now % 10 == 0)
            print_domains(&r, now, domains);
    }
    run_end(&r);
    return r.result;
}
