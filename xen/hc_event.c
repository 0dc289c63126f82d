/* event_channel_op: decodes and checks whose domain is meant; event.c acts. */
#include "event_private.h"
#include "hypercall.h"

typedef int64_t event_op(struct vcpu *v, uint64_t arg);

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

static int64_t alloc_unbound(struct vcpu *v, uint64_t arg)
{
    struct evtchn_alloc_unbound op;
    int err;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (!d)
        return err;
    if (op.remote_dom == DOMID_SELF)
        op.remote_dom = v->domain->id;
    int port = evtchn_alloc_unbound(d, op.remote_dom);
    int64_t result = give_port(v, d, port, arg + offsetof(struct evtchn_alloc_unbound, port));
    domain_put(d);
    return result;
}

static int64_t bind_interdomain(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_interdomain op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.remote_dom == DOMID_SELF)
        op.remote_dom = v->domain->id;
    int port = evtchn_bind_interdomain(v->domain, op.remote_dom, op.remote_port);
    return give_port(v, v->domain, port, arg + offsetof(struct evtchn_bind_interdomain, local_port));
}

static int64_t bind_virq(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_virq op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    int port = evtchn_bind_virq(v->domain, op.virq, op.vcpu);
    return give_port(v, v->domain, port, arg + offsetof(struct evtchn_bind_virq, port));
}

static int64_t bind_ipi(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_ipi op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    int port = evtchn_bind_ipi(v->domain, op.vcpu);
    return give_port(v, v->domain, port, arg + offsetof(struct evtchn_bind_ipi, port));
}

static int64_t bind_vcpu(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_vcpu op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return evtchn_bind_vcpu(v->domain, op.port, op.vcpu);
}

static int64_t close_port(struct vcpu *v, uint64_t arg)
{
    struct evtchn_close op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return evtchn_close(v->domain, op.port);
}

static int64_t send(struct vcpu *v, uint64_t arg)
{
    struct evtchn_send op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return evtchn_send(v->domain, op.port);
}

static int64_t unmask(struct vcpu *v, uint64_t arg)
{
    struct evtchn_unmask op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return evtchn_unmask(v->domain, op.port);
}

static int64_t status(struct vcpu *v, uint64_t arg)
{
    struct evtchn_status op;
    int err;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (!d)
        return err;
    err = evtchn_status(d, &op);
    domain_put(d);
    if (!err && copy_to_guest(v, arg, &op, sizeof op))
        return -XEN_EFAULT;
    return err;
}

static int64_t reset(struct vcpu *v, uint64_t arg)
{
    struct evtchn_reset op;
    int err;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    struct domain *d = domain_for(v, op.dom, &err);
    if (!d)
        return err;
    err = evtchn_reset(d);
    domain_put(d);
    return err;
}

static int64_t init_control(struct vcpu *v, uint64_t arg)
{
    struct evtchn_init_control op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    int err = fifo_init_control(v->domain, &op);
    op.link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!err && copy_to_guest(v, arg, &op, sizeof op))
        return -XEN_EFAULT;
    return err;
}

static int64_t expand_array(struct vcpu *v, uint64_t arg)
{
    struct evtchn_expand_array op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return fifo_expand_array(v->domain, op.array_gfn);
}

static int64_t set_priority(struct vcpu *v, uint64_t arg)
{
    struct evtchn_set_priority op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return evtchn_set_priority(v->domain, op.port, op.priority);
}

static event_op *const ops[] = {
    [EVTCHNOP_bind_interdomain] = bind_interdomain,
    [EVTCHNOP_bind_virq] = bind_virq,
    [EVTCHNOP_close] = close_port,
    [EVTCHNOP_send] = send,
    [EVTCHNOP_status] = status,
    [EVTCHNOP_alloc_unbound] = alloc_unbound,
    [EVTCHNOP_bind_ipi] = bind_ipi,
    [EVTCHNOP_bind_vcpu] = bind_vcpu,
    [EVTCHNOP_unmask] = unmask,
    [EVTCHNOP_reset] = reset,
    [EVTCHNOP_init_control] = init_control,
    [EVTCHNOP_expand_array] = expand_array,
    [EVTCHNOP_set_priority] = set_priority,
};

int64_t hc_event(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = (uint32_t)args->a[0];

    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
        return -XEN_ENOSYS; /* bind_pirq among them: no guest has physical interrupts as events */
    return ops[cmd](v, args->a[1]);
}
