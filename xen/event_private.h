/*
 * A domain's table of event channel ports, for event*.c and hc_event.c.
 *
 * Locks. A domain's event_lock protects its table. A channel between two
 * domains is made and closed with both locks held, so either of them keeps its
 * far end in place: an event is sent with the sender's lock alone. What that
 * changes at the far end is changed by atomic operations (2-level ABI) or under
 * the queues' own lock (FIFO ABI).
 */
#ifndef XEN_EVENT_PRIVATE_H
#define XEN_EVENT_PRIVATE_H

#include "event.h"

#define EVTCHNS_PER_GROUP ((unsigned)(PAGE_SIZE / sizeof(struct evtchn)))

enum evtchn_state {
    EVTCHN_FREE,
    EVTCHN_RESERVED, /* port 0 */
    EVTCHN_UNBOUND,
    EVTCHN_INTERDOMAIN,
    EVTCHN_IPI,
    EVTCHN_VIRQ,
};

struct evtchn {
    uint8_t state;
    uint8_t priority;   /* FIFO: queue for its next event */
    bool early;         /* FIFO: pending, but its event word does not exist yet */
    uint16_t vcpu;      /* is told of its events */
    uint16_t last_vcpu; /* FIFO: queue in which it was last, perhaps still as the tail */
    uint8_t last_priority;
    union {
        domid_t unbound; /* who may bind it */
        uint32_t virq;
        struct {
            struct domain *domain;
            evtchn_port_t port;
        } far;
    };
};

/* One of the two ABIs: where the guest sees pending and masked. */
struct evtchn_abi {
    unsigned nr_ports;
    void (*set_pending)(struct domain *d, struct evtchn *c, evtchn_port_t port);
    void (*clear_pending)(struct domain *d, struct evtchn *c, evtchn_port_t port);
    void (*unmask)(struct domain *d, struct evtchn *c, evtchn_port_t port);
    bool (*is_pending)(struct domain *d, const struct evtchn *c, evtchn_port_t port);
    bool (*is_masked)(struct domain *d, evtchn_port_t port);
    /* A closed port that the guest's queues still hold cannot be used again yet. */
    bool (*is_busy)(struct domain *d, evtchn_port_t port);
};

extern const struct evtchn_abi evtchn_2level, evtchn_fifo;

struct evtchn_fifo;

struct evtchn_table {
    const struct evtchn_abi *abi;
    struct evtchn_fifo *fifo; /* NULL with the 2-level ABI */
    unsigned max_port;        /* the toolstack's limit */
    unsigned nr;              /* ports that have memory */
    unsigned free_from;       /* no free port is below */
    uint64_t polling[(MAX_VCPUS + 63) / 64]; /* vCPUs that may be in SCHEDOP_poll */
    struct evtchn *group[];
};

/* The port's entry, or NULL if it has none. */
static inline struct evtchn *evtchn_at(const struct evtchn_table *t, evtchn_port_t port)
{
    if (port >= __atomic_load_n(&t->nr, __ATOMIC_ACQUIRE))
        return NULL;
    return &t->group[port / EVTCHNS_PER_GROUP][port % EVTCHNS_PER_GROUP];
}

/* Takes d's event_lock; NULL, and no lock, if its events are gone. */
struct evtchn_table *events_lock(struct domain *d);
static inline void events_unlock(struct domain *d)
{
    spin_unlock(&d->event_lock);
}

/* ---- operations on ports, 0 or -errno; those that make one return the port ---------------- */

/* Caller: EVTCHNOP_* of hc_event.c. Each takes the locks that it needs. */
int evtchn_send(struct domain *d, evtchn_port_t port);
int evtchn_bind_interdomain(struct domain *d, domid_t remote, evtchn_port_t remote_port);
int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu);
int evtchn_bind_ipi(struct domain *d, unsigned vcpu);
int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, unsigned vcpu);
int evtchn_close(struct domain *d, evtchn_port_t port);
int evtchn_unmask(struct domain *d, evtchn_port_t port);
int evtchn_status(struct domain *d, struct evtchn_status *status);
int evtchn_set_priority(struct domain *d, evtchn_port_t port, unsigned priority);
/* Closes all and goes back to the 2-level ABI. HC_RESTART if it takes long. */
int evtchn_reset(struct domain *d);

/* ---- pending -------------------------------------------------------------------------------- */

/* With d's event_lock, or that of the domain at the port's far end. */
void evtchn_set_pending(struct domain *d, struct evtchn *c, evtchn_port_t port);
/* Where the vCPU's flags for the guest are now; NULL: nowhere, or there is no such vCPU yet, for
 * which the toolstack may make ports already. */
static inline struct vcpu_info *info_of(const struct vcpu *v)
{
    return v ? __atomic_load_n(&v->info, __ATOMIC_ACQUIRE) : NULL;
}
/* For an ABI: an event that the vCPU has not been told of yet; its info. */
void evtchn_tell(struct vcpu *v, struct vcpu_info *info);

/* hc_sched.c: v is in SCHEDOP_poll from now on; may be called again. */
void evtchn_poll_begin(struct vcpu *v);

/* ---- event_fifo.c ----------------------------------------------------------------------------- */

int fifo_init_control(struct domain *d, const struct evtchn_init_control *op);
int fifo_expand_array(struct domain *d, gfn_t gfn);
/* Back to the 2-level ABI, when all ports are closed; with the event_lock. */
void fifo_fini(struct domain *d);

/* ---- vcpu_info.c ------------------------------------------------------------------------------ */

/* Drops the frame that vcpu_register_info() took. */
void vcpu_info_release(struct vcpu *v);
/* All but the version. It is the same for all and never changes. */
void vcpu_time_fill(struct vcpu_time_info *time);

#endif
