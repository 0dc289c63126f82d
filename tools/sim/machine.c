#include "machine.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define CACHE_LINE     64
#define DEFAULT_WEIGHT 256
#define DEFAULT_MCUADV 10 /* stands for the default weight */
#define MAX_MCUADV     10000000

/* ---- weights on BVT ---------------------------------------------------------------- */

static int64_t weight_of(const struct scenario_domain *d)
{
    return d->weight > 0 ? d->weight : DEFAULT_WEIGHT;
}

static int64_t mcuadv_of(int64_t scale, int64_t weight)
{
    int64_t mcuadv = (scale + weight / 2) / weight;
    return mcuadv > 0 ? mcuadv : 1;
}

static bool weight_is_exact(int64_t scale, int64_t weight)
{
    return llabs(mcuadv_of(scale, weight) * weight - scale) <= scale / 1000;
}

/* Are all the scenario's weights within 0.1 % of what mcuadv can say? */
static bool scale_is_exact(const struct scenario *s, int64_t scale)
{
    for (unsigned i = 0; i < s->nr_domains; i++) {
        if (!weight_is_exact(scale, weight_of(&s->domains[i])))
            return false;
    }
    for (unsigned i = 0; i < s->nr_changes; i++) {
        if (s->changes[i].weight > 0 && !weight_is_exact(scale, s->changes[i].weight))
            return false;
    }
    return true;
}

static bool gives_weights(const struct scenario *s)
{
    for (unsigned i = 0; i < s->nr_domains; i++) {
        if (s->domains[i].weight > 0)
            return true;
    }
    for (unsigned i = 0; i < s->nr_changes; i++) {
        if (s->changes[i].weight > 0)
            return true;
    }
    return false;
}

static int64_t least_weight(const struct scenario *s)
{
    int64_t least = DEFAULT_WEIGHT;

    for (unsigned i = 0; i < s->nr_domains; i++) {
        if (s->domains[i].weight > 0 && s->domains[i].weight < least)
            least = s->domains[i].weight;
    }
    for (unsigned i = 0; i < s->nr_changes; i++) {
        if (s->changes[i].weight > 0 && s->changes[i].weight < least)
            least = s->changes[i].weight;
    }
    return least;
}

/*
 * BVT has no weights: a share is proportional to 1/mcuadv. The scale that
 * keeps the default of both as it is is preferred; larger ones say unusual
 * ratios exactly.
 */
static int64_t find_mcuadv_scale(const struct scenario *s)
{
    int64_t scale = DEFAULT_MCUADV * DEFAULT_WEIGHT, least = least_weight(s);

    if (!gives_weights(s))
        return 0;
    while (!scale_is_exact(s, scale) && scale * 10 / least <= MAX_MCUADV)
        scale *= 10;
    return scale;
}

/* ---- memory ---------------------------------------------------------------------------- */

static bool block_alloc(struct block *b, size_t size, size_t n)
{
    b->stride = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    b->base = aligned_alloc(CACHE_LINE, b->stride * (n ? n : 1));
    if (b->base)
        memset(b->base, 0, b->stride * n);
    return b->base != NULL;
}

static bool number_units(struct machine *m)
{
    const struct scenario *s = m->scenario;

    m->first_unit = calloc(s->nr_domains + 1, sizeof(*m->first_unit));
    if (!m->first_unit)
        return false;
    for (unsigned i = 0; i < s->nr_domains; i++)
        m->first_unit[i + 1] = m->first_unit[i] + s->domains[i].nr_vcpus;
    m->nr_units = m->first_unit[s->nr_domains];
    return true;
}

