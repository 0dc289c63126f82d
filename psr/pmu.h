/*
 * Events of the processor, counted for each domain. Freestanding, as all here:
 * who calls says what time it is, serialises the calls, and makes those for a
 * pCPU on that pCPU.
 *
 * A domain's events are a set (struct pmu_set), which all its vCPUs share. More
 * events than there are counters for are cut into groups that take turns, of
 * PMU_TURN of vCPU time each. What a set knows then is how long its vCPUs have
 * run (enabled), how long with each group on the counters (running), and what
 * was counted meanwhile; the estimate for all the time is
 * count * enabled / running, as perf(1) has it: right if what the domain does
 * does not keep in step with the turns.
 *
 * Counters are never written once their pCPU is up: a count is the difference
 * of two readings, modulo the width. They are at rest whenever none of the
 * domain's vCPUs is on the pCPU: on AMD the select registers say that guests
 * alone are counted (GuestOnly), so that what the hypervisor does for a vCPU
 * between two entries is left out; on Intel they run from pmu_start() to
 * pmu_stop(), that included, since only VMX could switch them at an entry. No
 * counter interrupts, so a wrap that nobody notices must not come twice:
 * pmu_look_at().
 *
 * Intel: SDM vol. 3B, chapter 20 (architectural performance monitoring, versions
 * 1 to 5). AMD: APM vol. 2, 13.2 (four counters, six with PerfCtrExtCore, as
 * many as it says with PerfMonV2). What is not used: interrupts, PEBS, events that
 * need a register of their own besides (OFFCORE_RESPONSE), uncore and northbridge
 * events. An AMD family 15H, whose events go to some of its counters only, counts as
 * a processor without any.
 */
#ifndef PSR_PMU_H
#define PSR_PMU_H

#include "hw.h"

#define PMU_MAX_GENERAL  16
#define PMU_MAX_FIXED    4
#define PMU_MAX_COUNTERS (PMU_MAX_GENERAL + PMU_MAX_FIXED)
#define PMU_MAX_EVENTS   16 /* in a set */

#define PMU_TURN 4000000 /* ns; perf's, perf_event_mux_interval_ms */

/* ---- what there is: pmu.c -------------------------------------------------------------------- */

enum pmu_vendor { PMU_NONE, PMU_INTEL, PMU_AMD };

struct pmu_caps {
    enum pmu_vendor vendor;
    unsigned version; /* Intel's; AMD: 2 with PerfMonV2, else 1 */
    unsigned nr_general, nr_fixed;
    unsigned width, fixed_width; /* bits */
    bool global;                 /* one register starts and stops all */
    bool extended;               /* AMD: select and counter in turns, from C0010200H on */
    unsigned family;
    uint32_t missing; /* a bit for each architectural event (Intel) that there is not */
};

void pmu_discover(const struct psr_hw *hw, unsigned pcpu, struct pmu_caps *caps);

/*
 * Counters that may count an event, as bits: general ones, then from PMU_MAX_GENERAL on the fixed
 * ones. `select` is as libpfm4 has it for the processor: event, unit mask, modes, edge, invert,
 * counter mask. 0: none may, and *why says the reason, as it goes on after the event's name.
 */
uint32_t pmu_event_counters(const struct pmu_caps *caps, uint64_t select, const char **why);

/* ---- what a domain wants counted: pmu_set.c -------------------------------------------------- */

struct pmu_event {
    uint64_t select; /* for the register, switched on */
    unsigned counter, group;
    uint64_t count;
};

struct pmu_set {
    unsigned nr, nr_groups;
    struct pmu_event event[PMU_MAX_EVENTS]; /* in the order of their groups */
    unsigned group;                         /* whose turn it is, and for how long by now, in ns: */
    uint64_t turn;
    uint64_t enabled, running[PMU_MAX_EVENTS]; /* ns; running: of a group */
};

/* 0, or -EINVAL: *which of the events is refused, and *why (with *which == nr: their number is). */
int pmu_set_init(struct pmu_set *s, const struct pmu_caps *caps, const uint64_t *select,
                 unsigned nr, unsigned *which, const char **why);
/* A group has been on a pCPU's counters for so long; the next one may be due. */
void pmu_set_ran(struct pmu_set *s, unsigned group, uint64_t ns);
/* count * enabled / running; all ones: more than that. 0 if it has not run at all. */
uint64_t pmu_estimate(uint64_t count, uint64_t enabled, uint64_t running);

/* ---- a pCPU's counters: pmu_cpu.c ------------------------------------------------------------ */

struct pmu_cpu {
    const struct psr_hw *hw; /* NULL: it counts nothing (any more) */
    const struct pmu_caps *caps;
    unsigned id;
    struct pmu_set *set; /* that runs, NULL: none; since when, which group: */
    int64_t since;
    unsigned group;
    /* What the registers hold. */
    uint64_t select[PMU_MAX_GENERAL], fixed_control, global;
    uint64_t value[PMU_MAX_COUNTERS]; /* counters: when they rested last */
};

/* The pCPU comes: all at rest and zero. -EIO: a register faults, or does not keep what is written:
 * it is not there. `caps` stays where it is. */
int pmu_online(struct pmu_cpu *c, const struct psr_hw *hw, unsigned id,
               const struct pmu_caps *caps);
/* A vCPU comes, of a domain with this set, or none. Nobody is on the pCPU. Registers that hold what
 * they should are left alone. */
void pmu_start(struct pmu_cpu *c, struct pmu_set *s, int64_t now);
/* It goes: the set has all that was counted. */
void pmu_stop(struct pmu_cpu *c, int64_t now);
/* When pmu_stop() and pmu_start() are called for at the latest, as long as the vCPU stays. */
int64_t pmu_look_at(const struct pmu_cpu *c);
/* Would pmu_start() without a set do nothing? */
static inline bool pmu_at_rest(const struct pmu_cpu *c)
{
    return !c->set && !c->global;
}

#endif
