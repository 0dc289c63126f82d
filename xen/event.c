/*
 * Event channels: the table of ports, how they are bound and closed. Events
 * themselves are in event_send.c, how pending and masked lie in the guest's
 * memory in event_2level.c and event_fifo.c.
 */
#include "event_private.h"
#include "hypercall.h"

struct evtchn_table *events_lock(struct domain *d)
{
    spin_lock(&d->event_lock);
    if (!d->events)
        spin_unlock(&d->event_lock);
    return d->events;
}

static bool in_use(const struct evtchn *c)
{
    return c && c->state > EVTCHN_RESERVED;
}

static struct vcpu *vcpu_get(const struct domain *d, unsigned id)
{
    return id < d->max_vcpus ? d->vcpus[id] : NULL;
}

/* ---- ports come and go ---------------------------------------------------------------------- */

static int grow(struct evtchn_table *t)
{
    struct evtchn *group = xnew_array(struct evtchn, EVTCHNS_PER_GROUP);

    if (!group)
        return -XEN_ENOMEM;
    t->group[t->nr / EVTCHNS_PER_GROUP] = group;
    /* evtchn_at() of a sender from another domain sees the group with the number. */
    __atomic_store_n(&t->nr, t->nr + EVTCHNS_PER_GROUP, __ATOMIC_RELEASE);
    return 0;
}

static unsigned port_limit(const struct evtchn_table *t)
{
    return MIN(t->max_port, t->abi->nr_ports - 1);
}

/* A free port that the guest's queues do not hold any more, or the first one without memory. */
static unsigned find_free(struct domain *d)
{
    struct evtchn_table *t = d->events;
    unsigned first_free = t->nr, port;

    for (port = t->free_from; port < t->nr; port++) {
        if (evtchn_at(t, port)->state != EVTCHN_FREE)
            continue;
        first_free = MIN(first_free, port);
        if (!t->abi->is_busy(d, port))
            break;
    }
    t->free_from = first_free;
    return port;
}

static int port_alloc(struct domain *d, enum evtchn_state state, unsigned vcpu)
{
    struct evtchn_table *t = d->events;
    unsigned port = find_free(d);

    if (port > port_limit(t))
        return -XEN_ENOSPC;
    if (port >= t->nr && grow(t))
        return -XEN_ENOMEM;
    struct evtchn *c = evtchn_at(t, port);
    c->vcpu = (uint16_t)vcpu;
    c->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    c->state = state;
    return (int)port;
}

static void port_free(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_table *t = d->events;

    t->abi->clear_pending(d, c, port);
    c->state = EVTCHN_FREE;
    t->free_from = MIN(t->free_from, port);
}

/* ---- binding -------------------------------------------------------------------------------- */

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return -XEN_ESRCH;
    int port = port_alloc(d, EVTCHN_UNBOUND, 0);
    if (port > 0)
        evtchn_at(t, (evtchn_port_t)port)->unbound = remote;
    events_unlock(d);
    return port;
}

static void connect(struct evtchn *c, struct domain *far, evtchn_port_t port)
{
    c->far.domain = far;
    c->far.port = port;
    c->state = EVTCHN_INTERDOMAIN;
}

/* With both locks. */
static int bind_far(struct domain *d, struct domain *far, evtchn_port_t far_port)
{
    if (!d->events || !far->events)
        return -XEN_ESRCH;
    struct evtchn *theirs = evtchn_at(far->events, far_port);
    if (!theirs || theirs->state != EVTCHN_UNBOUND || theirs->unbound != d->id)
        return -XEN_EINVAL;
    int port = port_alloc(d, EVTCHN_UNBOUND, 0);
    if (port < 0)
        return port;
    struct evtchn *ours = evtchn_at(d->events, (evtchn_port_t)port);
    connect(ours, far, far_port);
    connect(theirs, d, (evtchn_port_t)port);
    /* What the other side sent while it was alone has been dropped: let the guest look. */
    evtchn_set_pending(d, ours, (evtchn_port_t)port);
    return port;
}

int evtchn_bind_interdomain(struct domain *d, domid_t remote, evtchn_port_t remote_port)
{
    struct domain *far = domain_get(remote);

    if (!far)
        return -XEN_ESRCH;
    spin_lock_two(&d->event_lock, &far->event_lock);
    int port = bind_far(d, far, remote_port);
    spin_unlock_two(&d->event_lock, &far->event_lock);
    domain_put(far);
    return port;
}

/* Those that the public header marks with V; each vCPU has its own. */
static bool virq_is_global(unsigned virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu)
{
    struct vcpu *v = vcpu_get(d, vcpu);

    if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu))
        return -XEN_EINVAL;
    if (!v)
        return -XEN_ENOENT;
    struct evtchn_table *t = events_lock(d);
    if (!t)
        return -XEN_ESRCH;
    int port = v->virq_port[virq] ? -XEN_EEXIST : port_alloc(d, EVTCHN_VIRQ, vcpu);
    if (port > 0) {
        evtchn_at(t, (evtchn_port_t)port)->virq = virq;
        v->virq_port[virq] = (evtchn_port_t)port;
    }
    events_unlock(d);
    return port;
}

