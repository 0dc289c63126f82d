/*
 * A machine's NUMA nodes as placement and rebalancing see them. All amounts of
 * memory are in frames of one size, whatever that is; sets of nodes are bits of
 * a word.
 */
#ifndef NUMA_NODES_H
#define NUMA_NODES_H

#include <stdbool.h>
#include <stdint.h>

#define NUMA_MAX_NODES 64
#define NUMA_LOCAL     10 /* distance of a node from itself, as in ACPI's SLIT */

struct numa_node {
    uint64_t total, free;
    unsigned pcpus; /* that may be used */
    unsigned vcpus; /* that are at home there; those that are nowhere do not count */
};

struct numa_nodes {
    unsigned nr;
    struct numa_node node[NUMA_MAX_NODES];
    uint8_t distance[NUMA_MAX_NODES][NUMA_MAX_NODES]; /* from row to column */
};

static inline uint64_t numa_bit(unsigned node)
{
    return 1ULL << node;
}

/* All nodes of the machine. */
static inline uint64_t numa_all(const struct numa_nodes *m)
{
    return m->nr < 64 ? numa_bit(m->nr) - 1 : UINT64_MAX;
}

#define numa_for_each(node, set)                                                                   \
    for (uint64_t left_##node = (set), node = 0;                                                   \
         left_##node && (node = (uint64_t)__builtin_ctzll(left_##node), true);                     \
         left_##node &= left_##node - 1)

#endif
