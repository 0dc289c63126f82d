/*
 * What CPUID tells a guest. A policy is a list of leaves; the default one is
 * made from the processor by the table in cpuid.c, a toolstack may give a
 * domain its own (libxl does). What depends on the vCPU (ids, topology, CR4,
 * XCR0) and Xen's own leaves are filled in when the guest asks.
 */
#ifndef XEN_CPUID_H
#define XEN_CPUID_H

#include "abi.h"

#define CPUID_MAX_LEAVES       0x78 /* that one policy may have */
#define CPUID_FEATURESET_WORDS 19   /* arch-x86/cpufeatureset.h */

struct domain;

/* XEN_SYSCTL_cpu_policy_*: raw and host give the processor, all others what a guest may have.
 * Sorted; returns how many there are and writes at most `max` of them. */
unsigned cpuid_policy_leaves(unsigned index, struct xen_cpuid_leaf *to, unsigned max);
/* The same of one domain. */
unsigned cpuid_domain_leaves(const struct domain *d, struct xen_cpuid_leaf *to, unsigned max);
/* Give a domain that has not run these leaves, in any order; features that no guest may have are
 * cleared. -EINVAL, -ENOMEM; *bad is then the leaf that is to blame. */
int cpuid_domain_set(struct domain *d, const struct xen_cpuid_leaf *leaves, unsigned nr,
                     const struct xen_cpuid_leaf **bad);
void cpuid_domain_fini(struct domain *d);
/* Feature words of a policy (XEN_SYSCTL_cpu_policy_*) in the order of the public header. */
void cpuid_featureset(unsigned index, uint32_t words[CPUID_FEATURESET_WORDS]);

#endif
