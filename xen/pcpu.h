/* One physical CPU as the hypervisor sees it; reached through GS. */
#ifndef XEN_PCPU_H
#define XEN_PCPU_H

#include "../sched/heap.h"
#include "../sched/sched.h"
#include "spinlock.h"

#define MAX_PCPUS 64

struct vcpu;
struct domain;
struct timer;

struct pcpu {
    struct pcpu *self; /* must be first: %gs:0 */
    unsigned id;
    uint32_t apic_id;
    unsigned core, socket, node;
    bool online; /* or parked (hotplug.c), in no pool; changes under sched_lock */
    void *stack_top;

    /* What it runs (schedule.c). */
    struct sched_pcpu *sched;
    struct vcpu *loaded;       /* whose FPU and XCR0 are in the registers; NULL: nobody's */
    struct vcpu *volatile coming, *volatile leaving; /* about to be loaded; just unloaded */
    volatile bool resched;     /* decide again before a guest is entered */
    volatile sched_time decide_at; /* end of the slice, SCHED_NEVER if it has none */
    uint64_t idle_ns;

    /* Nested TLB (p2m.c): set while the pCPU executes a guest. */
    struct domain *volatile in_guest;
    volatile uint64_t guest_epoch; /* in_guest->p2m.epoch that its TLB agrees with */

    /* timer.c */
    struct spinlock timer_lock;
    struct heap timers;
    volatile sched_time timer_due;         /* of the earliest in `timers`, SCHED_NEVER */
    struct timer *volatile timer_firing;   /* off the heap, its `fire` is running */
    sched_time timer_armed; /* what the local APIC's timer is set to */

    void *hvm;  /* the virtualisation hardware's state here (svm.c) */
    void *arch; /* descriptor tables, host state of the virtualisation hardware */
};

extern struct pcpu *pcpus[MAX_PCPUS]; /* by id */
extern unsigned nr_pcpus;             /* all that have started, those that are parked too */

static inline struct pcpu *this_pcpu(void)
{
    struct pcpu *p;
    __asm__("mov %%gs:0, %0" : "=r"(p));
    return p;
}

/* Has anything come up since timers_arm()? When the hardware's timer fires, it counts as not armed
 * for anything. No clock is read here: this is on the way of every exit. */
static inline bool pcpu_must_look(const struct pcpu *p)
{
    sched_time timer = p->timer_due, decide = p->decide_at;

    return p->resched || MIN(timer, decide) != p->timer_armed;
}

/* smp.c: an interrupt that makes it leave the guest or the idle loop and look around. */
void pcpu_kick(struct pcpu *p);

#endif