static bool machine_alloc(struct machine *m)
{
    const struct scenario *s = m->scenario;

    if (!number_units(m))
        return false;
    m->pcpus = calloc(s->nr_pcpus, sizeof(*m->pcpus));
    m->affinities = calloc(m->nr_units + 1, sizeof(*m->affinities));
    m->exists = calloc(s->nr_domains + 1, sizeof(*m->exists));
    return m->pcpus && m->affinities && m->exists &&
           block_alloc(&m->pcpu_block, sched_pcpu_size(), s->nr_pcpus) &&
           block_alloc(&m->pool_block, sched_pool_size(), s->nr_pools) &&
           block_alloc(&m->domain_block, sched_domain_size(), s->nr_domains) &&
           block_alloc(&m->unit_block, sched_unit_size(), m->nr_units);
}

void machine_free(struct machine *m)
{
    free(m->first_unit);
    free(m->pcpus);
    free(m->affinities);
    free(m->exists);
    free(m->pcpu_block.base);
    free(m->pool_block.base);
    free(m->domain_block.base);
    free(m->unit_block.base);
}

/* ---- pCPUs and pools ----------------------------------------------------------------------- */

static void init_pcpus(struct machine *m)
{
    for (unsigned i = 0; i < m->scenario->nr_pcpus; i++) {
        const struct host_pcpu *p = &m->scenario->pcpus[i];
        sched_pcpu_init(&m->sched,
                        (struct sched_pcpu *)(m->pcpu_block.base + i * m->pcpu_block.stride), i,
                        p->core, p->socket, p->node);
    }
}

static bool init_pool(struct machine *m, unsigned i)
{
    const struct scenario_pool *p = &m->scenario->pools[i];
    struct sched_refusal why = {0};

    sched_pool_init(&m->sched, machine_pool(m, i), i, p->policy);
    mask_for_each(cpu, &p->cpus) {
        if (sched_pool_add_pcpu(machine_pool(m, i), m->pcpus[cpu], 0))
            return complain(p->place, "pool %s: pCPU %d belongs to another pool", p->name, cpu);
    }
    if (machine_set_pool(m, i, p->settings, p->nr_settings, 0, &why))
        return complain(p->place, "pool %s: %s%s%s", p->name, why.param ? why.param : "",
                        why.param ? ": " : "", why.why ? why.why : "refused");
    return true;
}

bool machine_init(struct machine *m, const struct scenario *s, const struct sched_env *env)
{
    *m = (struct machine){.scenario = s, .mcuadv_scale = find_mcuadv_scale(s)};
    if (!machine_alloc(m))
        return complain((struct place){s->file, 0}, "out of memory for %u vCPUs on %u pCPUs",
                        m->nr_units, s->nr_pcpus);
    sched_init(&m->sched, env, m->pcpus, s->nr_pcpus);
    sched_give_affinities(&m->sched, m->affinities, m->nr_units + 1);
    init_pcpus(m);
    for (unsigned i = 0; i < s->nr_pools; i++) {
        if (!init_pool(m, i))
            return false;
    }
    return true;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* The values of a domain (or one unit of it) as they should become. */
struct new_values {
    int64_t domain[SCHED_MAX_PARAMS], unit[SCHED_MAX_PARAMS];
    bool set_domain, set_unit;
};

static struct new_values values_now(const struct sched_domain *d, const struct sched_unit *u)
{
    struct new_values v = {.set_domain = false};

    memcpy(v.domain, d->value, sizeof(v.domain));
    memcpy(v.unit, u->value, sizeof(v.unit));
    return v;
}

static void put_value(struct new_values *v, enum sched_scope scope, unsigned index, int64_t value)
{
    if (scope == SCHED_PARAM_DOMAIN) {
        v->domain[index] = value;
        v->set_domain = true;
    } else if (scope == SCHED_PARAM_UNIT) {
        v->unit[index] = value;
        v->set_unit = true;
    }
}

static void put_values(struct new_values *v, const struct param_setting *set, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++)
        put_value(v, set[i].scope, set[i].index, set[i].value);
}

