/* Several vCPUs: how they start, stop and start again, and interrupts between them. */
#include "../lib/builder/builder.h"

#define NR     4
#define MS     1000000ULL
#define PING   0x41
#define ROUNDS 500

static volatile unsigned ids[NR], pings[NR], nmis[NR];
static volatile bool stop[NR];

static long is_up(unsigned id)
{
    return vcpu_op(VCPUOP_is_up, id, NULL);
}

/* ---- what the others do ---------------------------------------------------------------------- */

static void on_ping(void)
{
    __atomic_fetch_add(&pings[own_vcpu()], 1, __ATOMIC_SEQ_CST);
}

static bool on_nmi(struct trap_frame *f)
{
    if (f->vector != VECTOR_NMI)
        return false;
    __atomic_fetch_add(&nmis[own_vcpu()], 1, __ATOMIC_SEQ_CST);
    return true;
}

/* Waits for interrupts until it is told to stop, then halts for good. */
static void worker(void)
{
    unsigned me = own_vcpu();

    events_cpu_init();
    ids[me] = (unsigned)rdmsr(X2APIC_ID);
    while (!stop[me])
        wait_for_interrupt();
}

static void start_workers(void)
{
    for (unsigned id = 1; id < NR; id++) {
        stop[id] = false;
        if (!cpu_start(id, worker))
            error("vCPU %u does not start", id);
        EXPECT(is_up(id), 1);
    }
    for (unsigned id = 1; id < NR; id++)
        CHECK(WAIT_FOR(ids[id] == 2 * id, 1000));
}

/* ---- interrupts between local APICs ---------------------------------------------------------- */

static void one_ping(void)
{
    for (unsigned id = 1; id < NR; id++) {
        unsigned before = pings[id];
        lapic_send(id, PING);
        CHECK(WAIT_FOR(pings[id] == before + 1, 1000));
    }
}

static void self_ping(void)
{
    unsigned before = pings[0];

    interrupts_on();
    wrmsr(X2APIC_SELF_IPI, PING);
    lapic_send(0, PING);
    wrmsr(X2APIC_ICR, 1 << 18 | PING); /* shorthand: self */
    interrupts_off();
    EXPECT(pings[0], before + 3);
}

static unsigned all_pings(void)
{
    unsigned n = 0;

    for (unsigned id = 0; id < NR; id++)
        n += pings[id];
    return n;
}

static void many_pings(void)
{
    unsigned before = all_pings(), self = pings[0];

    wrmsr(X2APIC_ICR, ICR_ALL_BUT_SELF | PING);
    CHECK(WAIT_FOR(all_pings() == before + NR - 1, 1000));
    EXPECT(pings[0], self);
    wrmsr(X2APIC_ICR, 2 << 18 | PING); /* shorthand: all */
    CHECK(WAIT_FOR(all_pings() == before + 2 * NR - 1, 1000));
    wrmsr(X2APIC_ICR, 0xffffffffULL << 32 | PING); /* broadcast */
    CHECK(WAIT_FOR(all_pings() == before + 3 * NR - 1, 1000));
    wrmsr(X2APIC_ICR, 77ULL << 32 | PING);                                 /* nobody */
    wrmsr(X2APIC_ICR, (uint64_t)(1 << 2 | 1 << 4) << 32 | 1 << 11 | PING); /* logical: 1 and 2 */
    CHECK(WAIT_FOR(all_pings() == before + 3 * NR + 1, 1000));
    delay(5 * MS);
    EXPECT(all_pings(), before + 3 * NR + 1);
}

static void nmi(void)
{
    trap_hook = on_nmi;
    for (unsigned i = 1; i <= 20; i++) {
        lapic_send(1, ICR_NMI);
        CHECK(WAIT_FOR(nmis[1] == i, 1000));
        EXPECT(vcpu_op(VCPUOP_send_nmi, 2, NULL), 0);
        CHECK(WAIT_FOR(nmis[2] == i, 1000));
    }
    EXPECT(nmis[0] + nmis[3], 0);
    trap_hook = NULL;
}

/* ---- events between vCPUs -------------------------------------------------------------------- */

static evtchn_port_t ports[NR];

