/* The nouns of the command line. Each gets its own argv and returns the exit status. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

enum { CLI_OK = 0, CLI_REFUSED = 1, CLI_INPUT = 2 };

int sched_main(int argc, char **argv);
int sched_params_main(int argc, char **argv);
int arinc653_main(int argc, char **argv);
int top_main(int argc, char **argv);
int trace_main(int argc, char **argv);
int rebalance_main(int argc, char **argv);
int place_main(int argc, char **argv);
int node_speed_main(int argc, char **argv);
int topology_main(int argc, char **argv);
int balloond_main(int argc, char **argv);
int perf_main(int argc, char **argv);

#endif
