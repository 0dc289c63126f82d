/*
 * What the boot loader hands over, whichever it was: multiboot 1 (QEMU, GRUB)
 * or multiboot 2 (GRUB on BIOS or UEFI). x86/multiboot.c fills it in; all
 * addresses are physical, strings and tables are copied.
 */
#ifndef XEN_BOOT_H
#define XEN_BOOT_H

#include "../psr/caps.h"
#include "frames.h"

#define KERNEL_BASE 0xffffffff80000000ULL /* plus the physical address: where the image runs */
/* Linker script: bounds of the image, all on page boundaries. */
extern char boot_start[], text_start[], text_end[], rodata_end[], image_end[];

#define BOOT_MAX_REGIONS 64
#define BOOT_MAX_MODULES 4

/* As in ACPI's E820: 1 RAM, 2 reserved, 3 ACPI tables, 4 ACPI NVS, 5 bad. */
enum { E820_RAM = 1, E820_RESERVED, E820_ACPI, E820_NVS, E820_UNUSABLE };

struct boot_region {
    uint64_t start, size;
    uint32_t type;
};

struct boot_module {
    paddr_t start;
    uint64_t size;
    const char *cmdline; /* without the file's name */
};

struct boot_info {
    const char *loader;
    const char *cmdline;
    unsigned nr_regions, nr_modules;
    struct boot_region region[BOOT_MAX_REGIONS]; /* sorted, not overlapping */
    struct boot_module module[BOOT_MAX_MODULES];
    paddr_t rsdp; /* 0: look for it in low memory */
};

extern struct boot_info boot;

/* Sorts and validates. Panics with one line if the loader gave no memory map. */
void multiboot_parse(uint32_t magic, paddr_t info);

/* What the registers of psr.h are. */
enum psr_source { PSR_MACHINE, PSR_MODEL_INTEL, PSR_MODEL_AMD };
/* And those of perf.h. */
enum pmu_source { PMU_OFF, PMU_MACHINE, PMU_MODEL_INTEL, PMU_MODEL_AMD };

/* cmdline.c: Xen's options that Moirai takes; unknown ones are warned of by name. */
struct options {
    char sched[16];
    uint64_t dom0_mem, dom0_mem_max; /* bytes, 0: most of it */
    unsigned dom0_max_vcpus;         /* 0: one for each pCPU */
    bool dom0_vcpus_pin, noreboot;
    unsigned maxcpus;                /* 0: all */
    uint64_t rebalance;              /* frames a second, 0: off */
    int loglvl, guest_loglvl;        /* enum log_level */
    bool console_com1, sync_console;
    struct psr_options psr;
    enum psr_source psr_source;
    enum pmu_source pmu_source;
    char cmdline[512];               /* as given, for XENVER_commandline */
};
extern struct options options;
void cmdline_parse(const char *text);

/* The boot allocator: takes from the highest RAM below `limit` (0: anywhere) before the frame
 * allocator is up, and what the frame allocator must not touch. */
paddr_t boot_alloc(uint64_t size, uint64_t align, paddr_t limit);
void boot_reserve(paddr_t start, uint64_t size);
bool boot_reserved(paddr_t start, uint64_t size);
/*
 * main.c's order: console_init, multiboot_parse, cmdline_parse, memory_init, acpi_init, smp_prepare,
 * memory_release, and only then whatever allocates (frames_alloc, xmalloc). The middle step is there
 * because the nodes of memory are in the SRAT, which can be read only through the direct map.
 */
void memory_init(void);    /* direct map (paging_init) and frame table */
void memory_release(void); /* everything unreserved goes to the frame allocator, by node, but low */
/* memory, which is kept for dom0's kernel until dom0.c asks for it. */
void memory_release_low(void);

/* x86/paging.c */
/* Called by memory_init, with boot_alloc at hand: the image W^X; the direct map of RAM, of the first
 * MiB and, read-only, of what the firmware reserved below 4 GiB (its tables); CR3. Until then the
 * direct map holds the first 4 GiB. */
void paging_init(void);
/* This pCPU to the final page tables; they need EFER.NXE. */
void paging_enter(void);
/* head.S's page tables: the final ones, and the first 4 GiB at their own addresses for a pCPU that
 * comes from real mode. They lie at the physical address boot_pml4 - KERNEL_BASE, below 4 GiB. */
extern uint64_t boot_pml4[512];
bool va_mapped(uint64_t va);
/* Uncached mapping of device memory, kept for ever; the same for the same address. NULL: no memory
 * for the tables, or an address that no window reaches. */
volatile void *map_mmio(paddr_t pa, size_t size);
/* A stack of `pages` with an unmapped page below it; returns its top. */
void *stack_alloc(unsigned pages);

/* dom0.c: makes, loads and starts dom0 from module 0 (kernel) and 1 (initrd). */
void dom0_build(void);
/* x86/image.c: unpack a bzImage (XZ, LZ4, gzip, zstd or plain payload) or take an ELF as it is.
 * *size is set; NULL after one clear line in *why. */
const void *image_unpack(const void *file, size_t file_size, size_t *size, const char **why);

#endif
