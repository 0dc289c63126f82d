/*
 * One-shot timers, in a heap for each pCPU under its timer_lock. A timer is in
 * the heap of the pCPU that set it last, whatever pCPU stops it or sets it
 * again.
 *
 * The local APIC follows lazily: the run loop calls timers_arm before it lets
 * go of the processor, so setting a timer ten times in one exit costs one write
 * to the hardware, or none.
 */
#include "timer.h"

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    heap_node_init(&t->node);
    t->pcpu = this_pcpu();
    t->fire = fire;
}

void timers_pcpu_init(struct pcpu *p)
{
    spin_init(&p->timer_lock, RANK_TIMER);
    heap_init(&p->timers);
    p->timer_due = p->timer_armed = SCHED_NEVER;
}

static struct timer *earliest(const struct pcpu *p)
{
    return heap_top_entry(&p->timers, struct timer, node);
}

static void due_update(struct pcpu *p)
{
    p->timer_due = p->timers.top ? p->timers.top->key : SCHED_NEVER;
}

static void dequeue(struct pcpu *p, struct timer *t)
{
    heap_remove(&p->timers, &t->node);
    due_update(p);
}

/* Locks the pCPU that has the timer, and `other` too; t->pcpu changes only under such a pair. */
static struct pcpu *lock_with(struct timer *t, struct pcpu *other)
{
    for (;;) {
        struct pcpu *p = __atomic_load_n(&t->pcpu, __ATOMIC_ACQUIRE);

        spin_lock_two(&p->timer_lock, other ? &other->timer_lock : &p->timer_lock);
        if (p == t->pcpu)
            return p;
        spin_unlock_two(&p->timer_lock, other ? &other->timer_lock : &p->timer_lock);
    }
}

void timer_set(struct timer *t, sched_time when)
{
    struct pcpu *here = this_pcpu(), *p;

    if (when == SCHED_NEVER) {
        timer_stop(t);
        return;
    }
    p = lock_with(t, here);
    when = MAX(when, 0); /* the heap compares by difference: without negative keys none overflows */
    if (timer_is_set(t) && p == here) {
        heap_update(&p->timers, &t->node, when);
    } else {
        if (timer_is_set(t))
            dequeue(p, t);
        __atomic_store_n(&t->pcpu, here, __ATOMIC_RELEASE);
        heap_insert(&here->timers, &t->node, when);
    }
    due_update(here);
    spin_unlock_two(&p->timer_lock, &here->timer_lock);
}

void timer_stop(struct timer *t)
{
    struct pcpu *p = lock_with(t, NULL);

    if (timer_is_set(t))
        dequeue(p, t);
    spin_unlock(&p->timer_lock);
}

static bool firing_elsewhere(const struct timer *t)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (pcpus[i] != this_pcpu() && pcpus[i]->timer_firing == t)
            return true;
    return false;
}

void timer_fini(struct timer *t)
{
    do {
        timer_stop(t);
        while (firing_elsewhere(t))
            cpu_relax();
    } while (timer_is_set(t)); /* `fire` had set it again */
}

/* Takes the earliest timer off the heap if it is due. */
static struct timer *take_due(struct pcpu *p, sched_time t)
{
    spin_lock(&p->timer_lock);
    struct timer *due = earliest(p);
    if (due && due->node.key > t)
        due = NULL;
    if (due) {
        p->timer_firing = due; /* before it is off the heap, see timer_fini */
        dequeue(p, due);
    }
    spin_unlock(&p->timer_lock);
    return due;
}

/* As many as there were: a timer that sets itself to the past does not keep us here. */
void timers_run(void)
{
    struct pcpu *p = this_pcpu();
    sched_time t;

    if (p->timer_due == SCHED_NEVER || p->timer_due > (t = now()))
        return;
    for (size_t left = p->timers.size; left; left--) {
        struct timer *due = take_due(p, t);

        if (!due)
            return;
        due->fire(due);
        p->timer_firing = NULL;
    }
}

void timers_arm(void)
{
    struct pcpu *p = this_pcpu();
    sched_time when = MIN(p->timer_due, p->decide_at);

    if (when == p->timer_armed)
        return;
    p->timer_armed = when;
    apic_timer_arm(when);
}
