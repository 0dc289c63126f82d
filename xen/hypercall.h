/*
 * Hypercalls: one file per family (hc_*.c), each a function of the vCPU and
 * the raw arguments that decodes, checks, then acts. Errors are negative
 * errnos of xen/errno.h (XEN_E*).
 */
#ifndef XEN_HYPERCALL_H
#define XEN_HYPERCALL_H

#include "domain.h"

/* "Call me again with the same registers": a long operation has done a part. What it changed in its
 * arguments is in the registers then, so that they may say how far it came. */
#define HC_RESTART (-XEN_ERESTART)

struct hc_args {
    uint64_t a[6]; /* in the order of the ABI: rdi rsi rdx r10 r8 r9 */
};

int64_t hc_memory(struct vcpu *v, struct hc_args *args);
int64_t hc_multicall(struct vcpu *v, struct hc_args *args);
int64_t hc_version(struct vcpu *v, struct hc_args *args);
int64_t hc_console(struct vcpu *v, struct hc_args *args);
int64_t hc_grant(struct vcpu *v, struct hc_args *args);
int64_t hc_vm_assist(struct vcpu *v, struct hc_args *args);
int64_t hc_vcpu(struct vcpu *v, struct hc_args *args);
int64_t hc_sched(struct vcpu *v, struct hc_args *args);
int64_t hc_event(struct vcpu *v, struct hc_args *args);
int64_t hc_physdev(struct vcpu *v, struct hc_args *args);
int64_t hc_hvm(struct vcpu *v, struct hc_args *args);
int64_t hc_platform(struct vcpu *v, struct hc_args *args);
int64_t hc_sysctl(struct vcpu *v, struct hc_args *args);
int64_t hc_domctl(struct vcpu *v, struct hc_args *args);
int64_t hc_moirai(struct vcpu *v, struct hc_args *args);

/* One call by number; -XEN_ENOSYS for what there is not. Used by hypercall() and multicall. */
int64_t hypercall_dispatch(struct vcpu *v, unsigned op, struct hc_args *args);

/* The domain that an argument names, with a reference: DOMID_SELF, or any if the caller is
 * privileged. NULL and *err (-XEN_ESRCH, -XEN_EPERM) otherwise. */
struct domain *domain_for(struct vcpu *v, domid_t id, int *err);

#endif
