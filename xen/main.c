/* The order in which the hypervisor comes up. */
#include "boot.h"
#include "call.h"
#include "console.h"
#include "domain.h"
#include "hvm.h"
#include "pcpu.h"
#include "perf.h"
#include "psr.h"
#include "timer.h"
#include "x86/arch.h"
#include "x86/pci.h"

_Noreturn void moirai(uint32_t magic, paddr_t info); /* head.S calls it */

extern char boot_stack_top[];

static struct pcpu boot_pcpu = {
    .self = &boot_pcpu,
    .stack_top = boot_stack_top,
    .online = true,
    .decide_at = SCHED_NEVER,
};

/* The boot pCPU is number 0. Locks ask who takes them, so this precedes everything. */
static void boot_pcpu_init(void)
{
    uint32_t leaf[4];

    cpuid(1, 0, leaf);
    boot_pcpu.apic_id = leaf[1] >> 24;
    descriptors_init(&boot_pcpu);
    timers_pcpu_init(&boot_pcpu);
    pcpus[0] = &boot_pcpu;
    nr_pcpus = 1;
}

/* A machine that cannot be used: one line, no panic. */
static _Noreturn void stop(const char *why)
{
    printk(LOG_ERR, "Moirai cannot run on this machine: %s", why);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void hvm_init(void)
{
    const char *missing = hvm->missing();

    if (missing)
        stop(missing);
    hvm->pcpu_up();
    printk(LOG_INFO, "guests run by %s", hvm->name);
}

void moirai(uint32_t magic, paddr_t info)
{
    boot_pcpu_init();
    console_init();
    printk(LOG_INFO, "Moirai, a hypervisor with Xen 4.17's interface");
    multiboot_parse(magic, info);
    printk(LOG_INFO, "loaded by %s: %s", boot.loader, boot.cmdline);
    cmdline_parse(boot.cmdline);

    memory_init();
    trap_stacks_init(&boot_pcpu);
    acpi_init();
    memory_release();

    time_init();
    ioapic_init(); /* before the local APIC stops listening to the 8259s, which this silences */
    apic_init();
    pci_init();
    hvm_init();

    schedule_init(options.sched[0] ? options.sched : NULL);
    pcpu_calls_init();
    smp_init();
    psr_start();
    perf_init();
    rebalance_init();
    console_irq_init();
    dom0_build();
    run_loop();
}