/* false: the policy has no such parameter. */
static bool put_named(struct new_values *v, const struct sched_policy *policy, const char *name,
                      int64_t value)
{
    unsigned index;
    const struct sched_param *p = sched_param_by_name(policy, SCHED_PARAM_DOMAIN, name, &index);

    if (!p)
        p = sched_param_by_name(policy, SCHED_PARAM_UNIT, name, &index);
    if (p)
        put_value(v, p->scope, index, value);
    return p != NULL;
}

/* cpu_weight and cap of the domain config. */
static void put_config(const struct machine *m, const struct scenario_domain *config,
                       const struct sched_policy *policy, struct new_values *v)
{
    bool weighted = config->weight > 0 && put_named(v, policy, "weight", config->weight);

    if (!weighted && m->mcuadv_scale)
        put_named(v, policy, "mcuadv", mcuadv_of(m->mcuadv_scale, weight_of(config)));
    if (config->cap > 0 && !put_named(v, policy, "cap", config->cap))
        warn(config->place, "%s: %s has no caps; cap is ignored", config->name,
             sched_policy_name(policy));
}

/* Both scopes or none. */
static int apply_values(struct sched_domain *d, struct sched_unit *u, const struct new_values *v,
                        sched_time now, struct sched_refusal *why)
{
    int64_t before[SCHED_MAX_PARAMS];
    int err = 0;

    memcpy(before, d->value, sizeof(before));
    if (v->set_domain)
        err = sched_domain_set(d, v->domain, now, why);
    if (err || !v->set_unit)
        return err;
    err = u ? sched_unit_set(u, v->unit, now, why) : sched_domain_set_units(d, v->unit, now, why);
    if (err && v->set_domain)
        sched_domain_set(d, before, now, NULL);
    return err;
}

int machine_set(struct machine *m, const struct scenario_change *c, struct sched_refusal *why)
{
    unsigned domain = (unsigned)c->domain;
    unsigned unit = m->first_unit[domain] + (c->vcpu < 0 ? 0 : (unsigned)c->vcpu);
    struct sched_unit *u = machine_unit(m, unit);
    struct sched_domain *d = machine_domain(m, domain);
    struct new_values v = values_now(d, u);

    if (c->weight > 0)
        put_named(&v, d->pool->policy, "mcuadv", mcuadv_of(m->mcuadv_scale, c->weight));
    put_values(&v, c->settings, c->nr_settings);
    return apply_values(d, c->vcpu < 0 ? NULL : u, &v, c->at, why);
}

int machine_set_pool(struct machine *m, unsigned pool, const struct param_setting *set, unsigned nr,
                     sched_time now, struct sched_refusal *why)
{
    int64_t value[SCHED_MAX_PARAMS];

    if (!nr)
        return 0;
    memcpy(value, machine_pool(m, pool)->value, sizeof(value));
    for (unsigned i = 0; i < nr; i++)
        value[set[i].index] = set[i].value;
    return sched_pool_set(machine_pool(m, pool), value, now, why);
}

/* ---- domains ------------------------------------------------------------------------------------
 */

static int pin_unit(struct sched_unit *u, const struct scenario_vcpu *pin, sched_time now,
                    struct sched_refusal *why)
{
    return sched_set_affinity(u, pin->has_hard ? &pin->hard : NULL,
                              pin->has_soft ? &pin->soft : NULL, now, why);
}

static int create_unit(struct machine *m, unsigned domain, unsigned vcpu, sched_time now,
                       struct sched_refusal *why)
{
    const struct scenario_vcpu *v = &m->scenario->domains[domain].vcpus[vcpu];
    unsigned id = m->first_unit[domain] + vcpu;

    memset(machine_unit(m, id), 0, m->unit_block.stride);
    int err = sched_unit_init(machine_unit(m, id), machine_domain(m, domain), id, vcpu, now);
    if (err || !(v->has_hard || v->has_soft))
        return err;
    err = pin_unit(machine_unit(m, id), v, now, why);
    if (err)
        sched_unit_fini(machine_unit(m, id), now);
    return err;
}

