/*
 * Scenario files: one statement a line, # starts a comment, the order of the
 * statements is free.
 *
 *   title     TEXT
 *   host      pack:2 core:8 pu:2 | FILE.xml | this
 *   duration  TIME                (10s)
 *   seed      NUMBER              (1)
 *   costs     [switch=TIME] [migration=TIME] [ipi=TIME]
 *   pool ...       scenario_pool.c
 *   domain ...     scenario_domain.c
 *   at ...         scenario_change.c
 *   expect ...     scenario_expect.c
 *
 * Everything that a pass finds wrong is reported; the next pass is not begun
 * then, since its complaints would be consequences.
 */
#define _POSIX_C_SOURCE 200809L /* getline */

#include "scenario_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

#define LENGTH(array)    (sizeof(array) / sizeof *(array))
#define DEFAULT_DURATION 10000000000LL

/* ---- the run and the host ------------------------------------------------ */

static bool parse_title(struct loader *l, struct statement *st)
{
    l->s->title = arena_strdup(l->memory, st->rest);
    return true;
}

static bool parse_host(struct loader *l, struct statement *st)
{
    const char *dir = folder_of(l->memory, st->where.file);
    struct problem p;

    if (!*st->rest)
        return complain(st->where, "no host is named; use host pack:1 core:4 pu:1, FILE.xml or "
                                   "this");
    if (!topology_load(l->memory, st->rest, dir, &l->host, &p))
        return complain(st->where, "%s", p.text);
    l->s->nr_pcpus = l->host.nr_pcpus;
    l->s->pcpus = l->host.pcpus;
    return true;
}

static bool one_word(const struct statement *st, const char *right)
{
    return st->nr == 2 ||
           complain(st->where, "%s takes one value; use %s %s", st->word[0], st->word[0], right);
}

static bool parse_duration(struct loader *l, struct statement *st)
{
    struct problem p;

    if (!one_word(st, "10s"))
        return false;
    if (!unit_time(st->word[1], &l->s->duration, &p))
        return complain(st->where, "%s", p.text);
    return l->s->duration || complain(st->where, "the run is 0 long; use a time above 0");
}

static bool parse_seed(struct loader *l, struct statement *st)
{
    struct problem p;

    if (!one_word(st, "1"))
        return false;
    return unit_unsigned(st->word[1], &l->s->seed, &p) || complain(st->where, "%s", p.text);
}

static sched_time *cost_named(struct costs *c, const char *name)
{
    if (!strcmp(name, "switch"))
        return &c->context_switch;
    if (!strcmp(name, "migration"))
        return &c->migration;
    return strcmp(name, "ipi") ? NULL : &c->ipi;
}

static bool parse_costs(struct loader *l, struct statement *st)
{
    for (unsigned i = 1; i < st->nr; i++) {
        struct key_value kv;
        struct problem p;
        sched_time *cost;

        if (!key_value_of(l, st->word[i], st->where, &kv) || !want_text(&kv))
            return false;
        cost = cost_named(&l->s->costs, kv.key);
        if (!cost)
            return complain(st->where, "no cost '%s'; use switch, migration or ipi", kv.key);
        if (!unit_time(kv.text, cost, &p))
            return bad_value(&kv, &p);
    }
    return true;
}

/* ---- passes -------------------------------------------------------------- */

enum { PASS_RUN, PASS_POOLS, PASS_DOMAINS, PASS_CHANGES, PASS_EXPECT };

static const struct verb {
    const char *name;
    int pass;
    bool (*parse)(struct loader *, struct statement *); /* NULL: parse_changes takes it */
    bool once;
} verbs[] = {
    {"title", PASS_RUN, parse_title, true},
    {"host", PASS_RUN, parse_host, true},
    {"duration", PASS_RUN, parse_duration, true},
    {"seed", PASS_RUN, parse_seed, true},
    {"costs", PASS_RUN, parse_costs, true},
    {"pool", PASS_POOLS, parse_pool, false},
    {"domain", PASS_DOMAINS, parse_domain, false},
    {"at", PASS_CHANGES, NULL, false},
    {"refused", PASS_CHANGES, NULL, false},
    {"table", PASS_CHANGES, NULL, false},
    {"expect", PASS_EXPECT, parse_expectation, false},
};

