/* What physmap.h says. */
#include "physmap.h"

void physmap_drop(struct domain *d, struct p2m_entry e)
{
    if (e.kind == P2M_RAM)
        domain_page_free(d, e.mfn);
    else if (e.kind == P2M_FOREIGN)
        page_put(e.mfn);
    /* A grant's reference is its handle's; the others have none. */
}

int physmap_install(struct domain *d, gfn_t gfn, mfn_t mfn, enum p2m_kind kind)
{
    int err = p2m_map(d, gfn, mfn, ORDER_4K, kind);

    if (err != -XEN_EEXIST)
        return err;
    struct p2m_entry old = p2m_unmap(d, gfn);
    physmap_drop(d, old);
    /* Another vCPU of the guest may have been faster: then it is told so, it raced with itself. */
    return old.kind == P2M_NONE ? -XEN_ENOMEM : p2m_map(d, gfn, mfn, ORDER_4K, kind);
}

/* dom0's devices reach memory at machine addresses, so it gets the frames again that it gave back,
 * if they are still free: they keep gfn and mfn equal. */
static mfn_t claim_identity(struct domain *d, gfn_t gfn, unsigned order)
{
    uint64_t nr = 1ULL << order;

    if (!is_dom0(d) || domain_pages_claim(d, gfn, nr))
        return MFN_NONE;
    memset(mfn_to_va(gfn), 0, nr * PAGE_SIZE);
    return gfn;
}

static void free_frames(struct domain *d, mfn_t mfn, unsigned order)
{
    for (uint64_t i = 0; i < 1ULL << order; i++)
        domain_page_free(d, mfn + i);
}

/* One entry of order 0 or 9. */
static int populate_entry(struct domain *d, gfn_t gfn, unsigned order, unsigned node)
{
    mfn_t mfn = claim_identity(d, gfn, order);

    if (mfn == MFN_NONE)
        mfn = domain_pages_alloc(d, order, node);
    if (mfn == MFN_NONE)
        return -XEN_ENOMEM;
    int err = p2m_map(d, gfn, mfn, order, P2M_RAM);
    if (err)
        free_frames(d, mfn, order);
    return err;
}

int physmap_populate(struct domain *d, gfn_t gfn, unsigned order, unsigned node)
{
    uint64_t nr = 1ULL << order;

    if (gfn + nr < gfn)
        return -XEN_EINVAL;
    if (order == ORDER_2M && !(gfn & (nr - 1)))
        return populate_entry(d, gfn, order, node);
    for (uint64_t i = 0; i < nr; i++) {
        int err = populate_entry(d, gfn + i, ORDER_4K, node);
        if (err) {
            while (i--)
                physmap_drop(d, p2m_unmap(d, gfn + i));
            return err;
        }
    }
    return 0;
}

int physmap_free(struct domain *d, gfn_t gfn)
{
    if (p2m_lookup(d, gfn).kind != P2M_RAM)
        return on_demand_forget(d, gfn) ? 0 : -XEN_EINVAL;
    struct p2m_entry e = p2m_unmap(d, gfn);
    if (e.kind != P2M_RAM || !on_demand_keep(d, e.mfn))
        physmap_drop(d, e);
    return e.kind == P2M_NONE ? -XEN_ENOMEM : 0;
}
