/*
 * Using the grants of others: mappings, each with a handle in the mapper's
 * track, and copies.
 */
#include "grant_private.h"
#include "physmap.h"

#define FLAGS_KNOWN                                                                                \
    (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | GNTMAP_application_map |              \
     GNTMAP_contains_pte | GNTMAP_guest_avail_mask)

/* ---- handles ------------------------------------------------------------------------------- */

static struct mapping *mapping_of(const struct grant_table *t, uint32_t handle)
{
    return handle < t->nr_track * MAPPINGS ? &t->track[handle / MAPPINGS][handle % MAPPINGS] : NULL;
}

static void handle_free(struct grant_table *t, uint32_t handle)
{
    struct mapping *m = mapping_of(t, handle);

    m->granter = NULL;
    m->ref = t->free_handle;
    t->free_handle = handle;
}

/* Under the lock, like all here. */
static uint32_t handle_alloc(struct grant_table *t)
{
    if (t->free_handle == NO_HANDLE && t->nr_track < t->max_track) {
        struct mapping *page = xnew_array(struct mapping, MAPPINGS);

        if (!page)
            return NO_HANDLE;
        t->track[t->nr_track++] = page;
        for (uint32_t i = MAPPINGS; i--;)
            handle_free(t, (t->nr_track - 1) * MAPPINGS + i);
    }
    uint32_t handle = t->free_handle;
    if (handle != NO_HANDLE)
        t->free_handle = mapping_of(t, handle)->ref;
    return handle;
}

/* ---- mapping ------------------------------------------------------------------------------- */

static int place_error(int err)
{
    return err == -XEN_ENOMEM ? GNTST_no_space : GNTST_bad_virt_addr;
}

/* The gfn must be empty, but dom0 may have looked at it before: then a device's page is there. */
static int place(struct domain *d, const struct mapping *m)
{
    enum p2m_kind kind = m->write ? P2M_GRANT_RW : P2M_GRANT_RO;
    int err = p2m_map(d, m->gfn, m->mfn, ORDER_4K, kind);

    if (err == -XEN_EEXIST && p2m_lookup(d, m->gfn).kind == P2M_MMIO)
        err = physmap_install(d, m->gfn, m->mfn, kind);
    return err;
}

/* Enters a pinned frame into the mapper's memory and track. */
static int track_mapping(struct domain *d, struct grant_table *mine, const struct mapping *m,
                         uint32_t *handle)
{
    int status = GNTST_okay;

    spin_lock(&mine->lock);
    *handle = handle_alloc(mine);
    if (*handle == NO_HANDLE) {
        status = GNTST_no_space;
    } else {
        int err = place(d, m);
        if (err) {
            status = place_error(err);
            handle_free(mine, *handle);
        } else {
            *mapping_of(mine, *handle) = *m;
        }
    }
    spin_unlock(&mine->lock);
    return status;
}

/* Lets go of a frame that is mapped nowhere any more. */
static void release(const struct mapping *m)
{
    grant_unpin(m->granter, m->ref, m->write);
    page_put(m->mfn);
    grant_table_put(m->granter);
}

static int map_from(struct domain *d, struct grant_table *mine, struct domain *granter,
                    struct gnttab_map_grant_ref *op)
{
    struct mapping m = {.granter = grant_table_get(granter),
                        .gfn = op->host_addr >> PAGE_SHIFT,
                        .ref = op->ref,
                        .write = !(op->flags & GNTMAP_readonly)};
    if (!m.granter)
        return GNTST_bad_domain;
    int status = grant_pin(granter, m.granter, m.ref, d->id, m.write, &m.mfn);
    if (status != GNTST_okay) {
        grant_table_put(m.granter);
        return status;
    }
    status = track_mapping(d, mine, &m, &op->handle);
    if (status != GNTST_okay)
        release(&m);
    else
        op->dev_bus_addr = m.mfn << PAGE_SHIFT;
    return status;
}

void grant_map(struct domain *d, struct gnttab_map_grant_ref *op)
{
    if (op->flags & ~FLAGS_KNOWN || !(op->flags & GNTMAP_host_map) ||
        op->flags & GNTMAP_contains_pte) {
        op->status = GNTST_general_error;
        return;
    }
    if (op->host_addr % PAGE_SIZE) {
        op->status = GNTST_bad_virt_addr;
        return;
    }
    struct domain *granter = domain_get(op->dom);
    struct grant_table *mine = grant_table_get(d);

    op->status = granter && mine ? map_from(d, mine, granter, op) : GNTST_bad_domain;
    if (mine)
        grant_table_put(mine);
    if (granter)
        domain_put(granter);
}

