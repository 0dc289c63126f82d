/*
 * When each pCPU's next event is due: a tournament tree. Almost every event
 * of a run is a pCPU's and sets that pCPU's next one. Here that costs one
 * short walk from a leaf to the root; in the calendar's heap the new event
 * would sink from the top through scattered nodes.
 *
 * Keys are those of calendar.h. Among equal ones, first in first out.
 */
#ifndef SIM_TURNS_H
#define SIM_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../sched/mask.h"

#define TURN_NEVER INT64_MAX

/* From the top: key (64 bits), order in which keys were set (52), pCPU (12). The least is first. */
typedef unsigned __int128 turn;

struct turns {
    unsigned nr_leaves; /* a power of two */
    uint64_t set;       /* keys set so far */
    turn *node;         /* root at 1; node i is the lesser of its children 2i and 2i+1 */
};

/* All at TURN_NEVER. false: out of memory. */
bool turns_init(struct turns *t, unsigned nr_pcpus);
void turns_free(struct turns *t);

/* Counts as newly set among equal keys, unless it is that already. `key` is not negative. */
void turns_set(struct turns *t, unsigned pcpu, int64_t key);

static inline turn turns_first(const struct turns *t)
{
    return t->node[1];
}

static inline int64_t turn_key(turn x)
{
    return (int64_t)(x >> 64);
}

static inline unsigned turn_pcpu(turn x)
{
    return (unsigned)x % SCHED_MAX_PCPUS;
}

#endif
