/* Names for code addresses, from the table that symbols.awk makes of the linked image. */
#include "../boot.h"
#include "arch.h"

struct symbol {
    uint32_t address; /* less KERNEL_BASE */
    uint32_t name;    /* offset in symbol_names */
};

extern const struct symbol symbol_table[]; /* by address */
extern const uint32_t symbol_count;
extern const char symbol_names[];

#define MAX_FRAMES 24

/* The last symbol at or below the address, NULL if it is no code of ours. */
static const struct symbol *symbol_find(uint64_t address)
{
    unsigned low = 0, high = symbol_count;

    if (address < (uintptr_t)text_start || address >= (uintptr_t)text_end)
        return NULL;
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (symbol_table[middle].address <= address - KERNEL_BASE)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &symbol_table[low - 1] : NULL;
}

void symbol_name(uint64_t address, char *to, size_t size)
{
    const struct symbol *s = symbol_find(address);

    if (s)
        snprintf(to, size, "%s+0x%x", &symbol_names[s->name],
                 (unsigned)(address - KERNEL_BASE - s->address));
    else
        snprintf(to, size, "?");
}

/* Named by the call before it: after the call of a function that never returns, another one may
 * begin. */
static void backtrace_line(uint64_t address)
{
    char name[80];

    symbol_name(address - 1, name, sizeof(name));
    printk(LOG_ERR, "  %016lx %s", address, name);
}

#ifdef DEBUG

/*
 * Every function begins with push %rbp; mov %rsp, %rbp: at rbp lies the
 * caller's rbp, above it the return address. head.S starts with rbp 0.
 */
static void callers(uint64_t rbp)
{
    for (unsigned i = 0; i < MAX_FRAMES && rbp && rbp % 8 == 0; i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (!va_mapped(rbp) || !va_mapped(rbp + 8))
            break;
        backtrace_line(frame[1]);
        rbp = frame[0];
    }
}

#else

/* Without frame pointers: all that lies on this stack and may be a return address. */
static void callers(uint64_t rbp)
{
    const uint64_t *at = __builtin_frame_address(0);

    (void)rbp;
    for (unsigned words = 0, found = 0; words < PAGE_SIZE / 8 && found < MAX_FRAMES; words++, at++) {
        if (!va_mapped((uintptr_t)at))
            break;
        if (symbol_find(*at)) {
            backtrace_line(*at);
            found++;
        }
    }
}

#endif

void backtrace(uint64_t rip, uint64_t rbp)
{
    printk(LOG_ERR, "Called from:");
    backtrace_line(rip);
    callers(rbp);
}
