/*
 * The orders of "at TIME ...":
 *
 *   set DOMAIN[.VCPU] parameter=value ...      pool POOL parameter=value ...
 *   create DOMAIN    destroy DOMAIN    pause DOMAIN    unpause DOMAIN
 *   pin DOMAIN[.VCPU] SET|- [soft SET]         vcpu DOMAIN.VCPU online|offline
 *   cpu PCPU online|offline                    move DOMAIN POOL
 *   switch POOL POLICY                         table POOL frame=TIME DOMAIN.VCPU=TIME ...
 */
#include "scenario_order.h"

#include <inttypes.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- helpers ------------------------------------------------------------- */

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

/* ---- one function a change ----------------------------------------------- */

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

/* ---- tables -------------------------------------------------------------- */

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

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct order_form {
    const char *name;
    bool (*read)(struct loader *, const struct words *, struct draft *);
    enum change_kind kind;
} order_forms[] = {
    {"set", read_set, CHANGE_SET},           {"pool", read_pool_set, CHANGE_POOL_SET},
    {"create", read_create, CHANGE_CREATE},  {"destroy", read_simple, CHANGE_DESTROY},
    {"pause", read_simple, CHANGE_PAUSE},    {"unpause", read_simple, CHANGE_UNPAUSE},
    {"pin", read_pin, CHANGE_PIN},           {"cpu", read_cpu, CHANGE_CPU_ONLINE},
    {"move", read_move, CHANGE_MOVE},        {"switch", read_switch, CHANGE_SWITCH},
    {"vcpu", read_vcpu, CHANGE_VCPU_ONLINE}, {"table", read_table, CHANGE_TABLE},
};

static const struct order_form *find_form(const char *name, struct place where)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < LENGTH(order_forms); i++) {
        if (!strcmp(order_forms[i].name, name))
            return &order_forms[i];
        names_add(&names, order_forms[i].name);
    }
    complain(where, "unknown change '%s'; %s", name, names_hint(&names, name, &hint));
    return NULL;
}

bool read_order(struct loader *l, const struct words *words, struct draft *d)
{
    const struct order_form *form = find_form(words->word[0], words->where);
    struct words args = words_rest(words, 1);

    if (!form)
        return false;
    d->c.kind = form->kind;
    return form->read(l, &args, d);
}
