/*
 * Random numbers of the simulator: SplitMix64 (Steele, Lea, Flood, OOPSLA
 * 2014), a counter run through a bijective mixer. Every vCPU and every client
 * has a stream of its own, so what one draws does not depend on the order in
 * which the scheduler runs them. No libm: the same numbers on every machine.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include "scenario.h"

struct rng {
    uint64_t state;
};

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *r);
/* What the k-th rng_next from now on (0 = the next one) will return; draws nothing. */
uint64_t rng_peek(const struct rng *r, uint64_t k);
/* Uniform in 0 to n-1, n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Exponentially distributed with mean 1. */
double rng_exponential(struct rng *r);
/* A time of the distribution, never negative. */
sched_time rng_time(struct rng *r, const struct dist *d);

#endif
