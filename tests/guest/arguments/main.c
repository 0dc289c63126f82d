/*
 * Every hypercall number with every sub-operation and arguments that make no
 * sense: by dom0, but for what would end it, and then by a child, which may do
 * all of it and is replaced when it has killed itself.
 */
#include "../lib/watch.h"

#define NR_OPS      64
#define NR_COMMANDS 128
#define NR_SETS     8
#define NR_CALLS    (NR_OPS * NR_COMMANDS * NR_SETS)

#define WATCHDOG_VECTOR 0x51

/* ---- arguments ------------------------------------------------------------------------------- */

static union {
    uint64_t words[512];
    struct xen_domctl domctl;
    struct xen_sysctl sysctl;
    struct xen_platform_op platform;
    struct evtchn_status domain; /* many begin with one */
} zeros aligned_to(4096), ones aligned_to(4096), noise aligned_to(4096), tools aligned_to(4096);

static void fill(struct random *r)
{
    memset(&zeros, 0, sizeof zeros);
    memset(&ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < ARRAY_SIZE(noise.words); i++)
        noise.words[i] = random_next(r) | BIT(40); /* frames that are nobody's */
}

/* A command that the tools give, with its right version and nonsense behind. */
static void fill_tools(unsigned op, unsigned command, struct random *r)
{
    for (unsigned i = 0; i < 32; i++)
        tools.words[i] = random_next(r) >> random_below(r, 64);
    tools.words[0] = command;
    if (op == __HYPERVISOR_domctl) {
        tools.domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
        tools.domctl.domain = command & 1 ? own_domid() : 77;
    } else if (op == __HYPERVISOR_sysctl) {
        tools.sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    } else if (op == __HYPERVISOR_platform_op) {
        tools.platform.interface_version = XENPF_INTERFACE_VERSION;
    }
}

static long call(unsigned op, unsigned command, unsigned set, struct random *r)
{
    switch (set) {
    case 0:
        return hypercall5(op, command, 0, 0, 0, 0);
    case 1:
        return hypercall5(op, command, ~0ULL, ~0ULL, ~0ULL, ~0ULL);
    case 2:
        return hypercall5(op, command, ADDRESS(&zeros), 1, ADDRESS(&zeros), 1);
    case 3:
        return hypercall5(op, command, ADDRESS(&ones), 1, ADDRESS(&ones), 1);
    case 4:
        return hypercall5(op, command, ADDRESS(&noise), ~0u, ADDRESS(&noise), 0);
    case 5:
        return hypercall5(op, command, 1, ADDRESS(&noise) + 3, 0x80000000, 0);
    case 6:
        fill_tools(op, command, r);
        return hypercall5(op, ADDRESS(&tools), command, 2, 0, 0);
    default:
        return hypercall5(op | 0xdeadULL << 32, command | 0xffffffffULL << 32, 0, ADDRESS(&ones), 7,
                          7);
    }
}

/* It takes no command but the address of a list, and all memory from there on is one. */
static bool is_repetition(unsigned op, unsigned command)
{
    return op == __HYPERVISOR_multicall && command >= 4;
}

/* ---- dom0 ------------------------------------------------------------------------------------ */

/* What would be obeyed, to the end of dom0 or of the machine. */
static bool is_fatal(unsigned op, unsigned command, unsigned set)
{
    switch (op) {
    case __HYPERVISOR_sched_op:
        return command == SCHEDOP_shutdown;
    case __HYPERVISOR_vcpu_op:
        return command == VCPUOP_down || command == VCPUOP_register_runstate_memory_area;
    case __HYPERVISOR_sysctl:
        return set == 6 && command == XEN_SYSCTL_debug_keys;
    case __HYPERVISOR_console_io: /* harmless, but nobody wants to read it */
        return true;
    case __HYPERVISOR_multicall: /* of noise: anything might be in it */
        return true;
    default:
        return false;
    }
}

/* Some of the calls send it. */
static bool ignore_nmi(struct trap_frame *f)
{
    return f->vector == VECTOR_NMI;
}

static void watchdog_on(void)
{
    wrmsr(X2APIC_TIMER_DIVIDE, 0xb);
    wrmsr(X2APIC_LVT_TIMER, BIT(17) | WATCHDOG_VECTOR);
    wrmsr(X2APIC_TIMER_INITIAL, 1000000);
}

/* Interrupts end what waits for events that do not come. */
static void as_dom0(void)
{
    struct random r = {1};

    trap_hook = ignore_nmi;
    watchdog_on();
    interrupts_on();
    fill(&r);
    for (unsigned i = 0; i < NR_CALLS; i++) {
        unsigned op = i / (NR_COMMANDS * NR_SETS), command = i / NR_SETS % NR_COMMANDS;

        if (i % NR_SETS == 0 && command == 0)
            fill(&r);
        if (!is_fatal(op, command, i % NR_SETS))
            call(op, command, i % NR_SETS, &r);
    }
    interrupts_off();
    wrmsr(X2APIC_TIMER_INITIAL, 0);
    EXPECT(version_op(XENVER_version, NULL), 4 << 16 | 17);
}

static void no_such_calls(void)
{
    for (unsigned op = NR_OPS; op < 1000; op++)
        EXPECT(hypercall5(op, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    EXPECT(hypercall5(~0u, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    EXPECT(hypercall5(1u << 31, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

/* ---- a child --------------------------------------------------------------------------------- */

static void child(uint64_t from)
{
    struct random r = {from};

    trap_hook = ignore_nmi;
    lapic_init();
    watchdog_on();
    interrupts_on();
    fill(&r);
    for (uint64_t i = from; i < NR_CALLS; i++) {
        report_page.report.done[0] = i + 1; /* before it may be the last thing that it does */
        unsigned op = (unsigned)(i / (NR_COMMANDS * NR_SETS)), command = i / NR_SETS % NR_COMMANDS;
        if (!is_repetition(op, command))
            call(op, command, i % NR_SETS, &r);
    }
    report_page.report.finished = true;
    for (;;)
        __asm__ volatile("hlt");
}

static void as_child(void)
{
    const struct watch w = {.vcpus = 1, .patience_ms = 300};
    struct report last = {.finished = false};
    unsigned lives = 0;

    watch_child(&w, NR_CALLS, &last); /* what is allocated once is now */
    CHECK(last.finished);
    uint64_t before = free_pages();
    for (uint64_t next = 0; next < NR_CALLS; next = last.done[0]) {
        watch_child(&w, next, &last);
        if (last.done[0] <= next && !last.finished)
            error("the child at call %lu does not even begin", next);
        if (!last.finished)
            print("child ended by op %lu, command %lu, arguments %lu",
                  (last.done[0] - 1) / (NR_COMMANDS * NR_SETS),
                  (last.done[0] - 1) / NR_SETS % NR_COMMANDS, (last.done[0] - 1) % NR_SETS);
        lives++;
    }
    expect_free_pages(before);
    print("%u calls by a child, in %u lives", NR_CALLS, lives);
}

static void run(void)
{
    events_init();
    avoid_first_pcpu(own_domid(), 1);
    no_such_calls();
    as_child();
    as_dom0();
}

const struct test test = {"arguments", run, child};
