/* Parameters of pools, domains and units: see param.h. */
#include "param.h"
#include "core.h"

static unsigned count_params(const struct sched_policy *policy, enum sched_scope scope)
{
    unsigned n = 0;
    for (unsigned i = 0; i < policy->nr_params; i++)
        n += policy->params[i].scope == scope;
    return n;
}

static const struct sched_param *first_param(const struct sched_policy *policy,
                                             enum sched_scope scope)
{
    unsigned i = 0;
    while (i < policy->nr_params && policy->params[i].scope != scope)
        i++;
    return &policy->params[i];
}

void param_defaults(const struct sched_policy *policy, enum sched_scope scope, int64_t *value)
{
    const struct sched_param *p = first_param(policy, scope);
    unsigned n = count_params(policy, scope);

    for (unsigned i = 0; i < n; i++)
        value[i] = p[i].def;
}

static int check_ranges(const struct sched_policy *policy, const struct sched_change *c,
                        struct sched_refusal *why)
{
    const struct sched_param *p = first_param(policy, c->scope);
    unsigned n = count_params(policy, c->scope);

    for (unsigned i = 0; i < n; i++) {
        if (c->value[i] < p[i].min)
            return refuse(why, SCHED_EINVAL, p[i].name, "is less than the minimum", p[i].min);
        if (c->value[i] > p[i].max)
            return refuse(why, SCHED_EINVAL, p[i].name, "is more than the maximum", p[i].max);
    }
    return 0;
}

static int check(const struct sched_change *c, struct sched_refusal *why)
{
    const struct sched_policy *policy = c->pool->policy;
    int err = check_ranges(policy, c, why);

    if (!err && policy->check)
        err = policy->check(c, why);
    return err;
}

/* ---- reservations -------------------------------------------------------------- */

static bool admission_enforced(const struct sched_pool *pool)
{
    unsigned i;
    return !sched_param_by_name(pool->policy, SCHED_PARAM_POOL, "admission", &i) || pool->value[i];
}

int reserve_ask(const struct admission_query *q, struct sched_refusal *why)
{
    struct admission_query asked = *q;

    if (!q->pool->policy->demand)
        return 0;
    asked.enforce = admission_enforced(q->pool);
    return admission_plan(&asked, why);
}

void reserve_apply(struct sched_pool *pool)
{
    if (!pool->policy->demand)
        return;
    mask_for_each(id, &pool->cpus)
        pool->sched->pcpus[id]->reserved = 0;
    list_for_each(d, &pool->domains, struct sched_domain, pool_link) {
        list_for_each(u, &d->units, struct sched_unit, domain_link) {
            u->bound = u->plan != NULL;
            u->reserved = u->plan_util;
            if (u->plan)
                u->plan->reserved += u->reserved;
        }
    }
}

/* ---- applying -------------------------------------------------------------------- */

static void copy_values(const struct sched_change *c, int64_t *to)
{
    unsigned n = count_params(c->pool->policy, c->scope);
    for (unsigned i = 0; i < n; i++)
        to[i] = c->value[i];
}

static void store(const struct sched_change *c)
{
    if (c->scope == SCHED_PARAM_POOL)
        copy_values(c, c->pool->value);
    else if (c->scope == SCHED_PARAM_DOMAIN)
        copy_values(c, c->domain->value);
    else
        list_for_each(u, &c->domain->units, struct sched_unit, domain_link)
            if (!c->unit || c->unit == u)
                copy_values(c, u->value);
}

/* Does the change concern the unit, or does its reservation move because of it? */
static bool concerns(const struct sched_change *c, const struct sched_unit *u)
{
    if (c->scope == SCHED_PARAM_POOL || (c->domain == u->domain && (!c->unit || c->unit == u)))
        return true;
    return c->scope == SCHED_PARAM_UNIT && c->pool->policy->demand &&
           (u->bound != (u->plan != NULL) || (u->plan && u->plan != u->home));
}

static void withdraw_concerned(const struct sched_change *c, struct sched_domain *d, sched_time now)
{
    list_for_each(u, &d->units, struct sched_unit, domain_link) {
        u->moving = concerns(c, u);
        if (u->moving)
            core_withdraw(u, now);
    }
}

static void resume_concerned(struct sched_domain *d, sched_time now)
{
    list_for_each(u, &d->units, struct sched_unit, domain_link) {
        if (!u->moving)
            continue;
        u->moving = false;
        if (u->bound)
            core_set_home(u, u->plan, now);
        core_resume(u, now);
    }
}

