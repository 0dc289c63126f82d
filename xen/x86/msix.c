/*
 * MSI-X tables (PCI Local Bus 3.0, 6.8.2): see msi.h. A table's pages are taken
 * out of dom0's memory while MSI-X is enabled, so that each access comes here;
 * before and after, it holds dom0's words as any memory of the device does.
 * Four words an entry: address low and high, data, control with the mask bit.
 */
#include "../boot.h"
#include "../domain.h"
#include "arch.h"
#include "msi.h"

#define REG_BAR    0x10
#define NR_BARS    6
#define BAR_IS_IO  BIT(0)
#define BAR_TYPE   6u
#define BAR_IS_64  4u
#define TABLE_SIZE 0x7ff /* of the control register */

#define HIGHEST_DEVICE GIB(32 << 10)

#define ENTRY_SIZE   16
#define ENTRY_MASKED BIT(0)
enum { WORD_ADDRESS, WORD_ADDRESS_HIGH, WORD_DATA, WORD_CONTROL, NR_WORDS };

struct msix_entry {
    uint32_t word[WORD_CONTROL]; /* dom0's */
    uint8_t vector;              /* 0: none */
};

struct msix_table {
    struct msix_table *next;
    bool enabled;
    paddr_t start;
    unsigned nr_entries;
    volatile uint32_t *machine; /* the table itself */
    struct msix_entry entry[];
};

/* They stay for ever, so that who looks for an address needs no lock. */
static struct msix_table *tables;

static paddr_t end_of(const struct msix_table *t)
{
    return t->start + t->nr_entries * ENTRY_SIZE;
}

/* ---- where it is --------------------------------------------------------------------------- */

static paddr_t bar_address(struct pci_function f, unsigned bar)
{
    uint64_t low = pci_read(f, REG_BAR + 4 * bar, 4), high = 0;

    if (low & BAR_IS_IO)
        return 0;
    if ((low & BAR_TYPE) == BAR_IS_64 && bar + 1 < NR_BARS)
        high = pci_read(f, REG_BAR + 4 * (bar + 1), 4);
    return high << 32 | (low & ~0xfULL);
}

/* A place where a device can be, and the hypervisor can map: dom0 writes BARs as it likes. */
static bool is_device_memory(paddr_t start, paddr_t end)
{
    if (start < MIB(1) || end < start || end > HIGHEST_DEVICE)
        return false;
    for (mfn_t mfn = start >> PAGE_SHIFT; mfn << PAGE_SHIFT < end; mfn++) {
        if (mfn_valid(mfn))
            return false;
    }
    return true;
}

static paddr_t table_address(struct pci_function f, unsigned cap, unsigned nr_entries)
{
    uint32_t where = pci_read(f, cap + 4, 4);
    unsigned bar = where & 7;
    paddr_t base = bar < NR_BARS ? bar_address(f, bar) : 0;
    paddr_t start = base + (where & ~7u);

    return base && is_device_memory(start, start + nr_entries * ENTRY_SIZE) ? start : 0;
}

static void take_from_dom0(const struct msix_table *t)
{
    for (gfn_t gfn = t->start >> PAGE_SHIFT; gfn << PAGE_SHIFT < end_of(t); gfn++) {
        if (p2m_lookup(dom0, gfn).kind == P2M_MMIO)
            p2m_unmap(dom0, gfn);
    }
}

/* ---- entries ------------------------------------------------------------------------------- */

static uint64_t message(const struct msix_entry *e)
{
    return (uint64_t)e->word[WORD_ADDRESS] << 32 | e->word[WORD_DATA];
}

/* The machine's entry sends to the hypervisor; false: there is no vector for it. */
static bool program(struct msix_table *t, unsigned i)
{
    struct msix_entry *e = &t->entry[i];
    volatile uint32_t *machine = t->machine + NR_WORDS * i;

    if (!e->vector)
        e->vector = msi_vector_alloc(message(e));
    if (!e->vector)
        return false;
    machine[WORD_ADDRESS] = msi_machine_address();
    machine[WORD_ADDRESS_HIGH] = 0;
    machine[WORD_DATA] = e->vector;
    return true;
}

static void write_control(struct msix_table *t, unsigned i, uint32_t value)
{
    if (!(value & ENTRY_MASKED) && !program(t, i))
        value |= ENTRY_MASKED;
    t->machine[NR_WORDS * i + WORD_CONTROL] = value;
}

/* Old tables are used again: of those that no function has. */
static struct msix_table *table_for(unsigned nr_entries)
{
    struct msix_table *t = tables;

