/* What dom0 sees of PCI functions: MSI and MSI-X behind its back, and where their memory is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__
#include "../../xen/x86/arch.h"
static struct pcpu here = {.apic_id = 5};
#define this_pcpu() (&here) /* there is no GS base */
#include "../../xen/x86/msi.c"
#define message msix_message
#define program msix_program
#include "../../xen/x86/msix.c"
#undef message
#undef program
#include "../../xen/x86/pci_memory.c"

#define TABLE      0xfe402000ULL /* in BAR 2 */
#define NR_ENTRIES 3
#define MSI        0x50
#define MSIX       0x70
#define FIRST_FREE 0x40 /* vector */

/* ---- the machine: one function, with MSI (64-bit) and MSI-X -------------------------------- */

static const struct pci_function function = {0, 0x18};
static union {
    uint8_t byte[256];
    uint16_t half[128];
    uint32_t word[64];
} config;
static uint32_t bar_size[6], rom_size;
static uint32_t device_page[PAGE_SIZE / 4];
static bool present, vector_taken[256], ram_there;
static interrupt_handler handlers[256];
static unsigned eois, unmapped;
static struct apic_message sent;

static void set_word(unsigned reg, uint32_t value)
{
    config.word[reg / 4] = value;
}

/* Address bits below the size do not take ones, but a ROM's switch does; flags stay as they are. */
static void write_bar(unsigned reg, uint32_t value)
{
    uint32_t size = reg == 0x30 ? rom_size : bar_size[(reg - 0x10) / 4];
    uint32_t mask = size ? -size : 0;

    if (reg == 0x30 && size)
        mask |= 1;
    set_word(reg, (value & mask) | (config.word[reg / 4] & ~mask));
}

uint32_t pci_read(struct pci_function f, unsigned reg, unsigned bytes)
{
    uint32_t value = ~0u;

    if (present && f.bdf == function.bdf)
        memcpy(&value, &config.byte[reg], bytes);
    return bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
}

void pci_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value)
{
    (void)f;
    if ((reg >= 0x10 && reg < 0x28) || reg == 0x30)
        write_bar(reg, value);
    else
        memcpy(&config.byte[reg], &value, bytes);
}

uint32_t device_read(volatile void *at, unsigned bytes)
{
    uint32_t value = 0;

    memcpy(&value, (void *)(uintptr_t)at, bytes);
    return value;
}

void device_write(volatile void *at, unsigned bytes, uint32_t value)
{
    memcpy((void *)(uintptr_t)at, &value, bytes);
}

volatile void *map_mmio(paddr_t pa, size_t size)
{
    assert_true(pa / PAGE_SIZE == (pa + size - 1) / PAGE_SIZE);
    return (char *)device_page + pa % PAGE_SIZE;
}

/* ---- the hypervisor around it -------------------------------------------------------------- */

struct domain *dom0;
struct acpi_info acpi;

void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->holder, -1);
    l->holder = 0;
}

void spin_unlock(struct spinlock *l)
{
    l->holder = -1;
}

void *xmalloc(size_t size)
{
    return calloc(1, size);
}

void xfree(void *p)
{
    free(p);
}

void printk(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

int vector_alloc(interrupt_handler handler)
{
    for (unsigned i = FIRST_FREE; i < FIRST_FREE + 4; i++) {
        if (!vector_taken[i]) {
            vector_taken[i] = true;
            handlers[i] = handler;
            return (int)i;
        }
    }
    return -1;
}

void vector_free(unsigned vector)
{
    assert_true(vector_taken[vector]);
    vector_taken[vector] = false;
}

static unsigned vectors_taken(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 256; i++)
        n += vector_taken[i];
    return n;
}

void apic_eoi(void)
{
    eois++;
}

void vlapic_send(struct domain *d, const struct apic_message *m)
{
    (void)d;
    sent = *m;
}

bool mfn_valid(mfn_t mfn)
{
    (void)mfn;
    return ram_there;
}

struct p2m_entry p2m_lookup(struct domain *d, gfn_t gfn)
{
    (void)d;
    return (struct p2m_entry){gfn, P2M_MMIO, 0};
}

