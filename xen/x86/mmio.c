/*
 * Accesses to guest-physical addresses where there is no memory: the emulated
 * devices, for dom0 the machine's devices, and nothing.
 */
#include "../boot.h"
#include "../domain.h"
#include "../hvm.h"
#include "arch.h"
#include "execute.h"
#include "msi.h"
#include "vioapic.h"

#define FAULT_GP    13
#define RFLAGS_DOWN BIT(10)
#define RFLAGS_RF   BIT(16)

#define LEGACY_START 0xa0000ULL    /* VGA's memory, option ROMs, the BIOS: to 1 MiB */
#define IOAPICS      0xfec00000ULL /* a MiB */
#define LAPICS       0xfee00000ULL /* a MiB: messages to local APICs, whose page is the first */
#define LAPIC_PAGE   LAPICS

/* ---- devices ------------------------------------------------------------------------------- */

static bool lapic_covers(const struct vcpu *v, paddr_t gpa)
{
    return ROUND_DOWN(gpa, PAGE_SIZE) == LAPIC_PAGE && !vlapic_x2apic(v);
}

static uint64_t lapic_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    (void)bytes;
    return vlapic_mmio_read(v, gpa & 0xffc) >> 8 * (gpa & 3);
}

static void lapic_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    if (bytes >= 4 && !(gpa & 3))
        vlapic_mmio_write(v, gpa & 0xffc, (uint32_t)value);
}

static bool ioapic_covers(const struct vcpu *v, paddr_t gpa)
{
    return vioapic_covers(v->domain, gpa);
}

static uint64_t ioapic_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    (void)bytes;
    return vioapic_mmio_read(v->domain, gpa) >> 8 * (gpa & 3);
}

static void ioapic_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    (void)bytes;
    if (!(gpa & 3))
        vioapic_mmio_write(v->domain, gpa, (uint32_t)value);
}

static bool ecam_covers(const struct vcpu *v, paddr_t gpa)
{
    return is_dom0(v->domain) && pci_ecam_covers(gpa);
}

static uint64_t ecam_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    (void)v;
    return bytes <= 4 ? pci_ecam_read(gpa, bytes) : ~0ULL;
}

static void ecam_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    (void)v;
    if (bytes <= 4)
        pci_ecam_write(gpa, bytes, (uint32_t)value);
}

static bool msix_table_covers(const struct vcpu *v, paddr_t gpa)
{
    return is_dom0(v->domain) && msix_covers(gpa);
}

static uint64_t msix_table_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    (void)v;
    if (bytes < 8)
        return msix_read(gpa, bytes);
    return msix_read(gpa, 4) | (uint64_t)msix_read(gpa + 4, 4) << 32;
}

static void msix_table_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    (void)v;
    msix_write(gpa, MIN(bytes, 4), (uint32_t)value);
    if (bytes == 8)
        msix_write(gpa + 4, 4, (uint32_t)(value >> 32));
}

/* The hypervisor's clock. The firmware's code asks who made it, and so finds that there is none. */
static bool hpet_covers(const struct vcpu *v, paddr_t gpa)
{
    return is_dom0(v->domain) && acpi.hpet && gpa >> PAGE_SHIFT == acpi.hpet >> PAGE_SHIFT;
}

static uint64_t absent_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    (void)v, (void)gpa, (void)bytes;
    return ~0ULL;
}

static void absent_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    (void)v, (void)gpa, (void)bytes, (void)value;
}

static const struct device {
    bool (*covers)(const struct vcpu *v, paddr_t gpa);
    uint64_t (*read)(struct vcpu *v, paddr_t gpa, unsigned bytes);
    void (*write)(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value);
} devices[] = {
    {lapic_covers, lapic_read, lapic_write},
    {ioapic_covers, ioapic_read, ioapic_write},
    {ecam_covers, ecam_read, ecam_write},
    {msix_table_covers, msix_table_read, msix_table_write},
    {hpet_covers, absent_read, absent_write},
};

static const struct device *device_at(const struct vcpu *v, paddr_t gpa)
{
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
        if (devices[i].covers(v, gpa))
            return &devices[i];
    }
    return NULL;
}

/* What has been told of a domain is not told again. */
struct told {
    uint64_t domains[MAX_DOMAINS / 64];
};

static bool first_time(struct told *told, const struct domain *d)
{
    uint64_t bit = BIT(d->id % 64);

    return d->id < MAX_DOMAINS &&
           !(__atomic_fetch_or(&told->domains[d->id / 64], bit, __ATOMIC_RELAXED) & bit);
}

