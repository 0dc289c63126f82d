/* The local APIC: priorities, both faces, timer, and who gets a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__
#include "../../xen/x86/vlapic.c"
#undef LVT_MASKED
#include "../../xen/x86/vlapic_timer.c"
static struct pcpu here __attribute__((unused));
#define this_pcpu() (&here) /* there is no GS base */
#include "../../xen/x86/vlapic_send.c"

#define NR_VCPUS 20

static struct vcpu vcpus[NR_VCPUS];
static struct vcpu *vcpu_list[NR_VCPUS];
static struct domain domain;
static sched_time clock;
static unsigned upcalls, ended, wakes, kicks, started, page;
static bool has_events;

/* ---- the hypervisor around it ------------------------------------------------------------- */

static void start_real(struct vcpu *v, uint8_t vector)
{
    started = v->id;
    page = vector;
}

static const struct hvm_ops ops = {.start_real = start_real};
const struct hvm_ops *hvm = &ops;

void spin_init(struct spinlock *l, enum lock_rank rank)
{
    *l = (struct spinlock)SPINLOCK_INIT((uint16_t)rank);
}

void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->holder, -1);
    l->holder = 0;
}

void spin_unlock(struct spinlock *l)
{
    l->holder = -1;
}

sched_time now(void)
{
    return clock;
}

void timer_init(struct timer *t, void (*callback)(struct timer *))
{
    t->fire = callback;
}

void timer_set(struct timer *t, sched_time when)
{
    t->node.queued = true;
    t->node.key = when;
}

void timer_stop(struct timer *t)
{
    t->node.queued = false;
}

void timer_fini(struct timer *t)
{
    timer_stop(t);
}

/* Let time pass; the vCPU's timer fires when it is due. */
static void pass(struct vcpu *v, sched_time ns)
{
    struct timer *t = &v->lapic.timer;

    for (clock += ns; timer_is_set(t) && t->node.key <= clock;) {
        t->node.queued = false;
        t->fire(t);
    }
}

bool events_pending(const struct vcpu *v)
{
    (void)v;
    return has_events;
}

void event_upcall(struct vcpu *v)
{
    upcalls++;
    vlapic_raise(v, 0xf3, false);
}

void vioapic_eoi(struct domain *d, uint8_t vector)
{
    (void)d;
    ended = vector;
}

void vcpu_wake(struct vcpu *v)
{
    v->blocked = false;
    wakes++;
}

void vcpu_kick(struct vcpu *v)
{
    (void)v;
    kicks++;
}

void vcpu_up(struct vcpu *v)
{
    v->down = false;
}

void vcpu_down(struct vcpu *v)
{
    v->down = true;
}

static int setup(void **state)
{
    (void)state;
    memset(vcpus, 0, sizeof vcpus);
    memset(&domain, 0, sizeof domain);
    domain.max_vcpus = NR_VCPUS;
    domain.vcpus = vcpu_list;
    domain.ioapic = (struct vioapic *)&domain; /* only passed on */
    for (unsigned i = 0; i < NR_VCPUS; i++) {
        vcpus[i].id = i;
        vcpus[i].domain = &domain;
        vcpus[i].down = i > 0;
        vcpu_list[i] = &vcpus[i];
        vlapic_init(&vcpus[i]);
    }
    clock = 1000;
    upcalls = ended = wakes = kicks = started = page = 0;
    has_events = false;
    return 0;
}

static void to_x2apic(struct vcpu *v)
{
    uint64_t base;

    assert_int_equal(vlapic_rdmsr(v, 0x1b, &base), 0);
    assert_int_equal(vlapic_wrmsr(v, 0x1b, base | BASE_X2APIC), 0);
    assert_int_equal(vlapic_wrmsr(v, 0x80f, 0x1ff), 0);
}

static uint64_t get(struct vcpu *v, uint32_t msr)
{
    uint64_t value = 0xdead;

    assert_int_equal(vlapic_rdmsr(v, msr, &value), 0);
    return value;
}

static void set(struct vcpu *v, uint32_t msr, uint64_t value)
{
    assert_int_equal(vlapic_wrmsr(v, msr, value), 0);
}

static unsigned irr_count(unsigned vector)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NR_VCPUS; i++)
        n += has_vector(vcpus[i].lapic.irr, (uint8_t)vector);
    return n;
}

/* ---- priorities ------------------------------------------------------------------------------- */

