/*
 * Pools of a scenario: pool NAME [policy=POLICY] [cpus=SET] [parameter=value ...]
 */
#include "scenario_parse.h"

#include <string.h>

#define DEFAULT_POLICY "credit2" /* Xen's default since 4.12 */

static struct scenario_pool *add_pool(struct loader *l, const char *name, struct place where)
{
    struct scenario_pool *pool = arena_push(l->memory, l->s->pools, l->s->nr_pools);

    pool->name = arena_strdup(l->memory, name);
    pool->policy = sched_policy_by_name(DEFAULT_POLICY);
    pool->place = where;
    return pool;
}

static bool set_cpus(struct loader *l, struct scenario_pool *pool, const struct key_value *kv)
{
    struct problem p;

    if (!want_text(kv))
        return false;
    return unit_cpus(kv->text, &l->host, &pool->cpus, &p) || bad_value(kv, &p);
}

static bool set_policy(struct scenario_pool *pool, const struct key_value *kv)
{
    if (!want_text(kv))
        return false;
    pool->policy = find_policy(kv->text, kv->where);
    return pool->policy != NULL;
}

/* Whether the file's policy of this pool is put aside for the command line's. */
static bool pool_overridden(const struct loader *l, const struct scenario_pool *pool)
{
    return l->overridden && pool == l->s->pools;
}

/* policy= first: the other keys are its parameters. */
static bool set_pool_keys(struct loader *l, struct scenario_pool *pool, const struct words *w,
                          bool policy_pass)
{
    for (unsigned i = 0; i < w->nr; i++) {
        struct param_target t = {pool->policy, SCOPE(SCHED_PARAM_POOL), pool_overridden(l, pool),
                                 true};
        struct key_value kv;
        bool ok = true;

        if (!key_value_of(l, w->word[i], w->where, &kv))
            return false;
        if (!strcmp(kv.key, "policy"))
            ok = !policy_pass || pool_overridden(l, pool) || set_policy(pool, &kv);
        else if (!policy_pass && !strcmp(kv.key, "cpus"))
            ok = set_cpus(l, pool, &kv);
        else if (!policy_pass)
            ok = param_add(l, &t, &kv, &pool->settings, &pool->nr_settings);
        if (!ok)
            return false;
    }
    return true;
}

void add_default_pool(struct loader *l)
{
    add_pool(l, "Pool-0", (struct place){l->s->file, 0});
}

/* A parameter list also on the command line: "credit historic=1". */
bool parse_override(struct loader *l)
{
    struct place where = {"--policy", 0};
    struct scenario_pool *pool = l->s->pools;
    struct statement st = {.where = where};
    struct words w;
    struct problem p;

    if (!l->options->policy)
        return true;
    if (!statement_split(l->memory, l->options->policy, &st, &p))
        return complain(where, "%s", p.text);
    if (!st.nr)
        return complain(where, "no policy is named; use one like credit2");
    pool->policy = find_policy(st.word[0], where);
    if (!pool->policy)
        return false;
    w = words_from(&st, 1);
    l->overridden = false; /* its own parameters must fit */
    if (!set_pool_keys(l, pool, &w, false))
        return false;
    l->overridden = true;
    return true;
}

/* Settings of the command line win over those of the file. */
static void restore_settings(struct scenario_pool *pool, const struct param_setting *kept,
                             unsigned nr_kept)
{
    for (unsigned i = 0; i < nr_kept; i++)
        for (unsigned j = 0; j < pool->nr_settings; j++)
            if (pool->settings[j].index == kept[i].index)
                pool->settings[j] = kept[i];
}

static bool parse_pool_keys(struct loader *l, struct scenario_pool *pool, const struct words *w)
{
    unsigned nr_kept = pool->nr_settings;
    struct param_setting *kept = arena_alloc(l->memory, (nr_kept + 1) * sizeof *kept);

    if (nr_kept)
        memcpy(kept, pool->settings, nr_kept * sizeof *kept);
    if (!set_pool_keys(l, pool, w, true) || !set_pool_keys(l, pool, w, false))
        return false;
    restore_settings(pool, kept, nr_kept);
    return true;
}

static struct scenario_pool *pool_named(struct scenario *s, const char *name)
{
    for (unsigned i = 0; i < s->nr_pools; i++)
        if (!strcmp(s->pools[i].name, name))
            return &s->pools[i];
    return NULL;
}

bool parse_pool(struct loader *l, struct statement *st)
{
    struct scenario_pool *pool;
    struct words w = words_from(st, 2);

    if (st->nr < 2 || strchr(st->word[1], '='))
        return complain(st->where, "the pool has no name; use pool NAME policy=credit2 cpus=0-3");
    pool = pool_named(l->s, st->word[1]);
    if (!pool)
        pool = add_pool(l, st->word[1], st->where);
    else if (pool->place.line)
        return complain(st->where, "pool '%s' is there already, from line %d; use another name",
                        pool->name, pool->place.line);
    pool->place = st->where;
    return parse_pool_keys(l, pool, &w);
}

static bool check_disjoint(struct loader *l, const struct scenario_pool *pool)
{
    for (const struct scenario_pool *other = l->s->pools; other < pool; other++) {
        int cpu = mask_next_common(&pool->cpus, &other->cpus, 0);

        if (cpu >= 0)
            return complain(pool->place, "pCPU %d is in pool %s already; use cpus that are free",
                            cpu, other->name);
    }
    return true;
}

bool finish_pools(struct loader *l)
{
    struct scenario_pool *first = l->s->pools;
    bool take_rest = mask_empty(&first->cpus);

    if (take_rest)
        mask_fill(&first->cpus, l->host.nr_pcpus);
    for (unsigned i = 1; i < l->s->nr_pools; i++) {
        const struct scenario_pool *pool = &l->s->pools[i];

        if (mask_empty(&pool->cpus))
            return complain(pool->place, "pool %s has no pCPUs; add cpus=", pool->name);
        if (take_rest)
            mask_for_each(cpu, &pool->cpus)
                mask_clear(&first->cpus, (unsigned)cpu);
    }
    for (unsigned i = 1; i < l->s->nr_pools; i++)
        if (!check_disjoint(l, &l->s->pools[i]))
            return false;
    return !mask_empty(&first->cpus) ||
           complain(l->s->pools[l->s->nr_pools - 1].place,
                    "no pCPU is left for Pool-0; leave it at least one");
}
