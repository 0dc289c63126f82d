/*
 * Nested page tables: four levels of 512 entries, as the processor's own in
 * long mode. Leaves may be at the last three levels.
 *
 *   63 NX | 51..12 frame | 11..9 kind | 7 leaf above the last level | 6 D | 5 A | PCD PWT U W P
 *
 * Nested walks count as user accesses, hence U everywhere (AMD manual vol. 2,
 * 15.25.5). A and D are set from the start, so hardware never writes here and
 * an entry may be replaced by a plain store.
 *
 * The TLB: `epoch` grows with each entry that goes. A pCPU says which domain it
 * is about to run, then reads the epoch and drops what it has cached for an
 * older one; who removes an entry raises the epoch, then waits for every pCPU
 * that is inside with an older one. p2m_enter() pairs with await_guests().
 */
#include "domain.h"
#include "x86/arch.h"

#define PTE_P       BIT(0)
#define PTE_W       BIT(1)
#define PTE_U       BIT(2)
#define PTE_PWT     BIT(3)
#define PTE_PCD     BIT(4)
#define PTE_A       BIT(5)
#define PTE_D       BIT(6)
#define PTE_LEAF    BIT(7)
#define PTE_NX      BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ULL
#define PTE_TABLE   (PTE_P | PTE_W | PTE_U | PTE_A)
#define KIND_SHIFT  9

#define ENTRIES   512u
#define ORDER_TOP 27u /* of a root entry */

/* Tables that a domain may have: these, and four times what its memory takes in single pages. */
#define TABLES_FREE     256
#define PAGES_PER_TABLE (ENTRIES / 4)

static unsigned address_bits; /* physical, of this machine and so of its guests */
static bool has_1g;

static const uint64_t rights[] = {
    [P2M_RAM] = PTE_W,
    [P2M_MMIO] = PTE_W | PTE_PCD | PTE_PWT, /* entry 3 of the PAT after reset: uncached */
    [P2M_FOREIGN] = PTE_W | PTE_NX,
    [P2M_GRANT_RW] = PTE_W | PTE_NX,
    [P2M_GRANT_RO] = PTE_NX,
    [P2M_XEN] = PTE_W | PTE_NX,
};

static uint64_t leaf(mfn_t mfn, unsigned order, enum p2m_kind kind)
{
    return mfn << PAGE_SHIFT | rights[kind] | (uint64_t)kind << KIND_SHIFT |
           (order ? PTE_LEAF : 0) | PTE_P | PTE_U | PTE_A | PTE_D;
}

static enum p2m_kind kind_of(uint64_t entry)
{
    return entry >> KIND_SHIFT & 7;
}

static mfn_t mfn_in(uint64_t entry)
{
    return (entry & PTE_ADDRESS) >> PAGE_SHIFT;
}

static bool is_table(uint64_t entry, unsigned order)
{
    return order && (entry & (PTE_P | PTE_LEAF)) == PTE_P;
}