struct p2m_entry p2m_unmap(struct domain *d, gfn_t gfn)
{
    assert_int_equal(gfn, TABLE >> PAGE_SHIFT);
    unmapped++;
    return p2m_lookup(d, gfn);
}

/* ---- dom0 ---------------------------------------------------------------------------------- */

static uint32_t dom0_read(unsigned reg, unsigned bytes)
{
    return msi_config_read(function, reg, bytes, pci_read(function, reg, bytes));
}

static void dom0_write(unsigned reg, unsigned bytes, uint32_t value)
{
    if (!msi_config_write(function, reg, bytes, value))
        pci_write(function, reg, bytes, value);
    if (bytes == 4 && value >= 0xfffff800 && reg >= 0x10 && reg <= 0x38)
        pci_memory_sized(function, reg);
}

static void write_message(uint32_t address, uint16_t data)
{
    dom0_write(MSI + 4, 4, address);
    dom0_write(MSI + 8, 4, 0);
    dom0_write(MSI + 12, 2, data);
}

static void size_bar(unsigned reg)
{
    uint32_t old = dom0_read(reg, 4);

    dom0_write(reg, 4, ~0u);
    dom0_write(reg, 4, old);
}

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof config);
    memset(device_page, 0, sizeof device_page);
    memset(bar_size, 0, sizeof bar_size);
    rom_size = 0;
    present = true;
    ram_there = false;
    eois = unmapped = 0;
    set_word(0, 0x10d38086);
    set_word(0x04, 0x00100002); /* memory is decoded; there are capabilities */
    set_word(0x34, MSI);
    set_word(MSI, 0x00860000 | MSIX << 8 | CAP_MSI); /* 64-bit, could have 8 vectors */
    set_word(MSIX, (NR_ENTRIES - 1) << 16 | CAP_MSIX);
    set_word(MSIX + 4, 0x2000 | 2); /* table: offset and BAR */
    set_word(0x18, 0xfe400000);
    for (unsigned i = 0; i < NR_ENTRIES; i++)
        device_page[4 * i + 3] = 1; /* masked */
    assert_int_equal(dom0_read(0, 4), 0x10d38086);
    return 0;
}

/* The function goes, so that the next test's is a new one. */
static int teardown(void **state)
{
    (void)state;
    present = false;
    dom0_read(0, 4);
    assert_int_equal(vectors_taken(), 0);
    return 0;
}

/* ---- MSI ----------------------------------------------------------------------------------- */

static void test_msi_goes_through_the_hypervisor(void **state)
{
    (void)state;
    write_message(0xfee02000, 0x0031);
    dom0_write(MSI + 2, 2, 0x0081);
    assert_int_equal(config.word[(MSI + 4) / 4], 0xfee05000);
    assert_int_equal(config.half[(MSI + 12) / 2], FIRST_FREE);
    assert_int_equal(config.half[(MSI + 2) / 2] & 1, 1);
    assert_int_equal(dom0_read(MSI + 4, 4), 0xfee02000);
    assert_int_equal(dom0_read(MSI + 12, 2), 0x31);

    handlers[FIRST_FREE](FIRST_FREE);
    assert_int_equal(eois, 1);
    assert_int_equal(sent.dest, 2);
    assert_int_equal(sent.vector, 0x31);
    write_message(0xfee00000, 0x0032); /* dom0 moves it */
    assert_int_equal(config.word[(MSI + 4) / 4], 0xfee05000);
    handlers[FIRST_FREE](FIRST_FREE);
    assert_int_equal(sent.dest, 0);
    assert_int_equal(sent.vector, 0x32);

    dom0_write(MSI + 2, 2, 0x0080);
    assert_int_equal(vectors_taken(), 0);
    assert_int_equal(config.half[(MSI + 2) / 2] & 1, 0);
}

static void test_msi_has_one_vector(void **state)
{
    (void)state;
    assert_int_equal(dom0_read(MSI + 2, 2), 0x0080);
    assert_int_equal(dom0_read(MSI, 4) >> 16, 0x0080);
    dom0_write(MSI, 4, 0x00b10000); /* enabled, 8 vectors: the whole word at once */
    assert_int_equal(config.half[(MSI + 2) / 2] & 0x71, 0x01);
    assert_int_equal(vectors_taken(), 1);
}

