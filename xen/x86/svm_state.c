/* A vCPU's registers in its control block: how it starts, and what others ask of it. */
#include "svm.h"

/* Segment attributes as the VMCB has them (AMD manual vol. 2, 15.5.1): type and S 4:0, DPL 6:5,
 * P 7, AVL 8, L 9, D 10, G 11. */
#define ATTR_32        BIT(10)
#define ATTR_CODE      0x09b
#define ATTR_DATA      0x093
#define ATTR_LDT       0x082
#define ATTR_TSS       0x08b
#define ATTR_FLAT_CODE 0xc9b
#define ATTR_FLAT_DATA 0xc93

#define CR4_LA57 BIT(12)

#define DR6_RESET 0xffff0ff0
#define DR7_RESET 0x400

static void data_segments(struct vmcb *c, uint16_t attributes, uint32_t limit)
{
    c->ds = (struct vmcb_segment){0, attributes, limit, 0};
    c->es = c->ss = c->fs = c->gs = c->ds;
}

/* After INIT (14.1.3), but with caches on: CR0.CD would only make the guest slow. What INIT leaves
 * as it is (FPU, XCR0, most MSRs) stays. */
void svm_reset(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;
    struct vmcb *c = hw->vmcb;

    hw->regs = (struct guest_regs){0};
    c->rip = c->rsp = 0;
    c->rflags = RFLAGS_FIXED;
    data_segments(c, ATTR_DATA, 0xffff);
    c->cs = (struct vmcb_segment){0, ATTR_CODE, 0xffff, 0};
    c->gdtr = c->idtr = (struct vmcb_segment){0, 0, 0xffff, 0};
    c->ldtr = (struct vmcb_segment){0, ATTR_LDT, 0xffff, 0};
    c->tr = (struct vmcb_segment){0, ATTR_TSS, 0xffff, 0};
    c->cr0 = CR0_ET;
    c->cr2 = c->cr3 = c->cr4 = 0;
    c->efer = EFER_SVME; /* VMRUN insists on it */
    c->dr6 = DR6_RESET;
    c->dr7 = DR7_RESET;
    c->cpl = 0;
    c->int_state = 0;
    c->event_inj = 0;
    c->intercept1 &= ~INTERCEPT_IRET;
    hw->nmi = NMI_OPEN;
    memset(hw->dr, 0, sizeof(hw->dr));
    hw->asid_host = NULL; /* CR0.PG went off under the TLB's feet */
}

void svm_start_flat(struct vcpu *v, uint32_t entry, uint32_t ebx)
{
    struct hw_vcpu *hw = v->hw;
    struct vmcb *c = hw->vmcb;

    svm_reset(v);
    data_segments(c, ATTR_FLAT_DATA, 0xffffffff);
    c->cs = (struct vmcb_segment){0, ATTR_FLAT_CODE, 0xffffffff, 0};
    c->tr.limit = 0x67;
    c->cr0 = CR0_PE | CR0_ET;
    c->rip = entry;
    hw->regs.rbx = ebx;
}

void svm_start_real(struct vcpu *v, uint8_t vector)
{
    struct vmcb *c = v->hw->vmcb;

    svm_reset(v);
    c->cs.selector = (uint16_t)(vector << 8);
    c->cs.base = (uint64_t)vector << 12;
}

struct guest_regs *svm_regs(struct vcpu *v)
{
    return &v->hw->regs;
}

void svm_state(struct vcpu *v, struct guest_state *state)
{
    const struct vmcb *c = v->hw->vmcb;

    *state = (struct guest_state){
        .cr0 = c->cr0,
        .cr2 = c->cr2,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->efer & ~EFER_SVME,
        .cs_base = c->cs.base,
        .ds_base = c->ds.base,
        .es_base = c->es.base,
        .ss_base = c->ss.base,
        .fs_base = c->fs.base,
        .gs_base = c->gs.base,
        .cs_long = svm_runs_64_bit(c),
        .cs_32 = c->cs.attributes & ATTR_32,
        .cpl = c->cpl,
        .xcr0 = svm_xcr0(v),
    };
    if (state->cs_long) /* only FS and GS have a base (4.8) */
        state->cs_base = state->ds_base = state->es_base = state->ss_base = 0;
}

