/*
 * The local APIC's timer (SDM vol. 3, 11.5.4): one-shot or periodic. Its clock
 * before the divider runs at 1 GHz, so a count is nanoseconds.
 */
#include "../domain.h"

#define LVT_MASKED   BIT(16)
#define LVT_PERIODIC BIT(17)

/* A guest that asks for more interrupts gets as many: it must not keep the pCPU busy. */
#define SHORTEST_PERIOD 50000
/* ... nor need it fire often for one that does not run, or does not listen. */
#define UNHEARD_PERIOD 4000000

/* 0: by 2, ... 6: by 128, 7: by 1; bit 2 of the register is not used. */
static unsigned divide_shift(const struct vlapic *l)
{
    unsigned code = (l->timer_divide & 3) | (l->timer_divide & 8) >> 1;

    return (code + 1) & 7;
}

static sched_time length(const struct vlapic *l)
{
    return (sched_time)l->timer_initial << divide_shift(l);
}

/* Does one more of it tell the guest anything? */
static bool is_heard(const struct vlapic *l, uint8_t vector)
{
    uint32_t waiting = __atomic_load_n(&l->irr[vector / 32], __ATOMIC_RELAXED);

    return vector >= 16 && !(waiting >> vector % 32 & 1);
}

static void fire(struct timer *t)
{
    struct vcpu *v = container_of(t, struct vcpu, lapic.timer);
    struct vlapic *l = &v->lapic;

    spin_lock(&l->lock);
    bool raise = l->timer_initial && !(l->lvt_timer & LVT_MASKED);
    uint8_t vector = (uint8_t)l->lvt_timer;
    if (l->timer_initial && (l->lvt_timer & LVT_PERIODIC)) {
        sched_time t_now = now(), period = length(l);
        sched_time least = raise && is_heard(l, vector) ? SHORTEST_PERIOD : UNHEARD_PERIOD;
        l->timer_started += (t_now - l->timer_started) / period * period;
        timer_set(t, MAX(l->timer_started + period, t_now + least));
    }
    spin_unlock(&l->lock);
    if (raise)
        vlapic_raise(v, vector, false);
}

void vlapic_timer_init(struct vcpu *v)
{
    timer_init(&v->lapic.timer, fire);
}

static void restart(struct vlapic *l)
{
    l->timer_started = now();
    if (l->timer_initial)
        timer_set(&l->timer, l->timer_started + length(l));
    else
        timer_stop(&l->timer);
}

void vlapic_timer_restart(struct vcpu *v, uint32_t initial)
{
    spin_lock(&v->lapic.lock);
    v->lapic.timer_initial = initial;
    restart(&v->lapic);
    spin_unlock(&v->lapic.lock);
}

void vlapic_timer_divide(struct vcpu *v, uint32_t divide)
{
    spin_lock(&v->lapic.lock);
    v->lapic.timer_divide = divide;
    restart(&v->lapic);
    spin_unlock(&v->lapic.lock);
}

void vlapic_timer_stop(struct vcpu *v)
{
    spin_lock(&v->lapic.lock);
    v->lapic.timer_initial = v->lapic.timer_divide = 0;
    timer_stop(&v->lapic.timer);
    spin_unlock(&v->lapic.lock);
}

uint32_t vlapic_timer_count(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;
    uint32_t count = 0;

    spin_lock(&l->lock);
    if (l->timer_initial) {
        sched_time period = length(l), gone = now() - l->timer_started;
        if (l->lvt_timer & LVT_PERIODIC)
            gone %= period;
        if (gone < period)
            count = (uint32_t)((period - gone) >> divide_shift(l));
    }
    spin_unlock(&l->lock);
    return count;
}
