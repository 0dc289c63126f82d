/* IO-APICs of a domain: see vioapic.h. */
#include "../domain.h"
#include "arch.h"
#include "vioapic.h"

/* A redirection entry (82093AA, 3.2.4). */
#define ENTRY_LOGICAL    BIT(11)
#define ENTRY_STATUS     BIT(12)
#define ENTRY_ACTIVE_LOW BIT(13)
#define ENTRY_REMOTE_IRR BIT(14)
#define ENTRY_LEVEL      BIT(15)
#define ENTRY_MASKED     BIT(16)
#define ENTRY_WRITABLE   0xff0000000001afffULL

#define VERSION 0x20u

enum { PORT_SELECT = 0x00, PORT_WINDOW = 0x10, PORT_EOI = 0x40 };
enum { REG_ID, REG_VERSION, REG_ARBITRATION, REG_ENTRIES = 0x10 };

/* ---- set-up -------------------------------------------------------------------------------- */

static void chip_init(struct vioapic *io, const struct ioapic_info *info)
{
    struct vioapic_chip *c = &io->chip[io->nr_chips++];

    c->address = info->address;
    c->id = info->id;
    c->gsi_base = info->gsi_base;
    c->entries = info->entries;
    c->entry = io->entries + io->nr_gsis;
    for (unsigned i = 0; i < c->entries; i++)
        c->entry[i] = ENTRY_MASKED;
    io->nr_gsis += c->entries;
}

int vioapic_init(struct domain *d, const struct vioapic_lines *lines)
{
    struct vioapic *io = xnew(struct vioapic);
    unsigned chips = MIN(ioapic_count(), VIOAPIC_MAX_CHIPS), entries = 0;

    for (unsigned i = 0; i < chips; i++)
        entries += ioapic_get(i)->entries;
    uint8_t *asserted = xnew_array(uint8_t, entries + 1);
    uint64_t *memory = xnew_array(uint64_t, entries + 1);
    if (!io || !asserted || !memory) {
        xfree(io);
        xfree(asserted);
        xfree(memory);
        return -XEN_ENOMEM;
    }
    spin_init(&io->lock, RANK_IRQ);
    io->lines = lines;
    io->asserted = asserted;
    io->entries = memory;
    for (unsigned i = 0; i < chips; i++)
        chip_init(io, ioapic_get(i));
    d->ioapic = io;
    return 0;
}

void vioapic_fini(struct domain *d)
{
    struct vioapic *io = d->ioapic;

    if (!io)
        return;
    d->ioapic = NULL;
    xfree(io->entries);
    xfree(io->asserted);
    xfree(io);
}

/* ---- lines --------------------------------------------------------------------------------- */

struct line {
    uint64_t *entry;
    uint8_t *asserted;
    unsigned gsi;
};

static struct line line_of_pin(struct vioapic *io, struct vioapic_chip *c, unsigned pin)
{
    uint64_t *entry = &c->entry[pin];

    return (struct line){entry, &io->asserted[entry - io->entries], c->gsi_base + pin};
}

static bool line_of_gsi(struct vioapic *io, unsigned gsi, struct line *line)
{
    for (unsigned i = 0; i < io->nr_chips; i++) {
        struct vioapic_chip *c = &io->chip[i];
        if (gsi - c->gsi_base < c->entries) {
            *line = line_of_pin(io, c, gsi - c->gsi_base);
            return true;
        }
    }
    return false;
}

/* Under the lock: does the entry have an interrupt to send now? Then it counts as sent. */
static bool take(uint64_t *entry, bool asserted, bool rose)
{
    if (*entry & ENTRY_MASKED)
        return false;
    if (!(*entry & ENTRY_LEVEL))
        return rose;
    if (!asserted || (*entry & ENTRY_REMOTE_IRR))
        return false;
    *entry |= ENTRY_REMOTE_IRR;
    return true;
}

/* Not under the lock: it may wake a vCPU. */
static void send(struct domain *d, uint64_t entry)
{
    struct apic_message m = {
        .dest = (uint32_t)(entry >> 56),
        .logical = entry & ENTRY_LOGICAL,
        .level = entry & ENTRY_LEVEL,
        .mode = entry >> 8 & 7,
        .vector = (uint8_t)entry,
    };

    if (m.mode == APIC_FIXED || m.mode == APIC_LOWEST || m.mode == APIC_NMI)
        vlapic_send(d, &m);
}

void vioapic_raise(struct domain *d, unsigned gsi, bool level_asserted)
{
    struct vioapic *io = d->ioapic;
    struct line line;

    if (!io || !line_of_gsi(io, gsi, &line))
        return;
    spin_lock(&io->lock);
    bool rose = level_asserted && !*line.asserted;
    *line.asserted = level_asserted;
    bool due = take(line.entry, level_asserted, rose);
    uint64_t entry = *line.entry;
    spin_unlock(&io->lock);
    if (due)
        send(d, entry);
}