static void test_msi_stays_off_without_a_vector(void **state)
{
    (void)state;
    memset(vector_taken + FIRST_FREE, true, 4);
    dom0_write(MSI + 2, 2, 0x0081);
    assert_int_equal(dom0_read(MSI + 2, 2) & 1, 0);
    memset(vector_taken, false, sizeof vector_taken);
}

static void test_another_function_in_the_slot(void **state)
{
    (void)state;
    write_message(0xfee02000, 0x0031);
    dom0_write(MSI + 2, 2, 0x0081);
    assert_int_equal(vectors_taken(), 1);
    memset(&config, 0, sizeof config);
    set_word(0, 0x10411af4);
    assert_int_equal(dom0_read(0, 4), 0x10411af4);
    assert_int_equal(vectors_taken(), 0);
    dom0_write(MSI + 4, 4, 0x12345678); /* it has no MSI there */
    assert_int_equal(config.word[(MSI + 4) / 4], 0x12345678);
}

/* ---- MSI-X --------------------------------------------------------------------------------- */

static void write_entry_of(unsigned i, uint32_t address, uint32_t data, uint32_t control)
{
    msix_write(TABLE + 16 * i, 4, address);
    msix_write(TABLE + 16 * i + 8, 4, data);
    msix_write(TABLE + 16 * i + 12, 4, control);
}

static void test_msix_table_is_taken_while_enabled(void **state)
{
    (void)state;
    assert_false(msix_covers(TABLE));
    dom0_write(MSIX + 2, 2, 0x8000);
    assert_true(msix_covers(TABLE));
    assert_true(msix_covers(TABLE + PAGE_SIZE - 1));
    assert_false(msix_covers(TABLE + PAGE_SIZE));
    assert_int_equal(unmapped, 1);
    assert_int_equal(vectors_taken(), 0);

    write_entry_of(1, 0xfee04000, 0x41, 0);
    assert_int_equal(device_page[4], 0xfee05000);
    assert_int_equal(device_page[6], FIRST_FREE);
    assert_int_equal(device_page[7], 0);
    assert_int_equal(msix_read(TABLE + 16, 4), 0xfee04000);
    assert_int_equal(msix_read(TABLE + 24, 4), 0x41);
    assert_int_equal(msix_read(TABLE + 28, 4), 0);
    handlers[FIRST_FREE](FIRST_FREE);
    assert_int_equal(sent.dest, 4);
    assert_int_equal(sent.vector, 0x41);

    dom0_write(MSIX + 2, 2, 0);
    assert_false(msix_covers(TABLE));
    assert_int_equal(vectors_taken(), 0);
    assert_int_equal(device_page[4], 0xfee04000); /* dom0's words are the device's again */
    assert_int_equal(device_page[6], 0x41);
}

static void test_msix_entries_written_before_it_is_enabled(void **state)
{
    (void)state;
    device_page[0] = 0xfee02000;
    device_page[2] = 0x51;
    device_page[3] = 0;
    dom0_write(MSIX + 2, 2, 0x8000);
    assert_int_equal(device_page[0], 0xfee05000);
    handlers[FIRST_FREE](FIRST_FREE);
    assert_int_equal(sent.dest, 2);
    assert_int_equal(sent.vector, 0x51);
}

static void test_msix_page_is_shared_with_registers(void **state)
{
    (void)state;
    dom0_write(MSIX + 2, 2, 0x8000);
    msix_write(TABLE + 0x800, 4, 0x1234);
    assert_int_equal(device_page[0x800 / 4], 0x1234);
    assert_int_equal(msix_read(TABLE + 0x800, 2), 0x1234);
    msix_write(TABLE + 16, 2, 0xffff); /* entries take whole words */
    assert_int_equal(msix_read(TABLE + 16, 4), 0);
}

