/*
 * Scenarios of a cache, one statement a line, in any order:
 *
 *   title TEXT
 *   cache SIZE ways=N [min=BITS] [sparse=0|1] [classes=N]
 *   memory RATE latency=TIME [queue=TIME]     its limit; queue: what half of it adds
 *   clock FREQUENCY                           of the cores
 *   throttle linear|nonlinear|limit [max=N] [link=RATE]
 *       Intel's, or AMD's limits in 1/8 GB/s; link: what a core gets of the cache, not throttled
 *   domain NAME cpi=N mpki=CURVE [mlp=N] ...  see domain_keys
 *   domain NAME cpi=N ws=SIZE apki=N ...      a working set that is used evenly
 *   [xl] psr-cat-set [-l3] [-s0] DOMAIN CBM   as xl takes them; of these the order counts
 *   [xl] psr-mba-set [-s0] DOMAIN VALUE
 *   expect METRIC of DOMAIN|memory =|<=|>= VALUE [+- TOLERANCE]
 */
#define _POSIX_C_SOURCE 200809L
#include "cache.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "scenario_parse.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define PLAIN         (-1) /* a number without a unit */

/* ---- keys that are numbers ------------------------------------------------------------------ */

struct key {
    const char *name;
    size_t at; /* a double in what is read */
    int quantity;
    double low, high;
    bool whole;
};

static const struct key *find_key(const struct key *keys, unsigned nr, const struct key_value *kv)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < nr; i++) {
        if (!strcmp(keys[i].name, kv->key))
            return &keys[i];
        names_add(&names, keys[i].name);
    }
    complain(kv->where, "unknown key '%s'; %s", kv->key, names_hint(&names, kv->key, &hint));
    return NULL;
}

static bool read_key(const struct key *k, const struct key_value *kv, void *into)
{
    double *out = (double *)((char *)into + k->at), value;
    struct problem p;
    bool ok = k->quantity == PLAIN
                  ? unit_number(kv->text, &value, &p)
                  : quantity_parse((enum quantity)k->quantity, kv->text, &value, &p);

    if (!ok)
        return bad_value(kv, &p);
    if (value < k->low || value > k->high || (k->whole && value != floor(value)))
        return complain(kv->where, "%s=%s is out of range; use %s%g to %g", kv->key, kv->text,
                        k->whole ? "a whole number, " : "", k->low, k->high);
    *out = value;
    return true;
}

/* All words from `first` on. */
static bool read_keys(struct loader *l, const struct statement *st, unsigned first,
                      const struct key *keys, unsigned nr, void *into)
{
    for (unsigned i = first; i < st->nr; i++) {
        struct key_value kv;
        const struct key *k;

        if (!key_value_of(l, st->word[i], st->where, &kv) || !want_text(&kv) ||
            !(k = find_key(keys, nr, &kv)) || !read_key(k, &kv, into))
            return false;
    }
    return true;
}

/* ---- the host ------------------------------------------------------------------------------ */

/* The value behind the verb. */
static bool read_first(const struct statement *st, enum quantity kind, const char *right,
                       double *out)
{
    struct problem p;

    if (st->nr < 2 || strchr(st->word[1], '='))
        return complain(st->where, "%s has no value; use %s", st->word[0], right);
    return quantity_parse(kind, st->word[1], out, &p) || complain(st->where, "%s", p.text);
}

