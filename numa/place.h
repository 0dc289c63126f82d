/* On which nodes a new domain is to live. */
#ifndef NUMA_PLACE_H
#define NUMA_PLACE_H

#include "nodes.h"

struct numa_request {
    uint64_t frames;
    unsigned vcpus;
    uint64_t allowed; /* nodes with a pCPU that it may use; memory comes from no others */
};

struct numa_placement {
    uint64_t nodes;
    uint64_t frames[NUMA_MAX_NODES]; /* of each of them */
    unsigned vcpus[NUMA_MAX_NODES];  /* at home there; all of them may run on all of its nodes */
};

/* False if the free memory of all allowed nodes together does not suffice. */
bool numa_place(const struct numa_nodes *m, const struct numa_request *r,
                struct numa_placement *out);

/* The domain is there, or gone again: what that changes in the nodes. */
void numa_take(struct numa_nodes *m, const struct numa_placement *p);
void numa_give_back(struct numa_nodes *m, const struct numa_placement *p);

#endif