/* WP (16) of CR0 where CR3 has nothing: PCID is hidden. Of EFER it is LMA (10) that counts, of CR4
 * LA57 (12). */
uint64_t svm_space(struct vcpu *v)
{
    const struct vmcb *c = v->hw->vmcb;

    if (!(c->efer & EFER_LMA) || (c->cr4 & CR4_LA57))
        return 0;
    return (c->cr3 & ~0xfffULL) | (c->cr0 >> 16 & BIT(0));
}

void svm_mode(struct vcpu *v, struct guest_mode *mode)
{
    const struct vmcb *c = v->hw->vmcb;

    mode->cr0 = c->cr0;
    mode->cr3 = c->cr3;
    mode->cr4 = c->cr4;
    mode->efer = c->efer;
    mode->cpl = c->cpl;
    mode->cs_long = svm_runs_64_bit(c);
}

/* On top of an exception that is still to be delivered: a double fault, then no more (8.2.9). */
void svm_inject_fault(struct vcpu *v, unsigned vector, int error)
{
    struct vmcb *c = v->hw->vmcb;
    uint64_t pending = c->event_inj;

    if ((pending & EVENT_VALID) && EVENT_TYPE(pending) == EVENT_EXCEPTION) {
        if (EVENT_VECTOR(pending) == VECTOR_DF) {
            svm_dump(v);
            domain_crash(v->domain, "vCPU %u: fault %u while a double fault is delivered", v->id,
                         vector);
            return;
        }
        vector = VECTOR_DF;
        error = 0;
    }
    c->event_inj = EVENT_VALID | EVENT_EXCEPTION | vector;
    if (error >= 0)
        c->event_inj |= EVENT_HAS_ERROR | (uint64_t)error << 32;
}

static void dump_segment(const char *name, const struct vmcb_segment *s)
{
    printk(LOG_ERR, "%s %04x attr %03x limit %08x base %016lx", name, s->selector, s->attributes,
           s->limit, s->base);
}

void svm_dump(struct vcpu *v)
{
    const struct guest_regs *r = &v->hw->regs;
    const struct vmcb *c = v->hw->vmcb;

    printk(LOG_ERR, "domain %u vCPU %u, exit %lx info %lx %lx event %lx:", v->domain->id, v->id,
           c->exit_code, c->exit_info1, c->exit_info2, c->exit_int_info);
    printk(LOG_ERR, "rip %016lx rsp %016lx rflags %08lx cpl %u", c->rip, c->rsp, c->rflags, c->cpl);
    printk(LOG_ERR, "rax %016lx rbx %016lx rcx %016lx", r->rax, r->rbx, r->rcx);
    printk(LOG_ERR, "rdx %016lx rsi %016lx rdi %016lx", r->rdx, r->rsi, r->rdi);
    printk(LOG_ERR, "rbp %016lx r8  %016lx r9  %016lx", r->rbp, r->r8, r->r9);
    printk(LOG_ERR, "r10 %016lx r11 %016lx r12 %016lx", r->r10, r->r11, r->r12);
    printk(LOG_ERR, "r13 %016lx r14 %016lx r15 %016lx", r->r13, r->r14, r->r15);
    printk(LOG_ERR, "cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx efer %04lx", c->cr0, c->cr2, c->cr3,
           c->cr4, c->efer);
    dump_segment("cs", &c->cs);
    dump_segment("ss", &c->ss);
    dump_segment("ds", &c->ds);
    dump_segment("gs", &c->gs);
    dump_segment("idt", &c->idtr);
}
