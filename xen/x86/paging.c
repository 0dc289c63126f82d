/*
 * The hypervisor's own page tables. Three windows besides the image:
 *
 *   DIRECT_MAP + pa   memory, cached, never executable
 *   MMIO_MAP + pa     device memory, uncached, mapped on demand
 *   STACKS            stacks, an unmapped page below each
 *
 * All pCPUs share them, and nothing is ever unmapped or restricted, so no TLB
 * needs flushing after boot.
 */
#include "../boot.h"
#include "arch.h"

#define MMIO_MAP   0xffffc00000000000ULL /* to STACKS: 63 TiB of physical addresses */
#define STACKS     0xffffff0000000000ULL
#define STACKS_END 0xffffff8000000000ULL

/* AMD manual vol. 2, 5.4. Accessed and dirty are set already: the processor need not write. */
#define PTE_PRESENT BIT(0)
#define PTE_WRITE   BIT(1)
#define PTE_PWT     BIT(3)
#define PTE_PCD     BIT(4)
#define PTE_USED    (BIT(5) | BIT(6))
#define PTE_LARGE   BIT(7)
#define PTE_GLOBAL  BIT(8)
#define PTE_NX      BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ULL

#define MAP_CODE   (PTE_PRESENT | PTE_USED | PTE_GLOBAL)
#define MAP_RODATA (MAP_CODE | PTE_NX)
#define MAP_DATA   (MAP_RODATA | PTE_WRITE)
#define MAP_DEVICE (MAP_DATA | PTE_PCD | PTE_PWT) /* PAT entry 3: uncached */

#define PML4_SHIFT 39
#define SHIFT_1G   30
#define SHIFT_2M   21

#define CPUID_EDX_1G BIT(26) /* leaf 0x80000001 */

extern char boot_stack_guard[];

static paddr_t root;      /* of the final tables; 0: head.S's are in use */
static unsigned largest;  /* page size that the processor has, as a shift */
static uint64_t stacks_next = STACKS;
static struct spinlock paging_lock = SPINLOCK_INIT(RANK_PAGING);

static paddr_t image_pa(const void *va)
{
    return (uintptr_t)va - KERNEL_BASE;
}

/* A zeroed page; 0: there is none, which while booting is the end. Below 4 GiB while head.S's
 * direct map is in use: it has no more. */
static paddr_t page_alloc(void)
{
    static bool booted;
    paddr_t pa;

    booted |= frames_free_count(NODE_ANY) != 0;
    if (booted) {
        mfn_t mfn = frames_alloc(ORDER_4K, NODE_ANY);

        return mfn == MFN_NONE ? 0 : mfn << PAGE_SHIFT;
    }
    pa = boot_alloc(PAGE_SIZE, PAGE_SIZE, root ? 0 : GIB(4));
    memset(pa_to_va(pa), 0, PAGE_SIZE);
    return pa;
}

static uint64_t *entry_of(paddr_t table, uint64_t va, unsigned shift)
{
    return (uint64_t *)pa_to_va(table) + (va >> shift & 511);
}

/* Maps at `va` the largest page that fits, if nothing is there yet; returns its size as a shift, 0
 * without memory for a table. */
static unsigned map_one(paddr_t top, uint64_t va, paddr_t pa, uint64_t left, uint64_t flags)
{
    paddr_t table = top;

    for (unsigned shift = PML4_SHIFT;; shift -= 9) {
        uint64_t *e = entry_of(table, va, shift);

        if (!(*e & PTE_PRESENT)) {
            if (shift <= largest && left >= BIT(shift) && !((va | pa) & (BIT(shift) - 1))) {
                *e = pa | flags | (shift > PAGE_SHIFT ? PTE_LARGE : 0);
                return shift;
            }
            paddr_t next = page_alloc();
            if (!next)
                return 0;
            *e = next | PTE_PRESENT | PTE_WRITE | PTE_USED;
        } else if (shift == PAGE_SHIFT || *e & PTE_LARGE) {
            return shift;
        }
        table = *e & PTE_ADDRESS;
    }
}

/* [va, va + size), all page aligned; what is mapped already stays as it is. False: memory was not
 * enough, and the rest is missing. */
static bool try_map(paddr_t top, uint64_t va, paddr_t pa, uint64_t size, uint64_t flags)
{
    uint64_t end = va + size;

    while (va < end) {
        unsigned shift = map_one(top, va, pa, end - va, flags);
        if (!shift)
            return false;
        uint64_t next = ROUND_DOWN(va, BIT(shift)) + BIT(shift);

        pa += next - va;
        va = next;
    }
    return true;
}

