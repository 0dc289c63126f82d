/* sched_op: a vCPU that gives way or waits, a domain that ends. */
#include "event_private.h"
#include "hypercall.h"

#define MAX_POLL_PORTS 128

typedef int64_t sched_op(struct vcpu *v, uint64_t arg);

static int64_t yield(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    vcpu_yield(v);
    cpu_relax(); /* for whom it waits for, who may run on the core's other thread */
    return 0;
}

/* It sleeps first and looks then: an event that comes between the two wakes it. */
static int64_t block(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    vcpu_block(v);
    if (events_pending(v))
        vcpu_wake(v);
    return 0;
}

static int64_t shutdown(struct vcpu *v, uint64_t arg)
{
    struct sched_shutdown op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -XEN_EINVAL;
    domain_shutdown(v->domain, (int)op.reason);
    return 0;
}

/* What the toolstack shall be told when the domain shuts down for another reason. */
static int64_t shutdown_code(struct vcpu *v, uint64_t arg)
{
    struct domain *d = v->domain;
    struct sched_shutdown op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -XEN_EINVAL;
    spin_lock(&d->lock);
    bool late = d->shut_down || d->shutting_down;
    if (!late)
        d->shutdown_code = (int)op.reason;
    spin_unlock(&d->lock);
    return late ? -XEN_EBUSY : 0;
}

static int64_t remote_shutdown(struct vcpu *v, uint64_t arg)
{
    struct sched_remote_shutdown op;
    int err;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.reason > SHUTDOWN_MAX)
        return -XEN_EINVAL;
    if (op.domain_id == DOMID_SELF || op.domain_id == v->domain->id)
        return -XEN_EPERM;
    struct domain *d = domain_for(v, op.domain_id, &err);
    if (!d)
        return err;
    domain_shutdown(d, (int)op.reason);
    domain_put(d);
    return 0;
}

/* ---- poll ------------------------------------------------------------------------------- */

/* 1 if a port is pending, masked or not; 0 if none; -errno. Remembers the first port. */
static int64_t any_pending(struct vcpu *v, const struct sched_poll *op)
{
    v->poll_port = 0; /* never pending */
    for (unsigned i = 0; i < op->nr_ports; i++) {
        evtchn_port_t port;
        if (copy_in_at(v, &port, op->ports, i))
            return -XEN_EFAULT;
        if (port >= EVTCHN_FIFO_NR_CHANNELS)
            return -XEN_EINVAL;
        if (evtchn_is_pending(v->domain, port))
            return 1;
        if (i == 0)
            v->poll_port = port;
    }
    return 0;
}

static int64_t poll(struct vcpu *v, uint64_t arg)
{
    struct sched_poll op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.nr_ports > MAX_POLL_PORTS)
        return -XEN_EINVAL;
    int64_t found = any_pending(v, &op);
    if (found)
        return MIN(found, 0);
    timer_stop(&v->poll_timer);
    if (op.timeout) {
        if (op.timeout <= (uint64_t)now())
            return 0;
        timer_set(&v->poll_timer, (sched_time)MIN(op.timeout, (uint64_t)SCHED_NEVER - 1));
    }
    v->nr_poll_ports = op.nr_ports;
    evtchn_poll_begin(v);
    /* As in block(): asleep, then a second look at the ports. A sender that was late for an earlier
     * poll may have ended this one before it slept. */
    vcpu_block(v);
    found = any_pending(v, &op);
    if (found || !__atomic_load_n(&v->poll, __ATOMIC_RELAXED)) {
        v->poll = false;
        vcpu_wake(v);
    }
    return MIN(found, 0);
}

static sched_op *const ops[] = {
    [SCHEDOP_yield] = yield,
    [SCHEDOP_block] = block,
    [SCHEDOP_shutdown] = shutdown,
    [SCHEDOP_poll] = poll,
    [SCHEDOP_remote_shutdown] = remote_shutdown,
    [SCHEDOP_shutdown_code] = shutdown_code,
};

int64_t hc_sched(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = (uint32_t)args->a[0];

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
        return -XEN_ENOSYS;
    return ops[cmd](v, args->a[1]);
}