static bool parse_cache(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    struct cache_words {
        double ways, min, sparse, classes;
    } w = {.min = 1, .classes = 16};
    static const struct key keys[] = {
        {"ways", offsetof(struct cache_words, ways), PLAIN, 1, 32, true},
        {"min", offsetof(struct cache_words, min), PLAIN, 1, 32, true},
        {"sparse", offsetof(struct cache_words, sparse), PLAIN, 0, 1, true},
        {"classes", offsetof(struct cache_words, classes), PLAIN, 1, PSR_MAX_CLASSES, true},
    };
    struct psr_cache *l3 = &s->host.caps.l3;

    if (!read_first(st, QUANTITY_SIZE, "cache 27.5M ways=11", &s->host.bytes) ||
        !read_keys(l, st, 2, keys, LENGTH(keys), &w))
        return false;
    if (w.ways == 0 || s->host.bytes < 1024 || w.min > w.ways)
        return complain(st->where, "that is no cache; use a size, ways=N and at most N for min");
    *l3 = (struct psr_cache){.kib = (uint32_t)(s->host.bytes / 1024),
                             .len = (unsigned)w.ways,
                             .min_bits = (unsigned)w.min,
                             .max_class = (unsigned)w.classes - 1,
                             .sparse = w.sparse != 0};
    return true;
}

static bool parse_memory(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    static const struct key keys[] = {
        {"latency", offsetof(struct cache_host, latency), QUANTITY_LATENCY, 1e-9, 1e-3, false},
        {"queue", offsetof(struct cache_host, queue), QUANTITY_LATENCY, 0, 1e-3, false},
    };

    if (!read_first(st, QUANTITY_RATE, "memory 119GB/s latency=90ns", &s->host.limit) ||
        !read_keys(l, st, 2, keys, LENGTH(keys), &s->host))
        return false;
    return (s->host.limit > 0 && s->host.latency > 0) ||
           complain(st->where, "that is no memory; use a rate above 0 and latency=TIME");
}

static bool parse_clock(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    (void)l;
    return read_first(st, QUANTITY_FREQUENCY, "clock 2.1GHz", &s->host.clock) &&
           ((st->nr == 2 && s->host.clock > 0) ||
            complain(st->where, "clock takes one frequency above 0; use clock 2.1GHz"));
}

static bool parse_throttle(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    struct throttle_words {
        double max, link;
    } w = {0, 0};
    static const struct key keys[] = {
        {"max", offsetof(struct throttle_words, max), PLAIN, 1, 65535, true},
        {"link", offsetof(struct throttle_words, link), QUANTITY_RATE, 1, 1e15, false},
    };
    const char *kind = st->nr > 1 ? st->word[1] : "";
    struct psr_bandwidth *b = &s->host.caps.bandwidth;

    b->is_limit = !strcmp(kind, "limit");
    b->linear = !strcmp(kind, "linear");
    if (!b->is_limit && !b->linear && strcmp(kind, "nonlinear"))
        return complain(st->where, "'%s' is no kind of throttle; use linear, nonlinear or limit",
                        kind);
    w.max = b->is_limit ? 2047 : b->linear ? 90 : 64;
    if (!read_keys(l, st, 2, keys, LENGTH(keys), &w))
        return false;
    if (b->linear && w.max > 99)
        return complain(st->where, "max=%g of a linear throttle stops the domain; use at most 99",
                        w.max);
    if (!b->is_limit && w.link == 0)
        return complain(st->where, "the throttle has nothing to slow down; add link=15GB/s, what a "
                                   "core can get of the cache");
    b->max = (unsigned)w.max;
    s->host.link = w.link;
    return true;
}

static bool parse_title(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    s->title = arena_strdup(l->memory, st->rest);
    return true;
}

/* ---- domains ------------------------------------------------------------------------------- */

static const struct key domain_keys[] = {
    {"cpi", offsetof(struct cache_domain, cpi), PLAIN, 0.01, 1000, false},
    {"mlp", offsetof(struct cache_domain, mlp), PLAIN, 0.1, 1e9, false},
    {"outstanding", offsetof(struct cache_domain, outstanding), PLAIN, 1, 1000, false},
    {"apki", offsetof(struct cache_domain, accesses), PLAIN, 0, 1000, false},
    {"ws", offsetof(struct cache_domain, footprint), QUANTITY_SIZE, 1, 1e15, false},
    {"written", offsetof(struct cache_domain, written), PLAIN, 0, 1, false},
    {"demand", offsetof(struct cache_domain, demand), QUANTITY_RATE, 1, 1e15, false},
    {"instructions", offsetof(struct cache_domain, instructions), PLAIN, 1, 1e18, false},
    {"cores", offsetof(struct cache_domain, cores), PLAIN, 1, 1024, true},
};

