/*
 * HYPERVISOR_sysctl (xen/sysctl.h): the tools of the control domain ask about
 * the machine and steer what concerns all domains. Processors are in
 * sysctl_cpu.c, pools and schedulers in sysctl_sched.c.
 */
#include "console.h"
#include "hc_sysctl.h"
#include "psr.h"

#define CHUNK       256
#define MAX_KEYS    64
#define MAX_CONSOLE (64 * 1024) /* bytes in one go; the tools come again for the rest */

/* ---- the console ring ---------------------------------------------------------------------- */

static int readconsole(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_readconsole *r = &s->u.readconsole;
    uint32_t index = r->incremental ? r->index : 0;
    uint32_t want = MIN(r->count, (uint32_t)MAX_CONSOLE), got = 0;
    char text[CHUNK];

    while (got < want) {
        size_t n = console_ring_read(&index, text, MIN(want - got, (uint32_t)CHUNK));
        if (!n)
            break;
        if (copy_to_guest(v, (uintptr_t)r->buffer.p + got, text, n))
            return -XEN_EFAULT;
        got += (uint32_t)n;
    }
    if (r->clear)
        console_ring_clear();
    r->index = index;
    r->count = got;
    return 0;
}

static int debug_keys(struct vcpu *v, struct xen_sysctl *s)
{
    char keys[MAX_KEYS];
    uint32_t n = s->u.debug_keys.nr_keys;

    if (n > MAX_KEYS)
        return -XEN_EINVAL;
    if (copy_from_guest(v, keys, (uintptr_t)s->u.debug_keys.keys.p, n))
        return -XEN_EFAULT;
    for (uint32_t i = 0; i < n; i++)
        debug_key(keys[i]);
    return 0;
}

/* ---- domains and memory -------------------------------------------------------------------- */

static int getdomaininfolist(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_getdomaininfolist *list = &s->u.getdomaininfolist;
    unsigned id = list->first_domain, n = 0;

    for (; n < list->max_domains && id < MAX_DOMAINS; n++) {
        struct xen_domctl_getdomaininfo info;
        struct domain *d = domain_get_next((domid_t)id);

        if (!d)
            break;
        domain_info(d, &info);
        domain_put(d);
        if (copy_out_at(v, list->buffer, n, &info))
            return -XEN_EFAULT;
        id = info.domain + 1u;
    }
    list->num_domains = n;
    return 0;
}

/* Memory has no widths here: all of it is one region for the tools. */
static int availheap(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_availheap *a = &s->u.availheap;

    (void)v;
    a->avail_bytes = frames_free_count(a->node < 0 ? NODE_ANY : (unsigned)a->node) << PAGE_SHIFT;
    return 0;
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static int (*const ops[])(struct vcpu *v, struct xen_sysctl *s) = {
    [XEN_SYSCTL_readconsole] = readconsole,
    [XEN_SYSCTL_tbuf_op] = sysctl_tbuf_op,
    [XEN_SYSCTL_physinfo] = sysctl_physinfo,
    [XEN_SYSCTL_sched_id] = sysctl_sched_id,
    [XEN_SYSCTL_getdomaininfolist] = getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = debug_keys,
    [XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
    [XEN_SYSCTL_availheap] = availheap,
    [XEN_SYSCTL_cpu_hotplug] = sysctl_cpu_hotplug,
    [XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
    [XEN_SYSCTL_numainfo] = sysctl_numainfo,
    [XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
    [XEN_SYSCTL_scheduler_op] = sysctl_scheduler_op,
    [XEN_SYSCTL_psr_cmt_op] = sysctl_psr_cmt_op,
    [XEN_SYSCTL_pcitopoinfo] = sysctl_pcitopoinfo,
    [XEN_SYSCTL_psr_alloc] = sysctl_psr_alloc,
    [XEN_SYSCTL_get_cpu_featureset] = sysctl_get_cpu_featureset,
    [XEN_SYSCTL_get_cpu_policy] = sysctl_get_cpu_policy,
};

int64_t hc_sysctl(struct vcpu *v, struct hc_args *args)
{
    struct xen_sysctl s;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_from_guest(v, &s, args->a[0], sizeof s))
        return -XEN_EFAULT;
    if (s.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (s.cmd >= ARRAY_SIZE(ops) || !ops[s.cmd])
        return -XEN_ENOSYS;
    int err = ops[s.cmd](v, &s);
    if (err)
        return err;
    return copy_to_guest(v, args->a[0], &s, sizeof s);
}
