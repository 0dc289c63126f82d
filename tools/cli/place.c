/* moirai place: which nodes domains would come to, before they are created. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>

#include "../sim/message.h"
#include "commands.h"
#include "plan.h"

static const struct place here = {"moirai place", 0};

static const char usage[] =
    "usage: moirai place [-t TOPOLOGY] [-p DIR] CONFIG...\n"
    "\n"
    "Says which nodes the hypervisor would give the domains of these xl configs if they were\n"
    "created in this order: the fewest that they fit on, then the nearest, then the least loaded.\n"
    "\n"
    "  -t, --topology T  a machine without domains instead of this one as it is now: an XML file\n"
    "                    (lstopo's or moirai topology's), \"this\", or hwloc's own words, as in\n"
    "                    \"pack:2 [numa(memory=64GB)] core:16 pu:2\"\n"
    "  -p, --plot DIR    draws it: DIR/placement.png, .svg, with data and script\n"
    "\n"
    "Exit status 1 if a domain fits nowhere.\n";

struct request {
    const char *topology, *plot;
    bool help;
};

static bool parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {{"topology", required_argument, NULL, 't'},
                                            {"plot", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    *r = (struct request){.help = false};
    optind = 1;
    while ((option = getopt_long(argc, argv, "t:p:h", options, NULL)) >= 0) {
        if (option == 't')
            r->topology = optarg;
        else if (option == 'p')
            r->plot = optarg;
        else if (option == 'h')
            r->help = true;
        else
            return false;
    }
    return r->help || optind < argc || complain(here, "name the domains' configs");
}

/* The machine as it is now: what is free, and who is there. */
static bool live_machine(struct plan *p)
{
    struct hardware hw;

    if (!hardware_read(&hw) || !hardware_read_vcpus(&hw))
        return false;
    plan_hardware(p, &hw);
    return true;
}

static int run(struct plan *p, const struct request *r, char **files, int nr)
{
    if (!(r->topology ? plan_machine(p, r->topology) : live_machine(p)))
        return CLI_INPUT;
    for (int i = 0; i < nr; i++)
        if (!plan_config(p, files[i]))
            return CLI_INPUT;
    bool all = plan_place(p);
    plan_print(p, stdout);
    if (r->plot && !plan_plot(p, r->plot))
        return CLI_INPUT;
    return all ? CLI_OK : CLI_REFUSED;
}

int place_main(int argc, char **argv)
{
    struct plan *p = calloc(1, sizeof *p);
    struct request r;

    if (!p || !parse(argc, argv, &r)) {
        free(p);
        return CLI_INPUT;
    }
    int status = CLI_OK;
    if (r.help)
        fputs(usage, stdout);
    else
        status = run(p, &r, argv + optind, argc - optind);
    plan_free(p);
    free(p);
    return status;
}