static const struct verb *find_verb(const char *name)
{
    for (unsigned i = 0; i < LENGTH(verbs); i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

bool statement_once(const struct statement *all, const struct statement *st)
{
    for (const struct statement *other = all; other < st; other++)
        if (!strcmp(other->word[0], st->word[0]))
            return complain(st->where, "%s was said in line %d already; say it once", st->word[0],
                            other->where.line);
    return true;
}

static bool check_verbs(const struct statement *st, unsigned nr)
{
    bool ok = true;

    for (unsigned i = 0; i < nr; i++) {
        const struct verb *verb = find_verb(st[i].word[0]);
        struct names names = {0};
        struct hint hint;

        if (verb) {
            ok &= !verb->once || statement_once(st, &st[i]);
            continue;
        }
        for (unsigned j = 0; j < LENGTH(verbs); j++)
            names_add(&names, verbs[j].name);
        ok = complain(st[i].where, "unknown statement '%s'; %s", st[i].word[0],
                      names_hint(&names, st[i].word[0], &hint));
    }
    return ok;
}

static bool run_pass(struct loader *l, int pass, struct statement *st, unsigned nr)
{
    bool ok = true;

    for (unsigned i = 0; i < nr; i++) {
        const struct verb *verb = find_verb(st[i].word[0]);

        if (verb->pass == pass && verb->parse)
            ok &= verb->parse(l, &st[i]);
    }
    return ok;
}

static bool finish_run(struct loader *l)
{
    if (l->options->duration)
        l->s->duration = l->options->duration;
    if (l->options->has_seed)
        l->s->seed = l->options->seed;
    return l->host.nr_pcpus ||
           complain((struct place){l->s->file, 0}, "no host is named; add host pack:1 core:4 pu:1");
}

static bool check_domains(struct loader *l)
{
    return l->s->nr_domains ||
           complain((struct place){l->s->file, 0}, "no domain is named; add domain NAME vcpus=1");
}

static bool parse_statements(struct loader *l, struct statement *st, unsigned nr)
{
    return check_verbs(st, nr) && run_pass(l, PASS_RUN, st, nr) && finish_run(l) &&
           parse_override(l) && run_pass(l, PASS_POOLS, st, nr) && finish_pools(l) &&
           run_pass(l, PASS_DOMAINS, st, nr) && check_domains(l) && parse_changes(l, st, nr) &&
           run_pass(l, PASS_EXPECT, st, nr);
}

bool statements_read(struct arena *a, FILE *in, const char *file, struct statement **statements,
                     unsigned *nr)
{
    struct place where = {file, 0};
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    while (getline(&line, &size, in) >= 0) {
        struct statement st = {0};
        struct problem p;

        where.line++;
        st.where = where;
        if (!statement_split(a, line, &st, &p))
            ok = complain(where, "%s", p.text);
        else if (st.nr)
            *(struct statement *)arena_push(a, *statements, *nr) = st;
    }
    free(line);
    if (ferror(in))
        ok = complain(where, "can not read on: %s; name a text file", strerror(errno));
    return ok;
}

/* ---- in and out ---------------------------------------------------------- */

static struct scenario *scenario_new(const char *file)
{
    struct arena memory = {0};
    struct scenario *s = arena_alloc(&memory, sizeof *s);

    s->memory = memory;
    s->file = arena_strdup(&s->memory, file);
    s->title = arena_strdup(&s->memory, file);
    s->duration = DEFAULT_DURATION;
    s->seed = 1;
    return s;
}

struct scenario *scenario_read(FILE *in, const char *file, const struct load_options *options)
{
    static const struct load_options none;
    struct scenario *s = scenario_new(file);
    struct loader l = {.s = s, .memory = &s->memory, .options = options ? options : &none};
    struct statement *statements = NULL;
    unsigned nr = 0;

    add_default_pool(&l);
    if (statements_read(l.memory, in, s->file, &statements, &nr) &&
        parse_statements(&l, statements, nr))
        return s;
    scenario_free(s);
    return NULL;
}

struct scenario *scenario_load(const char *file, const struct load_options *options)
{
    FILE *in = fopen(file, "r");
    struct scenario *s;

    if (!in) {
        complain((struct place){file, 0}, "can not open it: %s; name a scenario file",
                 strerror(errno));
        return NULL;
    }
    s = scenario_read(in, file, options);
    fclose(in);
    return s;
}

void scenario_free(struct scenario *s)
{
    struct arena memory;

    if (!s)
        return;
    memory = s->memory; /* it holds *s, too */
    arena_free(&memory);
}
