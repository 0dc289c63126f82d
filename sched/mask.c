#include "mask.h"

/* Bits of a word at or above `bit`, 0 to 63. */
static uint64_t from_bit(uint64_t word, unsigned bit)
{
    return word & ~0ULL << bit;
}

static int lowest(uint64_t word)
{
    return __builtin_ctzll(word);
}

void mask_clear_all(struct mask *m)
{
    *m = (struct mask){0};
}

void mask_fill(struct mask *m, unsigned n)
{
    mask_clear_all(m);
    for (unsigned i = 0; i < n / 64; i++)
        m->word[i] = ~0ULL;
    if (n % 64)
        m->word[n / 64] = (1ULL << n % 64) - 1;
    unsigned words = (n + 63) / 64;
    m->summary = words == 64 ? ~0ULL : (1ULL << words) - 1;
}

bool mask_equal(const struct mask *a, const struct mask *b)
{
    if (a->summary != b->summary)
        return false;
    for (uint64_t s = a->summary; s; s &= s - 1) {
        int i = lowest(s);
        if (a->word[i] != b->word[i])
            return false;
    }
    return true;
}

bool mask_intersects(const struct mask *a, const struct mask *b)
{
    return mask_next_common(a, b, 0) != MASK_NONE;
}

void mask_and(struct mask *out, const struct mask *a, const struct mask *b)
{
    uint64_t summary = 0;

    for (unsigned i = 0; i < MASK_WORDS; i++) {
        out->word[i] = a->word[i] & b->word[i];
        summary |= (uint64_t)(out->word[i] != 0) << i;
    }
    out->summary = summary;
}

/* By halves, since the compiler's builtin may call a library that is not there. */
static unsigned count_bits(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(w * 0x0101010101010101 >> 56);
}

unsigned mask_count(const struct mask *m)
{
    unsigned n = 0;

    for (uint64_t s = m->summary; s; s &= s - 1)
        n += count_bits(m->word[lowest(s)]);
    return n;
}

/* Multiply and fold, as in SplitMix64; 2^64/golden ratio as the multiplier. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

uint64_t mask_hash(const struct mask *m)
{
    uint64_t hash = mix(0, m->summary);

    for (uint64_t s = m->summary; s; s &= s - 1)
        hash = mix(hash, m->word[lowest(s)]);
    return hash;
}

int mask_next(const struct mask *m, unsigned from)
{
    return mask_next_common(m, m, from);
}

int mask_next_common(const struct mask *a, const struct mask *b, unsigned from)
{
    if (from >= SCHED_MAX_PCPUS)
        return MASK_NONE;

    unsigned first = from / 64;
    uint64_t word = from_bit(a->word[first] & b->word[first], from % 64);
    if (word)
        return (int)(first * 64) + lowest(word);

    uint64_t summary = first == 63 ? 0 : from_bit(a->summary & b->summary, first + 1);
    for (; summary; summary &= summary - 1) {
        int i = lowest(summary);
        if (a->word[i] & b->word[i])
            return i * 64 + lowest(a->word[i] & b->word[i]);
    }
    return MASK_NONE;
}
