/*
 * IN and OUT of guests. The table lists the ports that are not simply there;
 * any other port is the machine's for dom0, whose devices have their registers
 * there, and nobody's for other domains: reads are all ones, writes dropped.
 */
#include "../boot.h"
#include "../hvm.h"
#include "arch.h"
#include "pci.h"

/* ---- absent -------------------------------------------------------------------------------- */

static uint32_t in_nothing(struct vcpu *v, uint16_t port, unsigned bytes)
{
    (void)v, (void)port, (void)bytes;
    return ~0u;
}

static void out_nothing(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    (void)v, (void)port, (void)bytes, (void)value;
}

/* ---- the interval timer, as far as Linux's TSC calibration goes ---------------------------- */

/* Channel 2 has just run down: its count reads 0, not the all ones that the calibration would wait
 * 50,000 reads for, and OUT2 in port 0x61 is high, so no loop waits for it either. */
static uint32_t in_pit(struct vcpu *v, uint16_t port, unsigned bytes)
{
    (void)v, (void)port, (void)bytes;
    return 0;
}

#define PORT_B_REFRESH 0x10 /* toggles */
#define PORT_B_OUT2    0x20

static uint32_t in_port_b(struct vcpu *v, uint16_t port, unsigned bytes)
{
    (void)v, (void)port, (void)bytes;
    return PORT_B_OUT2 | (now() / 15000 % 2 ? PORT_B_REFRESH : 0);
}

/* ---- the machine's ------------------------------------------------------------------------- */

static uint32_t in_machine(struct vcpu *v, uint16_t port, unsigned bytes)
{
    if (!is_dom0(v->domain))
        return ~0u;
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void out_machine(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    if (!is_dom0(v->domain))
        return;
    if (bytes == 1)
        outb(port, (uint8_t)value);
    else if (bytes == 2)
        outw(port, (uint16_t)value);
    else
        outl(port, value);
}

/* Bit 7 would keep NMIs from the hypervisor. */
static void out_rtc_index(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        out_machine(v, port, bytes, value & 0x7f);
}

/* The hypervisor's console has the port; without one it is like any other. */
static uint32_t in_com1(struct vcpu *v, uint16_t port, unsigned bytes)
{
    return options.console_com1 ? ~0u : in_machine(v, port, bytes);
}

static void out_com1(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    if (!options.console_com1)
        out_machine(v, port, bytes, value);
}

static uint32_t in_pci(struct vcpu *v, uint16_t port, unsigned bytes)
{
    return is_dom0(v->domain) ? pci_config_in(port, bytes) : ~0u;
}

static void out_pci(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    if (is_dom0(v->domain))
        pci_config_out(port, bytes, value);
}

/* ---- the ends of the machine's life, which are the hypervisor's business ------------------- */

enum { NO_REQUEST = -1, SLEEP = -2 };

/* Upper half of the PM1 status register (ACPI 6.4, 4.8.3.1.1). */
#define WAKE_STATUS 0x80

/* dom0 asked the machine to sleep and waits, without end, to be told that it has woken up. */
static bool woken;

/* The byte that an access writes to a port, or -1. */
static int byte_to(uint32_t at, uint16_t port, unsigned bytes, uint32_t value)
{
    return at >= port && at < port + bytes ? (int)(value >> 8 * (at - port) & 0xff) : -1;
}

/* The upper half of a PM1 control register (4.8.3.2.1): bit 5 go to sleep, bits 4:2 how. */
static int sleep_request(int high, uint8_t type_off)
{
    if (high < 0 || !(high & 0x20))
        return NO_REQUEST;
    return (high >> 2 & 7) == type_off ? SHUTDOWN_poweroff : SLEEP;
}

/* The ways to reset a PC: the register that the FADT names, the chipset's, the keyboard
 * controller's commands that pulse the reset line, and port A's fast reset. All are bytes: a double
 * word at 0xcf8 covers the chipset's, and addresses PCI configuration space. */
static bool asks_for_reset(uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes != 1)
        return false;
    if (acpi.reset.present && acpi.reset.space == 1 && port == acpi.reset.address &&
        value == acpi.reset.value)
        return true;
    return (port == 0xcf9 && (value & 4)) || (port == 0x64 && (value & 0xf1) == 0xf0) ||
           (port == 0x92 && (value & 1));
}

