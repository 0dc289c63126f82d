/*
 * The other pCPUs, started one after another by INIT and SIPI (Intel SDM vol. 3,
 * 8.4; AMD manual vol. 2, 14.1.2).
 */
#include "../boot.h"
#include "../hvm.h"
#include "../lib.h"
#include "../timer.h"
#include "arch.h"

#define STACK_PAGES  4
#define PATIENCE_NS  2000000000LL /* the emulator's host may be busy */
#define XAPIC_MAX_ID 254          /* 255 is a broadcast, and more does not fit */
#define LOW_MEMORY   KIB(640)     /* where a PC has RAM below 1 MiB; memory_init keeps all that */

struct pcpu *pcpus[MAX_PCPUS];
unsigned nr_pcpus;

extern const char trampoline_start[], trampoline_end[];
extern const char trampoline_pml4[], trampoline_stack[], trampoline_pcpu[], trampoline_entry[];

static paddr_t trampoline; /* a page below 640 KiB */

/* Both sides of a start agree on how it ended: who changes `arrival` first is right. */
enum { EXPECTED, ARRIVED, ABANDONED };
static unsigned arrival;
static volatile bool ready; /* the new pCPU is in the scheduler's hands */
static uint64_t arrival_tsc;

void pcpu_kick(struct pcpu *p)
{
    apic_send_ipi(p->apic_id, VECTOR_KICK);
}

static bool arrival_is(unsigned how)
{
    unsigned expected = EXPECTED;

    return __atomic_compare_exchange_n(&arrival, &expected, how, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* ---- the new pCPU ------------------------------------------------------------------------ */

static _Noreturn void pcpu_start(struct pcpu *p)
{
    arrival_tsc = rdtsc();
    while (!arrival_is(ARRIVED)) /* too late: INIT is on its way */
        __asm__ volatile("cli; hlt");
    paging_enter();
    descriptors_init(p);
    trap_stacks_init(p);
    apic_pcpu_init();
    hvm->pcpu_up();
    p->online = true;
    pcpus[p->id] = p;
    __atomic_store_n(&nr_pcpus, p->id + 1, __ATOMIC_RELEASE);
    schedule_add_pcpu(p);
    ready = true;
    run_loop();
}

/* ---- who starts it ----------------------------------------------------------------------- */

/* A page of RAM that real mode reaches; not the first, with the BIOS's vectors and data. */
static paddr_t low_page(void)
{
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];
        paddr_t page = MAX(ROUND_UP(r->start, PAGE_SIZE), PAGE_SIZE);
        paddr_t end = MIN(r->start + r->size, LOW_MEMORY);

        if (r->type == E820_RAM && page + PAGE_SIZE <= end)
            return page;
    }
    return 0;
}

static void trampoline_set(const char *field, uint64_t value)
{
    memcpy((char *)pa_to_va(trampoline) + (field - trampoline_start), &value, sizeof value);
}

static void trampoline_fill(struct pcpu *p)
{
    memcpy(pa_to_va(trampoline), trampoline_start, (size_t)(trampoline_end - trampoline_start));
    trampoline_set(trampoline_pml4, (uintptr_t)boot_pml4 - KERNEL_BASE);
    trampoline_set(trampoline_stack, (uintptr_t)p->stack_top);
    trampoline_set(trampoline_pcpu, (uintptr_t)p);
    trampoline_set(trampoline_entry, (uintptr_t)pcpu_start);
}

static struct pcpu *pcpu_new(uint32_t id)
{
    struct pcpu *p = xnew(struct pcpu);

    if (!p)
        panic("no memory for pCPU %u", nr_pcpus);
    p->self = p;
    p->id = nr_pcpus;
    p->apic_id = id;
    p->stack_top = stack_alloc(STACK_PAGES);
    p->decide_at = SCHED_NEVER;
    topology_set(p);
    timers_pcpu_init(p);
    return p;
}

static bool wait_for_arrival(sched_time patience)
{
    sched_time end = now() + patience;

    while (__atomic_load_n(&arrival, __ATOMIC_ACQUIRE) == EXPECTED && now() < end)
        cpu_relax();
    return arrival == ARRIVED;
}

/* The second SIPI is for processors that miss the first; others, which run already, ignore it. */
static bool wake_up(uint32_t id)
{
    apic_send_init(id);
    delay_us(10000);
    apic_send_sipi(id, trampoline >> PAGE_SHIFT);
    if (!wait_for_arrival(200000))
        apic_send_sipi(id, trampoline >> PAGE_SHIFT);
    return wait_for_arrival(PATIENCE_NS) || !arrival_is(ABANDONED);
}

/* now() is the same everywhere only if the TSCs are. */
static void check_tsc(const struct pcpu *p, uint64_t before)
{
    if (arrival_tsc < before || arrival_tsc > rdtsc())
        printk(LOG_WARN, "pCPU %u: its TSC is not that of pCPU 0, time will not agree", p->id);
}

static void start(uint32_t id)
{
    struct pcpu *p = pcpu_new(id);
    uint64_t before = rdtsc();

    arrival = EXPECTED;
    ready = false;
    trampoline_fill(p);
    if (!wake_up(id)) {
        apic_send_init(id); /* whatever it does, it stops */
        printk(LOG_ERR, "the pCPU with APIC id %u does not start and is left out", id);
        return;
    }
    check_tsc(p, before);
    while (!ready)
        cpu_relax();
}

static void start_others(unsigned limit)
{
    for (unsigned i = 1; i < acpi.nr_cpus && nr_pcpus < limit; i++) {
        uint32_t id = acpi.cpu[i].apic_id;

        if (id > XAPIC_MAX_ID && !apic_is_x2())
            printk(LOG_WARN, "the pCPU with APIC id %u cannot be reached without x2APIC", id);
        else
            start(id);
    }
}

void smp_init(void)
{
    unsigned limit = options.maxcpus ? MIN(options.maxcpus, MAX_PCPUS) : MAX_PCPUS;

    topology_set(pcpus[0]);
    schedule_add_pcpu(pcpus[0]);
    trampoline = low_page();
    if (trampoline)
        start_others(limit);
    else
        printk(LOG_WARN, "no memory below 640 KiB to start other pCPUs from");
    printk(LOG_INFO, "%u pCPUs", nr_pcpus);
}
