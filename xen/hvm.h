/*
 * The seam to the virtualisation hardware: AMD SVM today. The generic code
 * calls `hvm`, an ops table chosen at boot; VMX and PV guests will be others.
 */
#ifndef XEN_HVM_H
#define XEN_HVM_H

#include "domain.h"
#include "hypercall.h"

/* General registers of a vCPU that has left its guest; the last line of them is for guest_mmio(). */
struct guest_regs {
    uint64_t rax;
    union {
        struct {
            uint64_t rdi, rsi, rdx, r10, r8, r9;
        };
        struct hc_args args; /* of a hypercall from 64-bit code */
    };
    uint64_t rbx, rcx, rbp, r11, r12, r13, r14, r15;
    uint64_t rip, rsp, rflags;
};

struct guest_state { /* what decoders and page walks need */
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t cs_base, ds_base, es_base, ss_base, fs_base, gs_base;
    bool cs_long, cs_32;
    unsigned cpl;
    uint64_t xcr0;
};

struct guest_mode { /* the part of it that every hypercall and copy asks for */
    uint64_t cr0, cr3, cr4, efer;
    unsigned cpl;
    bool cs_long;
};

struct hvm_hw_cpu; /* xen/hvm/save.h */

struct hvm_ops {
    const char *name;
    /* NULL if the machine can do it, otherwise what is missing. */
    const char *(*missing)(void);
    void (*pcpu_up)(void); /* on each pCPU */
    int (*vcpu_init)(struct vcpu *);
    void (*vcpu_fini)(struct vcpu *);
    /* PVH start (start_info.h): 32-bit flat, paging off, EBX. */
    void (*start_flat)(struct vcpu *, uint32_t entry, uint32_t ebx);
    /* SIPI: real mode at vector << 12. */
    void (*start_real)(struct vcpu *, uint8_t vector);
    void (*load)(struct vcpu *); /* registers that the host does not use: FPU, XCR0 */
    void (*save)(struct vcpu *);
    /* Runs the guest until it leaves, then handles why, and again until pcpu_must_look(). */
    void (*enter)(struct vcpu *);
    struct guest_regs *(*regs)(struct vcpu *); /* changes count at the next entry */
    void (*state)(struct vcpu *, struct guest_state *);
    void (*mode)(struct vcpu *, struct guest_mode *);
    /* CR3 with, in its low bits, all that page walks depend on; 0 if not in long mode with four
     * levels. */
    uint64_t (*space)(struct vcpu *);
    /* MSRs that live in the control block: 0, -XEN_EPERM for #GP, -XEN_ENOENT: none of them. */
    int (*rdmsr)(struct vcpu *, uint32_t msr, uint64_t *value);
    int (*wrmsr)(struct vcpu *, uint32_t msr, uint64_t value);
    void (*inject_fault)(struct vcpu *, unsigned vector, int error); /* error < 0: none */
    void (*dump)(struct vcpu *); /* its registers, to the log */
    /* All registers, in the format of hvm/save.h. The vCPU is paused and loaded nowhere. -EINVAL for
     * values that the hardware would refuse. get_cpu may be NULL: no CPU records are saved then. */
    int (*set_cpu)(struct vcpu *, const struct hvm_hw_cpu *);
    void (*get_cpu)(struct vcpu *, struct hvm_hw_cpu *);
};

extern const struct hvm_ops *hvm;
extern const struct hvm_ops hvm_svm;

/* ---- what an exit leads to, whatever the hardware ------------------------------------- */

/* hypercall.c: registers in, result in rax. False: run the same instruction again (continuation).
 * `bits`: 64 or 32, as the code that asks; 0 outside of the guest's kernel. */
bool hypercall(struct vcpu *v, struct guest_regs *r, unsigned bits);
/* cpuid.c */
void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
/* msr.c: the stubs that a guest may call instead of the instruction; -EFAULT. */
int must_check hypercall_page_fill(struct domain *d, paddr_t page);
/* msr.c: 0, or -EPERM for #GP. */
int guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
int guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
/* ioport.c */
uint32_t guest_in(struct vcpu *v, uint16_t port, unsigned bytes);
void guest_out(struct vcpu *v, uint16_t port, unsigned bytes, uint32_t value);
/* mmio.c: an access to a gfn without memory; emulates or crashes the domain. */
void guest_mmio(struct vcpu *v, paddr_t gpa, bool write);

#endif
