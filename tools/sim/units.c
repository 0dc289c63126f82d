#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const struct time_unit {
    const char *name;
    int64_t ns;
} time_units[] = {
    {"h", 3600000000000}, {"min", 60000000000}, {"s", 1000000000},
    {"ms", 1000000},      {"us", 1000},         {"ns", 1},
};

static bool bad_time(const char *text, struct problem *p)
{
    return problem_set(p,
                       "'%s' is not a time; use a number and one of ns, us, ms, s, min, h, "
                       "like 10ms",
                       text);
}

/* The tools of old took ns here, us there and ms elsewhere. */
static bool no_unit(const char *text, struct problem *p)
{
    return problem_set(p, "'%s' has no unit; use %sns, %sus, %sms or %ss, whichever is meant", text,
                       text, text, text, text);
}

static int64_t time_unit_ns(const char *name)
{
    for (unsigned i = 0; i < LENGTH(time_units); i++)
        if (!strcmp(name, time_units[i].name))
            return time_units[i].ns;
    return 0;
}

/* Digits at *text, at most 18 of them, so that the value fits; moves *text behind them. */
static bool digits(const char **text, int64_t *value, int64_t *scale)
{
    const char *start = *text;

    *value = 0;
    *scale = 1;
    for (; isdigit((unsigned char)**text); ++*text) {
        if (*text - start >= 18)
            return false;
        *value = *value * 10 + (**text - '0');
        *scale *= 10;
    }
    return *text > start;
}

/* `plain`: the unit of a number that has none, 0: it must have one. */
static bool read_time(const char *text, int64_t plain, sched_time *out, struct problem *p)
{
    const char *at = text;
    int64_t whole, fraction = 0, scale = 1, unit;
    __int128 ns;

    if (*at == '-')
        return problem_set(p, "'%s' is negative; a time is 0 or more", text);
    if (!digits(&at, &whole, &scale))
        return bad_time(text, p);
    scale = 1;
    if (*at == '.' && (at++, !digits(&at, &fraction, &scale)))
        return bad_time(text, p);
    unit = *at ? time_unit_ns(at) : plain;
    if (!*at && !unit && (whole || fraction))
        return no_unit(text, p);
    if (*at && !unit)
        return bad_time(text, p);
    if ((__int128)fraction * unit % scale)
        return problem_set(p, "'%s' is finer than a nanosecond; use whole ns", text);
    ns = (__int128)whole * unit + (__int128)fraction * unit / scale;
    if (ns >= SCHED_NEVER / 4) /* sums of a few times must not overflow */
        return problem_set(p, "'%s' is too long; use less than 73 years", text);
    *out = (sched_time)ns;
    return true;
}

bool unit_time(const char *text, sched_time *out, struct problem *p)
{
    return read_time(text, 0, out, p);
}

bool unit_time_or_ns(const char *text, sched_time *out, struct problem *p)
{
    return read_time(text, 1, out, p);
}

const char *unit_show_time(sched_time t, struct time_text *buffer)
{
    const struct time_unit *u = time_units;

    while (u->ns > 1 && (t == 0 || t % u->ns))
        u++;
    if (t == 0)
        snprintf(buffer->text, sizeof buffer->text, "0");
    else
        snprintf(buffer->text, sizeof buffer->text, "%" PRId64 "%s", t / u->ns, u->name);
    return buffer->text;
}

bool unit_integer(const char *text, int64_t *out, struct problem *p)
{
    const char *first = text + (*text == '-');
    char *end;
    int64_t value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*first) || *end || errno)
        return problem_set(p, "'%s' is not a whole number; use digits, like 512", text);
    *out = value;
    return true;
}

bool unit_unsigned(const char *text, uint64_t *out, struct problem *p)
{
    char *end;
    uint64_t value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return problem_set(p, "'%s' is not a number from 0 to 2^64-1; use digits, like 1", text);
    *out = value;
    return true;
}

