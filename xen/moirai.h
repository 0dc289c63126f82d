/*
 * moirai_op: what Xen's interface cannot say of schedulers, nodes and counters. Shared
 * with the tools (tools/cli/), so it stands alone.
 *
 * The hypercall has the number MOIRAI_HYPERCALL, which Xen leaves to the
 * architecture and x86 does not use. Its one argument is the address of a
 * struct moirai_op; the caller must be privileged. The structure is copied back
 * whatever the result, but for these:
 *
 *   -EPERM   the caller is not privileged
 *   -EFAULT  an address cannot be read or written
 *   -EACCES  the version is another one
 *
 * Others: -ENOSYS no such command; -ENOENT no such pool, or the end of a list;
 * -ESRCH no such domain or vCPU; -EINVAL, -EBUSY, -ENOSPC the scheduler refuses,
 * and `refusal` says why. Of counting: -ENODEV nothing can be counted, -EINVAL
 * an event is refused, both with `refusal`; -EBUSY the domain is counted already,
 * -ENOENT it is not.
 *
 * All fields are at multiples of their size. Pads are 0. Times are ns.
 */
#ifndef XEN_MOIRAI_H
#define XEN_MOIRAI_H

#include <stdint.h>

#define MOIRAI_HYPERCALL 49 /* __HYPERVISOR_arch_1 */
#define MOIRAI_VERSION   1

#define MOIRAI_VALUES   8    /* parameters of one scope at most */
#define MOIRAI_PARAMS   16   /* of one policy */
#define MOIRAI_CONTRACT 1024 /* bytes of its text */
#define MOIRAI_WINDOWS  64   /* of a table */
#define MOIRAI_BUCKETS  32
#define MOIRAI_EVENTS   16 /* that are counted for a domain */
#define MOIRAI_ALL      (~0u)

enum moirai_cmd {
    MOIRAI_POLICY = 1, /* what can be had */
    MOIRAI_POOL,       /* which pool runs what */
    MOIRAI_GET,        /* values of parameters */
    MOIRAI_SET,
    MOIRAI_SWITCH, /* the policy of a pool, under its running domains */
    MOIRAI_VCPU,   /* what a vCPU has got */
    MOIRAI_GET_TABLE,
    MOIRAI_SET_TABLE,
    MOIRAI_NODE,  /* of the machine */
    MOIRAI_NODES, /* where a domain's memory is */
    MOIRAI_GET_REBALANCE,
    MOIRAI_SET_REBALANCE,
    MOIRAI_PMU,        /* what the processor can count */
    MOIRAI_PERF_START, /* count events for a domain from now on */
    MOIRAI_PERF_READ,  /* how many there have been */
    MOIRAI_PERF_STOP,
};

enum moirai_scope { MOIRAI_SCOPE_POOL, MOIRAI_SCOPE_DOMAIN, MOIRAI_SCOPE_VCPU };
enum moirai_kind { MOIRAI_COUNT, MOIRAI_TIME, MOIRAI_PERCENT, MOIRAI_BOOL };

struct moirai_param {
    char name[16];
    uint32_t scope, kind;
    int64_t min, max, def;
    char help[128];
};

/* The policy at `index` of the list. */
struct moirai_policy {
    uint32_t index; /* in; the others are out */
    int32_t id;     /* XEN_SCHEDULER_*, or what it was in Xen 2.0 */
    char name[16];  /* as in sched= */
    char title[48];
    uint32_t nr_params, pad;
    uint64_t params;   /* in: address of MOIRAI_PARAMS of struct moirai_param, grouped by scope */
    uint64_t contract; /* in: address of MOIRAI_CONTRACT bytes */
};

/* The first pool whose number is not less than `pool`. */
struct moirai_pool {
    uint32_t pool; /* in, out */
    int32_t policy;
    uint32_t nr_domains, pad;
    uint64_t pcpus; /* a bit for each */
};

/*
 * Values of a pool, a domain or a vCPU, in the order in which the policy has its parameters of that
 * scope. MOIRAI_SET changes those with a bit in `set` and keeps the others; all are changed or
 * none. vcpu MOIRAI_ALL sets all of the domain's.
 */
struct moirai_values {
    uint32_t scope;
    uint32_t pool;   /* in at pool scope; out of the other two */
    uint32_t domain; /* in but at pool scope */
    uint32_t vcpu;   /* in at vCPU scope */
    int32_t policy;  /* SET: that the values are meant for; GET: out */
    uint32_t set;
    int64_t value[MOIRAI_VALUES];
};

struct moirai_switch {
    uint32_t pool;
    int32_t policy;
};

/* The first vCPU whose (domain, vcpu) is not less. */
struct moirai_vcpu {
    uint32_t domain, vcpu; /* in, out */
    uint32_t pool, pcpu;   /* the pCPU where it is queued or runs, or last did */
    uint32_t runstate;     /* RUNSTATE_* */
    uint32_t pad;
    uint64_t now;
    uint64_t time[4]; /* in each runstate, up to now */
    uint64_t hard;    /* pCPUs of the pool that it may run on */
    uint64_t migrations;
    uint64_t wakes;                    /* after which it has run */
    uint64_t latency_sum, latency_max; /* from a wake until it runs */
    uint32_t latency[MOIRAI_BUCKETS];  /* how many of them took 2^i ns or less, but not 2^(i-1) */
};

