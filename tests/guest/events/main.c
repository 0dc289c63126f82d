/* Event channels: how they are bound, sent, masked, polled and closed, by both ABIs. */
#include "fifo.h"

#define MS 1000000ULL

static int open_port(void)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    long err = event_op(EVTCHNOP_alloc_unbound, &op);

    return err ? (int)err : (int)op.port;
}

static long status_of(evtchn_port_t port, struct evtchn_status *s)
{
    *s = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
    return event_op(EVTCHNOP_status, s);
}

static void expect_status(evtchn_port_t port, uint32_t status)
{
    struct evtchn_status s;

    EXPECT(status_of(port, &s), 0);
    EXPECT(s.status, status);
}

static long poll(evtchn_port_t *ports, unsigned nr, uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = nr, .timeout = timeout};

    op.ports.p = ports;
    return sched_op(SCHEDOP_poll, &op);
}

/* ---- binding --------------------------------------------------------------------------------- */

static void states(void)
{
    struct evtchn_status s;
    evtchn_port_t one, other;

    expect_status(4000, EVTCHNSTAT_closed);
    int port = open_port();
    CHECK(port > 0);
    EXPECT(status_of((evtchn_port_t)port, &s), 0);
    EXPECT(s.status, EVTCHNSTAT_unbound);
    EXPECT(s.u.unbound.dom, own_domid());
    EXPECT(event_send((evtchn_port_t)port), 0); /* nobody hears it */
    EXPECT(event_close((evtchn_port_t)port), 0);
    EXPECT(event_close((evtchn_port_t)port), -XEN_EINVAL);
    EXPECT(event_send((evtchn_port_t)port), -XEN_EINVAL);
    expect_status((evtchn_port_t)port, EVTCHNSTAT_closed);
    EXPECT(open_port(), port); /* the lowest free one */
    EXPECT(event_close((evtchn_port_t)port), 0);

    loop_channel(&one, &other);
    EXPECT(status_of(one, &s), 0);
    EXPECT(s.status, EVTCHNSTAT_interdomain);
    EXPECT(s.u.interdomain.port, other);
    EXPECT(event_close(one), 0);
    expect_status(other, EVTCHNSTAT_unbound); /* who is left alone may be bound again */
    EXPECT(event_close(other), 0);

    EXPECT(event_close(0), -XEN_EINVAL);
    EXPECT(event_send(0), -XEN_EINVAL);
    EXPECT(event_close(~0u), -XEN_EINVAL);
    EXPECT(event_send(1u << 31), -XEN_EINVAL);
}

