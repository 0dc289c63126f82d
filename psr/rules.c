/* Checks without any state: see rules.h. */
#include "rules.h"

unsigned psr_count_bits(uint32_t mask)
{
    unsigned n = 0;

    for (; mask; mask &= mask - 1)
        n++;
    return n;
}

uint32_t psr_mask_full(const struct psr_cache *c)
{
    return c->len ? (uint32_t)((1ULL << c->len) - 1) : 0;
}

/* Adding the lowest bit carries through its run to the bit above: what then is left of the mask is
 * another run. */
static bool is_one_run(uint64_t mask)
{
    return !(((mask & -mask) + mask) & mask);
}

int psr_mask_check(const struct psr_cache *c, uint64_t mask)
{
    if (mask & ~(uint64_t)psr_mask_full(c))
        return -PSR_EINVAL;
    if (!mask || psr_count_bits((uint32_t)mask) < c->min_bits)
        return -PSR_EINVAL;
    return c->sparse || is_one_run(mask) ? 0 : -PSR_EINVAL;
}

static uint64_t power_of_two_below(uint64_t value)
{
    return value ? 1ULL << (63 - __builtin_clzll(value)) : 0;
}

int psr_bandwidth_check(const struct psr_bandwidth *b, uint64_t *value)
{
    if (*value > b->max)
        return -PSR_EINVAL;
    if (b->is_limit)
        return 0;
    if (b->linear)
        *value -= *value % (100 - b->max);
    else
        *value = power_of_two_below(*value);
    return 0;
}

/* A limit of 0 is none: the bit above the greatest. */
uint64_t psr_bandwidth_register(const struct psr_bandwidth *b, uint32_t value)
{
    return b->is_limit && !value ? (uint64_t)b->max + 1 : value;
}
