/*
 * Virtual time: service divided by weight, the common currency of every
 * weighted policy (Parekh & Gallager's GPS; A_i of BVT).
 *
 * A unit's vtime grows by num/den ns for each ns that it runs. For weights,
 * num = 256 and den = the weight, so a unit of the default weight advances
 * with real time. vtime never goes back while a unit stays on its pCPU: what
 * was used is paid for. Compare with vtime_diff only (it wraps in 2^63 ns).
 *
 * Each pCPU has a clock: the weighted mean of the vtimes of the units that
 * are runnable there. A pCPU whose clock is ahead of another's serves its
 * units better, and takes over work from there (balance.c) if affinity allows.
 * Where it does not, clocks drift apart; levels.c bounds how far. A unit that
 * moves keeps its vtime: it is owed as much on one pCPU as on another.
 */
#ifndef SCHED_FAIR_H
#define SCHED_FAIR_H

#include "sched.h"

static inline int64_t vtime_diff(int64_t a, int64_t b)
{
    return heap_key_diff(a, b);
}

static inline int64_t vtime_later(int64_t a, int64_t b)
{
    return vtime_diff(a, b) >= 0 ? a : b;
}

/* vtime advances num/den per ns; both at least 1. Not while the unit is in a clock. */
void fair_set_share(struct sched_unit *u, uint32_t num, uint32_t den);
static inline void fair_set_weight(struct sched_unit *u, int64_t weight)
{
    fair_set_share(u, 256, (uint32_t)weight);
}

/* Own service in ns <-> virtual time, for this unit's weight. */
int64_t fair_to_virtual(const struct sched_unit *u, int64_t service);
int64_t fair_to_service(const struct sched_unit *u, int64_t vtime);

/* The unit ran on its home. */
void fair_charge(struct sched_unit *u, sched_time ran);

/* The vtime that `u`, running on pcpu since pcpu->charged, has at `now`. */
int64_t fair_vtime_at(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time now);

/* Become runnable on / leave u->home. Joining an empty clock sets it to the unit's vtime. */
void fair_join(struct sched_unit *u);
void fair_leave(struct sched_unit *u);
/* A sleeper that comes back to an empty pCPU starts where the last unit there has left. */
void fair_catch_up(struct sched_unit *u);
/* Sets a unit's vtime forward (a wake rule); keeps the clock exact. */
void fair_set_vtime(struct sched_unit *u, int64_t vtime);

/* Weighted mean vtime at `now`; for an empty clock the last value. */
int64_t fair_clock(const struct sched_pcpu *pcpu, sched_time now);

/* What the clock of the unit's home would be without it, for a home with others. Nobody runs
 * there at the moment. */
int64_t fair_clock_without(const struct sched_unit *u);

/* How long the pCPU's clock takes to advance by `vtime` while it is busy, ns. */
int64_t fair_clock_time(const struct sched_pcpu *pcpu, int64_t vtime);

#endif
