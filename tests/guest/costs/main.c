/*
 * What one operation costs. Under `-icount shift=0` an instruction is one
 * nanosecond and the TSC runs at 1 GHz, so differences of the TSC count the
 * instructions of guest and hypervisor together; without it there is nothing to
 * compare. The limits are those of the hypervisor built without its own checks.
 */
#include "../lib/guest.h"

#define REPEAT 20000

static evtchn_port_t self_port;
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

/* The upcall is delivered before the hypercall returns; its handler is part of the cost. */
static void send_to_self(void)
{
    event_send(self_port);
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
    void (*run)(void);
    unsigned limit, xen; /* xen: what lab.md measured of Xen 4.17 */
} operations[] = {
    {"null hypercall (XENVER_version)", null_hypercall, 300, 6887},
    {"SCHEDOP_yield, nothing else runnable", yield, 900, 9220},
    {"EVTCHNOP_send to itself, delivered", send_to_self, 450, 12274},
    {"VCPUOP_set_singleshot_timer", singleshot, 600, 12524},
    {"VCPUOP_get_runstate_info", runstate, 400, 12265},
    {"CPUID exit", one_cpuid, 400, 6796},
};

static uint64_t time_of(void (*run)(void))
{
    uint64_t start = rdtsc();

    for (unsigned i = 0; i < REPEAT; i++)
        run();
    return rdtsc() - start;
}

/* Under icount the TSC advances by the number of instructions. */
static bool counts_instructions(void)
{
    uint64_t start = rdtsc();

    __asm__ volatile(".rept 1000; nop; .endr");
    uint64_t took = rdtsc() - start;
    return took >= 1000 && took < 1020;
}

static void measure(void)
{
    uint64_t loop = time_of(nothing);

    print("%-40s %8s %8s %8s", "instructions, mean of 20000", "Moirai", "limit", "Xen 4.17");
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        const struct operation *o = &operations[i];
        uint64_t mean = (time_of(o->run) - loop) / REPEAT;

        print("%-40s %8lu %8u %8u", o->name, mean, o->limit, o->xen);
        if (mean > o->limit)
            failure("%s: %lu instructions, limit %u", o->name, mean, o->limit);
    }
}

static void run(void)
{
    if (!counts_instructions())
        skip("instructions can be counted only with -icount shift=0");
    events_init();
    int port = bind_ipi(0);
    if (port < 0)
        error("no IPI port: %d", port);
    self_port = (evtchn_port_t)port;
    far_away = now() + 3600000000000ULL;
    interrupts_on();
    measure();
    interrupts_off();
    CHECK(event_count[self_port] == REPEAT);
}

const struct test test = {"costs", run, NULL};
