/*
 * What a run found: filled in by the engine, read by the reports, the plots
 * and the expectations.
 */
#ifndef SIM_RESULT_H
#define SIM_RESULT_H

#include "scenario.h"

/* Log-linear histogram of times (HDR style): relative error below 1/64. */
#define HIST_SUB 64
#define HIST_BUCKETS (HIST_SUB * 48)
struct histogram {
    uint64_t count;
    uint64_t bucket[HIST_BUCKETS];
    sched_time max;
    double sum;
};
void histogram_add(struct histogram *h, sched_time t);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* q in 0..1; 0 if empty; never above max. */
sched_time histogram_quantile(const struct histogram *h, double q);

struct vcpu_result {
    unsigned domain, vcpu;
    sched_time present;   /* time between creation and end (or destruction) */
    sched_time service;   /* CPU time received */
    double ideal;         /* CPU time in the fluid ideal (ideal.h), ns */
    double max_lag;       /* max over time of ideal - received, ns */
    struct histogram latency; /* wake to run */
    uint64_t jobs, misses;    /* periodic work: jobs due, jobs late */
    uint64_t switches, migrations;
    sched_time longest_wait;  /* runnable, not parked, not running */
};

struct domain_result {
    struct histogram requests; /* response times, server workloads */
    uint64_t iterations;       /* fork-join rounds, critical sections */
    double cap_excess;  /* max over windows of received - cap * W, ns; 0 if uncapped */
};

/* What happened, in order; kept for the trace, the timeline plot and windowed expectations. */
struct slice { /* a unit ran on a pCPU */
    sched_time from, to;
    unsigned pcpu, vcpu_index; /* index into result->vcpus */
};

/* Cumulative service and ideal; the first sample is taken at sample_period. */
struct sample { sched_time service; double ideal; };

struct result {
    const struct scenario *scenario;
    unsigned nr_vcpus;
    struct vcpu_result *vcpus; /* in order of domain, vcpu */
    struct domain_result *domains;
    sched_time end;
    uint64_t decisions, events;
    sched_time idle_while_waiting; /* summed over pCPUs: idle though an indexed unit could run there */
    sched_time busy;               /* summed over pCPUs */
    unsigned nr_slices;            /* kept only if asked for (trace, timeline) */
    struct slice *slices;
    bool slices_truncated;
    sched_time sample_period;
    unsigned nr_samples;
    struct sample *samples;        /* [sample][vcpu] */
    unsigned nr_refusals;          /* changes that the policy refused */
    struct { unsigned change; struct sched_refusal why; } *refusals;
};

struct run_options {
    bool keep_slices;
    unsigned max_slices;
    bool ideal;    /* compute the fluid ideal and the lag */
    bool progress; /* print progress to stderr */
};

/* NULL: the scenario asks for something impossible that only the run could find (a refused
 * change without expect_refusal); the message, with file:line, is on stderr. */
struct result *simulate(const struct scenario *s, const struct run_options *o);
void result_free(struct result *r);

#endif
