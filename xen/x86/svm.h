/*
 * AMD's virtual machine control block and what svm*.c share.
 *
 * Layout and codes: AMD64 Architecture Programmer's Manual vol. 2, appendix B
 * (VMCB layout) and C (exit codes); behaviour: chapter 15.
 */
#ifndef XEN_SVM_H
#define XEN_SVM_H

#include "../hvm.h"

/* Intercepts, third and fourth word (appendix B, table B-1). */
enum {
    INTERCEPT_INTR = 1u << 0,
    INTERCEPT_NMI = 1u << 1,
    INTERCEPT_INIT = 1u << 3,
    INTERCEPT_VINTR = 1u << 4,
    INTERCEPT_RDPMC = 1u << 15,
    INTERCEPT_CPUID = 1u << 18,
    INTERCEPT_RSM = 1u << 19,
    INTERCEPT_IRET = 1u << 20,
    INTERCEPT_INVD = 1u << 22,
    INTERCEPT_HLT = 1u << 24,
    INTERCEPT_INVLPGA = 1u << 26,
    INTERCEPT_IOIO = 1u << 27,
    INTERCEPT_MSR = 1u << 28,
    INTERCEPT_FERR = 1u << 30,
    INTERCEPT_SHUTDOWN = 1u << 31,
};
enum {
    INTERCEPT_VMRUN = 1u << 0,
    INTERCEPT_VMMCALL = 1u << 1,
    INTERCEPT_VMLOAD = 1u << 2,
    INTERCEPT_VMSAVE = 1u << 3,
    INTERCEPT_STGI = 1u << 4,
    INTERCEPT_CLGI = 1u << 5,
    INTERCEPT_SKINIT = 1u << 6,
    INTERCEPT_MONITOR = 1u << 10,
    INTERCEPT_MWAIT = 1u << 11,
    INTERCEPT_MWAIT_ARMED = 1u << 12,
    INTERCEPT_RDPRU = 1u << 14,
};

/* Appendix C. */
enum {
    EXIT_EXCEPTION = 0x40, /* + vector */
    EXIT_INTR = 0x60,
    EXIT_NMI = 0x61,
    EXIT_INIT = 0x63,
    EXIT_VINTR = 0x64,
    EXIT_RDPMC = 0x6f,
    EXIT_CPUID = 0x72,
    EXIT_RSM = 0x73,
    EXIT_IRET = 0x74,
    EXIT_INVD = 0x76,
    EXIT_HLT = 0x78,
    EXIT_INVLPGA = 0x7a,
    EXIT_IOIO = 0x7b,
    EXIT_MSR = 0x7c,
    EXIT_SHUTDOWN = 0x7f,
    EXIT_VMRUN = 0x80,
    EXIT_VMMCALL = 0x81,
    EXIT_VMLOAD = 0x82,
    EXIT_VMSAVE = 0x83,
    EXIT_STGI = 0x84,
    EXIT_CLGI = 0x85,
    EXIT_SKINIT = 0x86,
    EXIT_MONITOR = 0x8a,
    EXIT_MWAIT = 0x8b,
    EXIT_MWAIT_ARMED = 0x8c,
    EXIT_RDPRU = 0x8e,
    EXIT_NPF = 0x400,
};

/* EXITINTINFO and EVENTINJ (15.20): vector 7:0, type 10:8, EV 11, V 31, error code 63:32. */
#define EVENT_TYPE(event)  ((event) & 0x700)
#define EVENT_INTERRUPT    0x000ULL
#define EVENT_NMI          0x200ULL
#define EVENT_EXCEPTION    0x300ULL
#define EVENT_SOFTWARE     0x400ULL
#define EVENT_HAS_ERROR    BIT(11)
#define EVENT_VALID        BIT(31)
#define EVENT_VECTOR(event) ((event) & 0xff)

/* Virtual interrupt control (15.21). */
#define V_TPR          0x0fu
#define V_IRQ          (1u << 8)
#define V_INTR_PRIO    (15u << 16)
#define V_IGN_TPR      (1u << 20)
#define V_INTR_MASKING (1u << 24)

#define SHADOW 1u /* interrupts held for one instruction, after STI or MOV SS (15.21.5) */

#define TLB_KEEP      0
#define TLB_FLUSH_ALL 1 /* the only one that needs no further CPUID bit (15.16.1) */

#define ATTR_LONG BIT(9) /* segment attributes: a 64-bit code segment */

struct vmcb_segment {
    uint16_t selector, attributes;
    uint32_t limit;
    uint64_t base;
};

struct vmcb { /* without padding: every field lies at a multiple of its size */
    /* Control area. */
    uint32_t intercept_cr, intercept_dr, intercept_exceptions;
    uint32_t intercept1, intercept2, intercept3;
    uint8_t reserved1[0x40 - 0x18];
    uint64_t iopm, msrpm, tsc_offset; /* 0x40 */
    uint32_t asid;                    /* 0x58 */
    uint32_t tlb_control;
    uint32_t int_ctl, int_vector; /* 0x60 */
    uint64_t int_state;
    uint64_t exit_code, exit_info1, exit_info2, exit_int_info; /* 0x70 */
    uint64_t nested_ctl;                                       /* 0x90, bit 0: nested paging */
    uint64_t avic_bar, ghcb;
    uint64_t event_inj; /* 0xa8 */
    uint64_t nested_cr3;
    uint64_t lbr_ctl, clean, next_rip; /* 0xb8 */
    uint8_t reserved2[0x400 - 0xd0];

