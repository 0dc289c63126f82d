/*
 * The firmware's tables (ACPI 6.4, chapter 5): where they are, and what the
 * hypervisor wants to know of them, gathered once at boot into `acpi`.
 *
 * Nothing in them is trusted. A table is used only if the direct map has all of
 * it (RAM, and what the boot loader's map reserves) and its sum is zero, and
 * fields are read through acpi_field.
 */
#include "../boot.h"
#include "../lib.h"
#include "acpi.h"
#include "arch.h"

#define DIRECT_MAP_MAX (1ULL << 46) /* paging.c's next window begins there */
#define DEVICE_MAX     (1ULL << 45)

struct acpi_info acpi;

/* The root table: pointers to all others, of 4 bytes in the RSDT and of 8 in the XSDT. */
static const struct acpi_header *root;
static unsigned root_width;

/* ---- tables ---------------------------------------------------------------------------- */

/* Firmware memory through the direct map; NULL if not all of it is mapped. */
static const void *firmware_memory(paddr_t pa, uint64_t size)
{
    if (pa > DIRECT_MAP_MAX || size > DIRECT_MAP_MAX - pa)
        return NULL;
    for (paddr_t at = ROUND_DOWN(pa, PAGE_SIZE); at < pa + size; at += PAGE_SIZE)
        if (!va_mapped((uintptr_t)pa_to_va(at)))
            return NULL;
    return pa_to_va(pa);
}

static bool sum_is_zero(const void *p, size_t n)
{
    const uint8_t *byte = p;
    uint8_t sum = 0;

    while (n--)
        sum += *byte++;
    return sum == 0;
}

static const struct acpi_header *table_at(paddr_t pa)
{
    const struct acpi_header *t = firmware_memory(pa, sizeof *t);

    if (!t || t->length < sizeof *t || !firmware_memory(pa, t->length))
        return NULL;
    return sum_is_zero(t, t->length) ? t : NULL;
}

uint64_t acpi_field(const struct acpi_header *t, size_t offset, size_t n)
{
    uint64_t value = 0;

    if (offset > t->length || n > t->length - offset)
        return 0;
    memcpy(&value, (const uint8_t *)t + offset, n);
    return value;
}

size_t acpi_entry(const struct acpi_header *t, size_t offset)
{
    size_t length = acpi_field(t, offset + 1, 1);

    return length >= 2 && offset + length <= t->length ? offset : 0;
}

bool acpi_entry_is(const struct acpi_header *t, size_t at, unsigned type, unsigned length)
{
    return acpi_field(t, at, 1) == type && acpi_field(t, at + 1, 1) >= length;
}

/* The FADT leads to the DSDT, which is not in the root table (ACPI 6.4, 5.2.9). */
static paddr_t dsdt_address(void)
{
    const struct acpi_header *fadt = acpi_table("FACP", 0, NULL);

    if (!fadt)
        return 0;
    paddr_t wide = acpi_field(fadt, 140, 8);
    return wide ? wide : acpi_field(fadt, 40, 4);
}

const void *acpi_table(const char *signature, unsigned n, paddr_t *pa)
{
    bool dsdt = !strncmp(signature, "DSDT", 4);

    if (!root)
        return NULL;
    size_t nr = dsdt ? 1 : (root->length - sizeof *root) / root_width;
    for (size_t i = 0; i < nr; i++) {
        paddr_t at =
            dsdt ? dsdt_address() : acpi_field(root, sizeof *root + i * root_width, root_width);
        const struct acpi_header *t = table_at(at);

        if (t && !strncmp(t->signature, signature, 4) && !n--) {
            if (pa)
                *pa = at;
            return t;
        }
    }
    return NULL;
}

/* Can device memory be there at all? CPUID leaf 0x80000008: bits of a physical address. */
static bool device_address(uint64_t address)
{
    uint32_t leaf[4];

    cpuid(0x80000008, 0, leaf);
    return address && address < DEVICE_MAX && !(address >> (leaf[0] & 0xff));
}

/* ---- the root pointer -------------------------------------------------------------------- */

/* ACPI 6.4, 5.2.5.3; the first version ended after the RSDT's address. */
struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} packed;

#define RSDP_V1_SIZE 20

static bool root_set(paddr_t pa, const char *signature, unsigned width)
{
    const struct acpi_header *t = pa ? table_at(pa) : NULL;

    if (!t || strncmp(t->signature, signature, 4))
        return false;
    root = t;
    root_width = width;
    return true;
}

