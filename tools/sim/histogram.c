/*
 * Below HIST_SUB ns each value has a bucket of its own; above, each power of
 * two is divided into HIST_SUB buckets of equal width.
 */
#include "result.h"

#define SUB_BITS 6
_Static_assert(1 << SUB_BITS == HIST_SUB, "SUB_BITS is the logarithm of HIST_SUB");

static unsigned bucket_of(sched_time t)
{
    if (t < HIST_SUB)
        return (unsigned)t;
    unsigned shift = 63 - (unsigned)__builtin_clzll((unsigned long long)t) - SUB_BITS;
    unsigned i = shift * HIST_SUB + (unsigned)(t >> shift);
    return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

/* The largest value that falls into bucket i. */
static sched_time bucket_end(unsigned i)
{
    if (i < HIST_SUB)
        return i;
    if (i == HIST_BUCKETS - 1)
        return SCHED_NEVER;
    unsigned shift = i / HIST_SUB - 1;
    return ((sched_time)(i % HIST_SUB + HIST_SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, sched_time t)
{
    if (t < 0)
        t = 0;
    h->bucket[bucket_of(t)]++;
    h->count++;
    h->sum += (double)t;
    if (t > h->max)
        h->max = t;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (!from->count)
        return;
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

/* The rank that quantile q has among `count` values, 1 to count. */
static uint64_t rank_of(double q, uint64_t count)
{
    double exact = q * (double)count;
    uint64_t rank = exact <= 1 ? 1 : (uint64_t)exact;

    if ((double)rank < exact)
        rank++;
    return rank < count ? rank : count;
}

sched_time histogram_quantile(const struct histogram *h, double q)
{
    if (!h->count)
        return 0;
    uint64_t left = rank_of(q, h->count);
    unsigned i = 0;

    while (h->bucket[i] < left)
        left -= h->bucket[i++];
    sched_time end = bucket_end(i);
    return end < h->max ? end : h->max;
}
