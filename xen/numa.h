/*
 * Nodes: which a domain's memory comes from, and pages that follow its vCPUs.
 * The thinking is in ../numa/; here it meets frames, vCPUs and time.
 */
#ifndef XEN_NUMA_H
#define XEN_NUMA_H

#include "../numa/rebalance.h"
#include "frames.h"

struct domain;
struct mask;

struct domain_numa {
    uint64_t affinity; /* nodes, as the toolstack has set them; 0: any */
    uint64_t placed;   /* as we have chosen, without an affinity; 0: not yet */

    /* rebalance.c alone, whose timer fires on one pCPU at a time */
    struct rebalance_domain balance;
    uint64_t toward; /* home of the pass that is under way through the domain's memory */
    gfn_t at;        /* how far that has come */
    uint64_t moved;  /* frames, ever */
};

/* ---- numa.c ---------------------------------------------------------------------------- */

unsigned numa_nr_nodes(void);
/* The machine now. Where domains live counts if `with_vcpus`. */
void numa_nodes_read(struct numa_nodes *m, bool with_vcpus);
/* Where the domain's next memory is to come from; NODE_ANY. */
unsigned numa_node_for(const struct domain *d);
/* The toolstack has said how much memory it will have. If it has not said where, and there is none
 * yet, we choose nodes, and have its vCPUs prefer their pCPUs. One at a time. */
void numa_domain_sized(struct domain *d);
/* A set of pCPUs as the set of their nodes. */
uint64_t numa_nodes_of(const struct mask *pcpus);

/* ---- page_move.c --------------------------------------------------------------------------- */

/*
 * Moves at most `nr` of the domain's frames (or a large page's, if nr is as many) that are on no
 * node of `home` to node `to`, from *at on, under the running guest; *at becomes where to go on.
 * Returns how many have been moved. *end: the last gfn has been reached. Frames that somebody else
 * refers to, by a grant for instance, stay, and all if `to` has no memory left.
 */
uint64_t pages_move(struct domain *d, gfn_t *at, uint64_t home, unsigned to, uint64_t nr,
                    bool *end);

/* ---- rebalance.c ------------------------------------------------------------------------ */

/* Begins to watch domains, if there is more than one node. */
void rebalance_init(void);
/* Frames a second, 0: off. */
uint64_t rebalance_rate(void);
void rebalance_set_rate(uint64_t rate);

#endif
