/* Who has what of each way: see cache.h. */
#include "cache.h"

#include <math.h>

#include "../../psr/rules.h"

static uint32_t mask_of(const struct cache_scenario *s, unsigned d)
{
    return s->classes.class[s->domains[d].class].value[PSR_SLOT_L3];
}

/* A way's bytes for those that are not full yet, by their rates: equal parts if nobody fills it. */
static void divide_way(const struct cache_scenario *s, const double *rate, const bool *full,
                       unsigned way, double bytes, double *out)
{
    double all = 0;
    unsigned nr = 0;

    for (unsigned d = 0; d < s->nr; d++)
        if (!full[d] && s->domains[d].fills && (mask_of(s, d) >> way & 1)) {
            all += rate[d] / psr_count_bits(mask_of(s, d));
            nr++;
        }
    for (unsigned d = 0; d < s->nr; d++)
        if (!full[d] && s->domains[d].fills && (mask_of(s, d) >> way & 1))
            out[d] += all > 0 ? bytes * rate[d] / psr_count_bits(mask_of(s, d)) / all : bytes / nr;
}

/* What the full ones have is spread over their ways alike. */
static double left_of(const struct cache_scenario *s, const bool *full, unsigned way)
{
    double bytes = s->host.bytes / s->host.caps.l3.len;

    for (unsigned d = 0; d < s->nr; d++)
        if (full[d] && (mask_of(s, d) >> way & 1))
            bytes -= s->domains[d].footprint / psr_count_bits(mask_of(s, d));
    return fmax(bytes, 0);
}

/* Once more if somebody has become full, since the others then have more. */
void cache_divide(const struct cache_scenario *s, const double *rate, double *out)
{
    bool full[s->nr], again = true;

    for (unsigned d = 0; d < s->nr; d++)
        full[d] = false;
    while (again) {
        again = false;
        for (unsigned d = 0; d < s->nr; d++)
            out[d] = full[d] ? s->domains[d].footprint : 0;
        for (unsigned way = 0; way < s->host.caps.l3.len; way++)
            divide_way(s, rate, full, way, left_of(s, full, way), out);
        for (unsigned d = 0; d < s->nr; d++)
            if (!full[d] && out[d] > s->domains[d].footprint)
                full[d] = again = true;
    }
}
