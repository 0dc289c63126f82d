/*
 * Pools of pCPUs, each with a policy of its own. A pCPU is in one pool, free or
 * offline; a domain is in one, and runs on its pCPUs only. Pool 0 is there for ever: it
 * has dom0, which never leaves it.
 */
#ifndef XEN_CPUPOOL_H
#define XEN_CPUPOOL_H

#include "domain.h"

#define CPUPOOL_ANY (~0u) /* whatever number is free, whatever pCPU */

extern struct sched_pool *pool0;

/* Pool 0, without pCPUs. */
void cpupools_init(struct sched *s, const struct sched_policy *policy);

/* The pool of that number, or the first whose number is not less; or NULL. Under sched_lock. */
struct sched_pool *cpupool_find(uint32_t id);
struct sched_pool *cpupool_from(uint32_t at_least);

/* Without pCPUs. *id may be CPUPOOL_ANY, and is what it became. -EEXIST, -ENOMEM. */
int cpupool_create(uint32_t *id, const struct sched_policy *policy);
/* -ENOENT; -EBUSY: it has pCPUs or domains. */
int cpupool_destroy(uint32_t id);
/* CPUPOOL_ANY: the first that is free. -ENOENT, -EINVAL: no such pCPU, -ENODEV: it is not free. */
int cpupool_add_pcpu(uint32_t id, uint32_t pcpu);
/* CPUPOOL_ANY: the pool's last. -ENOENT; -EINVAL: no such pCPU; -EADDRNOTAVAIL: it is elsewhere;
 * -EBUSY: domains would be without any; -ENOSPC: what is reserved does not fit on the others. */
int cpupool_remove_pcpu(uint32_t id, uint32_t pcpu);
/* Out of Pool-0, or no longer free; and back into Pool-0, as Xen does. -EEXIST: it is that already;
 * -ENODEV: it is in another pool; -EBUSY, -ENOSPC: as above. */
int cpupool_offline_pcpu(struct pcpu *p);
int cpupool_online_pcpu(struct pcpu *p);
/* In no pool, but could be. Under sched_lock. */
bool cpupool_is_free(const struct pcpu *p);
/* -ENOENT: no such pool, or it has no pCPU; -EPERM: it is dom0. */
int cpupool_move_domain(struct domain *d, uint32_t id);
/* The number of the domain's pool. */
uint32_t cpupool_of(const struct domain *d);

/* sched_env's timer. */
void cpupool_timer(void *ctx, struct sched_pool *pool, sched_time when);

#endif
