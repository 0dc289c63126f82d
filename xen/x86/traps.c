/* Dispatch of interrupts to their handlers; exceptions end in a panic that says where. */
#include "../boot.h"
#include "../console.h"
#include "arch.h"

#define FIRST_INTERRUPT 32
#define PAGE_FAULT      14
#define DOUBLE_FAULT    8

void trap(struct trap_frame *f); /* entry.S */

static interrupt_handler handlers[256];

static const char *const exception_names[FIRST_INTERRUPT] = {
    [0] = "divide error",
    [1] = "debug exception",
    [2] = "NMI",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range",
    [6] = "invalid opcode",
    [7] = "device not available",
    [DOUBLE_FAULT] = "double fault",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection fault",
    [PAGE_FAULT] = "page fault",
    [16] = "x87 error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD error",
    [21] = "control protection",
    [29] = "VMM communication",
    [30] = "security exception",
};

void interrupt_set_handler(unsigned vector, interrupt_handler handler)
{
    handlers[vector] = handler;
}

static uint64_t read_cr2(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}

static void dump_registers(const struct trap_frame *f)
{
    uint64_t cr0, cr3, cr4;
    char name[80];

    __asm__ volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2"
                     : "=r"(cr0), "=r"(cr3), "=r"(cr4));
    symbol_name(f->rip, name, sizeof(name));
    printk(LOG_ERR, "rip %016lx %s", f->rip, name);
    if (!va_mapped(f->rip) && va_mapped(f->rsp)) { /* a call to nowhere: it has no stack frame */
        uint64_t caller = *(const uint64_t *)f->rsp;

        symbol_name(caller, name, sizeof(name));
        printk(LOG_ERR, "called from %016lx %s", caller, name);
    }
    printk(LOG_ERR, "rflags %08lx cs %04lx error %lx", f->rflags, f->cs, f->error);
    printk(LOG_ERR, "rax %016lx rbx %016lx rcx %016lx", f->rax, f->rbx, f->rcx);
    printk(LOG_ERR, "rdx %016lx rsi %016lx rdi %016lx", f->rdx, f->rsi, f->rdi);
    printk(LOG_ERR, "rbp %016lx rsp %016lx r8  %016lx", f->rbp, f->rsp, f->r8);
    printk(LOG_ERR, "r9  %016lx r10 %016lx r11 %016lx", f->r9, f->r10, f->r11);
    printk(LOG_ERR, "r12 %016lx r13 %016lx r14 %016lx", f->r12, f->r13, f->r14);
    printk(LOG_ERR, "r15 %016lx cr2 %016lx cr3 %016lx", f->r15, read_cr2(), cr3);
    printk(LOG_ERR, "cr0 %08lx cr4 %08lx", cr0, cr4);
}

/* A push onto an unmapped page below the stack comes as a double fault: the page fault's own
 * frame has no place either. */
static bool is_stack_overflow(const struct trap_frame *f)
{
    return f->vector == DOUBLE_FAULT && !va_mapped(f->rsp - 8) &&
           va_mapped(ROUND_UP(f->rsp, PAGE_SIZE));
}

static _Noreturn void fault(const struct trap_frame *f)
{
    static bool faulted;
    const char *name = exception_names[f->vector];

    if (faulted) /* the panic itself faults: better silent than for ever */
        for (;;)
            __asm__ volatile("cli; hlt");
    faulted = true;
    console_force();
    dump_registers(f);
    panic("pCPU %u: %s%s (exception %lu)", this_pcpu()->id, name ? name : "fault",
          is_stack_overflow(f) ? ", the stack is full" : "", f->vector);
}

void trap(struct trap_frame *f)
{
    interrupt_handler handler = handlers[f->vector];

    if (handler) {
        handler((unsigned)f->vector);
        return;
    }
    if (f->vector < FIRST_INTERRUPT)
        fault(f);
    /* The 8259s' spurious interrupts, or a device that nobody expects; without an EOI a real one
     * would block all vectors below it. */
    printk(LOG_WARN, "unexpected interrupt, vector 0x%x", (unsigned)f->vector);
    apic_eoi();
}
