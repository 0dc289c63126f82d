/*
 * The frame table and a buddy allocator for each NUMA node.
 *
 * A free block of 2^order frames, aligned to its size, is on its node's list of
 * that order; its first frame carries the order, the others INSIDE. Two free
 * blocks that are halves of one merge. The upper half is handed out first and
 * lists are last in, first out, so that low memory, which dom0 wants 1:1 and
 * devices need, is kept for long.
 *
 * Frames are cleared, poisoned and checked outside the lock, while they are
 * FRAME_XEN and so nobody else's.
 */
#include "frames.h"

#include "boot.h"
#include "domain.h"
#include "x86/arch.h"

#define MAX_ORDER  ORDER_1G
#define KEPT       512 /* frames that are for no domain's memory: see spared() */
#define INSIDE     0xff /* order of a frame that does not begin a block */
#define POISON     0xd7
#define POISON_ALL 0xd7d7d7d7d7d7d7d7ULL

struct node {
    struct list free[MAX_ORDER + 1];
    uint64_t nr_free, total;
};

static struct spinlock lock = SPINLOCK_INIT(RANK_FRAMES);
static struct frame *table;
static mfn_t table_end;
static mfn_t greatest;
static uint64_t nr_ram;
static struct node nodes[MAX_NODES];
static unsigned nr_nodes = 1; /* with memory: ids below this */

/* ---- the frame table ---------------------------------------------------------------------- */

struct frame *frame_of(mfn_t mfn)
{
    ASSERT(mfn < table_end);
    return &table[mfn];
}

mfn_t mfn_of(const struct frame *f)
{
    return (mfn_t)(f - table);
}

bool mfn_valid(mfn_t mfn)
{
    return mfn < table_end && table[mfn].state != FRAME_NONE;
}

mfn_t frames_max(void)
{
    return greatest;
}

uint64_t frames_total(void)
{
    return nr_ram;
}

uint64_t frames_node_total(unsigned node)
{
    return node < MAX_NODES ? nodes[node].total : 0;
}

uint64_t frames_free_count(unsigned node)
{
    uint64_t sum = 0;

    if (node != NODE_ANY)
        return node < MAX_NODES ? nodes[node].nr_free : 0;
    for (unsigned i = 0; i < nr_nodes; i++)
        sum += nodes[i].nr_free;
    return sum;
}

/* Only whole frames are RAM. */
static void adopt_region(const struct boot_region *r)
{
    mfn_t start = ROUND_UP(r->start, PAGE_SIZE) >> PAGE_SHIFT;
    mfn_t end = MIN((r->start + r->size) >> PAGE_SHIFT, table_end);

    for (mfn_t mfn = start; mfn < end; mfn++) {
        table[mfn].state = FRAME_XEN;
        table[mfn].order = INSIDE;
    }
    if (start < end) {
        nr_ram += end - start;
        greatest = end - 1;
    }
}

void frames_init(mfn_t end)
{
    size_t size = end * sizeof *table;

    for (unsigned i = 0; i < MAX_NODES; i++)
        for (unsigned order = 0; order <= MAX_ORDER; order++)
            list_init(&nodes[i].free[order]);
    table = pa_to_va(boot_alloc(size, PAGE_SIZE, 0));
    memset(table, 0, size);
    table_end = end;
    for (unsigned i = 0; i < boot.nr_regions; i++)
        if (boot.region[i].type == E820_RAM)
            adopt_region(&boot.region[i]);
}

/* ---- free blocks; under the lock ------------------------------------------------------------ */

static void list_block(struct frame *f, unsigned order)
{
    f->order = (uint8_t)order;
    list_add_head(&nodes[f->node].free[order], &f->link);
}

/* The frames must be FRAME_FREE and INSIDE. */
static void put_block(struct frame *f, unsigned order)
{
    nodes[f->node].nr_free += 1ULL << order;
    for (; order < MAX_ORDER; order++) {
        mfn_t other = mfn_of(f) ^ (1ULL << order);
        struct frame *buddy = &table[other];

        if (other >= table_end || buddy->state != FRAME_FREE || buddy->order != order ||
            buddy->node != f->node)
            break;
        list_del(&buddy->link);
        buddy->order = f->order = INSIDE;
        f = MIN(f, buddy);
    }
    list_block(f, order);
}

