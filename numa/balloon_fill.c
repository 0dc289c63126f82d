#include "balloon_fill.h"

#include <stdbool.h>

/* Levels are bills for a unit of weight, in 1/2^LEVEL_SHIFT KiB. */
#define LEVEL_SHIFT 10

/* Enough for the highest bill of a weight of 1. */
#define LEVEL_BITS 57
_Static_assert(BALLOON_MEMORY_MAX * 1000 < 1LL << (LEVEL_BITS - LEVEL_SHIFT),
               "the top level buys everything");

static int64_t within(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* A level times a weight, in KiB; what would not fit buys more than there is anyway. */
static int64_t bill(uint64_t level, uint32_t weight)
{
    if (level > (uint64_t)INT64_MAX / weight)
        return INT64_MAX >> LEVEL_SHIFT;
    return (int64_t)(level * weight >> LEVEL_SHIFT);
}

/* What the claimant holds when it is billed at that level. */
static int64_t bought(const struct balloon_claim *c, uint64_t level, unsigned tax)
{
    int64_t b = bill(level, c->weight), idle = b - c->active;

    if (idle > 0) /* the product alone could overflow */
        b = c->active + idle / 1000 * (1000 - tax) + idle % 1000 * (1000 - tax) / 1000;
    return within(b, c->low, c->high);
}

static bool affordable(const struct balloon_claim *claims, unsigned nr, uint64_t level,
                       int64_t amount, unsigned tax)
{
    for (unsigned i = 0; i < nr; i++)
        amount -= bought(&claims[i], level, tax);
    return amount >= 0;
}

/* The highest level at which the amount suffices. */
static uint64_t find_level(const struct balloon_claim *claims, unsigned nr, int64_t amount,
                           unsigned tax)
{
    uint64_t level = 0;

    for (uint64_t bit = 1ULL << LEVEL_BITS; bit; bit >>= 1)
        if (affordable(claims, nr, level | bit, amount, tax))
            level |= bit;
    return level;
}

int64_t balloon_fill(struct balloon_claim *claims, unsigned nr, int64_t amount, unsigned tax)
{
    uint64_t level = find_level(claims, nr, amount, tax);

    for (unsigned i = 0; i < nr; i++) {
        claims[i].got = bought(&claims[i], level, tax);
        amount -= claims[i].got;
    }
    /* Less is left than the next level would cost: the first of those who would gain have it. */
    for (unsigned i = 0; i < nr && amount > 0; i++) {
        int64_t more = within(bought(&claims[i], level + 1, tax) - claims[i].got, 0, amount);

        claims[i].got += more;
        amount -= more;
    }
    return amount;
}
