/*
 * What a guest's kernel may not do, or may do only to itself. What ends a
 * virtual processor is done by children, which dom0 watches.
 */
#include "../lib/builder/builder.h"

#define MSR_EFER  0xc0000080
#define EFER_SVME BIT(12)

/* ---- instructions that are refused ----------------------------------------------------------- */

#define REFUSED(instruction, vector, ...)                                                          \
    do {                                                                                           \
        uint64_t f_ = PROBE(instruction, , __VA_ARGS__);                                           \
        if (!(f_ & FAULTED) || FAULT_VECTOR(f_) != (vector))                                       \
            failure("%s: 0x%lx, not exception %u", instruction, f_, vector);                       \
    } while (0)

static void svm_instructions(void)
{
    uint64_t page = 0x1000;

    REFUSED("vmrun", VECTOR_UD, "a"(page));
    REFUSED("vmload", VECTOR_UD, "a"(page));
    REFUSED("vmsave", VECTOR_UD, "a"(page));
    REFUSED("stgi", VECTOR_UD);
    REFUSED("clgi", VECTOR_UD);
    REFUSED("skinit", VECTOR_UD, "a"(0));
    REFUSED("invlpga", VECTOR_UD, "a"(page), "c"(1));
    REFUSED("monitor", VECTOR_UD, "a"(page), "c"(0), "d"(0));
    REFUSED("mwait", VECTOR_UD, "a"(0), "c"(0));
    REFUSED("rsm", VECTOR_UD);
    REFUSED("ud2", VECTOR_UD);
    REFUSED("rdpmc", VECTOR_GP, "c"(0));
}

static void harmless_instructions(void)
{
    EXPECT(PROBE("wbinvd", ), 0);
    EXPECT(PROBE("invd", ), 0);
    EXPECT(PROBE("clts", ), 0);
    EXPECT(PROBE("invlpg (%[at])", , [at] "r"(0x1000)), 0);
    EXPECT(PROBE("pause", ), 0);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint64_t probe_wrmsr(uint32_t msr, uint64_t value)
{
    return PROBE("wrmsr", , "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t probe_cr4(uint64_t value)
{
    return PROBE("mov %[v], %%cr4", , [v] "r"(value));
}

static uint64_t probe_cr0(uint64_t value)
{
    return PROBE("mov %[v], %%cr0", , [v] "r"(value));
}

static void efer(void)
{
    uint64_t value = rdmsr(MSR_EFER);

    CHECK(!(value & EFER_SVME));
    EXPECT(probe_wrmsr(MSR_EFER, value | EFER_SVME), FAULTED | VECTOR_GP);
    EXPECT(probe_wrmsr(MSR_EFER, value | BIT(13)), FAULTED | VECTOR_GP); /* LMSLE */
    EXPECT(probe_wrmsr(MSR_EFER, value | BIT(63)), FAULTED | VECTOR_GP);
    EXPECT(probe_wrmsr(MSR_EFER, value & ~BIT(8)), FAULTED | VECTOR_GP); /* LME under paging */
    EXPECT(probe_wrmsr(MSR_EFER, value | BIT(0)), 0);
    EXPECT(rdmsr(MSR_EFER), value | BIT(0));
    EXPECT(probe_wrmsr(MSR_EFER, value), 0);
}

static void control_registers(void)
{
    uint64_t cr4 = read_cr4(), cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    EXPECT(probe_cr4(cr4 | BIT(2)), 0); /* TSD: for user mode only */
    rdtsc();
    EXPECT(probe_cr4(cr4), 0);
    EXPECT(probe_cr0(cr0 ^ BIT(16)), 0); /* WP */
    EXPECT(probe_cr0(cr0), 0);
}

/* The hypervisor's own MSRs: a write must not reach the machine. */
static void machine_registers(void)
{
    static const uint32_t msrs[] = {0xc0010114, 0xc0010117, 0xc0010010, 0xc0010015,
                                    0x1d9,      0x1a0,      0x17a,      0x9e,
                                    0x34,       0x79,       0x38f,      0xc0010111};

    for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
        uint64_t fault = probe_wrmsr(msrs[i], 0);
        if (fault && FAULT_VECTOR(fault) != VECTOR_GP)
            failure("MSR 0x%x: 0x%lx", msrs[i], fault);
    }
    probe_wrmsr(0xc0010117, 0x12345000); /* where the host's state is saved */
    probe_wrmsr(0xc0010114, ~0ULL);
    EXPECT(version_op(XENVER_version, NULL), 4 << 16 | 17);
    wrmsr(0x10, 0); /* the TSC goes on */
    CHECK(rdtsc() > 1000000);
}

/* What they do to the machine would be done to all: they are not there. */
static void legacy_devices(void)
{
    __asm__ volatile("outb %%al, %%dx" ::"a"(0xff), "d"(0x20)); /* interrupt controller */
    __asm__ volatile("outb %%al, %%dx" ::"a"(0xff), "d"(0x21));
    __asm__ volatile("outb %%al, %%dx" ::"a"(0x30), "d"(0x43)); /* timer */
    __asm__ volatile("outb %%al, %%dx" ::"a"(0x80), "d"(0x70)); /* NMIs off */
    uint64_t start = now();
    delay(20000000);
    CHECK(now() < start + 1000000000);
}

/* ---- user mode ------------------------------------------------------------------------------- */

static void user_hypercall(void)
{
    user_exit((uint64_t)version_op(XENVER_version, NULL));
}

static void user_halt(void)
{
    user_exit(PROBE("hlt", ));
}

static void user_wrmsr(void)
{
    user_exit(PROBE("wrmsr", , "c"(MSR_EFER), "a"(0), "d"(0)));
}

static void user_port(void)
{
    user_exit(PROBE("outb %%al, $0x80", , "a"(0)));
}

static void user_vmload(void)
{
    user_exit(PROBE("vmload", , "a"(0)));
}

static void user_cpuid(void)
{
    uint32_t out[4];
    cpuid(0x40000001, 0, out);
    user_exit(out[0]);
}

static void user_mode(void)
{
    EXPECT(user_call(user_hypercall), -XEN_EPERM);
    EXPECT(FAULT_VECTOR(user_call(user_halt)), VECTOR_GP);
    EXPECT(FAULT_VECTOR(user_call(user_wrmsr)), VECTOR_GP);
    EXPECT(FAULT_VECTOR(user_call(user_port)), VECTOR_GP);
    uint64_t fault = user_call(user_vmload);
    CHECK(FAULT_VECTOR(fault) == VECTOR_GP || FAULT_VECTOR(fault) == VECTOR_UD);
    EXPECT(user_call(user_cpuid), 4 << 16 | 17);
}

/* ---- children that end badly, or not at all -------------------------------------------------- */

enum role {
    QUIET,
    TRIPLE_FAULT,
    BAD_CR3,
    HALT_FOR_GOOD,
    DEBUG_LOOP,
    SPIN,
    NOWHERE,
    SLEEP,
    PRIVILEGED_CALLS,
    RESERVED_CR0,
    RESERVED_CR3,
    RESERVED_CR4,
    NO_PAE,
};

static void triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } packed none;

    __asm__ volatile("lidt %0; int3" ::"m"(none));
}

