/*
 * The FIFO ABI (event_channel.h). The guest gives an array of event words, one
 * for each port, and a control block for each vCPU:
 *
 *   event word      31 PENDING | 30 MASKED | 29 LINKED | 28 BUSY | 16..0 LINK
 *   control block   ready: a bit for each queue; head[16]: first port of each
 *
 * A queue is a chain of ports by LINK. We append, the guest takes from the
 * head: it clears LINKED and LINK of the word at once. We know the tail; if
 * that word is not LINKED any more, the guest has emptied the queue and the
 * new port becomes the head. A port is in one queue at most: who sees LINKED
 * set leaves it there, since the guest looks at PENDING after it clears LINKED.
 *
 * A guest that writes nonsense into its words only loses its own events: ports
 * are never read from them, and no loop here waits for them.
 */
#include "event_private.h"

#define PENDING BIT(EVTCHN_FIFO_PENDING)
#define MASKED  BIT(EVTCHN_FIFO_MASKED)
#define LINKED  BIT(EVTCHN_FIFO_LINKED)

#define WORDS_PER_PAGE ((unsigned)(PAGE_SIZE / sizeof(event_word_t)))
#define MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)
/* A guest has no reason to change a word more often than this while we try to. */
#define MAX_TRIES 64

struct fifo_vcpu {
    struct evtchn_fifo_control_block *control; /* NULL: not given yet */
    evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* port 0: empty for certain */
};

struct evtchn_fifo {
    struct spinlock lock; /* queues, early events, and the pages while they are added */
    unsigned nr_pages;
    event_word_t *page[MAX_PAGES];
    struct fifo_vcpu vcpu[];
};

static event_word_t *word_of(const struct evtchn_fifo *f, evtchn_port_t port)
{
    unsigned page = port / WORDS_PER_PAGE;

    return page < f->nr_pages ? &f->page[page][port % WORDS_PER_PAGE] : NULL;
}

