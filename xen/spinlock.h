/*
 * Ticket spinlocks. The hypervisor runs with interrupts off but for its two
 * windows (the idle loop and the moment before a guest is entered), so locks
 * need not save them.
 *
 * Every lock has a rank; a pCPU takes locks in rising order only. Debug builds
 * check that, and that who unlocks has locked.
 */
#ifndef XEN_SPINLOCK_H
#define XEN_SPINLOCK_H

#include "lib.h"

/* Outer locks first. Two of the same rank: only by spin_lock_two(). */
enum lock_rank {
    RANK_DOMAINS,  /* the list of domains and their life cycle */
    RANK_DOMAIN,   /* one domain's parameters, vCPUs, HVM params */
    RANK_GRANT,    /* a grant table */
    RANK_EVENT,    /* a domain's event channels */
    RANK_QUEUE,    /* a domain's queues of events (FIFO ABI) */
    RANK_DEMAND,   /* a domain's memory that it gets at first use */
    RANK_P2M,      /* a domain's nested page tables */
    RANK_SCHED,    /* the scheduler */
    RANK_LAPIC,    /* a vCPU's local APIC */
    RANK_IRQ,      /* IO-APICs, vectors */
    RANK_TIMER,    /* a pCPU's timers */
    RANK_PAGING,   /* the hypervisor's own page tables */
    RANK_FRAMES,   /* free frames; a domain's list of pages */
    RANK_CONSOLE,  /* last: everybody prints */
    NR_LOCK_RANKS,
};

struct spinlock {
    uint16_t next, serving; /* tickets */
    uint16_t rank;
    int16_t holder; /* pCPU or -1 */
};

#define SPINLOCK_INIT(r) {0, 0, (r), -1}

void spin_init(struct spinlock *lock, enum lock_rank rank);
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
/* Two locks of the same rank, by address; a == b locks once. */
void spin_lock_two(struct spinlock *a, struct spinlock *b);
void spin_unlock_two(struct spinlock *a, struct spinlock *b);

static inline void cpu_relax(void)
{
    __builtin_ia32_pause();
}

#endif
