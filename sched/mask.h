/*
 * Sets of pCPUs: up to SCHED_MAX_PCPUS bits with a summary word, so that a
 * search touches only words that have bits in every set searched.
 */
#ifndef SCHED_MASK_H
#define SCHED_MASK_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_MAX_PCPUS 4096
#define MASK_WORDS      (SCHED_MAX_PCPUS / 64)
#define MASK_NONE       (-1)

struct mask {
    uint64_t summary; /* bit i is set iff word[i] != 0 */
    uint64_t word[MASK_WORDS];
};

void mask_clear_all(struct mask *m);
/* Sets bits 0 to n-1; n is at most SCHED_MAX_PCPUS. */
void mask_fill(struct mask *m, unsigned n);

static inline void mask_set(struct mask *m, unsigned bit)
{
    m->word[bit / 64] |= 1ULL << (bit % 64);
    m->summary |= 1ULL << (bit / 64);
}

static inline void mask_clear(struct mask *m, unsigned bit)
{
    m->word[bit / 64] &= ~(1ULL << (bit % 64));
    if (!m->word[bit / 64])
        m->summary &= ~(1ULL << (bit / 64));
}

static inline bool mask_test(const struct mask *m, unsigned bit)
{
    return m->word[bit / 64] >> (bit % 64) & 1;
}

static inline bool mask_empty(const struct mask *m)
{
    return !m->summary;
}

bool mask_equal(const struct mask *a, const struct mask *b);
bool mask_intersects(const struct mask *a, const struct mask *b);
void mask_and(struct mask *out, const struct mask *a, const struct mask *b);
unsigned mask_count(const struct mask *m);
uint64_t mask_hash(const struct mask *m);

/* The lowest bit at or after `from`, or MASK_NONE. */
int mask_next(const struct mask *m, unsigned from);
/* The lowest bit that is in both, at or after `from`, or MASK_NONE. */
int mask_next_common(const struct mask *a, const struct mask *b, unsigned from);

#define mask_for_each(bit, m) for (int bit = mask_next(m, 0); bit >= 0; bit = mask_next(m, bit + 1))

#endif