static uint32_t word_read(const event_word_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* ---- queues: with the lock ------------------------------------------------------------------- */

/* Let the tail's word point to the next port; false if it is in the queue no more. */
static bool link_to_tail(event_word_t *tail, evtchn_port_t port)
{
    uint32_t old = word_read(tail);

    for (unsigned tries = 0; (old & LINKED) && tries < MAX_TRIES; tries++) {
        uint32_t linked = (old & ~(uint32_t)EVTCHN_FIFO_LINK_MASK) | port;
        if (__atomic_compare_exchange_n(tail, &old, linked, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

/* True if the vCPU is to be told: its queue had nothing that it knew of. */
static bool append(const struct evtchn_fifo *f, struct fifo_vcpu *fv, unsigned priority,
                   evtchn_port_t port)
{
    struct evtchn_fifo_control_block *control = fv->control;
    evtchn_port_t tail = fv->tail[priority];

    fv->tail[priority] = port;
    if (tail && link_to_tail(word_of(f, tail), port))
        return false;
    __atomic_store_n(&control->head[priority], port, __ATOMIC_RELEASE);
    uint32_t ready = __atomic_fetch_or(&control->ready, 1u << priority, __ATOMIC_SEQ_CST);
    return !(ready & 1u << priority);
}

/* The port is pending: into its vCPU's queue, unless it is masked or in a queue already. */
static void enqueue(struct domain *d, struct evtchn *c, evtchn_port_t port, event_word_t *word)
{
    struct evtchn_fifo *f = d->events->fifo;
    unsigned vcpu = __atomic_load_n(&c->vcpu, __ATOMIC_RELAXED);
    unsigned priority = __atomic_load_n(&c->priority, __ATOMIC_RELAXED);

    if ((word_read(word) & MASKED) || !f->vcpu[vcpu].control)
        return;
    if (__atomic_fetch_or(word, (uint32_t)LINKED, __ATOMIC_SEQ_CST) & LINKED)
        return;
    /* It was not linked, so where it is still the tail the queue is empty: nothing may be appended
     * to it there when it now goes to another. */
    evtchn_port_t *last = &f->vcpu[c->last_vcpu].tail[c->last_priority];
    if (*last == port)
        *last = 0;
    c->last_vcpu = (uint16_t)vcpu;
    c->last_priority = (uint8_t)priority;
    if (append(f, &f->vcpu[vcpu], priority, port))
        evtchn_tell(d->vcpus[vcpu], info_of(d->vcpus[vcpu]));
}

static void raise(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    event_word_t *word = word_of(d->events->fifo, port);

    c->early = !word;
    if (!word)
        return;
    /* PENDING before MASKED and LINKED are looked at: the guest clears those first. */
    __atomic_fetch_or(word, (uint32_t)PENDING, __ATOMIC_SEQ_CST);
    enqueue(d, c, port, word);
}

/* ---- the ABI's operations ---------------------------------------------------------------------- */

static void set_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_fifo *f = d->events->fifo;

    spin_lock(&f->lock);
    raise(d, c, port);
    spin_unlock(&f->lock);
}

static void clear_pending(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_fifo *f = d->events->fifo;

    spin_lock(&f->lock);
    event_word_t *word = word_of(f, port);
    c->early = false;
    if (word)
        __atomic_fetch_and(word, ~(uint32_t)PENDING, __ATOMIC_SEQ_CST);
    spin_unlock(&f->lock);
}

static void unmask(struct domain *d, struct evtchn *c, evtchn_port_t port)
{
    struct evtchn_fifo *f = d->events->fifo;

    spin_lock(&f->lock);
    event_word_t *word = word_of(f, port);
    if (word) {
        uint32_t old = __atomic_fetch_and(word, ~(uint32_t)MASKED, __ATOMIC_SEQ_CST);
        if (old & PENDING)
            enqueue(d, c, port, word);
    }
    spin_unlock(&f->lock);
}

static bool has_flag(struct domain *d, evtchn_port_t port, uint32_t flag)
{
    const event_word_t *word = word_of(d->events->fifo, port);

    return word && (word_read(word) & flag);
}

static bool is_pending(struct domain *d, const struct evtchn *c, evtchn_port_t port)
{
    return c->early || has_flag(d, port, PENDING);
}

static bool is_masked(struct domain *d, evtchn_port_t port)
{
    return has_flag(d, port, MASKED);
}

static bool is_busy(struct domain *d, evtchn_port_t port)
{
    return has_flag(d, port, LINKED);
}

const struct evtchn_abi evtchn_fifo = {
    .nr_ports = EVTCHN_FIFO_NR_CHANNELS,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_masked = is_masked,
    .is_busy = is_busy,
};

/* ---- what the guest gives ------------------------------------------------------------------------ */

/* The guest's frame, with a reference, in the direct map; NULL if it is not its own RAM. */
static void *frame_get(struct domain *d, gfn_t gfn)
{
    mfn_t mfn;

    return p2m_get_ram(d, gfn, &mfn) ? mfn_to_va(mfn) : NULL;
}

static void frame_put(const void *va)
{
    page_put(va_to_mfn(va));
}

/* Events of [from, to) that could not be queued for want of a word or a control block. */
static void requeue(struct domain *d, evtchn_port_t from, evtchn_port_t to)
{
    struct evtchn_table *t = d->events;
    struct evtchn_fifo *f = t->fifo;

    spin_lock(&f->lock);
    for (evtchn_port_t port = from; port < MIN(to, t->nr); port++) {
        struct evtchn *c = evtchn_at(t, port);
        if (c->state > EVTCHN_RESERVED && is_pending(d, c, port))
            raise(d, c, port);
    }
    spin_unlock(&f->lock);
}

/* From the 2-level ABI: what is pending there now is pending here. */
static int change_abi(struct domain *d)
{
    struct evtchn_table *t = d->events;
    struct evtchn_fifo *f = xmalloc(sizeof *f + d->max_vcpus * sizeof f->vcpu[0]);

    if (!f)
        return -XEN_ENOMEM;
    spin_init(&f->lock, RANK_QUEUE);
    t->fifo = f;
    /* Pairs with evtchn_set_pending(): it sets the 2-level bit, then looks which ABI there is. */
    __atomic_store_n(&t->abi, &evtchn_fifo, __ATOMIC_SEQ_CST);
    for (evtchn_port_t port = 1; port < MIN(t->nr, evtchn_2level.nr_ports); port++) {
        struct evtchn *c = evtchn_at(t, port);
        if (c->state > EVTCHN_RESERVED && evtchn_2level.is_pending(d, c, port)) {
            evtchn_2level.clear_pending(d, c, port);
            set_pending(d, c, port);
        }
    }
    return 0;
}

/* With the event_lock. */
static int set_control(struct domain *d, unsigned vcpu, struct evtchn_fifo_control_block *control)
{
    struct evtchn_table *t = d->events;

    if (t->fifo && t->fifo->vcpu[vcpu].control)
        return -XEN_EINVAL;
    if (!t->fifo && change_abi(d))
        return -XEN_ENOMEM;
    spin_lock(&t->fifo->lock);
    t->fifo->vcpu[vcpu].control = control;
    spin_unlock(&t->fifo->lock);
    requeue(d, 1, t->nr);
    return 0;
}

int fifo_init_control(struct domain *d, const struct evtchn_init_control *op)
{
    if (op->vcpu >= d->max_vcpus || !d->vcpus[op->vcpu])
        return -XEN_ENOENT;
    if (op->offset % 8 || op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return -XEN_EINVAL;
    char *frame = frame_get(d, op->control_gfn);
    if (!frame)
        return -XEN_EINVAL;
    int err = -XEN_ESRCH;
    if (events_lock(d)) {
        err = set_control(d, op->vcpu, (void *)(frame + op->offset));
        events_unlock(d);
    }
    if (err)
        frame_put(frame);
    return err;
}

/* With the event_lock. */
static int add_page(struct domain *d, event_word_t *page)
{
    struct evtchn_fifo *f = d->events->fifo;

    if (!f)
        return -XEN_ENOSYS;
    if (f->nr_pages == MAX_PAGES)
        return -XEN_ENOSPC;
    spin_lock(&f->lock);
    f->page[f->nr_pages++] = page;
    spin_unlock(&f->lock);
    requeue(d, (f->nr_pages - 1) * WORDS_PER_PAGE, f->nr_pages * WORDS_PER_PAGE);
    return 0;
}

int fifo_expand_array(struct domain *d, gfn_t gfn)
{
    event_word_t *page = frame_get(d, gfn);

    if (!page)
        return -XEN_EINVAL;
    int err = -XEN_ESRCH;
    if (events_lock(d)) {
        err = add_page(d, page);
        events_unlock(d);
    }
    if (err)
        frame_put(page);
    return err;
}

void fifo_fini(struct domain *d)
{
    struct evtchn_table *t = d->events;
    struct evtchn_fifo *f = t->fifo;

    if (!f)
        return;
    t->abi = &evtchn_2level;
    t->fifo = NULL;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (f->vcpu[i].control)
            frame_put(f->vcpu[i].control);
    }
    for (unsigned i = 0; i < f->nr_pages; i++)
        frame_put(f->page[i]);
    xfree(f);
}
