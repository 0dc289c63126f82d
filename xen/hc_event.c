/* event_channel_op: decodes and checks whose domain is meant; event.c acts. */
#include "event_private.h"
#include "hypercall.h"

struct event_op {
    uint64_t at; /* where the guest has it */
    union {
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_close close;
        struct evtchn_unmask unmask;
        struct evtchn_status status;
        struct evtchn_reset reset;
        struct evtchn_init_control init_control;
        struct evtchn_expand_array expand_array;
        struct evtchn_set_priority set_priority;
    } u;
};

/* Ends an operation that made a port: tell the guest which, or take it back. */
static int64_t give_port(struct vcpu *v, struct domain *d, int port, uint64_t to)
{
    evtchn_port_t made = (evtchn_port_t)port;

    if (port < 0)
        return port;
    if (!copy_to_guest(v, to, &made, sizeof made))
        return 0;
    evtchn_close(d, made);
    return -XEN_EFAULT;
}

static int64_t alloc_unbound(struct vcpu *v, struct event_op *op)
{
    struct evtchn_alloc_unbound *a = &op->u.alloc_unbound;
    int err;
    struct domain *d = domain_for(v, a->dom, &err);

    if (!d)
        return err;
    if (a->remote_dom == DOMID_SELF)
        a->remote_dom = v->domain->id;
    int port = evtchn_alloc_unbound(d, a->remote_dom);
    int64_t result = give_port(v, d, port, op->at + offsetof(struct evtchn_alloc_unbound, port));
    domain_put(d);
    return result;
}

static int64_t bind_interdomain(struct vcpu *v, struct event_op *op)
{
    struct evtchn_bind_interdomain *b = &op->u.bind_interdomain;

    if (b->remote_dom == DOMID_SELF)
        b->remote_dom = v->domain->id;
    int port = evtchn_bind_interdomain(v->domain, b->remote_dom, b->remote_port);
    return give_port(v, v->domain, port,
                     op->at + offsetof(struct evtchn_bind_interdomain, local_port));
}

static int64_t bind_virq(struct vcpu *v, struct event_op *op)
{
    int port = evtchn_bind_virq(v->domain, op->u.bind_virq.virq, op->u.bind_virq.vcpu);
    return give_port(v, v->domain, port, op->at + offsetof(struct evtchn_bind_virq, port));
}

static int64_t bind_ipi(struct vcpu *v, struct event_op *op)
{
    int port = evtchn_bind_ipi(v->domain, op->u.bind_ipi.vcpu);
    return give_port(v, v->domain, port, op->at + offsetof(struct evtchn_bind_ipi, port));
}

static int64_t bind_vcpu(struct vcpu *v, struct event_op *op)
{
    return evtchn_bind_vcpu(v->domain, op->u.bind_vcpu.port, op->u.bind_vcpu.vcpu);
}

static int64_t close_port(struct vcpu *v, struct event_op *op)
{
    return evtchn_close(v->domain, op->u.close.port);
}

static int64_t unmask(struct vcpu *v, struct event_op *op)
{
    return evtchn_unmask(v->domain, op->u.unmask.port);
}

static int64_t status(struct vcpu *v, struct event_op *op)
{
    int err;
    struct domain *d = domain_for(v, op->u.status.dom, &err);

    if (!d)
        return err;
    err = evtchn_status(d, &op->u.status);
    domain_put(d);
    if (!err && copy_to_guest(v, op->at, &op->u.status, sizeof op->u.status))
        return -XEN_EFAULT;
    return err;
}

static int64_t reset(struct vcpu *v, struct event_op *op)
{
    int err;
    struct domain *d = domain_for(v, op->u.reset.dom, &err);

    if (!d)
        return err;
    err = evtchn_reset(d);
    domain_put(d);
    return err;
}

static int64_t init_control(struct vcpu *v, struct event_op *op)
{
    int err = fifo_init_control(v->domain, &op->u.init_control);
    op->u.init_control.link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!err && copy_to_guest(v, op->at, &op->u.init_control, sizeof op->u.init_control))
        return -XEN_EFAULT;
    return err;
}

static int64_t expand_array(struct vcpu *v, struct event_op *op)
{
    return fifo_expand_array(v->domain, op->u.expand_array.array_gfn);
}

static int64_t set_priority(struct vcpu *v, struct event_op *op)
{
    return evtchn_set_priority(v->domain, op->u.set_priority.port, op->u.set_priority.priority);
}

static const struct {
    int64_t (*run)(struct vcpu *v, struct event_op *op);
    size_t size;
} ops[] = {
    [EVTCHNOP_bind_interdomain] = {bind_interdomain, sizeof(struct evtchn_bind_interdomain)},
    [EVTCHNOP_bind_virq] = {bind_virq, sizeof(struct evtchn_bind_virq)},
    [EVTCHNOP_close] = {close_port, sizeof(struct evtchn_close)},
    [EVTCHNOP_status] = {status, sizeof(struct evtchn_status)},
    [EVTCHNOP_alloc_unbound] = {alloc_unbound, sizeof(struct evtchn_alloc_unbound)},
    [EVTCHNOP_bind_ipi] = {bind_ipi, sizeof(struct evtchn_bind_ipi)},
    [EVTCHNOP_bind_vcpu] = {bind_vcpu, sizeof(struct evtchn_bind_vcpu)},
    [EVTCHNOP_unmask] = {unmask, sizeof(struct evtchn_unmask)},
    [EVTCHNOP_reset] = {reset, sizeof(struct evtchn_reset)},
    [EVTCHNOP_init_control] = {init_control, sizeof(struct evtchn_init_control)},
    [EVTCHNOP_expand_array] = {expand_array, sizeof(struct evtchn_expand_array)},
    [EVTCHNOP_set_priority] = {set_priority, sizeof(struct evtchn_set_priority)},
};

static int64_t run(struct vcpu *v, uint32_t cmd, uint64_t at)
{
    struct event_op op;

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd].run)
        return -XEN_ENOSYS; /* bind_pirq among them: no guest has physical interrupts as events */
    op.at = at;
    if (copy_from_guest(v, &op.u, at, ops[cmd].size))
        return -XEN_EFAULT;
    return ops[cmd].run(v, &op);
}

/* By far the most frequent: what is copied has a length that the compiler knows. */
static int64_t send(struct vcpu *v, uint64_t at)
{
    struct evtchn_send op;

    if (copy_from_guest(v, &op, at, sizeof op))
        return -XEN_EFAULT;
    return evtchn_send(v->domain, op.port);
}

int64_t hc_event(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = (uint32_t)args->a[0];

    return cmd == EVTCHNOP_send ? send(v, args->a[1]) : run(v, cmd, args->a[1]);
}
