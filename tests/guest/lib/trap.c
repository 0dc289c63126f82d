/* Exceptions: expected ones go where PROBE says, others end the test. Interrupts are counted. */
#include "guest.h"

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0xee
#define CODE_SELECTOR  0x08
#define TSS_SELECTOR   0x28
#define TSS_AVAILABLE  0x89
#define VECTOR_USER    0x80
#define MSR_GS_BASE    0xc0000101
#define LEAF_IDS       0x40000004u /* of the hypervisor's: EBX is the vCPU */
#define STUB_SIZE      16

struct gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, reserved;
};

struct fixup {
    uint64_t at, to;
};

void trap(struct trap_frame *f);
extern char trap_stubs[], user_return[];
extern const struct fixup fixups_start[], fixups_end[];
extern uint64_t gdt[];

bool (*trap_hook)(struct trap_frame *f);
void (*interrupt_handlers[256])(void);
volatile unsigned interrupt_count[256];

static struct gate idt[256] aligned_to(16);
static struct {
    uint32_t reserved0;
    uint64_t rsp0, other_stacks[11];
    uint16_t reserved1, io_map; /* beyond the segment: user mode has no ports */
} packed tss = {.io_map = sizeof tss};
_Static_assert(sizeof tss == 104, "as the processor has it");
static char user_trap_stack[4096] aligned_to(16);

static void set_gate(unsigned vector, const char *stub, uint8_t type)
{
    uint64_t to = ADDRESS(stub);

    idt[vector] = (struct gate){.offset0 = (uint16_t)to,
                                .selector = CODE_SELECTOR,
                                .type = type,
                                .offset1 = (uint16_t)(to >> 16),
                                .offset2 = (uint32_t)(to >> 32)};
}

static void tss_init(void)
{
    uint64_t base = ADDRESS(&tss), *slot = &gdt[TSS_SELECTOR / 8];

    tss.rsp0 = ADDRESS(user_trap_stack + sizeof user_trap_stack);
    slot[0] = (sizeof tss - 1) | (base & 0xffffff) << 16 | (uint64_t)TSS_AVAILABLE << 40 |
              (base >> 24 & 0xff) << 56;
    slot[1] = base >> 32;
    __asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR));
}

void traps_init(void)
{
    for (unsigned i = 0; i < 256; i++)
        set_gate(i, trap_stubs + i * STUB_SIZE, GATE_INTERRUPT);
    set_gate(VECTOR_USER, user_return, GATE_USER);
    tss_init();
}

void traps_cpu_init(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } packed idtr = {sizeof idt - 1, ADDRESS(idt)};
    static uint32_t ids[MAX_CPUS];
    uint32_t out[4];

    __asm__ volatile("lidt %0" ::"m"(idtr));
    cpuid(LEAF_IDS, 0, out);
    ids[out[1]] = out[1];
    wrmsr(MSR_GS_BASE, ADDRESS(&ids[out[1]]));
}

static bool fixed_up(struct trap_frame *f)
{
    for (const struct fixup *x = fixups_start; x < fixups_end; x++) {
        if (x->at == f->rip) {
            f->rip = x->to;
            f->r11 = FAULTED | f->vector | f->error << 32;
            return true;
        }
    }
    return false;
}

static void exception(struct trap_frame *f)
{
    uint64_t cr2;

    if ((trap_hook && trap_hook(f)) || fixed_up(f))
        return;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    error("exception %lu, error code 0x%lx, rip 0x%lx, rsp 0x%lx, cr2 0x%lx, rax 0x%lx rcx 0x%lx",
          f->vector, f->error, f->rip, f->rsp, cr2, f->rax, f->rcx);
}

void trap(struct trap_frame *f)
{
    __atomic_fetch_add(&interrupt_count[f->vector], 1, __ATOMIC_RELAXED);
    if (f->vector < 32) {
        exception(f);
        return;
    }
    if (interrupt_handlers[f->vector])
        interrupt_handlers[f->vector]();
    wrmsr(X2APIC_EOI, 0);
}
