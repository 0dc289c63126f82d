/*
 * Domains of a scenario, from xl configs or inline:
 *
 *   domain FILE.cfg [later] [privileged] [copies=N] [key=value ...]
 *   domain NAME [later] [privileged] [copies=N] [key=value ...]
 *
 * Keys behind a file take the place of those in it.
 */
#include "scenario_parse.h"

#include <inttypes.h>
#include <string.h>

#include "workload.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* What is known of a domain before its keys are understood. */
struct domain_source {
    struct key_value *keys;
    unsigned nr_keys;
    unsigned copies;
};

/* ---- keys ---------------------------------------------------------------------------------- */

static bool set_name(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    if (!*kv->text)
        return complain(kv->where, "the name is empty; give one");
    d->name = arena_strdup(l->memory, kv->text);
    return true;
}

static bool integer_in(const struct key_value *kv, int64_t min, int64_t max, int64_t *out)
{
    struct problem p;

    if (!unit_integer(kv->text, out, &p))
        return bad_value(kv, &p);
    return (*out >= min && *out <= max) ||
           complain(kv->where, "%s: %s is out of range; use %" PRId64 " to %" PRId64, kv->key,
                    kv->text, min, max);
}

static bool set_vcpus(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    int64_t value;

    if (!integer_in(kv, 1, SCHED_MAX_UNITS, &value))
        return false;
    d->nr_vcpus = (unsigned)value;
    d->vcpus = arena_alloc(l->memory, d->nr_vcpus * sizeof *d->vcpus);
    return true;
}

static bool set_pool(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    int pool = find_pool(l, kv->text, kv->where);

    d->pool = (unsigned)pool;
    return pool >= 0;
}

static bool set_flag(bool *flag, const struct key_value *kv)
{
    struct problem p;
    int64_t value;

    if (!unit_bool(kv->text, &value, &p))
        return bad_value(kv, &p);
    *flag = value;
    return true;
}

static bool set_privileged(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    (void)l;
    return set_flag(&d->privileged, kv);
}

static bool set_later(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    bool later;

    (void)l;
    if (!set_flag(&later, kv))
        return false;
    d->at_start = !later;
    return true;
}

static bool set_workload(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    return workload_parse(l->memory, kv->text, kv->where, &d->workload);
}

static bool pool_overridden(const struct loader *l, const struct scenario_domain *d)
{
    return l->overridden && d->pool == 0;
}

/* A weight means something to policies with a parameter of that name, and to (F)BVT, which
 * want its inverse. */
static bool set_weight(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    const struct sched_policy *policy = l->s->pools[d->pool].policy;
    const struct sched_param *param = domain_param(policy, "weight");

    if (!param && !domain_param(policy, "mcuadv"))
        warn_dropped(l, policy, kv);
    return integer_in(kv, param ? param->min : 1, param ? param->max : 65535, &d->weight);
}

static bool set_cap(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    const struct sched_policy *policy = l->s->pools[d->pool].policy;
    const struct sched_param *param = domain_param(policy, "cap");
    struct sched_param any = {.kind = SCHED_PERCENT, .max = 100LL * SCHED_MAX_UNITS};
    struct problem p;

    if (!unit_param(param ? param : &any, kv->text, true, &d->cap, &p))
        return bad_value(kv, &p);
    return check_cap(d, kv, d->cap);
}

/* As in xl: a string is for all vCPUs, item i of a list for vCPU i, the others are free. */
static bool set_masks(struct loader *l, struct scenario_domain *d, const struct key_value *kv,
                      bool soft)
{
    unsigned nr = kv->text ? d->nr_vcpus : kv->nr_items;
    struct problem p;

    if (nr > d->nr_vcpus) {
        warn(kv->where, "%s: %u items for %u vCPUs; the last ones are ignored", kv->key, nr,
             d->nr_vcpus);
        nr = d->nr_vcpus;
    }
    for (unsigned i = 0; i < nr; i++) {
        struct scenario_vcpu *v = &d->vcpus[i];
        const char *text = kv->text ? kv->text : kv->items[i];

        if (!unit_cpus(text, &l->host, soft ? &v->soft : &v->hard, &p))
            return bad_value(kv, &p);
        *(soft ? &v->has_soft : &v->has_hard) = true;
    }
    return true;
}

