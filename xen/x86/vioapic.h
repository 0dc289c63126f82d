/*
 * A domain's IO-APICs (Intel 82093AA; version 0x20 with its EOI register):
 * redirection entries behind an index and a data register. dom0 has the
 * machine's, with the same addresses and interrupt numbers.
 */
#ifndef XEN_VIOAPIC_H
#define XEN_VIOAPIC_H

#include "../frames.h"
#include "../spinlock.h"

#define VIOAPIC_MAX_CHIPS 8

/* What the machine's line behind a GSI has to follow. Called without a lock. */
struct vioapic_lines {
    /* The entry was written. */
    void (*changed)(struct domain *d, unsigned gsi, bool masked, bool level, bool active_low);
    /* The guest has dealt with a level-triggered interrupt and would take another: look at the line
     * again, the model has forgotten its level. */
    void (*eoi)(struct domain *d, unsigned gsi);
};

struct vioapic_chip {
    paddr_t address;
    uint32_t id, gsi_base, entries;
    uint8_t select; /* IOREGSEL */
    uint64_t *entry;
};

struct vioapic {
    struct spinlock lock; /* everything below */
    const struct vioapic_lines *lines; /* NULL: no device is behind it */
    unsigned nr_chips;
    struct vioapic_chip chip[VIOAPIC_MAX_CHIPS];
    uint8_t *asserted; /* by GSI: level of the line */
    uint64_t *entries; /* memory of all chips' entries */
    unsigned nr_gsis;
};

/* As many IO-APICs as the machine has, all entries masked. -ENOMEM. */
int vioapic_init(struct domain *d, const struct vioapic_lines *lines);
void vioapic_fini(struct domain *d);

/* The line of a GSI changes: an edge-triggered entry takes the rise, a level-triggered one sends
 * its interrupt as long as the line is asserted and the last one has been dealt with. */
void vioapic_raise(struct domain *d, unsigned gsi, bool level_asserted);
/* A local APIC broadcasts the end of a level-triggered vector. */
void vioapic_eoi(struct domain *d, uint8_t vector);

/* Is there a register of an IO-APIC at this guest-physical address? */
bool vioapic_covers(const struct domain *d, paddr_t gpa);
uint32_t vioapic_mmio_read(struct domain *d, paddr_t gpa);
void vioapic_mmio_write(struct domain *d, paddr_t gpa, uint32_t value);

#endif