static void test_msix_is_not_enabled_over_memory(void **state)
{
    (void)state;
    ram_there = true;
    dom0_write(MSIX + 2, 2, 0x8000);
    assert_int_equal(config.half[(MSIX + 2) / 2] & 0x8000, 0);
    ram_there = false;
    set_word(0x18, 0); /* no address */
    dom0_write(MSIX + 2, 2, 0x8000);
    assert_int_equal(config.half[(MSIX + 2) / 2] & 0x8000, 0);
}

static void test_msix_entry_stays_masked_without_a_vector(void **state)
{
    (void)state;
    dom0_write(MSIX + 2, 2, 0x8000);
    memset(vector_taken + FIRST_FREE, true, 4);
    write_entry_of(0, 0xfee00000, 0x41, 0);
    assert_int_equal(device_page[3], 1);
    memset(vector_taken, false, sizeof vector_taken);
}

/* ---- memory -------------------------------------------------------------------------------- */

static void memory_is(paddr_t start, paddr_t end)
{
    paddr_t from = 0, to = 0;

    assert_true(pci_memory_find(start, &from, &to));
    assert_true(pci_memory_find(end - 1, &from, &to));
    assert_int_equal(from, start);
    assert_int_equal(to, end);
    assert_false(pci_memory_find(end, &from, &to));
    assert_false(pci_memory_find(start - 1, &from, &to));
}

static void no_memory_at(paddr_t pa)
{
    paddr_t from, to;

    assert_false(pci_memory_find(pa, &from, &to));
}

static void test_memory_is_where_bars_are(void **state)
{
    (void)state;
    bar_size[0] = 0x20000;
    set_word(0x10, 0xfe600000);
    no_memory_at(0xfe600000); /* nobody has asked for its size */
    size_bar(0x10);
    memory_is(0xfe600000, 0xfe620000);
    dom0_write(0x10, 4, 0xfe800000);
    memory_is(0xfe800000, 0xfe820000);
    no_memory_at(0xfe600000);
    dom0_write(4, 2, 0); /* not decoded */
    no_memory_at(0xfe800000);
}

static void test_memory_of_a_wide_bar(void **state)
{
    (void)state;
    bar_size[0] = 0x100000;
    bar_size[1] = 1; /* all bits of the upper half are there */
    set_word(0x10, 0x4000000c);
    set_word(0x14, 0x8);
    size_bar(0x10);
    size_bar(0x14);
    memory_is(0x840000000, 0x840100000);
    no_memory_at(0x40000000);
}

static void test_ports_are_no_memory(void **state)
{
    (void)state;
    bar_size[2] = 0x20;
    set_word(0x18, 0xc001);
    size_bar(0x18);
    no_memory_at(0xc000);
}

static void test_memory_of_a_rom(void **state)
{
    (void)state;
    rom_size = 0x10000;
    dom0_write(0x30, 4, 0xfffff800);
    dom0_write(0x30, 4, 0xfea00000);
    no_memory_at(0xfea00000); /* its own switch is off */
    dom0_write(0x30, 4, 0xfea00001);
    memory_is(0xfea00000, 0xfea10000);
}

static void test_bridges_have_two_bars(void **state)
{
    (void)state;
    set_word(0x0c, 0x00010000);
    bar_size[0] = bar_size[2] = 0x1000;
    set_word(0x10, 0xfe100000);
    set_word(0x18, 0xfe200000); /* bus numbers */
    size_bar(0x10);
    size_bar(0x18);
    memory_is(0xfe100000, 0xfe101000);
    no_memory_at(0xfe200000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_msi_goes_through_the_hypervisor),
        TEST(test_msi_has_one_vector),
        TEST(test_msi_stays_off_without_a_vector),
        TEST(test_another_function_in_the_slot),
        TEST(test_msix_table_is_taken_while_enabled),
        TEST(test_msix_entries_written_before_it_is_enabled),
        TEST(test_msix_page_is_shared_with_registers),
        TEST(test_msix_is_not_enabled_over_memory),
        TEST(test_msix_entry_stays_masked_without_a_vector),
        TEST(test_memory_is_where_bars_are),
        TEST(test_memory_of_a_wide_bar),
        TEST(test_ports_are_no_memory),
        TEST(test_memory_of_a_rom),
        TEST(test_bridges_have_two_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
