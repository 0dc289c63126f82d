/*
 * RDMSR and WRMSR of guests, by explicit tables. In this order: the local
 * APIC's, those of the control block (hvm->rdmsr/wrmsr), the rules below,
 * MTRRs, machine-check banks. What is left reads zero and ignores writes in
 * AMD's own range, where kernels look for errata without asking CPUID, and is
 * #GP anywhere else.
 */
#include "../domain.h"
#include "../hvm.h"
#include "arch.h"

#define MSR_TSC         0x10
#define MSR_PATCH_LEVEL 0x8b
#define MSR_PRED_CMD    0x49
#define MSR_MCG_CAP     0x179
#define MSR_MCG_STATUS  0x17a
#define MSR_MC0_CTL     0x400
#define MSR_X2APIC      0x800
#define MSR_HYPERCALL   0x40000000
#define MSR_AMD         0xc0010000 /* to + 0xffff */
#define MSR_DE_CFG      0xc0011029

#define PRED_CMD_IBPB         BIT(0)
#define CPUID_IBPB            BIT(12) /* of 0x80000008 EBX */
#define DE_CFG_LFENCE_ORDERED BIT(1)

#define MC_BANKS     2
#define REGS_OF_BANK 4

/* ---- registers with one rule --------------------------------------------------------------- */

static int read_tsc(struct vcpu *v, uint64_t *value)
{
    (void)v;
    *value = rdtsc();
    return 0;
}

static int read_host_patch_level(struct vcpu *v, uint64_t *value)
{
    (void)v;
    *value = rdmsr(MSR_PATCH_LEVEL);
    return 0;
}

static int write_pred_cmd(struct vcpu *v, uint64_t value)
{
    uint32_t out[4];

    guest_cpuid(v, 0x80000008, 0, out);
    if (!(out[1] & CPUID_IBPB) || (value & ~PRED_CMD_IBPB))
        return -XEN_EPERM;
    if (value)
        wrmsr(MSR_PRED_CMD, value);
    return 0;
}

/* 128 entries of 32 bytes: mov $n, %eax; vmmcall; ret. IRET (23) has no meaning here: ud2. */
int hypercall_page_fill(struct domain *d, paddr_t page)
{
    for (uint32_t n = 0; n < PAGE_SIZE / 32; n++) {
        uint8_t stub[32] = {0xb8, (uint8_t)n, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};
        if (n == __HYPERVISOR_iret)
            memcpy(stub, "\x0f\x0b", 2);
        if (copy_to_gpa(d, page + n * 32, stub, sizeof(stub)))
            return -XEN_EFAULT;
    }
    return 0;
}

static int write_hypercall_page(struct vcpu *v, uint64_t value)
{
    if (value & (PAGE_SIZE - 1))
        return -XEN_EPERM; /* there is one page, index 0 */
    return hypercall_page_fill(v->domain, value) ? -XEN_EPERM : 0;
}

/* Neither a value nor a function: reads zero. `dropped`: writes are ignored. */
static const struct msr_rule {
    uint32_t msr;
    bool readable, dropped;
    uint64_t value;
    int (*read)(struct vcpu *, uint64_t *);
    int (*write)(struct vcpu *, uint64_t);
} rules[] = {
    {.msr = MSR_TSC, .readable = true, .dropped = true, .read = read_tsc},
    {.msr = MSR_PRED_CMD, .write = write_pred_cmd},
    {.msr = MSR_PATCH_LEVEL, .readable = true, .dropped = true, .read = read_host_patch_level},
    {.msr = MSR_MCG_CAP, .readable = true, .value = MC_BANKS},
    {.msr = MSR_MCG_STATUS, .readable = true, .dropped = true},
    {.msr = MSR_HYPERCALL, .write = write_hypercall_page},
    /* Linux sets this bit if it is clear, and checks. */
    {.msr = MSR_DE_CFG, .readable = true, .dropped = true, .value = DE_CFG_LFENCE_ORDERED},
};

static const struct msr_rule *rule_of(uint32_t msr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].msr == msr)
            return &rules[i];
    }
    return NULL;
}

static int rule_read(const struct msr_rule *r, struct vcpu *v, uint64_t *value)
{
    if (!r->readable)
        return -XEN_EPERM;
    *value = r->value;
    return r->read ? r->read(v, value) : 0;
}

static int rule_write(const struct msr_rule *r, struct vcpu *v, uint64_t value)
{
    if (r->write)
        return r->write(v, value);
    return r->dropped ? 0 : -XEN_EPERM;
}

/* ---- families of registers ----------------------------------------------------------------- */

static bool is_lapic(uint32_t msr)
{
    return msr == MSR_APIC_BASE || msr - MSR_X2APIC < 0x40;
}

/* CTL, STATUS, ADDR, MISC of each bank: all errors are reported, none has happened. */
static bool is_bank(uint32_t msr)
{
    return msr - MSR_MC0_CTL < MC_BANKS * REGS_OF_BANK;
}

static uint64_t read_bank(uint32_t msr)
{
    return msr % REGS_OF_BANK == 0 ? ~0ULL : 0;
}

static bool is_ignored(uint32_t msr)
{
    return msr - MSR_AMD < 0x10000;
}

int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    if (is_lapic(msr))
        return vlapic_rdmsr(v, msr, value);
    int err = hvm->rdmsr(v, msr, value);
    if (err != -XEN_ENOENT)
        return err;
    const struct msr_rule *r = rule_of(msr);
    if (r)
        return rule_read(r, v, value);
    if (mtrr_is(msr))
        return mtrr_read(v->domain, msr, value);
    *value = is_bank(msr) ? read_bank(msr) : 0;
    return is_bank(msr) || is_ignored(msr) ? 0 : -XEN_EPERM;
}

int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    if (is_lapic(msr))
        return vlapic_wrmsr(v, msr, value);
    int err = hvm->wrmsr(v, msr, value);
    if (err != -XEN_ENOENT)
        return err;
    const struct msr_rule *r = rule_of(msr);
    if (r)
        return rule_write(r, v, value);
    if (mtrr_is(msr))
        return mtrr_write(v->domain, msr, value);
    return is_bank(msr) || is_ignored(msr) ? 0 : -XEN_EPERM;
}