/* A working set of which each part is used as often as any other: misses fall straight, to what the
 * curve says (or none) once all of it is cached. */
static bool use_working_set(struct arena *a, struct cache_domain *d)
{
    double left = d->curve.nr ? d->curve.at->mpki : 0;
    struct miss_point *at;

    if (d->curve.nr > 1 || d->accesses < left)
        return complain(d->where,
                        "with ws the curve is known; use apki=N and for mpki= one number, "
                        "not above it");
    d->curve = (struct miss_curve){0};
    at = arena_push(a, d->curve.at, d->curve.nr);
    *at = (struct miss_point){0, d->accesses};
    at = arena_push(a, d->curve.at, d->curve.nr);
    *at = (struct miss_point){d->footprint, left};
    return true;
}

static bool finish_domain(struct arena *a, struct cache_domain *d)
{
    if (d->cpi == 0)
        return complain(d->where,
                        "domain %s has no cpi; add what an instruction takes without "
                        "misses, like cpi=0.5",
                        d->name);
    if (isfinite(d->footprint) && d->accesses > 0)
        return use_working_set(a, d);
    if (!d->curve.nr)
        return complain(d->where, "domain %s has no misses; add mpki=CURVE, or ws=SIZE apki=N",
                        d->name);
    d->accesses = fmax(d->accesses, d->curve.at->mpki);
    return true;
}

static bool read_domain_keys(struct loader *l, struct statement *st, struct cache_domain *d)
{
    for (unsigned i = 2; i < st->nr; i++) {
        struct statement one = {st->where, "", 1, &st->word[i]};
        struct problem p;

        if (!strncmp(st->word[i], "mpki=", 5)) {
            if (!miss_curve_parse(l->memory, st->word[i] + 5, &d->curve, &p))
                return complain(st->where, "mpki: %s", p.text);
        } else if (!read_keys(l, &one, 0, domain_keys, LENGTH(domain_keys), d)) {
            return false;
        }
    }
    return finish_domain(l->memory, d);
}

static bool parse_domain_line(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    struct cache_domain d = {.where = st->where,
                             .footprint = INFINITY,
                             .demand = INFINITY,
                             .mlp = 1,
                             .outstanding = 32,
                             .instructions = 1e9,
                             .cores = 1};

    if (st->nr < 2 || strchr(st->word[1], '='))
        return complain(st->where, "the domain has no name; use domain NAME cpi=0.5 mpki=20");
    d.name = st->word[1];
    for (unsigned i = 0; i < s->nr; i++)
        if (!strcmp(s->domains[i].name, d.name))
            return complain(st->where, "%s is there already, from line %d; use another name",
                            d.name, s->domains[i].where.line);
    if (!read_domain_keys(l, st, &d))
        return false;
    *(struct cache_domain *)arena_push(l->memory, s->domains, s->nr) = d;
    return true;
}

/* ---- settings and expectations --------------------------------------------------------------- */

static bool parse_psr(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    unsigned skip = !strcmp(st->word[0], "xl");

    (void)l;
    return cache_psr_set(s, st->where, st->nr - skip, st->word + skip);
}

static bool parse_expect(struct loader *l, struct cache_scenario *s, struct statement *st)
{
    (void)l;
    return cache_expectation_parse(s, st->where, st->nr, st->word);
}

/* ---- passes -------------------------------------------------------------------------------- */

enum { PASS_HOST, PASS_DOMAINS, PASS_PSR, PASS_EXPECT, NR_PASSES };

