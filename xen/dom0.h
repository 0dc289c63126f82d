/*
 * Building dom0: dom0.c says what happens in which order, dom0_memory.c which
 * machine memory it gets, dom0_acpi.c what firmware it sees.
 */
#ifndef XEN_DOM0_H
#define XEN_DOM0_H

#include "domain.h"

#define DOM0_MAX_RUNS 64
#define DOM0_MAX_MAP  128 /* entries of its memory map: as many as Linux takes */

/* Frames next to each other, all of one kind for the guest. */
struct dom0_run {
    mfn_t start, end;
    uint32_t type; /* E820_RAM or E820_ACPI */
};

/* dom0's frames are its own at the same guest address, so that its devices' DMA needs no IOMMU. */
struct dom0_memory {
    struct domain *domain;
    unsigned nr_runs;
    struct dom0_run run[DOM0_MAX_RUNS]; /* sorted; neighbours of the same type are one */
};

/* Memory below 1 MiB, which the boot code has kept, becomes free. */
void dom0_release_first_mib(void);
/* [start, end) becomes dom0's RAM; -EBUSY if a part of it is not free. */
int dom0_claim(struct dom0_memory *m, mfn_t start, mfn_t end);
/* Free frames from the bottom until dom0 has `nr` in all, or no more are free. */
void dom0_claim_up_to(struct dom0_memory *m, uint64_t nr);
/* The highest `size` bytes in one run of RAM in [from, limit), for the builder's use; 0: none. */
paddr_t dom0_place(const struct dom0_memory *m, uint64_t size, paddr_t from, paddr_t limit);
/* [start, end) in dom0's RAM shall be of this type. */
int dom0_set_type(struct dom0_memory *m, mfn_t start, mfn_t end, uint32_t type);
/* Nested page tables for it. The machine's devices and firmware are mapped as dom0 touches them. */
int dom0_map(const struct dom0_memory *m);
/* The host's memory map with dom0's eyes: RAM that is not dom0's is unusable, so that dom0 puts
 * nothing there. Becomes domain->e820. */
int dom0_describe(const struct dom0_memory *m);

#define DOM0_ACPI_SIZE KIB(16)
/* The tables that are dom0's own at machine (and guest) address `at`; the RSDP's address. */
paddr_t dom0_acpi_build(paddr_t at, unsigned nr_vcpus);

#endif
