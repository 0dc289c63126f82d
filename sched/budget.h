/*
 * Caps: a domain's CPU time as a token bucket.
 *
 * Tokens flow in at `cap` per cent of a pCPU and are kept up to `depth`, one
 * replenishment period's worth. A unit takes a quota of tokens before it runs
 * and returns what it did not burn. Free and held tokens together never exceed
 * the depth, so in any window W the domain runs at most cap*W + depth,
 * however many units it has and wherever they run. A plain budget refilled once
 * a period (as Xen's credit2 does) would allow twice the depth around a refill.
 */
#ifndef SCHED_BUDGET_H
#define SCHED_BUDGET_H

#include "sched.h"

/* A quota is at least this (CSCHED2's MIN_TIMER), or the whole depth if that is smaller. */
#define BUDGET_MIN_QUOTA 500000LL

static inline bool budget_capped(const struct sched_domain *d)
{
    return d->budget.depth != 0;
}

/* Part of a unit's quota that must be there to start it, and to wake a parked one. */
#define BUDGET_START 4
#define BUDGET_READY 2

void budget_init(struct sched_domain *d);

/* cap in per cent of one pCPU, 0 = none; starts empty. No unit may be running or parked. */
void budget_set(struct sched_domain *d, int64_t cap, sched_time period, sched_time now);

/* A refusal if `cap` is more than all vCPUs of the domain could use. */
int budget_check(const struct sched_domain *d, int64_t cap, struct sched_refusal *why);

/* `u` may start to run at `now`: for how long, SCHED_NEVER without a cap, 0 if it must park. */
sched_time budget_start(struct sched_unit *u, sched_time now);
/* It stopped (charged already); what it did not burn goes back. Harmless if it never started. */
void budget_stop(struct sched_unit *u, sched_time now);

/* Is there enough to start one more unit? */
bool budget_available(struct sched_domain *d, sched_time now);
/* Have sched_tick call core_ready on `u` when its domain has tokens again. */
void budget_park(struct sched_unit *u, sched_time now);
/* It does not wait for tokens any more (it blocks, moves or ends). */
void budget_unpark(struct sched_unit *u);
/* Units that wait for tokens get ready; returns when the next domain's turn is. */
sched_time budget_tick(struct sched_pool *pool, sched_time now);

#endif