static void set(uint64_t *slot, uint64_t entry)
{
    __atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

/* The entry that decides about gfn, present or not, and its order. */
static uint64_t *find(const struct p2m *p, gfn_t gfn, unsigned *order)
{
    uint64_t *table = mfn_to_va(p->root);

    for (unsigned at = ORDER_TOP;; at -= 9) {
        uint64_t *slot = &table[gfn >> at & (ENTRIES - 1)];
        if (!is_table(*slot, at)) {
            *order = at;
            return slot;
        }
        table = mfn_to_va(mfn_in(*slot));
    }
}

static bool reachable(const struct p2m *p, gfn_t gfn)
{
    return p->root != MFN_NONE && gfn >> (address_bits - PAGE_SHIFT) == 0;
}

/* ---- tables ------------------------------------------------------------------------------ */

/* A page far from all others takes tables of its own, which stay when it is gone: who moves
 * one around would get all memory. The limit never shrinks with max_pages, as the tables do not. */
static bool may_grow(struct domain *d)
{
    uint64_t pages = __atomic_load_n(&d->max_pages, __ATOMIC_RELAXED);
    struct p2m *p = &d->p2m;

    p->max_tables = MAX(p->max_tables, TABLES_FREE + pages / PAGES_PER_TABLE);
    return p->nr_tables < p->max_tables;
}

static mfn_t table_alloc(struct domain *d)
{
    mfn_t mfn = may_grow(d) ? frames_alloc(0, d->node) : MFN_NONE;

    if (mfn != MFN_NONE)
        d->p2m.nr_tables++;
    return mfn;
}

/* A table that maps what the large leaf `entry` maps; false without memory. */
static bool table_of_leaf(struct domain *d, uint64_t entry, unsigned order, uint64_t *result)
{
    mfn_t mfn = table_alloc(d);
    unsigned below = order - 9;
    uint64_t *table;

    if (mfn == MFN_NONE)
        return false;
    table = mfn_to_va(mfn);
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = leaf(mfn_in(entry) + ((mfn_t)i << below), below, kind_of(entry));
    *result = mfn << PAGE_SHIFT | PTE_TABLE;
    return true;
}

/* Frees a table whose entries have `order`, and all below it. */
static void tables_free(struct p2m *p, mfn_t mfn, unsigned order)
{
    const uint64_t *table = mfn_to_va(mfn);

    for (unsigned i = 0; i < ENTRIES; i++) {
        if (is_table(table[i], order))
            tables_free(p, mfn_in(table[i]), order - 9);
        else if (kind_of(table[i]) == P2M_FOREIGN)
            page_put(mfn_in(table[i]));
    }
    frames_free(mfn, 0);
    p->nr_tables--;
}

static bool table_empty(mfn_t mfn, unsigned order)
{
    const uint64_t *table = mfn_to_va(mfn);

    for (unsigned i = 0; i < ENTRIES; i++) {
        if (!table[i])
            continue;
        if (!is_table(table[i], order) || !table_empty(mfn_in(table[i]), order - 9))
            return false;
    }
    return true;
}

static void cache_clear(struct p2m *p)
{
    for (unsigned i = 0; i < P2M_CACHED; i++)
        p->cache[i].gfn = MFN_NONE;
}

static void cache_forget(struct p2m *p, gfn_t gfn)
{
    if (p->cache[gfn % P2M_CACHED].gfn == gfn)
        p->cache[gfn % P2M_CACHED].gfn = MFN_NONE;
}

int p2m_init(struct domain *d)
{
    uint32_t out[4];

    cpuid(0x80000008, 0, out);
    address_bits = MIN(out[0] & 0xff, 48u);
    cpuid(0x80000001, 0, out);
    has_1g = out[3] & BIT(26);

    spin_init(&d->p2m.lock, RANK_P2M);
    d->p2m.epoch = 1; /* 0: a pCPU that has not read it yet */
    d->p2m.highest = 0;
    d->p2m.nr_tables = d->p2m.max_tables = 0;
    cache_clear(&d->p2m);
    d->p2m.root = table_alloc(d);
    return d->p2m.root == MFN_NONE ? -XEN_ENOMEM : 0;
}

/* ---- the TLB ----------------------------------------------------------------------------- */

uint64_t p2m_enter(struct domain *d)
{
    struct pcpu *p = this_pcpu();

    /* Its exchange is a full barrier: the epoch is read after everybody can see who is inside. */
    (void)__atomic_exchange_n(&p->in_guest, d, __ATOMIC_SEQ_CST);
    return p->guest_epoch = d->p2m.epoch;
}

void p2m_leave(void)
{
    struct pcpu *p = this_pcpu();

    p->in_guest = NULL;
    p->guest_epoch = 0;
}

static bool is_behind(const struct pcpu *p, const struct domain *d, uint64_t epoch)
{
    return p->in_guest == d && p->guest_epoch < epoch;
}

/* Until nobody runs the domain with entries from before `epoch`. Leaving a guest needs no lock, so
 * the caller may hold some. */
static void await_guests(const struct domain *d, uint64_t epoch)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < nr_pcpus; i++) {
        if (is_behind(pcpus[i], d, epoch))
            pcpu_kick(pcpus[i]);
    }
    for (unsigned i = 0; i < nr_pcpus; i++) {
        while (is_behind(pcpus[i], d, epoch))
            cpu_relax();
    }
}

