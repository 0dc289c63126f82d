/*
 * AMD SVM with nested paging: what a pCPU and a vCPU need for it, and the way
 * into a guest. AMD64 Architecture Programmer's Manual vol. 2, chapter 15.
 */
#include "svm.h"

#include "arch.h"

#define CPUID_1_ECX_XSAVE     BIT(26)
#define CPUID_EXT1_ECX_SVM    BIT(2)
#define CPUID_EXT1_EDX_RDTSCP BIT(27)
#define CPUID_7_ECX_RDPID     BIT(22)
#define CPUID_SVM_EDX_NPT     BIT(0)
#define CPUID_SVM_EDX_NRIP    BIT(3)
#define VM_CR_SVMDIS          BIT(4)
#define MSR_TSC_AUX           0xc0000103
#define NESTED_PAGING         BIT(0)

/* Permission maps, shared by all vCPUs: 12 KiB, one bit for each port, and 8 KiB, two bits (read,
 * write) for each MSR of three ranges of 0x2000 (15.10.1, 15.11). A set bit is an intercept. */
#define IO_MAP_ORDER  2
#define MSR_MAP_ORDER 1
#define MSR_RANGE     0x2000u

#define FX_AREA  512u
#define FX_FCW   0  /* offsets in the FXSAVE image (vol. 5, FXSAVE) */
#define FX_MXCSR 24

/* State of one pCPU. ASIDs are handed out one after another and never reused within a generation;
 * when none is left all TLB entries go and a new generation begins. */
struct svm_host {
    paddr_t vmcb; /* the host's FS, GS, TR, LDTR and system call MSRs, for VMLOAD */
    uint64_t generation;
    uint32_t next_asid, nr_asids;
} aligned_to(64); /* no two on a cache line */

static struct svm_host hosts[MAX_PCPUS];
static uint8_t *io_map, *msr_map;
static uint64_t xsave_mask; /* all that XCR0 may have; 0: no XSAVE */
static size_t fpu_size = FX_AREA;
static bool has_tsc_aux;
bool svm_has_next_rip;

_Static_assert(offsetof(struct hw_vcpu, regs) == 0, "svm_entry.S");
_Static_assert(offsetof(struct guest_regs, rdi) == 8, "svm_entry.S");
_Static_assert(offsetof(struct guest_regs, args) == 8, "rdi rsi rdx r10 r8 r9");
_Static_assert(offsetof(struct guest_regs, rbx) == 56, "svm_entry.S");
_Static_assert(offsetof(struct guest_regs, r15) == 112, "svm_entry.S");

/* ---- the machine ------------------------------------------------------------------------- */

static bool has_leaf(uint32_t leaf)
{
    uint32_t out[4];

    cpuid(leaf & 0x80000000, 0, out);
    return out[0] >= leaf;
}

static const char *svm_missing(void)
{
    uint32_t out[4];

    if (!has_leaf(0x8000000a))
        return "the processor has no AMD virtualisation (SVM)";
    cpuid(0x80000001, 0, out);
    if (!(out[2] & CPUID_EXT1_ECX_SVM))
        return "the processor has no AMD virtualisation (SVM)";
    if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
        return "the firmware has switched AMD virtualisation (SVM) off";
    cpuid(0x8000000a, 0, out);
    if (!(out[3] & CPUID_SVM_EDX_NPT))
        return "the processor has no nested paging";
    if (out[1] < 2)
        return "the processor has no address space identifiers for guests";
    return NULL;
}

static void *must_alloc(unsigned order, unsigned node)
{
    mfn_t mfn = frames_alloc(order, node);

    if (mfn == MFN_NONE)
        panic("no memory for the virtualisation hardware's tables");
    return mfn_to_va(mfn);
}

static void msr_pass(uint32_t msr)
{
    unsigned range = msr >= 0xc0010000 ? 2 : msr >= 0xc0000000 ? 1 : 0;
    unsigned bit = (range * MSR_RANGE + msr % MSR_RANGE) * 2;

    msr_map[bit / 8] &= (uint8_t)~(3u << bit % 8);
}

/* MSRs that VMLOAD and VMSAVE swap are the guest's alone. */
static void permission_maps_init(void)
{
    static const uint32_t own[] = {0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
                                   0xc0000101, 0xc0000102, 0x174,      0x175,      0x176};

    io_map = must_alloc(IO_MAP_ORDER, NODE_ANY);
    msr_map = must_alloc(MSR_MAP_ORDER, NODE_ANY);
    memset(io_map, 0xff, PAGE_SIZE << IO_MAP_ORDER);
    memset(msr_map, 0xff, PAGE_SIZE << MSR_MAP_ORDER);
    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        msr_pass(own[i]);
}