/* Takes the mapping out of the nested page tables. The guest may have done so behind our back. */
static void unplace(struct domain *d, const struct mapping *m)
{
    struct p2m_entry e = p2m_lookup(d, m->gfn);

    if ((e.kind == P2M_GRANT_RW || e.kind == P2M_GRANT_RO) && e.mfn == m->mfn)
        physmap_drop(d, p2m_unmap(d, m->gfn));
}

/* Under the lock: is it the mapping that the caller names? */
static int check_unmap(const struct mapping *m, const struct gnttab_unmap_grant_ref *op)
{
    if (!m || !m->granter)
        return GNTST_bad_handle;
    if (op->host_addr != m->gfn << PAGE_SHIFT)
        return GNTST_bad_virt_addr;
    if (op->dev_bus_addr && op->dev_bus_addr != m->mfn << PAGE_SHIFT)
        return GNTST_bad_dev_addr;
    return GNTST_okay;
}

void grant_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op)
{
    struct grant_table *mine = grant_table_get(d);
    struct mapping gone = {.granter = NULL};

    op->status = GNTST_bad_domain;
    if (!mine)
        return;
    spin_lock(&mine->lock);
    struct mapping *m = mapping_of(mine, op->handle);
    op->status = check_unmap(m, op);
    if (op->status == GNTST_okay) {
        gone = *m;
        unplace(d, m);
        handle_free(mine, op->handle);
    }
    spin_unlock(&mine->lock);
    grant_table_put(mine);
    if (gone.granter)
        release(&gone);
}

bool grants_unmap_some(struct domain *d, uint32_t nr)
{
    struct grant_table *t = d->grants;
    struct mapping *m = NULL;

    for (; t && nr && (m = mapping_of(t, t->nr_unmapped)); nr--, t->nr_unmapped++) {
        if (m->granter) {
            unplace(d, m);
            release(m);
            m->granter = NULL;
        }
    }
    return m;
}

void grants_fini(struct domain *d)
{
    grants_unmap_some(d, UINT32_MAX);
    struct grant_table *t = grant_table_take(d);
    if (t)
        grant_table_put(t);
}

/* ---- copying ------------------------------------------------------------------------------- */

/* One end of a copy: a frame with a reference and, if it is granted, the pin. */
struct end {
    mfn_t mfn;
    struct grant_table *granter;
    grant_ref_t ref;
    bool write;
};

static int end_of_grant(const struct domain *d, const struct gnttab_copy_ptr *at, struct end *end)
{
    int status = GNTST_bad_domain;
    struct domain *granter = domain_get(at->domid);

    if (!granter)
        return status;
    end->ref = at->u.ref;
    end->granter = grant_table_get(granter);
    if (end->granter) {
        status = grant_pin(granter, end->granter, end->ref, d->id, end->write, &end->mfn);
        if (status != GNTST_okay)
            grant_table_put(end->granter);
    }
    domain_put(granter);
    return status;
}

static int end_of_own(struct domain *d, const struct gnttab_copy_ptr *at, struct end *end)
{
    if (at->domid != DOMID_SELF && at->domid != d->id)
        return GNTST_permission_denied;
    end->granter = NULL;
    return p2m_get_ram(d, at->u.gmfn, &end->mfn) ? GNTST_okay : GNTST_bad_page;
}

static void end_release(const struct end *end)
{
    page_put(end->mfn);
    if (end->granter) {
        grant_unpin(end->granter, end->ref, end->write);
        grant_table_put(end->granter);
    }
}

static int copy_bytes(const struct end *to, struct domain *d, const struct gnttab_copy *op)
{
    struct end from = {.write = false};
    int status = op->flags & GNTCOPY_source_gref ? end_of_grant(d, &op->source, &from)
                                                 : end_of_own(d, &op->source, &from);

    if (status != GNTST_okay)
        return status;
    memmove((char *)mfn_to_va(to->mfn) + op->dest.offset,
            (const char *)mfn_to_va(from.mfn) + op->source.offset, op->len);
    end_release(&from);
    return GNTST_okay;
}

void grant_copy(struct domain *d, struct gnttab_copy *op)
{
    struct end to = {.write = true};

    op->status = GNTST_general_error;
    if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
        return;
    op->status = GNTST_bad_copy_arg;
    if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
        return;
    op->status = op->flags & GNTCOPY_dest_gref ? end_of_grant(d, &op->dest, &to)
                                               : end_of_own(d, &op->dest, &to);
    if (op->status != GNTST_okay)
        return;
    op->status = copy_bytes(&to, d, op);
    end_release(&to);
}
