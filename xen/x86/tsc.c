/*
 * Time: the TSC, whose speed is measured once against a clock that tells its
 * own (HPET, ACPI's PM timer or the PIT), and scaled as pvclock does it.
 */
#include "../boot.h"
#include "../lib.h"
#include "../timer.h"
#include "arch.h"

#define NS_PER_SECOND 1000000000LL
#define PM_TIMER_HZ   3579545 /* ACPI 6.4, 4.8.3.3 */
#define PIT_HZ        1193182

/* A measurement is given up after so many cycles: the reference does not count. */
#define PATIENCE   (1ULL << 32)
#define FIRST_LOOK 10000

uint64_t tsc_khz;
uint32_t tsc_mul;
int8_t tsc_shift;
int64_t wallclock_base;
uint64_t tsc_base; /* at now() == 0 */

sched_time time_of_tsc(uint64_t tsc)
{
    uint64_t cycles = tsc - tsc_base;

    cycles = tsc_shift < 0 ? cycles >> -tsc_shift : cycles << tsc_shift;
    return (sched_time)((unsigned __int128)cycles * tsc_mul >> 32);
}

sched_time now(void)
{
    return time_of_tsc(rdtsc());
}

void delay_us(unsigned us)
{
    sched_time end = now() + (sched_time)us * 1000;

    while (tsc_mul && now() < end)
        cpu_relax();
}

/* ---- clocks to compare with ------------------------------------------------------------ */

struct reference {
    const char *name;
    uint64_t hz, window; /* ticks for each second, and for one measurement */
    uint64_t mask;       /* where it wraps */
    uint64_t (*read)(void);
};

/* HPET (IA-PC HPET specification 1.0a, 2.3): period in 1e-15 s at 4, configuration at 0x10, whose
 * bit 0 lets it count, main counter at 0xf0. */
static volatile uint32_t *hpet;

static uint64_t hpet_read(void)
{
    return hpet[0xf0 / 4];
}

static bool hpet_start(struct reference *r)
{
    if (!acpi.hpet)
        return false;
    hpet = map_mmio(acpi.hpet, 1024);
    if (!hpet)
        return false;
    uint32_t period = hpet[4 / 4];
    if (!period || period > 100000000)
        return false;
    hpet[0x10 / 4] |= 1;
    uint64_t hz = 1000000000000000ULL / period;
    *r = (struct reference){"HPET", hz, hz / 50, 0xffffffff, hpet_read};
    return true;
}

static uint64_t pm_timer_read(void)
{
    return inl(acpi.pm_timer_port);
}

static bool pm_timer_start(struct reference *r)
{
    *r = (struct reference){"ACPI timer", PM_TIMER_HZ, PM_TIMER_HZ / 50, 0xffffff, pm_timer_read};
    return acpi.pm_timer_port;
}

/* Channel 2 of the 8254 counts down from 0xffff; latch it, then read low and high byte. */
static uint64_t pit_read(void)
{
    outb(0x43, 0x80);
    uint8_t low = inb(0x42);
    return 0xffffu - (low | inb(0x42) << 8);
}

/* Its gate is bit 0 of port 0x61 (bit 1, the speaker, stays off). It wraps after 55 ms, so the
 * window is short. */
static bool pit_start(struct reference *r)
{
    outb(0x61, (inb(0x61) & ~2) | 1);
    outb(0x43, 0xb0); /* channel 2, low and high byte, mode 0 */
    outb(0x42, 0xff);
    outb(0x42, 0xff);
    *r = (struct reference){"PIT", PIT_HZ, PIT_HZ / 100, 0xffff, pit_read};
    return true;
}

/* ---- measuring --------------------------------------------------------------------------- */

/* Of a few tries the one with the least time around the slow read, so that no interruption (SMI, or
 * whoever else uses the emulator's host) comes between. */
struct clock_pair clock_pair(uint64_t (*read)(void))
{
    struct clock_pair best = {0, 0};
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = rdtsc(), ticks = read(), took = rdtsc() - before;

        if (took < least) {
            least = took;
            best = (struct clock_pair){before + took / 2, ticks};
        }
    }
    return best;
}

/* The next look at the reference is due when it will have counted a window, by what it has counted
 * so far; not much later than now, as long as that is little. Looking is slow: each costs an
 * emulator as much as thousands of instructions. */
static uint64_t cycles_for_window(const struct reference *r, uint64_t cycles, uint64_t ticks)
{
    uint64_t most = cycles * 16;

    return ticks ? MIN(cycles * r->window / ticks + 1, most) : most;
}

/* The TSC's frequency in Hz; 0 if the reference is no use. */
static uint64_t measure(const struct reference *r)
{
    struct clock_pair from = clock_pair(r->read);
    uint64_t cycles = FIRST_LOOK, ticks = 0;

    while (ticks < r->window) {
        cycles = cycles_for_window(r, cycles, ticks);
        while (rdtsc() - from.tsc < cycles)
            cpu_relax();
        struct clock_pair to = clock_pair(r->read);

        cycles = to.tsc - from.tsc;
        ticks = (to.ticks - from.ticks) & r->mask;
        if (cycles > PATIENCE)
            return 0;
    }
    return cycles * r->hz / ticks;
}

static uint64_t tsc_measure(const char **by)
{
    static bool (*const start[])(struct reference *) = {hpet_start, pm_timer_start, pit_start};

    for (unsigned i = 0; i < ARRAY_SIZE(start); i++) {
        struct reference r;
        uint64_t hz = start[i](&r) ? measure(&r) : 0;

        if (hz) {
            *by = r.name;
            return hz;
        }
    }
    panic("no clock to measure the TSC with: HPET, ACPI timer and PIT do not count");
}

/* ns = ((tsc << shift) * mul) >> 32 with the most precise 32-bit factor: the frequency, shifted to
 * between 1 and 2 GHz, makes it one from 2^31 to 2^32. */
static void scale_set(uint64_t hz)
{
    int8_t shift = 0;

    for (; hz > 2 * NS_PER_SECOND; hz >>= 1)
        shift--;
    for (; hz <= NS_PER_SECOND; hz <<= 1)
        shift++;
    tsc_shift = shift;
    tsc_mul = ((uint64_t)NS_PER_SECOND << 32) / hz;
}

void time_init(void)
{
    const char *by;
    uint64_t hz = tsc_measure(&by);

    tsc_khz = hz / 1000;
    tsc_base = rdtsc();
    scale_set(hz);
    wallclock_base = rtc_read() * NS_PER_SECOND - now();
    printk(LOG_INFO, "time: TSC %lu.%03lu MHz by the %s", tsc_khz / 1000, tsc_khz % 1000, by);
}