static void test_reset_values(void **state)
{
    struct vcpu *v = &vcpus[3];

    (void)state;
    assert_int_equal(get(&vcpus[0], 0x1b), 0xfee00900);
    assert_int_equal(get(v, 0x1b), 0xfee00800);
    assert_int_equal(vlapic_mmio_read(v, 0x20), 6 << 24);
    to_x2apic(v);
    assert_int_equal(get(v, 0x802), 6);
    assert_int_equal(get(v, 0x803), 0x50014);
    assert_int_equal(get(v, 0x80d), 1 << 6);
    assert_int_equal(get(v, 0x835), 0x10000);
    to_x2apic(&vcpus[9]);
    assert_int_equal(get(&vcpus[9], 0x80d), 1 << 16 | 1 << 2);
}

static void test_deaf_until_enabled(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    vlapic_raise(v, 0x40, false);
    has_events = true;
    assert_int_equal(vlapic_pending(v), -1);
    to_x2apic(v);
    assert_int_equal(upcalls, 1);
    assert_int_equal(vlapic_pending(v), 0xf3);
    set(v, 0x80f, 0x1ff);
    assert_int_equal(upcalls, 1);
    set(v, 0x80f, 0xff);
    assert_int_equal(vlapic_pending(v), -1);
}

static void test_priorities_nest(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    vlapic_raise(v, 0x41, false);
    vlapic_raise(v, 0x45, false);
    assert_int_equal(vlapic_pending(v), 0x45);
    vlapic_accept(v, 0x45);
    assert_int_equal(vlapic_pending(v), -1); /* same class as the one in service */
    vlapic_raise(v, 0x51, false);
    assert_int_equal(vlapic_pending(v), 0x51);
    vlapic_accept(v, 0x51);
    assert_int_equal(get(v, 0x80a), 0x50);
    set(v, 0x80b, 0);
    assert_int_equal(vlapic_pending(v), -1);
    set(v, 0x80b, 0);
    assert_int_equal(vlapic_pending(v), 0x41);
    set(v, 0x808, 0x40);
    assert_int_equal(vlapic_pending(v), -1);
    set(v, 0x808, 0x3f);
    assert_int_equal(vlapic_pending(v), 0x41);
    assert_int_equal(ended, 0);
}

static void test_what_is_not_taken_stays_pending(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    vlapic_raise(v, 0x41, false);
    vlapic_accept(v, 0x41);
    vlapic_raise(v, 0x51, true);
    vlapic_accept(v, 0x51);
    vlapic_withdraw(v, 0x51);
    assert_int_equal(get(v, 0x80a), 0x40); /* the one below is in service again */
    assert_int_equal(vlapic_pending(v), 0x51);
    vlapic_accept(v, 0x51);
    set(v, 0x80b, 0);
    assert_int_equal(ended, 0x51);
    assert_int_equal(vlapic_pending(v), -1);
}

static void test_level_triggered_end_is_broadcast(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    vlapic_raise(v, 0x60, true);
    vlapic_accept(v, 0x60);
    set(v, 0x80b, 0);
    assert_int_equal(ended, 0x60);
    ended = 0;
    vlapic_raise(v, 0x60, false);
    vlapic_accept(v, 0x60);
    set(v, 0x80b, 0);
    assert_int_equal(ended, 0);
}

static void test_illegal_vectors_are_errors(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    set(v, 0x837, 0x50);
    set(v, 0x83f, 0x0f);
    assert_int_equal(vlapic_pending(v), 0x50);
    assert_int_equal(get(v, 0x828), 0);
    set(v, 0x828, 0);
    assert_int_equal(get(v, 0x828), ERROR_SENT_ILLEGAL);
    set(v, 0x828, 0);
    assert_int_equal(get(v, 0x828), 0);
}

static void test_refused_accesses(void **state)
{
    struct vcpu *v = &vcpus[0];
    uint64_t value;

    (void)state;
    assert_int_equal(vlapic_rdmsr(v, 0x802, &value), -XEN_EPERM); /* in xAPIC mode */
    assert_int_equal(vlapic_wrmsr(v, 0x1b, 0xfed00900), -XEN_EPERM);
    assert_int_equal(vlapic_wrmsr(v, 0x1b, 0xfee00500), -XEN_EPERM);
    to_x2apic(v);
    assert_int_equal(vlapic_wrmsr(v, 0x1b, 0xfee00900), -XEN_EPERM);
    static const uint32_t unreadable[] = {0x800, 0x809, 0x80b, 0x80e, 0x82f, 0x831, 0x83f};
    for (unsigned i = 0; i < ARRAY_SIZE(unreadable); i++)
        assert_int_equal(vlapic_rdmsr(v, unreadable[i], &value), -XEN_EPERM);
    static const uint32_t unwritable[] = {0x802, 0x803, 0x80a, 0x80d, 0x810, 0x820, 0x839};
    for (unsigned i = 0; i < ARRAY_SIZE(unwritable); i++)
        assert_int_equal(vlapic_wrmsr(v, unwritable[i], 0), -XEN_EPERM);
    assert_int_equal(vlapic_wrmsr(v, 0x808, 0x100), -XEN_EPERM);
    assert_int_equal(vlapic_wrmsr(v, 0x80b, 1), -XEN_EPERM);
    set(v, 0x1b, 0xfee00100); /* off, and that was a reset */
    assert_false(vlapic_enabled(v));
    assert_int_equal(vlapic_wrmsr(v, 0x1b, 0xfee00d00), -XEN_EPERM);
    set(v, 0x1b, 0xfee00900);
}

