/*
 * Interrupt messages: who is meant (SDM vol. 3, 11.6.2 and 11.12.10), and what
 * each delivery mode does there. INIT takes a vCPU down, SIPI starts it again.
 */
#include "../domain.h"
#include "../hvm.h"

#define ICR_LOGICAL BIT(11)
#define ICR_ASSERT  BIT(14)
#define ICR_LEVEL   BIT(15)

enum { NOBODY, SELF, EVERYBODY, OTHERS }; /* shorthands, bits 18-19 */

static bool addressed_physically(uint32_t id, const struct apic_message *m)
{
    return m->dest == id || m->dest == (m->wide ? 0xffffffffu : 0xffu);
}

static bool addressed_logically(const struct vcpu *v, const struct apic_message *m)
{
    const struct vlapic *l = &v->lapic;
    uint32_t id = vlapic_id_of(v->id);

    if (vlapic_x2apic(v)) {
        if (m->wide && m->dest == 0xffffffffu)
            return true;
        return m->dest >> 16 == id >> 4 && (m->dest >> (id & 15) & 1);
    }
    uint32_t mine = l->ldr >> 24, dest = m->dest & 0xff;
    if (l->dfr >> 28 == 0xf)
        return mine & dest; /* flat: a bit for each */
    return (dest >> 4 == mine >> 4 || dest >> 4 == 0xf) && (mine & dest & 0xf);
}

static bool addressed(const struct vcpu *v, const struct apic_message *m)
{
    return m->logical ? addressed_logically(v, m) : addressed_physically(vlapic_id_of(v->id), m);
}

/* ---- what it does there -------------------------------------------------------------------- */

static void nmi(struct vcpu *v)
{
    __atomic_store_n(&v->nmi_pending, true, __ATOMIC_SEQ_CST);
    if (v->blocked)
        vcpu_wake(v);
    else
        vcpu_kick(v);
}

/* Down before it waits: a SIPI finds either the old life or a vCPU that runs nowhere. One that is
 * just being started is not disturbed. */
static void init(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;

    spin_lock(&l->lock);
    bool starting = l->starting;
    spin_unlock(&l->lock);
    if (starting)
        return;
    if (!v->down)
        vcpu_down(v);
    vlapic_reset(v);
    spin_lock(&l->lock);
    l->wait_for_sipi = true;
    spin_unlock(&l->lock);
}

static bool claim_start(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;

    spin_lock(&l->lock);
    bool mine = l->wait_for_sipi && !l->starting && v->down;
    if (mine)
        l->starting = true;
    spin_unlock(&l->lock);
    return mine;
}

/* It is claimed and loaded nowhere. */
static void start(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;

    v->nmi_pending = false;
    hvm->start_real(v, l->sipi_page);
    v->initialised = true;
    spin_lock(&l->lock);
    l->wait_for_sipi = false;
    spin_unlock(&l->lock);
    vcpu_up(v);
    spin_lock(&l->lock);
    l->starting = false;
    spin_unlock(&l->lock);
}

void vlapic_left(struct vcpu *v)
{
    if (__atomic_exchange_n(&v->lapic.sipi_waits, false, __ATOMIC_SEQ_CST))
        start(v);
}

/* The vCPU may still be on the pCPU where its INIT has met it. Then it starts when it leaves that
 * (schedule.c, unload(): the other way round it first leaves, then looks for a SIPI). */
static void startup(struct vcpu *v, uint8_t page)
{
    struct vlapic *l = &v->lapic;

    if (!claim_start(v))
        return;
    l->sipi_page = page;
    __atomic_store_n(&l->sipi_waits, true, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&v->loaded_on, __ATOMIC_SEQ_CST))
        vcpu_kick(v);
    else
        vlapic_left(v);
}

static void deliver(struct vcpu *v, const struct apic_message *m)
{
    switch (m->mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        vlapic_raise(v, m->vector, m->level);
        break;
    case APIC_NMI:
        nmi(v);
        break;
    case APIC_INIT:
        init(v);
        break;
    case APIC_STARTUP:
        startup(v, m->vector);
        break;
    }
}

/* ---- to whom ------------------------------------------------------------------------------- */

static struct vcpu *least_busy(struct domain *d, const struct apic_message *m)
{
    struct vcpu *best = NULL;

    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        if (v && addressed(v, m) && vlapic_enabled(v) && (!best || v->lapic.tpr < best->lapic.tpr))
            best = v;
    }
    return best;
}

void vlapic_send(struct domain *d, const struct apic_message *m)
{
    if (m->mode == APIC_LOWEST) {
        struct vcpu *v = least_busy(d, m);
        if (v)
            deliver(v, m);
        return;
    }
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        if (v && addressed(v, m))
            deliver(v, m);
    }
}

static void send_all_but(struct domain *d, const struct vcpu *except, const struct apic_message *m)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] && d->vcpus[i] != except)
            deliver(d->vcpus[i], m);
    }
}

void vlapic_send_icr(struct vcpu *v, uint64_t icr)
{
    bool wide = vlapic_x2apic(v);
    struct apic_message m = {
        .dest = (uint32_t)(wide ? icr >> 32 : icr >> 56),
        .wide = wide,
        .logical = icr & ICR_LOGICAL,
        .mode = icr >> 8 & 7,
        .vector = (uint8_t)icr,
    };

    if (m.mode == APIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return; /* de-assert: nothing since the Pentium 4 */
    switch (icr >> 18 & 3) {
    case NOBODY:
        vlapic_send(v->domain, &m);
        break;
    case SELF:
        if (m.mode == APIC_FIXED)
            deliver(v, &m);
        break;
    case EVERYBODY:
        send_all_but(v->domain, NULL, &m);
        break;
    case OTHERS:
        send_all_but(v->domain, v, &m);
        break;
    }
}