    /* State save area, 0x400. */
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved3[0x4cb - 0x4a0];
    uint8_t cpl;
    uint32_t reserved4;
    uint64_t efer; /* 0x4d0 */
    uint8_t reserved5[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 0x548 */
    uint8_t reserved6[0x5d8 - 0x580];
    uint64_t rsp; /* 0x5d8 */
    uint8_t reserved7[0x5f8 - 0x5e0];
    uint64_t rax; /* 0x5f8 */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2; /* 0x628 */
    uint8_t reserved8[0x668 - 0x648];
    uint64_t pat, debugctl; /* 0x668 */
    uint8_t reserved9[0x1000 - 0x678];
};

_Static_assert(offsetof(struct vmcb, iopm) == 0x40, "VMCB");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x70, "VMCB");
_Static_assert(offsetof(struct vmcb, event_inj) == 0xa8, "VMCB");
_Static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "VMCB");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "VMCB");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "VMCB");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "VMCB");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "VMCB");
_Static_assert(offsetof(struct vmcb, debugctl) == 0x670, "VMCB");
_Static_assert(sizeof(struct vmcb) == PAGE_SIZE, "VMCB");

#define CR0_PE BIT(0)
#define CR0_ET BIT(4)
#define CR0_PG BIT(31)

#define EFER_SCE   BIT(0)
#define EFER_LME   BIT(8)
#define EFER_LMA   BIT(10)
#define EFER_NXE   BIT(11)
#define EFER_SVME  BIT(12)
#define EFER_FFXSR BIT(14)

#define RFLAGS_FIXED 2ULL /* bit 1 is always set */
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_RF    BIT(16)

enum {
    VECTOR_DB = 1,
    VECTOR_UD = 6,
    VECTOR_DF = 8,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
};

/* Without a virtual NMI mask the end of a handler is seen by intercepting IRET (15.21.9). The
 * intercept comes before the IRET is executed, so the next one waits for one more exit. */
enum nmi_mask { NMI_OPEN, NMI_MASKED, NMI_RETURNING };

struct svm_host;

/* An instruction that made the guest leave, and how many prefixes it has. */
struct seen_insn {
    uint64_t rip, cr3;
    unsigned prefixes;
};
#define NR_SEEN 16

struct hw_vcpu {
    struct guest_regs regs; /* svm_entry.S knows its layout */
    struct vmcb *vmcb;

    /* Its TLB entries: on which pCPU, in which generation of ASIDs there, for which p2m epoch. */
    const struct svm_host *asid_host;
    uint64_t asid_generation, asid_epoch;

    enum nmi_mask nmi;
    struct seen_insn seen[NR_SEEN]; /* by rip modulo their number */
    uint64_t dr[4], tsc_aux;
    uint64_t xcr0; /* when not loaded */
    unsigned order; /* of the frames that it is in */
    size_t fpu_size;
    uint8_t fpu[] aligned_to(64); /* XSAVE's or FXSAVE's format */
};

/* Its code segment is a 64-bit one. */
static inline bool svm_runs_64_bit(const struct vmcb *c)
{
    return (c->efer & EFER_LMA) && (c->cs.attributes & ATTR_LONG);
}

extern bool svm_has_next_rip;

/* svm.c */
uint64_t svm_xcr0(const struct vcpu *v);
bool svm_set_tsc_aux(struct vcpu *v, uint64_t value); /* false: not such a value, or no such MSR */

/* svm_state.c: ops of struct hvm_ops. */
void svm_reset(struct vcpu *v); /* registers after INIT */
void svm_start_flat(struct vcpu *v, uint32_t entry, uint32_t ebx);
void svm_start_real(struct vcpu *v, uint8_t vector);
struct guest_regs *svm_regs(struct vcpu *v);
void svm_state(struct vcpu *v, struct guest_state *state);
void svm_mode(struct vcpu *v, struct guest_mode *mode);
uint64_t svm_space(struct vcpu *v);
void svm_inject_fault(struct vcpu *v, unsigned vector, int error);
void svm_dump(struct vcpu *v);

/* svm_record.c: the same. */
int svm_set_cpu(struct vcpu *v, const struct hvm_hw_cpu *record);
void svm_get_cpu(struct vcpu *v, struct hvm_hw_cpu *record);

/* svm_msr.c: the same. */
int svm_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
int svm_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
/* Only bits that a guest may have; without SVME. */
bool svm_efer_valid(uint64_t efer);
bool svm_canonical(uint64_t address);

/* svm_exit.c: why the guest left. */
void svm_handle_exit(struct vcpu *v);
/* The instruction at RIP is done, and ends at `rip`. */
void svm_advance_to(struct vcpu *v, uint64_t rip);

/* svm_io.c */
void svm_handle_io(struct vcpu *v);
/* How many prefixes the instruction at RIP has; *segment is the last segment override, or 0. */
unsigned svm_prefixes(struct vcpu *v, uint8_t *segment);

#endif
