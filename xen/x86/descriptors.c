/*
 * Segments, interrupt gates and control registers of each pCPU. The hypervisor
 * has one code and one data segment; NMI, double fault and machine check get
 * stacks of their own, for they may come when the usual one is unusable.
 */
#include "../boot.h"
#include "arch.h"

#define CS64      0x08 /* also in entry.S */
#define TSS       0x18
#define STUB_SIZE 16 /* entry.S */

#define TRAP_STACK_PAGES 2 /* a panic prints from there */

#define GATE_INTERRUPT 0x8e /* present, DPL 0, 64-bit interrupt gate (AMD manual vol. 2, 4.8.4) */

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_CD BIT(30)
#define CR0_NW BIT(29)

#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_OSXSAVE    BIT(18)

#define CPUID_1_ECX_XSAVE BIT(26)

enum { IST_NMI = 1, IST_DOUBLE_FAULT, IST_MACHINE_CHECK, NR_IST = IST_MACHINE_CHECK };

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct packed tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, io_map;
};

struct packed table_pointer {
    uint16_t limit;
    uint64_t base;
};

/* What a pCPU has of its own: pcpu->arch. */
struct descriptors {
    uint64_t gdt[5]; /* null, code, data, TSS in two */
    struct tss tss;
};

/* The boot pCPU's exist before there is memory to allocate. */
static struct descriptors boot_descriptors aligned_to(16);
static uint8_t boot_stacks[NR_IST][PAGE_SIZE] aligned_to(16); /* until trap_stacks_init() */
static struct gate idt[256]; /* the same for all */

extern const char trap_stubs[256][STUB_SIZE];
void descriptors_load(const void *gdt_pointer, const void *idt_pointer);

static void gate_set(unsigned vector, unsigned ist)
{
    uint64_t address = (uintptr_t)trap_stubs[vector];

    idt[vector] = (struct gate){
        .offset_low = (uint16_t)address,
        .selector = CS64,
        .ist = (uint8_t)ist,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(address >> 16),
        .offset_high = (uint32_t)(address >> 32),
    };
}

static void idt_init(void)
{
    for (unsigned vector = 0; vector < ARRAY_SIZE(idt); vector++)
        gate_set(vector, 0);
    gate_set(2, IST_NMI);
    gate_set(8, IST_DOUBLE_FAULT);
    gate_set(18, IST_MACHINE_CHECK);
}

static void gdt_init(struct descriptors *d)
{
    uint64_t base = (uintptr_t)&d->tss, limit = sizeof(d->tss) - 1;

    d->gdt[1] = 0x00af9b000000ffff; /* code, 64-bit */
    d->gdt[2] = 0x00cf93000000ffff; /* data */
    /* Available 64-bit TSS, type 9; its base is in three pieces (AMD manual vol. 2, 4.8.3). */
    d->gdt[3] = limit | (base & 0xffffff) << 16 | 0x89ULL << 40 | (base >> 24 & 0xff) << 56;
    d->gdt[4] = base >> 32;
    for (unsigned i = 0; i < NR_IST; i++)
        d->tss.ist[i] = (uintptr_t)boot_stacks[i] + PAGE_SIZE;
    d->tss.io_map = sizeof(d->tss);
}

/* Caches and SSE on (the decompressors use it), write protection also for the hypervisor. */
static void control_registers_init(void)
{
    uint64_t cr0, cr4;
    uint32_t leaf[4];

    cpuid(1, 0, leaf);
    __asm__ volatile("mov %%cr0, %0; mov %%cr4, %1" : "=r"(cr0), "=r"(cr4));
    cr0 &= ~(CR0_EM | CR0_TS | CR0_CD | CR0_NW);
    cr0 |= CR0_MP | CR0_NE | CR0_WP;
    cr4 |= CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (leaf[2] & CPUID_1_ECX_XSAVE)
        cr4 |= CR4_OSXSAVE;
    __asm__ volatile("mov %0, %%cr0; mov %1, %%cr4" ::"r"(cr0), "r"(cr4) : "memory");
}

static struct descriptors *descriptors_alloc(void)
{
    static bool boot_taken;
    struct descriptors *d;

    if (!boot_taken) {
        boot_taken = true;
        return &boot_descriptors;
    }
    d = xnew(struct descriptors);
    if (!d)
        panic("no memory for a processor's descriptors");
    return d;
}

void descriptors_init(struct pcpu *p)
{
    struct table_pointer gdt, idt_pointer = {sizeof(idt) - 1, (uintptr_t)idt};
    struct descriptors *d;

    wrmsr(MSR_GS_BASE, (uintptr_t)p); /* allocating takes locks */
    d = descriptors_alloc();
    if (d == &boot_descriptors)
        idt_init();
    gdt_init(d);
    gdt = (struct table_pointer){sizeof(d->gdt) - 1, (uintptr_t)d->gdt};
    descriptors_load(&gdt, &idt_pointer);
    __asm__ volatile("ltr %w0" ::"r"(TSS));
    p->arch = d;
    control_registers_init();
}

void trap_stacks_init(struct pcpu *p)
{
    struct descriptors *d = p->arch;

    for (unsigned i = 0; i < NR_IST; i++)
        d->tss.ist[i] = (uintptr_t)stack_alloc(TRAP_STACK_PAGES);
}