static bool set_cpus(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    return set_masks(l, d, kv, false);
}

static bool set_cpus_soft(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    return set_masks(l, d, kv, true);
}

/* Rounds: the keys of a later round need those of earlier ones. */
enum { ROUND_SHAPE, ROUND_REST, ROUNDS };

static const struct domain_key {
    const char *name;
    bool (*set)(struct loader *, struct scenario_domain *, const struct key_value *);
    int round;
    bool list; /* may be one */
} domain_keys[] = {
    {"name", set_name, ROUND_SHAPE, false},
    {"vcpus", set_vcpus, ROUND_SHAPE, false},
    {"pool", set_pool, ROUND_SHAPE, false},
    {"privileged", set_privileged, ROUND_SHAPE, false},
    {"later", set_later, ROUND_SHAPE, false},
    {"cpus", set_cpus, ROUND_REST, true},
    {"cpus_soft", set_cpus_soft, ROUND_REST, true},
    {"cpu_weight", set_weight, ROUND_REST, false},
    {"weight", set_weight, ROUND_REST, false},
    {"cap", set_cap, ROUND_REST, false},
    {"workload", set_workload, ROUND_REST, false},
};

static const struct domain_key *find_key(const char *name)
{
    for (unsigned i = 0; i < LENGTH(domain_keys); i++)
        if (!strcmp(domain_keys[i].name, name))
            return &domain_keys[i];
    return NULL;
}

static bool known_to_a_policy(const char *name)
{
    for (unsigned i = 0; sched_policies[i]; i++)
        if (domain_param(sched_policies[i], name))
            return true;
    return false;
}

/* Neither ours, nor xl's, nor any policy's. In a real config only what looks like a slip is an
 * error: other tools may have keys of their own there. */
static bool unknown_key(struct loader *l, const struct scenario_domain *d,
                        const struct key_value *kv)
{
    const struct sched_policy *policy = l->s->pools[d->pool].policy;
    bool inline_form = kv->where.file == l->s->file;
    struct names names = {0};
    struct hint hint;
    const struct sched_param *params;
    unsigned nr;

    for (unsigned i = 0; i < LENGTH(domain_keys); i++)
        names_add(&names, domain_keys[i].name);
    params = sched_policy_params(policy, &nr);
    for (unsigned i = 0; i < nr; i++)
        if (params[i].scope != SCHED_PARAM_POOL)
            names_add(&names, params[i].name);
    if (inline_form || names_nearest(&names, kv->key))
        return complain(kv->where, "unknown key '%s'; %s", kv->key,
                        names_hint(&names, kv->key, &hint));
    warn(kv->where, "unknown key '%s'; ignored", kv->key);
    return true;
}

static bool set_param(struct loader *l, struct scenario_domain *d, const struct key_value *kv)
{
    const struct sched_policy *policy = l->s->pools[d->pool].policy;
    struct param_target t = {policy, SCOPE(SCHED_PARAM_DOMAIN) | SCOPE(SCHED_PARAM_UNIT),
                             pool_overridden(l, d), true};

    if (!known_to_a_policy(kv->key))
        return xlcfg_known(kv->key) || unknown_key(l, d, kv);
    return param_add(l, &t, kv, &d->settings, &d->nr_settings);
}

static bool set_keys(struct loader *l, struct scenario_domain *d, const struct domain_source *src)
{
    for (int round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < src->nr_keys; i++) {
            const struct key_value *kv = &src->keys[i];
            const struct domain_key *key = find_key(kv->key);

            if (round != (key ? key->round : ROUND_REST))
                continue;
            if (key && !key->list && !want_text(kv))
                return false;
            if (!(key ? key->set(l, d, kv) : set_param(l, d, kv)))
                return false;
        }
    return true;
}

/* ---- the statement ------------------------------------------------------- */

static bool is_file(const char *word)
{
    size_t n = strlen(word);

    return strchr(word, '/') || (n > 4 && !strcmp(word + n - 4, ".cfg"));
}

