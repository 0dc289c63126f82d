/* Which vectors of the devices' range are taken. A vector means the same on all pCPUs. */
#include "../abi.h"
#include "../lib.h"
#include "../spinlock.h"
#include "arch.h"

#define NR_DEVICE_VECTORS (VECTOR_LAST_DEVICE - VECTOR_FIRST_DEVICE + 1)

static struct spinlock vector_lock = SPINLOCK_INIT(RANK_IRQ);
static bool taken[NR_DEVICE_VECTORS];

/* An interrupt that was on its way when its vector was given back. */
static void late_interrupt(unsigned vector)
{
    (void)vector;
    apic_eoi();
}

int vector_alloc(interrupt_handler handler)
{
    int vector = -XEN_ENOSPC;

    spin_lock(&vector_lock);
    for (unsigned i = 0; i < NR_DEVICE_VECTORS && vector < 0; i++)
        if (!taken[i]) {
            taken[i] = true;
            vector = VECTOR_FIRST_DEVICE + i;
            interrupt_set_handler(vector, handler);
        }
    spin_unlock(&vector_lock);
    return vector;
}

void vector_free(unsigned vector)
{
    spin_lock(&vector_lock);
    interrupt_set_handler(vector, late_interrupt);
    taken[vector - VECTOR_FIRST_DEVICE] = false;
    spin_unlock(&vector_lock);
}
