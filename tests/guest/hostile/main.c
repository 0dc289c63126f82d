/*
 * A million random hypercalls by domains without any privilege, from several
 * vCPUs at once, while dom0 pauses them, looks at them and maps their memory. The
 * hypervisor and dom0 go on, and what the domains had is free again afterwards.
 *
 * A number on the command line is the seed (tests/guest/run: SEED=).
 */
#include "../lib/watch.h"
#include "attack.h"

#define CALLS      1000000
#define VCPUS      2
#define CALLS_LIFE 100000 /* after these a child has seen enough */
#define SEED       1

#define WATCHDOG_VECTOR 0x51

/* ---- the child ------------------------------------------------------------------------------- */

static uint64_t seed;

/* Its own doing: NMIs, and interrupts with vectors that look like exceptions. */
static bool ignore(struct trap_frame *f)
{
    if (f->vector < 16)
        return f->vector == VECTOR_NMI;
    PROBE("wrmsr", , "c"(X2APIC_EOI), "a"(0), "d"(0));
    return true;
}

/* Wakes a vCPU that waits for what does not come. */
static void watchdog_on(void)
{
    wrmsr(X2APIC_TIMER_DIVIDE, 0xb);
    wrmsr(X2APIC_LVT_TIMER, BIT(17) | WATCHDOG_VECTOR);
    wrmsr(X2APIC_TIMER_INITIAL, 3000000);
}

static void attack(void)
{
    unsigned me = own_vcpu();
    struct attack a;

    attack_begin(&a, seed * MAX_CPUS + me);
    watchdog_on();
    interrupts_on();
    while (!report_page.report.finished) {
        attack_step(&a);
        report_page.report.done[me] = a.calls;
        if (a.calls > CALLS_LIFE / VCPUS)
            report_page.report.finished = true;
    }
    for (;;)
        __asm__ volatile("hlt");
}

static void child(uint64_t argument)
{
    seed = argument;
    trap_hook = ignore;
    events_init();
    attack_setup();
    for (unsigned id = 1; id < VCPUS; id++)
        cpu_start(id, attack);
    attack();
}

/* ---- dom0 ------------------------------------------------------------------------------------ */

#define LOOK_AT 0x130000000ULL

static struct random choice;

/* The child may be giving the page away at this moment. */
static void look_at_page(const struct child *c)
{
    xen_ulong_t from = random_below(&choice, 512);
    xen_pfn_t to = LOOK_AT >> PAGE_SHIFT;
    int err = 1;
    struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF,
                                          .space = XENMAPSPACE_gmfn_foreign,
                                          .size = 1,
                                          .u.foreign_domid = c->id};
    struct xen_remove_from_physmap remove = {.domid = DOMID_SELF, .gpfn = to};

    op.idxs.p = &from;
    op.gpfns.p = &to;
    op.errs.p = &err;
    EXPECT(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
    if (err)
        return;
    *(volatile uint64_t *)LOOK_AT = 0;
    EXPECT(memory_op(XENMEM_remove_from_physmap, &remove), 0);
}

static void pause(const struct child *c)
{
    EXPECT(child_pause(c), 0);
    EXPECT(child_unpause(c), 0);
}

static void ask(const struct child *c)
{
    struct xen_domctl op = {.u.getvcpuinfo.vcpu = (uint32_t)random_below(&choice, VCPUS)};
    EXPECT(domctl(&op, XEN_DOMCTL_getvcpuinfo, c->id), 0);
}

static void meanwhile(const struct child *c)
{
    switch (random_below(&choice, 32)) {
    case 0:
        pause(c);
        break;
    case 1:
    case 2:
    case 3:
        look_at_page(c);
        break;
    case 4:
        ask(c);
        break;
    default:
        rest(500000);
    }
}

static uint64_t sum(const struct report *r)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < MAX_CPUS; i++)
        n += r->done[i];
    return n;
}

static void run(void)
{
    const struct watch w = {
        .vcpus = VCPUS, .patience_ms = 200, .life_ms = 5000, .meanwhile = meanwhile};
    struct report last = {.finished = false};
    uint64_t calls = 0, lives = 0, lived = 0;

    events_init();
    avoid_first_pcpu(own_domid(), 1);
    choice.state = start_number(SEED);
    watch_child(&w, random_next(&choice) & UINT32_MAX, &last);
    uint64_t before = free_pages();
    while (calls < CALLS) {
        watch_child(&w, random_next(&choice) & UINT32_MAX, &last);
        calls += sum(&last);
        lives++;
        lived += last.finished;
        if (lives > 1000)
            error("%lu hypercalls in %lu lives: they are too short", calls, lives);
    }
    expect_free_pages(before);
    print("%lu hypercalls in %lu lives, %lu of them to the end", calls, lives, lived);
    EXPECT(version_op(XENVER_version, NULL), 4 << 16 | 17);
}

const struct test test = {"hostile", run, child};