/* A block of this node, no longer free; NULL if there is none. */
static struct frame *take_block(struct node *n, unsigned order)
{
    unsigned at = order;
    struct frame *f;

    while (at <= MAX_ORDER && list_empty(&n->free[at]))
        at++;
    if (at > MAX_ORDER)
        return NULL;
    f = list_first_entry(&n->free[at], struct frame, link);
    list_del(&f->link);
    while (at > order) {
        list_block(f, --at);
        f += 1ULL << at;
    }
    n->nr_free -= 1ULL << order;
    for (uint64_t i = 0; i < 1ULL << order; i++) {
        f[i].state = FRAME_XEN;
        f[i].owner = NULL;
        f[i].order = INSIDE;
    }
    f->order = (uint8_t)order;
    return f;
}

/* Frames of one node become free, in blocks as large as alignment allows. */
static void put_run(mfn_t start, mfn_t end)
{
    for (mfn_t mfn = start; mfn < end; mfn++) {
        table[mfn].state = FRAME_FREE;
        table[mfn].order = INSIDE;
    }
    while (start < end) {
        unsigned order = start ? (unsigned)__builtin_ctzll(start) : MAX_ORDER;

        order = MIN(order, MAX_ORDER);
        while (start + (1ULL << order) > end)
            order--;
        put_block(&table[start], order);
        start += 1ULL << order;
    }
}

void frames_release(mfn_t start, mfn_t end, unsigned node)
{
    BUG_ON(end > table_end);
    if (node >= MAX_NODES)
        node = 0;
    spin_lock(&lock);
    nr_nodes = MAX(nr_nodes, node + 1);
    for (mfn_t mfn = start; mfn < end; mfn++) {
        BUG_ON(table[mfn].state != FRAME_XEN);
        table[mfn].node = (uint8_t)node;
    }
    put_run(start, end);
    nodes[node].total += end - start;
    spin_unlock(&lock);
}

/* ---- contents ------------------------------------------------------------------------------- */

#ifdef DEBUG
static void poison(struct frame *f, uint64_t nr)
{
    memset(mfn_to_va(mfn_of(f)), POISON, nr * PAGE_SIZE);
    for (uint64_t i = 0; i < nr; i++)
        f[i].poisoned = true;
}

/* Somebody wrote to memory that had been freed? */
static void check_poison(struct frame *f)
{
    const uint64_t *word = mfn_to_va(mfn_of(f));

    for (unsigned i = 0; f->poisoned && i < PAGE_SIZE / sizeof *word; i++)
        if (word[i] != POISON_ALL)
            panic("free frame %lx was written to: %lx at offset %lx", mfn_of(f), word[i],
                  i * sizeof *word);
    f->poisoned = false;
}
#else
static void poison(struct frame *f, uint64_t nr)
{
    (void)f;
    (void)nr;
}
static void check_poison(struct frame *f)
{
    (void)f;
}
#endif

static void clear(struct frame *f, unsigned order)
{
    for (uint64_t i = 0; i < 1ULL << order; i++)
        check_poison(f + i);
    memset(mfn_to_va(mfn_of(f)), 0, PAGE_SIZE << order);
}

/* ---- the hypervisor's own frames ------------------------------------------------------------ */

static unsigned fullest_node(void)
{
    unsigned best = 0;

    for (unsigned i = 1; i < nr_nodes; i++)
        if (nodes[i].nr_free > nodes[best].nr_free)
            best = i;
    return best;
}

/* The nearest node that has not been tried; bits of those that have in `tried`. */
static unsigned next_node(unsigned from, uint64_t tried)
{
    unsigned best = MAX_NODES;

    for (unsigned i = 0; i < nr_nodes; i++)
        if (!(tried & BIT(i)) && nodes[i].nr_free &&
            (best == MAX_NODES || acpi.distance[from][i] < acpi.distance[from][best]))
            best = i;
    return best;
}

/* From `node` or, if it has none, from the others by distance. Under the lock. */
static struct frame *take(unsigned order, unsigned node)
{
    unsigned from = node < MAX_NODES ? node : fullest_node();
    uint64_t tried = 0;

    for (unsigned at = from; at < MAX_NODES; at = next_node(from, tried)) {
        struct frame *f = take_block(&nodes[at], order);

        if (f)
            return f;
        tried |= BIT(at);
    }
    return NULL;
}