static const struct verb {
    const char *name;
    int pass;
    bool (*parse)(struct loader *, struct cache_scenario *, struct statement *);
} verbs[] = {
    {"title", PASS_HOST, parse_title},
    {"cache", PASS_HOST, parse_cache},
    {"memory", PASS_HOST, parse_memory},
    {"clock", PASS_HOST, parse_clock},
    {"throttle", PASS_HOST, parse_throttle},
    {"domain", PASS_DOMAINS, parse_domain_line},
    {"psr-cat-set", PASS_PSR, parse_psr},
    {"psr-mba-set", PASS_PSR, parse_psr},
    {"xl", PASS_PSR, parse_psr},
    {"expect", PASS_EXPECT, parse_expect},
};

static const struct verb *find_verb(const struct statement *st)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < LENGTH(verbs); i++) {
        if (!strcmp(verbs[i].name, st->word[0]))
            return &verbs[i];
        names_add(&names, verbs[i].name);
    }
    complain(st->where, "unknown statement '%s' in a scenario of a cache; %s", st->word[0],
             names_hint(&names, st->word[0], &hint));
    return NULL;
}

static bool run_pass(struct loader *l, struct cache_scenario *s, int pass, struct statement *st,
                     unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        const struct verb *verb = find_verb(&st[i]);

        if (!verb)
            return false;
        if (verb->pass != pass)
            continue;
        if ((pass == PASS_HOST && !statement_once(st, &st[i])) || !verb->parse(l, s, &st[i]))
            return false;
    }
    return true;
}

static bool finish_host(struct cache_scenario *s)
{
    struct place whole = {s->file, 0};

    if (s->host.limit == 0)
        return complain(whole, "no memory is named; add memory 119GB/s latency=90ns");
    if (s->host.clock == 0)
        return complain(whole, "no clock is named; add clock 2.1GHz");
    s->host.caps.bandwidth.max_class = s->host.caps.l3.max_class;
    psr_classes_init(&s->classes, &s->host.caps, 0);
    return true;
}

static bool parse_statements(struct loader *l, struct cache_scenario *s, struct statement *st,
                             unsigned nr)
{
    for (int pass = PASS_HOST; pass < NR_PASSES; pass++) {
        if (!run_pass(l, s, pass, st, nr) || (pass == PASS_HOST && !finish_host(s)))
            return false;
        if (pass == PASS_DOMAINS && !s->nr)
            return complain((struct place){s->file, 0},
                            "no domain is named; add domain NAME cpi=0.5 mpki=20");
    }
    return true;
}

/* ---- in and out ---------------------------------------------------------------------------- */

bool cache_scenario_is(const char *file)
{
    FILE *in = fopen(file, "r");
    char *line = NULL;
    size_t size = 0;
    bool is = false;

    while (in && !is && getline(&line, &size, in) >= 0) {
        size_t blank = strspn(line, " \t");

        is = !strncmp(line + blank, "cache", 5) && strchr(" \t\n", line[blank + 5]);
    }
    free(line);
    if (in)
        fclose(in);
    return is;
}

struct cache_scenario *cache_scenario_load(const char *file)
{
    struct arena memory = {0};
    struct cache_scenario *s = arena_alloc(&memory, sizeof *s);
    struct loader l = {.memory = &s->memory};
    struct statement *statements = NULL;
    unsigned nr = 0;
    FILE *in = fopen(file, "r");
    bool ok = in;

    s->memory = memory;
    s->file = s->title = arena_strdup(&s->memory, file);
    if (!in)
        complain((struct place){file, 0}, "can not open it: %s; name a scenario file",
                 strerror(errno));
    ok = in && statements_read(&s->memory, in, s->file, &statements, &nr) &&
         parse_statements(&l, s, statements, nr);
    if (in)
        fclose(in);
    if (ok)
        return s;
    cache_scenario_free(s);
    return NULL;
}

void cache_scenario_free(struct cache_scenario *s)
{
    struct arena memory;

    if (!s)
        return;
    memory = s->memory; /* it holds *s, too */
    arena_free(&memory);
}
