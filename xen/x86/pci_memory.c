/*
 * Where PCI functions have their memory: see pci.h. What their base address
 * registers (BARs: PCI Local Bus 3.0, 6.2.5) hold is read when it is asked for,
 * as dom0 may move them. How large they are is learned while dom0 finds it out,
 * which any system does before it uses one: it writes all ones and reads back.
 */
#include "../boot.h"
#include "pci.h"

#define REG_COMMAND     0x04
#define REG_HEADER_TYPE 0x0e
#define REG_BAR         0x10

#define COMMAND_MEMORY BIT(1)
#define TYPE_MASK      0x7f
#define BAR_IS_IO      BIT(0)
#define BAR_TYPE       6u
#define BAR_IS_64      4u
#define BAR_FLAGS      0xfULL
#define ROM_ENABLED    BIT(0)
#define ROM_FLAGS      0x7ffULL

/* Normal functions have six BARs, bridges two; the ROM's is the last one here. */
#define MAX_BARS 7
#define NR_BARS  6
#define ROM      6

struct function {
    struct function *next;
    struct pci_function id;
    bool bridge;
    uint32_t sized[MAX_BARS]; /* what was read back; 0: never */
};

/* They stay for ever, so that who looks for an address needs no lock. */
static struct function *functions;
static struct spinlock functions_lock = SPINLOCK_INIT(RANK_DOMAIN);

static unsigned nr_bars(const struct function *f)
{
    return f->bridge ? 2 : NR_BARS;
}

static unsigned rom_register(const struct function *f)
{
    return f->bridge ? 0x38 : 0x30;
}

/* ---- sizes --------------------------------------------------------------------------------- */

static struct function *known(struct pci_function id)
{
    struct function *f = __atomic_load_n(&functions, __ATOMIC_ACQUIRE);

    while (f && (f->id.segment != id.segment || f->id.bdf != id.bdf))
        f = f->next;
    return f;
}

/* Under the lock. NULL without memory. */
static struct function *add(struct pci_function id)
{
    struct function *f = xnew(struct function);

    if (!f)
        return NULL;
    f->id = id;
    f->next = functions;
    __atomic_store_n(&functions, f, __ATOMIC_RELEASE); /* pairs with the load in known() */
    return f;
}

static unsigned bar_of(const struct function *f, unsigned reg)
{
    return reg == rom_register(f) ? ROM : (reg - REG_BAR) / 4;
}

/* The same place may be filled anew: whatever is there now counts. */
void pci_memory_sized(struct pci_function id, unsigned reg)
{
    unsigned type = pci_read(id, REG_HEADER_TYPE, 1) & TYPE_MASK;
    struct function *f;

    if (type > 1)
        return;
    spin_lock(&functions_lock);
    f = known(id);
    if (!f)
        f = add(id);
    if (f) {
        f->bridge = type == 1;
        unsigned bar = bar_of(f, reg);
        if (bar < nr_bars(f) || bar == ROM)
            f->sized[bar] = pci_read(id, reg, 4);
    }
    spin_unlock(&functions_lock);
}

/* ---- addresses ----------------------------------------------------------------------------- */

struct range {
    paddr_t start, end;
};

/* Address bits are those that took ones; the lowest of them is the size. */
static struct range range_of(uint64_t address, uint64_t sized)
{
    uint64_t size = sized & -sized;

    if (!(address & sized))
        return (struct range){0, 0};
    return (struct range){address & sized, (address & sized) + size};
}

static bool is_wide(const struct function *f, unsigned bar)
{
    return !(f->sized[bar] & BAR_IS_IO) && (f->sized[bar] & BAR_TYPE) == BAR_IS_64 &&
           bar + 1 < nr_bars(f);
}

static struct range bar_range(const struct function *f, unsigned bar)
{
    uint64_t address = pci_read(f->id, REG_BAR + 4 * bar, 4), sized = f->sized[bar];

    if (sized & BAR_IS_IO)
        return (struct range){0, 0};
    if (is_wide(f, bar)) {
        address |= (uint64_t)pci_read(f->id, REG_BAR + 4 * (bar + 1), 4) << 32;
        sized |= (uint64_t)f->sized[bar + 1] << 32;
    }
    return range_of(address, sized & ~BAR_FLAGS);
}

static struct range rom_range(const struct function *f)
{
    uint32_t rom = f->sized[ROM] ? pci_read(f->id, rom_register(f), 4) : 0;

    return rom & ROM_ENABLED ? range_of(rom, f->sized[ROM] & ~ROM_FLAGS) : (struct range){0, 0};
}

static bool is_in(struct range r, paddr_t pa, paddr_t *start, paddr_t *end)
{
    if (pa < r.start || pa >= r.end)
        return false;
    *start = r.start;
    *end = r.end;
    return true;
}

static bool find_in(const struct function *f, paddr_t pa, paddr_t *start, paddr_t *end)
{
    if (!(pci_read(f->id, REG_COMMAND, 2) & COMMAND_MEMORY))
        return false;
    for (unsigned bar = 0; bar < nr_bars(f); bar += is_wide(f, bar) ? 2 : 1) {
        if (f->sized[bar] && is_in(bar_range(f, bar), pa, start, end))
            return true;
    }
    return is_in(rom_range(f), pa, start, end);
}

bool pci_memory_find(paddr_t pa, paddr_t *start, paddr_t *end)
{
    const struct function *f = __atomic_load_n(&functions, __ATOMIC_ACQUIRE);

    while (f && !find_in(f, pa, start, end))
        f = f->next;
    return f;
}