/* The interrupt is over: the entry may send again if the line is still asserted. */
static void end(struct domain *d, struct line line)
{
    struct vioapic *io = d->ioapic;

    spin_lock(&io->lock);
    *line.entry &= ~ENTRY_REMOTE_IRR;
    if (io->lines)
        *line.asserted = false; /* the machine's line is looked at again */
    bool due = take(line.entry, *line.asserted, false);
    uint64_t entry = *line.entry;
    spin_unlock(&io->lock);
    if (io->lines && !(entry & ENTRY_MASKED))
        io->lines->eoi(d, line.gsi);
    if (due)
        send(d, entry);
}

static void end_in_chip(struct domain *d, struct vioapic_chip *c, uint8_t vector)
{
    for (unsigned pin = 0; pin < c->entries; pin++) {
        uint64_t entry = c->entry[pin];
        if ((uint8_t)entry == vector && (entry & ENTRY_REMOTE_IRR))
            end(d, line_of_pin(d->ioapic, c, pin));
    }
}

void vioapic_eoi(struct domain *d, uint8_t vector)
{
    struct vioapic *io = d->ioapic;

    for (unsigned i = 0; io && i < io->nr_chips; i++)
        end_in_chip(d, &io->chip[i], vector);
}

/* ---- registers ----------------------------------------------------------------------------- */

static struct vioapic_chip *chip_at(const struct domain *d, paddr_t gpa)
{
    struct vioapic *io = d->ioapic;

    for (unsigned i = 0; io && i < io->nr_chips; i++) {
        if (gpa >> PAGE_SHIFT == io->chip[i].address >> PAGE_SHIFT)
            return &io->chip[i];
    }
    return NULL;
}

bool vioapic_covers(const struct domain *d, paddr_t gpa)
{
    return chip_at(d, gpa);
}

static uint32_t read_window(const struct vioapic_chip *c)
{
    unsigned reg = c->select, pin = (reg - REG_ENTRIES) / 2;

    if (reg == REG_ID || reg == REG_ARBITRATION)
        return c->id << 24;
    if (reg == REG_VERSION)
        return VERSION | (c->entries - 1) << 16;
    if (reg < REG_ENTRIES || pin >= c->entries)
        return 0xffffffff;
    return (uint32_t)(reg & 1 ? c->entry[pin] >> 32 : c->entry[pin]);
}

uint32_t vioapic_mmio_read(struct domain *d, paddr_t gpa)
{
    struct vioapic_chip *c = chip_at(d, gpa);
    uint32_t value = 0xffffffff;

    if (!c)
        return value;
    spin_lock(&d->ioapic->lock);
    switch ((gpa - c->address) & ~3ULL) {
    case PORT_SELECT:
        value = c->select;
        break;
    case PORT_WINDOW:
        value = read_window(c);
        break;
    }
    spin_unlock(&d->ioapic->lock);
    return value;
}

static uint64_t merged(uint64_t old, unsigned reg, uint32_t value)
{
    uint64_t mask = (reg & 1 ? 0xffffffff00000000 : 0xffffffff) & ENTRY_WRITABLE;
    uint64_t entry = (old & ~mask) | ((reg & 1 ? (uint64_t)value << 32 : value) & mask);

    return entry & ENTRY_LEVEL ? entry : entry & ~ENTRY_REMOTE_IRR;
}

static void write_entry(struct domain *d, struct vioapic_chip *c, uint32_t value)
{
    struct vioapic *io = d->ioapic;

    spin_lock(&io->lock);
    unsigned reg = c->select, pin = (reg - REG_ENTRIES) / 2;
    if (reg < REG_ENTRIES || pin >= c->entries) {
        spin_unlock(&io->lock); /* the id is fixed, the rest read-only */
        return;
    }
    struct line line = line_of_pin(io, c, pin);
    *line.entry = merged(*line.entry, reg, value);
    bool due = take(line.entry, *line.asserted, false);
    uint64_t entry = *line.entry;
    spin_unlock(&io->lock);
    if (io->lines)
        io->lines->changed(d, line.gsi, entry & ENTRY_MASKED, entry & ENTRY_LEVEL,
                           entry & ENTRY_ACTIVE_LOW);
    if (due)
        send(d, entry);
}

void vioapic_mmio_write(struct domain *d, paddr_t gpa, uint32_t value)
{
    struct vioapic_chip *c = chip_at(d, gpa);

    if (!c)
        return;
    switch ((gpa - c->address) & ~3ULL) {
    case PORT_SELECT:
        c->select = (uint8_t)value;
        break;
    case PORT_WINDOW:
        write_entry(d, c, value);
        break;
    case PORT_EOI:
        end_in_chip(d, c, (uint8_t)value);
        break;
    }
}