/* ---- timer -------------------------------------------------------------------------------------- */

static void test_one_shot(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    set(v, 0x83e, 0xb); /* by 1 */
    set(v, 0x832, 0x40);
    set(v, 0x838, 1000);
    pass(v, 400);
    assert_int_equal(get(v, 0x839), 600);
    assert_int_equal(vlapic_pending(v), -1);
    pass(v, 700);
    assert_int_equal(vlapic_pending(v), 0x40);
    assert_int_equal(get(v, 0x839), 0);
    vlapic_accept(v, 0x40);
    set(v, 0x80b, 0);
    pass(v, 10000);
    assert_int_equal(vlapic_pending(v), -1);
}

static void test_divider_and_mask(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    set(v, 0x83e, 0x3); /* by 16 */
    set(v, 0x838, 100);
    pass(v, 800);
    assert_int_equal(get(v, 0x839), 50);
    pass(v, 1000);
    assert_int_equal(vlapic_pending(v), -1); /* the entry is masked after reset */
}

static void test_periodic_is_bounded(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    set(v, 0x83e, 0xb);
    set(v, 0x832, 0x20040);
    set(v, 0x838, 1); /* every nanosecond */
    for (unsigned i = 0; i < 3; i++) {
        pass(v, SHORTEST_PERIOD);
        assert_true(timer_is_set(&v->lapic.timer));
        assert_true(v->lapic.timer.node.key >= clock + SHORTEST_PERIOD);
        vlapic_accept(v, 0x40);
        set(v, 0x80b, 0);
    }
    pass(v, SHORTEST_PERIOD);
    pass(v, SHORTEST_PERIOD); /* nobody has taken the last one */
    assert_true(v->lapic.timer.node.key >= clock + UNHEARD_PERIOD - SHORTEST_PERIOD);
    vlapic_accept(v, 0x40);
    set(v, 0x80b, 0);
    set(v, 0x838, 1000000);
    pass(v, 2300000);
    assert_int_equal(vlapic_pending(v), 0x40);
    assert_int_equal(get(v, 0x839), 700000);
    assert_int_equal(v->lapic.timer.node.key, clock + 700000);
    set(v, 0x838, 0);
    assert_false(timer_is_set(&v->lapic.timer));
}

/* ---- messages ------------------------------------------------------------------------------------- */

static void all_to_x2apic(void)
{
    for (unsigned i = 0; i < NR_VCPUS; i++)
        to_x2apic(&vcpus[i]);
}

static void test_destinations(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    all_to_x2apic();
    set(v, 0x830, 38ULL << 32 | 0x71);
    assert_true(has_vector(vcpus[19].lapic.irr, 0x71));
    assert_int_equal(irr_count(0x71), 1);
    set(v, 0x830, 0xffffffffULL << 32 | 0x72);
    assert_int_equal(irr_count(0x72), NR_VCPUS);
    set(v, 0x830, (1ULL << 16 | 0x5) << 32 | 0x873); /* logical: ids 16 and 18 */
    assert_true(has_vector(vcpus[8].lapic.irr, 0x73) && has_vector(vcpus[9].lapic.irr, 0x73));
    assert_int_equal(irr_count(0x73), 2);
    set(v, 0x830, 3ULL << 18 | 0x74);
    assert_int_equal(irr_count(0x74), NR_VCPUS - 1);
    set(v, 0x830, 2ULL << 18 | 0x75);
    assert_int_equal(irr_count(0x75), NR_VCPUS);
    set(v, 0x83f, 0x76);
    assert_true(has_vector(v->lapic.irr, 0x76));
    assert_int_equal(irr_count(0x76), 1);
}

