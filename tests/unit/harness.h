/*
 * A host for tests of policies: pCPUs, domains and units in virtual time, without the
 * simulator. One pool at the start; tests may call the core directly for everything else, with
 * h->now as the time, between calls of harness_run().
 *
 * Units are told apart by struct sched_unit; struct harness_unit says what they do and what
 * has been seen of them.
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include "../../sched/policy.h"

#define HARNESS_MAX_PCPUS 64
#define HARNESS_MAX_UNITS 512
#define HARNESS_MAX_POOLS 4

enum harness_work {
    HARNESS_IDLE, /* woken and put to sleep by the test only */
    HARNESS_HOG,
    HARNESS_CYCLE,    /* runs `run` of CPU time, sleeps `sleep` */
    HARNESS_YIELD,    /* runs `run`, yields */
    HARNESS_PERIODIC, /* a job of `run` each `sleep`; the next release is the deadline */
};

struct harness_unit {
    struct sched_unit *unit;
    enum harness_work work;
    sched_time run, sleep;
    sched_time left;         /* of the current burst or the jobs released */
    sched_time alarm;        /* next wake or release */
    sched_time mark;         /* service when measuring began */
    bool waits;              /* woken and not run since */
    sched_time longest_wait; /* wake to run */
    uint64_t switches;       /* times it began to run after another or none */
    uint64_t misses;         /* jobs not done at their deadline */
};

struct harness {
    struct sched sched;
    struct sched_env env;
    struct sched_pcpu *pcpus[HARNESS_MAX_PCPUS];
    sched_time due[HARNESS_MAX_PCPUS]; /* when sched_decide is called next */
    struct sched_pool *pool;           /* = pools[0] */
    struct sched_pool *pools[HARNESS_MAX_POOLS];
    struct harness_unit units[HARNESS_MAX_UNITS];
    unsigned nr_pcpus, nr_units, nr_domains, nr_pools;
    sched_time now, marked;
    uint64_t decisions;
    sched_time wasted; /* pCPU time idle while an indexed unit could run there, since the mark */
    struct list memory;
};

/* All pCPUs in one pool, one core and socket each; fails the test if there is no such policy. */
struct harness *harness_new(const char *policy, unsigned nr_pcpus);
void harness_free(struct harness *h);

/* Another pool, without pCPUs. */
struct sched_pool *harness_pool(struct harness *h, const char *policy);
struct sched_domain *harness_domain(struct harness *h);
/* A unit of `d` (NULL: of a new domain), awake unless it is IDLE. Periodic ones begin now. */
struct sched_unit *harness_unit(struct harness *h, struct sched_domain *d, enum harness_work work,
                                sched_time run, sched_time sleep);
struct sched_unit *harness_hog(struct harness *h);
struct harness_unit *harness_of(struct harness *h, const struct sched_unit *u);

/* Set one parameter by name, the others of the scope stay; what the core returned. At domain
 * scope the domain of `u`, at unit scope `u`; at pool scope `u` is not used. */
int harness_set(struct harness *h, enum sched_scope scope, struct sched_unit *u, const char *name,
                int64_t value);
/* Hard affinity: only this pCPU. */
void harness_pin(struct harness *h, struct sched_unit *u, unsigned pcpu);

void harness_run(struct harness *h, sched_time duration);
/* Start measuring. */
void harness_mark(struct harness *h);
/* CPU time since the mark. */
sched_time harness_service(const struct harness *h, const struct sched_unit *u);
/* The same in per cent of one pCPU. */
double harness_share(struct harness *h, const struct sched_unit *u);

#endif
