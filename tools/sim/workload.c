#define _POSIX_C_SOURCE 200809L /* getline and friends */
#include "workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define MAX_KEYS      4
#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum key_kind { KEY_NONE, KEY_TIME, KEY_LENGTH, KEY_DIST, KEY_WORK, KEY_COUNT, KEY_FILE };

/* KEY_LENGTH and KEY_WORK must be above zero, or virtual time would stand still. */
static const struct work_form {
    const char *name;
    enum workload_kind kind;
    struct work_key {
        const char *name;
        enum key_kind kind;
        size_t offset;
        bool optional;
    } keys[MAX_KEYS];
} forms[] = {
    {"hog", WORK_HOG, {{0}}},
    {"periodic",
     WORK_PERIODIC,
     {{"period", KEY_LENGTH, offsetof(struct workload, period), false},
      {"busy", KEY_LENGTH, offsetof(struct workload, busy), false},
      {"jitter", KEY_TIME, offsetof(struct workload, jitter), true},
      {"phase", KEY_TIME, offsetof(struct workload, phase), true}}},
    {"interactive",
     WORK_INTERACTIVE,
     {{"sleep", KEY_DIST, offsetof(struct workload, sleep), false},
      {"burst", KEY_WORK, offsetof(struct workload, burst), false}}},
    {"server",
     WORK_SERVER,
     {{"clients", KEY_COUNT, offsetof(struct workload, clients), false},
      {"think", KEY_DIST, offsetof(struct workload, sleep), false},
      {"service", KEY_WORK, offsetof(struct workload, burst), false}}},
    {"forkjoin",
     WORK_FORKJOIN,
     {{"burst", KEY_WORK, offsetof(struct workload, burst), false},
      {"gap", KEY_DIST, offsetof(struct workload, sleep), true}}},
    {"spinlock",
     WORK_SPINLOCK,
     {{"compute", KEY_WORK, offsetof(struct workload, sleep), false},
      {"hold", KEY_WORK, offsetof(struct workload, burst), false}}},
    {"trace", WORK_TRACE, {{"file", KEY_FILE, 0, false}}},
    {"yielder", WORK_YIELDER, {{"burst", KEY_WORK, offsetof(struct workload, burst), false}}},
    {"idle", WORK_IDLE, {{0}}},
};

char *folder_of(struct arena *a, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (!slash)
        return arena_strdup(a, ".");
    return arena_strndup(a, file, slash == file ? 1 : (size_t)(slash - file));
}

/* ---- distributions -------------------------------------------------------- */

static bool uniform_parse(char *bounds, struct dist *out, struct problem *p)
{
    char *colon = strchr(bounds, ':');
    struct dist d = {.kind = DIST_UNIFORM};

    if (!colon)
        return problem_set(p, "uniform needs two times; use uniform:1ms:3ms");
    *colon = '\0';
    if (!unit_time(bounds, &d.a, p) || !unit_time(colon + 1, &d.b, p))
        return false;
    if (d.a > d.b)
        return problem_set(p, "uniform:%s:%s runs backwards; give the smaller time first", bounds,
                           colon + 1);
    *out = d;
    return true;
}

bool dist_parse(const char *text, struct dist *out, struct problem *p)
{
    struct dist d = {.kind = DIST_CONST};
    char word[96];

    if (strlen(text) >= sizeof word)
        return problem_set(p, "the distribution is too long; use one like exp:10ms");
    strcpy(word, text);
    if (!strncmp(word, "uniform:", 8))
        return uniform_parse(word + 8, out, p);
    if (!strncmp(word, "exp:", 4))
        d.kind = DIST_EXP;
    else if (strchr(word, ':'))
        return problem_set(p, "'%s' is no distribution; use a time, uniform:1ms:3ms or exp:10ms",
                           text);
    if (!unit_time(d.kind == DIST_EXP ? word + 4 : word, &d.a, p))
        return false;
    *out = d;
    return true;
}

static bool dist_is_zero(const struct dist *d)
{
    return d->kind == DIST_UNIFORM ? !d->b : !d->a;
}

/* ---- traces ---------------------------------------------------------------- */

static bool trace_line(struct arena *a, char *line, struct place where, struct workload *w)
{
    char *save, *sleep = strtok_r(line, " \t\r\n", &save);
    char *run = sleep ? strtok_r(NULL, " \t\r\n", &save) : NULL;
    struct problem p;
    sched_time times[2];

    if (!sleep || *sleep == '#')
        return true;
    if (!run || strtok_r(NULL, " \t\r\n", &save))
        return complain(where, "a line of a trace has two times; use: sleep run");
    if (!unit_time_or_ns(sleep, &times[0], &p) || !unit_time_or_ns(run, &times[1], &p))
        return complain(where, "%s", p.text);
    if (!times[1])
        return complain(where, "the run time is 0; use at least 1 (ns)");
    w->steps = arena_grow(a, w->steps, w->nr_steps, sizeof *w->steps);
    w->steps[w->nr_steps].sleep = times[0];
    w->steps[w->nr_steps++].run = times[1];
    return true;
}