struct moirai_window {
    uint32_t domain, vcpu;
    int64_t runtime;
};

/* arinc653's major frame. */
struct moirai_table {
    uint32_t pool;
    uint32_t nr; /* SET: in, GET: out, at most MOIRAI_WINDOWS */
    int64_t major_frame;
    uint64_t windows; /* in: address of nr, or MOIRAI_WINDOWS, of struct moirai_window */
};

/* What placement knows of a node. */
struct moirai_node {
    uint32_t node;         /* in */
    uint32_t pcpus, vcpus; /* vcpus: with a preference for it, or no others to run on */
    uint32_t pad;
    uint64_t total, free; /* frames */
};

/* The first domain whose number is not less. */
struct moirai_nodes {
    uint32_t domain;   /* in, out */
    uint32_t nr_nodes; /* of the machine */
    uint32_t first;    /* in: the node that `pages` begins with */
    uint32_t pad;
    uint64_t affinity; /* nodes, as bits: its memory comes from; 0: any */
    uint64_t home;     /* where its vCPUs are; 0: not known */
    uint64_t moved;    /* frames that have been moved to other nodes, ever */
    uint64_t pages[32];
};

/* Frames a second that may be moved in all; 0: none. */
struct moirai_rebalance {
    uint64_t rate;
};

enum moirai_pmu_vendor { MOIRAI_PMU_INTEL = 1, MOIRAI_PMU_AMD };

/* All of it is out. The texts are empty unless it is a model. */
struct moirai_pmu {
    uint32_t vendor, version; /* psr/pmu.h */
    uint32_t nr_general, nr_fixed, width;
    uint32_t model;  /* 1: nothing is really counted */
    char libpfm[32]; /* libpfm4's name of its PMU; without: by the processor's own CPUID */
    char name[48];
    char rates[256]; /* of events in it */
};

/* MOIRAI_PERF_STOP takes `domain` alone. If an event is refused, the limit of the refusal is its
 * number, from 1 on. */
struct moirai_perf_start {
    uint32_t domain;
    uint32_t nr;                    /* at most MOIRAI_EVENTS */
    uint64_t select[MOIRAI_EVENTS]; /* as libpfm4 says: event, unit mask, modes, ... */
};

struct moirai_event {
    uint64_t count;
    uint64_t running;  /* ns that it was on a counter */
    uint64_t estimate; /* count * enabled / running */
};

struct moirai_perf_read {
    uint32_t domain;        /* in; the others are out */
    uint32_t nr, nr_groups; /* groups that take turns on the counters */
    uint32_t pad;
    uint64_t enabled; /* ns that its vCPUs have run since MOIRAI_PERF_START */
    struct moirai_event event[MOIRAI_EVENTS];
};

/* `why` is empty if the number of the error says it all. */
struct moirai_refusal {
    char param[16]; /* empty: no single one is at fault */
    char why[160];
    int64_t limit; /* in the unit of the parameter, or the one that `why` names; 0: none */
};

/*
 * Records of our own in Xen's trace format (xen/trace.h): the scheduler class, whose schedulers 0
 * to 5 are Xen's. Words as listed; a 64-bit number is its low word, then its high one. Those from
 * MOIRAI_TRACE_NAME on are not the hypervisor's: the recorder puts them at the start of a file.
 */
#define MOIRAI_TRACE_CLASS 0x00022c00

enum moirai_trace {
    MOIRAI_TRACE_HOST = MOIRAI_TRACE_CLASS + 1, /* kHz of the time stamps, number of pCPUs */
    MOIRAI_TRACE_VCPU,    /* domain, vcpu, RUNSTATE_*, pcpu: as recording begins */
    MOIRAI_TRACE_MIGRATE, /* domain, vcpu, from, to */
    MOIRAI_TRACE_PARK,    /* domain, vcpu, pcpu: out of budget or cap */
    MOIRAI_TRACE_UNPARK,
    MOIRAI_TRACE_MISS,                             /* domain, vcpu, deadline as ns (64 bits) */
    MOIRAI_TRACE_AFFINITY_BROKEN,                  /* domain, vcpu */
    MOIRAI_TRACE_NAME = MOIRAI_TRACE_CLASS + 0x10, /* domain, 24 bytes of its name */
    MOIRAI_TRACE_POOL,                             /* pool, policy, pcpus (64 bits) */
    MOIRAI_TRACE_VALUE,  /* scope, pool or domain, vcpu, index, value (64 bits) */
    MOIRAI_TRACE_PLACE,  /* domain, vcpu, pool, hard affinity (64 bits) */
    MOIRAI_TRACE_TABLE,  /* pool, major frame (64 bits) */
    MOIRAI_TRACE_WINDOW, /* pool, domain, vcpu, runtime (64 bits) */
};

struct moirai_op {
    uint32_t version, cmd;
    struct moirai_refusal refusal;
    union {
        struct moirai_policy policy;
        struct moirai_pool pool;
        struct moirai_values values;
        struct moirai_switch change;
        struct moirai_vcpu vcpu;
        struct moirai_table table;
        struct moirai_node node;
        struct moirai_nodes nodes;
        struct moirai_rebalance rebalance;
        struct moirai_pmu pmu;
        struct moirai_perf_start perf_start;
        struct moirai_perf_read perf_read;
        uint64_t room[64];
    } u;
};

#endif
