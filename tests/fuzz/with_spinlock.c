/* Locks as they are, and whether one is held. */
#include "check.h"

#include "../../xen/spinlock.c"

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

void check_no_lock(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (held[i])
            panic("pCPU %u holds locks of ranks %x after a hypercall", i, held[i]);
}

bool any_lock_held(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (held[i])
            return true;
    return false;
}

#pragma clang attribute pop
