/* The hypervisor's surroundings: pCPUs, time, firmware, processors that run nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

#include "../../xen/boot.h"
#include "../../xen/console.h"
#include "../../xen/perf.h"
#include "../../xen/psr.h"
#include "../../xen/x86/vioapic.h"

#define TABLE_FRAMES 64 /* the frame table's and the boot code's */
#define SHOWN        4096

struct pcpu *machine_pcpu;
struct pcpu *pcpus[MAX_PCPUS];
unsigned nr_pcpus;
struct boot_info boot;
struct options options;
struct acpi_info acpi;

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t tsc_khz, tsc_base;
uint32_t tsc_mul;
int8_t tsc_shift;
int64_t wallclock_base;

static sched_time clock;

sched_time now(void)
{
    return clock += 20;
}

void machine_pass_time(sched_time ns)
{
    clock += ns;
}

void apic_timer_arm(sched_time when)
{
    (void)when; /* machine_settle() looks at the timers themselves */
}

/* ---- processors ------------------------------------------------------------------------------ */

uint64_t machine_rdmsr(uint32_t msr)
{
    return msr == MSR_GS_BASE; /* set: spinlock.c asks */
}

void machine_wrmsr(uint32_t msr, uint64_t value)
{
    (void)msr;
    (void)value;
}

void pcpu_kick(struct pcpu *p)
{
    (void)p; /* it has its turn anyway */
}

uint32_t apic_id(void)
{
    return machine_pcpu->apic_id;
}

void apic_eoi(void)
{
}

static struct pcpu *pcpu_new(unsigned id)
{
    struct pcpu *p = xnew(struct pcpu);

    p->self = p;
    p->id = p->apic_id = id;
    p->core = id;
    p->node = id / (NR_PCPUS / 2);
    p->online = true;
    p->decide_at = SCHED_NEVER;
    timers_pcpu_init(p);
    return p;
}

/* ---- interrupts of the machine's: one IO-APIC ------------------------------------------------ */

unsigned ioapic_count(void)
{
    return 1;
}

const struct ioapic_info *ioapic_get(unsigned i)
{
    static const struct ioapic_info info = {.id = 0, .address = 0xfec00000, .entries = 24};

    (void)i;
    return &info;
}

int vector_alloc(interrupt_handler handler)
{
    (void)handler;
    return -XEN_ENOSPC;
}

unsigned isa_to_gsi(unsigned irq, bool *level, bool *active_low)
{
    *level = *active_low = false;
    return irq;
}

void ioapic_route(unsigned gsi, unsigned vector, uint32_t id, bool level, bool active_low)
{
    (void)gsi;
    (void)vector;
    (void)id;
    (void)level;
    (void)active_low;
}

void ioapic_mask(unsigned gsi, bool masked)
{
    (void)gsi;
    (void)masked;
}

/* ---- the end, and what was said until then --------------------------------------------------- */

void machine_show_console(void)
{
    static char text[SHOWN];
    uint32_t index = 0;
    size_t n;

    while ((n = console_ring_read(&index, text, sizeof text)))
        fwrite(text, 1, n, stderr);
}

void panic(const char *format, ...)
{
    va_list args;

    console_force();
    machine_show_console();
    va_start(args, format);
    fputs("panic: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    abort();
}

_Noreturn void machine_reboot(void)
{
    machine_stop();
}

_Noreturn void machine_power_off(void)
{
    machine_stop();
}

void printk(enum log_level level, const char *format, ...)
{
    char line[512];
    va_list args;

    if ((int)level > options.loglvl)
        return;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    n = MIN(n, (int)sizeof line - 2);
    line[n] = '\n';
    console_write(line, (size_t)n + 1);
}

void strcopy(char *to, const char *from, size_t size)
{
    snprintf(to, size, "%s", from);
}

/* ---- virtualisation: registers that nobody executes with ------------------------------------- */

static int hw_init(struct vcpu *v)
{
    v->hw = xnew(struct hw_vcpu);
    if (!v->hw)
        return -XEN_ENOMEM;
    v->hw->mode.cs_long = true;
    return 0;
}

static void hw_fini(struct vcpu *v)
{
    xfree(v->hw);
    v->hw = NULL;
}

static void hw_start_flat(struct vcpu *v, uint32_t entry, uint32_t ebx)
{
    v->hw->regs.rip = entry;
    v->hw->regs.rbx = ebx;
}

static void hw_start_real(struct vcpu *v, uint8_t vector)
{
    v->hw->regs.rip = (uint64_t)vector << 12;
}

static void hw_nothing(struct vcpu *v)
{
    (void)v;
}

static struct guest_regs *hw_regs(struct vcpu *v)
{
    return &v->hw->regs;
}

static void hw_state(struct vcpu *v, struct guest_state *s)
{
    const struct guest_mode *m = &v->hw->mode;

    *s = (struct guest_state){.cr0 = m->cr0,
                              .cr3 = m->cr3,
                              .cr4 = m->cr4,
                              .efer = m->efer,
                              .cs_long = m->cs_long,
                              .cpl = m->cpl};
}

static void hw_mode(struct vcpu *v, struct guest_mode *mode)
{
    *mode = v->hw->mode;
}

static uint64_t hw_space(struct vcpu *v)
{
    const struct guest_mode *m = &v->hw->mode;
    const uint64_t lma = BIT(10), wp = BIT(16), la57 = BIT(12);

    if (!(m->efer & lma) || (m->cr4 & la57))
        return 0;
    return (m->cr3 & ~(PAGE_SIZE - 1)) | (m->cr0 & wp ? 1 : 0);
}

static int hw_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    (void)v;
    (void)msr;
    (void)value;
    return -XEN_ENOENT;
}

