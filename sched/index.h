/*
 * Who waits, by affinity: which unit should a given pCPU take next, out of all
 * that wait in its pool?
 *
 * Units with the same effective affinity form a class (struct
 * sched_affinity), which keeps its waiting units in a heap; the pool keeps
 * the classes in which somebody waits in a heap by their first unit. The
 * search visits classes in order and stops at the first that may run on the
 * pCPU, so it costs O(log n) plus one step for each distinct affinity that is
 * ahead and excludes this pCPU.
 */
#ifndef SCHED_INDEX_H
#define SCHED_INDEX_H

#include "sched.h"

/* Joins the class of the unit's masks within its pool's pCPUs. -SCHED_ENOMEM: no slot left. The
 * unit must have no class. If no pCPU of `hard` is in the pool, all of the pool's count. */
int affinity_join(struct sched_unit *u);
void affinity_leave(struct sched_unit *u);

void index_insert(struct sched_unit *u, int64_t key);
void index_remove(struct sched_unit *u);
void index_update(struct sched_unit *u, int64_t key);

static inline bool index_holds(const struct sched_unit *u)
{
    return heap_queued(&u->index_node);
}

#endif
