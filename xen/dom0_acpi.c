/*
 * The firmware tables that dom0 sees (ACPI 6.4, chapter 5): the machine's own
 * where they lie, but for the MADT, whose processors are dom0's vCPUs. Tables
 * of what dom0 does not drive are left out: HPET, IOMMU, topology.
 */
#include "boot.h"
#include "dom0.h"
#include "x86/acpi.h"
#include "x86/arch.h"

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t long_checksum, reserved[3];
} packed;

struct acpi_madt {
    struct acpi_header h;
    uint32_t lapic, flags;
} packed;

struct madt_x2apic {
    uint8_t type, length;
    uint16_t reserved;
    uint32_t apic_id, flags, uid;
} packed;

/* The machine's entries that dom0's IO-APICs share: IO-APICs, interrupt source overrides, NMIs. */
enum { MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_NMI_SOURCE = 3, MADT_X2APIC = 9 };
enum { MADT_REVISION = 5, MADT_ENABLED = 1 };

/* The FADT leads to FACS and DSDT; SSDTs are parts of the latter. */
static const char passed[][5] = {"FACP", "SSDT", "MCFG", "SLIC", "MSDM", "FPDT"};

/* The area of dom0's memory while it is being filled; it was zeroed. */
struct area {
    uint8_t *next, *end;
};

static void *begin(struct area *a)
{
    a->next = (uint8_t *)ROUND_UP((uintptr_t)a->next, 16);
    return a->next;
}

static void put(struct area *a, const void *bytes, size_t size)
{
    BUG_ON(size > (size_t)(a->end - a->next));
    memcpy(a->next, bytes, size);
    a->next += size;
}

static uint8_t checksum(const void *table, size_t size)
{
    const uint8_t *byte = table;
    uint8_t sum = 0;

    while (size--)
        sum = (uint8_t)(sum + *byte++);
    return (uint8_t)-sum;
}

/* The table is complete: all up to here. */
static paddr_t finish(const struct area *a, struct acpi_header *h, const char *signature,
                      uint8_t revision)
{
    memcpy(h->signature, signature, sizeof(h->signature));
    h->length = (uint32_t)(a->next - (uint8_t *)h);
    h->revision = revision;
    memcpy(h->oem_id, "Moirai", sizeof(h->oem_id));
    memcpy(h->oem_table_id, "dom0    ", sizeof(h->oem_table_id));
    h->oem_revision = 1;
    h->checksum = checksum(h, h->length);
    return va_to_pa(h);
}

/* No 8259s (flags bit 0 is clear): they are hidden from dom0. */
static paddr_t build_madt(struct area *a, unsigned nr_vcpus)
{
    const struct acpi_header *host = acpi_table("APIC", 0, NULL);
    const struct acpi_madt start = {.lapic = 0xfee00000};
    struct acpi_header *h = begin(a);

    put(a, &start, sizeof(start));
    if (host)
        acpi_for_each_entry(at, host, MADT_ENTRIES)
            if (acpi_field(host, at, 1) >= MADT_IO_APIC &&
                acpi_field(host, at, 1) <= MADT_NMI_SOURCE)
                put(a, (const uint8_t *)host + at, acpi_field(host, at + 1, 1));
    for (unsigned i = 0; i < nr_vcpus; i++) {
        const struct madt_x2apic entry = {
            .type = MADT_X2APIC,
            .length = sizeof(entry),
            .apic_id = vlapic_id_of(i),
            .flags = MADT_ENABLED,
            .uid = i, /* Linux takes the Xen vCPU's number from it */
        };

        put(a, &entry, sizeof(entry));
    }
    return finish(a, h, "APIC", MADT_REVISION);
}

static paddr_t build_xsdt(struct area *a, uint64_t madt)
{
    const struct acpi_header start = {0};
    struct acpi_header *h = begin(a);
    paddr_t table;

    put(a, &start, sizeof(start));
    put(a, &madt, sizeof(madt));
    for (unsigned i = 0; i < ARRAY_SIZE(passed); i++)
        for (unsigned n = 0; acpi_table(passed[i], n, &table); n++)
            put(a, &table, sizeof(table));
    return finish(a, h, "XSDT", 1);
}

static paddr_t build_rsdp(struct area *a, paddr_t xsdt)
{
    struct acpi_rsdp r = {.revision = 2, .length = sizeof(r), .xsdt = xsdt};
    void *place = begin(a);

    memcpy(r.signature, "RSD PTR ", sizeof(r.signature));
    memcpy(r.oem, "Moirai", sizeof(r.oem));
    r.checksum = checksum(&r, offsetof(struct acpi_rsdp, length));
    r.long_checksum = checksum(&r, sizeof(r));
    put(a, &r, sizeof(r));
    return va_to_pa(place);
}

paddr_t dom0_acpi_build(paddr_t at, unsigned nr_vcpus)
{
    struct area a = {.next = pa_to_va(at), .end = pa_to_va(at + DOM0_ACPI_SIZE)};

    memset(a.next, 0, DOM0_ACPI_SIZE);
    return build_rsdp(&a, build_xsdt(&a, build_madt(&a, nr_vcpus)));
}
