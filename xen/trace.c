/*
 * Rings of trace records (see trace.h).
 *
 * A ring is one page or more that dom0 maps and may write to: `cons` in it is
 * the reader's and is taken with suspicion, `prod` is only told, never read
 * back. Both run from 0 to twice the size of the data, so that a full ring and
 * an empty one differ. A record does not go across the end: what is left there
 * is filled with a record of its own.
 *
 *     +------+------+---------------------------------------------+
 *     | cons | prod | ...read... | records to read | ...free...    |
 *     +------+------+---------------------------------------------+
 *
 * A pCPU writes to its own ring only, and nothing interrupts it, so there are no
 * locks. Rings are never freed, as nobody knows who still maps them.
 */
#include "trace.h"

#include "domain.h"
#include "x86/arch.h"

#define MAX_PAGES   256 /* of one ring */
#define CLASS_SHIFT 16

struct ring {
    struct t_buf *shared; /* NULL: there is none */
    uint32_t prod;
    uint32_t lost; /* records for which there was no room, since `lost_since` */
    uint64_t lost_since;
    uint32_t running; /* trace_switch */
};

volatile bool trace_on;

static struct ring rings[MAX_PCPUS];
static unsigned ring_order;
static uint32_t data_size;
static struct t_info *table;
static unsigned table_order;
static uint32_t wanted = TRC_ALL;
static struct mask wanted_pcpus;
static struct spinlock set_up_lock = SPINLOCK_INIT(RANK_DOMAIN);

/* ---- records ------------------------------------------------------------------------------- */

/* Both the class and the subclass must be among those wanted. */
static bool is_wanted(uint32_t event)
{
    uint32_t both = event & wanted;

    return both >> CLASS_SHIFT && both >> TRC_SUBCLS_SHIFT & 0xf;
}

/* What the reader has not consumed, as far as it can be believed. */
static uint32_t unread(const struct ring *r)
{
    uint32_t cons = __atomic_load_n(&r->shared->cons, __ATOMIC_ACQUIRE);

    if (cons >= 2 * data_size)
        return data_size;
    uint32_t used = r->prod >= cons ? r->prod - cons : r->prod + 2 * data_size - cons;
    return MIN(used, data_size);
}

static uint32_t *at(const struct ring *r)
{
    return (uint32_t *)((uint8_t *)(r->shared + 1) + r->prod % data_size);
}

static void advance(struct ring *r, uint32_t bytes)
{
    r->prod += bytes;
    if (r->prod >= 2 * data_size)
        r->prod -= 2 * data_size;
    __atomic_store_n(&r->shared->prod, r->prod, __ATOMIC_RELEASE);
}

/* Header, then two words of time stamp, then the rest. */
static bool put(struct ring *r, uint32_t event, uint64_t tsc, const uint32_t *words, unsigned n)
{
    uint32_t bytes = (3 + n) * sizeof(uint32_t), to_end = data_size - r->prod % data_size;
    uint32_t fill = to_end < bytes ? to_end : 0;

    if (unread(r) + fill + bytes > data_size)
        return false;
    if (fill) {
        at(r)[0] = TRC_TRACE_WRAP_BUFFER | (fill / 4 - 1) << TRACE_EXTRA_SHIFT;
        advance(r, fill);
    }
    uint32_t *to = at(r);
    to[0] = event | n << TRACE_EXTRA_SHIFT | (uint32_t)TRC_HD_CYCLE_FLAG;
    to[1] = (uint32_t)tsc;
    to[2] = (uint32_t)(tsc >> 32);
    memcpy(to + 3, words, n * sizeof *words);
    advance(r, bytes);
    return true;
}

static bool put_lost(struct ring *r, uint64_t tsc)
{
    const uint32_t words[] = {r->lost, DOMID_IDLE, (uint32_t)r->lost_since,
                              (uint32_t)(r->lost_since >> 32)};

    if (r->lost && !put(r, TRC_LOST_RECORDS, tsc, words, ARRAY_SIZE(words)))
        return false;
    r->lost = 0;
    return true;
}

void trace_record(uint32_t event, const uint32_t *words, unsigned n)
{
    struct ring *r = &rings[this_pcpu()->id];
    uint64_t tsc = rdtsc();

    ASSERT(n <= TRACE_WORDS);
    if (!r->shared || !is_wanted(event) || !mask_test(&wanted_pcpus, this_pcpu()->id))
        return;
    if (put_lost(r, tsc) && put(r, event, tsc, words, n))
        return;
    if (!r->lost++)
        r->lost_since = tsc;
}

uint32_t trace_switch(uint32_t to)
{
    struct ring *r = &rings[this_pcpu()->id];
    uint32_t from = r->running;

    r->running = to;
    return from;
}

/* ---- what can be read ---------------------------------------------------------------------- */

struct trace_info trace_info(void)
{
    struct trace_info info = {.events = wanted};

    if (__atomic_load_n(&table, __ATOMIC_ACQUIRE)) {
        info.bytes = (uint32_t)(PAGE_SIZE << table_order);
        info.table = va_to_mfn(table);
    }
    return info;
}

