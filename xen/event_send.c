/*
 * Events on their way: from who sends to the port, and from there to the vCPU
 * that is told of it, or waits for it in SCHEDOP_poll.
 */
#include "event_private.h"

/* ---- upcalls ---------------------------------------------------------------------------------- */

void event_upcall(struct vcpu *v)
{
    if (v->upcall_vector && vlapic_enabled(v))
        vlapic_raise_edge(v, v->upcall_vector);
    else
        vcpu_wake(v);
}

void evtchn_tell(struct vcpu *v, struct vcpu_info *info)
{
    if (info && !__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        event_upcall(v);
}

bool events_pending(const struct vcpu *v)
{
    struct vcpu_info *info = info_of(v);

    return info && __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_RELAXED);
}

/* All words of the selector and a spurious upcall: the guest finds what there is. */
void events_info_moved(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    event_upcall(v);
}

/* ---- SCHEDOP_poll ------------------------------------------------------------------------------ */

void evtchn_poll_begin(struct vcpu *v)
{
    struct evtchn_table *t = v->domain->events;

    v->poll = true;
    /* Before it looks whether a port is pending; pairs with wake_pollers(), which comes after a
     * port was made so. */
    if (t)
        __atomic_fetch_or(&t->polling[v->id / 64], BIT(v->id % 64), __ATOMIC_SEQ_CST);
}

static void wake_poller(struct evtchn_table *t, struct vcpu *v, evtchn_port_t port)
{
    if (v->poll && v->nr_poll_ports < 2 && v->poll_port != port)
        return;
    __atomic_fetch_and(&t->polling[v->id / 64], ~BIT(v->id % 64), __ATOMIC_SEQ_CST);
    if (v->poll) {
        __atomic_store_n(&v->poll, false, __ATOMIC_RELAXED); /* pairs with hc_sched.c, poll() */
        vcpu_wake(v);
    }
}

static bool anybody_polls(const struct evtchn_table *t)
{
    uint64_t any = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(t->polling); i++)
        any |= __atomic_load_n(&t->polling[i], __ATOMIC_RELAXED);
    return any;
}

/* Apart from evtchn_set_pending(), which hardly ever needs it and so has few registers to save. */
static __attribute__((noinline)) void wake_pollers(struct domain *d, struct evtchn_table *t,
                                                   evtchn_port_t port)
{
    for (unsigned i = 0; i < ARRAY_SIZE(t->polling); i++) {
        uint64_t polling = __atomic_load_n(&t->polling[i], __ATOMIC_RELAXED);
        for (; polling; polling &= polling - 1)
            wake_poller(t, d->vcpus[i * 64 + (unsigned)__builtin_ctzll(polling)], port);
    }
}

/* ---- sending ------------------------------------------------------------------------------------- */

static inline void set_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_table *t = d->events;
    const struct evtchn_abi *before = t->abi, *abi;

    before->set_pending(d, c, port);
    /* A sender from another domain may meet the change to the FIFO ABI, which looks at the 2-level
     * bits once (fifo_init_control): then the event is set in both. The port is open meanwhile, so
     * it does not change back. */
    abi = __atomic_load_n(&t->abi, __ATOMIC_SEQ_CST);
    if (unlikely(abi != before))
        abi->set_pending(d, c, port);
    if (anybody_polls(t))
        wake_pollers(d, t, port);
}

void evtchn_set_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    set_pending(d, c, port);
}

int evtchn_send(struct domain *d, evtchn_port_t port)
{
    struct evtchn_table *t = events_lock(d);
    struct domain *to = d;
    struct evtchn *c;
    int err = 0;

    if (!t)
        return -XEN_ESRCH;
    c = evtchn_at(t, port);
    switch (c ? c->state : EVTCHN_FREE) {
    case EVTCHN_INTERDOMAIN:
        to = c->far.domain;
        port = c->far.port;
        c = evtchn_at(to->events, port);
        /* fallthrough */
    case EVTCHN_IPI:
        set_pending(to, c, port);
        break;
    case EVTCHN_UNBOUND: /* nobody hears it */
        break;
    default:
        err = -XEN_EINVAL;
    }
    events_unlock(d);
    return err;
}

void virq_raise_vcpu(struct vcpu *v, unsigned virq)
{
    struct domain *d = v->domain;
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return;
    evtchn_port_t port = v->virq_port[virq];
    if (port)
        evtchn_set_pending(d, evtchn_at(t, port), port);
    events_unlock(d);
}

void virq_raise(struct domain *d, unsigned virq)
{
    if (d && d->vcpus && d->vcpus[0])
        virq_raise_vcpu(d->vcpus[0], virq);
}
