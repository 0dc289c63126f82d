/* domctl: CPUID policies, the TSC, and what pokes a vCPU. */
#include "cpuid.h"
#include "hc_sysctl.h"

/* Tools may name these MSRs in a policy: PLATFORM_INFO and ARCH_CAPABILITIES. No guest has them. */
static const uint32_t policy_msrs[] = {0xce, 0x10a};

/* As in libxl: 0 default, 2 never emulated. Emulating always (1) is not possible. */
enum { TSC_DEFAULT = 0, TSC_NATIVE = 2 };

/* ---- policies ------------------------------------------------------------------------------ */

int domctl_get_cpu_policy(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_cpu_policy *p = &c->u.cpu_policy;
    struct xen_cpuid_leaf *leaves = xnew_array(struct xen_cpuid_leaf, CPUID_MAX_LEAVES);

    if (!leaves)
        return -XEN_ENOMEM;
    unsigned n = cpuid_domain_leaves(d, leaves, CPUID_MAX_LEAVES);
    int err = policy_leaves_out(v, (uintptr_t)p->leaves.p, &p->nr_leaves, leaves, n);
    xfree(leaves);
    p->nr_msrs = 0;
    return err;
}

static bool started(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && d->vcpus[i]->initialised)
            return true;
    return false;
}

static int check_msrs(struct vcpu *v, struct xen_domctl_cpu_policy *p)
{
    if (p->nr_msrs > ARRAY_SIZE(policy_msrs))
        return -XEN_E2BIG;
    for (uint32_t i = 0; i < p->nr_msrs; i++) {
        struct xen_msr_entry e;
        bool known = false;

        if (copy_in_at(v, &e, p->msrs, i))
            return -XEN_EFAULT;
        for (unsigned k = 0; k < ARRAY_SIZE(policy_msrs); k++)
            known |= e.idx == policy_msrs[k];
        if (!known || e.flags) {
            p->err_msr = e.idx;
            return -XEN_EINVAL;
        }
    }
    return 0;
}

static int set_leaves(struct vcpu *v, struct domain *d, struct xen_domctl_cpu_policy *p,
                      struct xen_cpuid_leaf *leaves)
{
    const struct xen_cpuid_leaf *bad = NULL;

    if (copy_from_guest(v, leaves, (uintptr_t)p->leaves.p, p->nr_leaves * sizeof *leaves))
        return -XEN_EFAULT;
    int err = cpuid_domain_set(d, leaves, p->nr_leaves, &bad);
    if (err && bad) {
        p->err_leaf = bad->leaf;
        p->err_subleaf = bad->subleaf;
    }
    return err;
}

int domctl_set_cpu_policy(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_cpu_policy *p = &c->u.cpu_policy;

    p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
    if (d == v->domain)
        return -XEN_EINVAL;
    if (started(d))
        return -XEN_EEXIST;
    if (p->nr_leaves > CPUID_MAX_LEAVES)
        return -XEN_E2BIG;
    int err = check_msrs(v, p);
    if (err || !p->nr_leaves)
        return err;
    struct xen_cpuid_leaf *leaves = xnew_array(struct xen_cpuid_leaf, p->nr_leaves);
    if (!leaves)
        return -XEN_ENOMEM;
    err = set_leaves(v, d, p, leaves);
    xfree(leaves);
    return err;
}

/* ---- the TSC, which guests read from the processor ----------------------------------------- */

int domctl_gettscinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    if (d == v->domain)
        return -XEN_EINVAL;
    c->u.tsc_info = (struct xen_domctl_tsc_info){.tsc_mode = d->tsc_mode,
                                                 .gtsc_khz = (uint32_t)tsc_khz,
                                                 .incarnation = d->tsc_incarnation,
                                                 .elapsed_nsec = (uint64_t)now()};
    return 0;
}

int domctl_settscinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    const struct xen_domctl_tsc_info *info = &c->u.tsc_info;

    if (d == v->domain || (info->tsc_mode != TSC_DEFAULT && info->tsc_mode != TSC_NATIVE))
        return -XEN_EINVAL;
    d->tsc_mode = info->tsc_mode;
    d->tsc_incarnation = info->incarnation;
    return 0;
}

/* ---- triggers ------------------------------------------------------------------------------ */

int domctl_sendtrigger(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    const struct xen_domctl_sendtrigger *t = &c->u.sendtrigger;
    int err;
    struct vcpu *to = domctl_vcpu(d, t->vcpu, &err);

    (void)v;
    if (!to)
        return err;
    if (t->trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
        return -XEN_ENOSYS; /* buttons and resets are of machines that such a guest does not have */
    if (to->down)
        return -XEN_EINVAL;
    __atomic_store_n(&to->nmi_pending, true, __ATOMIC_RELEASE);
    vcpu_wake(to);
    vcpu_kick(to);
    return 0;
}
