/* Parts of sysctl and domctl that lie in different files. */
#ifndef XEN_HC_SYSCTL_H
#define XEN_HC_SYSCTL_H

#include "hypercall.h"

/* ---- bitmaps of the tools: bitmap.c -------------------------------------------------------- */

/* Bits 0 to nr-1 of the guest's; those that it does not give are 0. -EFAULT. */
int must_check bitmap_read(struct vcpu *v, const struct xenctl_bitmap *from, struct mask *to,
                           unsigned nr);
/* As many bits as the guest has room for; those from nr on are 0. -EFAULT. */
int must_check bitmap_write(struct vcpu *v, const struct xenctl_bitmap *to, const struct mask *from,
                            unsigned nr);

/* ---- domctl -------------------------------------------------------------------------------- */

typedef int (*domctl_op)(struct vcpu *v, struct domain *d, struct xen_domctl *c);

/* hc_domctl.c: also what sysctl lists */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* One domctl runs at a time, and so does what must not come between. False: HC_RESTART. */
bool domctl_begin(void);
void domctl_end(void);

/* The domain's vCPU of that number, or NULL and *err. */
struct vcpu *domctl_vcpu(struct domain *d, uint32_t id, int *err);

/* domctl_sched.c */
int domctl_scheduler_op(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_getvcpuinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_getvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_setvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c);

/* numa.c */
int domctl_getnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_setnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c);

/* domctl_cpu.c */
int domctl_get_cpu_policy(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_set_cpu_policy(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_gettscinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_settscinfo(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_sendtrigger(struct vcpu *v, struct domain *d, struct xen_domctl *c);

/* domctl_context.c */
int domctl_gethvmcontext(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_sethvmcontext(struct vcpu *v, struct domain *d, struct xen_domctl *c);

/* ---- sysctl -------------------------------------------------------------------------------- */

/* sysctl_sched.c */
int sysctl_scheduler_op(struct vcpu *v, struct xen_sysctl *s);
int sysctl_cpupool_op(struct vcpu *v, struct xen_sysctl *s);
int sysctl_sched_id(struct vcpu *v, struct xen_sysctl *s);

/* hotplug.c */
int sysctl_cpu_hotplug(struct vcpu *v, struct xen_sysctl *s);

/* sysctl_trace.c */
int sysctl_tbuf_op(struct vcpu *v, struct xen_sysctl *s);

/* sysctl_cpu.c */
int sysctl_get_cpu_policy(struct vcpu *v, struct xen_sysctl *s);
int sysctl_get_cpu_featureset(struct vcpu *v, struct xen_sysctl *s);
int sysctl_physinfo(struct vcpu *v, struct xen_sysctl *s);
int sysctl_cputopoinfo(struct vcpu *v, struct xen_sysctl *s);
int sysctl_numainfo(struct vcpu *v, struct xen_sysctl *s);
int sysctl_pcitopoinfo(struct vcpu *v, struct xen_sysctl *s);
int sysctl_getcpuinfo(struct vcpu *v, struct xen_sysctl *s);

struct xen_cpuid_leaf;
/*
 * Gives the tools a list of `nr` leaves, in an array of CPUID_MAX_LEAVES, if it is not longer than
 * *room, and sets *room to its length. The list is made complete first: zeros for leaves up to the
 * greatest that are not in it. The tools keep a policy as a structure, and write all of its leaves
 * back into an array of the length that they were told. -ENOBUFS, -EFAULT.
 */
int policy_leaves_out(struct vcpu *v, uint64_t to, uint32_t *room, struct xen_cpuid_leaf *leaves,
                      unsigned nr);

/* hc_physdev.c: has dom0 told of it? */
bool pci_device_known(const struct physdev_pci_device *d);

#endif
