/* Event channels: 2-level and FIFO ABI behind one table of ports (xen/event_channel.h). */
#ifndef XEN_EVENT_H
#define XEN_EVENT_H

#include "domain.h"

int events_init(struct domain *d, unsigned max_port);
void events_fini(struct domain *d); /* closes all; peers become unbound */
/* A virtual interrupt for the domain (global ones) or this vCPU (TIMER, DEBUG, ...). */
void virq_raise(struct domain *d, unsigned virq);
void virq_raise_vcpu(struct vcpu *v, unsigned virq);
/* A new port of `d` that `remote` may bind: for domctl and dom0's console; -errno or the port. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote);
/* Has the vCPU an unmasked pending event and not yet taken the upcall? */
bool events_pending(const struct vcpu *v);
/* upcall_pending went 0 -> 1, or the vector was set: raise it in the local APIC. */
void event_upcall(struct vcpu *v);
/* Is the port pending, masked or not? For SCHEDOP_poll. */
bool evtchn_is_pending(struct domain *d, evtchn_port_t port);
/* vCPU's info moved: all its pending state must be looked at again. */
void events_info_moved(struct vcpu *v);

int vcpu_register_info(struct vcpu *v, gfn_t gfn, unsigned offset);
/* Writes vcpu_time_info into the vCPU's info; at every schedule-in. */
void vcpu_time_update(struct vcpu *v);
/* Runstate into the guest's registered area. */
void vcpu_runstate_update(struct vcpu *v);
void wallclock_update(struct domain *d);

/* Debug key 'e'. */
void events_dump(const struct domain *d);

#endif
