#define _POSIX_C_SOURCE 200809L
#include "demand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/units.h"
#include "../sim/workload.h"
#include "rules.h"

#define MAX_PARTS 6
#define SECOND    1000000000LL

/* ---- reading ------------------------------------------------------------------------------- */

static bool take_seconds(const char *text, int64_t *s, struct problem *p)
{
    sched_time ns;

    if (!unit_time(text, &ns, p))
        return false;
    if (ns < SECOND)
        return problem_set(p, "%s is too short; use 1s or more", text);
    *s = ns / SECOND;
    return true;
}

static bool take_range(char **part, struct demand *d, struct problem *p)
{
    if (!memory_parse(part[1], &d->low, p) || !memory_parse(part[2], &d->high, p))
        return false;
    return d->low <= d->high || problem_set(p, "%s is more than %s", part[1], part[2]);
}

static bool take_point(struct arena *a, struct demand *d, const char *line)
{
    int64_t at, size;

    if (sscanf(line, "%" SCNd64 ",%" SCNd64, &at, &size) != 2 || at < 0 || size < 0 ||
        size > BALLOON_MEMORY_MAX || (d->nr && at <= d->at[d->nr - 1]) || (!d->nr && at))
        return false;
    unsigned nr = d->nr;
    *arena_push(a, d->at, d->nr) = at;
    *arena_push(a, d->size, nr) = (int64_t)((double)size * d->percent / 100);
    return true;
}

static bool load_trace(struct arena *a, struct demand *d, const char *folder, struct problem *p)
{
    char *path =
        *d->file == '/' ? arena_strdup(a, d->file) : arena_printf(a, "%s/%s", folder, d->file);
    FILE *in = fopen(path, "r");
    char line[128];
    bool ok = true;

    if (!in)
        return problem_set(p, "%s can not be opened: %s", path, strerror(errno));
    for (unsigned n = 1; ok && fgets(line, sizeof line, in); n++)
        ok = *line == '#' || take_point(a, d, line) ||
             problem_set(p, "%s:%u: not understood; use lines \"seconds,KiB\" in order from 0",
                         path, n);
    fclose(in);
    return ok && (d->nr > 1 || problem_set(p, "%s has less than two lines", path));
}

static bool parse_parts(struct arena *a, char **part, unsigned nr, const char *folder,
                        struct demand *d, struct problem *p)
{
    if (!strcmp(part[0], "const") && nr == 2) {
        d->kind = DEMAND_CONST;
        return memory_parse(part[1], &d->low, p);
    }
    if (!strcmp(part[0], "wave") && nr == 4) {
        d->kind = DEMAND_WAVE;
        return take_range(part, d, p) && take_seconds(part[3], &d->on, p);
    }
    if (!strcmp(part[0], "burst") && nr == 5) {
        d->kind = DEMAND_BURST;
        return take_range(part, d, p) && take_seconds(part[3], &d->off, p) &&
               take_seconds(part[4], &d->on, p);
    }
    if (!strcmp(part[0], "walk") && nr == 4) {
        d->kind = DEMAND_WALK;
        return take_range(part, d, p) && memory_parse(part[3], &d->step, p);
    }
    if (!strcmp(part[0], "trace") && nr >= 2 && nr <= 4) {
        d->kind = DEMAND_TRACE;
        d->file = part[1];
        d->percent = 100;
        return (nr < 3 || unit_percent(part[2], &d->percent, p)) &&
               (nr < 4 || take_seconds(part[3], &d->off, p)) && load_trace(a, d, folder, p);
    }
    return problem_set(p, "this is no demand; use const:SIZE, wave:LOW:HIGH:PERIOD, "
                          "burst:LOW:HIGH:OFF:ON, walk:LOW:HIGH:STEP or "
                          "trace:FILE:PERCENT:PAUSE");
}

bool demand_parse(struct arena *a, const char *text, struct place where, struct demand *out)
{
    char *copy = arena_strdup(a, text), *part[MAX_PARTS], *save;
    struct problem p;
    unsigned nr = 0;

    *out = (struct demand){0};
    for (char *w = strtok_r(copy, ":", &save); w && nr < MAX_PARTS; w = strtok_r(NULL, ":", &save))
        part[nr++] = w;
    if (!nr)
        part[nr++] = copy;
    return parse_parts(a, part, nr, folder_of(a, where.file), out, &p) ||
           complain(where, "demand=%s: %s", text, p.text);
}

/* ---- walking ------------------------------------------------------------------------------- */

static int64_t length(const struct demand *d)
{
    return d->kind == DEMAND_TRACE ? d->at[d->nr - 1] : d->on;
}

void demand_begin(struct demand_walker *w, const struct demand *d, uint64_t seed, uint64_t stream)
{
    *w = (struct demand_walker){.demand = d, .level = d->low};
    rng_seed(&w->rng, seed, stream);
    if (d->kind == DEMAND_WAVE || d->kind == DEMAND_TRACE)
        w->offset = (int64_t)rng_below(&w->rng, (uint64_t)length(d));
    w->begun = -w->offset;
    if (d->kind == DEMAND_WALK)
        w->level += (int64_t)rng_below(&w->rng, (uint64_t)(d->high - d->low) + 1);
    if (d->kind == DEMAND_BURST)
        w->until = (double)d->off * rng_exponential(&w->rng);
}

/* 3x^2 - 2x^3 of a triangle: as smooth as a sine, and the same on every machine. */
static int64_t wave_at(const struct demand *d, int64_t at)
{
    double x = 2.0 * (double)(at % d->on) / (double)d->on;

    if (x > 1)
        x = 2 - x;
    return d->low + (int64_t)((double)(d->high - d->low) * (x * x * (3 - 2 * x)));
}

static int64_t burst_at(struct demand_walker *w, int64_t now)
{
    const struct demand *d = w->demand;

    while ((double)now >= w->until) {
        w->level = w->level == d->low ? d->high : d->low;
        w->until += (double)(w->level == d->low ? d->off : d->on) * rng_exponential(&w->rng);
    }
    return w->level;
}

static int64_t walk_on(struct demand_walker *w)
{
    const struct demand *d = w->demand;

    w->level += (int64_t)rng_below(&w->rng, 2 * (uint64_t)d->step + 1) - d->step;
    if (w->level < d->low)
        w->level = d->low;
    if (w->level > d->high)
        w->level = d->high;
    return w->level;
}

/* As at its beginning while it pauses. */
static int64_t trace_at(struct demand_walker *w, int64_t now)
{
    const struct demand *d = w->demand;

    while ((double)now >= w->until && now - w->begun >= length(d)) {
        w->point = 0;
        w->until = (double)(w->begun + length(d)) + (double)d->off * rng_exponential(&w->rng);
        w->begun = (int64_t)w->until;
    }
    while (w->begun <= now && d->at[w->point + 1] <= now - w->begun)
        w->point++;
    return d->size[w->point];
}

int64_t demand_at(struct demand_walker *w, int64_t now)
{
    switch (w->demand->kind) {
    case DEMAND_WAVE:
        return wave_at(w->demand, now + w->offset);
    case DEMAND_BURST:
        return burst_at(w, now);
    case DEMAND_WALK:
        return walk_on(w);
    case DEMAND_TRACE:
        return trace_at(w, now);
    default:
        return w->demand->low;
    }
}
