/*
 * Machine memory while booting: which parts of it are taken, a simple allocator
 * from the top of what is left, and the hand-over of the rest to frames.c.
 */
#include "boot.h"
#include "x86/arch.h"

#define MAX_RESERVED 128

/* Sorted, neither overlapping nor touching. */
static struct range {
    paddr_t start, end;
} reserved[MAX_RESERVED];
static unsigned nr_reserved;
static bool released; /* the frame allocator has the rest */

static void remove_ranges(unsigned at, unsigned n)
{
    nr_reserved -= n;
    memmove(&reserved[at], &reserved[at + n], (nr_reserved - at) * sizeof *reserved);
}

static void insert_range(unsigned at, struct range r)
{
    if (nr_reserved == MAX_RESERVED)
        panic("the memory map is too fragmented: more than %u reserved ranges", MAX_RESERVED);
    memmove(&reserved[at + 1], &reserved[at], (nr_reserved - at) * sizeof *reserved);
    reserved[at] = r;
    nr_reserved++;
}

void boot_reserve(paddr_t start, uint64_t size)
{
    struct range r = {ROUND_DOWN(start, PAGE_SIZE), ROUND_UP(start + size, PAGE_SIZE)};
    unsigned first = 0, last;

    if (!size)
        return;
    while (first < nr_reserved && reserved[first].end < r.start)
        first++;
    for (last = first; last < nr_reserved && reserved[last].start <= r.end; last++) {
        r.start = MIN(r.start, reserved[last].start);
        r.end = MAX(r.end, reserved[last].end);
    }
    remove_ranges(first, last - first);
    insert_range(first, r);
}

/* The highest reserved range that overlaps [start, end), or NULL. */
static const struct range *overlapping(paddr_t start, paddr_t end)
{
    for (unsigned i = nr_reserved; i-- > 0;)
        if (reserved[i].start < end && reserved[i].end > start)
            return &reserved[i];
    return NULL;
}

bool boot_reserved(paddr_t start, uint64_t size)
{
    return overlapping(start, start + size) != NULL;
}

/* The highest free place in the region, or 0. */
static paddr_t place_in(const struct boot_region *r, uint64_t size, uint64_t align, paddr_t limit)
{
    paddr_t top = r->start + r->size;

    if (limit)
        top = MIN(top, limit);
    while (top >= size && top - size >= r->start) {
        paddr_t start = ROUND_DOWN(top - size, align);
        const struct range *taken = overlapping(start, start + size);

        if (start < r->start)
            break;
        if (!taken)
            return start;
        top = taken->start;
    }
    return 0;
}

paddr_t boot_alloc(uint64_t size, uint64_t align, paddr_t limit)
{
    BUG_ON(released);
    align = MAX(align, PAGE_SIZE);
    size = ROUND_UP(size, PAGE_SIZE);
    for (unsigned i = boot.nr_regions; i-- > 0;) {
        paddr_t start =
            boot.region[i].type == E820_RAM ? place_in(&boot.region[i], size, align, limit) : 0;

        if (start) {
            boot_reserve(start, size);
            return start;
        }
    }
    panic("too little memory: no %lu KiB left while booting", size >> 10);
}

static mfn_t end_of_ram(void)
{
    paddr_t end = 0;

    for (unsigned i = 0; i < boot.nr_regions; i++)
        if (boot.region[i].type == E820_RAM)
            end = MAX(end, boot.region[i].start + boot.region[i].size);
    return end >> PAGE_SHIFT;
}

void memory_init(void)
{
    boot_reserve(0, MIB(1)); /* the firmware's, and where pCPUs start in real mode */
    boot_reserve((uintptr_t)boot_start - KERNEL_BASE, (uint64_t)(image_end - boot_start));
    for (unsigned i = 0; i < boot.nr_modules; i++)
        boot_reserve(boot.module[i].start, boot.module[i].size);
    paging_init();
    frames_init(end_of_ram());
}

/* [start, end) is free RAM: give it away in parts of one node each. The firmware draws borders
 * between nodes at far rounder addresses than 2 MiB. */
static void release_by_node(mfn_t start, mfn_t end)
{
    while (start < end) {
        unsigned node = acpi_node_of_memory(start << PAGE_SHIFT);
        mfn_t part = start;

        do
            part = MIN(end, ROUND_DOWN(part, 1ULL << ORDER_2M) + (1ULL << ORDER_2M));
        while (part < end && acpi_node_of_memory(part << PAGE_SHIFT) == node);
        frames_release(start, part, node);
        start = part;
    }
}

static void release_region(paddr_t start, paddr_t end)
{
    for (unsigned i = 0; i < nr_reserved; i++) {
        if (reserved[i].end <= start || reserved[i].start >= end)
            continue;
        release_by_node(start >> PAGE_SHIFT, MAX(start, reserved[i].start) >> PAGE_SHIFT);
        start = MIN(end, reserved[i].end);
    }
    release_by_node(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

/* All that is free of RAM in [from, to). */
static void release_between(paddr_t from, paddr_t to)
{
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];
        paddr_t start = MAX(ROUND_UP(r->start, PAGE_SIZE), from);
        paddr_t end = MIN(ROUND_DOWN(r->start + r->size, PAGE_SIZE), to);

        if (r->type == E820_RAM && start < end)
            release_region(start, end);
    }
}

/* Where dom0's kernel wants to be loaded, so nothing is allocated there before it is. */
static paddr_t low_end(void)
{
    return MIN(MIB(256), ROUND_DOWN(frames_total() * PAGE_SIZE / 2, MIB(2)));
}

void memory_release(void)
{
    released = true;
    release_between(low_end(), ~0ULL);
    printk(LOG_INFO, "memory: %lu MiB, %lu MiB of it free above %lu MiB", frames_total() >> 8,
           frames_free_count(NODE_ANY) >> 8, low_end() >> 20);
}

void memory_release_low(void)
{
    release_between(0, low_end());
}
