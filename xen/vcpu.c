/* A vCPU's beginning and end, and its timers. */
#include "domain.h"
#include "event.h"
#include "hvm.h"

/* ---- timers: VCPUOP_set_singleshot_timer, VCPUOP_set_periodic_timer, SCHEDOP_poll ---------- */

static void singleshot_fires(struct timer *t)
{
    virq_raise_vcpu(container_of(t, struct vcpu, singleshot), VIRQ_TIMER);
}

/* Periods that have been missed are not made up for. */
static void periodic_fires(struct timer *t)
{
    struct vcpu *v = container_of(t, struct vcpu, periodic);
    sched_time period = __atomic_load_n(&v->period, __ATOMIC_RELAXED);

    if (!period)
        return;
    timer_set(t, now() + period);
    virq_raise_vcpu(v, VIRQ_TIMER);
}

static void poll_fires(struct timer *t)
{
    struct vcpu *v = container_of(t, struct vcpu, poll_timer);

    if (v->poll)
        vcpu_wake(v);
}

void vcpu_stop_timers(struct vcpu *v)
{
    v->period = 0;
    timer_fini(&v->singleshot);
    timer_fini(&v->periodic);
    timer_fini(&v->poll_timer);
    vlapic_fini(v);
}

/* ---- life ----------------------------------------------------------------------------------- */

static struct vcpu *alloc_vcpu(struct domain *d, unsigned id)
{
    struct vcpu *v = xnew(struct vcpu);

    if (!v)
        return NULL;
    v->domain = d;
    v->id = id;
    v->down = true;
    v->info_mfn = MFN_NONE;
    /* Those beyond have none before they register one. */
    if (id < XEN_LEGACY_MAX_VCPUS)
        v->info = &d->shared->vcpu_info[id];
    timer_init(&v->singleshot, singleshot_fires);
    timer_init(&v->periodic, periodic_fires);
    timer_init(&v->poll_timer, poll_fires);
    return v;
}

void vcpu_free(struct vcpu *v)
{
    vcpu_stop_timers(v);
    if (v->unit)
        schedule_vcpu_fini(v);
    if (v->hw)
        hvm->vcpu_fini(v);
    xfree(v);
}

/* The slot is checked again: another vCPU of the toolstack may have been faster. */
static int publish(struct domain *d, struct vcpu *v)
{
    int err = 0;

    spin_lock(&d->lock);
    if (d->dying)
        err = -XEN_EINVAL;
    else if (d->vcpus[v->id])
        err = -XEN_EEXIST;
    else {
        if (d->pauses)
            vcpu_pause(v);
        __atomic_store_n(&d->vcpus[v->id], v, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    return err;
}

int vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v;
    int err;

    if (id >= d->max_vcpus)
        return -XEN_EINVAL;
    if (d->vcpus[id])
        return -XEN_EEXIST;
    v = alloc_vcpu(d, id);
    if (!v)
        return -XEN_ENOMEM;
    vlapic_init(v);
    err = hvm->vcpu_init(v);
    if (!err)
        err = schedule_vcpu_init(v);
    if (!err)
        err = publish(d, v);
    if (err)
        vcpu_free(v);
    return err;
}
