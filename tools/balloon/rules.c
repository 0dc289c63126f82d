#define _POSIX_C_SOURCE 200809L
#include "rules.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/units.h"

#define MAX_WORDS      8
#define WEIGHT_DEFAULT 256
#define MS             1000000 /* ns */

/* ---- words --------------------------------------------------------------------------------- */

unsigned line_words(char *line, char **words, unsigned most)
{
    unsigned nr = 0;
    char *save;

    line[strcspn(line, "#")] = '\0';
    for (char *w = strtok_r(line, " \t\r\n", &save); w && nr < most;
         w = strtok_r(NULL, " \t\r\n", &save))
        words[nr++] = w;
    return nr;
}

char *word_value(char *word)
{
    char *equals = strchr(word, '=');

    if (!equals || equals == word)
        return NULL;
    *equals = '\0';
    return equals + 1;
}

/* KiB in a unit, or 0. */
static double unit_of(char letter)
{
    switch (letter) {
    case 'K':
        return 1;
    case 'M':
        return 1 << 10;
    case 'G':
        return 1 << 20;
    case 'T':
        return 1 << 30;
    default:
        return 0;
    }
}

bool memory_parse(const char *text, int64_t *kib, struct problem *p)
{
    char *end;
    double amount = strtod(text, &end), unit = unit_of(*end);

    if (!isdigit((unsigned char)*text) || end == text || !unit || end[1])
        return problem_set(p, "'%s' is no amount of memory; use a number with K, M, G or T: 64M",
                           text);
    if (amount * unit > BALLOON_MEMORY_MAX)
        return problem_set(p, "%s is too much; use at most 64T", text);
    *kib = (int64_t)(amount * unit);
    return true;
}

