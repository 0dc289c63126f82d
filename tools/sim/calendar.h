/*
 * The calendar of future events, a heap by time; those of pCPUs are in turns.h. At one instant:
 * changes of the scenario come first, then vCPUs that finish what they do, then wake-ups and pool
 * timers, then decisions, which therefore see everything that happened at that instant; samples
 * last. Within one order, first in first out.
 */
#ifndef SIM_CALENDAR_H
#define SIM_CALENDAR_H

#include "../../sched/heap.h"
#include "../../sched/sched.h"

enum event_order {
    ORDER_CHANGE,
    ORDER_FINISH,
    ORDER_WAKE,
    ORDER_TICK,
    ORDER_FLUID,
    ORDER_DECIDE,
    ORDER_SAMPLE,
};
#define ORDER_BITS 3

/* Later times count as never: 36 years. */
#define CALENDAR_END ((sched_time)1 << (62 - ORDER_BITS))

enum event_kind {
    EVENT_CHANGE, /* the next change of the scenario */
    EVENT_TIMER,  /* of a workload */
    EVENT_POOL,   /* a policy's timer */
    EVENT_FLUID,  /* a vCPU of the fluid ideal runs out of work */
    EVENT_SAMPLE,
};

struct event {
    struct heap_node node;
    enum event_kind kind;
};

static inline void event_init(struct event *ev, enum event_kind kind)
{
    heap_node_init(&ev->node);
    ev->kind = kind;
}

static inline int64_t calendar_key(sched_time when, enum event_order order)
{
    return when * (1 << ORDER_BITS) + order;
}

static inline sched_time key_time(int64_t key)
{
    return key >> ORDER_BITS;
}

static inline enum event_order key_order(int64_t key)
{
    return (enum event_order)(key & ((1 << ORDER_BITS) - 1));
}

static inline sched_time event_time(const struct event *ev)
{
    return key_time(ev->node.key);
}

/* (Re)schedules; SCHED_NEVER: takes it out. */
static inline void calendar_set(struct heap *calendar, struct event *ev, sched_time when,
                                enum event_order order)
{
    if (when >= CALENDAR_END) {
        if (heap_queued(&ev->node))
            heap_remove(calendar, &ev->node);
        return;
    }
    int64_t key = calendar_key(when, order);
    if (!heap_queued(&ev->node))
        heap_insert(calendar, &ev->node, key);
    else if (ev->node.key != key)
        heap_update(calendar, &ev->node, key);
}

#endif
