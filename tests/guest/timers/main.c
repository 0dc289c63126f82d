/*
 * Timers and clocks. Run under icount, where the machine's time stands still
 * while nothing is computed: how late a timer fires is what the hypervisor
 * needed for it.
 */
#include "../lib/guest.h"

#define US   1000ULL
#define MS   1000000ULL
#define LATE (20 * US) /* of the hypervisor's own and the guest's computing */

#define LVT_MASKED   BIT(16)
#define LVT_PERIODIC BIT(17)
#define TIMER_VECTOR 0x50

static evtchn_port_t timer;

static unsigned ticks(void)
{
    return event_count[timer];
}

/* Sleeps until the timer's event; when that was. */
static uint64_t sleep_until_event(void)
{
    unsigned before = ticks();

    for (unsigned i = 0; i < 100 && ticks() == before; i++)
        wait_for_interrupt();
    return now();
}

static void singleshot(void)
{
    static const uint64_t delays[] = {50 * US, 100 * US, 333 * US, 1 * MS, 10 * MS, 100 * MS};

    for (unsigned i = 0; i < ARRAY_SIZE(delays); i++) {
        uint64_t when = now() + delays[i];
        EXPECT(set_timer(when, 0), 0);
        uint64_t at = sleep_until_event();
        if (at < when || at > when + LATE)
            failure("set to %lu us ahead, it fired %ld ns after its time", delays[i] / 1000,
                    (int64_t)(at - when));
    }
}

static void busy(void)
{
    uint64_t when = now() + 1 * MS;
    unsigned before = ticks();

    EXPECT(set_timer(when, 0), 0);
    interrupts_on();
    while (ticks() == before && now() < when + 10 * MS)
        ;
    interrupts_off();
    uint64_t at = now();
    CHECK(at >= when && at < when + LATE);
}

static void past(void)
{
    unsigned before = ticks();

    interrupts_on();
    EXPECT(set_timer(now() - 1, 0), 0);
    interrupts_off();
    EXPECT(ticks(), before + 1);
    interrupts_on();
    EXPECT(set_timer(0, 0), 0);
    EXPECT(set_timer(now() - 1, VCPU_SSHOTTMR_future), -XEN_ETIME);
    interrupts_off();
    EXPECT(ticks(), before + 2);
}