/* Is there a root pointer at `pa` that leads to a sound root table? */
static bool rsdp_use(paddr_t pa)
{
    const struct rsdp *r = firmware_memory(pa, RSDP_V1_SIZE);

    if (!r || memcmp(r->signature, "RSD PTR ", 8) || !sum_is_zero(r, RSDP_V1_SIZE))
        return false;
    bool wide = r->revision >= 2 && firmware_memory(pa, sizeof *r) && sum_is_zero(r, sizeof *r);
    if (!(wide && root_set(r->xsdt, "XSDT", 8)) && !root_set(r->rsdt, "RSDT", 4))
        return false;
    acpi.rsdp = pa;
    return true;
}

static bool rsdp_search(paddr_t from, paddr_t to)
{
    for (paddr_t pa = ROUND_UP(from, 16); pa < to; pa += 16)
        if (rsdp_use(pa))
            return true;
    return false;
}

/* On a BIOS it is in the first KiB of the extended BIOS data area, or in the BIOS itself. */
static bool rsdp_find(void)
{
    const uint16_t *ebda_segment = firmware_memory(0x40e, 2);
    paddr_t ebda = ebda_segment ? (paddr_t)*ebda_segment << 4 : 0;

    return (boot.rsdp && rsdp_use(boot.rsdp)) || (ebda && rsdp_search(ebda, ebda + 1024)) ||
           rsdp_search(0xe0000, 0x100000);
}

/* ---- MADT: processors ---------------------------------------------------------------------- */

static void cpu_add(uint32_t apic_id, uint32_t uid)
{
    for (unsigned i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpu[i].apic_id == apic_id) {
            acpi.cpu[i].uid = uid;
            return;
        }
    if (acpi.nr_cpus == ACPI_MAX_CPUS)
        return;
    acpi.cpu[acpi.nr_cpus].apic_id = apic_id;
    acpi.cpu[acpi.nr_cpus++].uid = uid;
}

/* ACPI 6.4, 5.2.12. Flag bit 0: enabled. */
static void madt_read(const struct acpi_header *t)
{
    acpi.lapic_address = acpi_field(t, 36, 4);
    acpi_for_each_entry(at, t, MADT_ENTRIES) {
        if (acpi_entry_is(t, at, 0, 8) && (acpi_field(t, at + 4, 4) & 1))
            cpu_add(acpi_field(t, at + 3, 1), acpi_field(t, at + 2, 1));
        else if (acpi_entry_is(t, at, 9, 16) && (acpi_field(t, at + 8, 4) & 1))
            cpu_add(acpi_field(t, at + 4, 4), acpi_field(t, at + 12, 4));
        else if (acpi_entry_is(t, at, 5, 12) && !acpi_field(t, at + 8, 4))
            acpi.lapic_address = acpi_field(t, at + 4, 4);
    }
}

/* ---- FADT: ports ---------------------------------------------------------------------------- */

/* A register block: the generic address (space, width, offset, access, address: ACPI 6.4, 5.2.3.2)
 * of newer tables if it is a port, else the plain port number. */
static uint16_t port_block(const struct acpi_header *fadt, size_t generic, size_t plain)
{
    uint64_t wide = acpi_field(fadt, generic + 4, 8);
    bool use = wide && acpi_field(fadt, generic, 1) == 1;
    uint64_t port = use ? wide : acpi_field(fadt, plain, 4);

    return port <= 0xffff ? port : 0;
}

/* ACPI 6.4, 5.2.9. */
static void fadt_read(const struct acpi_header *t)
{
    acpi.pm_timer_port = port_block(t, 208, 76);
    acpi.pm1a_event = port_block(t, 148, 56);
    acpi.pm1a_control = port_block(t, 172, 64);
    acpi.pm1b_control = port_block(t, 184, 68);
    acpi.smi_command = acpi_field(t, 48, 4);
    acpi.acpi_enable = acpi_field(t, 52, 1);
    acpi.rtc_century = acpi_field(t, 108, 1);
    acpi.reset.present = acpi_field(t, 112, 4) >> 10 & 1; /* RESET_REG_SUP */
    acpi.reset.space = acpi_field(t, 116, 1);
    acpi.reset.address = acpi_field(t, 120, 8);
    acpi.reset.value = acpi_field(t, 128, 1);
    if (acpi.reset.space == 0 && !device_address(acpi.reset.address))
        acpi.reset.present = false;
}

