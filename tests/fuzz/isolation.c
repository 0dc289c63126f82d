/*
 * While an unprivileged domain is in a hypercall, AddressSanitizer reports any
 * access to other domains' private pages: those that nothing else refers to
 * and that are not granted to the caller. What the caller may not change of
 * other domains' state is hashed before and after.
 */
#include <sanitizer/asan_interface.h>

#include "check.h"
#include "machine.h"
#include "../../xen/event_private.h"

static const struct domain *caller;
static bool granted[RAM_FRAMES];
static uint64_t before;

/* ---- memory ---------------------------------------------------------------------------------- */

static void note_granted(mfn_t mfn)
{
    granted[mfn] = true;
}

static bool is_private(const struct frame *f)
{
    mfn_t mfn = mfn_of(f);
    bool tail = mfn >= LARGE_PAGE + 32 && mfn < LARGE_PAGE + (1 << ORDER_2M);

    return f->refs == 1 && !granted[mfn] && !tail;
}

/* Pages that have changed hands meanwhile are nobody's secret: what was set is taken back for all.
 */
static bool set[RAM_FRAMES];

static void hide(void)
{
    list_for_each(d, &domains, struct domain, link) {
        if (d == caller)
            continue;
        list_for_each(f, &d->pages, struct frame, link) {
            if (!is_private(f))
                continue;
            set[mfn_of(f)] = true;
            plain_fill(shadow_of(mfn_to_va(mfn_of(f))), 0xf7, PAGE_SIZE / 8);
        }
    }
}

static void show(void)
{
    for (mfn_t mfn = 0; mfn < RAM_FRAMES; mfn++) {
        if (!set[mfn])
            continue;
        set[mfn] = false;
        plain_fill(shadow_of(mfn_to_va(mfn)), 0, PAGE_SIZE / 8);
    }
}

/* ---- state ----------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const uint8_t *byte = data;

    while (n--)
        h = (h ^ *byte++) * 0x100000001b3ULL;
    return h;
}

#define HASH(h, what) hash(h, &(what), sizeof(what))

static uint64_t hash_port(uint64_t h, const struct evtchn *c, evtchn_port_t port)
{
    if (c->state == EVTCHN_INTERDOMAIN && c->far.domain == caller)
        return h;
    if (c->state == EVTCHN_UNBOUND && c->unbound == caller->id)
        return h;
    if (c->state <= EVTCHN_RESERVED)
        return h;
    h = HASH(h, port);
    h = HASH(h, c->state);
    h = HASH(h, c->vcpu);
    h = HASH(h, c->priority);
    return c->state == EVTCHN_INTERDOMAIN ? HASH(h, c->far.port) : HASH(h, c->unbound);
}

static uint64_t hash_vcpu(uint64_t h, const struct vcpu *v)
{
    h = HASH(h, v->unit->value);
    h = HASH(h, v->unit->hard);
    h = HASH(h, v->unit->paused);
    h = HASH(h, v->down);
    h = HASH(h, v->info_mfn);
    h = HASH(h, v->runstate_gva);
    h = HASH(h, v->virq_port);
    return HASH(h, v->upcall_vector);
}

static uint64_t hash_domain(uint64_t h, const struct domain *d)
{
    h = HASH(h, d->sched->value);
    h = HASH(h, d->tot_pages);
    h = HASH(h, d->max_pages);
    h = HASH(h, d->pauses);
    h = HASH(h, d->handle);
    h = HASH(h, d->params);
    h = HASH(h, d->node);
    h = HASH(h, d->numa.affinity);
    h = HASH(h, d->dying);
    h = HASH(h, d->shut_down);
    h ^= d->p2m.epoch << 32;
    h = HASH(h, d->p2m.nr_tables);
    h = HASH(h, d->p2m.highest);
    h = HASH(h, d->mtrr);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            h = hash_vcpu(h, d->vcpus[i]);
    for (evtchn_port_t port = 1; d->events && port < d->events->nr; port++)
        h = hash_port(h, evtchn_at(d->events, port), port);
    return h;
}

static uint64_t hash_others(void)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    list_for_each(d, &domains, struct domain, link)
        if (d != caller)
            h = hash_domain(h, d);
    return h;
}

/* ---- around a hypercall ---------------------------------------------------------------------- */

void isolation_begin(const struct domain *d)
{
    caller = d;
    memset(granted, 0, sizeof granted);
    list_for_each(other, &domains, struct domain, link)
        if (other != d)
            each_granted(other, d->id, note_granted);
    before = hash_others();
    hide();
}

void isolation_end(void)
{
    show();
    if (hash_others() != before)
        panic("d%u has changed another domain", caller->id);
    caller = NULL;
}

void isolation_suspend(void)
{
    if (caller)
        show();
}

void isolation_resume(void)
{
    if (caller)
        hide();
}