static void wrong_partners(void)
{
    struct evtchn_alloc_unbound stranger = {.dom = DOMID_SELF, .remote_dom = 77};
    struct evtchn_alloc_unbound nobody = {.dom = 77, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF};

    EXPECT(event_op(EVTCHNOP_alloc_unbound, &nobody), -XEN_ESRCH);
    EXPECT(event_op(EVTCHNOP_alloc_unbound, &stranger), 0);
    bind.remote_port = stranger.port;
    EXPECT(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL); /* it waits for another */
    bind.remote_port = 0;
    EXPECT(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    bind.remote_port = ~0u;
    EXPECT(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    bind.remote_dom = 77;
    EXPECT(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_ESRCH);
    EXPECT(event_close(stranger.port), 0);
}

static void virqs(void)
{
    struct evtchn_status s;
    int timer = bind_virq(VIRQ_TIMER, 0);

    CHECK(timer > 0);
    EXPECT(status_of((evtchn_port_t)timer, &s), 0);
    EXPECT(s.status, EVTCHNSTAT_virq);
    EXPECT(s.u.virq, VIRQ_TIMER);
    EXPECT(bind_virq(VIRQ_TIMER, 0), -XEN_EEXIST);
    EXPECT(bind_virq(NR_VIRQS, 0), -XEN_EINVAL);
    EXPECT(bind_virq(~0u, 0), -XEN_EINVAL);
    EXPECT(bind_virq(VIRQ_DOM_EXC, 1), -XEN_EINVAL); /* not one of each vCPU */
    EXPECT(bind_virq(VIRQ_DEBUG, 1000), -XEN_ENOENT);
    EXPECT(bind_ipi(1000), -XEN_ENOENT);
    EXPECT(event_send((evtchn_port_t)timer), -XEN_EINVAL); /* the hypervisor's to send */
    struct evtchn_bind_vcpu move = {.port = (evtchn_port_t)timer, .vcpu = 0};
    EXPECT(event_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    EXPECT(event_close((evtchn_port_t)timer), 0);
    timer = bind_virq(VIRQ_TIMER, 0);
    CHECK(timer > 0);
    EXPECT(event_close((evtchn_port_t)timer), 0);
}

/* All ports that there are; then none; then all of them free again. */
static void many(unsigned nr)
{
    unsigned opened = 0;
    int port;

    while ((port = open_port()) > 0)
        opened++;
    EXPECT(port, -XEN_ENOSPC);
    EXPECT(opened, nr - 1);
    for (unsigned p = 1; p < nr; p++)
        if (event_close(p))
            failure("port %u cannot be closed", p);
}

/* ---- events by the 2-level ABI --------------------------------------------------------------- */

static void delivery(void)
{
    evtchn_port_t one, other;

    loop_channel(&one, &other);
    interrupts_on();
    EXPECT(event_send(one), 0);
    EXPECT(event_count[other], 1);
    EXPECT(event_count[one], 0);
    EXPECT(event_send(other), 0);
    EXPECT(event_count[one], 1);
    for (unsigned i = 0; i < 100; i++)
        event_send(one);
    EXPECT(event_count[other], 101);
    interrupts_off();

    /* With interrupts off it stays pending, and several are one. */
    unsigned upcalls = upcall_count[0];
    event_send(one);
    event_send(one);
    CHECK(event_pending(other));
    EXPECT(shared_info->vcpu_info[0].evtchn_upcall_pending, 1);
    interrupts_on();
    __asm__ volatile("nop");
    interrupts_off();
    EXPECT(upcall_count[0], upcalls + 1);
    EXPECT(event_count[other], 102);
    EXPECT(event_close(one), 0);
    EXPECT(event_close(other), 0);
}

static void masking(void)
{
    int port = bind_ipi(0);
    evtchn_port_t p = (evtchn_port_t)port;

    CHECK(port > 0);
    event_count[p] = 0;
    interrupts_on();
    EXPECT(event_send(p), 0);
    EXPECT(event_count[p], 1);
    event_mask(p);
    unsigned upcalls = upcall_count[0];
    EXPECT(event_send(p), 0);
    EXPECT(event_send(p), 0);
    CHECK(event_pending(p));
    EXPECT(upcall_count[0], upcalls);
    EXPECT(event_unmask(p), 0);
    EXPECT(event_count[p], 2);
    CHECK(!event_pending(p));
    event_mask(p);
    EXPECT(event_unmask(p), 0); /* nothing was pending */
    EXPECT(event_count[p], 2);
    interrupts_off();
    EXPECT(event_unmask(0), -XEN_EINVAL);
    EXPECT(event_unmask(~0u), -XEN_EINVAL);
    EXPECT(event_close(p), 0);
    EXPECT(event_unmask(p), -XEN_EINVAL);
}

static void polling(void)
{
    evtchn_port_t ports[3];
    int ipi = bind_ipi(0), timer = bind_virq(VIRQ_TIMER, 0);
    uint64_t start;

    ports[0] = (evtchn_port_t)ipi;
    event_mask(ports[0]);
    event_mask((evtchn_port_t)timer);

    start = now();
    EXPECT(poll(ports, 1, start + 5 * MS), 0); /* nothing comes */
    CHECK(now() >= start + 5 * MS && !event_pending(ports[0]));

    EXPECT(poll(ports, 1, 1), 0); /* that time has passed */

    event_send(ports[0]); /* pending though masked: no waiting */
    EXPECT(poll(ports, 1, 0), 0);
    event_clear(ports[0]);

    ports[1] = (evtchn_port_t)timer; /* comes while it waits */
    start = now();
    EXPECT(set_timer(start + 3 * MS, 0), 0);
    EXPECT(poll(ports, 2, start + 2000 * MS), 0);
    CHECK(event_pending((evtchn_port_t)timer));
    CHECK(now() < start + 1000 * MS);
    event_clear((evtchn_port_t)timer);

    start = now();
    EXPECT(set_timer(start + 3 * MS, 0), 0);
    EXPECT(poll(ports + 1, 1, 0), 0); /* for ever, or until the event */
    CHECK(event_pending((evtchn_port_t)timer));
    event_clear((evtchn_port_t)timer);

    ports[2] = ~0u;
    EXPECT(poll(ports + 2, 1, 1), -XEN_EINVAL);
    EXPECT(poll(ports, 129, 1), -XEN_EINVAL);
    EXPECT(event_close(ports[0]), 0);
    EXPECT(event_close((evtchn_port_t)timer), 0);
}

/* vcpu_info at a place of its own: nothing is lost on the way. */
static void registered_info(void)
{
    static union {
        struct vcpu_info info;
        char page[PAGE_SIZE];
    } place aligned_to(4096);
    struct vcpu_register_vcpu_info op = {.mfn = ADDRESS(&place) >> PAGE_SHIFT, .offset = 64};
    struct vcpu_info *info = (void *)(place.page + 64);
    int port = bind_ipi(0);

    EXPECT(event_send((evtchn_port_t)port), 0);
    op.offset = 4090;
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 0, &op), -XEN_EINVAL);
    op.offset = 3;
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 0, &op), -XEN_EINVAL);
    op.offset = 64;
    op.mfn = 1ULL << 40;
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 0, &op), -XEN_EINVAL);
    op.mfn = ADDRESS(&place) >> PAGE_SHIFT;
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 1000, &op), -XEN_ENOENT);
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 0, &op), 0);
    EXPECT(vcpu_op(VCPUOP_register_vcpu_info, 0, &op), -XEN_EINVAL); /* once only */
    EXPECT(info->evtchn_upcall_pending, 1);
    CHECK(info->evtchn_pending_sel & 1);
    CHECK(info->time.version && !(info->time.version & 1) && info->time.tsc_to_system_mul);
    EXPECT(event_close((evtchn_port_t)port), 0);
}

