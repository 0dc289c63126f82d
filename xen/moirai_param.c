/* moirai_op: values of a policy's parameters, and arinc653's table. */
#include "cpupool.h"
#include "hc_moirai.h"
#include "sched_abi.h"

/* What a call is about; unit NULL: all of the domain's. */
struct target {
    struct domain *held; /* with a reference, or NULL */
    struct sched_pool *pool;
    struct sched_domain *domain;
    struct sched_unit *unit;
};

static unsigned values_of(const struct sched_policy *p, enum sched_scope scope)
{
    unsigned nr, n = 0;
    const struct sched_param *params = sched_policy_params(p, &nr);

    for (unsigned i = 0; i < nr; i++)
        n += params[i].scope == scope;
    return n;
}

/* ---- which it is --------------------------------------------------------------------------- */

/* No lock is held. */
static int hold_domain(const struct moirai_values *in, struct target *t)
{
    *t = (struct target){.held = NULL};
    if (in->scope > MOIRAI_SCOPE_VCPU)
        return -XEN_EINVAL;
    if (in->scope == MOIRAI_SCOPE_POOL)
        return 0;
    t->held = in->domain < MAX_DOMAINS ? domain_get((domid_t)in->domain) : NULL;
    if (!t->held)
        return -XEN_ESRCH;
    if (in->scope == MOIRAI_SCOPE_DOMAIN || in->vcpu == MOIRAI_ALL)
        return 0;
    struct vcpu *of = in->vcpu < t->held->max_vcpus ? t->held->vcpus[in->vcpu] : NULL;
    if (!of)
        return -XEN_ESRCH;
    t->unit = of->unit;
    return 0;
}

/* Under sched_lock. */
static int find(const struct moirai_values *in, struct target *t)
{
    if (t->held)
        t->domain = t->held->sched;
    t->pool = t->domain ? t->domain->pool : cpupool_find(in->pool);
    return t->pool ? 0 : -XEN_ENOENT;
}

static int with_target(struct moirai_values *values, struct sched_refusal *why,
                       int (*act)(const struct target *t, struct moirai_values *values,
                                  struct sched_refusal *why))
{
    struct target t;
    int err = hold_domain(values, &t);

    if (!err) {
        spin_lock(&sched_lock);
        err = find(values, &t);
        if (!err)
            err = act(&t, values, why);
        spin_unlock(&sched_lock);
    }
    if (t.held)
        domain_put(t.held);
    return err;
}

/* ---- get ----------------------------------------------------------------------------------- */

static int get(const struct target *t, struct moirai_values *out, struct sched_refusal *why)
{
    const int64_t *from = out->scope == MOIRAI_SCOPE_POOL     ? t->pool->value
                          : out->scope == MOIRAI_SCOPE_DOMAIN ? t->domain->value
                          : t->unit                           ? t->unit->value
                                                              : NULL;

    (void)why;
    if (!from)
        return -XEN_EINVAL;
    unsigned n = values_of(t->pool->policy, (enum sched_scope)out->scope);
    out->pool = t->pool->id;
    out->policy = t->pool->policy->id;
    memset(out->value, 0, sizeof out->value);
    memcpy(out->value, from, n * sizeof *from);
    return 0;
}

int moirai_get(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    (void)v;
    return with_target(&op->u.values, why, get);
}

/* ---- set ----------------------------------------------------------------------------------- */

/* Those that are given, and `old` for the rest. */
static void merge(const struct moirai_values *in, const int64_t *old, int64_t *value)
{
    for (unsigned i = 0; i < MOIRAI_VALUES; i++)
        value[i] = in->set >> i & 1 ? in->value[i] : old[i];
}

static int set_unit(struct sched_unit *u, const struct moirai_values *in, struct sched_refusal *why)
{
    int64_t value[SCHED_MAX_PARAMS];

    merge(in, u->value, value);
    return sched_unit_set(u, value, now(), why);
}

static bool alike(const struct sched_domain *d)
{
    const struct sched_unit *first = list_first_entry(&d->units, struct sched_unit, domain_link);

    list_for_each(u, &d->units, struct sched_unit, domain_link)
        if (memcmp(u->value, first->value, sizeof u->value))
            return false;
    return true;
}

/* Backwards through states that were all admitted. */
static void undo(struct sched_unit *refused, int64_t (*before)[SCHED_MAX_PARAMS], unsigned done)
{
    struct list *l = &refused->domain_link;

    while (done--) {
        l = l->prev;
        sched_unit_set(list_entry(l, struct sched_unit, domain_link), before[done], now(), NULL);
    }
}

