/*
 * What happens during a run:
 *
 *   at TIME CHANGE            refused at TIME CHANGE (the policy must say no)
 *   table ...                 (short for at 0s table ...)
 *
 *   set DOMAIN[.VCPU] parameter=value ...      pool POOL parameter=value ...
 *   create DOMAIN    destroy DOMAIN    pause DOMAIN    unpause DOMAIN
 *   pin DOMAIN[.VCPU] SET|- [soft SET]         vcpu DOMAIN.VCPU online|offline
 *   cpu PCPU online|offline                    move DOMAIN POOL
 *   switch POOL POLICY                         table POOL frame=TIME DOMAIN.VCPU=TIME ...
 *
 * Changes are read in order of time, so that each is checked against what is
 * there at that time: the policy of the pool, the domains.
 */
#include "scenario_parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* One change as it is read; `drop`: nothing of it is left under the policy in force. */
struct draft {
    struct scenario_change c;
    bool drop;
};

/* ---- helpers ------------------------------------------------------------------------------------
 */

static const struct sched_policy *policy_of(const struct loader *l, int domain)
{
    return l->policy_now[l->pool_now[domain]];
}

static bool usage(const struct words *w, unsigned least, unsigned most, const char *right)
{
    return (w->nr >= least && w->nr <= most) ||
           complain(w->where, "%s words here; use %s", w->nr < least ? "too few" : "too many",
                    right);
}

static bool check_present(struct loader *l, const struct draft *d, bool wanted)
{
    struct time_text t;

    if (l->present[d->c.domain] == wanted)
        return true;
    return complain(d->c.place,
                    wanted ? "%s is not there at %s; create it before that"
                           : "%s is there already at %s; mark its domain 'later'",
                    l->s->domains[d->c.domain].name, unit_show_time(d->c.at, &t));
}

static bool read_whom(struct loader *l, const char *text, struct draft *d)
{
    return find_whom(l, text, d->c.place, &d->c.domain, &d->c.vcpu) && check_present(l, d, true);
}

static bool read_domain(struct loader *l, const char *text, struct draft *d)
{
    d->c.domain = find_domain(l, text, d->c.place);
    return d->c.domain >= 0;
}

static bool read_pool(struct loader *l, const char *text, struct draft *d)
{
    d->c.pool = find_pool(l, text, d->c.place);
    return d->c.pool >= 0;
}

static bool read_online(const char *text, struct place where, bool *online)
{
    *online = !strcmp(text, "online");
    return *online || !strcmp(text, "offline") ||
           complain(where, "'%s' is neither online nor offline; use one of them", text);
}

/* ---- one function a change
 * ------------------------------------------------------------------------ */

/* Where the policy has mcuadv, a weight is left to the engine. */
static bool set_inverse_weight(struct draft *d, const struct key_value *kv)
{
    struct sched_param any = {.kind = SCHED_COUNT, .min = 1, .max = 65535};
    struct problem p;

    if (!want_text(kv))
        return false;
    return unit_param(&any, kv->text, true, &d->c.weight, &p) || bad_value(kv, &p);
}

static bool check_set_cap(struct loader *l, const struct draft *d, const struct key_value *kv)
{
    const struct param_setting *last = &d->c.settings[d->c.nr_settings - 1];

    if (strcmp(kv->key, "cap") || !d->c.nr_settings || d->c.expect_refusal)
        return true;
    return check_cap(&l->s->domains[d->c.domain], kv, last->value);
}

static bool set_one(struct loader *l, struct draft *d, struct key_value *kv)
{
    const struct sched_policy *policy = policy_of(l, d->c.domain);
    unsigned scopes = SCOPE(SCHED_PARAM_UNIT);
    struct param_target t;

    if (!strcmp(kv->key, "cpu_weight"))
        kv->key = "weight";
    if (!strcmp(kv->key, "weight") && !domain_param(policy, "weight") &&
        domain_param(policy, "mcuadv"))
        return set_inverse_weight(d, kv);
    if (d->c.vcpu < 0)
        scopes |= SCOPE(SCHED_PARAM_DOMAIN);
    t = (struct param_target){policy, scopes, l->overridden && l->pool_now[d->c.domain] == 0,
                              !d->c.expect_refusal};
    return param_add(l, &t, kv, &d->c.settings, &d->c.nr_settings) && check_set_cap(l, d, kv);
}

static bool read_set(struct loader *l, const struct words *w, struct draft *d)
{
    if (!usage(w, 2, 64, "set DOMAIN parameter=value ...") || !read_whom(l, w->word[0], d))
        return false;
    d->c.weight = -1;
    for (unsigned i = 1; i < w->nr; i++) {
        struct key_value kv;

        if (!key_value_of(l, w->word[i], w->where, &kv) || !set_one(l, d, &kv))
            return false;
    }
    d->drop = !d->c.nr_settings && d->c.weight < 0;
    return true;
}