static void features_init(void)
{
    uint32_t out[4];

    cpuid(0x8000000a, 0, out);
    svm_has_next_rip = out[3] & CPUID_SVM_EDX_NRIP;
    cpuid(0x80000001, 0, out);
    has_tsc_aux = out[3] & CPUID_EXT1_EDX_RDTSCP;
    if (has_leaf(7)) {
        cpuid(7, 0, out);
        has_tsc_aux = has_tsc_aux || (out[2] & CPUID_7_ECX_RDPID);
    }
    cpuid(1, 0, out);
    if (out[2] & CPUID_1_ECX_XSAVE) {
        cpuid(0xd, 0, out);
        xsave_mask = (uint64_t)out[3] << 32 | out[0];
        fpu_size = MAX(fpu_size, out[2]);
    }
}

/* After descriptors_init(): what GS and TR are now, a guest's exit brings back. */
static void svm_pcpu_up(void)
{
    struct pcpu *p = this_pcpu();
    struct svm_host *host = p->hvm = &hosts[p->id];
    uint32_t out[4];

    if (!io_map) { /* the boot pCPU is first, and alone */
        permission_maps_init();
        features_init();
    }
    cpuid(0x8000000a, 0, out);
    host->nr_asids = out[1];
    host->next_asid = host->nr_asids; /* the first guest flushes what firmware has left */
    host->vmcb = va_to_pa(must_alloc(0, p->node));
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, va_to_pa(must_alloc(0, p->node)));
    __asm__ volatile("vmsave" ::"a"(host->vmcb) : "memory");
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static void intercepts_init(struct vmcb *c)
{
    c->intercept_exceptions = 1u << VECTOR_DB | 1u << VECTOR_AC | 1u << VECTOR_MC;
    c->intercept1 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_INIT | INTERCEPT_RDPMC |
                    INTERCEPT_CPUID | INTERCEPT_RSM | INTERCEPT_INVD | INTERCEPT_HLT |
                    INTERCEPT_INVLPGA | INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_FERR |
                    INTERCEPT_SHUTDOWN;
    c->intercept2 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD | INTERCEPT_VMSAVE |
                    INTERCEPT_STGI | INTERCEPT_CLGI | INTERCEPT_SKINIT | INTERCEPT_MONITOR |
                    INTERCEPT_MWAIT | INTERCEPT_MWAIT_ARMED | INTERCEPT_RDPRU;
}

static void vmcb_init(struct vmcb *c, const struct domain *d)
{
    intercepts_init(c);
    c->iopm = va_to_pa(io_map);
    c->msrpm = va_to_pa(msr_map);
    c->int_ctl = V_INTR_MASKING;
    c->nested_ctl = NESTED_PAGING;
    c->nested_cr3 = d->p2m.root << PAGE_SHIFT;
    c->pat = 0x0007040600070406; /* after reset (7.8.2) */
}

static int svm_vcpu_init(struct vcpu *v)
{
    size_t size = sizeof(struct hw_vcpu) + fpu_size;
    unsigned order = 0;
    mfn_t mfn, vmcb;
    struct hw_vcpu *hw;

    while (PAGE_SIZE << order < size)
        order++;
    mfn = frames_alloc(order, v->domain->node);
    if (mfn == MFN_NONE)
        return -XEN_ENOMEM;
    vmcb = frames_alloc(0, v->domain->node);
    if (vmcb == MFN_NONE) {
        frames_free(mfn, order);
        return -XEN_ENOMEM;
    }
    hw = mfn_to_va(mfn);
    hw->order = order;
    hw->fpu_size = fpu_size;
    hw->vmcb = mfn_to_va(vmcb);
    hw->xcr0 = 1;
    hw->fpu[FX_FCW] = 0x7f, hw->fpu[FX_FCW + 1] = 0x03;     /* 0x037f, as FNINIT leaves it */
    hw->fpu[FX_MXCSR] = 0x80, hw->fpu[FX_MXCSR + 1] = 0x1f; /* 0x1f80, reset */
    vmcb_init(hw->vmcb, v->domain);
    v->hw = hw;
    svm_reset(v);
    return 0;
}

static void svm_vcpu_fini(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;

    if (!hw)
        return;
    v->hw = NULL;
    frames_free(va_to_mfn(hw->vmcb), 0);
    frames_free(va_to_mfn(hw), hw->order);
}

