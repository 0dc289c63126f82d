/*
 * PCI configuration space: see pci.h. Ports reach the first 256 registers of
 * segment 0, and one lock holds their address and data steps together; the
 * rest is reached by ECAM, of which a bus is mapped when it is first asked.
 */
#include "pci.h"

#include "../boot.h"
#include "arch.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u

#define PORT_REGISTERS 256
#define BUS_SIZE       MIB(1) /* of ECAM: 256 functions of 4 KiB */
#define NR_BUSES       256

static struct spinlock config_lock = SPINLOCK_INIT(RANK_IRQ);
static uint32_t guest_address; /* dom0's 0xcf8 */
static volatile uint8_t *ecam_bus[NR_BUSES]; /* of segment 0, once mapped */

/* ---- the machine ------------------------------------------------------------------------------ */

static uint32_t all_ones(unsigned bytes)
{
    return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
}

static uint32_t port_read(uint16_t port, unsigned bytes)
{
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        outb(port, (uint8_t)value);
    else if (bytes == 2)
        outw(port, (uint16_t)value);
    else
        outl(port, value);
}

static uint16_t select_by_port(struct pci_function f, unsigned reg)
{
    outl(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)f.bdf << 8 | (reg & 0xfc));
    return (uint16_t)(PORT_DATA + (reg & 3));
}

/* The window of a segment's bus, or NULL. Only segment 0 is kept mapped by bus. */
static volatile uint8_t *ecam(struct pci_function f)
{
    unsigned bus = f.bdf >> 8;

    if (f.segment)
        return NULL;
    for (unsigned i = 0; i < acpi.nr_ecam && !ecam_bus[bus]; i++) {
        if (acpi.ecam[i].segment == 0 && bus >= acpi.ecam[i].first_bus &&
            bus <= acpi.ecam[i].last_bus)
            ecam_bus[bus] = map_mmio(acpi.ecam[i].address + bus * BUS_SIZE, BUS_SIZE);
    }
    return ecam_bus[bus] ? ecam_bus[bus] + ((uint64_t)(f.bdf & 0xff) << PAGE_SHIFT) : NULL;
}

static uint32_t memory_read(volatile uint8_t *at, unsigned bytes)
{
    if (bytes == 1)
        return *at;
    return bytes == 2 ? *(volatile uint16_t *)at : *(volatile uint32_t *)at;
}

static void memory_write(volatile uint8_t *at, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        *at = (uint8_t)value;
    else if (bytes == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint32_t *)at = value;
}

static bool by_port(struct pci_function f, unsigned reg)
{
    return f.segment == 0 && reg < PORT_REGISTERS;
}

uint32_t pci_read(struct pci_function f, unsigned reg, unsigned bytes)
{
    uint32_t value = all_ones(bytes);

    spin_lock(&config_lock);
    if (by_port(f, reg)) {
        value = port_read(select_by_port(f, reg), bytes);
    } else {
        volatile uint8_t *window = ecam(f);
        if (window)
            value = memory_read(window + reg, bytes);
    }
    spin_unlock(&config_lock);
    return value;
}

void pci_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value)
{
    spin_lock(&config_lock);
    if (by_port(f, reg)) {
        port_write(select_by_port(f, reg), bytes, value);
    } else {
        volatile uint8_t *window = ecam(f);
        if (window)
            memory_write(window + reg, bytes, value);
    }
    spin_unlock(&config_lock);
}

/* ---- dom0 ---------------------------------------------------------------------------------------- */

static bool is_address(uint16_t port, unsigned bytes)
{
    return port == PORT_ADDRESS && bytes == 4;
}

/* The function and register that the data ports mean now; false: none. */
static bool selected(uint16_t port, unsigned bytes, struct pci_function *f, unsigned *reg)
{
    uint32_t address = __atomic_load_n(&guest_address, __ATOMIC_RELAXED);

    if (port < PORT_DATA || port + bytes > PORT_DATA + 4 || port % bytes ||
        !(address & ADDRESS_ENABLE))
        return false;
    *f = (struct pci_function){0, (uint16_t)(address >> 8)};
    *reg = (address & 0xfc) + (port & 3);
    return true;
}

uint32_t pci_config_in(uint16_t port, unsigned bytes)
{
    struct pci_function f;
    unsigned reg;

    if (is_address(port, bytes))
        return guest_address;
    return selected(port, bytes, &f, &reg) ? pci_read(f, reg, bytes) : all_ones(bytes);
}

void pci_config_out(uint16_t port, unsigned bytes, uint32_t value)
{
    struct pci_function f;
    unsigned reg;

    if (is_address(port, bytes))
        __atomic_store_n(&guest_address, value, __ATOMIC_RELAXED);
    else if (selected(port, bytes, &f, &reg))
        pci_write(f, reg, bytes, value);
}

static bool ecam_function(paddr_t pa, struct pci_function *f)
{
    for (unsigned i = 0; i < acpi.nr_ecam; i++) {
        paddr_t first = acpi.ecam[i].address + acpi.ecam[i].first_bus * BUS_SIZE;
        paddr_t end = acpi.ecam[i].address + (acpi.ecam[i].last_bus + 1) * BUS_SIZE;
        if (pa >= first && pa < end) {
            f->segment = acpi.ecam[i].segment;
            f->bdf = (uint16_t)((pa - acpi.ecam[i].address) >> PAGE_SHIFT);
            return true;
        }
    }
    return false;
}

bool pci_ecam_covers(paddr_t pa)
{
    struct pci_function f;

    return ecam_function(pa, &f);
}

uint32_t pci_ecam_read(paddr_t pa, unsigned bytes)
{
    struct pci_function f;
    unsigned reg = pa & (PAGE_SIZE - 1);

    if (bytes > 4 || reg % bytes || !ecam_function(pa, &f))
        return all_ones(MIN(bytes, 4));
    return pci_read(f, reg, bytes);
}

void pci_ecam_write(paddr_t pa, unsigned bytes, uint32_t value)
{
    struct pci_function f;
    unsigned reg = pa & (PAGE_SIZE - 1);

    if (bytes <= 4 && reg % bytes == 0 && ecam_function(pa, &f))
        pci_write(f, reg, bytes, value);
}
