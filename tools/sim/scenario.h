/*
 * What moirai-sim is asked to run: the parsed scenario file and the xl domain
 * configs that it names. Filled in by scenario_load(), which has checked
 * everything that can be checked before the run; read by the engine.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../sched/sched.h"
#include "arena.h"
#include "message.h"  /* struct place */
#include "topology.h" /* struct host_pcpu */

/* ---- workloads ----------------------------------------------------------- */

enum dist_kind { DIST_CONST, DIST_UNIFORM, DIST_EXP };

/* A time drawn from a distribution. const: a; uniform: a..b; exp: mean a. */
struct dist {
    enum dist_kind kind;
    sched_time a, b;
};

enum workload_kind {
    WORK_HOG,
    WORK_PERIODIC,    /* period, busy, jitter, phase: a job each period, deadline = next release */
    WORK_INTERACTIVE, /* sleep dist, burst dist */
    WORK_SERVER,      /* `clients` in closed loop: think dist, service dist; requests queue FIFO */
    WORK_FORKJOIN,    /* all vCPUs of the domain: burst dist each, then a barrier; idle gap dist */
    WORK_SPINLOCK,    /* all vCPUs: compute dist, then a critical section (hold dist) under one
                         lock per domain; waiting vCPUs spin (burn CPU) */
    WORK_TRACE,       /* replay: lines "sleep_ns run_ns" of a file */
    WORK_YIELDER,     /* runs burst, then yields: for theft tests */
    WORK_IDLE,
};

struct workload {
    enum workload_kind kind;
    sched_time period, busy, jitter, phase;
    struct dist sleep, burst; /* interactive; think/service for servers; gap/burst for forkjoin;
                                 compute = sleep, hold = burst for spinlock */
    unsigned clients;
    unsigned nr_steps; /* trace: pairs, repeated from the start when used up */
    struct {
        sched_time sleep, run;
    } * steps;
};

/* ---- objects -------------------------------------------------------------- */

struct param_setting { /* name = value, resolved against the policy: index within its scope */
    enum sched_scope scope;
    unsigned index;
    int64_t value;
    struct place place;
};

struct scenario_pool {
    char *name;
    const struct sched_policy *policy;
    struct mask cpus;
    unsigned nr_settings;
    struct param_setting *settings;
    struct place place;
};

struct scenario_vcpu {
    struct mask hard, soft;
    bool has_hard, has_soft;
};

struct scenario_domain {
    char *name;
    unsigned nr_vcpus;
    struct scenario_vcpu *vcpus;
    unsigned pool;        /* index */
    int64_t weight, cap;  /* -1: not given; cap in per cent */
    unsigned nr_settings; /* other parameters of the pool's policy, domain and unit scope */
    struct param_setting *settings;
    struct workload workload;
    bool privileged;
    bool at_start; /* false: created by an event */
    struct place place;
};

enum change_kind {
    CHANGE_CREATE,
    CHANGE_DESTROY,
    CHANGE_PAUSE,
    CHANGE_UNPAUSE,
    CHANGE_SET, /* domain (all vCPUs if vcpu < 0): settings */
    CHANGE_POOL_SET,
    CHANGE_PIN, /* vcpu < 0: all; hard/soft as in vcpu-pin */
    CHANGE_CPU_ONLINE,
    CHANGE_CPU_OFFLINE,
    CHANGE_MOVE,   /* domain to pool */
    CHANGE_SWITCH, /* pool to policy */
    CHANGE_VCPU_ONLINE,
    CHANGE_VCPU_OFFLINE,
    CHANGE_TABLE, /* ARINC653 */
};

struct scenario_window {
    unsigned domain, vcpu;
    sched_time runtime;
};

struct scenario_change {
    sched_time at;
    enum change_kind kind;
    int domain, vcpu, pool, pcpu; /* indices, -1: none / all */
    const struct sched_policy *policy;
    struct scenario_vcpu pin;
    unsigned nr_settings;
    struct param_setting *settings;
    int64_t weight; /* CHANGE_SET where the policy has mcuadv instead of weight; -1: not given */
    sched_time major_frame;
    unsigned nr_windows;
    struct scenario_window *windows;
    bool expect_refusal; /* "refused at ...": the run fails if it is accepted */
    struct place place;
};

/* `expect METRIC of WHOM RELATION VALUE [± TOLERANCE]`: the scenario's own verdict. */
struct expectation {
    char *metric;     /* a name of metric_info (metric.h) */
    int domain, vcpu; /* -1: the whole host / all vCPUs of the domain */
    enum { EXPECT_EQ, EXPECT_LE, EXPECT_GE } relation;
    double value, tolerance; /* in the unit of the metric: per cent, ns or a count */
    sched_time from, to;     /* window; 0,0: the whole run */
    struct place place;
};

struct costs {
    sched_time context_switch, migration, ipi;
};

struct scenario {
    const char *file;
    char *title;
    unsigned nr_pcpus;
    struct host_pcpu *pcpus;
    unsigned nr_pools, nr_domains, nr_changes, nr_expectations;
    struct scenario_pool *pools; /* 0 is Pool-0 */
    struct scenario_domain *domains;
    struct scenario_change *changes; /* by time, stable */
    struct expectation *expectations;
    sched_time duration;
    uint64_t seed;
    struct costs costs;
    struct arena memory; /* of everything above */
};

/* What the command line puts in place of the file's statements; zero or NULL: nothing. */
struct load_options {
    const char *policy;  /* of Pool-0: a name, then pool parameters: "credit historic=1". Pool and
                            domain settings that it does not have are dropped with a warning. */
    sched_time duration; /* changes and expectations beyond it are dropped with a warning */
    bool has_seed;
    uint64_t seed;
};

/* Loads FILE and what it names; `options` may be NULL. On an error prints "file:line: wrong;
 * right" to stderr and returns NULL. */
struct scenario *scenario_load(const char *file, const struct load_options *options);
/* The same from a stream; `file` is for messages and the place of files that it names. */
struct scenario *scenario_read(FILE *in, const char *file, const struct load_options *options);
void scenario_free(struct scenario *s);

#endif