static void apply(const struct sched_change *c, sched_time now)
{
    const struct sched_policy *policy = c->pool->policy;
    bool alone =
        c->scope == SCHED_PARAM_DOMAIN || (c->scope == SCHED_PARAM_UNIT && !policy->demand);

    if (alone)
        withdraw_concerned(c, c->domain, now);
    else
        list_for_each(d, &c->pool->domains, struct sched_domain, pool_link)
            withdraw_concerned(c, d, now);
    store(c);
    if (c->scope == SCHED_PARAM_UNIT)
        reserve_apply(c->pool);
    if (policy->changed)
        policy->changed(c, now);
    if (alone)
        resume_concerned(c->domain, now);
    else
        list_for_each(d, &c->pool->domains, struct sched_domain, pool_link)
            resume_concerned(d, now);
}

int sched_pool_set(struct sched_pool *pool, const int64_t *value, sched_time now,
                   struct sched_refusal *why)
{
    const struct sched_change c = {.scope = SCHED_PARAM_POOL, .pool = pool, .value = value};
    int err = check(&c, why);

    if (!err)
        apply(&c, now);
    return err;
}

int sched_domain_set(struct sched_domain *d, const int64_t *value, sched_time now,
                     struct sched_refusal *why)
{
    const struct sched_change c = {
        .scope = SCHED_PARAM_DOMAIN, .pool = d->pool, .domain = d, .value = value};
    int err = check(&c, why);

    if (!err)
        apply(&c, now);
    return err;
}

static int set_units(struct sched_domain *d, struct sched_unit *u, const int64_t *value,
                     sched_time now, struct sched_refusal *why)
{
    const struct sched_change c = {
        .scope = SCHED_PARAM_UNIT, .pool = d->pool, .domain = d, .unit = u, .value = value};
    int err = check(&c, why);

    if (!err)
        err = reserve_ask(&(struct admission_query){.pool = d->pool, .change = &c}, why);
    if (!err)
        apply(&c, now);
    return err;
}

int sched_domain_set_units(struct sched_domain *d, const int64_t *value, sched_time now,
                           struct sched_refusal *why)
{
    return set_units(d, NULL, value, now, why);
}

int sched_unit_set(struct sched_unit *u, const int64_t *value, sched_time now,
                   struct sched_refusal *why)
{
    return set_units(u->domain, u, value, now, why);
}

int sched_set_table(struct sched_pool *pool, sched_time major_frame,
                    const struct sched_window *window, unsigned n, sched_time now,
                    struct sched_refusal *why)
{
    if (!pool->policy->set_table)
        return refuse(why, SCHED_EINVAL, NULL, "only arinc653 is driven by a table", 0);
    return pool->policy->set_table(pool, major_frame, window, n, now, why);
}

int sched_get_table(const struct sched_pool *pool, sched_time *major_frame,
                    struct sched_table_window *window, struct sched_refusal *why)
{
    if (!pool->policy->get_table)
        return refuse(why, SCHED_EINVAL, NULL, "only arinc653 is driven by a table", 0);
    return (int)pool->policy->get_table(pool, major_frame, window);
}

/* ---- across a change of policy ------------------------------------------------------ */

static int64_t *domain_value(struct sched_domain *d, const char *name)
{
    unsigned i;
    return sched_param_by_name(d->pool->policy, SCHED_PARAM_DOMAIN, name, &i) ? &d->value[i] : NULL;
}

struct kept_params param_keep(struct sched_domain *d)
{
    const int64_t *weight = domain_value(d, "weight"), *cap = domain_value(d, "cap");

    return (struct kept_params){.weight = weight ? *weight : -1, .cap = cap ? *cap : -1};
}

/* Each on its own: one that is out of the new range leaves the default, and the other stays. */
static void restore_value(struct sched_domain *d, const char *name, int64_t kept, sched_time now)
{
    int64_t value[SCHED_MAX_PARAMS];
    unsigned i;

    if (kept < 0 || !sched_param_by_name(d->pool->policy, SCHED_PARAM_DOMAIN, name, &i))
        return;
    for (unsigned k = 0; k < SCHED_MAX_PARAMS; k++)
        value[k] = d->value[k];
    value[i] = kept;
    sched_domain_set(d, value, now, NULL);
}

void param_restore(struct sched_domain *d, const struct kept_params *kept, sched_time now)
{
    restore_value(d, "weight", kept->weight, now);
    restore_value(d, "cap", kept->cap, now);
}
