/* Event channels by the 2-level ABI (xen.h), and the clock that lies beside them. */
#include "guest.h"

#define WORD_BITS 64

static char shared_page[PAGE_SIZE] aligned_to(4096);
struct shared_info *shared_info;
volatile unsigned upcall_count[MAX_CPUS], event_count[EVTCHN_2L_NR_CHANNELS];

/* ---- upcalls --------------------------------------------------------------------------------- */

static void each_port_of(unsigned word)
{
    uint64_t ready = __atomic_load_n(&shared_info->evtchn_pending[word], __ATOMIC_SEQ_CST) &
                     ~__atomic_load_n(&shared_info->evtchn_mask[word], __ATOMIC_SEQ_CST);

    for (; ready; ready &= ready - 1) {
        unsigned port = word * WORD_BITS + (unsigned)__builtin_ctzll(ready);
        event_clear(port);
        __atomic_fetch_add(&event_count[port], 1, __ATOMIC_SEQ_CST);
    }
}

static void upcall(void)
{
    unsigned cpu = own_vcpu();
    struct vcpu_info *info = &shared_info->vcpu_info[cpu];

    upcall_count[cpu]++;
    info->evtchn_upcall_pending = 0;
    uint64_t words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; words; words &= words - 1)
        each_port_of((unsigned)__builtin_ctzll(words));
}

static void set_upcall_vector(void)
{
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = own_vcpu(), .vector = UPCALL_VECTOR};

    long err = hvm_op(HVMOP_set_evtchn_upcall_vector, &op);
    if (err)
        error("no upcall vector: %ld", err);
}

void events_init(void)
{
    struct xen_add_to_physmap op = {.domid = DOMID_SELF,
                                    .space = XENMAPSPACE_shared_info,
                                    .gpfn = ADDRESS(shared_page) >> PAGE_SHIFT};

    long err = memory_op(XENMEM_add_to_physmap, &op);
    if (err)
        error("no shared_info: %ld", err);
    shared_info = (void *)shared_page;
    memset(shared_info->evtchn_mask, 0xff, sizeof shared_info->evtchn_mask);
    interrupt_handlers[UPCALL_VECTOR] = upcall;
    events_cpu_init();
}

void events_cpu_init(void)
{
    lapic_init();
    set_upcall_vector();
}

/* ---- ports ----------------------------------------------------------------------------------- */

static void unmask_quietly(evtchn_port_t port)
{
    __atomic_fetch_and(&shared_info->evtchn_mask[port / WORD_BITS], ~BIT(port % WORD_BITS),
                       __ATOMIC_SEQ_CST);
}

int bind_ipi(unsigned vcpu)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    long err = event_op(EVTCHNOP_bind_ipi, &op);

    if (err)
        return (int)err;
    unmask_quietly(op.port);
    return (int)op.port;
}

int bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    long err = event_op(EVTCHNOP_bind_virq, &op);

    if (err)
        return (int)err;
    unmask_quietly(op.port);
    return (int)op.port;
}

void loop_channel(evtchn_port_t *one, evtchn_port_t *other)
{
    struct evtchn_alloc_unbound open = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    long err = event_op(EVTCHNOP_alloc_unbound, &open);
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = open.port};

    if (!err)
        err = event_op(EVTCHNOP_bind_interdomain, &bind);
    if (err)
        error("no event channel: %ld", err);
    *one = open.port;
    *other = bind.local_port;
    event_clear(*one); /* a new channel starts with an event */
    event_clear(*other);
    unmask_quietly(*one);
    unmask_quietly(*other);
}

long event_send(evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};
    return event_op(EVTCHNOP_send, &op);
}

long event_close(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};
    return event_op(EVTCHNOP_close, &op);
}

long event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = {.port = port};
    return event_op(EVTCHNOP_unmask, &op);
}

void event_mask(evtchn_port_t port)
{
    __atomic_fetch_or(&shared_info->evtchn_mask[port / WORD_BITS], BIT(port % WORD_BITS),
                      __ATOMIC_SEQ_CST);
}

bool event_pending(evtchn_port_t port)
{
    return __atomic_load_n(&shared_info->evtchn_pending[port / WORD_BITS], __ATOMIC_SEQ_CST) >>
               port % WORD_BITS &
           1;
}

void event_clear(evtchn_port_t port)
{
    __atomic_fetch_and(&shared_info->evtchn_pending[port / WORD_BITS], ~BIT(port % WORD_BITS),
                       __ATOMIC_SEQ_CST);
}

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t now(void)
{
    const volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    uint64_t ns;
    uint32_t version;

    do {
        version = t->version;
        uint64_t ticks = rdtsc() - t->tsc_timestamp;
        ticks = t->tsc_shift < 0 ? ticks >> -t->tsc_shift : ticks << t->tsc_shift;
        ns = t->system_time + (uint64_t)((unsigned __int128)ticks * t->tsc_to_system_mul >> 32);
    } while (version & 1 || version != t->version);
    return ns;
}

long set_timer(uint64_t when, uint32_t flags)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = when, .flags = flags};
    return vcpu_op(VCPUOP_set_singleshot_timer, own_vcpu(), &op);
}

void delay(uint64_t ns)
{
    for (uint64_t end = now() + ns; now() < end;)
        relax();
}

void rest(uint64_t ns)
{
    struct sched_poll op = {.timeout = now() + ns};

    sched_op(SCHEDOP_poll, &op);
}
