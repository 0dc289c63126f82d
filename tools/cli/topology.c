/* moirai topology: the real machine for hwloc's tools, which see dom0's virtual one. */
#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include "../sim/message.h"
#include "commands.h"
#include "hardware.h"

static const struct place here = {"moirai topology", 0};

static const char usage[] =
    "usage: moirai topology [FILE]\n"
    "\n"
    "Writes the machine as the hypervisor sees it, sockets, cores, pCPUs, nodes with their memory\n"
    "and the distances between them, as XML for hwloc: to FILE or to the standard output.\n"
    "For a drawing of it: moirai topology machine.xml && lstopo -i machine.xml\n";

/* hwloc reads it first, and checks it. */
static int write_topology(const char *xml, const char *file)
{
    hwloc_topology_t t;
    int status = CLI_REFUSED;

    if (hwloc_topology_init(&t)) {
        complain(here, "hwloc does not start; is there memory left?");
        return CLI_REFUSED;
    }
    if (hwloc_topology_set_xmlbuffer(t, xml, (int)strlen(xml) + 1) || hwloc_topology_load(t))
        complain(here, "hwloc does not understand this machine");
    else if (hwloc_topology_export_xml(t, file, 0))
        complain(here, "can not write '%s'", file);
    else
        status = CLI_OK;
    hwloc_topology_destroy(t);
    return status;
}

int topology_main(int argc, char **argv)
{
    struct arena memory = {0};
    struct hardware hw;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    if (argc > 2) {
        complain(here, "use one FILE, or none");
        return CLI_INPUT;
    }
    if (!hardware_read(&hw))
        return CLI_REFUSED;
    const char *xml = hardware_xml(&memory, &hw);
    int status = xml ? write_topology(xml, argc == 2 ? argv[1] : "-") : CLI_REFUSED;
    arena_free(&memory);
    return status;
}