/* ---- the FIFO ABI ---------------------------------------------------------------------------- */

static long set_priority(evtchn_port_t port, unsigned priority)
{
    struct evtchn_set_priority op = {.port = port, .priority = priority};
    return event_op(EVTCHNOP_set_priority, &op);
}

static void fifo_start(void)
{
    struct evtchn_init_control wrong = {.control_gfn = 1ULL << 40};
    int waiting = bind_ipi(0);

    EXPECT(set_priority((evtchn_port_t)waiting, 3), -XEN_ENOSYS);
    EXPECT(fifo_add_page(), -XEN_ENOSYS);
    EXPECT(event_send((evtchn_port_t)waiting), 0); /* pending while the ABI changes */
    EXPECT(event_op(EVTCHNOP_init_control, &wrong), -XEN_EINVAL);
    wrong =
        (struct evtchn_init_control){.vcpu = 1000, .control_gfn = ADDRESS(&wrong) >> PAGE_SHIFT};
    EXPECT(event_op(EVTCHNOP_init_control, &wrong), -XEN_ENOENT);
    wrong =
        (struct evtchn_init_control){.offset = 4092, .control_gfn = ADDRESS(&wrong) >> PAGE_SHIFT};
    EXPECT(event_op(EVTCHNOP_init_control, &wrong), -XEN_EINVAL);
    EXPECT(fifo_init(), 0);
    EXPECT(fifo_init(), -XEN_EINVAL); /* it has one */
    EXPECT(fifo_next(), 0);
    EXPECT(fifo_add_page(), 0);
    CHECK(*fifo_word((evtchn_port_t)waiting) & BIT(EVTCHN_FIFO_PENDING)); /* not lost, but masked */
    EXPECT(fifo_next(), 0);
    EXPECT(event_unmask((evtchn_port_t)waiting), 0);
    EXPECT(fifo_next(), waiting);
    EXPECT(event_close((evtchn_port_t)waiting), 0);
}