int evtchn_bind_ipi(struct domain *d, unsigned vcpu)
{
    if (!vcpu_get(d, vcpu))
        return -XEN_ENOENT;
    if (!events_lock(d))
        return -XEN_ESRCH;
    int port = port_alloc(d, EVTCHN_IPI, vcpu);
    events_unlock(d);
    return port;
}

/* IPIs and the VIRQs of one vCPU stay where they were bound. */
static bool can_move(const struct evtchn *c)
{
    switch (c->state) {
    case EVTCHN_UNBOUND:
    case EVTCHN_INTERDOMAIN:
        return true;
    case EVTCHN_VIRQ:
        return virq_is_global(c->virq);
    default:
        return false;
    }
}

int evtchn_bind_vcpu(struct domain *d, evtchn_port_t port, unsigned vcpu)
{
    if (!vcpu_get(d, vcpu))
        return -XEN_ENOENT;
    struct evtchn_table *t = events_lock(d);
    if (!t)
        return -XEN_ESRCH;
    struct evtchn *c = evtchn_at(t, port);
    bool movable = c && can_move(c);
    if (movable)
        __atomic_store_n(&c->vcpu, (uint16_t)vcpu, __ATOMIC_RELAXED);
    events_unlock(d);
    return movable ? 0 : -XEN_EINVAL;
}

/* ---- closing -------------------------------------------------------------------------------- */

/* Another domain at the far end of the port, if there is one. */
static struct domain *far_domain(const struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = d->events ? evtchn_at(d->events, port) : NULL;

    return c && c->state == EVTCHN_INTERDOMAIN && c->far.domain != d ? c->far.domain : NULL;
}

/* Locks d and who is at the port's far end: that domain, with a reference, or d itself. The locks
 * have an order of their own, so the far end may change before both are held. */
static struct domain *lock_both_ends(struct domain *d, evtchn_port_t port)
{
    struct domain *far = NULL;

    for (;;) {
        spin_lock_two(&d->event_lock, far ? &far->event_lock : &d->event_lock);
        struct domain *real = far_domain(d, port);
        if (!real || real == far)
            return far ? far : d;
        domid_t id = real->id;
        spin_unlock_two(&d->event_lock, far ? &far->event_lock : &d->event_lock);
        if (far)
            domain_put(far);
        far = domain_get(id);
    }
}

static void unlock_both_ends(struct domain *d, struct domain *far)
{
    spin_unlock_two(&d->event_lock, &far->event_lock);
    if (far != d)
        domain_put(far);
}

static void disconnect_far(const struct domain *d, const struct evtchn *c)
{
    struct evtchn *theirs = evtchn_at(c->far.domain->events, c->far.port);

    theirs->state = EVTCHN_UNBOUND;
    theirs->unbound = d->id;
}

static int close_locked(struct domain *d, evtchn_port_t port)
{
    struct evtchn *c = d->events ? evtchn_at(d->events, port) : NULL;

    if (!in_use(c))
        return -XEN_EINVAL;
    if (c->state == EVTCHN_INTERDOMAIN)
        disconnect_far(d, c);
    if (c->state == EVTCHN_VIRQ)
        d->vcpus[virq_is_global(c->virq) ? 0 : c->vcpu]->virq_port[c->virq] = 0;
    port_free(d, c, port);
    return 0;
}

int evtchn_close(struct domain *d, evtchn_port_t port)
{
    struct domain *far = lock_both_ends(d, port);
    int err = close_locked(d, port);

    unlock_both_ends(d, far);
    return err;
}

/* With the lock, after all ports have been closed. One that was opened meanwhile keeps the ABI: it
 * may have no place in the other, and who sends to it from afar holds the lock of its own end. */
static int leave_fifo(struct domain *d)
{
    for (evtchn_port_t port = 1; port < d->events->nr; port++)
        if (in_use(evtchn_at(d->events, port)))
            return -XEN_EAGAIN;
    fifo_fini(d);
    return 0;
}

int evtchn_reset(struct domain *d)
{
    int err = 0;

    for (evtchn_port_t port = 1;; port++) {
        struct evtchn_table *t = events_lock(d);
        if (!t)
            return -XEN_ESRCH;
        bool more = port < t->nr;
        if (!more)
            err = leave_fifo(d);
        events_unlock(d);
        if (!more)
            return err;
        evtchn_close(d, port);
        if (this_pcpu()->resched)
            return HC_RESTART; /* what is closed is skipped fast */
    }
}

/* ---- asking and setting ------------------------------------------------------------------------ */

