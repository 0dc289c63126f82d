/* Why a guest has left, and what is done about it: one small function for each reason. */
#include "../console.h"
#include "svm.h"

#define NPF_WRITE BIT(1) /* EXITINFO1 of a nested page fault (AMD manual vol. 2, 15.25.6) */
#define NPF_FETCH BIT(4)

#define DR6_BS BIT(14) /* single step */

static void crash(struct vcpu *v, const char *why)
{
    svm_dump(v);
    domain_crash(v->domain, "vCPU %u: %s", v->id, why);
}

/* ---- past an instruction ----------------------------------------------------------------- */

/* Inline here, for this is on the way of nearly every exit. */
inline void svm_advance_to(struct vcpu *v, uint64_t rip)
{
    struct vmcb *c = v->hw->vmcb;

    c->rip = rip;
    c->int_state = 0; /* the shadow was of this instruction */
    if (c->rflags & (RFLAGS_RF | RFLAGS_TF)) {
        c->rflags &= ~RFLAGS_RF;
        if (c->rflags & RFLAGS_TF) {
            c->dr6 |= DR6_BS;
            svm_inject_fault(v, VECTOR_DB, -1);
        }
    }
}

/* Fetching an instruction from the guest costs more than all the rest of an exit, and the same few
 * come again and again. One that is written over with itself and another number of prefixes is
 * mistaken, which no compiler does and only that guest would feel. */
static unsigned prefixes(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;
    uint64_t rip = hw->vmcb->cs.base + hw->vmcb->rip, cr3 = hw->vmcb->cr3;
    struct seen_insn *seen = &hw->seen[rip % NR_SEEN];
    uint8_t segment;

    if (seen->rip != rip || seen->cr3 != cr3)
        *seen = (struct seen_insn){rip, cr3, svm_prefixes(v, &segment)};
    return seen->prefixes;
}

/* `length` without prefixes. */
static void advance(struct vcpu *v, unsigned length)
{
    if (svm_has_next_rip)
        svm_advance_to(v, v->hw->vmcb->next_rip);
    else
        svm_advance_to(v, v->hw->vmcb->rip + prefixes(v) + length);
}

/* ---- instructions ------------------------------------------------------------------------ */

static void on_cpuid(struct vcpu *v)
{
    struct guest_regs *r = &v->hw->regs;
    uint32_t out[4];

    guest_cpuid(v, (uint32_t)r->rax, (uint32_t)r->rcx, out);
    r->rax = out[0];
    r->rbx = out[1];
    r->rcx = out[2];
    r->rdx = out[3];
    advance(v, 2);
}

static bool all_down(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] && !d->vcpus[i]->down)
            return false;
    }
    return true;
}

/* A halt without interrupts is how a kernel parks a processor for good, or the machine with the
 * last of them. */
static void on_hlt(struct vcpu *v)
{
    advance(v, 1);
    if ((v->hw->vmcb->rflags & RFLAGS_IF) || v->nmi_pending) {
        vcpu_block(v);
        return;
    }
    vcpu_down(v);
    if (all_down(v->domain))
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
}

static void on_msr(struct vcpu *v)
{
    struct guest_regs *r = &v->hw->regs;
    bool write = v->hw->vmcb->exit_info1 & 1;
    uint64_t value = r->rdx << 32 | (uint32_t)r->rax;
    int err;

    if (write)
        err = guest_wrmsr(v, (uint32_t)r->rcx, value);
    else
        err = guest_rdmsr(v, (uint32_t)r->rcx, &value);
    if (err) {
        svm_inject_fault(v, VECTOR_GP, 0);
        return;
    }
    if (!write) {
        r->rax = (uint32_t)value;
        r->rdx = value >> 32;
    }
    advance(v, 2);
}

static void on_vmmcall(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;
    unsigned bits = hw->vmcb->cpl ? 0 : svm_runs_64_bit(hw->vmcb) ? 64 : 32;

    if (hypercall(v, &hw->regs, bits))
        svm_advance_to(v, hw->vmcb->rip + 3);
}

/* It would drop what the hypervisor has in the cache. */
static void on_invd(struct vcpu *v)
{
    __asm__ volatile("wbinvd" ::: "memory");
    advance(v, 2);
}

static void undefined(struct vcpu *v)
{
    svm_inject_fault(v, VECTOR_UD, -1);
}

static void refused(struct vcpu *v)
{
    svm_inject_fault(v, VECTOR_GP, 0);
}

/* ---- events ------------------------------------------------------------------------------ */

/* It has been served already, or the next entry looks after it. */
static void nothing(struct vcpu *v)
{
    (void)v;
}