static int power_request(uint16_t port, unsigned bytes, uint32_t value)
{
    int request = NO_REQUEST;

    if (acpi.pm1a_control)
        request =
            sleep_request(byte_to(acpi.pm1a_control + 1, port, bytes, value), acpi.sleep_type_s5);
    if (request == NO_REQUEST && acpi.pm1b_control)
        request =
            sleep_request(byte_to(acpi.pm1b_control + 1, port, bytes, value), acpi.sleep_type_s5b);
    return request == NO_REQUEST && asks_for_reset(port, bytes, value) ? SHUTDOWN_reboot : request;
}

static void refuse_to_sleep(void)
{
    printk(LOG_WARN, "dom0 asks the machine to sleep, which only can be switched off");
    __atomic_store_n(&woken, true, __ATOMIC_RELAXED);
}

/* What is read from the status register while dom0 is to believe that the machine has slept; it
 * clears bits there by writing ones. */
static uint32_t wake_status(uint16_t port, unsigned bytes)
{
    uint32_t at = acpi.pm1a_event + 1;

    if (!__atomic_load_n(&woken, __ATOMIC_RELAXED) || !acpi.pm1a_event || at < port ||
        at >= port + bytes)
        return 0;
    return WAKE_STATUS << 8 * (at - port);
}

static void clear_wake_status(uint16_t port, unsigned bytes, uint32_t value)
{
    if (value & wake_status(port, bytes))
        __atomic_store_n(&woken, false, __ATOMIC_RELAXED);
}

/* ---- the table ----------------------------------------------------------------------------- */

struct port_range {
    uint16_t first, last;
    uint32_t (*in)(struct vcpu *v, uint16_t port, unsigned bytes);
    void (*out)(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value);
};

static const struct port_range ranges[] = {
    {0x20, 0x21, in_nothing, out_nothing}, /* interrupt controllers: all lines come by IO-APIC */
    {0x40, 0x43, in_pit, out_nothing},
    {0x61, 0x61, in_port_b, out_nothing},
    {0x70, 0x70, in_machine, out_rtc_index},
    {0xa0, 0xa1, in_nothing, out_nothing},
    {0x3f8, 0x3ff, in_com1, out_com1},
    {0x4d0, 0x4d1, in_nothing, out_nothing}, /* edge or level of the interrupt controllers */
    {0xcf8, 0xcff, in_pci, out_pci},
};

static const struct port_range everything_else = {0, 0xffff, in_machine, out_machine};

/* The range that any byte of the access touches. */
static const struct port_range *range_of(uint16_t port, unsigned bytes)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (port <= ranges[i].last && port + bytes > ranges[i].first)
            return &ranges[i];
    }
    return &everything_else;
}

static uint32_t width_mask(unsigned bytes)
{
    return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
}

uint32_t guest_in(struct vcpu *v, uint16_t port, unsigned bytes)
{
    uint32_t value = range_of(port, bytes)->in(v, port, bytes);

    if (is_dom0(v->domain))
        value |= wake_status(port, bytes);
    return value & width_mask(bytes);
}

static void dom0_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    int request = power_request(port, bytes, value);

    if (request == SLEEP) {
        refuse_to_sleep();
    } else if (request != NO_REQUEST) {
        domain_shutdown(v->domain, request);
    } else {
        clear_wake_status(port, bytes, value);
        range_of(port, bytes)->out(v, port, bytes, value);
    }
}

void guest_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value)
{
    value &= width_mask(bytes);
    if (is_dom0(v->domain))
        dom0_out(v, port, bytes, value);
    else
        range_of(port, bytes)->out(v, port, bytes, value);
}
