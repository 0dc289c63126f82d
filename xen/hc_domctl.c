/*
 * HYPERVISOR_domctl (xen/domctl.h): the tools make, change, watch and destroy
 * domains. Here the domains themselves; vCPUs and scheduling are in
 * domctl_sched.c, processor state in domctl_cpu.c and domctl_context.c.
 *
 * One domctl runs at a time, on whatever domain: who comes meanwhile tries
 * again. So they need not expect each other, only the guests.
 */
#include "cpupool.h"
#include "event.h"
#include "hc_sysctl.h"
#include "hvm.h"
#include "psr.h"
#include "x86/arch.h"

/* ---- the life of a domain ------------------------------------------------------------------ */

static int createdomain(struct xen_domctl *c)
{
    domid_t id = c->domain && c->domain < DOMID_FIRST_RESERVED ? c->domain : DOMID_INVALID;
    struct domain *d;
    int err = domain_create(id, &c->u.createdomain, false, &d);

    if (!err)
        c->domain = d->id;
    return err;
}

static int destroydomain(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)c;
    return d == v->domain || d->privileged ? -XEN_EINVAL : domain_destroy(d);
}

static int pausedomain(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)c;
    if (d == v->domain)
        return -XEN_EINVAL;
    domain_pause(d);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            vcpu_sync(d->vcpus[i]);
    return 0;
}

static int unpausedomain(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    (void)c;
    if (!d->pauses)
        return -XEN_EINVAL;
    domain_unpause(d);
    return 0;
}

static int max_vcpus(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    if (d == v->domain || d->dying || c->u.max_vcpus.max != d->max_vcpus)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        int err = d->vcpus[i] ? 0 : vcpu_create(d, i);
        if (err)
            return err;
    }
    return 0;
}

/* ---- what is known of it ------------------------------------------------------------------- */

struct vcpu *domctl_vcpu(struct domain *d, uint32_t id, int *err)
{
    struct vcpu *v = id < d->max_vcpus ? d->vcpus[id] : NULL;

    *err = v ? 0 : id < d->max_vcpus ? -XEN_ESRCH : -XEN_EINVAL;
    return v;
}

static uint32_t vcpus_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t flags = XEN_DOMINF_blocked;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = d->vcpus[i];
        if (!v)
            continue;
        info->max_vcpu_id = i;
        info->cpu_time += vcpu_cpu_time(v);
        if (v->down)
            continue;
        info->nr_online_vcpus++;
        if (!v->blocked)
            flags &= ~XEN_DOMINF_blocked;
        if (vcpu_is_running(v))
            flags |= XEN_DOMINF_running;
    }
    return info->nr_online_vcpus ? flags : 0;
}

static uint8_t gpaddr_bits(void)
{
    uint32_t out[4];

    cpuid(0x80000008, 0, out);
    return (uint8_t)out[0];
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof *info);
    info->domain = d->id;
    info->flags = vcpus_info(d, info) | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap |
                  (d->dead ? XEN_DOMINF_dying : 0) | (d->shut_down ? XEN_DOMINF_shutdown : 0) |
                  (d->pauses ? XEN_DOMINF_paused : 0) |
                  (d->options & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain : 0) |
                  (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->shared_info_frame = MFN_NONE; /* it is wherever the guest has put it */
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof info->handle);
    info->cpupool = cpupool_of(d);
    info->gpaddr_bits = gpaddr_bits();
    info->arch_config = d->arch_config;
}

/* Answers for the first domain whose id is not less than that asked for. */
static int getdomaininfo(struct xen_domctl *c)
{
    struct domain *d = domain_get_next(c->domain);

    if (!d)
        return -XEN_ESRCH;
    domain_info(d, &c->u.getdomaininfo);
    c->domain = d->id;
    domain_put(d);
    return 0;
}

static int setdomainhandle(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    memcpy(d->handle, c->u.setdomainhandle.handle, sizeof d->handle);
    return 0;
}

/* ---- memory and time ----------------------------------------------------------------------- */

/* Less than the domain has is allowed: it only gets no more. */
static int max_mem(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    __atomic_store_n(&d->max_pages, c->u.max_mem.max_memkb >> (PAGE_SHIFT - 10), __ATOMIC_RELAXED);
    numa_domain_sized(d);
    return 0;
}

/* Nested page tables take what they need: a pool of any size is large enough. */
static int set_paging_mempool_size(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    (void)d;
    return c->u.paging_mempool.size % PAGE_SIZE ? -XEN_EINVAL : 0;
}

static int get_paging_mempool_size(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    c->u.paging_mempool.size = d->p2m.nr_tables * PAGE_SIZE;
    return 0;
}

