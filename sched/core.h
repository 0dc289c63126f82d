/*
 * Between the parts of the core: the life of a unit in its pool. Policies use
 * policy.h instead.
 *
 * States and who moves a unit between them:
 *
 *   BLOCKED --wake--> WAITING --decide--> RUNNING
 *      ^                |  ^                 |
 *      |             park  ready          slice ends, preempted
 *      |                v  |                 |
 *      +---- block --- PARKED <--------------+--> WAITING
 *
 * A unit that is WAITING or RUNNING is in the clock of its home; one that is
 * WAITING, not bound and allowed on several pCPUs is in the pool's index if
 * the policy is balanced.
 */
#ifndef SCHED_CORE_H
#define SCHED_CORE_H

#include "policy.h"

/* Queue a runnable unit that is in no queue at its home. False: it parked. */
bool core_queue(struct sched_unit *u, enum sched_why why, sched_time now);
/* Take a waiting or parked unit out of its queue, the index and the clock. */
void core_unqueue(struct sched_unit *u, sched_time now);
/* A runnable unit that is in no queue: place it, queue it, and see that somebody runs it. */
void core_dispatch(struct sched_unit *u, enum sched_why why, sched_time now);
/* Take a unit out of whatever it does, so that it can be changed; core_resume undoes it. */
void core_withdraw(struct sched_unit *u, sched_time now);
/* Dispatch a withdrawn unit again (SCHED_MOVED) if it is runnable. */
void core_resume(struct sched_unit *u, sched_time now);

/* The pCPU's running unit goes back to its queue, and the pCPU chooses anew. */
void core_preempt(struct sched_pcpu *pcpu, sched_time now);
/* A waiting unit changes its pCPU. */
void core_move(struct sched_unit *u, struct sched_pcpu *to, sched_time now);

/* levels.c: bounds the distances between the pool's units in virtual time, when it is time to;
 * returns when that is next, SCHED_NEVER if all sleep. levels_watch: somebody does not any more. */
sched_time levels_tick(struct sched_pool *pool, sched_time now);
void levels_watch(struct sched_pool *pool, sched_time now);

/* displace.c: `u`, which has just run and waits now, moves to a pCPU that is served better, over a
 * chain of running units if need be. True if it has moved. */
bool displace(struct sched_unit *u, sched_time now);

/* balance.c: where a unit that becomes runnable shall go. */
struct sched_pcpu *balance_place(const struct sched_unit *u, sched_time now);
/* A pCPU that the unit may run on and that is not busier than others (up to 16 looked at). */
struct sched_pcpu *balance_least_loaded(const struct sched_unit *u);
/* Before `pcpu` chooses: if its queue is empty, or serves its units better than others are
 * served, it takes over the waiting unit that is furthest behind. Returns that unit or NULL. */
struct sched_unit *balance_pull(struct sched_pcpu *pcpu, sched_time now);
/* When a pCPU that has just been given a unit to run should decide anew for the sake of balance,
 * SCHED_NEVER if it need not. */
sched_time balance_look_again(struct sched_pcpu *pcpu, sched_time now);
/* An idle pCPU gets work: it shall look for it, and others shall not count on it. If it takes
 * another one than `u` after all, `u` is offered again. */
void balance_claim(struct sched_pcpu *pcpu, struct sched_unit *u, sched_time now);
/* The unit has to wait: ask an idle pCPU to take it, and busy ones to look at it. */
void balance_offer(struct sched_unit *u, sched_time now);

#endif