static void fifo_order(void)
{
    evtchn_port_t port[8];

    for (unsigned i = 0; i < 8; i++) {
        port[i] = (evtchn_port_t)bind_ipi(0);
        fifo_unmask(port[i]);
    }
    for (unsigned i = 0; i < 8; i++)
        EXPECT(event_send(port[(i * 3) % 8]), 0);
    EXPECT(event_send(port[0]), 0); /* it is queued already */
    for (unsigned i = 0; i < 8; i++)
        EXPECT(fifo_next(), port[(i * 3) % 8]);
    EXPECT(fifo_next(), 0);

    for (unsigned i = 0; i < 8; i++)
        EXPECT(set_priority(port[i], i < 4 ? 10 : 2), 0);
    for (unsigned i = 0; i < 8; i++)
        EXPECT(event_send(port[i]), 0);
    for (unsigned i = 0; i < 8; i++)
        EXPECT(fifo_next(), port[(i + 4) % 8]); /* the urgent ones first */
    EXPECT(fifo_next(), 0);
    EXPECT(set_priority(port[0], 16), -XEN_EINVAL);
    EXPECT(set_priority(~0u, 1), -XEN_EINVAL);

    *fifo_word(port[1]) |= (uint32_t)BIT(EVTCHN_FIFO_MASKED);
    EXPECT(event_send(port[1]), 0);
    EXPECT(event_send(port[2]), 0);
    EXPECT(fifo_next(), port[2]);
    EXPECT(fifo_next(), 0);
    EXPECT(event_unmask(port[1]), 0);
    EXPECT(fifo_next(), port[1]);
    for (unsigned i = 0; i < 8; i++)
        EXPECT(event_close(port[i]), 0);
}

/* Sent, received and sent again, from the tail of one queue to another and back. */
static void fifo_tails(void)
{
    evtchn_port_t a = (evtchn_port_t)bind_ipi(0), b = (evtchn_port_t)bind_ipi(0);

    fifo_unmask(a);
    fifo_unmask(b);
    for (unsigned i = 0; i < 64; i++) {
        EXPECT(set_priority(a, 5 + i % 3), 0);
        EXPECT(event_send(a), 0);
        EXPECT(event_send(b), 0);
        unsigned first = fifo_next(), second = fifo_next();
        EXPECT(first + second, a + b);
        EXPECT(fifo_next(), 0);
    }
    EXPECT(event_close(a), 0);
    EXPECT(event_close(b), 0);
}

static void fifo_upcall(void)
{
    evtchn_port_t a = (evtchn_port_t)bind_ipi(0);

    fifo_unmask(a);
    interrupts_on(); /* what the tests before have left is taken at the first instruction */
    __asm__ volatile("nop");
    unsigned upcalls = interrupt_count[UPCALL_VECTOR];
    EXPECT(event_send(a), 0);
    interrupts_off();
    EXPECT(interrupt_count[UPCALL_VECTOR], upcalls + 1);
    EXPECT(fifo_next(), a);
    EXPECT(event_close(a), 0);
}

/* More ports than the 2-level ABI has, with and without their words. */
static void fifo_many(void)
{
    evtchn_port_t last = 0;
    int port;

    for (unsigned i = 0; i < 4200 && (port = bind_ipi(0)) > 0; i++)
        last = (evtchn_port_t)port;
    EXPECT(last, 4200);
    EXPECT(event_send(last), 0); /* there is no word for it yet */
    EXPECT(fifo_next(), 0);
    while (!fifo_add_page())
        ;
    CHECK(*fifo_word(last) & BIT(EVTCHN_FIFO_PENDING));
    EXPECT(event_unmask(last), 0);
    EXPECT(fifo_next(), last);
    for (evtchn_port_t p = 1; p <= last; p++)
        if (event_close(p))
            failure("port %u cannot be closed", p);
}

static void reset(void)
{
    struct evtchn_reset op = {.dom = DOMID_SELF};

    CHECK(bind_ipi(0) > 0);
    EXPECT(event_op(EVTCHNOP_reset, &op), 0);
    expect_status(1, EVTCHNSTAT_closed);
    EXPECT(fifo_add_page(), -XEN_ENOSPC); /* only because this file has no more of them */
    int port = bind_ipi(0);               /* back to the 2-level ABI */
    EXPECT(port, 1);
    event_clear(1);
    event_mask(1);
    EXPECT(event_send(1), 0);
    CHECK(event_pending(1));
    op.dom = 77;
    EXPECT(event_op(EVTCHNOP_reset, &op), -XEN_ESRCH);
}

static void run(void)
{
    events_init();
    states();
    wrong_partners();
    virqs();
    many(EVTCHN_2L_NR_CHANNELS);
    delivery();
    masking();
    polling();
    fifo_start();
    fifo_order();
    fifo_tails();
    fifo_upcall();
    fifo_many();
    reset();
    registered_info();
}

const struct test test = {"events", run, NULL};