/* Dirty pages are not tracked, so turning that off is no work. */
static int shadow_op(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    (void)d;
    return c->u.shadow_op.op == XEN_DOMCTL_SHADOW_OP_OFF ? 0 : -XEN_EOPNOTSUPP;
}

static int settimeoffset(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    (void)v;
    d->time_offset = c->u.settimeoffset.time_offset_seconds;
    wallclock_update(d);
    return 0;
}

static int hypercall_init(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    uint64_t gfn = c->u.hypercall_init.gmfn;

    (void)v;
    return gfn >> (64 - PAGE_SHIFT) ? -XEN_EINVAL : hypercall_page_fill(d, gfn << PAGE_SHIFT);
}

/* There is no debugger to attach. */
static int setdebugging(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    if (d == v->domain)
        return -XEN_EINVAL;
    return c->u.setdebugging.enable ? -XEN_EOPNOTSUPP : 0;
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static const domctl_op ops[] = {
    [XEN_DOMCTL_destroydomain] = destroydomain,
    [XEN_DOMCTL_pausedomain] = pausedomain,
    [XEN_DOMCTL_unpausedomain] = unpausedomain,
    [XEN_DOMCTL_setvcpuaffinity] = domctl_setvcpuaffinity,
    [XEN_DOMCTL_shadow_op] = shadow_op,
    [XEN_DOMCTL_max_mem] = max_mem,
    [XEN_DOMCTL_getvcpuinfo] = domctl_getvcpuinfo,
    [XEN_DOMCTL_max_vcpus] = max_vcpus,
    [XEN_DOMCTL_scheduler_op] = domctl_scheduler_op,
    [XEN_DOMCTL_setdomainhandle] = setdomainhandle,
    [XEN_DOMCTL_setdebugging] = setdebugging,
    [XEN_DOMCTL_hypercall_init] = hypercall_init,
    [XEN_DOMCTL_settimeoffset] = settimeoffset,
    [XEN_DOMCTL_getvcpuaffinity] = domctl_getvcpuaffinity,
    [XEN_DOMCTL_sendtrigger] = domctl_sendtrigger,
    [XEN_DOMCTL_gethvmcontext] = domctl_gethvmcontext,
    [XEN_DOMCTL_sethvmcontext] = domctl_sethvmcontext,
    [XEN_DOMCTL_gettscinfo] = domctl_gettscinfo,
    [XEN_DOMCTL_settscinfo] = domctl_settscinfo,
    [XEN_DOMCTL_setnodeaffinity] = domctl_setnodeaffinity,
    [XEN_DOMCTL_getnodeaffinity] = domctl_getnodeaffinity,
    [XEN_DOMCTL_psr_cmt_op] = domctl_psr_cmt_op,
    [XEN_DOMCTL_psr_alloc] = domctl_psr_alloc,
    [XEN_DOMCTL_get_cpu_policy] = domctl_get_cpu_policy,
    [XEN_DOMCTL_set_cpu_policy] = domctl_set_cpu_policy,
    [XEN_DOMCTL_get_paging_mempool_size] = get_paging_mempool_size,
    [XEN_DOMCTL_set_paging_mempool_size] = set_paging_mempool_size,
};

static int on_domain(struct vcpu *v, struct xen_domctl *c)
{
    if (c->cmd >= ARRAY_SIZE(ops) || !ops[c->cmd])
        return -XEN_ENOSYS;
    struct domain *d = domain_get(c->domain);
    if (!d)
        return -XEN_ESRCH;
    int err = ops[c->cmd](v, d, c);
    domain_put(d);
    return err;
}

static int dispatch(struct vcpu *v, struct xen_domctl *c)
{
    if (c->cmd == XEN_DOMCTL_createdomain)
        return createdomain(c);
    if (c->cmd == XEN_DOMCTL_getdomaininfo)
        return getdomaininfo(c);
    return on_domain(v, c);
}

/* Also after these have failed there is something to read in the structure. */
static bool copies_back(const struct xen_domctl *c, int err)
{
    return !err || (err != HC_RESTART &&
                    (c->cmd == XEN_DOMCTL_set_cpu_policy || c->cmd == XEN_DOMCTL_gethvmcontext));
}

static bool busy;

bool domctl_begin(void)
{
    return !__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE);
}

void domctl_end(void)
{
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
}

int64_t hc_domctl(struct vcpu *v, struct hc_args *args)
{
    struct xen_domctl c;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_from_guest(v, &c, args->a[0], sizeof c))
        return -XEN_EFAULT;
    if (c.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!domctl_begin())
        return HC_RESTART;
    int err = dispatch(v, &c);
    domctl_end();
    if (copies_back(&c, err) && copy_to_guest(v, args->a[0], &c, sizeof c))
        return err ? err : -XEN_EFAULT;
    return err;
}