static void bind_ports(void)
{
    for (unsigned id = 0; id < NR; id++) {
        int port = bind_ipi(id);
        if (port < 0)
            error("no IPI port for vCPU %u: %d", id, port);
        ports[id] = (evtchn_port_t)port;
    }
}

static void close_ports(void)
{
    for (unsigned id = 0; id < NR; id++)
        EXPECT(event_close(ports[id]), 0);
}

static void event_round_trips(void)
{
    for (unsigned i = 1; i <= 100; i++) {
        for (unsigned id = 1; id < NR; id++) {
            unsigned before = event_count[ports[id]], upcalls = upcall_count[id];
            EXPECT(event_send(ports[id]), 0);
            if (!WAIT_FOR(event_count[ports[id]] == before + 1, 1000))
                failure("round %u: vCPU %u does not get its event", i, id);
            CHECK(upcall_count[id] > upcalls);
        }
    }
}

/* A global channel follows bind_vcpu. */
static void moved_channel(void)
{
    evtchn_port_t one, other;

    loop_channel(&one, &other);
    interrupts_on(); /* an upcall for a new channel would look for events of the others, too */
    delay(MS);
    interrupts_off();
    for (unsigned id = 1; id < NR; id++) {
        struct evtchn_bind_vcpu move = {.port = other, .vcpu = id};
        unsigned upcalls = upcall_count[id], events = event_count[other];
        EXPECT(event_op(EVTCHNOP_bind_vcpu, &move), 0);
        EXPECT(event_send(one), 0);
        CHECK(WAIT_FOR(event_count[other] == events + 1, 1000));
        EXPECT(upcall_count[id], upcalls + 1);
    }
    struct evtchn_bind_vcpu move = {.port = other, .vcpu = 1000};
    EXPECT(event_op(EVTCHNOP_bind_vcpu, &move), -XEN_ENOENT);
    EXPECT(event_close(one), 0);
    EXPECT(event_close(other), 0);
}

/* All at once: each vCPU passes a token on to the next one. */
static volatile unsigned tokens;

static void pass_on(void)
{
    if (__atomic_add_fetch(&tokens, 1, __ATOMIC_SEQ_CST) < ROUNDS)
        lapic_send((own_vcpu() + 1) % NR, PING + 1);
}

static void ring(void)
{
    interrupt_handlers[PING + 1] = pass_on;
    tokens = 0;
    lapic_send(1, PING + 1);
    if (!WAIT_FOR(tokens == ROUNDS, 10000))
        failure("the token is lost after %u passes of %u", tokens, ROUNDS);
}

/* ---- what one vCPU changes, the others see --------------------------------------------------- */

#define PROBED_GFN 0x110000ULL
static volatile uint64_t *const probed = (volatile uint64_t *)(PROBED_GFN << PAGE_SHIFT);
static volatile unsigned generation, seen_generation[NR];
static volatile bool probing;

/* Reads the page without a pause: it must never see what the page was in an earlier generation. */
static void prober(void)
{
    unsigned me = own_vcpu();

    events_cpu_init();
    while (probing) {
        unsigned before = generation;
        uint64_t value = *probed;
        if (value != ~0ULL && value && value < before)
            failure("vCPU %u reads %lu, which is older than %u", me, value, before);
        seen_generation[me] = before;
    }
}

static void change_page(void)
{
    uint64_t gfn = PROBED_GFN;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    r.extent_start.p = &gfn;
    EXPECT(memory_op(XENMEM_populate_physmap, &r), 1);
    *probed = generation + 1;
    generation++;
    for (unsigned i = 0; i < 100; i++)
        (void)*probed;
    EXPECT(memory_op(XENMEM_decrease_reservation, &r), 1);
}

static void shootdown(void)
{
    probing = true;
    for (unsigned id = 1; id < 3; id++)
        if (!cpu_start(id, prober))
            error("vCPU %u does not start", id);
    for (unsigned i = 0; i < 200; i++)
        change_page();
    for (unsigned id = 1; id < 3; id++)
        CHECK(WAIT_FOR(seen_generation[id] == generation, 1000));
    probing = false;
    for (unsigned id = 1; id < 3; id++)
        CHECK(WAIT_FOR(!is_up(id), 1000));
}

/* ---- stop and start -------------------------------------------------------------------------- */

