/*
 * The registers of the processor itself, for ../../psr/. Values have been
 * checked against CPUID before they come here, so that none faults.
 */
#include "../psr.h"
#include "arch.h"

static void msr_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)ctx;
    (void)pcpu;
    cpuid(leaf, subleaf, out);
}

static unsigned msr_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    (void)ctx;
    (void)pcpu;
    for (unsigned i = 0; i < nr; i++) {
        if (list[i].write)
            wrmsr(list[i].msr, list[i].value);
        else
            list[i].value = rdmsr(list[i].msr);
    }
    return nr;
}

const struct psr_hw psr_msr = {.cpuid = msr_cpuid, .access = msr_access};
