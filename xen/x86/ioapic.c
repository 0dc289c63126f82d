/*
 * IO-APICs (Intel 82093AA data sheet): route the machine's interrupt lines, which
 * ACPI numbers across all of them as GSIs, to vectors of pCPUs.
 */
#include "../boot.h"
#include "../lib.h"
#include "acpi.h"
#include "arch.h"

#define MAX_IOAPICS 16
#define NR_ISA_IRQS 16

/* Registers are reached through a pair: which one, and its value. */
enum { IOAPIC_SELECT = 0x00 / 4, IOAPIC_WINDOW = 0x10 / 4 };
enum { IOAPIC_VERSION = 0x01, IOAPIC_REDIRECTION = 0x10 };

/* The low half of a redirection entry; the high one is the APIC id << 24. */
#define ENTRY_ACTIVE_LOW 0x2000
#define ENTRY_LEVEL      0x8000
#define ENTRY_MASKED     0x10000

static struct spinlock ioapic_lock = SPINLOCK_INIT(RANK_IRQ);
static struct ioapic {
    struct ioapic_info info;
    volatile uint32_t *registers;
} ioapics[MAX_IOAPICS];
static unsigned nr_ioapics;

static struct {
    unsigned gsi;
    bool level, active_low;
} isa[NR_ISA_IRQS];

static uint32_t ioapic_read(struct ioapic *a, unsigned index)
{
    a->registers[IOAPIC_SELECT] = index;
    return a->registers[IOAPIC_WINDOW];
}

static void ioapic_write(struct ioapic *a, unsigned index, uint32_t value)
{
    a->registers[IOAPIC_SELECT] = index;
    a->registers[IOAPIC_WINDOW] = value;
}

/* The IO-APIC that has the line, and the index of its entry's low half there. */
static struct ioapic *ioapic_of(unsigned gsi, unsigned *index)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        const struct ioapic_info *info = &ioapics[i].info;

        if (gsi >= info->gsi_base && gsi - info->gsi_base < info->entries) {
            *index = IOAPIC_REDIRECTION + 2 * (gsi - info->gsi_base);
            return &ioapics[i];
        }
    }
    return NULL;
}

void ioapic_route(unsigned gsi, unsigned vector, uint32_t to, bool level, bool active_low)
{
    unsigned index;
    struct ioapic *a = ioapic_of(gsi, &index);
    uint32_t entry = ENTRY_MASKED | (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_ACTIVE_LOW : 0);

    if (!a)
        return;
    spin_lock(&ioapic_lock);
    ioapic_write(a, index, ENTRY_MASKED); /* never half old, half new while it can fire */
    ioapic_write(a, index + 1, to << 24);
    ioapic_write(a, index, entry | vector);
    spin_unlock(&ioapic_lock);
}

void ioapic_mask(unsigned gsi, bool masked)
{
    unsigned index;
    struct ioapic *a = ioapic_of(gsi, &index);

    if (!a)
        return;
    spin_lock(&ioapic_lock);
    uint32_t entry = ioapic_read(a, index) & ~ENTRY_MASKED;
    ioapic_write(a, index, entry | (masked ? ENTRY_MASKED : 0));
    spin_unlock(&ioapic_lock);
}

unsigned ioapic_count(void)
{
    return nr_ioapics;
}

const struct ioapic_info *ioapic_get(unsigned i)
{
    return i < nr_ioapics ? &ioapics[i].info : NULL;
}

unsigned isa_to_gsi(unsigned irq, bool *level, bool *active_low)
{
    *level = irq < NR_ISA_IRQS && isa[irq].level;
    *active_low = irq < NR_ISA_IRQS && isa[irq].active_low;
    return irq < NR_ISA_IRQS ? isa[irq].gsi : irq;
}

/* ---- set-up ------------------------------------------------------------------------------ */

/* Two 8259s in cascade: out of the way of the exceptions' vectors, where a spurious interrupt of
 * theirs could still go, and masked for good. */
static void pic_disable(void)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } sequence[] = {
        {0x20, 0x11}, {0xa0, 0x11}, /* ICW1: edge, cascade, ICW4 follows */
        {0x21, 0x20}, {0xa1, 0x28}, /* ICW2: vectors */
        {0x21, 0x04}, {0xa1, 0x02}, /* ICW3: the second is on line 2 */
        {0x21, 0x01}, {0xa1, 0x01}, /* ICW4: 8086 mode */
        {0x21, 0xff}, {0xa1, 0xff}, /* mask */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(sequence); i++)
        outb(sequence[i].port, sequence[i].value);
}

static void ioapic_add(uint32_t id, uint32_t address, uint32_t gsi_base)
{
    if (nr_ioapics == MAX_IOAPICS)
        return;
    struct ioapic *a = &ioapics[nr_ioapics];

    a->registers = map_mmio(address, 0x20);
    uint32_t version = a->registers ? ioapic_read(a, IOAPIC_VERSION) : ~0u;
    if (version == ~0u) {
        printk(LOG_WARN, "IO-APIC %u: nothing at 0x%x", id, address);
        return;
    }
    a->info = (struct ioapic_info){id, address, gsi_base, (version >> 16 & 0xff) + 1};
    nr_ioapics++;
    for (unsigned i = 0; i < a->info.entries; i++) {
        ioapic_write(a, IOAPIC_REDIRECTION + 2 * i, ENTRY_MASKED);
        ioapic_write(a, IOAPIC_REDIRECTION + 2 * i + 1, 0);
    }
    printk(LOG_INFO, "IO-APIC %u: GSIs %u to %u", id, gsi_base, gsi_base + a->info.entries - 1);
}

/* Flags (ACPI 6.4, 5.2.12.5): bits 0-1 polarity, 3 = active low; bits 2-3 trigger, 3 = level; 0 is
 * as the bus does it, which on ISA is active high and edge. */
static void isa_override(unsigned irq, unsigned gsi, unsigned flags)
{
    if (irq >= NR_ISA_IRQS)
        return;
    isa[irq].gsi = gsi;
    isa[irq].active_low = (flags & 3) == 3;
    isa[irq].level = (flags >> 2 & 3) == 3;
}

void ioapic_init(void)
{
    const struct acpi_header *madt = acpi_table("APIC", 0, NULL);

    pic_disable();
    for (unsigned irq = 0; irq < NR_ISA_IRQS; irq++)
        isa_override(irq, irq, 0);
    if (!madt)
        return;
    acpi_for_each_entry(at, madt, MADT_ENTRIES) {
        if (acpi_entry_is(madt, at, 1, 12))
            ioapic_add(acpi_field(madt, at + 2, 1), acpi_field(madt, at + 4, 4),
                       acpi_field(madt, at + 8, 4));
        else if (acpi_entry_is(madt, at, 2, 10) && acpi_field(madt, at + 2, 1) == 0)
            isa_override(acpi_field(madt, at + 3, 1), acpi_field(madt, at + 4, 4),
                         acpi_field(madt, at + 8, 2));
    }
}