static bool read_pool_set(struct loader *l, const struct words *w, struct draft *d)
{
    struct param_target t = {NULL, SCOPE(SCHED_PARAM_POOL), false, !d->c.expect_refusal};

    if (!usage(w, 2, 64, "pool POOL parameter=value ...") || !read_pool(l, w->word[0], d))
        return false;
    t.policy = l->policy_now[d->c.pool];
    t.may_drop = l->overridden && d->c.pool == 0;
    for (unsigned i = 1; i < w->nr; i++) {
        struct key_value kv;

        if (!key_value_of(l, w->word[i], w->where, &kv) ||
            !param_add(l, &t, &kv, &d->c.settings, &d->c.nr_settings))
            return false;
    }
    d->drop = !d->c.nr_settings;
    return true;
}

static bool read_create(struct loader *l, const struct words *w, struct draft *d)
{
    const struct scenario_domain *domain;

    if (!usage(w, 1, 1, "create DOMAIN") || !read_domain(l, w->word[0], d) ||
        !check_present(l, d, false))
        return false;
    domain = &l->s->domains[d->c.domain];
    if (domain->nr_settings && l->policy_now[domain->pool] != l->s->pools[domain->pool].policy)
        return complain(w->where,
                        "%s has parameters of %s, but its pool has %s by then; set them "
                        "after it is created",
                        domain->name, sched_policy_name(l->s->pools[domain->pool].policy),
                        sched_policy_name(l->policy_now[domain->pool]));
    return true;
}

/* destroy, pause, unpause */
static bool read_simple(struct loader *l, const struct words *w, struct draft *d)
{
    return usage(w, 1, 1, "one domain") && read_domain(l, w->word[0], d) &&
           check_present(l, d, true);
}

static bool read_mask(struct loader *l, const char *text, struct place where, struct mask *m)
{
    struct problem p;

    return unit_cpus(text, &l->host, m, &p) || complain(where, "%s", p.text);
}

static bool read_pin(struct loader *l, const struct words *w, struct draft *d)
{
    static const char right[] = "pin DOMAIN[.VCPU] SET|- [soft SET]";
    struct scenario_vcpu *pin = &d->c.pin;

    if (!usage(w, 2, 4, right) || !read_whom(l, w->word[0], d))
        return false;
    if (w->nr == 3 || (w->nr == 4 && strcmp(w->word[2], "soft")))
        return complain(w->where, "'%s' is not understood; use %s", w->word[2], right);
    pin->has_hard = strcmp(w->word[1], "-") != 0;
    pin->has_soft = w->nr == 4;
    if (pin->has_hard && !read_mask(l, w->word[1], w->where, &pin->hard))
        return false;
    return !pin->has_soft || read_mask(l, w->word[3], w->where, &pin->soft);
}

static bool read_cpu(struct loader *l, const struct words *w, struct draft *d)
{
    struct problem p;
    int64_t number;
    bool online;

    if (!usage(w, 2, 2, "cpu PCPU online|offline"))
        return false;
    if (!unit_integer(w->word[0], &number, &p))
        return complain(w->where, "%s", p.text);
    if (number < 0 || number >= l->host.nr_pcpus)
        return complain(w->where, "pCPU %s does not exist; the host has 0 to %u", w->word[0],
                        l->host.nr_pcpus - 1);
    if (!read_online(w->word[1], w->where, &online))
        return false;
    if (online != l->offline[number])
        return complain(w->where, "pCPU %s is %sline already; say this earlier or not at all",
                        w->word[0], online ? "on" : "off");
    d->c.pcpu = (int)number;
    d->c.kind = online ? CHANGE_CPU_ONLINE : CHANGE_CPU_OFFLINE;
    return true;
}

static bool read_move(struct loader *l, const struct words *w, struct draft *d)
{
    return usage(w, 2, 2, "move DOMAIN POOL") && read_domain(l, w->word[0], d) &&
           check_present(l, d, true) && read_pool(l, w->word[1], d);
}

static bool read_switch(struct loader *l, const struct words *w, struct draft *d)
{
    if (!usage(w, 2, 2, "switch POOL POLICY") || !read_pool(l, w->word[0], d))
        return false;
    d->c.policy = find_policy(w->word[1], w->where);
    return d->c.policy != NULL;
}

static bool read_vcpu(struct loader *l, const struct words *w, struct draft *d)
{
    bool online;

    if (!usage(w, 2, 2, "vcpu DOMAIN.VCPU online|offline") || !read_whom(l, w->word[0], d))
        return false;
    if (d->c.vcpu < 0)
        return complain(w->where, "'%s' names no vCPU; use %s.0", w->word[0], w->word[0]);
    if (!read_online(w->word[1], w->where, &online))
        return false;
    d->c.kind = online ? CHANGE_VCPU_ONLINE : CHANGE_VCPU_OFFLINE;
    return true;
}