static void say_unbacked(const struct vcpu *v, const char *what, paddr_t gpa)
{
    static struct told told;

    if (first_time(&told, v->domain))
        printk(LOG_WARN, "d%uv%u %s %lx, where it has neither memory nor a device", v->domain->id,
               v->id, what, gpa);
}

static uint64_t mmio_read(struct vcpu *v, paddr_t gpa, unsigned bytes)
{
    const struct device *device = device_at(v, gpa);

    if (!device)
        say_unbacked(v, "reads", gpa);
    return low_bytes(device ? device->read(v, gpa, bytes) : ~0ULL, bytes);
}

static void mmio_write(struct vcpu *v, paddr_t gpa, unsigned bytes, uint64_t value)
{
    const struct device *device = device_at(v, gpa);

    if (device)
        device->write(v, gpa, bytes, value);
    else
        say_unbacked(v, "writes", gpa);
}

/* ---- instructions -------------------------------------------------------------------------- */

static unsigned code_mode(const struct guest_state *s)
{
    return s->cs_long ? 8 : s->cs_32 ? 4 : 2;
}

/* The next page may be missing where the instruction does not reach into it. */
static bool fetch(struct vcpu *v, const struct guest_state *s, struct insn *insn)
{
    const struct guest_regs *r = hvm->regs(v);
    uint64_t at = s->cs_base + r->rip;
    unsigned first = (unsigned)MIN(INSN_MAX, PAGE_SIZE - at % PAGE_SIZE), available = INSN_MAX;
    uint8_t bytes[INSN_MAX] = {0};

    if (!s->cs_long)
        at = (uint32_t)at;
    if (copy_from_guest(v, bytes, at, first))
        return false;
    if (first < INSN_MAX && copy_from_guest(v, bytes + first, at + first, INSN_MAX - first))
        available = first;
    return decode(bytes, available, code_mode(s), insn);
}

static void advance(struct guest_regs *r, const struct guest_state *s, const struct insn *i)
{
    r->rip += i->length;
    if (!s->cs_long)
        r->rip = (uint32_t)r->rip;
    r->rflags &= ~RFLAGS_RF;
}

static uint64_t segment_base(const struct guest_state *s, unsigned segment)
{
    switch (segment) {
    case SEGMENT_ES:
        return s->cs_long ? 0 : s->es_base;
    case SEGMENT_CS:
        return s->cs_long ? 0 : s->cs_base;
    case SEGMENT_SS:
        return s->cs_long ? 0 : s->ss_base;
    case SEGMENT_FS:
        return s->fs_base;
    case SEGMENT_GS:
        return s->gs_base;
    default:
        return s->cs_long ? 0 : s->ds_base;
    }
}

enum { RCX = 1, RSI = 6, RDI = 7 };

static uint64_t string_address(const struct guest_state *s, const struct guest_regs *r,
                               const struct insn *i, unsigned reg)
{
    unsigned segment = reg == RDI ? SEGMENT_ES : i->segment;
    uint64_t va = segment_base(s, segment) + register_read(r, reg, i->address_size);

    return s->cs_long ? va : (uint32_t)va;
}

/* The end of a string move that is not at the fault's address: memory, or a device as well. */
static bool other_end(struct vcpu *v, uint64_t va, uint64_t *value, unsigned bytes, bool write)
{
    paddr_t gpa;

    if (!(write ? copy_to_guest(v, va, value, bytes) : copy_from_guest(v, value, va, bytes)))
        return true;
    if (guest_translate(v, va, write, &gpa))
        return false;
    if (write)
        mmio_write(v, gpa, bytes, *value);
    else
        *value = mmio_read(v, gpa, bytes);
    return true;
}

static bool move_string(struct vcpu *v, const struct guest_state *s, struct guest_regs *r,
                        const struct insn *i, paddr_t gpa, bool write)
{
    uint64_t value = 0;

    if (s->cpl == 3)
        return false; /* the other end would be reached with the kernel's rights */
    if (write) {
        if (!other_end(v, string_address(s, r, i, RSI), &value, i->size, false))
            return false;
        mmio_write(v, gpa, i->size, value);
        return true;
    }
    value = mmio_read(v, gpa, i->size);
    return other_end(v, string_address(s, r, i, RDI), &value, i->size, true);
}

static void step(struct guest_regs *r, const struct insn *i, unsigned reg, uint64_t by)
{
    register_write(r, reg, i->address_size, register_read(r, reg, i->address_size) + by);
}

