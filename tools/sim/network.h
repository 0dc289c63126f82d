/*
 * Which rates can be scheduled, and what stops them: sets of units with the
 * same hard affinity feed parts, pCPUs that belong to the same sets. Given
 * rates can be scheduled iff they are a flow from sets through parts:
 * McNaughton's wrap-around rule turns any such flow, with no unit above one
 * pCPU, into a schedule without a unit on two pCPUs at once.
 *
 * All active units of a set rise with a common level, rate = weight * level.
 * A cut is a group of sets whose demand takes all of the parts they can reach.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <stdbool.h>

#include "../../sched/mask.h"

#define NETWORK_NONE (-1)

struct network_set {
    const struct mask *mask; /* the caller's, like the next two */
    double weight;           /* of active units */
    double frozen;           /* rates of the others */
    bool closed;             /* behind a cut that is used up */
    int first_edge, end_edge;
    double excess; /* in the flow: not yet routed */
    bool reached;  /* in the violated cut */
};

struct network_part {
    int size;       /* pCPUs */
    int first_edge; /* of the chain through edge.next_in_part */
    double room;    /* in the flow: capacity left */
    bool closed, reached;
};

struct network_edge {
    int set, part;
    int next_in_part;
    double flow;
};

struct network {
    int nr_sets, nr_parts, nr_edges;
    struct network_set *sets;
    struct network_part *parts;
    struct network_edge *edges;
    double tolerance;
    /* Search for an augmenting path, breadth first over parts. */
    int *queue, *part_from, *set_from; /* the edge by which a part or set was reached */
};

/* sets[] and nr_sets are filled in, masks differ. -1: out of memory; free it in any case. */
int network_init(struct network *n);
void network_free(struct network *n); /* not sets[] */

/* The level of the next cut, and which of the sets are in it; infinite if no weight is left. */
double network_next_cut(struct network *n, bool *cut);
/* The set and its parts are used up. */
void network_close(struct network *n, int set);

#endif
