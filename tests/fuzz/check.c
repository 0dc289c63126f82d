/*
 * Conservation: every frame has exactly one place, every reference somebody
 * who holds it, and what two sides know of each other agrees.
 */
#include "check.h"

#include "../../xen/event_private.h"
#include "machine.h"

/* By frame: references that were found, and the guest address at which its owner has it. */
static uint32_t found[RAM_FRAMES];
static bool placed[RAM_FRAMES];

static void count(mfn_t mfn)
{
    if (mfn >= RAM_FRAMES || frame_of(mfn)->state != FRAME_GUEST)
        panic("frame %lx is referred to and is nobody's", mfn);
    found[mfn]++;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void check_pages(const struct domain *d)
{
    uint64_t n = 0, on_node[MAX_NODES] = {0};

    list_for_each(f, &d->pages, struct frame, link) {
        if (f->state != FRAME_GUEST || f->owner != d)
            panic("d%u has frame %lx in its list: state %u, another owner", d->id, mfn_of(f),
                  f->state);
        count(mfn_of(f));
        on_node[f->node]++;
        n++;
    }
    if (memcmp(on_node, d->on_node, sizeof on_node))
        panic("d%u has %lu pages on node 0 and counts %lu", d->id, on_node[0], d->on_node[0]);
    if (n != d->tot_pages)
        panic("d%u has %lu pages and counts %lu", d->id, n, d->tot_pages);
}

/* Frames that wait for marked pages to be used. */
static void check_on_demand(const struct domain *d)
{
    const struct on_demand *o = &d->on_demand;
    uint64_t marks = 0, stock = 0;

    for (gfn_t gfn = 0; gfn < o->end; gfn += 64)
        marks += (uint64_t)__builtin_popcountll(o->marks[gfn / 64]);
    for (mfn_t mfn = o->stock; mfn != MFN_NONE; mfn = *(mfn_t *)mfn_to_va(mfn), stock++) {
        if (mfn >= RAM_FRAMES || frame_of(mfn)->owner != d || placed[mfn])
            panic("d%u has frame %lx in stock, which is not there", d->id, mfn);
        placed[mfn] = true;
    }
    if (marks != o->nr_marks || stock != o->nr_stock)
        panic("d%u has %lu marked pages and counts %lu, %lu frames in stock and counts %lu", d->id,
              marks, o->nr_marks, stock, o->nr_stock);
}

static void check_own(struct domain *d, const struct p2m_leaf *l)
{
    for (mfn_t mfn = l->mfn; mfn < l->mfn + (1ULL << l->order); mfn++) {
        if (mfn >= RAM_FRAMES || frame_of(mfn)->owner != d || frame_of(mfn)->state != FRAME_GUEST)
            panic("d%u maps frame %lx at gfn %lx as its own", d->id, mfn, l->gfn);
        if (placed[mfn])
            panic("d%u has frame %lx twice, once at gfn %lx", d->id, mfn, l->gfn);
        placed[mfn] = true;
    }
}

static void check_leaf(struct domain *d, const struct p2m_leaf *l)
{
    switch (l->kind) {
    case P2M_RAM:
        check_own(d, l);
        break;
    case P2M_MMIO:
        if (!is_dom0(d) || mfn_valid(l->mfn))
            panic("d%u has frame %lx as a device", d->id, l->mfn);
        break;
    case P2M_FOREIGN:
        count(l->mfn);
        if (frame_of(l->mfn)->owner == d)
            panic("d%u has its own frame %lx as foreign", d->id, l->mfn);
        break;
    case P2M_GRANT_RW:
    case P2M_GRANT_RO:
        if (!has_grant_mapping(d, l->gfn, l->mfn))
            panic("d%u has frame %lx at gfn %lx without a handle", d->id, l->mfn, l->gfn);
        break;
    case P2M_XEN:
        if (l->mfn != d->shared_mfn && !is_grant_frame(d, l->mfn))
            panic("d%u has frame %lx of the hypervisor's at gfn %lx", d->id, l->mfn, l->gfn);
        break;
    default:
        panic("d%u: kind %u at gfn %lx", d->id, l->kind, l->gfn);
    }
}

static void check_references(void)
{
    for (mfn_t mfn = 0; mfn < RAM_FRAMES; mfn++) {
        const struct frame *f = frame_of(mfn);

        if (f->state == FRAME_GUEST && (f->refs != found[mfn] || !f->refs))
            panic("frame %lx counts %u references, %u are known", mfn, f->refs, found[mfn]);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool is_listed(const struct domain *wanted)
{
    list_for_each(d, &domains, struct domain, link)
        if (d == wanted)
            return true;
    return false;
}

static void check_far(const struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    const struct evtchn *theirs;

    if (!is_listed(c->far.domain) || !c->far.domain->events)
        panic("d%u: port %u leads to a domain that is gone", d->id, port);
    theirs = evtchn_at(c->far.domain->events, c->far.port);
    if (!theirs || theirs->state != EVTCHN_INTERDOMAIN || theirs->far.domain != d ||
        theirs->far.port != port)
        panic("d%u: port %u and d%u: port %u do not lead to each other", d->id, port,
              c->far.domain->id, c->far.port);
}

static void check_port(const struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    if (c->state == EVTCHN_INTERDOMAIN)
        check_far(d, c, port);
    if (c->state == EVTCHN_FREE && port < d->events->free_from)
        panic("d%u: port %u is free, and none below %u", d->id, port, d->events->free_from);
    if (c->state != EVTCHN_FREE && c->vcpu >= d->max_vcpus)
        panic("d%u: port %u is vCPU %u's", d->id, port, c->vcpu);
}

static void check_virqs(const struct domain *d, const struct vcpu *v)
{
    for (unsigned virq = 0; virq < NR_VIRQS; virq++) {
        evtchn_port_t port = v->virq_port[virq];
        const struct evtchn *c = port ? evtchn_at(d->events, port) : NULL;

        if (port && (!c || c->state != EVTCHN_VIRQ || c->virq != virq))
            panic("d%uv%u: VIRQ %u is at port %u, which is none", d->id, v->id, virq, port);
    }
}

static void check_events(const struct domain *d)
{
    for (evtchn_port_t port = 1; port < d->events->nr; port++)
        check_port(d, evtchn_at(d->events, port), port);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            check_virqs(d, d->vcpus[i]);
    check_fifo(d);
}

/* ---- domains --------------------------------------------------------------------------------- */

static void check_domain(struct domain *d)
{
    if (d->refs != 1)
        panic("d%u has %u references after a hypercall", d->id, d->refs);
    check_pages(d);
    check_on_demand(d);
    each_leaf(d, check_leaf);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && d->vcpus[i]->info_mfn != MFN_NONE)
            count(d->vcpus[i]->info_mfn);
    count_fifo(d, count);
    if (d->events)
        check_events(d);
    check_vcpus(d);
}

void check_all(void)
{
    check_no_lock();
    memset(found, 0, sizeof found);
    memset(placed, 0, sizeof placed);
    list_for_each(d, &domains, struct domain, link)
        check_domain(d);
    count_grants(&domains, count);
    check_references();
    check_frames();
    check_schedule();
}