/* Each #DB causes the next one: who has no answer to that loses the processor for good. */
static bool debug_again(struct trap_frame *f)
{
    f->rflags |= BIT(8);
    return true;
}

static void debug_loop(void)
{
    trap_hook = debug_again;
    __asm__ volatile("pushfq; orq $0x100, (%rsp); popfq; 1: jmp 1b");
}

static void execute_nowhere(void)
{
    void *at = window_map(0, 0x3f00000000, PTE_P | PTE_W);
    ((void (*)(void))at)();
}

/* None of these is a child's to do. */
static void privileged_calls(void)
{
    struct xen_domctl d = {0};
    struct xen_sysctl s = {.cmd = XEN_SYSCTL_physinfo,
                           .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    struct xen_remove_from_physmap r = {.domid = 0, .gpfn = 0x1000};
    struct xen_memory_reservation m = {.domid = 0};
    struct evtchn_status e = {.dom = 0};
    struct xen_hvm_param p = {.domid = 0, .index = HVM_PARAM_STORE_PFN};
    char c;

    EXPECT(domctl(&d, XEN_DOMCTL_getdomaininfo, 0), -XEN_EPERM);
    EXPECT(domctl(&d, XEN_DOMCTL_destroydomain, own_domid()), -XEN_EPERM);
    EXPECT(hypercall2(__HYPERVISOR_sysctl, ADDRESS(&s), 0), -XEN_EPERM);
    EXPECT(hypercall2(__HYPERVISOR_platform_op, ADDRESS(&s), 0), -XEN_EPERM);
    EXPECT(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_pci_device_add, ADDRESS(&s)), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_remove_from_physmap, &r), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_decrease_reservation, &m), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_machine_memory_map, &m), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_set_memory_map, &m), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_acquire_resource, &m), -XEN_EPERM);
    EXPECT(memory_op(XENMEM_claim_pages, &m), -XEN_EPERM);
    EXPECT(event_op(EVTCHNOP_status, &e), -XEN_EPERM);
    EXPECT(hvm_op(HVMOP_get_param, &p), -XEN_EPERM);
    p.domid = DOMID_SELF;
    EXPECT(hvm_op(HVMOP_set_param, &p), -XEN_EPERM);
    EXPECT(hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, 1, ADDRESS(&c)), -XEN_EPERM);
    /* dom0's memory by the batched form */
    xen_ulong_t from = 0x1000;
    xen_pfn_t to = 0x110000;
    int err = 0;
    struct xen_add_to_physmap_batch b = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1, .u.foreign_domid = 0};
    b.idxs.p = &from;
    b.gpfns.p = &to;
    b.errs.p = &err;
    if (!memory_op(XENMEM_add_to_physmap_batch, &b))
        EXPECT(err, -XEN_EPERM);
    /* the machine's reset: the chipset's, the keyboard controller's, port A's */
    __asm__ volatile("outb %%al, %%dx" ::"a"(0x06), "d"(0xcf9));
    __asm__ volatile("outb %%al, %%dx" ::"a"(0xfe), "d"(0x64));
    __asm__ volatile("outb %%al, %%dx" ::"a"(0x01), "d"(0x92));
    /* ports, one in thirteen: nothing is there */
    for (unsigned port = 0; port < 0x10000; port += 13) {
        uint8_t v;
        __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"((uint16_t)port));
        __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"((uint16_t)port));
    }
}