/* Each keeps its own of what is not given. */
static int set_each(struct sched_domain *d, const struct moirai_values *in,
                    struct sched_refusal *why)
{
    int64_t(*before)[SCHED_MAX_PARAMS] = xmalloc(d->nr_units * sizeof *before);
    unsigned done = 0;
    int err = 0;

    if (!before)
        return -XEN_ENOMEM;
    list_for_each(u, &d->units, struct sched_unit, domain_link) {
        memcpy(before[done], u->value, sizeof before[done]);
        err = set_unit(u, in, why);
        if (err) {
            undo(u, before, done);
            break;
        }
        done++;
    }
    xfree(before);
    return err;
}

static int set_units(struct sched_domain *d, const struct moirai_values *in,
                     struct sched_refusal *why)
{
    int64_t value[SCHED_MAX_PARAMS];

    if (list_empty(&d->units))
        return -XEN_ESRCH;
    if (!alike(d))
        return set_each(d, in, why);
    merge(in, list_first_entry(&d->units, struct sched_unit, domain_link)->value, value);
    return sched_domain_set_units(d, value, now(), why);
}

static int set(const struct target *t, struct moirai_values *in, struct sched_refusal *why)
{
    const struct sched_policy *p = t->pool->policy;
    int64_t value[SCHED_MAX_PARAMS];

    if (in->policy != p->id)
        return refuse(why, SCHED_EINVAL, NULL, "the pool runs another policy", 0);
    if (!in->set || in->set >> values_of(p, (enum sched_scope)in->scope))
        return -XEN_EINVAL;
    switch (in->scope) {
    case MOIRAI_SCOPE_POOL:
        merge(in, t->pool->value, value);
        return sched_pool_set(t->pool, value, now(), why);
    case MOIRAI_SCOPE_DOMAIN:
        merge(in, t->domain->value, value);
        return sched_domain_set(t->domain, value, now(), why);
    default:
        return t->unit ? set_unit(t->unit, in, why) : set_units(t->domain, in, why);
    }
}

int moirai_set(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    (void)v;
    return with_target(&op->u.values, why, set);
}

/* ---- arinc653's table ---------------------------------------------------------------------- */

int moirai_get_table(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct sched_table_window table[SCHED_TABLE_MAX];
    struct moirai_table *out = &op->u.table;
    int n = -XEN_ENOENT;

    spin_lock(&sched_lock);
    const struct sched_pool *pool = cpupool_find(out->pool);
    if (pool)
        n = sched_get_table(pool, &out->major_frame, table, why);
    spin_unlock(&sched_lock);
    for (int i = 0; i < n; i++) {
        const struct moirai_window w = {table[i].domain, table[i].vcpu, table[i].runtime};
        if (copy_to_guest(v, out->windows + (unsigned)i * sizeof w, &w, sizeof w))
            return -XEN_EFAULT;
    }
    out->nr = n > 0 ? (uint32_t)n : 0;
    return n < 0 ? n : 0;
}

/* A domain without a scheduler's object is in no pool, which the policy refuses. */
static int hold_windows(const struct moirai_window *in, unsigned n, struct domain **held,
                        struct sched_window *window)
{
    for (unsigned i = 0; i < n; i++) {
        held[i] = in[i].domain < MAX_DOMAINS ? domain_get((domid_t)in[i].domain) : NULL;
        if (!held[i])
            return -XEN_ESRCH;
        window[i] = (struct sched_window){held[i]->sched, in[i].vcpu, in[i].runtime};
    }
    return 0;
}

int moirai_set_table(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    const struct moirai_table *in = &op->u.table;
    struct domain *held[SCHED_TABLE_MAX] = {NULL};
    struct moirai_window given[SCHED_TABLE_MAX];
    struct sched_window window[SCHED_TABLE_MAX];

    if (in->nr > SCHED_TABLE_MAX)
        return refuse(why, SCHED_EINVAL, NULL, "a table has 1 to 64 windows", SCHED_TABLE_MAX);
    if (copy_from_guest(v, given, in->windows, in->nr * sizeof given[0]))
        return -XEN_EFAULT;
    int err = hold_windows(given, in->nr, held, window);
    if (!err) {
        spin_lock(&sched_lock);
        struct sched_pool *pool = cpupool_find(in->pool);
        err =
            pool ? sched_set_table(pool, in->major_frame, window, in->nr, now(), why) : -XEN_ENOENT;
        spin_unlock(&sched_lock);
    }
    for (unsigned i = 0; i < in->nr && held[i]; i++)
        domain_put(held[i]);
    return err;
}
