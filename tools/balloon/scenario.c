#define _POSIX_C_SOURCE 200809L
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../sim/units.h"

#define MAX_WORDS 12
#define SECOND    1000000000LL

/* ---- domains ------------------------------------------------------------------------------- */

struct draft {
    struct mem_domain domain;
    int64_t count;
};

static enum rules_word take_key(struct mem_scenario *s, struct draft *d, struct place where,
                                const char *key, const char *value, struct problem *p)
{
    double percent;

    if (!strcmp(key, "count")) {
        if (!unit_integer(value, &d->count, p))
            return RULES_WRONG;
        if (d->count >= 1 && d->count <= 10000)
            return RULES_TAKEN;
        problem_set(p, "%s is out of range; use 1 to 10000", value);
        return RULES_WRONG;
    }
    if (!strcmp(key, "cache")) {
        if (!unit_percent(value, &percent, p))
            return RULES_WRONG;
        d->domain.cache = (unsigned)percent;
        if (percent >= 0 && percent <= 100)
            return RULES_TAKEN;
        problem_set(p, "%s is out of range; use 0%% to 100%%", value);
        return RULES_WRONG;
    }
    if (!strcmp(key, "demand")) {
        d->domain.demand = arena_alloc(&s->memory, sizeof *d->domain.demand);
        *p->text = '\0'; /* it complains itself */
        return demand_parse(&s->memory, value, where, d->domain.demand) ? RULES_TAKEN : RULES_WRONG;
    }
    return rule_key(&d->domain.rule, key, value, p);
}

static bool take_keys(struct mem_scenario *s, struct draft *d, struct place where, char **words,
                      unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        char *value = word_value(words[i]);
        struct problem p;
        enum rules_word got = value ? take_key(s, d, where, words[i], value, &p) : RULES_UNKNOWN;

        if (got == RULES_UNKNOWN)
            return complain(where,
                            "'%s' is not understood; use count=, min=, max=, weight=, demand= or "
                            "cache=",
                            words[i]);
        if (got == RULES_WRONG)
            return *p.text ? complain(where, "%s: %s", words[i], p.text) : false;
    }
    if (!d->domain.rule.min || !d->domain.rule.max || !d->domain.demand)
        return complain(where, "min=, max= and demand= must all be there");
    return rule_check(&d->domain.rule, where);
}

static bool load_domain(struct mem_scenario *s, struct place where, char **words, unsigned nr)
{
    struct draft d = {.domain.rule.weight = 256, .count = 1};

    if (nr < 2)
        return complain(where, "a domain has no name; use domain NAME min=64M max=512M demand=...");
    if (!take_keys(s, &d, where, words + 2, nr - 2))
        return false;
    for (int64_t i = 1; i <= d.count; i++) {
        d.domain.name = d.count == 1 ? arena_strdup(&s->memory, words[1])
                                     : arena_printf(&s->memory, "%s-%d", words[1], (int)i);
        *arena_push(&s->memory, s->domains, s->nr) = d.domain;
    }
    return true;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Of the lines that have one value. */
static enum rules_word take_value(struct mem_scenario *s, const char *key, const char *value,
                                  struct problem *p)
{
    bool ok;

    if (!strcmp(key, "host")) {
        ok = memory_parse(value, &s->host, p);
    } else if (!strcmp(key, "seed")) {
        ok = unit_integer(value, &s->seed, p);
    } else if (!strcmp(key, "duration")) {
        ok = unit_time(value, &s->duration, p);
        s->duration /= SECOND;
        if (ok && !s->duration)
            ok = problem_set(p, "%s is too short; use 1s or more", value);
    } else {
        return rules_param(&s->params, key, value, p);
    }
    return ok ? RULES_TAKEN : RULES_WRONG;
}

static bool load_line(struct mem_scenario *s, struct place where, char *line)
{
    char *words[MAX_WORDS];
    struct problem p;

    if (!strncmp(line, "title ", 6)) {
        s->title = arena_strndup(&s->memory, line + 6, strcspn(line + 6, "\n"));
        return true;
    }
    unsigned nr = line_words(line, words, MAX_WORDS);
    if (!nr)
        return true;
    if (!strcmp(words[0], "domain"))
        return load_domain(s, where, words, nr);
    enum rules_word got = nr == 2 ? take_value(s, words[0], words[1], &p) : RULES_UNKNOWN;
    if (got == RULES_WRONG)
        return complain(where, "%s: %s", words[0], p.text);
    return got == RULES_TAKEN ||
           complain(where,
                    "'%s' is not understood; use title, domain NAME ..., or host, duration, seed, "
                    "reserve, tax, calm, quiet, patience or stale and a value",
                    words[0]);
}

static bool check(const struct mem_scenario *s, const char *file)
{
    struct memory_text all, host;
    int64_t guarantees = s->params.reserve;

    if (!s->host || !s->duration || !s->nr)
        return complain((struct place){file, 0}, "host, duration and a domain must be there");
    for (unsigned i = 0; i < s->nr; i++)
        guarantees += s->domains[i].rule.min;
    return guarantees <= s->host ||
           complain((struct place){file, 0},
                    "the guarantees (min=) and the reserve are %s, the host has %s; use less",
                    memory_show(guarantees, &all), memory_show(s->host, &host));
}

bool mem_scenario_load(struct mem_scenario *s, const char *file)
{
    struct place where = {file, 0};
    char line[1024];
    bool ok = true;

    *s = (struct mem_scenario){.title = file, .seed = 1, .params = balloon_defaults};
    FILE *in = fopen(file, "r");
    if (!in)
        return complain(where, "can not be opened: %s", strerror(errno));
    while (ok && fgets(line, sizeof line, in)) {
        where.line++;
        ok = load_line(s, where, line);
    }
    fclose(in);
    return ok && check(s, file);
}

void mem_scenario_free(struct mem_scenario *s)
{
    arena_free(&s->memory);
}
