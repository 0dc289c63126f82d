/*
 * Reading ACPI tables without trusting them: every field is fetched by offset
 * and reads as zero where the table, by its own length, does not have it.
 */
#ifndef XEN_ACPI_H
#define XEN_ACPI_H

#include "../lib.h"

/* The start of every table (ACPI 6.4, 5.2.6). */
struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
} packed;

/* A little-endian number of n <= 8 bytes; 0 if it does not lie within the table. */
uint64_t acpi_field(const struct acpi_header *t, size_t offset, size_t n);

/* Where the first entries of these tables lie; each begins with its type and its length. */
#define MADT_ENTRIES 44
#define SRAT_ENTRIES 48

/* `offset` if a whole entry lies there, otherwise 0. */
size_t acpi_entry(const struct acpi_header *t, size_t offset);
/* Is the entry of this type, and long enough to have all fields that are asked for? */
bool acpi_entry_is(const struct acpi_header *t, size_t at, unsigned type, unsigned length);

#define acpi_for_each_entry(at, table, first)                                                      \
    for (size_t at = acpi_entry(table, first); at;                                                 \
         at = acpi_entry(table, at + acpi_field(table, at + 1, 1)))

/* srat.c: nodes and distances into `acpi`. */
void srat_init(void);

#endif
