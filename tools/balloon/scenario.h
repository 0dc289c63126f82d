/*
 * A host with domains whose demands for memory change. The file has the lines of rules.h, and
 *
 *   title TEXT
 *   host 24G                   memory for domains; `reserve` of it stays free
 *   duration 2h
 *   seed 1
 *   domain web count=40 min=64M max=512M weight=256 demand=wave:60M:400M:20min cache=20%
 *
 * where a domain's name is its own, count=N makes N of them (web-1, web-2, ...), cache= is the part
 * of the demand that is file cache, and min, max and demand must be there.
 */
#ifndef BALLOON_SCENARIO_H
#define BALLOON_SCENARIO_H

#include "demand.h"
#include "rules.h"

struct mem_domain {
    const char *name;
    struct rule rule;
    struct demand *demand;
    unsigned cache; /* per cent */
};

struct mem_scenario {
    struct arena memory;
    const char *title;
    int64_t host, seed;
    int64_t duration; /* s */
    struct balloon_params params;
    unsigned nr;
    struct mem_domain *domains;
};

/* False after a complaint; to be freed in any case. */
bool mem_scenario_load(struct mem_scenario *s, const char *file);
void mem_scenario_free(struct mem_scenario *s);

#endif
