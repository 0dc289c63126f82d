/* moirai rebalance: where each domain's memory is, and how fast it follows its vCPUs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/message.h"
#include "commands.h"
#include "host.h"
#include "refused.h"
#include "show.h"

#define PART                                                                                       \
    (sizeof((struct moirai_nodes *)0)->pages / sizeof(uint64_t)) /* of the nodes, in a call */

static const struct place here = {"moirai rebalance", 0};

static const char usage[] =
    "usage: moirai rebalance [--rate FRAMES]\n"
    "\n"
    "Shows, for each domain, the nodes that its vCPUs are at home on, how many of its frames have\n"
    "been moved to other nodes so far, and how many are on each node now.\n"
    "\n"
    "--rate FRAMES  how many frames of 4 KiB the hypervisor may move in a second, 0: none\n";

/* ---- what there is ------------------------------------------------------------------------ */

static bool ask(struct host *h, unsigned domain, unsigned first, struct moirai_nodes *out)
{
    host_op(h)->u.nodes = (struct moirai_nodes){.domain = domain, .first = first};
    int error = host_call(h, MOIRAI_NODES);
    *out = host_op(h)->u.nodes;
    if (error && error != ENOENT)
        refused(NULL, error, &host_op(h)->refusal);
    return !error;
}

static void show_pages(struct host *h, struct moirai_nodes n)
{
    unsigned domain = n.domain;

    for (unsigned i = 0; i < n.nr_nodes; i++) {
        if (i % PART == 0 && i && (!ask(h, domain, i, &n) || n.domain != domain))
            return; /* it has gone */
        printf(" %10" PRIu64, n.pages[i % PART]);
    }
}

static void show_domain(struct host *h, const struct moirai_nodes *n)
{
    char name[NAME_SIZE], home[256], affinity[256];

    printf("%-20s %4u %-8s %-8s %10" PRIu64, host_domain_name(h, n->domain, name), n->domain,
           n->affinity ? show_pcpus(n->affinity, affinity, sizeof affinity) : "all",
           n->home ? show_pcpus(n->home, home, sizeof home) : "-", n->moved);
    show_pages(h, *n);
    putchar('\n');
}

static void show_domains(struct host *h)
{
    struct moirai_nodes n = {.domain = 0};
    bool more = ask(h, 0, 0, &n);

    printf("%-20s %4s %-8s %-8s %10s", "Name", "ID", "Affinity", "Home", "Moved");
    for (unsigned i = 0; more && i < n.nr_nodes; i++)
        printf("     node %-2u", i);
    putchar('\n');
    for (; more; more = ask(h, n.domain + 1, 0, &n))
        show_domain(h, &n);
}

static int show(struct host *h)
{
    int error = host_call(h, MOIRAI_GET_REBALANCE);

    if (error) {
        refused(NULL, error, &host_op(h)->refusal);
        return CLI_REFUSED;
    }
    uint64_t rate = host_op(h)->u.rebalance.rate;
    printf("rate %" PRIu64 " frames/s, %" PRIu64 " KiB/s\n", rate, rate * 4);
    show_domains(h);
    return CLI_OK;
}

/* ---- changing it --------------------------------------------------------------------------- */

static int set_rate(struct host *h, const char *text)
{
    char *end;
    uint64_t rate = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end) {
        complain(here, "'%s' is no rate; use a number of frames in a second, or 0", text);
        return CLI_INPUT;
    }
    host_op(h)->u.rebalance.rate = rate;
    int error = host_call(h, MOIRAI_SET_REBALANCE);
    if (!error)
        return CLI_OK;
    refused(NULL, error, &host_op(h)->refusal);
    return CLI_REFUSED;
}

int rebalance_main(int argc, char **argv)
{
    const char *rate = NULL;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    if (argc == 3 && !strcmp(argv[1], "--rate"))
        rate = argv[2];
    else if (argc == 2 && !strncmp(argv[1], "--rate=", 7))
        rate = argv[1] + 7;
    else if (argc != 1) {
        complain(here, "use nothing, or --rate FRAMES");
        return CLI_INPUT;
    }
    struct host *h = host_open();
    if (!h)
        return CLI_REFUSED;
    int status = rate ? set_rate(h, rate) : show(h);
    host_close(h);
    return status;
}
