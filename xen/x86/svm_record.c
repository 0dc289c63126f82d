/* A vCPU's registers as a record of xen/hvm/save.h: how the toolstack sets and reads them. */
#include "svm.h"

#include <xen/hvm/save.h>

#define CR0_NW   BIT(29)
#define CR0_CD   BIT(30)
#define CR4_PAE  BIT(5)
#define ATTR_MASK 0xfffu
#define ATTR_32   BIT(10)

#define FX_AREA       512u
#define FX_MXCSR      24    /* offset in the FXSAVE image */
#define MXCSR_MASK    0xffff
#define XSTATE_BV     512   /* offset in the XSAVE image: components that are not as after reset */
#define XSTATE_LEGACY 3     /* x87 and SSE */

struct copy {
    uint16_t record, here;
};

#define VMCB(name, field) {offsetof(struct hvm_hw_cpu, name), offsetof(struct vmcb, field)}
#define REG(name) {offsetof(struct hvm_hw_cpu, name), offsetof(struct guest_regs, name)}

static const struct copy vmcb_fields[] = {
    VMCB(rip, rip),
    VMCB(rsp, rsp),
    VMCB(rflags, rflags),
    VMCB(cr0, cr0),
    VMCB(cr2, cr2),
    VMCB(cr3, cr3),
    VMCB(cr4, cr4),
    VMCB(dr6, dr6),
    VMCB(dr7, dr7),
    VMCB(sysenter_cs, sysenter_cs),
    VMCB(sysenter_esp, sysenter_esp),
    VMCB(sysenter_eip, sysenter_eip),
    VMCB(shadow_gs, kernel_gs_base),
    VMCB(msr_lstar, lstar),
    VMCB(msr_star, star),
    VMCB(msr_cstar, cstar),
    VMCB(msr_syscall_mask, sfmask),
    VMCB(gdtr_base, gdtr.base),
    VMCB(idtr_base, idtr.base),
};

static const struct copy regs[] = {
    REG(rax), REG(rbx), REG(rcx), REG(rdx), REG(rbp), REG(rsi), REG(rdi), REG(r8),
    REG(r9),  REG(r10), REG(r11), REG(r12), REG(r13), REG(r14), REG(r15),
};

/* In the order in which the record has selectors, limits, bases and attributes. */
static const uint16_t segments[] = {
    offsetof(struct vmcb, cs), offsetof(struct vmcb, ds), offsetof(struct vmcb, es),
    offsetof(struct vmcb, fs), offsetof(struct vmcb, gs), offsetof(struct vmcb, ss),
    offsetof(struct vmcb, tr), offsetof(struct vmcb, ldtr),
};

static uint64_t get(const void *base, unsigned offset, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)base + offset, size);
    return value;
}

static void put(void *base, unsigned offset, uint64_t value, size_t size)
{
    memcpy((uint8_t *)base + offset, &value, size);
}

static void record_to(void *here, const struct hvm_hw_cpu *r, const struct copy *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put(here, list[i].here, get(r, list[i].record, 8), 8);
}

static void record_from(const void *here, struct hvm_hw_cpu *r, const struct copy *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put(r, list[i].record, get(here, list[i].here, 8), 8);
}

static void segments_set(struct vmcb *c, const struct hvm_hw_cpu *r)
{
    for (unsigned i = 0; i < ARRAY_SIZE(segments); i++) {
        struct vmcb_segment s = {
            .selector = (uint16_t)get(r, offsetof(struct hvm_hw_cpu, cs_sel) + 4 * i, 4),
            .limit = (uint32_t)get(r, offsetof(struct hvm_hw_cpu, cs_limit) + 4 * i, 4),
            .base = get(r, offsetof(struct hvm_hw_cpu, cs_base) + 8 * i, 8),
            .attributes = get(r, offsetof(struct hvm_hw_cpu, cs_arbytes) + 4 * i, 4) & ATTR_MASK,
        };
        memcpy((uint8_t *)c + segments[i], &s, sizeof(s));
    }
    c->gdtr.limit = r->gdtr_limit;
    c->idtr.limit = r->idtr_limit;
    c->cpl = c->ss.attributes >> 5 & 3;
}