/* ---- what is swapped when a pCPU changes its vCPU ---------------------------------------- */

static uint64_t xgetbv(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* All components are swapped whatever the guest has enabled: what it switched off must not show up
 * in another guest that switches it on. XCR0 is read back because XSETBV is not intercepted. */
static void fpu_save(struct hw_vcpu *hw)
{
    if (!xsave_mask) {
        __asm__ volatile("fxsave64 (%0)" ::"r"(hw->fpu) : "memory");
        return;
    }
    hw->xcr0 = xgetbv();
    xsetbv(xsave_mask);
    __asm__ volatile("xsave64 (%0)" ::"r"(hw->fpu), "a"(~0u), "d"(~0u) : "memory");
}

static void fpu_load(const struct hw_vcpu *hw)
{
    if (!xsave_mask) {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(hw->fpu) : "memory");
        return;
    }
    xsetbv(xsave_mask);
    __asm__ volatile("xrstor64 (%0)" ::"r"(hw->fpu), "a"(~0u), "d"(~0u) : "memory");
    xsetbv(hw->xcr0);
}

static void svm_load(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;

    fpu_load(hw);
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(hw->dr[0]),
                     "r"(hw->dr[1]), "r"(hw->dr[2]), "r"(hw->dr[3]));
    if (has_tsc_aux)
        wrmsr(MSR_TSC_AUX, hw->tsc_aux);
}

static void svm_save(struct vcpu *v)
{
    struct hw_vcpu *hw = v->hw;

    fpu_save(hw);
    __asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                     : "=r"(hw->dr[0]), "=r"(hw->dr[1]), "=r"(hw->dr[2]), "=r"(hw->dr[3]));
}

uint64_t svm_xcr0(const struct vcpu *v)
{
    return xsave_mask && v->loaded_on == this_pcpu() ? xgetbv() : v->hw->xcr0;
}

bool svm_set_tsc_aux(struct vcpu *v, uint64_t value)
{
    if (!has_tsc_aux || value >> 32)
        return false;
    v->hw->tsc_aux = value;
    if (v->loaded_on == this_pcpu())
        wrmsr(MSR_TSC_AUX, value);
    return true;
}

/* ---- into the guest ---------------------------------------------------------------------- */

static void take_asid(struct svm_host *host, struct hw_vcpu *hw, struct vmcb *c, uint64_t epoch)
{
    c->tlb_control = TLB_KEEP;
    if (hw->asid_host == host && hw->asid_generation == host->generation &&
        hw->asid_epoch == epoch)
        return;
    if (host->next_asid >= host->nr_asids) {
        host->generation++;
        host->next_asid = 1; /* 0 is the host's own */
        c->tlb_control = TLB_FLUSH_ALL;
    }
    c->asid = host->next_asid++;
    hw->asid_host = host;
    hw->asid_generation = host->generation;
    hw->asid_epoch = epoch;
}

/* QEMU's word for a virtual interrupt whose delivery met a nested fault: no exception has such a
 * vector. */
static bool is_misnamed(uint64_t event)
{
    return (event & EVENT_VALID) && EVENT_TYPE(event) == EVENT_EXCEPTION &&
           EVENT_VECTOR(event) >= 32;
}

/* An event that was being delivered when the guest left is delivered again; software interrupts and
 * their like are instructions that have not been completed, and happen again by themselves. */
static void keep_event(struct vmcb *c)
{
    uint64_t event = c->exit_int_info;
    uint64_t vector = EVENT_VECTOR(event);

    c->event_inj = 0;
    if (!(event & EVENT_VALID) || EVENT_TYPE(event) == EVENT_SOFTWARE || is_misnamed(event))
        return;
    if (EVENT_TYPE(event) == EVENT_EXCEPTION && (vector == 3 || vector == 4)) /* INT3, INTO */
        return;
    c->event_inj = event;
}

static void inject_nmi(struct vcpu *v, struct hw_vcpu *hw, struct vmcb *c)
{
    if (hw->nmi != NMI_OPEN || (c->event_inj & EVENT_VALID) || (c->int_state & SHADOW))
        return;
    v->nmi_pending = false;
    hw->nmi = NMI_MASKED;
    c->intercept1 |= INTERCEPT_IRET;
    c->event_inj = EVENT_VALID | EVENT_NMI | 2;
}