static void child(uint64_t role)
{
    switch ((enum role)role) {
    case QUIET:
        break;
    case TRIPLE_FAULT:
        triple_fault();
        break;
    case BAD_CR3:
        __asm__ volatile("mov %0, %%cr3" ::"r"(0x3f00000000));
        break;
    case HALT_FOR_GOOD:
        __asm__ volatile("cli; hlt");
        break;
    case DEBUG_LOOP:
        debug_loop();
        break;
    case SPIN:
        for (;;)
            ;
    case NOWHERE:
        execute_nowhere();
        break;
    case SLEEP:
        interrupts_on();
        for (;;)
            __asm__ volatile("hlt");
    case PRIVILEGED_CALLS:
        privileged_calls();
        break;
    case RESERVED_CR0:
        (void)probe_cr0(1ULL << 40 | 0x80010033);
        break;
    case RESERVED_CR3:
        (void)PROBE("mov %[v], %%cr3", , [v] "r"(1ULL << 60));
        break;
    case RESERVED_CR4:
        (void)probe_cr4(read_cr4() | BIT(40));
        break;
    case NO_PAE:
        (void)probe_cr4(read_cr4() & ~BIT(5));
        break;
    }
}

static int code_of_child(enum role role, unsigned ms)
{
    struct child c;
    int err = child_create(&c, 1, role);

    if (err)
        error("no child can be made: %d", err);
    int code = child_run(&c, ms);
    EXPECT(child_destroy(&c), 0);
    EXPECT(child_shutdown_code(&c), -1); /* it is gone */
    return code;
}

static void run_child(enum role role, int wanted, unsigned ms)
{
    int code = code_of_child(role, ms);

    if (code != wanted)
        failure("child with role %u: shutdown code %d, not %d", role, code, wanted);
}

/* A processor refuses such values with #GP. QEMU takes some, and for others it leaves the guest
 * without a reason (SVM_EXIT_ERR): then the hypervisor cannot know better than to end the domain.
 */
static void run_reserved(enum role role)
{
    int code = code_of_child(role, 2000);

    if (code != SHUTDOWN_suspend && code != SHUTDOWN_crash)
        failure("child with role %u: shutdown code %d", role, code);
}

/* Registers that a processor would refuse, or that lead nowhere. */
static void bad_records(void)
{
    static const uint64_t values[] = {0,          ~0ULL,      BIT(63), 0x80000001,
                                      0xffffffff, 0x8005003b, BIT(29)};
    struct child c;

    if (child_create(&c, 1, QUIET))
        error("no child can be made");
    for (unsigned field = 0; field < 6; field++) {
        for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
            struct hvm_hw_cpu cpu = child_flat_cpu(&c, QUIET);
            uint64_t *fields[] = {&cpu.cr0,      &cpu.cr3,    &cpu.cr4,
                                  &cpu.msr_efer, &cpu.rflags, &cpu.rip};
            *fields[field] = values[i];
            child_set_cpu(&c, 0, &cpu);
        }
    }
    struct hvm_hw_cpu cpu = child_flat_cpu(&c, QUIET);
    EXPECT(child_set_cpu(&c, 1, &cpu), -XEN_EINVAL); /* no such vCPU */
    cpu.pending_event = 0x80000000 | 7 << 8;         /* an event of no known type */
    child_set_cpu(&c, 0, &cpu);
    child_run(&c, 50);
    EXPECT(child_destroy(&c), 0);
}

static void children(void)
{
    run_child(QUIET, SHUTDOWN_suspend, 2000); /* that is how a child says success */
    uint64_t before = free_pages();
    run_child(PRIVILEGED_CALLS, SHUTDOWN_suspend, 5000);
    run_child(TRIPLE_FAULT, SHUTDOWN_crash, 2000);
    run_child(BAD_CR3, SHUTDOWN_crash, 2000);
    run_child(HALT_FOR_GOOD, SHUTDOWN_poweroff, 2000);
    run_child(NOWHERE, SHUTDOWN_reboot, 2000); /* #GP, which it calls an error */
    run_child(DEBUG_LOOP, -1, 100);
    run_child(SPIN, -1, 100);
    run_child(SLEEP, -1, 100);
    for (enum role role = RESERVED_CR0; role <= NO_PAE; role++)
        run_reserved(role);
    bad_records();
    expect_free_pages(before);
}

static void run(void)
{
    events_init();
    avoid_first_pcpu(own_domid(), 1);
    svm_instructions();
    harmless_instructions();
    efer();
    control_registers();
    machine_registers();
    legacy_devices();
    user_mode();
    children();
}

const struct test test = {"privileged", run, child};