mfn_t frames_alloc(unsigned order, unsigned node)
{
    struct frame *f;

    if (order > MAX_ORDER)
        return MFN_NONE;
    spin_lock(&lock);
    f = take(order, node);
    spin_unlock(&lock);
    if (!f)
        return MFN_NONE;
    clear(f, order);
    return mfn_of(f);
}

static void put_back(struct frame *f, unsigned order)
{
    poison(f, 1ULL << order);
    spin_lock(&lock);
    for (uint64_t i = 0; i < 1ULL << order; i++) {
        f[i].state = FRAME_FREE;
        f[i].order = INSIDE;
    }
    put_block(f, order);
    spin_unlock(&lock);
}

void frames_free(mfn_t mfn, unsigned order)
{
    struct frame *f = frame_of(mfn);

    BUG_ON(f->state != FRAME_XEN || f->order != order);
    put_back(f, order);
}

/* ---- domains' frames ------------------------------------------------------------------------ */

/* Frames that domains have given up while others still see them, by the domain's id; atomic. They
 * count against its allowance: it could map its own grants, give the pages up and ask for more. An
 * id that is used again starts with what the one before has left. */
static uint64_t still_seen[MAX_DOMAINS];

static bool may_have(const struct domain *d, uint64_t more)
{
    uint64_t has = d->tot_pages + __atomic_load_n(&still_seen[d->id], __ATOMIC_RELAXED);

    return !d->dying && has <= d->max_pages && more <= d->max_pages - has;
}

/* Under the lock. */
static void give(struct domain *d, struct frame *f, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        f[i].owner = d;
        f[i].order = INSIDE;
        f[i].state = FRAME_GUEST;
        d->on_node[f[i].node]++;
        list_add_tail(&d->pages, &f[i].link);
        /* Last: it is what page_get() asks for. */
        __atomic_store_n(&f[i].refs, 1, __ATOMIC_RELEASE);
    }
}

/* The hypervisor cannot do without its own page tables: they grow when dom0 first uses a device. */
static bool spared(uint64_t nr)
{
    return frames_free_count(NODE_ANY) >= nr + KEPT;
}

mfn_t domain_pages_alloc(struct domain *d, unsigned order, unsigned node)
{
    uint64_t nr = 1ULL << order;
    struct frame *f = NULL;
    bool given;

    if (order > MAX_ORDER)
        return MFN_NONE;
    spin_lock(&lock);
    if (may_have(d, nr) && spared(nr) && (f = take(order, node)))
        d->tot_pages += nr;
    spin_unlock(&lock);
    if (!f)
        return MFN_NONE;
    clear(f, order);
    /* The domain may have begun to die meanwhile; then nobody would free them any more. */
    spin_lock(&lock);
    given = !d->dying;
    if (given)
        give(d, f, nr);
    else
        d->tot_pages -= nr;
    spin_unlock(&lock);
    if (!given)
        put_back(f, order);
    return given ? mfn_of(f) : MFN_NONE;
}

/* The free block that a free frame is in. */
static struct frame *block_of(mfn_t mfn)
{
    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        struct frame *f = &table[ROUND_DOWN(mfn, 1ULL << order)];

        if (f->state == FRAME_FREE && f->order == order)
            return f;
    }
    panic("free frame %lx is in no block", mfn);
}

/* Take the part of a free block that is in [start, end) out of it; returns where the block ends. */
static mfn_t carve(struct frame *block, mfn_t start, mfn_t end)
{
    mfn_t first = mfn_of(block), last = first + (1ULL << block->order);
    mfn_t from = MAX(first, start), to = MIN(last, end);

    list_del(&block->link);
    nodes[block->node].nr_free -= last - first;
    for (mfn_t mfn = from; mfn < to; mfn++) {
        table[mfn].state = FRAME_XEN;
        table[mfn].order = INSIDE;
        table[mfn].poisoned = false;
    }
    put_run(first, from);
    put_run(to, last);
    return last;
}

static bool all_free(mfn_t mfn, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++)
        if (table[mfn + i].state != FRAME_FREE)
            return false;
    return true;
}

/* Under the lock. */
static int claim(struct domain *d, mfn_t mfn, uint64_t nr)
{
    if (!may_have(d, nr))
        return -XEN_ENOMEM;
    if (mfn >= table_end || nr > table_end - mfn || !all_free(mfn, nr))
        return -XEN_EBUSY;
    for (mfn_t at = mfn; at < mfn + nr;)
        at = carve(block_of(at), mfn, mfn + nr);
    d->tot_pages += nr;
    give(d, &table[mfn], nr);
    return 0;
}