/* A decimal number at the start of text; NULL if there is none, else the end of it. */
static const char *decimal(const char *text, double *out)
{
    const char *first = text + (*text == '-');
    char *end;
    double value;

    if (!isdigit((unsigned char)*first) || strpbrk(text, "xX"))
        return NULL;
    value = strtod(text, &end);
    if (value > 1e300 || value < -1e300)
        return NULL;
    *out = value;
    return end;
}

bool unit_number(const char *text, double *out, struct problem *p)
{
    double value;
    const char *end = decimal(text, &value);

    if (!end || *end)
        return problem_set(p, "'%s' is not a number; use one like 12.5", text);
    *out = value;
    return true;
}

bool unit_percent(const char *text, double *out, struct problem *p)
{
    double value;
    const char *end = decimal(text, &value);

    if (!end || (*end && strcmp(end, "%")))
        return problem_set(p, "'%s' is not a percentage; use a number like 66.7 or 66.7%%", text);
    *out = value;
    return true;
}

bool unit_bool(const char *text, int64_t *out, struct problem *p)
{
    static const char *const words[][2] = {
        {"0", "1"}, {"no", "yes"}, {"off", "on"}, {"false", "true"}};

    for (unsigned i = 0; i < LENGTH(words); i++)
        for (int value = 0; value < 2; value++)
            if (!strcmp(text, words[i][value])) {
                *out = value;
                return true;
            }
    return problem_set(p, "'%s' is neither true nor false; use 1 or 0", text);
}

static bool whole_percent(const char *text, int64_t *out, struct problem *p)
{
    double value;

    if (!unit_percent(text, &value, p))
        return false;
    if (value < -1e9 || value > 1e9 || value != (double)(int64_t)value)
        return problem_set(p, "'%s' is not a whole percentage; use one like 25", text);
    *out = (int64_t)value;
    return true;
}

static bool param_text(enum sched_kind kind, const char *text, int64_t *out, struct problem *p)
{
    switch (kind) {
    case SCHED_TIME_NS:
        return unit_time(text, out, p);
    case SCHED_PERCENT:
        return whole_percent(text, out, p);
    case SCHED_BOOL:
        return unit_bool(text, out, p);
    case SCHED_COUNT:
        break;
    }
    return unit_integer(text, out, p);
}

static bool out_of_range(const struct sched_param *param, const char *text, struct problem *p)
{
    struct time_text low, high;

    if (param->kind == SCHED_TIME_NS)
        return problem_set(p, "%s is out of range; use %s to %s", text,
                           unit_show_time(param->min, &low), unit_show_time(param->max, &high));
    return problem_set(p, "%s is out of range; use %" PRId64 " to %" PRId64, text, param->min,
                       param->max);
}

bool unit_param(const struct sched_param *param, const char *text, bool in_range, int64_t *out,
                struct problem *p)
{
    int64_t value;

    if (!param_text(param->kind, text, &value, p))
        return false;
    if (in_range && (value < param->min || value > param->max))
        return out_of_range(param, text, p);
    *out = value;
    return true;
}

/* ---- sets of pCPUs ------------------------------------------------------- */

struct cpu_term {
    bool out, nodes, all;
    int64_t from, to;
};

static bool skip(const char **text, const char *prefix)
{
    size_t n = strlen(prefix);

    if (strncmp(*text, prefix, n))
        return false;
    *text += n;
    return true;
}

static bool read_term(const char *text, struct cpu_term *t, struct problem *p)
{
    const char *at = text;
    int64_t scale;

    *t = (struct cpu_term){0};
    t->out = skip(&at, "^");
    t->nodes = skip(&at, "nodes:") || skip(&at, "node:");
    t->all = !strcmp(at, "all");
    if (t->all)
        return true;
    if (digits(&at, &t->from, &scale)) {
        t->to = t->from;
        if (!*at || (*at++ == '-' && digits(&at, &t->to, &scale) && !*at))
            return t->from <= t->to ||
                   problem_set(p, "the range '%s' runs backwards; use low-high", text);
    }
    return problem_set(p, "'%s' is no set of pCPUs; use terms like 1, 0-3, all, node:0, ^2", text);
}

