#include "machine_param.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define DEFAULT_WEIGHT 256
#define DEFAULT_MCUADV 10 /* stands for the default weight */
#define MAX_MCUADV     10000000

/* ---- weights on BVT ---------------------------------------------------------------- */

static int64_t mcuadv_of(int64_t scale, int64_t weight)
{
    int64_t mcuadv = (scale + weight / 2) / weight;
    return mcuadv > 0 ? mcuadv : 1;
}

static bool weight_is_exact(int64_t scale, int64_t weight)
{
    return llabs(mcuadv_of(scale, weight) * weight - scale) <= scale / 1000;
}

/* All weights that the scenario gives, to domains and later; 0 or less: none here. */
static unsigned nr_weights(const struct scenario *s)
{
    return s->nr_domains + s->nr_changes;
}

static int64_t weight_at(const struct scenario *s, unsigned i)
{
    return i < s->nr_domains ? s->domains[i].weight : s->changes[i - s->nr_domains].weight;
}

/* Are they within 0.1 % of what mcuadv can say? */
static bool scale_is_exact(const struct scenario *s, int64_t scale)
{
    for (unsigned i = 0; i < nr_weights(s); i++) {
        if (weight_at(s, i) > 0 && !weight_is_exact(scale, weight_at(s, i)))
            return false;
    }
    return true;
}

static bool gives_weights(const struct scenario *s)
{
    for (unsigned i = 0; i < nr_weights(s); i++) {
        if (weight_at(s, i) > 0)
            return true;
    }
    return false;
}

static int64_t least_weight(const struct scenario *s)
{
    int64_t least = DEFAULT_WEIGHT;

    for (unsigned i = 0; i < nr_weights(s); i++) {
        if (weight_at(s, i) > 0 && weight_at(s, i) < least)
            least = weight_at(s, i);
    }
    return least;
}

/*
 * BVT has no weights: a share is proportional to 1/mcuadv. The scale that
 * keeps the default of both as it is is preferred; larger ones say unusual
 * ratios exactly.
 */
int64_t mcuadv_scale(const struct scenario *s)
{
    int64_t scale = DEFAULT_MCUADV * DEFAULT_WEIGHT, least = least_weight(s);

    if (!gives_weights(s))
        return 0;
    while (!scale_is_exact(s, scale) && scale * 10 / least <= MAX_MCUADV)
        scale *= 10;
    return scale;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Values to be set, of both scopes. */
struct assignments {
    unsigned nr;
    struct param_setting set[2 * SCHED_MAX_PARAMS + 2]; /* and the domain's weight and cap */
};

static void assign(struct assignments *a, enum sched_scope scope, unsigned index, int64_t value)
{
    a->set[a->nr++] = (struct param_setting){.scope = scope, .index = index, .value = value};
}

static void assign_all(struct assignments *a, const struct param_setting *set, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++)
        assign(a, set[i].scope, set[i].index, set[i].value);
}

/* false: the policy has no such parameter. */
static bool assign_named(struct assignments *a, const struct sched_policy *policy, const char *name,
                         int64_t value)
{
    unsigned index;
    const struct sched_param *p = sched_param_by_name(policy, SCHED_PARAM_DOMAIN, name, &index);

    if (!p)
        p = sched_param_by_name(policy, SCHED_PARAM_UNIT, name, &index);
    if (p)
        assign(a, p->scope, index, value);
    return p != NULL;
}

/* cpu_weight and cap of the domain config. */
static void assign_config(const struct machine *m, const struct scenario_domain *config,
                          const struct sched_policy *policy, struct assignments *a)
{
    int64_t weight = config->weight > 0 ? config->weight : DEFAULT_WEIGHT;
    bool weighted = config->weight > 0 && assign_named(a, policy, "weight", weight);

    if (!weighted && m->mcuadv_scale)
        assign_named(a, policy, "mcuadv", mcuadv_of(m->mcuadv_scale, weight));
    if (config->cap > 0 && !assign_named(a, policy, "cap", config->cap))
        warn(config->place, "%s: %s has no caps; cap is ignored", config->name,
             sched_policy_name(policy));
}

