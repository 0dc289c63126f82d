/* What the FIFO ABI of events holds of a guest. */
#include "check.h"

#include "../../xen/event_fifo.c"

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

void count_fifo(const struct domain *d, count_fn *count)
{
    const struct evtchn_fifo *f = d->events ? d->events->fifo : NULL;

    if (!f)
        return;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (f->vcpu[i].control)
            count(va_to_mfn(f->vcpu[i].control));
    for (unsigned i = 0; i < f->nr_pages; i++)
        count(va_to_mfn(f->page[i]));
}

static void check_tail(const struct domain *d, unsigned vcpu, unsigned queue, evtchn_port_t tail)
{
    const struct evtchn *c = evtchn_at(d->events, tail);

    if (!c || !word_of(d->events->fifo, tail))
        panic("d%uv%u: queue %u ends at port %u, which has no word", d->id, vcpu, queue, tail);
    if (c->last_vcpu != vcpu || c->last_priority != queue)
        panic("d%uv%u: queue %u ends at port %u, which is in queue %u of v%u", d->id, vcpu, queue,
              tail, c->last_priority, c->last_vcpu);
}

void check_fifo(const struct domain *d)
{
    const struct evtchn_fifo *f = d->events->fifo;

    if ((d->events->abi == &evtchn_fifo) != (f != NULL))
        panic("d%u: ABI of events and queues disagree", d->id);
    for (unsigned i = 0; f && i < d->max_vcpus; i++)
        for (unsigned q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++)
            if (f->vcpu[i].tail[q])
                check_tail(d, i, q, f->vcpu[i].tail[q]);
}

#pragma clang attribute pop
