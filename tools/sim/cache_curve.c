/* Miss curves: see cache.h. */
#include "cache.h"

#include <string.h>

#include "quantity.h"
#include "units.h"

double miss_curve_at(const struct miss_curve *c, double bytes)
{
    const struct miss_point *low = c->at, *high;

    if (bytes <= low->bytes)
        return low->mpki;
    for (high = low + 1; high < c->at + c->nr; low = high++)
        if (bytes < high->bytes)
            return low->mpki +
                   (high->mpki - low->mpki) * (bytes - low->bytes) / (high->bytes - low->bytes);
    return low->mpki;
}

static bool parse_misses(const char *text, double *out, struct problem *p)
{
    double value;

    if (!unit_number(text, &value, p))
        return false;
    if (value < 0 || value > 1000)
        return problem_set(p, "%s misses per 1000 instructions; use 0 to 1000", text);
    *out = value;
    return true;
}

static bool parse_point(char *text, struct miss_point *out, struct problem *p)
{
    char *colon = strchr(text, ':');

    if (!colon)
        return problem_set(p, "'%s' is no point of a curve; use SIZE:MISSES, like 2.5M:30", text);
    *colon = '\0';
    return quantity_parse(QUANTITY_SIZE, text, &out->bytes, p) &&
           parse_misses(colon + 1, &out->mpki, p);
}

/* More cache never misses more: nobody would partition for one that did. Measured curves wriggle,
 * so a little is let pass. */
static bool follows(const struct miss_point *before, const struct miss_point *now,
                    struct problem *p)
{
    if (now->bytes <= before->bytes)
        return problem_set(p, "the points are not in order; name sizes from small to large");
    return now->mpki <= before->mpki * 1.1 + 0.1 ||
           problem_set(p, "%g misses with %gM after %g with less; use a curve that falls",
                       now->mpki, now->bytes / 0x1p20, before->mpki);
}

bool miss_curve_parse(struct arena *a, const char *text, struct miss_curve *out, struct problem *p)
{
    char *copy = arena_strdup(a, text), *next = copy;

    *out = (struct miss_curve){0};
    if (!strchr(text, ':'))
        return parse_misses(text, &((struct miss_point *)arena_push(a, out->at, out->nr))->mpki, p);
    while (next) {
        char *point = next;
        struct miss_point *now;

        next = strchr(point, ',');
        if (next)
            *next++ = '\0';
        now = arena_push(a, out->at, out->nr);
        if (!parse_point(point, now, p) || (out->nr > 1 && !follows(now - 1, now, p)))
            return false;
    }
    return true;
}
