/* Two looks at the vCPUs, and what happened in between. */
#ifndef CLI_SAMPLE_H
#define CLI_SAMPLE_H

#include "host.h"
#include "share.h"

struct sample {
    struct moirai_vcpu vcpu; /* as of the second look */
    double seconds;          /* between the looks, 0: it was not there at the first */
    double ran, waited;      /* parts of that time */
    double wakes;            /* in a second */
    double latency;          /* ns from a wake until it ran, mean; 0 without wakes */
    double latency_p99;      /* 99 % took at most about this: a bound, less than twice as much */
    struct share_vcpu share;
};

/* Of the vCPU that `before` (NULL: none) and `after` are looks at; share is left alone. */
void sample_between(const struct moirai_vcpu *before, const struct moirai_vcpu *after,
                    struct sample *out);

/* The vCPU in a list sorted by domain and vCPU, or NULL. */
const struct moirai_vcpu *vcpu_in(const struct moirai_vcpu *list, unsigned nr, unsigned domain,
                                  unsigned vcpu);

#endif
