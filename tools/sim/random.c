#include "random.h"

#define GOLDEN 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio, odd: the counter visits all states */

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
    r->state = mix(mix(seed + GOLDEN) ^ stream * GOLDEN);
}

uint64_t rng_next(struct rng *r)
{
    r->state += GOLDEN;
    return mix(r->state);
}

uint64_t rng_peek(const struct rng *r, uint64_t k)
{
    return mix(r->state + (k + 1) * GOLDEN);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t unfair = -n % n; /* 2^64 mod n values too many for equal chances */
    uint64_t x;

    do
        x = rng_next(r);
    while (x < unfair);
    return x % n;
}

/*
 * Von Neumann's comparison method: the first of a descending run of uniform
 * numbers is accepted if the run has an odd number of members, which happens
 * with probability exp(-x); every rejection adds one to the result.
 */
double rng_exponential(struct rng *r)
{
    for (double whole = 0;; whole += 1) {
        uint64_t first = rng_next(r), last = first, next;
        bool odd = true;

        while ((next = rng_next(r)) < last) {
            last = next;
            odd = !odd;
        }
        if (odd)
            return whole + (double)(first >> 11) * 0x1p-53;
    }
}

sched_time rng_time(struct rng *r, const struct dist *d)
{
    switch (d->kind) {
    case DIST_UNIFORM:
        return d->a + (sched_time)rng_below(r, (uint64_t)(d->b - d->a) + 1);
    case DIST_EXP:
        return (sched_time)((double)d->a * rng_exponential(r));
    default:
        return d->a;
    }
}