/* ---- tables
 * ------------------------------------------------------------------------------------------ */

static bool read_window(struct loader *l, const struct key_value *kv, struct draft *d)
{
    struct scenario_window window = {0};
    struct problem p;
    int domain, vcpu;

    if (!find_whom(l, kv->key, kv->where, &domain, &vcpu))
        return false;
    if (vcpu < 0 && l->s->domains[domain].nr_vcpus > 1)
        return complain(kv->where, "'%s' has several vCPUs; use %s.0=...", kv->key, kv->key);
    window.domain = (unsigned)domain;
    window.vcpu = vcpu < 0 ? 0 : (unsigned)vcpu;
    if (!unit_time(kv->text, &window.runtime, &p))
        return bad_value(kv, &p);
    *(struct scenario_window *)arena_push(l->memory, d->c.windows, d->c.nr_windows) = window;
    return true;
}

static bool check_table(const struct draft *d)
{
    struct time_text sum_text, frame_text;
    sched_time sum = 0;

    if (d->c.nr_windows < 1 || d->c.nr_windows > SCHED_TABLE_MAX)
        return complain(d->c.place, "the table has %u windows; use 1 to %d", d->c.nr_windows,
                        SCHED_TABLE_MAX);
    for (unsigned i = 0; i < d->c.nr_windows; i++) {
        if (!d->c.windows[i].runtime)
            return complain(d->c.place, "a window of the table is 0 long; use more");
        sum += d->c.windows[i].runtime;
    }
    return sum <= d->c.major_frame ||
           complain(d->c.place,
                    "the windows are %s in sum, more than the frame of %s; use a "
                    "longer frame",
                    unit_show_time(sum, &sum_text), unit_show_time(d->c.major_frame, &frame_text));
}

static bool table_policy(struct loader *l, struct draft *d)
{
    const struct sched_policy *policy = l->policy_now[d->c.pool];
    struct key_value kv = {.key = "table", .where = d->c.place};

    if (policy == sched_policy_by_name("arinc653"))
        return true;
    d->drop = l->overridden && d->c.pool == 0;
    if (!d->drop)
        return complain(d->c.place, "%s has no table; use policy=arinc653",
                        sched_policy_name(policy));
    warn_dropped(l, policy, &kv);
    return true;
}

static bool read_table(struct loader *l, const struct words *w, struct draft *d)
{
    struct problem p;

    if (!usage(w, 3, 10 * SCHED_TABLE_MAX, "table POOL frame=10ms DOMAIN.VCPU=TIME ...") ||
        !read_pool(l, w->word[0], d) || !table_policy(l, d))
        return false;
    for (unsigned i = 1; i < w->nr; i++) {
        struct key_value kv;

        if (!key_value_of(l, w->word[i], w->where, &kv) || !want_text(&kv))
            return false;
        if (strcmp(kv.key, "frame")) {
            if (!read_window(l, &kv, d))
                return false;
        } else if (!unit_time(kv.text, &d->c.major_frame, &p)) {
            return bad_value(&kv, &p);
        }
    }
    if (!d->c.major_frame)
        return complain(w->where, "the table has no frame; add frame=10ms");
    return d->c.expect_refusal || check_table(d);
}

/* ---- all of them
 * --------------------------------------------------------------------------------------- */

static const struct change_form {
    const char *name;
    bool (*read)(struct loader *, const struct words *, struct draft *);
    enum change_kind kind;
} change_forms[] = {
    {"set", read_set, CHANGE_SET},           {"pool", read_pool_set, CHANGE_POOL_SET},
    {"create", read_create, CHANGE_CREATE},  {"destroy", read_simple, CHANGE_DESTROY},
    {"pause", read_simple, CHANGE_PAUSE},    {"unpause", read_simple, CHANGE_UNPAUSE},
    {"pin", read_pin, CHANGE_PIN},           {"cpu", read_cpu, CHANGE_CPU_ONLINE},
    {"move", read_move, CHANGE_MOVE},        {"switch", read_switch, CHANGE_SWITCH},
    {"vcpu", read_vcpu, CHANGE_VCPU_ONLINE}, {"table", read_table, CHANGE_TABLE},
};

static const struct change_form *find_form(const char *name, struct place where)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < LENGTH(change_forms); i++) {
        if (!strcmp(change_forms[i].name, name))
            return &change_forms[i];
        names_add(&names, change_forms[i].name);
    }
    complain(where, "unknown change '%s'; %s", name, names_hint(&names, name, &hint));
    return NULL;
}

