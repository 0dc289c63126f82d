/*
 * Domains and their vCPUs: what the generic code knows of them. The
 * hardware's part is behind vcpu->hw (hvm.h).
 *
 * Life cycle of a domain: created paused (domain_create), vCPUs added, built by
 * the toolstack, unpaused; it may shut down (all vCPUs stop, the toolstack is
 * told by VIRQ_DOM_EXC); destroyed (domain_destroy), which frees its memory as
 * references to it go.
 */
#ifndef XEN_DOMAIN_H
#define XEN_DOMAIN_H

#include "abi.h"

#include "../psr/psr.h"
#include "../sched/sched.h"
#include "frames.h"
#include "numa.h"
#include "on_demand.h"
#include "p2m.h"
#include "timer.h"
#include "trace.h"
#include "x86/mtrr.h"
#include "x86/vlapic.h"

#define MAX_VCPUS   128
#define MAX_DOMAINS 1024 /* domain ids: 0 to this - 1 */

struct hw_vcpu;
struct evtchn_table;
struct grant_table;
struct pmu_set;
struct vioapic;

struct vcpu {
    struct domain *domain;
    unsigned id;
    struct sched_unit *unit;
    struct pcpu *volatile loaded_on; /* where its registers are, NULL: in memory */
    struct pcpu *last; /* where it ran last: its TLB entries may be there */

    bool initialised;   /* has registers to start with */
    bool down;          /* not brought up, or offline: not a runnable unit */
    bool blocked;       /* in HLT or SCHEDOP_poll */
    unsigned pauses;    /* own reasons, besides the domain's */
    bool poll;          /* SCHEDOP_poll: woken by any of poll_ports */
    unsigned nr_poll_ports;
    evtchn_port_t poll_port; /* if it is one, the usual case */

    /* Shared with the guest: where it lies now, and the frame that is held for it. */
    struct vcpu_info *info;
    mfn_t info_mfn;               /* MFN_NONE: in the domain's shared_info */
    uint64_t runstate_gva;        /* 0: not registered */
    struct vcpu_runstate_info runstate;
    struct wake_stats wake_stats;
    struct timer singleshot, periodic, poll_timer;
    sched_time period; /* of the periodic timer, 0: off */
    uint8_t upcall_vector; /* 0: none */
    evtchn_port_t virq_port[NR_VIRQS]; /* 0: not bound; per-vCPU VIRQs, others on vCPU 0 */

    bool nmi_pending;
    struct vlapic lapic;
    struct guest_walk walks[GUEST_WALKS]; /* guest.c; used by the vCPU itself */
    struct hw_vcpu *hw;
};

struct domain {
    domid_t id;
    struct list link; /* all domains, by id */
    struct spinlock lock;
    unsigned refs; /* domain_get/put; freed when none is left */
    bool privileged, dying, dead;
    bool in_destroy; /* one domain_destroy() at a time */
    bool shut_down, shutting_down;
    int shutdown_code;
    unsigned pauses; /* by the toolstack or the hypervisor */
    xen_domain_handle_t handle;
    uint32_t options; /* XEN_DOMCTL_CDF_* */
    uint32_t ssidref;
    struct xen_arch_domainconfig arch_config;

    unsigned max_vcpus;
    struct vcpu **vcpus; /* max_vcpus, NULL until made */
    struct sched_domain *sched;

    struct p2m p2m;
    struct on_demand on_demand;
    struct list pages; /* frame.link; RANK_FRAMES */
    uint64_t tot_pages, max_pages; /* frames */
    uint64_t on_node[MAX_NODES];   /* of tot_pages; RANK_FRAMES */
    unsigned node; /* preferred, or NODE_ANY */
    struct domain_numa numa;
    mfn_t shared_mfn;
    struct shared_info *shared;
    struct e820entry *e820; /* what XENMEM_memory_map answers */
    unsigned nr_e820;

    uint64_t params[HVM_NR_PARAMS];
    bool runstate_flag; /* vm_assist: XEN_RUNSTATE_UPDATE while its runstate area changes */
    struct spinlock event_lock;
    struct evtchn_table *events;
    struct grant_table *grants;
    struct vioapic *ioapic; /* NULL: it has none */
    struct mtrr mtrr; /* under lock */
    struct xen_cpuid_leaf *cpuid; /* policy set by the toolstack, or NULL: the default (cpuid.c) */
    unsigned nr_cpuid;
    struct psr_domain psr; /* changed in domctls */
    struct pmu_set *perf;  /* perf.h; changed under lock */
    int64_t time_offset; /* seconds */
    uint32_t tsc_mode, tsc_incarnation;
};

extern struct domain *dom0;
extern struct list domains; /* under domains_lock */
extern struct spinlock domains_lock;

static inline bool is_dom0(const struct domain *d)
{
    return d->privileged;
}

/* id DOMID_INVALID: the next free one. -EEXIST, -ENOMEM, -EINVAL. It starts with one pause. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
                  struct domain **created);
/* vcpu.c. It is down, and paused if its domain is. -EINVAL, -EEXIST, -ENOMEM. */
int vcpu_create(struct domain *d, unsigned id);
/* Its timers fire no more: part of domain_destroy(). */
void vcpu_stop_timers(struct vcpu *v);
/* With the last reference to its domain. */
void vcpu_free(struct vcpu *v);
/* With a reference, or NULL. domid DOMID_SELF is the caller's. */
struct domain *domain_get(domid_t id);
struct domain *domain_get_next(domid_t at_least); /* least id not below, or NULL */
/* With no lock held, if it may be the last reference. */
void domain_put(struct domain *d);
/* Stops the domain, closes its channels and grants, frees its memory; DOM_EXC to dom0. May return
 * -ERESTART (compat: the caller runs it again) after some work. */
int domain_destroy(struct domain *d);
/* The guest asked for it, or the toolstack: all vCPUs stop. For dom0: the machine (reboot or off). */
void domain_shutdown(struct domain *d, int code);
/* One of its vCPUs did what no guest may: says why on the console and shuts it down (crash). */
void domain_crash(struct domain *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);

/* ---- schedule.c ----------------------------------------------------------------------- */

struct vcpu *current_vcpu(void); /* whose guest left last on this pCPU and is being served */
void vcpu_wake(struct vcpu *v);  /* something happened for it: it is not blocked any more */
void vcpu_block(struct vcpu *v); /* until vcpu_wake; current only */
void vcpu_yield(struct vcpu *v);
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void vcpu_up(struct vcpu *v);    /* down -> runnable */
void vcpu_down(struct vcpu *v);
/* If it is in guest mode somewhere, make it leave: it has an interrupt to take. */
void vcpu_kick(struct vcpu *v);
bool vcpu_is_running(const struct vcpu *v);
/* Waits until it is loaded nowhere; it must be paused. */
void vcpu_sync(struct vcpu *v);

void schedule_init(const char *policy); /* pool 0 with all pCPUs; NULL: credit2 */
void schedule_add_pcpu(struct pcpu *p);
/* -ENOENT: no such pool; -EBUSY: it has no pCPU; -ENOMEM. */
int schedule_domain_init(struct domain *d, uint32_t pool);
void schedule_domain_fini(struct domain *d);
int schedule_vcpu_init(struct vcpu *v);
void schedule_vcpu_fini(struct vcpu *v);
/* Never returns: the pCPU's life. */
_Noreturn void run_loop(void);
void runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out);
uint64_t vcpu_cpu_time(const struct vcpu *v); /* ns */
extern struct spinlock sched_lock; /* RANK_SCHED: around every call into sched/ */

#endif