static bool trace_read(struct arena *a, const char *name, struct place where, struct workload *w)
{
    struct place at = {name, 0};
    char *line = NULL;
    size_t size = 0;
    bool ok = true;
    FILE *f;

    if (*name != '/')
        at.file = arena_printf(a, "%s/%s", folder_of(a, where.file), name);
    f = fopen(at.file, "r");
    if (!f)
        return complain(where, "can not open the trace %s: %s; name a file of lines 'sleep run'",
                        at.file, strerror(errno));
    while (ok && getline(&line, &size, f) >= 0) {
        at.line++;
        ok = trace_line(a, line, at, w);
    }
    free(line);
    fclose(f);
    if (ok && !w->nr_steps)
        return complain(where, "the trace %s is empty; use lines 'sleep run'", at.file);
    return ok;
}

/* ---- forms ------------------------------------------------------------------ */

static bool store_dist(struct dist *d, bool work, const char *text, struct problem *p)
{
    if (!dist_parse(text, d, p))
        return false;
    return !work || !dist_is_zero(d) || problem_set(p, "is 0; use a time above 0");
}

static bool store_time(sched_time *t, bool length, const char *text, struct problem *p)
{
    if (!unit_time(text, t, p))
        return false;
    return !length || *t || problem_set(p, "is 0; use a time above 0");
}

static bool store_count(unsigned *count, const char *text, struct problem *p)
{
    int64_t value;

    if (!unit_integer(text, &value, p))
        return false;
    if (value < 1 || value > 1000000)
        return problem_set(p, "%s is out of range; use 1 to 1000000", text);
    *count = (unsigned)value;
    return true;
}

static bool store(struct arena *a, const struct work_key *key, const char *text, struct place where,
                  struct workload *w)
{
    void *field = (char *)w + key->offset;
    struct problem p;
    bool ok = false;

    switch (key->kind) {
    case KEY_TIME:
    case KEY_LENGTH:
        ok = store_time(field, key->kind == KEY_LENGTH, text, &p);
        break;
    case KEY_DIST:
    case KEY_WORK:
        ok = store_dist(field, key->kind == KEY_WORK, text, &p);
        break;
    case KEY_COUNT:
        ok = store_count(field, text, &p);
        break;
    case KEY_FILE:
        return trace_read(a, text, where, w);
    case KEY_NONE:
        return false;
    }
    return ok || complain(where, "workload: %s: %s", key->name, p.text);
}

static const struct work_form *find_form(const char *name, struct place where)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < LENGTH(forms); i++) {
        if (!strcmp(forms[i].name, name))
            return &forms[i];
        names_add(&names, forms[i].name);
    }
    complain(where, "unknown workload '%s'; %s", name, names_hint(&names, name, &hint));
    return NULL;
}

static const struct work_key *find_key(const struct work_form *form, const char *name,
                                       struct place where)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < MAX_KEYS && form->keys[i].kind; i++) {
        if (!strcmp(form->keys[i].name, name))
            return &form->keys[i];
        names_add(&names, form->keys[i].name);
    }
    complain(where, "workload %s has no '%s'; %s", form->name, name,
             names_hint(&names, name, &hint));
    return NULL;
}

static bool check_complete(const struct work_form *form, unsigned seen, struct place where)
{
    for (unsigned i = 0; i < MAX_KEYS && form->keys[i].kind; i++)
        if (!form->keys[i].optional && !(seen >> i & 1))
            return complain(where, "workload %s needs %s; add %s=...", form->name,
                            form->keys[i].name, form->keys[i].name);
    return true;
}

bool workload_parse(struct arena *a, const char *text, struct place where, struct workload *out)
{
    char *save, *copy = arena_strdup(a, text), *word = strtok_r(copy, " \t,", &save);
    const struct work_form *form;
    struct workload w = {0};
    unsigned seen = 0;

    if (!word)
        return complain(where, "the workload is empty; use hog if it shall always run");
    form = find_form(word, where);
    if (!form)
        return false;
    w.kind = form->kind;
    while ((word = strtok_r(NULL, " \t,", &save))) {
        char *value = strchr(word, '=');
        const struct work_key *key;

        if (!value)
            return complain(where, "workload: '%s' has no value; use %s=...", word, word);
        *value++ = '\0';
        key = find_key(form, word, where);
        if (!key || !store(a, key, value, where, &w))
            return false;
        seen |= 1u << (key - form->keys);
    }
    if (!check_complete(form, seen, where))
        return false;
    if (w.kind == WORK_PERIODIC && w.jitter > w.period)
        return complain(where, "workload: the jitter is longer than the period; use at most that");
    *out = w;
    return true;
}
