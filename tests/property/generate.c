/* Random values: see trial.h. */
#include "trial.h"

unsigned draw(struct trial *t, unsigned n)
{
    return (unsigned)rng_below(&t->rng, n);
}

bool one_in(struct trial *t, unsigned n)
{
    return draw(t, n) == 0;
}

int64_t draw_log(struct trial *t, int64_t low, int64_t high)
{
    uint64_t range = (uint64_t)high - (uint64_t)low;
    unsigned bits = 0;

    while (bits < 63 && range >> bits)
        bits++;
    uint64_t x = rng_next(&t->rng) & ((1ULL << draw(t, bits + 1)) - 1);
    return (int64_t)((uint64_t)low + (x < range ? x : range));
}

unsigned draw_pcpus(struct trial *t)
{
    return 1 + draw(t, one_in(t, 12) ? HARNESS_MAX_PCPUS : one_in(t, 3) ? 16 : 4);
}

int draw_weight(struct trial *t)
{
    if (one_in(t, 2))
        return 256;
    return one_in(t, 2) ? 16 << draw(t, 8) : (int)draw_log(t, 1, 65535);
}

void draw_mask(struct trial *t, enum spread spread, unsigned nr, struct mask *m)
{
    unsigned first = draw(t, nr), end = first + 1;

    mask_clear_all(m);
    if (spread == SPREAD_ALL) {
        first = 0;
        end = nr;
    } else if (spread == SPREAD_INTERVALS) {
        end += draw(t, nr - first);
    } else if (spread == SPREAD_SUBSETS) {
        for (unsigned i = 0; i < nr; i++)
            if (one_in(t, 3))
                mask_set(m, i);
    }
    for (unsigned i = first; i < end; i++)
        mask_set(m, i);
}

struct sched_domain *generate_domain(struct trial *t)
{
    return t->domains[t->nr_domains++] = harness_domain(t->h);
}

struct sched_unit *generate_unit(struct trial *t, struct sched_domain *d)
{
    enum harness_work work = (enum harness_work)draw(t, HARNESS_PERIODIC + 1);
    sched_time run = draw_log(t, 50 * US, 50 * MS), sleep = draw_log(t, 50 * US, 50 * MS);

    if (one_in(t, 3))
        work = HARNESS_HOG;
    if (work == HARNESS_HOG || work == HARNESS_IDLE)
        run = sleep = 0;
    if (work == HARNESS_PERIODIC)
        sleep += run;
    struct sched_unit *u = harness_unit(t->h, d ? d : generate_domain(t), work, run, sleep);
    t->seen[u->id].waiting_since = t->h->now;
    return u;
}

/* ---- parameters ---------------------------------------------------------------- */

/* The old value, the default or anything in the range; rarely what is outside of it. */
static int64_t draw_value(struct trial *t, const struct sched_param *p, int64_t old)
{
    int64_t high = p->max;

    if (one_in(t, 2))
        return old;
    if (one_in(t, 4))
        return p->def;
    if (one_in(t, 40))
        return one_in(t, 2) ? p->min - 1 : p->max + 1;
    if (p->kind == SCHED_PERCENT)
        high = 400;
    else if (p->kind == SCHED_TIME_NS)
        high = time_min(high, SEC);
    return draw_log(t, p->min, time_max(high, p->min));
}

static void draw_values(struct trial *t, const struct sched_policy *policy, enum sched_scope scope,
                        const int64_t *old, int64_t *value)
{
    unsigned nr, n = 0;
    const struct sched_param *p = sched_policy_params(policy, &nr);

    for (unsigned i = 0; i < SCHED_MAX_PARAMS; i++)
        value[i] = old[i];
    for (unsigned i = 0; i < nr; i++) {
        if (p[i].scope == scope) {
            value[n] = draw_value(t, &p[i], old[n]);
            n++;
        }
    }
}

void generate_pool_params(struct trial *t, struct sched_pool *pool)
{
    int64_t value[SCHED_MAX_PARAMS];

    draw_values(t, pool->policy, SCHED_PARAM_POOL, pool->value, value);
    sched_pool_set(pool, value, t->h->now, NULL);
}

void generate_domain_params(struct trial *t, struct sched_domain *d)
{
    int64_t value[SCHED_MAX_PARAMS];

    draw_values(t, d->pool->policy, SCHED_PARAM_DOMAIN, d->value, value);
    sched_domain_set(d, value, t->h->now, NULL);
}

void generate_unit_params(struct trial *t, struct sched_unit *u)
{
    int64_t value[SCHED_MAX_PARAMS];

    draw_values(t, u->domain->pool->policy, SCHED_PARAM_UNIT, u->value, value);
    if (one_in(t, 4))
        sched_domain_set_units(u->domain, value, t->h->now, NULL);
    else
        sched_unit_set(u, value, t->h->now, NULL);
}

static bool has_param(const struct sched_unit *u, enum sched_scope scope, const char *name)
{
    unsigned i;
    return sched_param_by_name(u->domain->pool->policy, scope, name, &i) != NULL;
}

double give_weight(struct trial *t, struct sched_unit *u, int weight)
{
    if (has_param(u, SCHED_PARAM_DOMAIN, "weight")) {
        harness_set(t->h, SCHED_PARAM_DOMAIN, u, "weight", weight);
        return weight;
    }
    if (has_param(u, SCHED_PARAM_UNIT, "weight")) {
        harness_set(t->h, SCHED_PARAM_UNIT, u, "weight", weight);
        return weight;
    }
    if (has_param(u, SCHED_PARAM_DOMAIN, "mcuadv")) {
        int mcuadv = (2560000 + weight / 2) / weight;
        harness_set(t->h, SCHED_PARAM_DOMAIN, u, "mcuadv", mcuadv);
        return 2560000.0 / mcuadv;
    }
    return 1;
}