static bool check_term(const struct cpu_term *t, const struct host *host, struct problem *p)
{
    unsigned last = t->nodes ? host_last_node(host) : host->nr_pcpus - 1;

    if (t->all || t->to <= (int64_t)last)
        return true;
    return problem_set(p, "%s %" PRId64 " does not exist; the host has 0 to %u",
                       t->nodes ? "node" : "pCPU", t->to, last);
}

static void apply_term(const struct cpu_term *t, const struct host *host, struct mask *m)
{
    for (unsigned i = 0; i < host->nr_pcpus; i++) {
        int64_t number = t->nodes ? host->pcpus[i].node : i;

        if (!t->all && (number < t->from || number > t->to))
            continue;
        if (t->out)
            mask_clear(m, i);
        else
            mask_set(m, i);
    }
}

/* Copies the next term of *text without blanks; false if it is too long. */
static bool next_term(const char **text, char *term, size_t size)
{
    size_t n = 0;

    for (; **text && **text != ','; ++*text) {
        if (isspace((unsigned char)**text))
            continue;
        if (n + 1 == size)
            return false;
        term[n++] = **text;
    }
    term[n] = '\0';
    if (**text == ',')
        ++*text;
    return true;
}

/* xl starts from none; a list that only takes away can but mean "all but these". */
static bool only_takes_away(const char *text)
{
    bool start = true;

    for (; *text; text++) {
        if (start && !isspace((unsigned char)*text)) {
            if (*text != '^')
                return false;
            start = false;
        }
        if (*text == ',')
            start = true;
    }
    return true;
}

bool unit_cpus(const char *text, const struct host *host, struct mask *out, struct problem *p)
{
    struct mask m;
    const char *at = text;

    mask_clear_all(&m);
    if (*text && only_takes_away(text))
        mask_fill(&m, host->nr_pcpus);
    do {
        char word[64];
        struct cpu_term term;

        if (!next_term(&at, word, sizeof word))
            return problem_set(p, "a term of '%s' is too long; use terms like 0-3", text);
        if (!read_term(word, &term, p) || !check_term(&term, host, p))
            return false;
        apply_term(&term, host, &m);
    } while (*at || at[-1] == ',');
    if (mask_empty(&m))
        return problem_set(p, "'%s' leaves no pCPU; name at least one", text);
    *out = m;
    return true;
}

/* ---- lists ---------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* One item, quoted or up to , or ]; returns what follows it, NULL for an open quote. */
static const char *list_item(struct arena *a, const char *at, const char **item)
{
    const char *end;

    if (*at == '"' || *at == '\'') {
        end = strchr(at + 1, *at);
        if (!end)
            return NULL;
        *item = arena_strndup(a, at + 1, (size_t)(end - at - 1));
        return skip_blanks(end + 1);
    }
    end = at + strcspn(at, ",]");
    *item = arena_strndup(a, at, (size_t)(end - at));
    return end;
}

bool unit_list(struct arena *a, const char *text, const char ***items, unsigned *nr,
               struct problem *p)
{
    const char *at = skip_blanks(text);

    *items = NULL;
    *nr = 0;
    if (*at == '[')
        at = skip_blanks(at + 1);
    else
        at = NULL;
    while (at && *at && *at != ']') {
        at = list_item(a, at, arena_push(a, *items, *nr));
        if (at && *at == ',')
            at = skip_blanks(at + 1);
        else if (at && *at != ']')
            at = NULL;
    }
    if (!at || *at != ']' || *skip_blanks(at + 1))
        return problem_set(p, "'%s' is not a list; use [\"a\", \"b\"]", text);
    return true;
}