/* Interrupts: the vector that the guest takes at once, or -1; what it cannot take now has it leave
 * as soon as it could. A vector that only the guest's own CR8 holds back waits for the next exit.
 *
 * It takes a virtual interrupt and not EVENTINJ: after that QEMU (7.2) keeps the vector, and
 * delivers it a second time, with interrupts off, if its time slice ends (-icount) or another
 * thread wants the processor before anything else interrupts the guest. */
static int inject_interrupt(struct vcpu *v, struct vmcb *c)
{
    uint32_t control = V_INTR_MASKING | (v->lapic.tpr >> 4 & V_TPR);
    int vector = vlapic_pending(v);

    c->intercept1 &= ~INTERCEPT_VINTR;
    if (vector >= 0) {
        control |= V_IRQ | V_IGN_TPR | V_INTR_PRIO;
        if ((c->event_inj & EVENT_VALID) || (c->int_state & SHADOW) || !(c->rflags & RFLAGS_IF)) {
            c->intercept1 |= INTERCEPT_VINTR;
            vector = -1;
        } else {
            c->int_vector = (uint32_t)vector;
            vlapic_accept(v, (uint8_t)vector);
        }
    }
    c->int_ctl = control;
    return vector;
}

/* A physical interrupt comes first, or a page of the guest is not there that the delivery takes: then
 * the guest has not run, and its interrupt waits again. */
static void interrupt_left(struct vcpu *v, const struct vmcb *c, int vector)
{
    bool delivering = (c->exit_int_info & EVENT_VALID) &&
                      EVENT_TYPE(c->exit_int_info) == EVENT_INTERRUPT;

    if (vector >= 0 && (((c->int_ctl & V_IRQ) && !delivering) || is_misnamed(c->exit_int_info)))
        vlapic_withdraw(v, (uint8_t)vector);
}

/* The guest writes CR8 without leaving. */
static void tpr_read_back(struct vcpu *v, const struct vmcb *c)
{
    uint32_t class = c->int_ctl & V_TPR;

    if (class != v->lapic.tpr >> 4)
        v->lapic.tpr = class << 4;
}

/* Physical interrupts have ended the guest but wait: their handlers run here. */
static void interrupt_window(void)
{
    __asm__ volatile("sti; nop; cli" ::: "memory");
}

/* Clear GIF, swap in the guest's half of the state, run it, swap back (15.5.1). Its result is in
 * memory; of the registers svm_run() keeps rbx, rbp and rsp. */
static void run(struct guest_regs *regs, paddr_t vmcb, paddr_t host_vmcb)
{
    __asm__ volatile("call svm_run"
                     : "+D"(regs), "+S"(vmcb), "+d"(host_vmcb)
                     :
                     : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
}

static void enter_once(struct vcpu *v, struct pcpu *p)
{
    struct hw_vcpu *hw = v->hw;
    struct vmcb *c = hw->vmcb;
    struct svm_host *host = p->hvm;

    /* Before interrupts are looked at: who raises one later sees the guest. */
    uint64_t epoch = p2m_enter(v->domain);
    take_asid(host, hw, c, epoch);
    if (v->nmi_pending)
        inject_nmi(v, hw, c);
    int vector = inject_interrupt(v, c);

    c->rax = hw->regs.rax;
    run(&hw->regs, va_to_pa(c), host->vmcb);
    p2m_leave();
    hw->regs.rax = c->rax;

    interrupt_left(v, c, vector);
    keep_event(c);
    tpr_read_back(v, c);
    interrupt_window();
    svm_handle_exit(v);
}

static void svm_enter(struct vcpu *v)
{
    struct pcpu *p = this_pcpu();

    do {
        enter_once(v, p);
    } while (!pcpu_must_look(p));
}

const struct hvm_ops hvm_svm = {
    .name = "AMD SVM with nested paging",
    .missing = svm_missing,
    .pcpu_up = svm_pcpu_up,
    .vcpu_init = svm_vcpu_init,
    .vcpu_fini = svm_vcpu_fini,
    .start_flat = svm_start_flat,
    .start_real = svm_start_real,
    .load = svm_load,
    .save = svm_save,
    .enter = svm_enter,
    .regs = svm_regs,
    .state = svm_state,
    .mode = svm_mode,
    .space = svm_space,
    .rdmsr = svm_rdmsr,
    .wrmsr = svm_wrmsr,
    .inject_fault = svm_inject_fault,
    .dump = svm_dump,
    .set_cpu = svm_set_cpu,
    .get_cpu = svm_get_cpu,
};

const struct hvm_ops *hvm = &hvm_svm;
