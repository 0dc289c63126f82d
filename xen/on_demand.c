/* What on_demand.h says. */
#include "hypercall.h"

#define MAX_GFN  (1ULL << 26) /* 256 GiB: marks of 8 MiB */
#define MIN_GFNS (1ULL << 18)
#define AT_ONCE  1024 /* frames, in one go */

void on_demand_init(struct domain *d)
{
    spin_init(&d->on_demand.lock, RANK_DEMAND);
    d->on_demand.stock = MFN_NONE;
}

void on_demand_fini(struct domain *d)
{
    struct on_demand *o = &d->on_demand;

    spin_lock(&o->lock);
    uint64_t *marks = o->marks;
    o->marks = NULL;
    o->end = o->nr_marks = o->nr_stock = 0;
    o->stock = MFN_NONE;
    spin_unlock(&o->lock);
    xfree(marks);
}

/* ---- the stock: cleared frames of the domain's account ------------------------------------- */

static void push(struct on_demand *o, mfn_t mfn)
{
    *(mfn_t *)mfn_to_va(mfn) = o->stock;
    o->stock = mfn;
    o->nr_stock++;
}

static mfn_t pop(struct on_demand *o)
{
    mfn_t mfn = o->stock;
    mfn_t *next = mfn_to_va(mfn);

    o->stock = *next;
    *next = 0;
    o->nr_stock--;
    return mfn;
}

static mfn_t take(struct domain *d)
{
    struct on_demand *o = &d->on_demand;

    return o->nr_stock ? pop(o) : domain_pages_alloc(d, ORDER_4K, numa_node_for(d));
}

static void free_surplus(struct domain *d)
{
    if (d->on_demand.nr_stock > d->on_demand.nr_marks)
        domain_page_free(d, pop(&d->on_demand));
}

/* ---- marks --------------------------------------------------------------------------------- */

static bool marked(const struct on_demand *o, gfn_t gfn)
{
    return gfn < o->end && o->marks[gfn / 64] & BIT(gfn % 64);
}

static void unmark(struct on_demand *o, gfn_t gfn)
{
    o->marks[gfn / 64] &= ~BIT(gfn % 64);
    o->nr_marks--;
}

static int grow(struct on_demand *o, gfn_t end)
{
    gfn_t gfns = MAX(o->end, MIN_GFNS);

    while (gfns < end)
        gfns *= 2;
    if (gfns == o->end)
        return 0;
    uint64_t *marks = xmalloc(gfns / 8);
    if (!marks)
        return -XEN_ENOMEM;
    if (o->marks)
        memcpy(marks, o->marks, o->end / 8);
    xfree(o->marks);
    o->marks = marks;
    o->end = gfns;
    return 0;
}

static int mark(struct domain *d, gfn_t gfn, gfn_t end)
{
    struct on_demand *o = &d->on_demand;
    int err = d->dying ? -XEN_EINVAL : grow(o, end);

    if (err)
        return err;
    for (gfn_t g = gfn; g < end; g++)
        if (marked(o, g) || p2m_lookup(d, g).kind != P2M_NONE)
            return -XEN_EEXIST;
    for (gfn_t g = gfn; g < end; g++)
        o->marks[g / 64] |= BIT(g % 64);
    o->nr_marks += end - gfn;
    return 0;
}

int on_demand_mark(struct domain *d, gfn_t gfn, unsigned order)
{
    gfn_t nr = 1ULL << order;

    if (gfn >= MAX_GFN || nr > MAX_GFN - gfn)
        return -XEN_EINVAL;
    spin_lock(&d->on_demand.lock);
    int err = mark(d, gfn, gfn + nr);
    spin_unlock(&d->on_demand.lock);
    return err;
}

/* ---- how much ------------------------------------------------------------------------------ */

/* The target comes before the first mark. Later it only ever grows the stock: a lower one is the
 * balloon driver's affair, and until it is through, marked pages may be used as before. */
static uint64_t wanted_stock(const struct domain *d, uint64_t target)
{
    const struct on_demand *o = &d->on_demand;
    uint64_t used = d->tot_pages - o->nr_stock, rest = target > used ? target - used : 0;

    return used || o->nr_marks ? MIN(MAX(rest, o->nr_stock), o->nr_marks) : rest;
}

static int approach(struct domain *d, uint64_t want)
{
    struct on_demand *o = &d->on_demand;

    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (o->nr_stock == want)
            return 0;
        if (o->nr_stock > want) {
            domain_page_free(d, pop(o));
            continue;
        }
        mfn_t mfn = domain_pages_alloc(d, ORDER_4K, numa_node_for(d));
        if (mfn == MFN_NONE)
            return -XEN_ENOMEM;
        push(o, mfn);
    }
    return HC_RESTART;
}

int on_demand_target(struct domain *d, uint64_t target)
{
    spin_lock(&d->on_demand.lock);
    int err = d->dying ? -XEN_EINVAL : approach(d, wanted_stock(d, target));
    spin_unlock(&d->on_demand.lock);
    return err;
}

/* ---- use ----------------------------------------------------------------------------------- */

/* What the guest has put there by itself meanwhile stays. */
static int fill(struct domain *d, gfn_t gfn)
{
    mfn_t mfn = take(d);

    if (mfn == MFN_NONE)
        return -XEN_ENOMEM;
    int err = p2m_map(d, gfn, mfn, ORDER_4K, P2M_RAM);
    if (err)
        push(&d->on_demand, mfn);
    if (err && err != -XEN_EEXIST)
        return err;
    unmark(&d->on_demand, gfn);
    free_surplus(d);
    return 0;
}

int on_demand_fill(struct domain *d, gfn_t gfn)
{
    int err;

    if (!d->on_demand.marks)
        return -XEN_ENOENT;
    spin_lock(&d->on_demand.lock);
    if (marked(&d->on_demand, gfn))
        err = fill(d, gfn);
    else /* unless another vCPU has filled it just now */
        err = p2m_lookup(d, gfn).kind == P2M_NONE ? -XEN_ENOENT : 0;
    spin_unlock(&d->on_demand.lock);
    return err;
}

bool on_demand_forget(struct domain *d, gfn_t gfn)
{
    struct on_demand *o = &d->on_demand;

    if (!o->marks)
        return false;
    spin_lock(&o->lock);
    bool was = marked(o, gfn);
    if (was) {
        unmark(o, gfn);
        free_surplus(d);
    }
    spin_unlock(&o->lock);
    return was;
}

/* Nobody gets another reference to a page that is not mapped any more. */
bool on_demand_keep(struct domain *d, mfn_t mfn)
{
    struct on_demand *o = &d->on_demand;

    if (!o->marks || __atomic_load_n(&frame_of(mfn)->refs, __ATOMIC_ACQUIRE) != 1)
        return false;
    spin_lock(&o->lock);
    bool kept = o->nr_marks > o->nr_stock;
    if (kept) {
        memset(mfn_to_va(mfn), 0, PAGE_SIZE);
        push(o, mfn);
    }
    spin_unlock(&o->lock);
    return kept;
}
