/*
 * The host that is simulated: pCPUs with their core, socket and NUMA node, and
 * the nodes, from hwloc.
 */
#ifndef SIM_TOPOLOGY_H
#define SIM_TOPOLOGY_H

#include <stdint.h>

#include "arena.h"
#include "message.h"

struct host_pcpu {
    unsigned core, socket, node;
};

struct host {
    unsigned nr_pcpus;
    struct host_pcpu *pcpus;
    unsigned nr_nodes;
    uint64_t *memory;  /* bytes of each node */
    uint8_t *distance; /* nr_nodes rows of as many, 10 is local; 10 and 20 if it is not known */
};

/*
 * `text` is "this" (this machine), the name of an XML file that lstopo wrote
 * (ends in .xml; looked up in `dir`) or a synthetic string ("pack:2 core:8
 * pu:2"). pCPUs are numbered in hwloc's logical order, so threads of a core
 * are neighbours. False with *p set if that is no host of 1 to
 * SCHED_MAX_PCPUS pCPUs.
 */
bool topology_load(struct arena *a, const char *text, const char *dir, struct host *out,
                   struct problem *p);

/* The highest node number. */
static inline unsigned host_last_node(const struct host *host)
{
    unsigned last = 0;

    for (unsigned i = 0; i < host->nr_pcpus; i++)
        if (host->pcpus[i].node > last)
            last = host->pcpus[i].node;
    return last;
}

#endif