void p2m_fini(struct domain *d)
{
    struct p2m *p = &d->p2m;
    uint64_t epoch;
    mfn_t root;

    spin_lock(&p->lock);
    root = p->root;
    p->root = MFN_NONE;
    cache_clear(p);
    epoch = ++p->epoch;
    spin_unlock(&p->lock);

    await_guests(d, epoch);
    if (root != MFN_NONE)
        tables_free(p, root, ORDER_TOP);
}

/* ---- entries ----------------------------------------------------------------------------- */

static struct p2m_entry decode(uint64_t entry, gfn_t gfn, unsigned order)
{
    if (!(entry & PTE_P))
        return (struct p2m_entry){MFN_NONE, P2M_NONE, 0};
    return (struct p2m_entry){mfn_in(entry) + (gfn & (BIT(order) - 1)), kind_of(entry), order};
}

/* Under the lock. */
static struct p2m_entry look_up(const struct p2m *p, gfn_t gfn)
{
    unsigned order;

    if (!reachable(p, gfn))
        return (struct p2m_entry){MFN_NONE, P2M_NONE, 0};
    const uint64_t *slot = find(p, gfn, &order);
    return decode(*slot, gfn, order);
}

struct p2m_entry p2m_lookup(struct domain *d, gfn_t gfn)
{
    struct p2m_entry found;

    spin_lock(&d->p2m.lock);
    found = look_up(&d->p2m, gfn);
    spin_unlock(&d->p2m.lock);
    return found;
}

bool p2m_get_ram(struct domain *d, gfn_t gfn, mfn_t *mfn)
{
    struct p2m_entry e;
    bool got;

    on_demand_fill(d, gfn);
    spin_lock(&d->p2m.lock);
    e = look_up(&d->p2m, gfn);
    got = e.kind == P2M_RAM && page_get(e.mfn, d);
    spin_unlock(&d->p2m.lock);
    *mfn = e.mfn;
    return got;
}

void *p2m_page_find(struct p2m *p, gfn_t gfn, bool write)
{
    unsigned order;
    uint64_t entry;
    void *page;

    if (!reachable(p, gfn))
        return NULL;
    entry = *find(p, gfn, &order);
    if (!(entry & PTE_P))
        p->missed = gfn;
    if (!(entry & PTE_P) || (write && !(entry & PTE_W)) || kind_of(entry) == P2M_MMIO)
        return NULL;
    page = mfn_to_va(mfn_in(entry) + (gfn & (BIT(order) - 1)));
    if (entry & PTE_W)
        p->cache[gfn % P2M_CACHED] = (struct p2m_cached){gfn, page};
    return page;
}

/* The slot of `order` for gfn, with the tables above it. */
static int slot_for(struct domain *d, gfn_t gfn, unsigned order, uint64_t **slot)
{
    uint64_t *table = mfn_to_va(d->p2m.root);

    for (unsigned at = ORDER_TOP;; at -= 9) {
        *slot = &table[gfn >> at & (ENTRIES - 1)];
        if (at == order)
            return 0;
        if (!**slot) {
            mfn_t mfn = table_alloc(d);
            if (mfn == MFN_NONE)
                return -XEN_ENOMEM;
            set(*slot, mfn << PAGE_SHIFT | PTE_TABLE);
        } else if (!is_table(**slot, at)) {
            return -XEN_EEXIST;
        }
        table = mfn_to_va(mfn_in(**slot));
    }
}

/* Under the lock. *emptied: an empty table that the new leaf replaces, to be freed when no pCPU
 * can walk it any more. */