/* What the hypervisor cannot do without. */
static void map(paddr_t top, uint64_t va, paddr_t pa, uint64_t size, uint64_t flags)
{
    if (!try_map(top, va, pa, size, flags))
        panic("no memory for the hypervisor's page tables");
}

static void map_image_part(paddr_t top, const char *start, const char *end, uint64_t flags)
{
    map(top, (uintptr_t)start, image_pa(start), (uint64_t)(end - start), flags);
}

/* In 4 KiB pages: no large one fits between sections that begin on any page. */
static void map_image(paddr_t top)
{
    map_image_part(top, text_start, text_end, MAP_CODE);
    map_image_part(top, text_end, rodata_end, MAP_RODATA);
    map_image_part(top, rodata_end, boot_stack_guard, MAP_DATA);
    map_image_part(top, boot_stack_guard + PAGE_SIZE, image_end, MAP_DATA);
}

static void map_direct(paddr_t top, paddr_t start, paddr_t end, uint64_t flags)
{
    if (start < end)
        map(top, DIRECT_MAP + start, start, end - start, flags);
}

static bool is_memory(const struct boot_region *r)
{
    return r->type == E820_RAM || r->type == E820_ACPI || r->type == E820_NVS;
}

/*
 * The image's code and constants are read-only here too. Firmware keeps tables
 * in reserved memory, so that is readable; where it is a device's, the MTRRs
 * say uncached. A page shared by two regions is the first one's.
 */
static void map_memory(paddr_t top)
{
    map_direct(top, 0, MIB(1), MAP_DATA);
    map_direct(top, image_pa(text_start), image_pa(rodata_end), MAP_RODATA);
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];
        paddr_t start = MAX(ROUND_DOWN(r->start, PAGE_SIZE), MIB(1));
        paddr_t end = ROUND_UP(r->start + r->size, PAGE_SIZE);

        if (is_memory(r))
            map_direct(top, start, end, MAP_DATA);
        else if (r->type == E820_RESERVED)
            map_direct(top, start, MIN(end, GIB(4)), MAP_RODATA);
    }
}

/* A pCPU coming from real mode runs on boot_pml4 until it is in C: all else must be there too. */
static void share_with_boot_tables(paddr_t top)
{
    const uint64_t *final = pa_to_va(top);

    for (unsigned i = 256; i < 512; i++)
        boot_pml4[i] = final[i];
}

void paging_init(void)
{
    uint32_t leaf[4];
    paddr_t top;

    cpuid(0x80000001, 0, leaf);
    largest = leaf[3] & CPUID_EDX_1G ? SHIFT_1G : SHIFT_2M;
    top = page_alloc();
    map_image(top);
    map_memory(top);
    *entry_of(top, STACKS, PML4_SHIFT) = page_alloc() | PTE_PRESENT | PTE_WRITE | PTE_USED;
    root = top;
    paging_enter();
    share_with_boot_tables(top);
}

void paging_enter(void)
{
    __asm__ volatile("mov %0, %%cr3" ::"r"(root) : "memory");
}

bool va_mapped(uint64_t va)
{
    paddr_t table = root ? root : image_pa(boot_pml4);

    if (va + BIT(47) >= BIT(48)) /* not canonical */
        return false;
    for (unsigned shift = PML4_SHIFT;; shift -= 9) {
        uint64_t e = *entry_of(table, va, shift);

        if (!(e & PTE_PRESENT))
            return false;
        if (shift == PAGE_SHIFT || e & PTE_LARGE)
            return true;
        table = e & PTE_ADDRESS;
    }
}

volatile void *map_mmio(paddr_t pa, size_t size)
{
    paddr_t start = ROUND_DOWN(pa, PAGE_SIZE);
    uint64_t length = ROUND_UP(pa + size, PAGE_SIZE) - start;
    bool mapped;

    if (pa + size < pa || start + length > STACKS - MMIO_MAP)
        return NULL;
    spin_lock(&paging_lock);
    mapped = try_map(root, MMIO_MAP + start, start, length, MAP_DEVICE);
    spin_unlock(&paging_lock);
    return mapped ? (volatile void *)(uintptr_t)(MMIO_MAP + pa) : NULL;
}

void *stack_alloc(unsigned pages)
{
    uint64_t va;

    spin_lock(&paging_lock);
    va = stacks_next + PAGE_SIZE;
    stacks_next = va + pages * PAGE_SIZE;
    if (stacks_next > STACKS_END)
        panic("too many stacks");
    for (unsigned i = 0; i < pages; i++) {
        paddr_t page = page_alloc();

        if (!page)
            panic("no memory for a stack");
        map(root, va + i * PAGE_SIZE, page, PAGE_SIZE, MAP_DATA);
    }
    spin_unlock(&paging_lock);
    return (void *)(uintptr_t)stacks_next;
}
