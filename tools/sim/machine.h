/*
 * The simulated host: the scheduler's objects, made as the scenario says.
 * Functions that can be refused return 0 or a negative SCHED_E* with the
 * reason in *why, and leave things as they were.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include "scenario.h"

struct block { /* objects of a size that only the scheduler knows */
    char *base;
    size_t stride;
};

struct machine {
    const struct scenario *scenario;
    struct sched sched;
    struct sched_pcpu **pcpus;
    struct block pcpu_block, pool_block, domain_block, unit_block;
    struct sched_affinity *affinities;
    unsigned nr_units;
    unsigned *first_unit; /* by domain, and the sum at the end */
    int64_t mcuadv_scale; /* mcuadv of weight 1, if any domain gives a weight */
    bool *exists;         /* domains */
};

static inline struct sched_pool *machine_pool(const struct machine *m, unsigned i)
{
    return (struct sched_pool *)(m->pool_block.base + i * m->pool_block.stride);
}

static inline struct sched_domain *machine_domain(const struct machine *m, unsigned i)
{
    return (struct sched_domain *)(m->domain_block.base + i * m->domain_block.stride);
}

/* Units are numbered through all domains. */
static inline struct sched_unit *machine_unit(const struct machine *m, unsigned i)
{
    return (struct sched_unit *)(m->unit_block.base + i * m->unit_block.stride);
}

/* Allocates all, initialises pCPUs and pools. false: a message has been printed. */
bool machine_init(struct machine *m, const struct scenario *s, const struct sched_env *env);
void machine_free(struct machine *m);

/* All its units are blocked. */
int machine_create(struct machine *m, unsigned domain, sched_time now, struct sched_refusal *why);
void machine_destroy(struct machine *m, unsigned domain, sched_time now);

/* CHANGE_SET; each vCPU keeps the values of its own that are not set. */
int machine_set(struct machine *m, const struct scenario_change *change, struct sched_refusal *why);
int machine_set_pool(struct machine *m, unsigned pool, const struct param_setting *set, unsigned nr,
                     sched_time now, struct sched_refusal *why);
/* vcpu -1: all of the domain, or none if one is refused. */
int machine_pin(struct machine *m, unsigned domain, int vcpu, const struct scenario_vcpu *pin,
                sched_time now, struct sched_refusal *why);
int machine_set_table(struct machine *m, const struct scenario_change *change,
                      struct sched_refusal *why);

/* Weight in the sense of the ideal, 256 where the policy knows none. */
double machine_weight(const struct sched_unit *u);
/* In per cent of a pCPU, 0 = none. */
int64_t machine_cap(const struct sched_domain *d);

#endif