static void replaced_and_stopped(void)
{
    uint64_t start = now();
    unsigned before = ticks();

    EXPECT(set_timer(start + 1 * MS, 0), 0);
    EXPECT(set_timer(start + 3 * MS, VCPU_SSHOTTMR_future), 0);
    uint64_t at = sleep_until_event();
    CHECK(at >= start + 3 * MS && at < start + 3 * MS + LATE);
    EXPECT(ticks(), before + 1);

    EXPECT(set_timer(now() + 1 * MS, 0), 0);
    EXPECT(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    interrupts_on();
    delay(3 * MS);
    interrupts_off();
    EXPECT(ticks(), before + 1);

    EXPECT(set_timer(~0ULL, 0), 0); /* as good as never */
    EXPECT(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
}

static void periodic(void)
{
    struct vcpu_set_periodic_timer op = {.period_ns = 10 * MS};
    uint64_t start = now();
    unsigned before = ticks();

    EXPECT(vcpu_op(VCPUOP_set_periodic_timer, 0, &op), 0);
    interrupts_on();
    delay(205 * MS);
    EXPECT(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    EXPECT(ticks() - before, 20);
    delay(30 * MS);
    interrupts_off();
    EXPECT(ticks() - before, 20);
    CHECK(now() > start + 235 * MS);

    op.period_ns = 999999;
    EXPECT(vcpu_op(VCPUOP_set_periodic_timer, 0, &op), -XEN_EINVAL);
    op.period_ns = ~0ULL;
    EXPECT(vcpu_op(VCPUOP_set_periodic_timer, 0, &op), -XEN_EINVAL);
    EXPECT(vcpu_op(VCPUOP_set_periodic_timer, 1000, &op), -XEN_ENOENT);
}

static unsigned lapic_ticks(void)
{
    return interrupt_count[TIMER_VECTOR];
}

/* The local APIC's own timer; nobody says at which rate it counts, so this measures. */
static void lapic_timer(void)
{
    wrmsr(X2APIC_TIMER_DIVIDE, 0xb); /* by 1 */
    wrmsr(X2APIC_LVT_TIMER, LVT_MASKED | TIMER_VECTOR);
    wrmsr(X2APIC_TIMER_INITIAL, 0xffffffff);
    delay(10 * MS);
    uint32_t per_10ms = 0xffffffff - (uint32_t)rdmsr(X2APIC_TIMER_CURRENT);
    CHECK(per_10ms > 1000);

    wrmsr(X2APIC_LVT_TIMER, TIMER_VECTOR);
    unsigned before = lapic_ticks();
    uint64_t start = now();
    wrmsr(X2APIC_TIMER_INITIAL, per_10ms);
    wait_for_interrupt();
    uint64_t took = now() - start;
    EXPECT(lapic_ticks(), before + 1);
    CHECK(took > 9800 * US && took < 10200 * US);
    EXPECT(rdmsr(X2APIC_TIMER_CURRENT), 0);

    wrmsr(X2APIC_LVT_TIMER, LVT_PERIODIC | TIMER_VECTOR);
    before = lapic_ticks();
    wrmsr(X2APIC_TIMER_INITIAL, per_10ms);
    interrupts_on();
    delay(105 * MS);
    wrmsr(X2APIC_TIMER_INITIAL, 0);
    unsigned n = lapic_ticks() - before;
    CHECK(n >= 9 && n <= 11);
    delay(25 * MS);
    EXPECT(lapic_ticks() - before, n);
    interrupts_off();
    wrmsr(X2APIC_LVT_TIMER, LVT_MASKED);
}

/* Where the time went: the states of the vCPU add up to all of it. */
static void accounts(void)
{
    struct vcpu_runstate_info a, b;
    uint64_t sum = 0, start = now();

    EXPECT(vcpu_op(VCPUOP_get_runstate_info, 0, &a), 0);
    delay(10 * MS);
    EXPECT(set_timer(now() + 30 * MS, 0), 0);
    sleep_until_event();
    EXPECT(vcpu_op(VCPUOP_get_runstate_info, 0, &b), 0);
    uint64_t took = now() - start;
    for (unsigned i = 0; i < 4; i++) {
        CHECK(b.time[i] >= a.time[i]);
        sum += b.time[i] - a.time[i];
    }
    CHECK(sum <= took && sum + LATE > took);
    uint64_t slept = b.time[RUNSTATE_blocked] - a.time[RUNSTATE_blocked];
    CHECK(slept > 30 * MS - LATE && slept < 30 * MS + LATE);
    EXPECT(b.state, RUNSTATE_running);
    EXPECT(vcpu_op(VCPUOP_get_runstate_info, 1000, &b), -XEN_ENOENT);
}

static void runstate_area(void)
{
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area op;

    memset(&op, 0, sizeof op);
    op.addr.p = ADDRESS(&area);
    EXPECT(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), 0);
    EXPECT(area.state, RUNSTATE_running);
    uint64_t slept = area.time[RUNSTATE_blocked];
    EXPECT(set_timer(now() + 5 * MS, 0), 0);
    sleep_until_event();
    CHECK(area.time[RUNSTATE_blocked] - slept > 5 * MS - LATE);
    EXPECT(area.state, RUNSTATE_running);
    op.addr.p = 0;
    EXPECT(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op), 0);
}

static void clocks(void)
{
    const struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    uint64_t last = now();

    CHECK(!(t->version & 1) && t->tsc_to_system_mul);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t time = now();
        if (time < last)
            failure("time goes back by %lu ns", last - time);
        last = time;
    }
    CHECK(shared_info->wc_sec > 1600000000 && !(shared_info->wc_version & 1)); /* since 2020 */

    /* Is a ns of the clock one of the machine's? The TSC runs at 1 GHz under icount. */
    uint64_t tsc = rdtsc(), ns = now();
    while (now() < ns + 50 * MS)
        ;
    tsc = rdtsc() - tsc;
    CHECK(tsc > 49950 * US && tsc < 50050 * US);
}

static void run(void)
{
    events_init();
    int port = bind_virq(VIRQ_TIMER, 0);
    if (port < 0)
        error("VIRQ_TIMER cannot be bound: %d", port);
    timer = (evtchn_port_t)port;
    clocks();
    singleshot();
    busy();
    past();
    replaced_and_stopped();
    periodic();
    lapic_timer();
    accounts();
    runstate_area();
}

const struct test test = {"timers", run, NULL};
