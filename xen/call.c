/*
 * Each pCPU has a box for one call; who calls waits until the box is empty, and
 * then until the call is done. While it waits, it serves its own box, so two may
 * call each other. The box is looked at when the interrupt comes, and by those
 * who wait with interrupts off (schedule.c).
 */
#include "call.h"

#include "x86/arch.h"

struct call {
    void (*f)(void *arg);
    void *arg;
    bool done;
};

static struct call *box[MAX_PCPUS];

static void serve(void)
{
    struct call **own = &box[this_pcpu()->id];

    if (!__atomic_load_n(own, __ATOMIC_RELAXED))
        return;
    struct call *c = __atomic_exchange_n(own, NULL, __ATOMIC_ACQUIRE);
    if (!c) /* an interrupt came first */
        return;
    c->f(c->arg);
    __atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
}

static void interrupt(unsigned vector)
{
    (void)vector;
    apic_eoi();
    serve();
}

void pcpu_calls_init(void)
{
    interrupt_set_handler(VECTOR_CALL, interrupt);
}

void pcpu_wait(void)
{
    serve();
    cpu_relax();
}

void pcpu_call(struct pcpu *p, void (*f)(void *arg), void *arg)
{
    struct call call = {f, arg, false}, *empty = NULL;

    if (p == this_pcpu()) {
        f(arg);
        return;
    }
    while (!__atomic_compare_exchange_n(&box[p->id], &empty, &call, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
        empty = NULL;
        pcpu_wait();
    }
    apic_send_ipi(p->apic_id, VECTOR_CALL);
    while (!__atomic_load_n(&call.done, __ATOMIC_ACQUIRE))
        pcpu_wait();
}
