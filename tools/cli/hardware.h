/* The machine as the hypervisor sees it. dom0's own topology is a virtual one. */
#ifndef CLI_HARDWARE_H
#define CLI_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "../sim/arena.h"

#define HARDWARE_PCPUS 64
#define HARDWARE_NODES 64

struct hardware {
    unsigned nr_pcpus, nr_nodes;
    struct {
        bool offline;
        unsigned core, socket, node; /* core: within its socket; the node alone if it is offline */
    } pcpu[HARDWARE_PCPUS];
    struct {
        uint64_t total, free; /* bytes */
        unsigned vcpus;       /* at home there; only after hardware_read_vcpus */
    } node[HARDWARE_NODES];
    uint32_t distance[HARDWARE_NODES][HARDWARE_NODES];
};

/* hardware_xen.c; false after a complaint. */
bool hardware_read(struct hardware *hw);
bool hardware_read_vcpus(struct hardware *hw);

/* hardware_xml.c: as hwloc reads it. */
const char *hardware_xml(struct arena *a, const struct hardware *hw);

#endif
