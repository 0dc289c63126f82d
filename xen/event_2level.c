/*
 * The 2-level ABI (xen.h, struct shared_info): a bit for each port in
 * evtchn_pending and evtchn_mask, and in each vCPU's selector a bit for each
 * word that has an event for it. The guest changes them at the same time.
 */
#include "event_private.h"

#define BITS 64

static bool test_and_set(xen_ulong_t *words, unsigned bit)
{
    return __atomic_fetch_or(&words[bit / BITS], BIT(bit % BITS), __ATOMIC_SEQ_CST) &
           BIT(bit % BITS);
}

static bool test_and_clear(xen_ulong_t *words, unsigned bit)
{
    return __atomic_fetch_and(&words[bit / BITS], ~BIT(bit % BITS), __ATOMIC_SEQ_CST) &
           BIT(bit % BITS);
}

static bool test(const xen_ulong_t *words, unsigned bit)
{
    return __atomic_load_n(&words[bit / BITS], __ATOMIC_SEQ_CST) >> bit % BITS & 1;
}

/* The port is pending and not masked: first its word, then the upcall. */
static inline void select_word(struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    struct vcpu *v = d->vcpus[__atomic_load_n(&c->vcpu, __ATOMIC_RELAXED)];
    struct vcpu_info *info = info_of(v);

    if (info && !test_and_set(&info->evtchn_pending_sel, port / BITS))
        evtchn_tell(v, info);
}

static void set_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct shared_info *shared = d->shared;

    if (!test_and_set(shared->evtchn_pending, port) && !test(shared->evtchn_mask, port))
        select_word(d, c, port);
}

static void clear_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    (void)c;
    test_and_clear(d->shared->evtchn_pending, port);
}

static void unmask(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    if (test_and_clear(d->shared->evtchn_mask, port) && test(d->shared->evtchn_pending, port))
        select_word(d, c, port);
}

static bool is_pending(struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    (void)c;
    return test(d->shared->evtchn_pending, port);
}

static bool is_masked(struct domain *d, evtchn_port_t port)
{
    return test(d->shared->evtchn_mask, port);
}

static bool is_busy(struct domain *d, evtchn_port_t port)
{
    (void)d;
    (void)port;
    return false;
}

const struct evtchn_abi evtchn_2level = {
    .nr_ports = EVTCHN_2L_NR_CHANNELS,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_masked = is_masked,
    .is_busy = is_busy,
};
