/*
 * The machine's interrupt lines behind dom0's IO-APICs. A line is routed when
 * dom0 unmasks its entry, with the trigger and polarity that dom0 found in
 * ACPI. A level-triggered one is masked in the machine while dom0 serves it, so
 * that the hypervisor can end it at once, and unmasked at dom0's EOI.
 */
#include "passthrough.h"

#include "../boot.h"
#include "../domain.h"
#include "arch.h"
#include "vioapic.h"

#define MAX_LINES 256
#define IRQ_COM1  4

static struct line {
    uint8_t vector; /* 0: not routed */
    bool level, active_low;
} lines[MAX_LINES];
static uint16_t gsi_of_vector[256];
static struct spinlock lines_lock = SPINLOCK_INIT(RANK_DOMAIN);

static void on_interrupt(unsigned vector)
{
    unsigned gsi = gsi_of_vector[vector];
    bool level = lines[gsi].level;

    if (level)
        ioapic_mask(gsi, true);
    apic_eoi();
    vioapic_raise(dom0, gsi, true);
    if (!level)
        vioapic_raise(dom0, gsi, false);
}

/* The hypervisor's console has its interrupt to itself. */
static bool is_own(unsigned gsi)
{
    bool level, active_low;

    return options.console_com1 && gsi == isa_to_gsi(IRQ_COM1, &level, &active_low);
}

/* Under the lock. */
static bool route(unsigned gsi, bool level, bool active_low)
{
    struct line *l = &lines[gsi];

    if (l->vector && l->level == level && l->active_low == active_low)
        return true;
    if (!l->vector) {
        int vector = vector_alloc(on_interrupt);
        if (vector < 0)
            return false;
        l->vector = (uint8_t)vector;
        gsi_of_vector[vector] = (uint16_t)gsi;
    }
    l->level = level;
    l->active_low = active_low;
    ioapic_route(gsi, l->vector, this_pcpu()->apic_id, level, active_low);
    return true;
}

static void line_changed(struct domain *d, unsigned gsi, bool masked, bool level, bool active_low)
{
    (void)d;
    if (gsi >= MAX_LINES || is_own(gsi))
        return;
    spin_lock(&lines_lock);
    if (masked) {
        if (lines[gsi].vector)
            ioapic_mask(gsi, true);
    } else if (route(gsi, level, active_low)) {
        ioapic_mask(gsi, false);
    } else {
        printk(LOG_WARN, "no vector is left for dom0's GSI %u", gsi);
    }
    spin_unlock(&lines_lock);
}

static void line_eoi(struct domain *d, unsigned gsi)
{
    (void)d;
    if (gsi < MAX_LINES && lines[gsi].vector)
        ioapic_mask(gsi, false);
}

static const struct vioapic_lines machine_lines = {.changed = line_changed, .eoi = line_eoi};

int passthrough_init(struct domain *d)
{
    return vioapic_init(d, &machine_lines);
}