bool evtchn_is_pending(struct domain *d, evtchn_port_t port)
{
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return false;
    struct evtchn *c = evtchn_at(t, port);
    bool pending = in_use(c) && t->abi->is_pending(d, c, port);
    events_unlock(d);
    return pending;
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return -XEN_ESRCH;
    struct evtchn *c = evtchn_at(t, port);
    bool valid = in_use(c);
    if (valid)
        t->abi->unmask(d, c, port);
    events_unlock(d);
    return valid ? 0 : -XEN_EINVAL;
}

static void describe(const struct evtchn *c, struct evtchn_status *s)
{
    static const uint8_t status_of[] = {
        [EVTCHN_FREE] = EVTCHNSTAT_closed,       [EVTCHN_RESERVED] = EVTCHNSTAT_closed,
        [EVTCHN_UNBOUND] = EVTCHNSTAT_unbound,   [EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVTCHN_IPI] = EVTCHNSTAT_ipi,           [EVTCHN_VIRQ] = EVTCHNSTAT_virq,
    };

    s->status = status_of[c->state];
    s->vcpu = c->vcpu;
    if (c->state == EVTCHN_UNBOUND) {
        s->u.unbound.dom = c->unbound;
    } else if (c->state == EVTCHN_INTERDOMAIN) {
        s->u.interdomain.dom = c->far.domain->id;
        s->u.interdomain.port = c->far.port;
    } else if (c->state == EVTCHN_VIRQ) {
        s->u.virq = c->virq;
    }
}

int evtchn_status(struct domain *d, struct evtchn_status *status)
{
    static const struct evtchn never_used;
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return -XEN_ESRCH;
    bool valid = status->port <= port_limit(t);
    const struct evtchn *c = evtchn_at(t, status->port);
    if (valid)
        describe(c ? c : &never_used, status);
    events_unlock(d);
    return valid ? 0 : -XEN_EINVAL;
}

int evtchn_set_priority(struct domain *d, evtchn_port_t port, unsigned priority)
{
    struct evtchn_table *t = events_lock(d);
    int err = 0;

    if (!t)
        return -XEN_ESRCH;
    struct evtchn *c = evtchn_at(t, port);
    if (!t->fifo)
        err = -XEN_ENOSYS;
    else if (!in_use(c) || priority > EVTCHN_FIFO_PRIORITY_MIN)
        err = -XEN_EINVAL;
    else
        __atomic_store_n(&c->priority, (uint8_t)priority, __ATOMIC_RELAXED);
    events_unlock(d);
    return err;
}

/* ---- a domain's beginning and end ---------------------------------------------------------------- */

int events_init(struct domain *d, unsigned max_port)
{
    unsigned ports = MIN(max_port, EVTCHN_FIFO_NR_CHANNELS - 1u) + 1;
    unsigned groups = (ports + EVTCHNS_PER_GROUP - 1) / EVTCHNS_PER_GROUP;
    struct evtchn_table *t = xmalloc(sizeof *t + groups * sizeof t->group[0]);

    if (!t)
        return -XEN_ENOMEM;
    t->abi = &evtchn_2level;
    t->max_port = ports - 1;
    if (grow(t)) {
        xfree(t);
        return -XEN_ENOMEM;
    }
    evtchn_at(t, 0)->state = EVTCHN_RESERVED;
    t->free_from = 1;
    spin_init(&d->event_lock, RANK_EVENT);
    d->events = t;
    return 0;
}

void events_fini(struct domain *d)
{
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return;
    t->max_port = 0; /* nothing opens any more */
    events_unlock(d);
    for (evtchn_port_t port = 1; port < t->nr; port++)
        evtchn_close(d, port);
    spin_lock(&d->event_lock);
    fifo_fini(d);
    d->events = NULL;
    spin_unlock(&d->event_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i])
            vcpu_info_release(d->vcpus[i]);
    }
    for (unsigned i = 0; i < t->nr / EVTCHNS_PER_GROUP; i++)
        xfree(t->group[i]);
    xfree(t);
}

/* ---- debug key 'e' ------------------------------------------------------------------------------ */

static void dump_port(struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_status s = {.port = port};

    describe(c, &s);
    printk(LOG_INFO, "  %4u: status %u vcpu %u pending %d masked %d, %u:%u", port, s.status, s.vcpu,
           d->events->abi->is_pending(d, c, port), d->events->abi->is_masked(d, port),
           c->state == EVTCHN_VIRQ ? s.u.virq : s.u.interdomain.dom,
           c->state == EVTCHN_INTERDOMAIN ? s.u.interdomain.port : 0);
}

void events_dump(const struct domain *dom)
{
    struct domain *d = (struct domain *)dom; /* for its lock */
    struct evtchn_table *t = events_lock(d);

    if (!t)
        return;
    printk(LOG_INFO, "dom%u: %s event channels", d->id, t->fifo ? "FIFO" : "2-level");
    for (evtchn_port_t port = 1; port < t->nr; port++) {
        if (in_use(evtchn_at(t, port)))
            dump_port(d, evtchn_at(t, port), port);
    }
    events_unlock(d);
}
