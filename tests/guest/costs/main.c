/*
 * What one operation costs. Under `-icount shift=0` an instruction is one
 * nanosecond and the TSC runs at 1 GHz, so differences of the TSC count the
 * instructions of guest and hypervisor together; without it there is nothing to
 * compare. The limits are those of the hypervisor built without its own checks.
 */
#include "../lib/guest.h"

#define REPEAT 20000

static evtchn_port_t self_port, masked_port;
static uint64_t far_away;

static void nothing(void)
{
    __asm__ volatile("" ::: "memory");
}

static void null_hypercall(void)
{
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
}

static void yield(void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* With interrupts off: nothing is pending before, all is afterwards. */
static void forget(void)
{
    event_clear(self_port);
    shared_info->vcpu_info[0].evtchn_pending_sel = 0;
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
}

static void send_to_self(void)
{
    event_send(self_port);
    forget();
}

/* Masked at the channel: pending is all that it becomes. */
static void send_masked(void)
{
    event_send(masked_port);
    event_clear(masked_port);
}

/* With the upcall's handler in the guest and the exit for its EOI. */
static void send_and_take(void)
{
    interrupts_on();
    event_send(self_port);
    interrupts_off();
}

static void singleshot(void)
{
    set_timer(far_away, 0);
}

static void runstate(void)
{
    static struct vcpu_runstate_info info;
    vcpu_op(VCPUOP_get_runstate_info, 0, &info);
}

static void one_cpuid(void)
{
    uint32_t out[4];
    cpuid(0x40000000, 0, out);
}

static const struct operation {
    const char *name;
    void (*run)(void), (*without)(void); /* without: what is done besides, and not counted */
    unsigned limit, xen;                 /* xen: what lab.md measured of Xen 4.17 */
} operations[] = {
    {"null hypercall (XENVER_version)", null_hypercall, nothing, 300, 6887},
    {"SCHEDOP_yield, nothing else runnable", yield, nothing, 900, 9220},
    {"EVTCHNOP_send to itself", send_to_self, forget, 450, 12274},
    {"  masked", send_masked, nothing, 0, 0},
    {"  taken as an upcall, with EOI", send_and_take, nothing, 0, 0},
    {"VCPUOP_set_singleshot_timer", singleshot, nothing, 600, 12524},
    {"VCPUOP_get_runstate_info", runstate, nothing, 400, 12265},
    {"CPUID exit", one_cpuid, nothing, 400, 6796},
};

static uint64_t time_of(void (*run)(void))
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < REPEAT; i++)
        run();
    return rdtsc() - start;
}

/* Under icount the TSC advances by the number of instructions. Readings may cost something: real
 * Xen intercepts them. */
static bool counts_instructions(void)
{
    uint64_t t[3];

    t[0] = rdtsc();
    __asm__ volatile(".rept 1000; nop; .endr");
    t[1] = rdtsc();
    __asm__ volatile(".rept 3000; nop; .endr");
    t[2] = rdtsc();
    uint64_t took = (t[2] - t[1]) - (t[1] - t[0]);
    return took >= 1980 && took <= 2020;
}

static void measure(void)
{
    print("%-40s %8s %8s %8s", "instructions, mean of 20000", "Moirai", "limit", "Xen 4.17");
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        const struct operation *o = &operations[i];
        uint64_t mean = (time_of(o->run) - time_of(o->without)) / REPEAT;

        if (o->limit)
            print("%-40s %8lu %8u %8u", o->name, mean, o->limit, o->xen);
        else
            print("%-40s %8lu", o->name, mean);
        if (o->limit && mean > o->limit)
            failure("%s: %lu instructions, limit %u", o->name, mean, o->limit);
    }
}

static void run(void)
{
    if (!counts_instructions())
        skip("instructions can be counted only with -icount shift=0");
    events_init();
    int port = bind_ipi(0), other = bind_ipi(0);
    if (port < 0 || other < 0)
        error("no IPI port: %d %d", port, other);
    self_port = (evtchn_port_t)port;
    masked_port = (evtchn_port_t)other;
    event_mask(masked_port);
    far_away = now() + 3600000000000ULL;
    measure();
    EXPECT(event_count[self_port], REPEAT);
}

const struct test test = {"costs", run, NULL};
