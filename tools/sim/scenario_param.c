/*
 * Parameters of policies in a scenario: which there are, at which scope, in
 * which range, and what happens to those that a policy given on the command
 * line does not have.
 */
#include "scenario_parse.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *whose, *how;
} scope_words[] = {
    [SCHED_PARAM_POOL] = {"the pool", "in a pool statement"},
    [SCHED_PARAM_DOMAIN] = {"a whole domain", "for the domain"},
    [SCHED_PARAM_UNIT] = {"a vCPU", "for a domain or vCPU"},
};

static const struct sched_param *find_param(const struct sched_policy *policy, unsigned scopes,
                                            const char *name, enum sched_scope *scope,
                                            unsigned *index)
{
    static const enum sched_scope order[] = {SCHED_PARAM_DOMAIN, SCHED_PARAM_UNIT,
                                             SCHED_PARAM_POOL};

    for (unsigned i = 0; i < 3; i++) {
        const struct sched_param *param;

        if (!(scopes & SCOPE(order[i])))
            continue;
        param = sched_param_by_name(policy, order[i], name, index);
        if (param) {
            *scope = order[i];
            return param;
        }
    }
    return NULL;
}

const struct sched_param *domain_param(const struct sched_policy *policy, const char *name)
{
    enum sched_scope scope;
    unsigned index;

    return find_param(policy, SCOPE(SCHED_PARAM_DOMAIN) | SCOPE(SCHED_PARAM_UNIT), name, &scope,
                      &index);
}

static bool known_elsewhere(const char *name)
{
    enum sched_scope scope;
    unsigned index;

    for (unsigned i = 0; sched_policies[i]; i++)
        if (find_param(sched_policies[i], ~0u, name, &scope, &index))
            return true;
    return false;
}

void warn_dropped(struct loader *l, const struct sched_policy *policy, const struct key_value *kv)
{
    for (unsigned i = 0; i < l->dropped.nr; i++)
        if (!strcmp(l->dropped.name[i], kv->key))
            return;
    names_add(&l->dropped, kv->key);
    warn(kv->where, "%s has no %s; ignored from here on", sched_policy_name(policy), kv->key);
}

static bool complain_param(const struct param_target *t, const struct key_value *kv)
{
    const char *policy = sched_policy_name(t->policy);
    const struct sched_param *params;
    struct names names = {0};
    struct hint hint;
    enum sched_scope scope;
    unsigned index, nr;

    if (find_param(t->policy, ~0u, kv->key, &scope, &index))
        return complain(kv->where, "%s of %s belongs to %s; set it %s", kv->key, policy,
                        scope_words[scope].whose, scope_words[scope].how);
    params = sched_policy_params(t->policy, &nr);
    for (unsigned i = 0; i < nr; i++)
        if (t->scopes & SCOPE(params[i].scope))
            names_add(&names, params[i].name);
    return complain(kv->where, "%s has no parameter '%s' here; %s", policy, kv->key,
                    names_hint(&names, kv->key, &hint));
}

static struct param_setting *setting_for(struct loader *l, enum sched_scope scope, unsigned index,
                                         struct param_setting **settings, unsigned *nr)
{
    for (unsigned i = 0; i < *nr; i++)
        if ((*settings)[i].scope == scope && (*settings)[i].index == index)
            return &(*settings)[i];
    return arena_push(l->memory, *settings, *nr);
}

bool param_add(struct loader *l, const struct param_target *t, const struct key_value *kv,
               struct param_setting **settings, unsigned *nr)
{
    struct param_setting new = {.place = kv->where};
    const struct sched_param *param;
    struct problem p;

    param = find_param(t->policy, t->scopes, kv->key, &new.scope, &new.index);
    if (!param && t->may_drop && known_elsewhere(kv->key)) {
        warn_dropped(l, t->policy, kv);
        return true;
    }
    if (!param)
        return complain_param(t, kv);
    if (!want_text(kv))
        return false;
    if (!unit_param(param, kv->text, t->check_range, &new.value, &p))
        return bad_value(kv, &p);
    *setting_for(l, new.scope, new.index, settings, nr) = new;
    return true;
}

bool check_cap(const struct scenario_domain *d, const struct key_value *kv, int64_t cap)
{
    int64_t most = 100 * (int64_t)d->nr_vcpus;

    return cap <= most || complain(kv->where,
                                   "cap: %" PRId64 " is more than %s can use; use at most %" PRId64
                                   " (100 for each vCPU)",
                                   cap, d->name, most);
}
