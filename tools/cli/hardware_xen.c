#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <xenctrl.h>

#include "../sim/message.h"
#include "hardware.h"
#include "host.h"
#include "refused.h"

static const struct place here = {"moirai", 0};

static bool too_large(const char *what, unsigned nr, unsigned most)
{
    return complain(here, "the machine has %u %s, and this tool knows %u", nr, what, most);
}

static bool read_pcpus(xc_interface *xc, struct hardware *hw)
{
    xc_cputopo_t topology[HARDWARE_PCPUS];
    unsigned nr = 0;

    if (xc_cputopoinfo(xc, &nr, NULL))
        return complain(here, "can not ask for the processors: %s", strerror(errno));
    if (nr > HARDWARE_PCPUS)
        return too_large("pCPUs", nr, HARDWARE_PCPUS);
    if (xc_cputopoinfo(xc, &nr, topology))
        return complain(here, "can not ask for the processors: %s", strerror(errno));
    for (unsigned i = 0; i < nr; i++) {
        hw->pcpu[i].offline = topology[i].core == XEN_INVALID_CORE_ID;
        hw->pcpu[i].core = topology[i].core;
        hw->pcpu[i].socket = topology[i].socket;
        hw->pcpu[i].node = topology[i].node;
    }
    hw->nr_pcpus = nr;
    return true;
}

static bool read_nodes(xc_interface *xc, struct hardware *hw)
{
    static uint32_t distance[HARDWARE_NODES * HARDWARE_NODES];
    xc_meminfo_t memory[HARDWARE_NODES];
    unsigned nr = 0;

    if (xc_numainfo(xc, &nr, NULL, NULL))
        return complain(here, "can not ask for the nodes: %s", strerror(errno));
    if (nr > HARDWARE_NODES)
        return too_large("nodes", nr, HARDWARE_NODES);
    if (xc_numainfo(xc, &nr, memory, distance))
        return complain(here, "can not ask for the nodes: %s", strerror(errno));
    for (unsigned i = 0; i < nr; i++) {
        hw->node[i].total = memory[i].memsize;
        hw->node[i].free = memory[i].memfree;
        for (unsigned j = 0; j < nr; j++)
            hw->distance[i][j] = distance[i * nr + j];
    }
    hw->nr_nodes = nr;
    return true;
}

bool hardware_read(struct hardware *hw)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    bool ok;

    memset(hw, 0, sizeof *hw);
    if (!xc)
        return complain(here, "can not ask the hypervisor: %s; is this dom0, as root?",
                        strerror(errno));
    ok = read_pcpus(xc, hw) && read_nodes(xc, hw);
    xc_interface_close(xc);
    return ok;
}

bool hardware_read_vcpus(struct hardware *hw)
{
    struct host *h = host_open();
    int error = 0;

    for (unsigned i = 0; h && !error && i < hw->nr_nodes; i++) {
        host_op(h)->u.node = (struct moirai_node){.node = i};
        error = host_call(h, MOIRAI_NODE);
        hw->node[i].vcpus = host_op(h)->u.node.vcpus;
    }
    if (error)
        refused(NULL, error, &host_op(h)->refusal);
    host_close(h);
    return h && !error;
}