int domain_pages_claim(struct domain *d, mfn_t mfn, uint64_t nr)
{
    int err;

    spin_lock(&lock);
    err = claim(d, mfn, nr);
    spin_unlock(&lock);
    return err;
}

/* It is its domain's no more. Under the lock. */
static void disown(struct frame *f)
{
    struct domain *d = f->owner;

    d->tot_pages--;
    d->on_node[f->node]--;
    f->owner = NULL;
    list_del(&f->link);
    f->given_up = d->id;
    __atomic_fetch_add(&still_seen[d->id], 1, __ATOMIC_RELAXED);
}

void domain_page_free(struct domain *d, mfn_t mfn)
{
    struct frame *f;
    bool mine;

    if (!mfn_valid(mfn))
        return;
    f = &table[mfn];
    spin_lock(&lock);
    mine = f->state == FRAME_GUEST && f->owner == d;
    if (mine)
        disown(f);
    spin_unlock(&lock);
    if (mine)
        page_put(mfn);
}

bool domain_pages_free_some(struct domain *d, uint64_t nr)
{
    for (; nr; nr--) {
        struct frame *f;

        spin_lock(&lock);
        f = list_first_entry(&d->pages, struct frame, link);
        if (f)
            disown(f);
        spin_unlock(&lock);
        if (!f)
            return false;
        page_put(mfn_of(f));
    }
    return true;
}

/* ---- moving to another node ----------------------------------------------------------------- */

mfn_t frames_take(unsigned order, unsigned node)
{
    struct frame *f = NULL;

    if (order > MAX_ORDER || node >= MAX_NODES)
        return MFN_NONE;
    spin_lock(&lock);
    if (spared(1ULL << order))
        f = take_block(&nodes[node], order);
    spin_unlock(&lock);
    for (uint64_t i = 0; f && i < 1ULL << order; i++)
        check_poison(f + i);
    return f ? mfn_of(f) : MFN_NONE;
}

/* Nobody gets a reference to frames without any; who looks it up waits for the lock that the caller
 * holds. */
static bool freeze(struct domain *d, struct frame *f, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        uint32_t one = 1;

        if (f[i].state == FRAME_GUEST && f[i].owner == d &&
            __atomic_compare_exchange_n(&f[i].refs, &one, 0, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            continue;
        while (i--)
            __atomic_store_n(&f[i].refs, 1, __ATOMIC_RELEASE);
        return false;
    }
    return true;
}

bool domain_pages_swap(struct domain *d, mfn_t from, mfn_t to, unsigned order)
{
    uint64_t nr = 1ULL << order;
    struct frame *f = frame_of(from);
    bool frozen;

    spin_lock(&lock);
    frozen = freeze(d, f, nr);
    for (uint64_t i = 0; frozen && i < nr; i++) {
        list_del(&f[i].link);
        d->on_node[f[i].node]--;
        f[i].owner = NULL;
        f[i].state = FRAME_XEN;
    }
    if (frozen) {
        f->order = (uint8_t)order;
        give(d, frame_of(to), nr);
    }
    spin_unlock(&lock);
    return frozen;
}

/* ---- references ----------------------------------------------------------------------------- */

/* A frame without references is being freed, or never was a guest's. */
static bool ref_get(struct frame *f)
{
    uint32_t refs = __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE);

    do {
        if (!refs || refs == UINT32_MAX)
            return false;
    } while (!__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return true;
}

/* The owner is looked at with the reference held: it can only become NULL from then on. */
bool page_get(mfn_t mfn, const struct domain *d)
{
    struct frame *f;
    const struct domain *owner;

    if (!mfn_valid(mfn))
        return false;
    f = &table[mfn];
    if (!ref_get(f))
        return false;
    owner = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
    if (owner && (!d || owner == d))
        return true;
    page_put(mfn);
    return false;
}

void page_put(mfn_t mfn)
{
    struct frame *f = frame_of(mfn);
    uint32_t left = __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL);

    ASSERT(left != UINT32_MAX && f->state == FRAME_GUEST);
    if (!left) {
        __atomic_fetch_sub(&still_seen[f->given_up], 1, __ATOMIC_RELAXED);
        put_back(f, 0);
    }
}