static void stop_workers(void)
{
    for (unsigned id = 1; id < NR; id++) {
        stop[id] = true;
        lapic_send(id, PING);
        CHECK(WAIT_FOR(!is_up(id), 1000)); /* HLT with interrupts off */
    }
}

static void forever(void)
{
    interrupts_on();
    for (;;)
        relax();
}

/* INIT ends whatever a vCPU does; it starts anew. */
static void init_while_busy(void)
{
    for (unsigned i = 0; i < 10; i++)
        if (!cpu_start(1, forever))
            failure("round %u: vCPU 1 does not start again", i);
    lapic_send(1, ICR_INIT);
    CHECK(WAIT_FOR(!is_up(1), 1000));
    lapic_send(1, PING); /* it does not hear this */
    delay(2 * MS);
    EXPECT(is_up(1), 0);
}

static void down_by_hypercall(void)
{
    CHECK(cpu_start(2, forever));
    EXPECT(vcpu_op(VCPUOP_down, 2, NULL), 0);
    EXPECT(is_up(2), 0);
    EXPECT(vcpu_op(VCPUOP_down, 2, NULL), 0);
    EXPECT(vcpu_op(VCPUOP_up, 2, NULL), 0); /* where it was */
    EXPECT(is_up(2), 1);
    EXPECT(vcpu_op(VCPUOP_down, 2, NULL), 0);
    EXPECT(vcpu_op(VCPUOP_up, 1000, NULL), -XEN_ENOENT);
}

/* The hypercall's way, before any INIT; then it cannot be used again. */
static void initialise(void)
{
    static char stack[4096] aligned_to(16);
    static struct vcpu_hvm_context c;
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    EXPECT(vcpu_op(VCPUOP_up, 3, NULL), -XEN_EINVAL); /* it has no registers yet */
    c.mode = VCPU_HVM_MODE_64B;
    c.cpu_regs.x86_64.rip = ADDRESS(ap_start_64);
    c.cpu_regs.x86_64.rsp = ADDRESS(stack + sizeof stack);
    c.cpu_regs.x86_64.rdi = 3;
    c.cpu_regs.x86_64.cr0 = 0x80010033;
    c.cpu_regs.x86_64.cr3 = cr3;
    c.cpu_regs.x86_64.cr4 = 0x20;
    EXPECT(vcpu_op(VCPUOP_initialise, 3, &c), -XEN_EINVAL); /* no long mode without EFER */
    c.cpu_regs.x86_64.efer = 0xd00;
    c.mode = 99;
    EXPECT(vcpu_op(VCPUOP_initialise, 3, &c), -XEN_EINVAL);
    c.mode = VCPU_HVM_MODE_64B;
    EXPECT(vcpu_op(VCPUOP_initialise, 1000, &c), -XEN_ENOENT);
    EXPECT(vcpu_op(VCPUOP_initialise, 3, &c), 0);
    EXPECT(vcpu_op(VCPUOP_initialise, 3, &c), -XEN_EEXIST);
    EXPECT(is_up(3), 0);
    cpu_prepare(3, worker);
    EXPECT(vcpu_op(VCPUOP_up, 3, NULL), 0);
    CHECK(cpu_came(3));
    stop[3] = true;
    CHECK(WAIT_FOR(ids[3] == 6, 1000));
    lapic_send(3, PING);
    CHECK(WAIT_FOR(!is_up(3), 1000));
    EXPECT(vcpu_op(VCPUOP_initialise, 3, &c), -XEN_EEXIST);
}

static void run(void)
{
    interrupt_handlers[PING] = on_ping;
    events_init();
    avoid_first_pcpu(own_domid(), NR);
    if (is_up(NR - 1) == -XEN_ENOENT)
        skip("dom0 has not got %u vCPUs", NR);
    EXPECT(is_up(0), 1);
    EXPECT(is_up(1), 0);
    EXPECT(is_up(1000), -XEN_ENOENT);
    initialise();
    start_workers();
    one_ping();
    self_ping();
    many_pings();
    nmi();
    bind_ports();
    event_round_trips();
    close_ports();
    moved_channel();
    ring();
    stop_workers();
    init_while_busy();
    down_by_hypercall();
    start_workers();
    one_ping();
    stop_workers();
    shootdown();
}

const struct test test = {"smp", run, NULL};