static void destroy_units(struct machine *m, unsigned domain, unsigned n, sched_time now)
{
    while (n > 0)
        sched_unit_fini(machine_unit(m, m->first_unit[domain] + --n), now);
    sched_domain_fini(machine_domain(m, domain));
}

static int configure(struct machine *m, unsigned domain, sched_time now, struct sched_refusal *why)
{
    const struct scenario_domain *config = &m->scenario->domains[domain];
    struct sched_domain *d = machine_domain(m, domain);
    struct new_values v = values_now(d, machine_unit(m, m->first_unit[domain]));

    put_config(m, config, d->pool->policy, &v);
    put_values(&v, config->settings, config->nr_settings);
    return apply_values(d, NULL, &v, now, why);
}

int machine_create(struct machine *m, unsigned domain, sched_time now, struct sched_refusal *why)
{
    const struct scenario_domain *config = &m->scenario->domains[domain];
    unsigned n = 0;

    memset(machine_domain(m, domain), 0, m->domain_block.stride);
    int err = sched_domain_init(machine_domain(m, domain), domain, machine_pool(m, config->pool),
                                config->privileged, now);
    if (err)
        return err;
    while (!err && n < config->nr_vcpus) {
        err = create_unit(m, domain, n, now, why);
        n += !err;
    }
    if (!err)
        err = configure(m, domain, now, why);
    if (err)
        destroy_units(m, domain, n, now);
    m->exists[domain] = !err;
    return err;
}

void machine_destroy(struct machine *m, unsigned domain, sched_time now)
{
    destroy_units(m, domain, m->scenario->domains[domain].nr_vcpus, now);
    m->exists[domain] = false;
}

int machine_pin(struct machine *m, unsigned domain, int vcpu, const struct scenario_vcpu *pin,
                sched_time now, struct sched_refusal *why)
{
    unsigned first = m->first_unit[domain], end = m->first_unit[domain + 1];

    if (vcpu >= 0) {
        first += (unsigned)vcpu;
        end = first + 1;
    }
    for (unsigned i = first; i < end; i++) {
        int err = pin_unit(machine_unit(m, i), pin, now, why);
        if (err)
            return err;
    }
    return 0;
}

int machine_set_table(struct machine *m, const struct scenario_change *change,
                      struct sched_refusal *why)
{
    struct sched_window window[SCHED_TABLE_MAX];

    if (change->nr_windows > SCHED_TABLE_MAX) {
        *why = (struct sched_refusal){.why = "more windows than a table holds",
                                      .limit = SCHED_TABLE_MAX};
        return -SCHED_EINVAL;
    }
    for (unsigned i = 0; i < change->nr_windows; i++) {
        const struct scenario_window *w = &change->windows[i];
        window[i] = (struct sched_window){machine_domain(m, w->domain), w->vcpu, w->runtime};
    }
    return sched_set_table(machine_pool(m, (unsigned)change->pool), change->major_frame, window,
                           change->nr_windows, change->at, why);
}

/* ---- what the ideal wants to know
 * ------------------------------------------------------------------ */

static int64_t value_of(const struct sched_domain *d, const struct sched_unit *u, const char *name)
{
    const struct sched_policy *policy = d->pool->policy;
    unsigned index;

    if (sched_param_by_name(policy, SCHED_PARAM_DOMAIN, name, &index))
        return d->value[index];
    if (u && sched_param_by_name(policy, SCHED_PARAM_UNIT, name, &index))
        return u->value[index];
    return 0;
}

double machine_weight(const struct sched_unit *u)
{
    int64_t weight = value_of(u->domain, u, "weight"), mcuadv = value_of(u->domain, u, "mcuadv");

    if (weight > 0)
        return (double)weight;
    return mcuadv > 0 ? (double)DEFAULT_WEIGHT * DEFAULT_MCUADV / (double)mcuadv : DEFAULT_WEIGHT;
}

int64_t machine_cap(const struct sched_domain *d)
{
    return value_of(d, NULL, "cap");
}
