#include "fifo.h"

#define MAX_PAGES      5
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint32_t))

#define PENDING BIT(EVTCHN_FIFO_PENDING)
#define MASKED  BIT(EVTCHN_FIFO_MASKED)
#define LINKED  BIT(EVTCHN_FIFO_LINKED)

static union {
    struct evtchn_fifo_control_block block;
    char page[PAGE_SIZE];
} control aligned_to(4096);
static uint32_t words[MAX_PAGES * WORDS_PER_PAGE] aligned_to(4096);
static unsigned nr_pages;
static evtchn_port_t head[EVTCHN_FIFO_MAX_QUEUES]; /* 0: read it from the control block */

long fifo_init(void)
{
    struct evtchn_init_control op = {.control_gfn = ADDRESS(&control) >> PAGE_SHIFT};

    return event_op(EVTCHNOP_init_control, &op);
}

long fifo_add_page(void)
{
    struct evtchn_expand_array op = {.array_gfn = (ADDRESS(words) >> PAGE_SHIFT) + nr_pages};

    if (nr_pages == MAX_PAGES)
        return -XEN_ENOSPC;
    for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
        words[nr_pages * WORDS_PER_PAGE + i] |= (uint32_t)MASKED;
    long err = event_op(EVTCHNOP_expand_array, &op);
    if (!err)
        nr_pages++;
    return err;
}

uint32_t *fifo_word(evtchn_port_t port)
{
    return &words[port];
}

void fifo_unmask(evtchn_port_t port)
{
    __atomic_fetch_and(&words[port], ~(uint32_t)MASKED, __ATOMIC_SEQ_CST);
}

/* Unlinks the head of one queue: the link and LINKED are cleared in one step. */
static evtchn_port_t unlink_head(unsigned queue, uint32_t *ready)
{
    evtchn_port_t port = head[queue];

    if (!port)
        port = __atomic_load_n(&control.block.head[queue], __ATOMIC_ACQUIRE);
    uint32_t old = __atomic_fetch_and(&words[port], ~(uint32_t)(LINKED | EVTCHN_FIFO_LINK_MASK),
                                      __ATOMIC_SEQ_CST);
    head[queue] = old & EVTCHN_FIFO_LINK_MASK;
    if (!head[queue])
        *ready &= ~(1u << queue);
    return (old & (PENDING | MASKED)) == PENDING ? port : 0;
}

evtchn_port_t fifo_next(void)
{
    static uint32_t ready;

    for (;;) {
        ready |= __atomic_exchange_n(&control.block.ready, 0, __ATOMIC_SEQ_CST);
        if (!ready)
            return 0;
        evtchn_port_t port = unlink_head((unsigned)__builtin_ctz(ready), &ready);
        if (port) {
            __atomic_fetch_and(&words[port], ~(uint32_t)PENDING, __ATOMIC_SEQ_CST);
            return port;
        }
    }
}
