/*
 * A MODEL of a processor's performance counters, behind the seam of hw.h: for
 * machines without them, and for tests. What it has, it reads from the CPUID
 * words that it is given, and so does whoever drives it.
 *
 * It is exact about which accesses fault: registers of counters that there are
 * not, reserved bits (AMD's manuals say "reserved" where some parts ignore a
 * write; here it faults), values wider than a counter; of Intel's general
 * counters a write has its low 32 bits, sign-extended (SDM vol. 3B, 20.2.1.2).
 * Counters wrap, and Intel's and PerfMonV2's status registers say so.
 *
 * It is not exact about what is counted: each event happens at a constant rate
 * (pmu_words.c) for the time that the counter is on; in user mode alone three
 * quarters of that, in the kernel's alone one quarter; edge, invert and counter
 * mask change nothing. AMD's GuestOnly and HostOnly are heeded, by a clock that
 * knows both times.
 */
#ifndef PSR_PMU_MODEL_H
#define PSR_PMU_MODEL_H

#include "model.h"
#include "pmu.h"

struct pmu_rate {
    uint16_t event;   /* event, unit mask << 8 */
    uint32_t each_us; /* so often */
};

struct pmu_part {
    struct psr_words words;
    const char *libpfm; /* libpfm4's name for it */
    const struct pmu_rate *rate;
    unsigned nr_rates;
    const char *rates; /* the same, for people */
};

/* What `pmu=model` (and model:intel) and `pmu=model:amd` are. */
extern const struct pmu_part pmu_model_intel, pmu_model_amd;

struct pmu_model_pcpu {
    uint64_t select[PMU_MAX_GENERAL], counter[PMU_MAX_COUNTERS];
    uint32_t part[PMU_MAX_COUNTERS]; /* of a count, in 1/1000 */
    uint64_t fixed_control, global, status;
    int64_t all, guest; /* the clocks, when it was asked last */
};

struct pmu_model {
    const struct pmu_part *what;
    bool amd, extended, global;
    unsigned nr_general, nr_fixed, width, fixed_width;
    /* ns of a pCPU: of guests, or all. */
    int64_t (*clock)(unsigned pcpu, bool guest);
    unsigned nr_pcpus;
    struct pmu_model_pcpu pcpu[MODEL_MAX_PCPUS];
};

/* As after reset, with pCPUs from 0 on. The memory need not be clear. */
void pmu_model_init(struct pmu_model *m, const struct pmu_part *what, unsigned nr_pcpus,
                    int64_t (*clock)(unsigned pcpu, bool guest));

/* The seam; ctx is the model. */
void pmu_model_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
unsigned pmu_model_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr);

#endif