static bool any_assigned(const struct assignments *a, enum sched_scope scope)
{
    for (unsigned i = 0; i < a->nr; i++) {
        if (a->set[i].scope == scope)
            return true;
    }
    return false;
}

/* `value` as it was, but for what is assigned in this scope. */
static void assigned_values(const struct assignments *a, enum sched_scope scope,
                            const int64_t *value, int64_t *out)
{
    memcpy(out, value, SCHED_MAX_PARAMS * sizeof(*out));
    for (unsigned i = 0; i < a->nr; i++) {
        if (a->set[i].scope == scope)
            out[a->set[i].index] = a->set[i].value;
    }
}

static int set_unit(struct sched_unit *u, const void *how, sched_time now,
                    struct sched_refusal *why)
{
    int64_t value[SCHED_MAX_PARAMS];

    assigned_values(how, SCHED_PARAM_UNIT, u->value, value);
    return sched_unit_set(u, value, now, why);
}

/* Admitted before, so admitted again. */
static void undo_set(const struct unit_before *before, sched_time now)
{
    sched_unit_set(before->unit, before->value, now, NULL);
}

static bool units_are_alike(const struct sched_domain *d)
{
    const struct sched_unit *first = list_first_entry(&d->units, struct sched_unit, domain_link);

    list_for_each(u, &d->units, struct sched_unit, domain_link) {
        if (memcmp(u->value, first->value, sizeof(u->value)))
            return false;
    }
    return true;
}

/* Each unit keeps the values that are not assigned. vcpu < 0: all units. */
static int set_units(struct machine *m, struct sched_domain *d, int vcpu,
                     const struct assignments *a, sched_time now, struct sched_refusal *why)
{
    const struct unit_change change = {set_unit, undo_set, a};
    int64_t value[SCHED_MAX_PARAMS];

    if (vcpu >= 0 || !units_are_alike(d))
        return machine_change_units(m, d->id, vcpu, &change, now, why);
    assigned_values(a, SCHED_PARAM_UNIT, machine_unit(m, m->first_unit[d->id])->value, value);
    return sched_domain_set_units(d, value, now, why);
}

/* Both scopes or none. */
static int set_values(struct machine *m, struct sched_domain *d, int vcpu,
                      const struct assignments *a, sched_time now, struct sched_refusal *why)
{
    int64_t before[SCHED_MAX_PARAMS], value[SCHED_MAX_PARAMS];
    bool for_domain = any_assigned(a, SCHED_PARAM_DOMAIN);
    int err = 0;

    assigned_values(a, SCHED_PARAM_DOMAIN, d->value, value);
    memcpy(before, d->value, sizeof(before));
    if (for_domain)
        err = sched_domain_set(d, value, now, why);
    if (err || !any_assigned(a, SCHED_PARAM_UNIT))
        return err;
    err = set_units(m, d, vcpu, a, now, why);
    if (err && for_domain)
        sched_domain_set(d, before, now, NULL);
    return err;
}

int machine_set(struct machine *m, const struct scenario_change *c, struct sched_refusal *why)
{
    struct sched_domain *d = machine_domain(m, (unsigned)c->domain);
    struct assignments a = {.nr = 0};

    if (c->weight > 0)
        assign_named(&a, d->pool->policy, "mcuadv", mcuadv_of(m->mcuadv_scale, c->weight));
    assign_all(&a, c->settings, c->nr_settings);
    return set_values(m, d, c->vcpu, &a, c->at, why);
}

int machine_configure(struct machine *m, unsigned domain, sched_time now, struct sched_refusal *why)
{
    const struct scenario_domain *config = &m->scenario->domains[domain];
    struct sched_domain *d = machine_domain(m, domain);
    struct assignments a = {.nr = 0};

    assign_config(m, config, d->pool->policy, &a);
    assign_all(&a, config->settings, config->nr_settings);
    return set_values(m, d, -1, &a, now, why);
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

/* ---- what the ideal wants to know ------------------------------------------------------------ */

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
