/*
 * The processors that pmu=model can be: CPUID of an Intel Xeon E5-2650L v4 and an
 * AMD EPYC 7763, as far as their counters go (hwloc's dumps, tests/psr), and how
 * often each event happens in the model. The rates are made up.
 */
#include "pmu_model.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static const struct psr_cpuid intel[] = {
    {0x0, PSR_ANY, {0x14, 0x756e6547, 0x6c65746e, 0x49656e69}},
    {0x1, PSR_ANY, {0x406f1, 0, 0, 0}},
    {0xa, PSR_ANY, {0x7300403, 0, 0, 0x603}}, /* version 3: 4 and 3 counters of 48 bits */
};

static const struct psr_cpuid amd[] = {
    {0x0, PSR_ANY, {0x10, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x1, PSR_ANY, {0xa00f11, 0, 0, 0}},
    {0x80000000, PSR_ANY, {0x80000023, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x80000001, PSR_ANY, {0xa00f11, 0, 1 << 23, 0}}, /* PerfCtrExtCore: 6 counters */
};

/* Intel's architectural events, and the fixed counter of reference cycles. */
static const struct pmu_rate intel_rates[] = {
    {0x00c0, 3000}, {0x003c, 2000}, {0x0300, 2000}, {0x013c, 100},
    {0x4f2e, 20},   {0x412e, 5},    {0x00c4, 500},  {0x00c5, 10},
};

/* Retired instructions, cycles not in halt, branches retired and mispredicted. */
static const struct pmu_rate amd_rates[] = {
    {0x00c0, 3000}, {0x0076, 2000}, {0x00c2, 500}, {0x00c3, 10}};

#define RATES                                                                                      \
    "each us of vCPU time has 3000 instructions, 2000 cycles, 500 branches, 10 of them "           \
    "mispredicted"

const struct pmu_part pmu_model_intel = {
    .words = {"Intel Xeon E5-2650L v4", intel, NR(intel)},
    .libpfm = "bdw_ep",
    .rate = intel_rates,
    .nr_rates = NR(intel_rates),
    .rates = RATES ", 20 references to the last-level cache, 5 misses there, 1 of any other event",
};
const struct pmu_part pmu_model_amd = {
    .words = {"AMD EPYC 7763", amd, NR(amd)},
    .libpfm = "amd64_fam19h_zen3",
    .rate = amd_rates,
    .nr_rates = NR(amd_rates),
    .rates = RATES ", 1 of any other event",
};
