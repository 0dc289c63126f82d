/* MSRs whose values are in the VMCB or follow the vCPU. Which of them a guest may have at all is
 * for msr.c to say. */
#include "svm.h"

#include "arch.h"

#define MSR_DEBUGCTL 0x1d9
#define MSR_TSC_AUX  0xc0000103

#define CPUID_EXT1_EDX_FFXSR BIT(25)

static const struct {
    uint32_t msr;
    uint16_t offset;
    bool canonical; /* or the processor refuses it */
} fields[] = {
    {0x174, offsetof(struct vmcb, sysenter_cs), false},
    {0x175, offsetof(struct vmcb, sysenter_esp), true},
    {0x176, offsetof(struct vmcb, sysenter_eip), true},
    {0xc0000081, offsetof(struct vmcb, star), false},
    {0xc0000082, offsetof(struct vmcb, lstar), true},
    {0xc0000083, offsetof(struct vmcb, cstar), true},
    {0xc0000084, offsetof(struct vmcb, sfmask), false},
    {0xc0000100, offsetof(struct vmcb, fs.base), true},
    {0xc0000101, offsetof(struct vmcb, gs.base), true},
    {0xc0000102, offsetof(struct vmcb, kernel_gs_base), true},
};

bool svm_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static uint64_t *field(struct vcpu *v, uint32_t msr, bool *canonical)
{
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].msr == msr) {
            *canonical = fields[i].canonical;
            return (uint64_t *)((uint8_t *)v->hw->vmcb + fields[i].offset);
        }
    }
    return NULL;
}

/* ---- EFER, PAT --------------------------------------------------------------------------- */

bool svm_efer_valid(uint64_t efer)
{
    uint64_t allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    uint32_t out[4];

    cpuid(0x80000001, 0, out);
    if (out[3] & CPUID_EXT1_EDX_FFXSR)
        allowed |= EFER_FFXSR;
    return !(efer & ~allowed);
}

/* LMA follows LME and CR0.PG and is not to be written; LME holds still while paging is on (vol. 2,
 * 3.1.7). */
static int write_efer(struct vmcb *c, uint64_t value)
{
    uint64_t changed = c->efer ^ value;

    if (!svm_efer_valid(value) || ((changed & EFER_LME) && (c->cr0 & CR0_PG)))
        return -XEN_EPERM;
    c->efer = (value & ~EFER_LMA) | (c->efer & EFER_LMA) | EFER_SVME;
    return 0;
}

/* Eight types of three bits each; 2 and 3 are reserved (7.8.1). */
static int write_pat(struct vmcb *c, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = value >> (8 * i) & 0xff;
        if (type > 7 || type == 2 || type == 3)
            return -XEN_EPERM;
    }
    c->pat = value;
    return 0;
}

int svm_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    const struct vmcb *c = v->hw->vmcb;
    const uint64_t *in_vmcb;
    bool canonical;

    if (msr == MSR_EFER)
        *value = c->efer & ~EFER_SVME;
    else if (msr == MSR_PAT)
        *value = c->pat;
    else if (msr == MSR_DEBUGCTL)
        *value = 0; /* without LBR virtualisation it is the host's */
    else if (msr == MSR_TSC_AUX)
        *value = v->hw->tsc_aux;
    else if ((in_vmcb = field(v, msr, &canonical)))
        *value = *in_vmcb;
    else
        return -XEN_ENOENT;
    return 0;
}

int svm_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    struct vmcb *c = v->hw->vmcb;
    uint64_t *in_vmcb;
    bool canonical;

    if (msr == MSR_EFER)
        return write_efer(c, value);
    if (msr == MSR_PAT)
        return write_pat(c, value);
    if (msr == MSR_DEBUGCTL)
        return value ? -XEN_EPERM : 0;
    if (msr == MSR_TSC_AUX)
        return svm_set_tsc_aux(v, value) ? 0 : -XEN_EPERM;
    in_vmcb = field(v, msr, &canonical);
    if (!in_vmcb)
        return -XEN_ENOENT;
    if (canonical && !svm_canonical(value))
        return -XEN_EPERM;
    *in_vmcb = value;
    return 0;
}
