/*
 * A MODEL of a last-level cache whose ways are partitioned among domains, and
 * of the memory behind it: what each domain gets of both, and how fast it
 * runs. It has no events and no time; it is solved for the steady state.
 *
 * The cache (cache_ways.c). A way is divided among those that may fill it in
 * proportion to the rate at which they do: a line goes when another comes, and
 * whose it is, is a matter of how many there are. (d own / dt = in - all in *
 * own / size = 0.) That is exact for random replacement, and the equilibrium
 * of Xu, Chen, Dick & Mao, "Cache contention and application performance
 * prediction for multi-core systems", ISPASS 2010. Each domain fills all the
 * ways that it may at the same rate, and has no more than its footprint.
 *
 * The memory (cache_memory.c). Latency is what it is without load, and with a
 * share u of the limit in use as much more as a queue with one server makes
 * it wait: latency + queue * u / (1 - u). An instruction takes
 *
 *   cpi + misses * latency / mlp
 *
 * cycles, or longer if that would be more lines in flight than `outstanding`
 * (Little's law), or more bytes a second than the domain's code can ask for,
 * than its throttle lets through, or than its class may have.
 *
 * Both depend on each other, as in Eklov, Black-Schaffer & Hagersten,
 * "StatCC", PACT 2010: misses on the space, the space on the rate of misses,
 * the rate on the speed, the speed on the misses. cache_solve() iterates from
 * equal parts, in small steps, until nothing moves. There can be more than one
 * such state where a curve falls steeply; it is the first one found.
 *
 * What it does not know: recency (real caches favour what is hit often, so a
 * domain with hits loses less to a stream than here), phases, sets, slices,
 * prefetching that comes and goes with load, code/data masks, L2 masks.
 */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include <stdio.h>

#include "../../psr/classes.h"
#include "arena.h"
#include "message.h"

#define CACHE_LINE 64 /* bytes */

/* Misses per 1000 instructions by bytes of cache: ascending, straight between the points and level
 * outside them. */
struct miss_point {
    double bytes, mpki;
};
struct miss_curve {
    unsigned nr;
    struct miss_point *at;
};
double miss_curve_at(const struct miss_curve *c, double bytes);
/* "20" or "0:40,2.5M:30,5M:12". */
bool miss_curve_parse(struct arena *a, const char *text, struct miss_curve *out, struct problem *p);

struct cache_domain {
    const char *name;
    struct place where;
    struct miss_curve curve;
    double accesses;     /* of the cache, per 1000 instructions: what throttling slows down */
    double footprint;    /* bytes; INFINITY: not known */
    double cpi;          /* with no miss */
    double mlp;          /* misses that share one wait */
    double outstanding;  /* lines in flight, at most */
    double written;      /* lines written back for each that is read */
    double demand;       /* bytes a second of one core, at most; INFINITY: as fast as it can */
    double instructions; /* of each core */
    double cores;
    unsigned class;
    bool fills; /* is it there: for who runs alone */
};

struct cache_host {
    struct psr_caps caps;  /* l3 and bandwidth, within which psr/rules.h decides */
    double bytes;          /* the cache's */
    double clock;          /* Hz */
    double limit;          /* bytes a second */
    double latency, queue; /* seconds */
    double link; /* bytes a second between a core and the cache, not throttled; 0: not known */
};

struct cache_expectation {
    struct place where;
    const char *domain; /* NULL: the memory */
    unsigned metric;
    char relation; /* '=', '<', '>' */
    double value, tolerance;
};

struct cache_scenario {
    struct arena memory;
    const char *file, *title;
    struct cache_host host;
    struct psr_classes classes;
    unsigned nr;
    struct cache_domain *domains;
    unsigned nr_expectations;
    struct cache_expectation *expectations;
};

/* Is it a scenario of this kind: does a line begin with `cache`? No if it cannot be read. */
bool cache_scenario_is(const char *file);
/* NULL after a complaint. */
struct cache_scenario *cache_scenario_load(const char *file);
void cache_scenario_free(struct cache_scenario *s);
/* What xl's psr-cat-set or psr-mba-set says in these words, from psr/'s rules (cache_psr.c). */
bool cache_psr_set(struct cache_scenario *s, struct place where, unsigned nr, char **word);

/* ---- results ------------------------------------------------------------------------------- */

struct cache_state {  /* of a domain */
    double occupancy; /* bytes */
    double mpki;
    double cpi;
    double bandwidth; /* bytes a second to and from memory, all cores */
};

struct cache_result {
    struct cache_state *state; /* by domain */
    double *alone;             /* its cycles per instruction with all of the host for itself */
    double latency;            /* of the memory, seconds */
    double bandwidth;          /* of all */
    unsigned rounds;
};

/* False after a complaint: it does not settle. */
bool cache_solve(struct cache_scenario *s, struct cache_result *r);

/* What each domain would have of the ways that it may fill, if it missed so often: lines a second
 * in `rate`, bytes in `out`. */
void cache_divide(const struct cache_scenario *s, const double *rate, double *out);

/* The memory's latency, and cpi and bandwidth for the mpki that is in each state. */
double cache_memory(const struct cache_scenario *s, struct cache_state *state);

/* ---- reports ------------------------------------------------------------------------------- */

void cache_report_table(FILE *out, const struct cache_scenario *s, const struct cache_result *r);
/* cache_model.csv in `dir`. False after a complaint. */
bool cache_report_csv(const char *dir, const struct cache_scenario *s,
                      const struct cache_result *r);
bool cache_expectation_parse(struct cache_scenario *s, struct place where, unsigned nr,
                             char **word);
/* A line for each expectation, or for each that failed; returns how many failed. */
unsigned cache_verdicts(FILE *out, const struct cache_scenario *s, const struct cache_result *r,
                        bool only_failed);

#endif