static int map_locked(struct domain *d, gfn_t gfn, uint64_t entry, unsigned order,
                      uint64_t *emptied)
{
    uint64_t *slot;
    int err;

    if (d->p2m.root == MFN_NONE)
        return -XEN_EINVAL;
    err = slot_for(d, gfn, order, &slot);
    if (err)
        return err;
    if (*slot && !(is_table(*slot, order) && table_empty(mfn_in(*slot), order - 9)))
        return -XEN_EEXIST;
    if (order == ORDER_1G && !has_1g && !table_of_leaf(d, entry, order, &entry))
        return -XEN_ENOMEM;
    *emptied = *slot;
    set(slot, entry);
    d->p2m.highest = MAX(d->p2m.highest, gfn + BIT(order) - 1);
    if (*emptied)
        d->p2m.epoch++;
    return 0;
}

static bool map_valid(gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_kind kind)
{
    gfn_t end = BIT(address_bits - PAGE_SHIFT);

    if (order != ORDER_4K && order != ORDER_2M && order != ORDER_1G)
        return false;
    if (kind == P2M_NONE || kind > P2M_XEN || (kind == P2M_FOREIGN && order))
        return false;
    return gfn < end && mfn < end && !((gfn | mfn) & (BIT(order) - 1));
}

int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_kind kind)
{
    uint64_t emptied = 0;
    int err;

    if (!map_valid(gfn, mfn, order, kind))
        return -XEN_EINVAL;
    spin_lock(&d->p2m.lock);
    err = map_locked(d, gfn, leaf(mfn, order, kind), order, &emptied);
    if (emptied) {
        await_guests(d, d->p2m.epoch);
        tables_free(&d->p2m, mfn_in(emptied), order - 9);
    }
    spin_unlock(&d->p2m.lock);
    return err;
}

/* The 4 KiB slot of a gfn that is mapped, or NULL without memory to split a large leaf. */
static uint64_t *find_split(struct domain *d, gfn_t gfn)
{
    uint64_t *slot, table;
    unsigned order;

    for (;;) {
        slot = find(&d->p2m, gfn, &order);
        if (!order)
            return slot;
        if (!(*slot & PTE_P) || !table_of_leaf(d, *slot, order, &table))
            return NULL;
        set(slot, table);
    }
}

struct p2m_entry p2m_unmap(struct domain *d, gfn_t gfn)
{
    struct p2m_entry gone = {MFN_NONE, P2M_NONE, 0};
    struct p2m *p = &d->p2m;
    uint64_t *slot, epoch = 0;

    spin_lock(&p->lock);
    slot = reachable(p, gfn) ? find_split(d, gfn) : NULL;
    if (slot && *slot) {
        gone = decode(*slot, gfn, 0);
        set(slot, 0);
        cache_forget(p, gfn);
        epoch = ++p->epoch;
    }
    spin_unlock(&p->lock);

    if (epoch)
        await_guests(d, epoch);
    return gone;
}

/* ---- entries that get another frame -------------------------------------------------------- */

bool p2m_next(const struct p2m *p, gfn_t *gfn, struct p2m_entry *e)
{
    unsigned order;

    while (*gfn <= p->highest && reachable(p, *gfn)) {
        uint64_t entry = *find(p, *gfn, &order);

        *gfn &= ~(BIT(order) - 1);
        if (entry & PTE_P) {
            *e = decode(entry, *gfn, order);
            return true;
        }
        *gfn += BIT(order);
    }
    return false;
}

bool p2m_split(struct domain *d, gfn_t gfn)
{
    return find_split(d, gfn);
}

void p2m_hide(struct domain *d, gfn_t gfn)
{
    unsigned order;

    set(find(&d->p2m, gfn, &order), 0);
    if (order)
        cache_clear(&d->p2m);
    else
        cache_forget(&d->p2m, gfn);
    d->p2m.epoch++;
}

void p2m_await(const struct domain *d)
{
    await_guests(d, d->p2m.epoch);
}

void p2m_show(struct domain *d, gfn_t gfn, mfn_t mfn)
{
    unsigned order;
    uint64_t *slot = find(&d->p2m, gfn, &order);

    set(slot, leaf(mfn, order, P2M_RAM));
}
