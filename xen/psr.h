/*
 * Caches and memory bandwidth of the machine, shared out among domains. The
 * thinking is in ../psr/; here it meets the processor's registers, or the model
 * of some that psr=model asks for.
 *
 * What a domain has changes in domctls only, and pCPUs come and go between them
 * (domctl_begin()); of all that one runs at a time, so there is no lock.
 */
#ifndef XEN_PSR_H
#define XEN_PSR_H

#include "../psr/psr.h"
#include "hc_sysctl.h"

/* Once all pCPUs are up; before there are domains. */
void psr_start(void);

/* The pCPU, in no pool, goes, with PQR_ASSOC at rest; it comes again, and runs nothing yet. */
void psr_pcpu_offline(struct pcpu *p);
void psr_pcpu_online(struct pcpu *p);

/* What runs on this pCPU from now on: PQR_ASSOC, if it changes. NULL: nothing. */
void psr_switch(struct pcpu *p, const struct domain *d);

/* The domain runs no more: its classes and its RMID are others'. In a domctl. */
void psr_domain_end(struct domain *d);

/* x86/psr_msr.c: the registers of this pCPU, whichever it says. */
extern const struct psr_hw psr_msr;

/* ---- what the tools ask: sysctl_psr.c, domctl_psr.c, platform_resource.c ------------------- */

int sysctl_psr_cmt_op(struct vcpu *v, struct xen_sysctl *s);
int sysctl_psr_alloc(struct vcpu *v, struct xen_sysctl *s);
int domctl_psr_cmt_op(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int domctl_psr_alloc(struct vcpu *v, struct domain *d, struct xen_domctl *c);
int64_t platform_resource_op(struct vcpu *v, const struct xenpf_resource_op *op);

/* The machine's state for them, or NULL: there is nothing to partition, or to count. */
struct psr *psr_allocation(void);
struct psr *psr_monitoring(void);

/* On that pCPU and with nothing between them, time (MSR_TSC, in ns) among them; how many were done.
 */
unsigned psr_access_on(unsigned pcpu, struct psr_access *list, unsigned nr);
/* After a domain's class or RMID has changed: on all pCPUs where that counts now. */
void psr_refresh(void);

#define MSR_TSC 0x10

#endif