static bool within(mfn_t mfn, const void *start, unsigned order)
{
    return start && mfn >= va_to_mfn(start) && mfn - va_to_mfn(start) < 1ULL << order;
}

bool trace_owns(mfn_t mfn)
{
    if (!__atomic_load_n(&table, __ATOMIC_ACQUIRE))
        return false;
    if (within(mfn, table, table_order))
        return true;
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (within(mfn, rings[i].shared, ring_order))
            return true;
    return false;
}

/* ---- set-up -------------------------------------------------------------------------------- */

static unsigned order_of(uint64_t bytes)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

static void free_rings(unsigned n)
{
    while (n--) {
        frames_free(va_to_mfn(rings[n].shared), ring_order);
        rings[n].shared = NULL;
    }
}

/* Numbers of frames are 32 bits wide in the table: 16 TiB. */
static bool alloc_rings(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++) {
        mfn_t mfn = frames_alloc(ring_order, pcpus[i]->node);

        if (mfn == MFN_NONE || mfn >> 32) {
            if (mfn != MFN_NONE)
                frames_free(mfn, ring_order);
            free_rings(i);
            return false;
        }
        rings[i] = (struct ring){.shared = mfn_to_va(mfn), .running = DOMID_IDLE << 16};
    }
    return true;
}

/* The table's head, then for each ring its frames' numbers; `mfn_offset` counts words. */
static struct t_info *alloc_table(uint32_t pages)
{
    size_t head = ROUND_UP(offsetof(struct t_info, mfn_offset) + nr_pcpus * sizeof(uint16_t), 4);

    table_order = order_of(head + nr_pcpus * pages * sizeof(uint32_t));
    mfn_t mfn = frames_alloc(table_order, NODE_ANY);
    if (mfn == MFN_NONE)
        return NULL;
    struct t_info *t = mfn_to_va(mfn);
    t->tbuf_size = (uint16_t)pages;
    for (unsigned i = 0; i < nr_pcpus; i++) {
        t->mfn_offset[i] = (uint16_t)(head / 4 + i * pages);
        for (uint32_t k = 0; k < pages; k++)
            ((uint32_t *)t)[t->mfn_offset[i] + k] = (uint32_t)va_to_mfn(rings[i].shared) + k;
    }
    return t;
}

static int set_up(uint32_t pages)
{
    if (table || !pages || pages > MAX_PAGES)
        return -XEN_EINVAL;
    ring_order = order_of(pages * PAGE_SIZE);
    data_size = (uint32_t)(pages * PAGE_SIZE - sizeof(struct t_buf));
    if (!alloc_rings())
        return -XEN_ENOMEM;
    mask_fill(&wanted_pcpus, nr_pcpus);
    struct t_info *t = alloc_table(pages);
    if (!t) {
        free_rings(nr_pcpus);
        return -XEN_ENOMEM;
    }
    __atomic_store_n(&table, t, __ATOMIC_RELEASE);
    return 0;
}

int trace_set_size(uint32_t pages)
{
    spin_lock(&set_up_lock);
    int err = set_up(pages);
    spin_unlock(&set_up_lock);
    return err;
}

void trace_set_mask(uint32_t events)
{
    wanted = events;
}

void trace_set_pcpus(const struct mask *of)
{
    wanted_pcpus = *of;
}

/* ---- recording ----------------------------------------------------------------------------- */

/* So that a reader knows who runs where before the first switch. */
static void record_vcpu(const struct vcpu *v)
{
    trace(MOIRAI_TRACE_VCPU, v->domain->id, v->id, (uint32_t)v->runstate.state,
          v->unit->home ? v->unit->home->id : 0);
    if (v->runstate.state == RUNSTATE_running)
        rings[v->unit->home->id].running = (uint32_t)v->domain->id << 16 | v->id;
}

static void record_all(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        rings[i].running = DOMID_IDLE << 16 | i;
    trace(MOIRAI_TRACE_HOST, (uint32_t)tsc_khz, nr_pcpus);
    list_for_each(d, &domains, struct domain, link)
        for (unsigned i = 0; i < d->max_vcpus; i++)
            if (d->vcpus[i] && d->vcpus[i]->unit)
                record_vcpu(d->vcpus[i]);
}

int trace_start(void)
{
    if (!__atomic_load_n(&table, __ATOMIC_ACQUIRE))
        return -XEN_EINVAL;
    spin_lock(&domains_lock);
    spin_lock(&sched_lock); /* nobody switches meanwhile */
    if (!trace_on) {
        trace_on = true;
        record_all();
    }
    spin_unlock(&sched_lock);
    spin_unlock(&domains_lock);
    return 0;
}

void trace_stop(void)
{
    spin_lock(&sched_lock);
    trace_on = false;
    for (unsigned i = 0; i < nr_pcpus; i++)
        rings[i].lost = 0;
    spin_unlock(&sched_lock);
}
