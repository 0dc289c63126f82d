/*
 * platform_op's resource_op: xl reads what the hardware counts for a domain by
 * writing QM_EVTSEL and reading QM_CTR on a pCPU of its choice, and asks for
 * the time at that moment.
 */
#include "psr.h"

#define MAX_ENTRIES 3

/* 0, or why the entry is refused. */
static int check(const struct psr_monitor *m, const struct xenpf_resource_entry *e)
{
    bool write = e->u.cmd == XEN_RESOURCE_OP_MSR_WRITE;

    if (e->rsvd || (!write && e->u.cmd != XEN_RESOURCE_OP_MSR_READ))
        return -XEN_EINVAL;
    switch (e->idx) {
    case MSR_TSC:
        return write ? -XEN_EACCES : 0;
    case MSR_QM_EVTSEL:
        if (!m->max_rmid)
            return -XEN_EACCES;
        return write && !psr_event_select_valid(m, e->val) ? -XEN_EINVAL : 0;
    case MSR_QM_CTR:
        return write || !m->max_rmid ? -XEN_EACCES : 0;
    default:
        return -XEN_EACCES;
    }
}

static int64_t run(struct xenpf_resource_entry *entry, unsigned nr, unsigned pcpu)
{
    static const struct psr_monitor nothing;
    const struct psr *psr = psr_monitoring();
    const struct psr_caps *caps = psr ? psr_caps(psr, pcpus[pcpu]->socket) : NULL;
    struct psr_access list[MAX_ENTRIES];
    unsigned good = 0, done;
    int err = -XEN_EIO;

    for (; good < nr; good++) {
        const struct xenpf_resource_entry *e = &entry[good];
        int why = check(caps ? &caps->monitor : &nothing, e);

        if (why) {
            err = why;
            break;
        }
        list[good] =
            (struct psr_access){e->u.cmd == XEN_RESOURCE_OP_MSR_WRITE, (uint32_t)e->idx, e->val};
    }
    done = psr_access_on(pcpu, list, good);
    for (unsigned i = 0; i < done; i++)
        entry[i].val = list[i].value;
    if (done < nr)
        entry[done].u.ret = done < good ? -XEN_EIO : err;
    return done;
}

/* How many entries were done; the one after them says why not. */
int64_t platform_resource_op(struct vcpu *v, const struct xenpf_resource_op *op)
{
    struct xenpf_resource_entry entry[MAX_ENTRIES];
    size_t size = op->nr_entries * sizeof entry[0];

    if (!op->nr_entries)
        return 0;
    if (op->nr_entries > MAX_ENTRIES)
        return -XEN_E2BIG;
    if (op->cpu >= nr_pcpus || !pcpus[op->cpu]->online)
        return -XEN_ENODEV;
    if (copy_from_guest(v, entry, (uintptr_t)op->entries.p, size))
        return -XEN_EFAULT;
    int64_t done = run(entry, op->nr_entries, op->cpu);
    return copy_to_guest(v, (uintptr_t)op->entries.p, entry, size) ? -XEN_EFAULT : done;
}