/* From now on the following changes find things so. */
static void take_effect(struct loader *l, const struct scenario_change *c)
{
    if (c->kind == CHANGE_CREATE) {
        l->present[c->domain] = true;
        l->pool_now[c->domain] = l->s->domains[c->domain].pool;
    } else if (c->kind == CHANGE_DESTROY) {
        l->present[c->domain] = false;
    } else if (c->kind == CHANGE_MOVE) {
        l->pool_now[c->domain] = (unsigned)c->pool;
    } else if (c->kind == CHANGE_SWITCH) {
        l->policy_now[c->pool] = c->policy;
    } else if (c->kind == CHANGE_CPU_ONLINE || c->kind == CHANGE_CPU_OFFLINE) {
        l->offline[c->pcpu] = c->kind == CHANGE_CPU_OFFLINE;
    }
}

/* A statement with its time, and the words behind that. */
struct timed {
    sched_time at;
    bool refused;
    unsigned order;
    struct words words;
};

static bool read_change(struct loader *l, const struct timed *t)
{
    struct draft d = {.c = {.at = t->at,
                            .domain = -1,
                            .vcpu = -1,
                            .pool = -1,
                            .pcpu = -1,
                            .weight = -1,
                            .expect_refusal = t->refused,
                            .place = t->words.where}};
    const struct change_form *form = find_form(t->words.word[0], t->words.where);
    struct words args = words_rest(&t->words, 1);

    if (!form)
        return false;
    d.c.kind = form->kind;
    if (!form->read(l, &args, &d))
        return false;
    if (d.drop)
        return true;
    if (!d.c.expect_refusal)
        take_effect(l, &d.c);
    *(struct scenario_change *)arena_push(l->memory, l->s->changes, l->s->nr_changes) = d.c;
    return true;
}

static bool starts_change(const struct statement *st)
{
    return !strcmp(st->word[0], "at") || !strcmp(st->word[0], "refused") ||
           !strcmp(st->word[0], "table");
}

/* "at 2s ...", "refused at 2s ...", "table ...". */
static bool read_time(struct loader *l, const struct statement *st, struct timed *t)
{
    unsigned at;
    struct problem p;
    struct time_text text;

    t->words = words_from(st, 0);
    if (!strcmp(st->word[0], "table"))
        return true;
    t->refused = !strcmp(st->word[0], "refused");
    at = t->refused;
    if (st->nr < at + 3 || strcmp(st->word[at], "at"))
        return complain(st->where, "something is missing; use %sat TIME CHANGE",
                        t->refused ? "refused " : "");
    if (!unit_time(st->word[at + 1], &t->at, &p))
        return complain(st->where, "%s", p.text);
    t->words = words_from(st, at + 2);
    return t->at <= l->s->duration || l->options->duration ||
           complain(st->where, "%s is after the end of the run; use at most %s", st->word[at + 1],
                    unit_show_time(l->s->duration, &text));
}

static int by_time(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void set_start(struct loader *l)
{
    unsigned nr_domains = l->s->nr_domains, nr_pools = l->s->nr_pools;

    l->policy_now = arena_alloc(l->memory, nr_pools * sizeof *l->policy_now);
    l->pool_now = arena_alloc(l->memory, nr_domains * sizeof *l->pool_now);
    l->present = arena_alloc(l->memory, nr_domains * sizeof *l->present);
    l->offline = arena_alloc(l->memory, l->host.nr_pcpus * sizeof *l->offline);
    for (unsigned i = 0; i < nr_pools; i++)
        l->policy_now[i] = l->s->pools[i].policy;
    for (unsigned i = 0; i < nr_domains; i++) {
        l->pool_now[i] = l->s->domains[i].pool;
        l->present[i] = l->s->domains[i].at_start;
    }
}

static bool read_all(struct loader *l, const struct timed *timed, unsigned nr)
{
    bool ok = true;

    for (unsigned i = 0; i < nr; i++) {
        if (timed[i].at > l->s->duration) /* the command line made the run shorter */
            warn(timed[i].words.where, "this is after the end of the run; ignored");
        else
            ok &= read_change(l, &timed[i]);
    }
    return ok;
}

bool parse_changes(struct loader *l, const struct statement *statements, unsigned nr)
{
    struct timed *timed = NULL;
    unsigned nr_timed = 0;
    bool ok = true;

    set_start(l);
    for (unsigned i = 0; i < nr; i++) {
        struct timed *t;

        if (!starts_change(&statements[i]))
            continue;
        t = arena_push(l->memory, timed, nr_timed);
        t->order = i;
        ok &= read_time(l, &statements[i], t);
    }
    if (!ok)
        return false;
    if (nr_timed)
        qsort(timed, nr_timed, sizeof *timed, by_time);
    return read_all(l, timed, nr_timed);
}
