#include "quantity.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNITS 4

static const struct kind {
    const char *what, *example;
    struct {
        const char *name;
        double factor;
    } unit[MAX_UNITS];
} kinds[] = {
    [QUANTITY_SIZE] = {"a size", "27.5M", {{"K", 0x1p10}, {"M", 0x1p20}, {"G", 0x1p30}}},
    [QUANTITY_RATE] = {"a rate", "119GB/s", {{"MB/s", 1e6}, {"GB/s", 1e9}}},
    [QUANTITY_FREQUENCY] = {"a frequency", "2.1GHz", {{"MHz", 1e6}, {"GHz", 1e9}}},
    [QUANTITY_LATENCY] = {"a latency", "90ns", {{"ns", 1e-9}, {"us", 1e-6}}},
};

static double factor_of(const struct kind *k, const char *unit)
{
    for (unsigned i = 0; i < MAX_UNITS && k->unit[i].name; i++)
        if (!strcmp(k->unit[i].name, unit))
            return k->unit[i].factor;
    return 0;
}

bool quantity_parse(enum quantity kind, const char *text, double *out, struct problem *p)
{
    const struct kind *k = &kinds[kind];
    char *unit = (char *)text;
    bool number = isdigit((unsigned char)*text) && !strpbrk(text, "xX");
    double value = number ? strtod(text, &unit) : 0, factor = factor_of(k, unit);

    if (number && !*unit && value == 0)
        factor = 1; /* no unit can change it */
    if (!number || factor == 0 || value * factor > 1e18)
        return problem_set(p, "'%s' is not %s; use a number with its unit, like %s", text, k->what,
                           k->example);
    *out = value * factor;
    return true;
}
