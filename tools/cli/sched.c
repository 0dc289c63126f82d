/* moirai sched: which schedulers there are, which pool runs which, and to change that. */
#include <stdlib.h>
#include <string.h>

#include "../sim/message.h"
#include "commands.h"
#include "host.h"
#include "refused.h"
#include "show.h"

static const struct place here = {"moirai sched", 0};

static const char usage[] =
    "usage: moirai sched list [NAME]\n"
    "       moirai sched switch POOL NAME\n"
    "\n"
    "list    the schedulers with what they promise and their parameters, and the pools that run\n"
    "        them; only that NAME\n"
    "switch  the pool's domains go on under scheduler NAME: weights and caps are kept where both\n"
    "        schedulers have them, all else takes its default\n";

static bool show_pools(struct host *h)
{
    unsigned nr;
    struct moirai_pool *pools = host_pools(h, &nr);
    char name[NAME_SIZE], pcpus[256];

    if (!pools)
        return false;
    printf("%-20s %2s %-10s %7s  %s\n", "Pool", "ID", "Scheduler", "Domains", "pCPUs");
    for (unsigned i = 0; i < nr; i++) {
        const struct policy *p = host_policy(h, pools[i].policy);
        printf("%-20s %2u %-10s %7u  %s\n", host_pool_name(h, pools[i].pool, name), pools[i].pool,
               p ? p->info.name : "?", pools[i].nr_domains,
               show_pcpus(pools[i].pcpus, pcpus, sizeof pcpus));
    }
    free(pools);
    return true;
}

static int list(struct host *h, const char *name)
{
    unsigned nr;
    const struct policy *p = host_policies(h, &nr);

    if (name) {
        p = host_policy_named(h, name);
        if (!p)
            return CLI_INPUT;
        show_policy(stdout, p);
        return CLI_OK;
    }
    for (unsigned i = 0; i < nr; i++) {
        show_policy(stdout, &p[i]);
        putchar('\n');
    }
    return show_pools(h) ? CLI_OK : CLI_REFUSED;
}

static int switch_policy(struct host *h, const char *pool, const char *name)
{
    const struct policy *p = host_policy_named(h, name);
    unsigned id;

    if (!p || !host_find_pool(h, pool, &id))
        return CLI_INPUT;
    host_op(h)->u.change = (struct moirai_switch){.pool = id, .policy = p->info.id};
    int error = host_call(h, MOIRAI_SWITCH);
    if (error) {
        refused(p, error, &host_op(h)->refusal);
        return CLI_REFUSED;
    }
    return CLI_OK;
}

static int run(struct host *h, int argc, char **argv)
{
    if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "list"))
        return list(h, argv[2]);
    if (argc == 4 && !strcmp(argv[1], "switch"))
        return switch_policy(h, argv[2], argv[3]);
    complain(here, "use: list [NAME], or switch POOL NAME");
    return CLI_INPUT;
}

int sched_main(int argc, char **argv)
{
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    struct host *h = host_open();
    if (!h)
        return CLI_REFUSED;
    int status = run(h, argc, argv);
    host_close(h);
    return status;
}
