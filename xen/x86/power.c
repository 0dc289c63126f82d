/* The ends of the machine's life: reset and power-off. What fails leaves the next way to try. */
#include "../boot.h"
#include "../lib.h"
#include "arch.h"

/* PM1 control register (ACPI 6.4, 4.8.3.2.1). */
#define PM1_SCI_ENABLED 0x0001
#define PM1_SLEEP_TYPE  0x1c00
#define PM1_SLEEP       0x2000

#define RESET_DELAY_US 50000

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* ACPI 6.4, 4.8.3.6. In PCI configuration space the address is device << 32, function << 16,
 * offset. */
static void acpi_reset(void)
{
    uint64_t address = acpi.reset.address;

    if (!acpi.reset.present)
        return;
    if (acpi.reset.space == 0) {
        volatile uint8_t *at = map_mmio(address, 1);

        if (at)
            *at = acpi.reset.value;
    } else if (acpi.reset.space == 1) {
        outb(address, acpi.reset.value);
    } else if (acpi.reset.space == 2) {
        uint32_t device = address >> 32 & 31, function = address >> 16 & 7;

        outl(0xcf8, 1u << 31 | device << 11 | function << 8 | (address & 0xfc));
        outb(0xcfc + (address & 3), acpi.reset.value);
    }
    delay_us(RESET_DELAY_US);
}

/* The 8042 pulses the processor's reset line; status bit 1: it has not taken the last byte yet. */
static void keyboard_reset(void)
{
    for (unsigned i = 0; i < 1000 && (inb(0x64) & 2); i++)
        delay_us(10);
    outb(0x64, 0xfe);
    delay_us(RESET_DELAY_US);
}

/* The chipset's reset control register: bit 1 hard reset, bit 2 now. */
static void chipset_reset(void)
{
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    delay_us(RESET_DELAY_US);
}

/* A fault that cannot be delivered, nor can the fault about that: the processor gives up. */
static void triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } packed no_idt = {0, 0};

    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
}

void machine_reboot(void)
{
    interrupts_off();
    acpi_reset();
    keyboard_reset();
    chipset_reset();
    triple_fault();
    halt();
}

/* Firmware may leave the machine in legacy mode until dom0's ACPI code wants otherwise. */
static void acpi_mode_enter(void)
{
    if (!acpi.smi_command || !acpi.acpi_enable || (inw(acpi.pm1a_control) & PM1_SCI_ENABLED))
        return;
    outb(acpi.smi_command, acpi.acpi_enable);
    for (unsigned i = 0; i < 1000 && !(inw(acpi.pm1a_control) & PM1_SCI_ENABLED); i++)
        delay_us(1000);
}

static void sleep_type_set(uint16_t port, uint8_t type, uint16_t sleep)
{
    if (port)
        outw(port, (inw(port) & ~PM1_SLEEP_TYPE) | type << 10 | sleep);
}

void machine_power_off(void)
{
    interrupts_off();
    if (acpi.pm1a_control) {
        acpi_mode_enter();
        /* The types first, then the command to both (ACPI 6.4, 7.4.2). */
        sleep_type_set(acpi.pm1a_control, acpi.sleep_type_s5, 0);
        sleep_type_set(acpi.pm1b_control, acpi.sleep_type_s5b, 0);
        sleep_type_set(acpi.pm1a_control, acpi.sleep_type_s5, PM1_SLEEP);
        sleep_type_set(acpi.pm1b_control, acpi.sleep_type_s5b, PM1_SLEEP);
        delay_us(RESET_DELAY_US);
    }
    printk(LOG_ERR, "the machine does not switch itself off: please do it");
    halt();
}
