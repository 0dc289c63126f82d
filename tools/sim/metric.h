/*
 * The numbers that a run is judged by: one list for the table, JSON, CSV and
 * the expectations, for one vCPU, a domain or the whole host.
 */
#ifndef SIM_METRIC_H
#define SIM_METRIC_H

#include "result.h"

enum metric {
    METRIC_SHARE, /* of a pCPU, while present; summed over vCPUs */
    METRIC_IDEAL_SHARE,
    METRIC_ERROR, /* |share - ideal| of the vCPU that is worst off or best off */
    METRIC_SERVICE,
    METRIC_WAKES,
    METRIC_LATENCY_P50, /* wake to run, all wakes of all vCPUs together */
    METRIC_LATENCY_P99,
    METRIC_LATENCY_P999,
    METRIC_LATENCY_MAX,
    METRIC_JOBS, /* periodic work */
    METRIC_MISSES,
    METRIC_SWITCHES,
    METRIC_MIGRATIONS,
    METRIC_LAG,          /* the largest of any vCPU */
    METRIC_LONGEST_WAIT, /* the longest of any vCPU */
    METRIC_STARVED,      /* vCPUs that waited for more than half of their presence in one go */
    METRIC_REQUESTS,     /* from here on: not for a single vCPU */
    METRIC_RESPONSE_P50,
    METRIC_RESPONSE_P99,
    METRIC_RESPONSE_P999,
    METRIC_RESPONSE_MAX,
    METRIC_ITERATIONS,
    METRIC_CAP_EXCESS,  /* the largest of any domain */
    METRIC_UTILISATION, /* from here on: host only */
    METRIC_IDLE_WHILE_WAITING,
    METRIC_DECISIONS,
    METRIC_EVENTS,
    METRIC_REFUSALS,
    METRIC_NR,
    METRIC_NR_VCPU = METRIC_REQUESTS,
    METRIC_NR_DOMAIN = METRIC_UTILISATION,
};

enum metric_unit { UNIT_PERCENT, UNIT_NS, UNIT_COUNT };

struct metric_info {
    const char *name; /* as in `expect` */
    const char *key;  /* with the unit, as in JSON and CSV */
    enum metric_unit unit;
};
extern const struct metric_info metric_info[METRIC_NR];
/* METRIC_NR if there is none. */
enum metric metric_by_name(const char *name);
/* Can it be measured over a part of the run? */
bool metric_has_window(enum metric m);
/* Digits behind the point that mean something. */
int metric_decimals(enum metric m);

/* Part of the run; to = 0: all of it. */
struct window {
    sched_time from, to;
};

/*
 * Of one vCPU; of a domain (vcpu < 0); of the host (domain < 0). NAN: nothing was measured (no
 * wakes, no jobs, no such metric for a vCPU or over a window).
 */
void metric_measure(const struct result *r, int domain, int vcpu, struct window w,
                    double value[METRIC_NR]);

/* "web", or "web.1" if the domain has several vCPUs; index into result->vcpus. */
struct vcpu_name {
    char text[72]; /* longer names of domains are cut */
};
const char *vcpu_name(const struct result *r, unsigned index, struct vcpu_name *buffer);

/* With three digits and a unit, "1.25 ms"; "-" for NAN. */
struct metric_text {
    char text[32];
};
const char *metric_show(enum metric_unit unit, double value, struct metric_text *buffer);

/* All wakes of a domain (-1: of all) into *out. */
void latency_of(const struct result *r, int domain, int vcpu, struct histogram *out);

/* Service and ideal (ns since the start) of a vCPU at any time of the run, from the samples. */
struct sample sample_at(const struct result *r, unsigned index, sched_time t);

#endif
