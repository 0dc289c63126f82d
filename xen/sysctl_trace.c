/* sysctl: trace buffers, as Debian's xentrace asks for them. */
#include "hc_sysctl.h"

static int set_pcpus(struct vcpu *v, const struct xen_sysctl_tbuf_op *op)
{
    struct mask pcpus_wanted;

    if (bitmap_read(v, &op->cpu_mask, &pcpus_wanted, nr_pcpus))
        return -XEN_EFAULT;
    trace_set_pcpus(&pcpus_wanted);
    return 0;
}

static void get_info(struct xen_sysctl_tbuf_op *op)
{
    struct trace_info info = trace_info();

    op->evt_mask = info.events;
    op->buffer_mfn = info.table;
    op->size = info.bytes;
}

int sysctl_tbuf_op(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_tbuf_op *op = &s->u.tbuf_op;

    switch (op->cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        get_info(op);
        return 0;
    case XEN_SYSCTL_TBUFOP_set_cpu_mask:
        return set_pcpus(v, op);
    case XEN_SYSCTL_TBUFOP_set_evt_mask:
        trace_set_mask(op->evt_mask);
        return 0;
    case XEN_SYSCTL_TBUFOP_set_size:
        return trace_set_size(op->size);
    case XEN_SYSCTL_TBUFOP_enable:
        return trace_start();
    case XEN_SYSCTL_TBUFOP_disable:
        trace_stop();
        return 0;
    default:
        return -XEN_EINVAL;
    }
}
