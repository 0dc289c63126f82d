/*
 * NUMA: which node memory and processors belong to (SRAT; ACPI 6.4, 5.2.16)
 * and how far nodes are from each other (SLIT; 5.2.17).
 *
 * The tables name nodes by proximity domains, any 32-bit numbers. Ours are
 * numbered from 0 in the order in which the SRAT mentions them first.
 */
#include "acpi.h"
#include "arch.h"

#define MAX_RANGES 128

static uint32_t proximity[MAX_NODES]; /* by node */

static struct {
    paddr_t start;
    uint64_t size;
    unsigned node;
} range[MAX_RANGES];
static unsigned nr_ranges;

static struct {
    uint32_t apic_id;
    unsigned node;
} cpu[ACPI_MAX_CPUS];
static unsigned nr_cpus;

static unsigned node_of_proximity(uint32_t domain)
{
    for (unsigned i = 0; i < acpi.nr_nodes; i++)
        if (proximity[i] == domain)
            return i;
    if (acpi.nr_nodes == MAX_NODES)
        return 0;
    proximity[acpi.nr_nodes] = domain;
    return acpi.nr_nodes++;
}

static void add_cpu(uint32_t apic_id, uint32_t domain)
{
    if (nr_cpus == ARRAY_SIZE(cpu))
        return;
    cpu[nr_cpus].apic_id = apic_id;
    cpu[nr_cpus++].node = node_of_proximity(domain);
}

static void add_range(paddr_t start, uint64_t size, uint32_t domain)
{
    if (!size || nr_ranges == MAX_RANGES)
        return;
    range[nr_ranges].start = start;
    range[nr_ranges].size = size;
    range[nr_ranges++].node = node_of_proximity(domain);
}

/* Flag bit 0 of each kind: enabled. The first revision had 8-bit proximity domains only. */
static void srat_read(const struct acpi_header *t)
{
    bool wide = t->revision >= 2;

    acpi_for_each_entry(at, t, SRAT_ENTRIES) {
        if (acpi_entry_is(t, at, 0, 16) && (acpi_field(t, at + 4, 4) & 1))
            add_cpu(acpi_field(t, at + 3, 1),
                    acpi_field(t, at + 2, 1) | (wide ? acpi_field(t, at + 9, 3) << 8 : 0));
        else if (acpi_entry_is(t, at, 1, 40) && (acpi_field(t, at + 28, 4) & 1))
            add_range(acpi_field(t, at + 8, 8), acpi_field(t, at + 16, 8),
                      acpi_field(t, at + 2, wide ? 4 : 1));
        else if (acpi_entry_is(t, at, 2, 24) && (acpi_field(t, at + 12, 4) & 1))
            add_cpu(acpi_field(t, at + 8, 4), acpi_field(t, at + 4, 4));
    }
}

static void distances_default(void)
{
    for (unsigned i = 0; i < MAX_NODES; i++)
        for (unsigned j = 0; j < MAX_NODES; j++)
            acpi.distance[i][j] = i == j ? 10 : 20;
}

/* From the matrix of n x n bytes, by proximity domain; 0 if it lacks one of them. */
static unsigned slit_distance(const struct acpi_header *t, uint64_t n, unsigned i, unsigned j)
{
    if (proximity[i] >= n || proximity[j] >= n)
        return 0;
    return acpi_field(t, 44 + proximity[i] * n + proximity[j], 1);
}

/* A node is 10 from itself and farther from all others, or firmware got it wrong. */
static bool slit_sound(const struct acpi_header *t, uint64_t n)
{
    if (n > 1024 || 44 + n * n > t->length)
        return false;
    for (unsigned i = 0; i < acpi.nr_nodes; i++)
        for (unsigned j = 0; j < acpi.nr_nodes; j++) {
            unsigned distance = slit_distance(t, n, i, j);

            if (i == j ? distance != 10 : distance <= 10)
                return false;
        }
    return true;
}

static void slit_read(const struct acpi_header *t)
{
    uint64_t n = acpi_field(t, 36, 8);

    if (!slit_sound(t, n)) {
        printk(LOG_WARN, "ACPI: the SLIT makes no sense and is ignored");
        return;
    }
    for (unsigned i = 0; i < acpi.nr_nodes; i++)
        for (unsigned j = 0; j < acpi.nr_nodes; j++)
            acpi.distance[i][j] = slit_distance(t, n, i, j);
}

void srat_init(void)
{
    const struct acpi_header *srat = acpi_table("SRAT", 0, NULL),
                             *slit = acpi_table("SLIT", 0, NULL);

    distances_default();
    if (srat)
        srat_read(srat);
    if (slit && acpi.nr_nodes)
        slit_read(slit);
    acpi.nr_nodes = MAX(acpi.nr_nodes, 1);
}

unsigned acpi_node_of_memory(paddr_t pa)
{
    for (unsigned i = 0; i < nr_ranges; i++)
        if (pa >= range[i].start && pa - range[i].start < range[i].size)
            return range[i].node;
    return 0;
}

unsigned acpi_node_of_cpu(uint32_t apic_id)
{
    for (unsigned i = 0; i < nr_cpus; i++)
        if (cpu[i].apic_id == apic_id)
            return cpu[i].node;
    return 0;
}