/* ---- \_S5: how to power off -------------------------------------------------------------------
 *
 * A definition block is a program and we do not run programs of the firmware's, but \_S5 is always
 * written as Name (_S5, Package {a, b, ...}) of constants (ACPI 6.4, 20.2):
 *
 *   08 [5c] '_' 'S' '5' '_' 12 length count constant constant ...
 */

struct aml {
    const uint8_t *at, *end;
};

static int aml_byte(struct aml *aml)
{
    return aml->at < aml->end ? *aml->at++ : -1;
}

/* The low byte of a constant: zero, one, or a prefix for 1, 2 or 4 bytes. -1: something else. */
static int aml_constant(struct aml *aml)
{
    int code = aml_byte(aml);

    if (code == 0 || code == 1)
        return code;
    if (code < 0x0a || code > 0x0c)
        return -1;
    int low = aml_byte(aml);
    for (int rest = (1 << (code - 0x0a)) - 1; rest > 0; rest--)
        aml_byte(aml);
    return low;
}

/* Reads on after the name. */
static bool s5_package(struct aml aml)
{
    if (aml_byte(&aml) != 0x12)
        return false;
    for (int more = aml_byte(&aml) >> 6; more > 0; more--) /* the length's own length */
        aml_byte(&aml);
    if (aml_byte(&aml) < 2)
        return false;
    int a = aml_constant(&aml), b = aml_constant(&aml);
    if (a < 0 || b < 0)
        return false;
    acpi.sleep_type_s5 = a & 7;
    acpi.sleep_type_s5b = b & 7;
    return true;
}

static bool s5_scan(const struct acpi_header *t)
{
    const uint8_t *start = (const uint8_t *)(t + 1), *end = (const uint8_t *)t + t->length;

    for (const uint8_t *p = start + 2; end - p >= 4; p++) {
        bool named = p[-1] == 0x08 || (p[-1] == 0x5c && p[-2] == 0x08);

        if (named && !memcmp(p, "_S5_", 4) && s5_package((struct aml){p + 4, end}))
            return true;
    }
    return false;
}

static bool s5_find(void)
{
    const struct acpi_header *t = acpi_table("DSDT", 0, NULL);

    if (t && s5_scan(t))
        return true;
    for (unsigned n = 0; (t = acpi_table("SSDT", n, NULL)); n++)
        if (s5_scan(t))
            return true;
    return false;
}

/* ---- HPET, MCFG ------------------------------------------------------------------------------ */

static void mcfg_read(const struct acpi_header *t)
{
    for (size_t at = 44; at + 16 <= t->length && acpi.nr_ecam < ARRAY_SIZE(acpi.ecam); at += 16) {
        unsigned i = acpi.nr_ecam;

        acpi.ecam[i].address = acpi_field(t, at, 8);
        acpi.ecam[i].segment = acpi_field(t, at + 8, 2);
        acpi.ecam[i].first_bus = acpi_field(t, at + 10, 1);
        acpi.ecam[i].last_bus = acpi_field(t, at + 11, 1);
        if (device_address(acpi.ecam[i].address) && acpi.ecam[i].first_bus <= acpi.ecam[i].last_bus)
            acpi.nr_ecam++;
    }
}

/* The registers must be in memory (space 0). */
static void hpet_read(const struct acpi_header *t)
{
    uint64_t address = acpi_field(t, 44, 8);

    if (acpi_field(t, 40, 1) == 0 && device_address(address))
        acpi.hpet = address;
}

static void read_table(const char *signature, void (*reader)(const struct acpi_header *))
{
    const struct acpi_header *t = acpi_table(signature, 0, NULL);

    if (t)
        reader(t);
}

void acpi_init(void)
{
    cpu_add(pcpus[0]->apic_id, 0);
    if (!rsdp_find())
        printk(LOG_WARN, "ACPI: no root table found: one pCPU, no IO-APIC, no power-off");
    read_table("APIC", madt_read);
    read_table("FACP", fadt_read);
    read_table("HPET", hpet_read);
    read_table("MCFG", mcfg_read);
    srat_init();
    if (!root)
        return;
    if (!s5_find())
        printk(LOG_WARN, "ACPI: no \\_S5 in the DSDT: power-off may not work");
    printk(LOG_INFO, "ACPI: root pointer at 0x%lx, %u pCPUs, %u nodes", acpi.rsdp, acpi.nr_cpus,
           acpi.nr_nodes);
}
