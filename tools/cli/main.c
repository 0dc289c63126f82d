/*
 * moirai: what Debian's xl has no words for. Each command is a file of its own;
 * this one knows which there are.
 */
#include <stdio.h>
#include <string.h>

#include "../sim/message.h"
#include "commands.h"
#include "request.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"sched", sched_main,
     "list [NAME]: schedulers, their parameters and what they promise, and which pool runs which\n"
     "                    switch POOL NAME: another scheduler, under the pool's running domains"},
    {"sched-arinc653", arinc653_main, "show or set a pool's table of windows"},
    {"top", top_main, "live: share, ideal share, steal and wake latency of each vCPU"},
    {"place", place_main, "which nodes domains would come to, from their configs; with a plot"},
    {"topology", topology_main, "the machine as the hypervisor sees it, as XML for lstopo"},
    {"node-speed", node_speed_main,
     "bandwidth and latency between the machine's nodes, measured; with a plot"},
    {"rebalance", rebalance_main, "where domains' memory is, and how fast it follows their vCPUs"},
    {"balloond", balloond_main, "keep domains' memory where it is of use; --help"},
    {"perf", perf_main, "count instructions, cache misses and other events of domains; --help"},
    {"trace", trace_main, "record what schedulers do; convert it for Perfetto and moirai-sim"},
};

#define NR_COMMANDS (sizeof commands / sizeof commands[0])

static void show_help(FILE *out)
{
    fputs("usage: moirai COMMAND [ARGUMENT]...\n"
          "Shows and steers schedulers and nodes of the Moirai hypervisor, from dom0.\n\n",
          out);
    for (unsigned i = 0; i < NR_COMMANDS; i++)
        fprintf(out, "  %-16s  %s\n", commands[i].name, commands[i].help);
    fputs("\n  show or set parameters (COMMAND --help):\n ", out);
    for (const struct sched_command *c = sched_commands; c->name; c++)
        fprintf(out, "%s %s", c != sched_commands && (c - sched_commands) % 6 == 0 ? "\n " : "",
                c->name);
    fputs("\n\nExit status: 0, 1 if the hypervisor refuses, 2 if the command line is wrong.\n",
          out);
}

static int unknown(const char *name)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < NR_COMMANDS; i++)
        names_add(&names, commands[i].name);
    for (const struct sched_command *c = sched_commands; c->name; c++)
        names_add(&names, c->name);
    complain((struct place){"moirai", 0}, "there is no command '%s'; %s", name,
             names_hint(&names, name, &hint));
    return CLI_INPUT;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        show_help(stderr);
        return CLI_INPUT;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        show_help(stdout);
        return CLI_OK;
    }
    for (unsigned i = 0; i < NR_COMMANDS; i++)
        if (!strcmp(commands[i].name, argv[1]))
            return commands[i].run(argc - 1, argv + 1);
    if (sched_command_named(argv[1]))
        return sched_params_main(argc - 1, argv + 1);
    return unknown(argv[1]);
}
