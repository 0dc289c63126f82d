/*
 * The processor: registers, descriptor tables, interrupts. Nothing here knows
 * of guests.
 */
#ifndef XEN_ARCH_H
#define XEN_ARCH_H

#include "../frames.h"
#include "../pcpu.h"

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}
static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "0"(leaf), "2"(subleaf));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline void interrupts_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}
static inline void interrupts_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

#define MSR_EFER        0xc0000080
#define MSR_STAR        0xc0000081
#define MSR_LSTAR       0xc0000082
#define MSR_GS_BASE     0xc0000101
#define MSR_FS_BASE     0xc0000100
#define MSR_APIC_BASE   0x1b
#define MSR_PAT         0x277
#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117

/* ---- traps.c ----------------------------------------------------------------------- */

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Vectors of the hypervisor's own interrupts. */
enum {
    VECTOR_FIRST_DEVICE = 0x30, /* to VECTOR_LAST_DEVICE: irq.c hands them out */
    VECTOR_LAST_DEVICE = 0xdf,
    VECTOR_TIMER = 0xf0,
    VECTOR_KICK = 0xf1,
    VECTOR_CALL = 0xf2,
    VECTOR_SPURIOUS = 0xff,
};

/* Interrupt handlers run with interrupts off, on the pCPU's one stack, and send the EOI themselves
 * (apic_eoi). */
typedef void (*interrupt_handler)(unsigned vector);
void interrupt_set_handler(unsigned vector, interrupt_handler handler);
/* GDT, IDT, TSS with IST stacks for NMI, #DF and #MC; GS base = p. On each pCPU, once. */
void descriptors_init(struct pcpu *p);
/* Gives those stacks their guard pages, on each pCPU once there are the final page tables. */
void trap_stacks_init(struct pcpu *p);

/* "symbol+0x12" of a code address, from the symbol table that the build appends. */
void symbol_name(uint64_t address, char *to, size_t size);
void backtrace(uint64_t rip, uint64_t rbp);

/* ---- apic.c, ioapic.c ---------------------------------------------------------------- */

void apic_init(void);      /* the boot pCPU: xAPIC or x2APIC, vectors, calibration of its timer */
void apic_pcpu_init(void); /* the others */
void apic_eoi(void);
uint32_t apic_id(void);
bool apic_is_x2(void); /* it can send to APIC ids beyond 254 */
void apic_send_ipi(uint32_t apic_id, unsigned vector);
void apic_send_init(uint32_t apic_id);
void apic_send_sipi(uint32_t apic_id, uint8_t page);

void ioapic_init(void);
unsigned ioapic_count(void);
struct ioapic_info {
    uint32_t id, address, gsi_base, entries;
};
const struct ioapic_info *ioapic_get(unsigned i);
/* Route a GSI to a vector of the hypervisor's on a pCPU; masked until ioapic_unmask. */
void ioapic_route(unsigned gsi, unsigned vector, uint32_t apic_id, bool level, bool active_low);
void ioapic_mask(unsigned gsi, bool masked);
/* ISA interrupt to GSI with the MADT's overrides. */
unsigned isa_to_gsi(unsigned irq, bool *level, bool *active_low);

/* irq.c: a vector of the devices' range for this handler; -ENOSPC if all are taken. */
int vector_alloc(interrupt_handler handler);
void vector_free(unsigned vector);

/* ---- tsc.c, smp.c, acpi.c --------------------------------------------------------------- */

void time_init(void);
/* Spins for that long; not at all before time_init. */
void delay_us(unsigned us);
/* The TSC and another counter at one moment. */
struct clock_pair {
    uint64_t tsc, ticks;
};
struct clock_pair clock_pair(uint64_t (*read)(void));
int64_t rtc_read(void); /* rtc.c: seconds since 1970, 0 if the clock is not set */
/* The boot pCPU to the scheduler; starts all others that MADT names, up to options.maxcpus. */
void smp_init(void);
/* topology.c: core within the socket, socket and node of p->apic_id; once the ACPI tables are read. */
void topology_set(struct pcpu *p);
_Noreturn void machine_reboot(void);
_Noreturn void machine_power_off(void);

#define ACPI_MAX_CPUS 256
struct acpi_info {
    paddr_t rsdp;
    uint32_t lapic_address;
    unsigned nr_cpus; /* enabled ones, the boot pCPU first */
    struct {
        uint32_t apic_id, uid;
    } cpu[ACPI_MAX_CPUS];
    paddr_t hpet; /* 0: none */
    uint32_t pm_timer_port; /* 0: none */
    uint32_t pm1a_event, pm1a_control, pm1b_control; /* ports */
    uint8_t sleep_type_s5, sleep_type_s5b; /* from the DSDT's \_S5, for each control register */
    uint16_t smi_command; /* port; 0: the machine is in ACPI mode anyway */
    uint8_t acpi_enable;  /* what to write there to get there */
    uint8_t rtc_century;  /* CMOS index, 0: none */
    struct {
        bool present;
        uint8_t space, value; /* 0 memory, 1 port, 2 PCI configuration space of bus 0 */
        uint64_t address;
    } reset;
    struct {
        uint64_t address;
        uint16_t segment;
        uint8_t first_bus, last_bus;
    } ecam[8];
    unsigned nr_ecam, nr_nodes;
    uint8_t distance[MAX_NODES][MAX_NODES]; /* SLIT; 10 and 20 if there is none */
};
extern struct acpi_info acpi;
void acpi_init(void);
/* A table by signature, the n-th; its physical address and length, or NULL. Checksum verified. */
const void *acpi_table(const char *signature, unsigned n, paddr_t *pa);
unsigned acpi_node_of_memory(paddr_t pa); /* SRAT; 0 if there is none */
unsigned acpi_node_of_cpu(uint32_t apic_id);

#endif