static void on_iret(struct vcpu *v)
{
    v->hw->nmi = NMI_RETURNING;
    v->hw->vmcb->intercept1 &= ~INTERCEPT_IRET;
}

/* #DB and #AC are taken here only so that a guest whose handler causes another one at once cannot
 * hold the processor for ever: each turn lets interrupts in. An event that was being delivered
 * comes first, and causes it again. */
static void on_exception(struct vcpu *v)
{
    struct vmcb *c = v->hw->vmcb;
    unsigned vector = (unsigned)(c->exit_code - EXIT_EXCEPTION);

    if (!(c->event_inj & EVENT_VALID))
        svm_inject_fault(v, vector, vector == VECTOR_AC ? 0 : -1);
}

/* The machine's, not the guest's. */
static void on_machine_check(struct vcpu *v)
{
    (void)v;
    __asm__ volatile("int $18");
}

static void on_shutdown(struct vcpu *v)
{
    crash(v, "triple fault");
}

static bool allowed(enum p2m_kind kind, uint64_t error)
{
    switch (kind) {
    case P2M_RAM:
    case P2M_MMIO:
        return true;
    case P2M_FOREIGN:
    case P2M_GRANT_RW:
    case P2M_XEN:
        return !(error & NPF_FETCH);
    case P2M_GRANT_RO:
        return !(error & (NPF_FETCH | NPF_WRITE));
    default:
        return false;
    }
}

/* All registers are in one place for the emulator alone. */
static void emulate(struct vcpu *v, uint64_t gpa, bool write)
{
    struct guest_regs *r = &v->hw->regs;
    struct vmcb *c = v->hw->vmcb;

    r->rip = c->rip;
    r->rsp = c->rsp;
    r->rflags = c->rflags;
    guest_mmio(v, gpa, write);
    c->rip = r->rip;
    c->rsp = r->rsp;
    c->rflags = r->rflags;
}

/* What is mapped and allowed has been mapped since: the guest tries again. */
static void on_nested_fault(struct vcpu *v)
{
    const struct vmcb *c = v->hw->vmcb;
    uint64_t gpa = c->exit_info2, error = c->exit_info1;
    enum p2m_kind kind = p2m_lookup(v->domain, gpa >> PAGE_SHIFT).kind;

    if (kind == P2M_NONE) {
        emulate(v, gpa, error & NPF_WRITE);
    } else if (!allowed(kind, error)) {
        if (may_log_guest())
            printk(LOG_WARN, "domain %u vCPU %u: %s a page of another domain at 0x%lx, rip 0x%lx",
                   v->domain->id, v->id, error & NPF_FETCH ? "executes" : "writes", gpa,
                   c->rip);
        svm_inject_fault(v, VECTOR_GP, 0);
    }
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static void (*const handlers[])(struct vcpu *) = {
    [EXIT_EXCEPTION + VECTOR_DB] = on_exception,
    [EXIT_EXCEPTION + VECTOR_AC] = on_exception,
    [EXIT_EXCEPTION + VECTOR_MC] = on_machine_check,
    [EXIT_INTR] = nothing,
    [EXIT_NMI] = nothing,
    [EXIT_INIT] = nothing,
    [EXIT_VINTR] = nothing,
    [EXIT_RDPMC] = refused,
    [EXIT_CPUID] = on_cpuid,
    [EXIT_RSM] = undefined,
    [EXIT_IRET] = on_iret,
    [EXIT_INVD] = on_invd,
    [EXIT_HLT] = on_hlt,
    [EXIT_INVLPGA] = undefined,
    [EXIT_IOIO] = svm_handle_io,
    [EXIT_MSR] = on_msr,
    [EXIT_SHUTDOWN] = on_shutdown,
    [EXIT_VMRUN] = undefined,
    [EXIT_VMMCALL] = on_vmmcall,
    [EXIT_VMLOAD] = undefined,
    [EXIT_VMSAVE] = undefined,
    [EXIT_STGI] = undefined,
    [EXIT_CLGI] = undefined,
    [EXIT_SKINIT] = undefined,
    [EXIT_MONITOR] = undefined,
    [EXIT_MWAIT] = undefined,
    [EXIT_MWAIT_ARMED] = undefined,
    [EXIT_RDPRU] = undefined,
    [EXIT_NPF] = on_nested_fault,
};

void svm_handle_exit(struct vcpu *v)
{
    uint64_t code = v->hw->vmcb->exit_code;

    if (v->hw->nmi == NMI_RETURNING) /* the IRET has been executed */
        v->hw->nmi = NMI_OPEN;
    if (code < ARRAY_SIZE(handlers) && handlers[code])
        handlers[code](v);
    else
        crash(v, "left the guest for a reason that is not known");
}