const char *memory_show(int64_t kib, struct memory_text *buffer)
{
    if (kib % 1024 || kib < 10 << 20)
        snprintf(buffer->text, sizeof buffer->text, kib % 1024 ? "%.1fM" : "%.0fM",
                 (double)kib / 1024);
    else
        snprintf(buffer->text, sizeof buffer->text, "%.1fG", (double)kib / (1 << 20));
    return buffer->text;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static bool take_time(const char *text, int64_t *ms, struct problem *p)
{
    sched_time ns;

    if (!unit_time(text, &ns, p))
        return false;
    if (ns < MS)
        return problem_set(p, "%s is too short; use 1ms or more", text);
    *ms = ns / MS;
    return true;
}

static bool take_percent(const char *text, double most, unsigned *thousandths, struct problem *p)
{
    double percent;

    if (!unit_percent(text, &percent, p))
        return false;
    if (percent < 0 || percent > most)
        return problem_set(p, "%s is out of range; use 0%% to %g%%", text, most);
    *thousandths = (unsigned)(percent * 10 + 0.5);
    return true;
}

enum rules_word rules_param(struct balloon_params *params, const char *key, const char *value,
                            struct problem *p)
{
    bool ok;

    if (!strcmp(key, "reserve"))
        ok = memory_parse(value, &params->reserve, p);
    else if (!strcmp(key, "tax"))
        ok = take_percent(value, BALLOON_TAX_MAX / 10.0, &params->tax, p);
    else if (!strcmp(key, "quiet"))
        ok = take_percent(value, 50, &params->quiet, p);
    else if (!strcmp(key, "calm"))
        ok = take_time(value, &params->calm, p);
    else if (!strcmp(key, "patience"))
        ok = take_time(value, &params->patience, p);
    else if (!strcmp(key, "stale"))
        ok = take_time(value, &params->stale, p);
    else
        return RULES_UNKNOWN;
    return ok ? RULES_TAKEN : RULES_WRONG;
}

/* ---- domains ------------------------------------------------------------------------------- */

static bool take_weight(const char *text, uint32_t *weight, struct problem *p)
{
    int64_t n;

    if (!unit_integer(text, &n, p))
        return false;
    if (n < 1 || n > BALLOON_WEIGHT_MAX)
        return problem_set(p, "%s is out of range; use 1 to %d", text, BALLOON_WEIGHT_MAX);
    *weight = (uint32_t)n;
    return true;
}

enum rules_word rule_key(struct rule *rule, const char *key, const char *value, struct problem *p)
{
    bool ok;

    if (!strcmp(key, "min"))
        ok = memory_parse(value, &rule->min, p);
    else if (!strcmp(key, "max"))
        ok = memory_parse(value, &rule->max, p);
    else if (!strcmp(key, "weight"))
        ok = take_weight(value, &rule->weight, p);
    else
        return RULES_UNKNOWN;
    return ok ? RULES_TAKEN : RULES_WRONG;
}

bool rule_check(const struct rule *rule, struct place where)
{
    struct memory_text min, max;

    return !rule->max || rule->min <= rule->max ||
           complain(where, "min=%s is above max=%s; use less or equal",
                    memory_show(rule->min, &min), memory_show(rule->max, &max));
}

static bool load_domain(struct arena *a, struct rules *r, struct place where, char **words,
                        unsigned nr)
{
    struct problem p;

    if (nr < 2)
        return complain(where, "a domain has no name; use domain NAME min=64M max=512M weight=256");
    struct rule *rule = arena_push(a, r->list, r->nr);
    *rule = (struct rule){.name = arena_strdup(a, words[1]), .weight = WEIGHT_DEFAULT};
    for (unsigned i = 2; i < nr; i++) {
        char *value = word_value(words[i]);
        enum rules_word got = value ? rule_key(rule, words[i], value, &p) : RULES_UNKNOWN;

        if (got == RULES_UNKNOWN)
            return complain(where, "'%s' is not understood; use min=, max= or weight=", words[i]);
        if (got == RULES_WRONG)
            return complain(where, "%s: %s", words[i], p.text);
    }
    return rule_check(rule, where);
}

static bool load_line(struct arena *a, struct rules *r, struct place where, char *line)
{
    char *words[MAX_WORDS];
    unsigned nr = line_words(line, words, MAX_WORDS);
    struct problem p;

    if (!nr)
        return true;
    if (!strcmp(words[0], "domain"))
        return load_domain(a, r, where, words, nr);
    enum rules_word got = nr == 2 ? rules_param(&r->params, words[0], words[1], &p) : RULES_UNKNOWN;
    if (got == RULES_WRONG)
        return complain(where, "%s: %s", words[0], p.text);
    return got == RULES_TAKEN ||
           complain(where,
                    "'%s' is not understood; use domain NAME ..., or reserve, tax, calm, quiet, "
                    "patience or stale and a value",
                    words[0]);
}

void rules_init(struct rules *r)
{
    *r = (struct rules){.params = balloon_defaults};
}

bool rules_load(struct arena *a, struct rules *r, const char *file)
{
    struct place where = {file, 0};
    FILE *in = fopen(file, "r");
    char line[512];
    bool ok = true;

    if (!in)
        return complain(where, "can not be opened: %s", strerror(errno));
    while (ok && fgets(line, sizeof line, in)) {
        where.line++;
        ok = load_line(a, r, where, line);
    }
    fclose(in);
    return ok;
}

const struct rule *rules_find(const struct rules *r, const char *name)
{
    for (unsigned i = 0; i < r->nr; i++)
        if (!fnmatch(r->list[i].name, name, 0))
            return &r->list[i];
    return NULL;
}

void rule_apply(const struct rule *rule, int64_t most, struct balloon_domain *d)
{
    d->ceiling = rule && rule->max && rule->max < most ? rule->max : most;
    d->guarantee = rule && rule->min ? rule->min : d->ceiling / 4;
    d->guarantee = d->guarantee < d->ceiling ? d->guarantee : d->ceiling;
    d->weight = rule ? rule->weight : WEIGHT_DEFAULT;
}
