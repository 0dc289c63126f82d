/*
 * Which running domain's pages move to which node now, and how many. The caller
 * says where the vCPUs are and where the pages lie, and moves them.
 */
#ifndef NUMA_REBALANCE_H
#define NUMA_REBALANCE_H

#include "nodes.h"

/* Of frames in a second: more than any machine copies. */
#define REBALANCE_RATE_MAX 100000000
/* A large page at least can be saved up for. */
#define REBALANCE_BURST 512

/* Of each domain. All zero: it has not been seen yet. */
struct rebalance_domain {
    uint64_t pages[NUMA_MAX_NODES]; /* in: of each node */
    uint64_t stay[NUMA_MAX_NODES];  /* of those, could not be moved when it was tried last */

    uint32_t presence[NUMA_MAX_NODES]; /* of its vCPUs, in 1/REBALANCE_PRESENT */
    uint64_t home, wanted; /* sets of nodes; `wanted` becomes home when it has been for long */
    int64_t wanted_since, tried;
};
#define REBALANCE_PRESENT 65536

struct rebalance {
    uint64_t rate;  /* frames a second, 0: none */
    int64_t filled; /* when `saved` was brought up to date */
    uint64_t saved; /* frames that may be moved at once */
};

/* Once in REBALANCE_PERIOD ns: how much of the domain's vCPUs is on each node, in any unit. A
 * domain with none keeps what it has been. */
#define REBALANCE_PERIOD 100000000
void rebalance_seen(struct rebalance_domain *d, const uint32_t vcpus[NUMA_MAX_NODES], int64_t now);

/* How many frames may be moved until now; at most a hundredth of a second's, or a burst, in one
 * go. The caller says how many it has moved. */
uint64_t rebalance_allowance(struct rebalance *r, int64_t now);
void rebalance_moved(struct rebalance *r, uint64_t frames);

/* How many pages of the domain lie outside its home and may move; 0 if they are too few to begin
 * with, or it has not been at home there for long enough. */
uint64_t rebalance_misplaced(const struct rebalance_domain *d);
/* The node of its home that they should go to, or NUMA_MAX_NODES if none has memory to spare. */
unsigned rebalance_target(const struct rebalance_domain *d, const struct numa_nodes *m);
/* All of its pages have been tried at `now`; those that are still away stay where they are, and are
 * tried again after REBALANCE_RETRY ns or when its home changes. */
#define REBALANCE_RETRY 10000000000
void rebalance_tried(struct rebalance_domain *d, int64_t now);

#endif
