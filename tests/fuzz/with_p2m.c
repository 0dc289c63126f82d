/* The leaves of a domain's nested page tables. */
#include "check.h"

#include "../../xen/p2m.c"

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

static void walk(struct domain *d, mfn_t mfn, unsigned order, gfn_t gfn, uint64_t *tables,
                 void (*f)(struct domain *, const struct p2m_leaf *))
{
    const uint64_t *table = mfn_to_va(mfn);

    ++*tables;
    for (unsigned i = 0; i < ENTRIES; i++) {
        gfn_t at = gfn + ((gfn_t)i << order);
        uint64_t entry = table[i];

        if (is_table(entry, order)) {
            walk(d, mfn_in(entry), order - 9, at, tables, f);
        } else if (entry & PTE_P) {
            struct p2m_leaf leaf = {at, mfn_in(entry), order, kind_of(entry)};
            if (at + BIT(order) - 1 > d->p2m.highest)
                panic("d%u: gfn %lx is beyond the highest, %lx", d->id, at, d->p2m.highest);
            f(d, &leaf);
        } else if (entry) {
            panic("d%u: entry %lx of gfn %lx", d->id, entry, at);
        }
    }
}

/* What was looked up before must still be so. */
static void check_cache(struct domain *d)
{
    for (unsigned i = 0; i < P2M_CACHED; i++) {
        const struct p2m_cached *c = &d->p2m.cache[i];
        struct p2m_entry e = c->gfn == MFN_NONE ? (struct p2m_entry){0} : p2m_lookup(d, c->gfn);

        if (c->gfn != MFN_NONE && (e.kind == P2M_NONE || mfn_to_va(e.mfn) != c->page))
            panic("d%u: gfn %lx is remembered at frame %lx", d->id, c->gfn, va_to_mfn(c->page));
    }
}

void each_leaf(struct domain *d, void (*f)(struct domain *, const struct p2m_leaf *))
{
    uint64_t tables = 0;

    if (d->p2m.root != MFN_NONE)
        walk(d, d->p2m.root, ORDER_TOP, 0, &tables, f);
    if (tables != d->p2m.nr_tables)
        panic("d%u has %lu tables and counts %lu", d->id, tables, d->p2m.nr_tables);
    check_cache(d);
}

#pragma clang attribute pop
