/*
 * The local APIC (Intel SDM vol. 3, chapter 11; AMD manual vol. 2, chapter 16):
 * interrupts between pCPUs and the one-shot timer. In x2APIC mode if the
 * processor has it, otherwise through its page of registers.
 */
#include "../boot.h"
#include "../lib.h"
#include "../timer.h"
#include "arch.h"

/* Offsets in the page; MSR 0x800 + offset / 16 in x2APIC mode. */
enum {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_TPR = 0x80,
    APIC_EOI = 0xb0,
    APIC_SVR = 0xf0,
    APIC_LVT_CMCI = 0x2f0,
    APIC_ICR = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_PERF = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define BASE_ENABLED BIT(11)
#define BASE_X2APIC  BIT(10)
#define BASE_ADDRESS 0xffffff000ULL
#define SVR_ENABLED  0x100
#define LVT_MASKED   0x10000
#define LVT_NMI      0x400
#define DIVIDE_BY_1  0xb
#define ICR_PENDING  0x1000
#define ICR_ASSERT   0x4000
#define ICR_INIT     0x500
#define ICR_STARTUP  0x600
#define TIMER_MAX    0xffffffffu

#define CALIBRATION_US 5000

static bool x2apic;
static volatile uint8_t *page; /* NULL in x2APIC mode */
static uint64_t timer_mul;     /* timer counts for each ns, in units of 2^-32 */

static uint32_t apic_read(unsigned offset)
{
    if (x2apic)
        return rdmsr(0x800 + offset / 16);
    return *(volatile uint32_t *)(page + offset);
}

static void apic_write(unsigned offset, uint32_t value)
{
    if (x2apic)
        wrmsr(0x800 + offset / 16, value);
    else
        *(volatile uint32_t *)(page + offset) = value;
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);

    return x2apic ? id : id >> 24;
}

bool apic_is_x2(void)
{
    return x2apic;
}

/* ---- interrupts to others ------------------------------------------------------------- */

static void icr_send(uint32_t to, uint32_t command)
{
    if (x2apic) {
        /* Unlike a store to the page, this MSR does not wait for earlier stores to be seen. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(0x800 + APIC_ICR / 16, (uint64_t)to << 32 | command);
        return;
    }
    while (apic_read(APIC_ICR) & ICR_PENDING)
        cpu_relax();
    apic_write(APIC_ICR_HIGH, to << 24);
    apic_write(APIC_ICR, command);
}

void apic_send_ipi(uint32_t to, unsigned vector)
{
    icr_send(to, ICR_ASSERT | vector);
}

void apic_send_init(uint32_t to)
{
    icr_send(to, ICR_ASSERT | ICR_INIT);
}

void apic_send_sipi(uint32_t to, uint8_t start_page)
{
    icr_send(to, ICR_ASSERT | ICR_STARTUP | start_page);
}

/* ---- the timer ------------------------------------------------------------------------ */

/* Rounded up, so that it does not come just before what it was set for. */
static uint32_t timer_counts(sched_time ns)
{
    unsigned __int128 counts = ((unsigned __int128)ns * timer_mul >> 32) + 1;

    return counts < TIMER_MAX ? counts : TIMER_MAX;
}

void apic_timer_arm(sched_time when)
{
    sched_time ns = when == SCHED_NEVER ? 0 : when - now();
    uint32_t counts = when == SCHED_NEVER ? 0 : timer_counts(MAX(ns, 0));

    apic_write(APIC_TIMER_INITIAL, counts);
}

/* The one shot is spent, and no later one has been set: timers_arm must not believe otherwise. */
static void timer_interrupt(unsigned vector)
{
    (void)vector;
    this_pcpu()->timer_armed = SCHED_NEVER;
    apic_eoi();
}

static uint64_t timer_elapsed(void)
{
    return TIMER_MAX - apic_read(APIC_TIMER_CURRENT);
}

static void timer_calibrate(void)
{
    apic_write(APIC_TIMER_INITIAL, TIMER_MAX);
    struct clock_pair from = clock_pair(timer_elapsed);
    delay_us(CALIBRATION_US);
    struct clock_pair to = clock_pair(timer_elapsed);
    apic_write(APIC_TIMER_INITIAL, 0);

    uint64_t counts = to.ticks - from.ticks;
    uint64_t ns = (uint64_t)(time_of_tsc(to.tsc) - time_of_tsc(from.tsc));
    timer_mul = (counts << 32) / ns;
    if (!timer_mul)
        panic("the local APIC's timer does not count");
    printk(LOG_INFO, "APIC: %s, timer %lu kHz", x2apic ? "x2APIC" : "xAPIC", counts * 1000000 / ns);
}

/* ---- set-up ---------------------------------------------------------------------------- */

static void kick_interrupt(unsigned vector)
{
    (void)vector;
    apic_eoi();
}

/* It is not in service, so it gets no EOI (Intel SDM vol. 3, 11.9). */
static void spurious_interrupt(unsigned vector)
{
    (void)vector;
}

static void mode_enter(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | BASE_ENABLED;

    wrmsr(MSR_APIC_BASE, base);
    if (x2apic && !(base & BASE_X2APIC)) /* only from xAPIC mode: 11.12.5 */
        wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
}

/* Everything that we do not use is masked; NMI comes in through LINT1, as on every PC. */
static void lvt_init(void)
{
    unsigned last = apic_read(APIC_VERSION) >> 16 & 0xff; /* number of entries - 1 */

    apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    if (last >= 4)
        apic_write(APIC_LVT_PERF, LVT_MASKED);
    if (last >= 5)
        apic_write(APIC_LVT_THERMAL, LVT_MASKED);
    if (last >= 6)
        apic_write(APIC_LVT_CMCI, LVT_MASKED);
}

void apic_pcpu_init(void)
{
    mode_enter();
    apic_write(APIC_SVR, SVR_ENABLED | VECTOR_SPURIOUS); /* first: a disabled APIC masks its LVT */
    lvt_init();
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_TIMER_INITIAL, 0);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    /* Last: only a write to this makes QEMU notice that a request of the 8259, which LINT0 has
     * passed on, went away with LINT0's masking. It would deliver vector -1. */
    apic_write(APIC_TPR, 0);
}

void apic_init(void)
{
    uint32_t features[4];

    cpuid(1, 0, features);
    x2apic = features[2] >> 21 & 1;
    if (!x2apic)
        page = map_mmio(rdmsr(MSR_APIC_BASE) & BASE_ADDRESS, PAGE_SIZE);
    if (!x2apic && !page)
        panic("the local APIC cannot be mapped");
    interrupt_set_handler(VECTOR_TIMER, timer_interrupt);
    interrupt_set_handler(VECTOR_KICK, kick_interrupt);
    interrupt_set_handler(VECTOR_SPURIOUS, spurious_interrupt);
    apic_pcpu_init();
    timer_calibrate();
}
