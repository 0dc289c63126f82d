#include "speed.h"

#include <stdlib.h>

#include "../sim/random.h"

#define MIB    (1ULL << 20)
#define ENOUGH (64 * MIB) /* to be timed, however small the caches are */
#define CACHES 4          /* times what fits into caches: STREAM's rule */
#define LEAST  (1 * MIB)
#define CYCLES 1 /* the stream of random numbers */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A node that is half full after that still has room for others. */
bool speed_sizes(const struct speed_machine *m, uint64_t free, uint64_t wish,
                 struct speed_sizes *out)
{
    uint64_t room = free / 2 / MIB * MIB;
    uint64_t wanted = larger(ENOUGH, (CACHES * m->cache_all + MIB - 1) / MIB * MIB);
    uint64_t to_chase = larger(ENOUGH, (CACHES * m->cache_one + MIB - 1) / MIB * MIB);

    out->stream = wish ? wish : smaller(wanted, room);
    out->chase = smaller(out->stream, to_chase);
    out->cached = out->stream < CACHES * m->cache_all;
    return out->stream >= LEAST && out->stream <= room;
}

/* Sattolo's algorithm (1986): a shuffle in which nothing stays in its place yields one cycle. */
void speed_cycle(uint32_t *next, uint32_t nr, uint64_t seed)
{
    struct rng random;

    rng_seed(&random, seed, CYCLES);
    for (uint32_t i = 0; i < nr; i++)
        next[i] = i;
    for (uint32_t i = nr; i-- > 1;) {
        uint32_t j = (uint32_t)rng_below(&random, i), old = next[i];

        next[i] = next[j];
        next[j] = old;
    }
}

unsigned long speed_elsewhere(const int *status, unsigned long nr, unsigned node)
{
    unsigned long i = 0;

    while (i < nr && status[i] == (int)node)
        i++;
    return i;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static struct speed_figure sorted(const struct speed_figure *f)
{
    struct speed_figure s = *f;

    qsort(s.run, SPEED_RUNS, sizeof *s.run, by_size);
    return s;
}

double speed_median(const struct speed_figure *f)
{
    return sorted(f).run[SPEED_RUNS / 2];
}

double speed_least(const struct speed_figure *f)
{
    return sorted(f).run[0];
}

double speed_most(const struct speed_figure *f)
{
    return sorted(f).run[SPEED_RUNS - 1];
}
