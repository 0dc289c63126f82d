/*
 * What each vCPU should get by the parameters of its pool's scheduler: weighted
 * max-min fairness with reservations served first (tools/sim/ideal.h), given
 * what each could use.
 */
#ifndef CLI_SHARE_H
#define CLI_SHARE_H

#include "host.h"

/* A vCPU of one pool. */
struct share_vcpu {
    uint64_t hard;   /* pCPUs of the pool that it may run on */
    double demand;   /* what it could use, in pCPUs: 0 to 1 */
    double reserved; /* at least this if it wants it */
    double weight;   /* share of the rest; 0: none */
    unsigned domain; /* those of one domain share its cap */
    double cap;      /* in pCPUs, 0: none */
    double ideal;    /* the answer, in pCPUs */
};

/* Weight, reservation and cap by the policy's parameters; arinc653 has others (share_windows). */
void share_params(struct share_vcpu *v, const struct policy *p, const int64_t *domain_value,
                  const int64_t *vcpu_value);
/* arinc653: `runtime` in each `frame`, and no more. */
void share_windows(struct share_vcpu *v, int64_t runtime, int64_t frame);

/* What it could have used of an interval of `ns`: all of it, unless it has slept. */
double share_demand(uint64_t ran, uint64_t waited, uint64_t ns);

/* false: out of memory. */
bool share_ideal(struct share_vcpu *vcpus, unsigned nr);

#endif