static int hw_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    (void)v;
    (void)msr;
    (void)value;
    return -XEN_ENOENT;
}

static void hw_inject(struct vcpu *v, unsigned vector, int error)
{
    (void)v;
    (void)vector;
    (void)error;
}

/* The hardware would refuse some values; here bit 1 of the flags stands for all. */
static int hw_set_cpu(struct vcpu *v, const struct hvm_hw_cpu *record)
{
    if (!(record->rflags & 2) || v->loaded_on)
        return -XEN_EINVAL;
    v->hw->regs.rip = record->rip;
    return 0;
}

static void hw_get_cpu(struct vcpu *v, struct hvm_hw_cpu *record)
{
    record->rip = v->hw->regs.rip;
    record->rflags = 2;
}

static const struct hvm_ops hvm_none = {
    .name = "nothing",
    .vcpu_init = hw_init,
    .vcpu_fini = hw_fini,
    .start_flat = hw_start_flat,
    .start_real = hw_start_real,
    .load = hw_nothing,
    .save = hw_nothing,
    .regs = hw_regs,
    .state = hw_state,
    .mode = hw_mode,
    .space = hw_space,
    .rdmsr = hw_rdmsr,
    .wrmsr = hw_wrmsr,
    .inject_fault = hw_inject,
    .dump = hw_nothing,
    .set_cpu = hw_set_cpu,
    .get_cpu = hw_get_cpu,
};

const struct hvm_ops *hvm = &hvm_none;

/* ---- booting --------------------------------------------------------------------------------- */

paddr_t boot_alloc(uint64_t size, uint64_t align, paddr_t limit)
{
    (void)align;
    (void)limit;
    if (size > TABLE_FRAMES * PAGE_SIZE)
        panic("the frame table is larger than %u frames", TABLE_FRAMES);
    return 0;
}

static void describe(void)
{
    boot.nr_regions = 1;
    boot.region[0] = (struct boot_region){0, RAM_FRAMES * PAGE_SIZE, E820_RAM};
    options.loglvl = options.guest_loglvl = LOG_DEBUG;
    options.psr = (struct psr_options){.cmt = true, .cat = true, .mba = true};
    options.psr_source = PSR_MODEL_INTEL;
    options.pmu_source = PMU_MODEL_INTEL;
    acpi.nr_cpus = NR_PCPUS;
    acpi.nr_nodes = 2;
    for (unsigned i = 0; i < NR_PCPUS; i++)
        acpi.cpu[i].apic_id = acpi.cpu[i].uid = i;
    for (unsigned i = 0; i < 64; i++)
        for (unsigned k = 0; k < 64; k++)
            acpi.distance[i][k] = i == k ? 10 : 20;
    clock = 1000000000;
    tsc_khz = 1000000;
    tsc_mul = 0x80000000;
    tsc_shift = 1;
    wallclock_base = 1700000000000000000;
}

void machine_boot(const char *policy)
{
    static struct pcpu first; /* until there is memory */

    machine_pcpu = pcpus[0] = &first;
    nr_pcpus = 1;
    describe();
    frames_init(RAM_FRAMES);
    frames_release(TABLE_FRAMES, BORDER, 0);
    frames_release(BORDER, RAM_FRAMES, 1);
    for (unsigned i = 0; i < NR_PCPUS; i++)
        pcpus[i] = pcpu_new(i);
    nr_pcpus = NR_PCPUS;
    machine_pcpu = pcpus[0];
    schedule_init(policy);
    for (unsigned i = 0; i < NR_PCPUS; i++) {
        machine_pcpu = pcpus[i];
        schedule_add_pcpu(pcpus[i]);
    }
    machine_pcpu = pcpus[0];
    psr_start();
    perf_init();
    console_irq_init();
    machine_settle();
}