static void segments_get(const struct vmcb *c, struct hvm_hw_cpu *r)
{
    for (unsigned i = 0; i < ARRAY_SIZE(segments); i++) {
        struct vmcb_segment s;

        memcpy(&s, (const uint8_t *)c + segments[i], sizeof(s));
        put(r, offsetof(struct hvm_hw_cpu, cs_sel) + 4 * i, s.selector, 4);
        put(r, offsetof(struct hvm_hw_cpu, cs_limit) + 4 * i, s.limit, 4);
        put(r, offsetof(struct hvm_hw_cpu, cs_base) + 8 * i, s.base, 8);
        put(r, offsetof(struct hvm_hw_cpu, cs_arbytes) + 4 * i, s.attributes, 4);
    }
    r->gdtr_limit = c->gdtr.limit;
    r->idtr_limit = c->idtr.limit;
}

/* XRSTOR and FXRSTOR refuse reserved bits of MXCSR, in the hypervisor. */
static void fpu_set(struct hw_vcpu *hw, const struct hvm_hw_cpu *r)
{
    uint32_t mxcsr;

    if (!(r->flags & XEN_X86_FPU_INITIALISED))
        return;
    memcpy(hw->fpu, r->fpu_regs, FX_AREA);
    mxcsr = (uint32_t)get(hw->fpu, FX_MXCSR, 4) & MXCSR_MASK;
    put(hw->fpu, FX_MXCSR, mxcsr, 4);
    if (hw->fpu_size > FX_AREA)
        put(hw->fpu, XSTATE_BV, get(hw->fpu, XSTATE_BV, 8) | XSTATE_LEGACY, 8);
}

/* What VMRUN checks (15.5.1), what the processor would refuse to hold, and paging modes that are
 * none. */
static bool valid(const struct hvm_hw_cpu *r)
{
    bool paging = r->cr0 & CR0_PG, lme = r->msr_efer & EFER_LME;

    if (r->cr0 >> 32 || r->cr4 >> 32 || r->dr6 >> 32 || r->dr7 >> 32 || r->rflags >> 32)
        return false;
    if ((r->cr0 & (CR0_CD | CR0_NW)) == CR0_NW || (paging && !(r->cr0 & CR0_PE)))
        return false;
    if (!svm_efer_valid(r->msr_efer) || !!(r->msr_efer & EFER_LMA) != (lme && paging))
        return false;
    if (lme && paging &&
        (!(r->cr4 & CR4_PAE) || (r->cs_arbytes & (ATTR_LONG | ATTR_32)) == (ATTR_LONG | ATTR_32)))
        return false;
    return svm_canonical(r->msr_lstar) && svm_canonical(r->msr_cstar) &&
           svm_canonical(r->shadow_gs) && svm_canonical(r->sysenter_esp) &&
           svm_canonical(r->sysenter_eip) && svm_canonical(r->fs_base) && svm_canonical(r->gs_base);
}

int svm_set_cpu(struct vcpu *v, const struct hvm_hw_cpu *record)
{
    struct hw_vcpu *hw = v->hw;
    struct vmcb *c = hw->vmcb;

    if (!valid(record))
        return -XEN_EINVAL;
    svm_reset(v);
    record_to(c, record, vmcb_fields, ARRAY_SIZE(vmcb_fields));
    record_to(&hw->regs, record, regs, ARRAY_SIZE(regs));
    c->rflags |= RFLAGS_FIXED;
    segments_set(c, record);
    c->efer = record->msr_efer | EFER_SVME;
    hw->tsc_aux = (uint32_t)record->msr_tsc_aux;
    hw->dr[0] = record->dr0;
    hw->dr[1] = record->dr1;
    hw->dr[2] = record->dr2;
    hw->dr[3] = record->dr3;
    fpu_set(hw, record);
    if (record->pending_valid)
        c->event_inj = record->pending_event | (uint64_t)record->error_code << 32;
    return 0;
}

void svm_get_cpu(struct vcpu *v, struct hvm_hw_cpu *record)
{
    const struct hw_vcpu *hw = v->hw;
    const struct vmcb *c = hw->vmcb;

    memset(record, 0, sizeof(*record));
    record_from(c, record, vmcb_fields, ARRAY_SIZE(vmcb_fields));
    record_from(&hw->regs, record, regs, ARRAY_SIZE(regs));
    segments_get(c, record);
    record->msr_efer = c->efer & ~EFER_SVME;
    record->msr_tsc_aux = hw->tsc_aux;
    record->dr0 = hw->dr[0];
    record->dr1 = hw->dr[1];
    record->dr2 = hw->dr[2];
    record->dr3 = hw->dr[3];
    memcpy(record->fpu_regs, hw->fpu, FX_AREA);
    record->flags = XEN_X86_FPU_INITIALISED;
    if (c->event_inj & EVENT_VALID) {
        record->pending_event = (uint32_t)c->event_inj;
        record->error_code = (uint32_t)(c->event_inj >> 32);
    }
}