static void test_xapic_logical_modes(void **state)
{
    const struct apic_message flat = {.dest = 0x05, .logical = true, .vector = 0x81};
    const struct apic_message cluster = {.dest = 0x23, .logical = true, .vector = 0x82};
    const struct apic_message all = {.dest = 0xff, .vector = 0x83};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        vlapic_mmio_write(&vcpus[i], 0xf0, 0x1ff);
        vlapic_mmio_write(&vcpus[i], 0xd0, 1u << (24 + i));
    }
    vlapic_send(&domain, &flat);
    assert_true(has_vector(vcpus[0].lapic.irr, 0x81) && has_vector(vcpus[2].lapic.irr, 0x81));
    assert_int_equal(irr_count(0x81), 2);
    for (unsigned i = 0; i < 4; i++) {
        vlapic_mmio_write(&vcpus[i], 0xe0, 0);
        vlapic_mmio_write(&vcpus[i], 0xd0, (i / 2 + 1) << 28 | 1u << (24 + i % 2));
    }
    vlapic_send(&domain, &cluster);
    assert_true(has_vector(vcpus[2].lapic.irr, 0x82) && has_vector(vcpus[3].lapic.irr, 0x82));
    assert_int_equal(irr_count(0x82), 2);
    vlapic_send(&domain, &all);
    assert_int_equal(irr_count(0x83), 4); /* the others are disabled */
}

static void test_lowest_priority_takes_one(void **state)
{
    const struct apic_message m = {.dest = 0xff, .mode = APIC_LOWEST, .vector = 0x91};

    (void)state;
    all_to_x2apic();
    for (unsigned i = 0; i < NR_VCPUS; i++)
        vcpus[i].lapic.tpr = i == 7 ? 0x10 : 0x20;
    vlapic_send(&domain, &m);
    assert_int_equal(irr_count(0x91), 1);
    assert_true(has_vector(vcpus[7].lapic.irr, 0x91));
}

static void test_blocked_is_woken_running_kicked(void **state)
{
    (void)state;
    all_to_x2apic();
    kicks = 0;
    vcpus[1].blocked = true;
    vlapic_raise(&vcpus[1], 0x40, false);
    assert_int_equal(wakes, 1);
    vlapic_raise(&vcpus[1], 0x41, false);
    assert_int_equal(kicks, 1);
    vcpus[1].blocked = true;
    set(&vcpus[0], 0x830, 2ULL << 32 | APIC_NMI << 8);
    assert_true(vcpus[1].nmi_pending);
    assert_int_equal(wakes, 2);
}

/* As Linux 6.1 does it: xen-abi.md, 3.3. */
static void test_init_sipi_sipi(void **state)
{
    struct vcpu *v = &vcpus[0];

    (void)state;
    to_x2apic(v);
    set(v, 0x830, 0x20000c500);
    set(v, 0x830, 0x200008500);
    assert_true(vcpus[1].down);
    set(v, 0x830, 0x200000699);
    assert_false(vcpus[1].down);
    assert_true(vcpus[1].initialised);
    assert_int_equal(started, 1);
    assert_int_equal(page, 0x99);
    started = 0;
    set(v, 0x830, 0x200000698);
    assert_int_equal(started, 0); /* it runs */
    to_x2apic(&vcpus[1]);
    set(v, 0x830, 0x20000c500);
    assert_true(vcpus[1].down);
    assert_true(vlapic_x2apic(&vcpus[1])); /* INIT keeps the mode */
    assert_false(vlapic_enabled(&vcpus[1]));
    set(v, 0x830, 0x200000697);
    assert_int_equal(page, 0x97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset_values, setup),
        cmocka_unit_test_setup(test_deaf_until_enabled, setup),
        cmocka_unit_test_setup(test_priorities_nest, setup),
        cmocka_unit_test_setup(test_what_is_not_taken_stays_pending, setup),
        cmocka_unit_test_setup(test_level_triggered_end_is_broadcast, setup),
        cmocka_unit_test_setup(test_illegal_vectors_are_errors, setup),
        cmocka_unit_test_setup(test_refused_accesses, setup),
        cmocka_unit_test_setup(test_one_shot, setup),
        cmocka_unit_test_setup(test_divider_and_mask, setup),
        cmocka_unit_test_setup(test_periodic_is_bounded, setup),
        cmocka_unit_test_setup(test_destinations, setup),
        cmocka_unit_test_setup(test_xapic_logical_modes, setup),
        cmocka_unit_test_setup(test_lowest_priority_takes_one, setup),
        cmocka_unit_test_setup(test_blocked_is_woken_running_kicked, setup),
        cmocka_unit_test_setup(test_init_sipi_sipi, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