/* The file's name without folder and ".cfg", for configs that give none. */
static char *default_name(struct arena *a, const char *word)
{
    const char *slash = strrchr(word, '/'), *start = slash ? slash + 1 : word;
    size_t n = strlen(start);

    if (n > 4 && !strcmp(start + n - 4, ".cfg"))
        n -= 4;
    return arena_strndup(a, start, n);
}

static bool read_config(struct loader *l, const struct statement *st, struct domain_source *src)
{
    const char *file = st->word[1];

    if (*file != '/')
        file = arena_printf(l->memory, "%s/%s", folder_of(l->memory, st->where.file), file);
    return xlcfg_read(l->memory, file, st->where, &src->keys, &src->nr_keys);
}

static bool read_copies(const struct key_value *kv, struct domain_source *src)
{
    int64_t copies;

    if (!want_text(kv) || !integer_in(kv, 1, SCHED_MAX_UNITS, &copies))
        return false;
    src->copies = (unsigned)copies;
    return true;
}

/* A later value of a key takes the place of an earlier one. */
static void add_key(struct loader *l, struct domain_source *src, const struct key_value *kv)
{
    for (unsigned i = 0; i < src->nr_keys; i++)
        if (!strcmp(src->keys[i].key, kv->key)) {
            src->keys[i] = *kv;
            return;
        }
    *(struct key_value *)arena_push(l->memory, src->keys, src->nr_keys) = *kv;
}

static bool read_words(struct loader *l, const struct words *w, struct domain_source *src)
{
    for (unsigned i = 0; i < w->nr; i++) {
        bool flag = !strcmp(w->word[i], "later") || !strcmp(w->word[i], "privileged");
        struct key_value kv = {.key = w->word[i], .text = "1", .where = w->where};

        if (!flag && !key_value_of(l, w->word[i], w->where, &kv))
            return false;
        if (strcmp(kv.key, "copies"))
            add_key(l, src, &kv);
        else if (!read_copies(&kv, src))
            return false;
    }
    return true;
}

static bool check_new(struct loader *l, const struct scenario_domain *d)
{
    int other = lookup_domain(l->s, d->name);
    uint64_t units = d->nr_vcpus;

    if (other >= 0)
        return complain(d->place, "domain '%s' is there already, from %s:%d; use another name",
                        d->name, l->s->domains[other].place.file, l->s->domains[other].place.line);
    for (unsigned i = 0; i < l->s->nr_domains; i++)
        units += l->s->domains[i].nr_vcpus;
    return units <= SCHED_MAX_UNITS ||
           complain(d->place, "the domains have more than %d vCPUs; use fewer", SCHED_MAX_UNITS);
}

static bool add_domain(struct loader *l, const struct scenario_domain *d)
{
    if (!check_new(l, d))
        return false;
    *(struct scenario_domain *)arena_push(l->memory, l->s->domains, l->s->nr_domains) = *d;
    return true;
}

/* Copies share what is never changed: masks, settings, traces. */
static bool add_copies(struct loader *l, struct scenario_domain *d, unsigned copies)
{
    const char *name = d->name;

    for (unsigned i = 1; i <= copies; i++) {
        d->name = arena_printf(l->memory, "%s-%u", name, i);
        if (!add_domain(l, d))
            return false;
    }
    return true;
}

bool parse_domain(struct loader *l, struct statement *st)
{
    struct domain_source src = {0};
    struct scenario_domain d = {.weight = -1, .cap = -1, .at_start = true, .place = st->where};
    struct words w = words_from(st, 2);

    if (st->nr < 2 || strchr(st->word[1], '='))
        return complain(st->where, "the domain has no name; use domain NAME key=value ... or "
                                   "domain FILE.cfg");
    if (is_file(st->word[1]) && !read_config(l, st, &src))
        return false;
    d.name = default_name(l->memory, st->word[1]);
    d.workload.kind = WORK_HOG;
    d.nr_vcpus = 1;
    d.vcpus = arena_alloc(l->memory, sizeof *d.vcpus);
    if (!read_words(l, &w, &src) || !set_keys(l, &d, &src))
        return false;
    return src.copies ? add_copies(l, &d, src.copies) : add_domain(l, &d);
}
