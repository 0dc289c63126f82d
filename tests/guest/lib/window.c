/* A range of 2 MiB behind a page table of its own, at the second entry of the top table. */
#include "guest.h"

#define BASE (1ULL << 39)

static uint64_t pdpt[512] aligned_to(4096), directory[512] aligned_to(4096),
    table[512] aligned_to(4096);

void *window_at(unsigned i)
{
    return (void *)(uintptr_t)(BASE + i * PAGE_SIZE);
}

void *window_map(unsigned i, uint64_t pa, uint64_t flags)
{
    pdpt[0] = ADDRESS(directory) | PTE_P | PTE_W | PTE_U;
    directory[0] = ADDRESS(table) | PTE_P | PTE_W | PTE_U;
    boot_pml4[1] = ADDRESS(pdpt) | PTE_P | PTE_W | PTE_U;
    table[i] = pa | flags;
    invlpg(window_at(i));
    return window_at(i);
}

void window_unmap(unsigned i)
{
    table[i] = 0;
    invlpg(window_at(i));
}
