/*
 * Pages of a running guest to other frames.
 *
 * Under the lock of its nested page tables, which everybody takes who looks up
 * one of its pages: entries are hidden and no pCPU has them in its TLB any
 * more, then the pages are copied, then the entries lead to the copies. A vCPU
 * that touches such a page meanwhile leaves the guest, waits for the lock and
 * tries again. Nothing needs to be flushed in the end, as absent entries are
 * not cached.
 *
 * A frame that has a reference besides the allocation's is known to somebody
 * by its number: a grant that is mapped, dom0's mapping of a ring, vcpu_info.
 * It stays.
 */
#include "domain.h"
#include "x86/arch.h"

#define AT_ONCE 32   /* small pages; a guest may have to wait for so many to be copied */
#define LOOKS   4096 /* entries that are looked at in one go */

struct batch {
    unsigned nr, order; /* AT_ONCE of order 0, or a large page */
    struct {
        gfn_t gfn;
        mfn_t from, to;
    } page[AT_ONCE];
};

/* ---- finding what to move; under the lock ---------------------------------------------------- */

static bool is_misplaced(const struct p2m_entry *e, uint64_t home)
{
    return e->kind == P2M_RAM && !(home & BIT(frame_of(e->mfn)->node));
}

/* False: it stays, or there is no memory. */
static bool take(struct domain *d, struct batch *b, gfn_t gfn, mfn_t from, unsigned to)
{
    mfn_t mfn = frames_take(b->order, to);

    if (mfn == MFN_NONE)
        return false;
    if (!domain_pages_swap(d, from, mfn, b->order)) {
        frames_free(mfn, b->order);
        return false;
    }
    b->page[b->nr].gfn = gfn;
    b->page[b->nr].from = from;
    b->page[b->nr++].to = mfn;
    return true;
}

struct search {
    struct domain *d;
    uint64_t home, nr;
    unsigned to, looks;
    bool end;
};

enum found { GO_ON, FULL };

/* A large page moves as one or, if that is not possible, as many. */
static enum found found_large(struct search *s, struct batch *b, gfn_t *gfn, mfn_t mfn)
{
    if (b->nr || s->nr < BIT(ORDER_2M))
        return FULL;
    b->order = ORDER_2M;
    if (take(s->d, b, *gfn, mfn, s->to)) {
        *gfn += BIT(ORDER_2M);
        return FULL;
    }
    b->order = ORDER_4K;
    if (!p2m_split(s->d, *gfn))
        *gfn += BIT(ORDER_2M);
    return GO_ON;
}

static enum found found(struct search *s, struct batch *b, gfn_t *gfn, const struct p2m_entry *e)
{
    if (!is_misplaced(e, s->home) || e->order > ORDER_2M) {
        *gfn += BIT(e->order);
        return GO_ON;
    }
    if (e->order)
        return found_large(s, b, gfn, e->mfn);
    take(s->d, b, (*gfn)++, e->mfn, s->to);
    return b->nr == MIN(s->nr, (uint64_t)AT_ONCE) ? FULL : GO_ON;
}

static void collect(struct search *s, struct batch *b, gfn_t *gfn)
{
    struct p2m_entry e;

    *b = (struct batch){.nr = 0};
    while (s->looks) {
        s->looks--;
        if (!p2m_next(&s->d->p2m, gfn, &e)) {
            s->end = true;
            return;
        }
        if (found(s, b, gfn, &e) == FULL)
            return;
    }
}

/* ---- moving it ----------------------------------------------------------------------------- */

static void move(struct domain *d, const struct batch *b)
{
    for (unsigned i = 0; i < b->nr; i++)
        p2m_hide(d, b->page[i].gfn);
    p2m_await(d);
    for (unsigned i = 0; i < b->nr; i++) {
        memcpy(mfn_to_va(b->page[i].to), mfn_to_va(b->page[i].from), PAGE_SIZE << b->order);
        p2m_show(d, b->page[i].gfn, b->page[i].to);
    }
}

/* Returns how many frames. */
static uint64_t move_some(struct search *s, gfn_t *gfn)
{
    struct p2m *p = &s->d->p2m;
    struct batch b;

    spin_lock(&p->lock);
    collect(s, &b, gfn);
    if (b.nr)
        move(s->d, &b);
    spin_unlock(&p->lock);
    for (unsigned i = 0; i < b.nr; i++)
        frames_free(b.page[i].from, b.order);
    return (uint64_t)b.nr << b.order;
}

uint64_t pages_move(struct domain *d, gfn_t *at, uint64_t home, unsigned to, uint64_t nr, bool *end)
{
    struct search s = {.d = d, .home = home, .nr = nr, .to = to, .looks = LOOKS};
    uint64_t moved;

    do {
        moved = move_some(&s, at);
        s.nr -= moved;
    } while (moved && s.nr && !s.end);
    *end = s.end;
    return nr - s.nr;
}