    while (t && (t->enabled || t->nr_entries != nr_entries))
        t = t->next;
    if (t)
        return t;
    t = xmalloc(sizeof(*t) + nr_entries * sizeof(t->entry[0]));
    if (!t)
        return NULL;
    t->nr_entries = nr_entries;
    t->next = tables;
    __atomic_store_n(&tables, t, __ATOMIC_RELEASE); /* pairs with find */
    return t;
}

static void take_entry(struct msix_table *t, unsigned i)
{
    volatile uint32_t *machine = t->machine + NR_WORDS * i;

    for (unsigned word = 0; word < WORD_CONTROL; word++)
        t->entry[i].word[word] = machine[word];
    write_control(t, i, machine[WORD_CONTROL]);
}

static void give_back_entry(struct msix_table *t, unsigned i)
{
    volatile uint32_t *machine = t->machine + NR_WORDS * i;

    for (unsigned word = 0; word < WORD_CONTROL; word++)
        machine[word] = t->entry[i].word[word];
    msi_vector_free(t->entry[i].vector);
    t->entry[i].vector = 0;
}

struct msix_table *msix_enable(struct pci_function f, unsigned cap)
{
    unsigned n = (pci_read(f, cap + 2, 2) & TABLE_SIZE) + 1;
    paddr_t start = table_address(f, cap, n);
    volatile uint32_t *machine = start ? map_mmio(start, n * ENTRY_SIZE) : NULL;
    struct msix_table *t = machine ? table_for(n) : NULL;

    if (!t)
        return NULL;
    t->start = start;
    t->machine = machine;
    __atomic_store_n(&t->enabled, true, __ATOMIC_RELEASE); /* pairs with find */
    take_from_dom0(t);
    for (unsigned i = 0; i < n; i++)
        take_entry(t, i);
    return t;
}

void msix_disable(struct msix_table *t)
{
    for (unsigned i = 0; i < t->nr_entries; i++)
        give_back_entry(t, i);
    __atomic_store_n(&t->enabled, false, __ATOMIC_RELEASE);
}

/* ---- dom0's accesses ----------------------------------------------------------------------- */

static bool in_entries(const struct msix_table *t, paddr_t pa)
{
    return pa >= t->start && pa < end_of(t);
}

static bool in_pages(const struct msix_table *t, paddr_t pa)
{
    return pa >= ROUND_DOWN(t->start, PAGE_SIZE) && pa < ROUND_UP(end_of(t), PAGE_SIZE);
}

static struct msix_table *find(paddr_t pa, bool (*is_in)(const struct msix_table *t, paddr_t pa))
{
    struct msix_table *t = __atomic_load_n(&tables, __ATOMIC_ACQUIRE);

    while (t && !(__atomic_load_n(&t->enabled, __ATOMIC_ACQUIRE) && is_in(t, pa)))
        t = t->next;
    return t;
}

bool msix_covers(paddr_t pa)
{
    return find(pa, in_pages);
}

static uint32_t read_entry(const struct msix_table *t, paddr_t pa)
{
    unsigned word = (unsigned)(pa - t->start) / 4;

    if (word % NR_WORDS == WORD_CONTROL)
        return t->machine[word];
    return t->entry[word / NR_WORDS].word[word % NR_WORDS];
}

/* What shares a page with a table: its page is mapped. */
static volatile void *beside(paddr_t pa)
{
    const struct msix_table *t = find(pa, in_pages);

    return t ? (volatile char *)t->machine + (int64_t)(pa - t->start) : NULL;
}

uint32_t msix_read(paddr_t pa, unsigned bytes)
{
    uint32_t value = ~0u;

    spin_lock(&msi_lock);
    const struct msix_table *t = find(pa, in_entries);
    volatile void *at = t ? NULL : beside(pa);
    if (t)
        value = read_entry(t, pa) >> 8 * (pa & 3);
    else if (at)
        value = device_read(at, bytes);
    spin_unlock(&msi_lock);
    return value;
}

/* Entries are written by whole words (6.8.2). */
static void write_entry(struct msix_table *t, paddr_t pa, unsigned bytes, uint32_t value)
{
    unsigned word = (unsigned)(pa - t->start) / 4, i = word / NR_WORDS;
    struct msix_entry *e = &t->entry[i];

    if (bytes != 4 || (pa & 3))
        return;
    if (word % NR_WORDS == WORD_CONTROL) {
        write_control(t, i, value);
        return;
    }
    e->word[word % NR_WORDS] = value;
    if (e->vector)
        msi_vector_aim(e->vector, message(e));
}

void msix_write(paddr_t pa, unsigned bytes, uint32_t value)
{
    spin_lock(&msi_lock);
    struct msix_table *t = find(pa, in_entries);
    volatile void *at = t ? NULL : beside(pa);
    if (t)
        write_entry(t, pa, bytes, value);
    else if (at)
        device_write(at, bytes, value);
    spin_unlock(&msi_lock);
}