/* One element; with REP the instruction runs again until the count is used up. */
static bool run_string(struct vcpu *v, const struct guest_state *s, struct guest_regs *r,
                       const struct insn *i, paddr_t gpa, bool write)
{
    uint64_t by = r->rflags & RFLAGS_DOWN ? -(uint64_t)i->size : i->size;

    if (i->op == INSN_STOS)
        mmio_write(v, gpa, i->size, low_bytes(r->rax, i->size));
    else if (!move_string(v, s, r, i, gpa, write))
        return false;
    if (i->op == INSN_MOVS)
        step(r, i, RSI, by);
    step(r, i, RDI, by);
    if (i->repeat)
        step(r, i, RCX, -1ULL);
    if (!i->repeat || !register_read(r, RCX, i->address_size))
        advance(r, s, i);
    return true;
}

static void run(struct vcpu *v, const struct guest_state *s, struct guest_regs *r,
                const struct insn *i, paddr_t gpa)
{
    uint64_t memory = insn_reads(i) ? mmio_read(v, gpa, i->size) : 0;

    insn_execute(i, r, &memory);
    if (insn_writes(i))
        mmio_write(v, gpa, i->size, memory);
    advance(r, s, i);
}

static bool emulate(struct vcpu *v, paddr_t gpa, bool write)
{
    struct guest_regs *r = hvm->regs(v);
    struct guest_state s;
    struct insn i;

    hvm->state(v, &s);
    if (!fetch(v, &s, &i))
        return false;
    if (i.op == INSN_STOS || i.op == INSN_MOVS)
        return run_string(v, &s, r, &i, gpa, write);
    run(v, &s, r, &i, gpa);
    return true;
}

/* ---- faults -------------------------------------------------------------------------------- */

/* Never mapped: memory, and what the hypervisor emulates or keeps for itself. */
static bool is_taken(const struct vcpu *v, paddr_t page)
{
    return mfn_valid(page >> PAGE_SHIFT) || ROUND_DOWN(page, MIB(1)) == IOAPICS ||
           ROUND_DOWN(page, MIB(1)) == LAPICS || device_at(v, page);
}

/* What the firmware has put there, tables or devices: not free for PCI. */
static bool firmware_find(paddr_t pa, paddr_t *start, paddr_t *end)
{
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];

        *start = ROUND_DOWN(r->start, PAGE_SIZE);
        *end = ROUND_UP(r->start + r->size, PAGE_SIZE);
        if (r->type != E820_RAM && r->type != E820_UNUSABLE && pa >= *start && pa < *end)
            return true;
    }
    *start = LEGACY_START;
    *end = MIB(1);
    return pa >= *start && pa < *end;
}

/* A large page around it, if all of that is the same device's. */
static bool map_large(struct vcpu *v, paddr_t pa, paddr_t start, paddr_t end)
{
    paddr_t first = ROUND_DOWN(pa, MIB(2));

    if (first < start || end - first < MIB(2))
        return false;
    for (paddr_t page = first; page < first + MIB(2); page += PAGE_SIZE) {
        if (is_taken(v, page))
            return false;
    }
    return !p2m_map(v->domain, first >> PAGE_SHIFT, first >> PAGE_SHIFT, ORDER_2M, P2M_MMIO);
}

/* The machine's devices are dom0's where they are, mapped as they are used. Where there is none,
 * nothing is: Linux puts pages of other domains into such holes. */
static bool map_machine_device(struct vcpu *v, paddr_t gpa)
{
    gfn_t gfn = gpa >> PAGE_SHIFT;
    paddr_t start, end;

    if (!is_dom0(v->domain) || is_taken(v, gfn << PAGE_SHIFT))
        return false;
    if (!pci_memory_find(gpa, &start, &end) && !firmware_find(gpa, &start, &end))
        return false;
    if (map_large(v, gpa, start, end))
        return true;
    int err = p2m_map(v->domain, gfn, gfn, ORDER_4K, P2M_MMIO);
    return !err || err == -XEN_EEXIST;
}

void guest_mmio(struct vcpu *v, paddr_t gpa, bool write)
{
    static struct told told;

    if (p2m_lookup(v->domain, gpa >> PAGE_SHIFT).kind != P2M_NONE)
        return; /* another vCPU has mapped it just now */
    int err = on_demand_fill(v->domain, gpa >> PAGE_SHIFT);
    if (err == -XEN_ENOMEM)
        domain_crash(v->domain, "it uses more memory than it may have");
    if (err != -XEN_ENOENT)
        return;
    if (map_machine_device(v, gpa) || emulate(v, gpa, write))
        return;
    if (first_time(&told, v->domain))
        printk(LOG_WARN, "d%uv%u cannot %s %lx at %lx", v->domain->id, v->id,
               write ? "write" : "read", gpa, hvm->regs(v)->rip);
    hvm->inject_fault(v, FAULT_GP, 0);
}
