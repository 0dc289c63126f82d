/*
 * PCI configuration space: see pci.h. Ports reach the first 256 registers of
 * segment 0, and one lock holds their address and data steps together; the
 * rest is reached by ECAM.
 */
#include "../boot.h"
#include "arch.h"
#include "msi.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u

#define REG_FIRST_BAR  0x10
#define REG_LAST_ROM   0x38 /* a bridge's */
#define PORT_REGISTERS 256
#define BUS_SIZE       MIB(1) /* of ECAM: 256 functions of 4 KiB */

static struct spinlock config_lock = SPINLOCK_INIT(RANK_IRQ);
static uint32_t guest_address; /* dom0's 0xcf8 */

/* ---- the machine --------------------------------------------------------------------------- */

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

void pci_init(void)
{
    for (unsigned i = 0; i < acpi.nr_ecam; i++) {
        uint64_t first = acpi.ecam[i].first_bus * BUS_SIZE;

        map_mmio(acpi.ecam[i].address + first, (acpi.ecam[i].last_bus + 1) * BUS_SIZE - first);
    }
}

/* The registers of a function, or NULL. */
static volatile uint8_t *ecam(struct pci_function f)
{
    unsigned bus = f.bdf >> 8;

    for (unsigned i = 0; i < acpi.nr_ecam; i++) {
        if (acpi.ecam[i].segment == f.segment && bus >= acpi.ecam[i].first_bus &&
            bus <= acpi.ecam[i].last_bus)
            return map_mmio(acpi.ecam[i].address + ((uint64_t)f.bdf << PAGE_SHIFT), PAGE_SIZE);
    }
    return NULL;
}

uint32_t device_read(volatile void *at, unsigned bytes)
{
    if (bytes == 1)
        return *(volatile uint8_t *)at;
    return bytes == 2 ? *(volatile uint16_t *)at : *(volatile uint32_t *)at;
}

void device_write(volatile void *at, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        *(volatile uint8_t *)at = (uint8_t)value;
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
            value = device_read(window + reg, bytes);
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
            device_write(window + reg, bytes, value);
    }
    spin_unlock(&config_lock);
}

/* ---- dom0 ---------------------------------------------------------------------------------- */

static uint32_t dom0_read(struct pci_function f, unsigned reg, unsigned bytes)
{
    return msi_config_read(f, reg, bytes, pci_read(f, reg, bytes));
}

/* All ones where an address belongs, but for a ROM's flags. */
static bool sizes_memory(unsigned reg, unsigned bytes, uint32_t value)
{
    return bytes == 4 && value >= 0xfffff800 && reg >= REG_FIRST_BAR && reg <= REG_LAST_ROM;
}

static void dom0_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value)
{
    if (msi_config_write(f, reg, bytes, value))
        return;
    pci_write(f, reg, bytes, value);
    if (sizes_memory(reg, bytes, value))
        pci_memory_sized(f, reg);
}

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
    return selected(port, bytes, &f, &reg) ? dom0_read(f, reg, bytes) : all_ones(bytes);
}

void pci_config_out(uint16_t port, unsigned bytes, uint32_t value)
{
    struct pci_function f;
    unsigned reg;

    if (is_address(port, bytes))
        __atomic_store_n(&guest_address, value, __ATOMIC_RELAXED);
    else if (selected(port, bytes, &f, &reg))
        dom0_write(f, reg, bytes, value);
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
    return dom0_read(f, reg, bytes);
}

void pci_ecam_write(paddr_t pa, unsigned bytes, uint32_t value)
{
    struct pci_function f;
    unsigned reg = pa & (PAGE_SIZE - 1);

    if (bytes <= 4 && reg % bytes == 0 && ecam_function(pa, &f))
        dom0_write(f, reg, bytes, value);
}
