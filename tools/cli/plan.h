/* Where domains would be placed (numa/place.h), from their configs. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include <stdio.h>

#include "../../numa/place.h"
#include "../sim/arena.h"
#include "../sim/topology.h"
#include "hardware.h"

#define PLAN_FRAME 4096 /* bytes */

struct plan_domain {
    const char *name;
    struct numa_request wish;
    struct numa_placement at;
    bool placed;
};

struct plan {
    struct arena memory;
    struct host machine;
    struct numa_nodes before, nodes; /* without the domains, and with them */
    unsigned nr_domains;
    struct plan_domain *domains;
};

/* A machine without domains, as topology_load takes it. False after a complaint. */
bool plan_machine(struct plan *p, const char *topology);
/* This one, as it is. */
void plan_hardware(struct plan *p, const struct hardware *hw);
/* Adds the domain of an xl config: name, memory, vcpus and cpus count. False after a complaint. */
bool plan_config(struct plan *p, const char *file);
/* Places them in that order; false if there is one that fits nowhere. */
bool plan_place(struct plan *p);
void plan_free(struct plan *p);

/* plan_show.c */
void plan_print(const struct plan *p, FILE *out);
/* placement.csv, .gp, .png and .svg in `dir`; false after a complaint. */
bool plan_plot(const struct plan *p, const char *dir);

#endif
