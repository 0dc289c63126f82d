/* Other vCPUs. */
#include "guest.h"

#define TRAMPOLINE 0x8000 /* a page of the first MiB */
#define COME_MS    2000

void ap_main(unsigned id);
extern char trampoline[], trampoline_end[];

static void (*volatile jobs[MAX_CPUS])(void);
static volatile bool came[MAX_CPUS];

void ap_main(unsigned id)
{
    traps_cpu_init();
    lapic_init();
    came[id] = true;
    jobs[id]();
    for (;;)
        __asm__ volatile("cli; hlt");
}

void cpu_prepare(unsigned id, void (*f)(void))
{
    came[id] = false;
    jobs[id] = f;
}

bool cpu_came(unsigned id)
{
    return WAIT_FOR(came[id], COME_MS);
}

bool cpu_start(unsigned id, void (*f)(void))
{
    memcpy((void *)TRAMPOLINE, trampoline, (size_t)(trampoline_end - trampoline));
    cpu_prepare(id, f);
    lapic_send(id, ICR_INIT);
    for (unsigned i = 0; i < 2; i++) {
        delay(200000);
        lapic_send(id, ICR_STARTUP | TRAMPOLINE >> PAGE_SHIFT);
    }
    return cpu_came(id);
}
