/* The hypervisor's own lines on the console, and its last ones. */
#include "console.h"

#include "boot.h"
#include "domain.h"
#include "x86/arch.h"

#define LINE_MAX 512

/* The whole line goes out in one console_write(), which does not mix lines of several pCPUs. */
static void print_line(const char *before, const char *format, va_list args)
{
    char line[LINE_MAX];
    int n = snprintf(line, sizeof line - 1, "(moirai) %s", before);

    n += vsnprintf(line + n, sizeof line - 1 - n, format, args);
    n = MIN(n, LINE_MAX - 2);
    line[n] = '\n';
    console_write(line, n + 1);
}

void printk(enum log_level level, const char *format, ...)
{
    va_list args;

    if ((int)level > options.loglvl)
        return;
    va_start(args, format);
    print_line("", format, args);
    va_end(args);
}

/* INIT stops a pCPU wherever it is, and needs nothing of it. */
static void stop_other_pcpus(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (pcpus[i] && pcpus[i]->apic_id != apic_id())
            apic_send_init(pcpus[i]->apic_id);
}

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void panic(const char *format, ...)
{
    static bool panicking;
    va_list args;

    interrupts_off();
    if (__atomic_exchange_n(&panicking, true, __ATOMIC_SEQ_CST))
        halt();
    console_force();
    if (nr_pcpus > 1)
        stop_other_pcpus();
    va_start(args, format);
    print_line("panic: ", format, args);
    va_end(args);
    backtrace((uintptr_t)__builtin_return_address(0), *(uint64_t *)__builtin_frame_address(0));
    /* Before there is a dom0 the fault is in how the machine was set up: do not start over. */
    if (dom0 && !options.noreboot)
        machine_reboot();
    halt();
}
