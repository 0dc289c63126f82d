/*
 * Grant tables, version 1. A domain's table is
 *
 *   shared   frames of entries that the guest fills in and that say whom it
 *            lets reach which of its pages
 *   use      how many mappings each entry has, to set GTF_reading and
 *            GTF_writing in it while there are any
 *   track    what the domain itself has mapped of others; the index is the
 *            handle. The track holds the page reference for the nested page
 *            table's entry.
 *
 * A table is counted: its domain has one reference and each mapping of one of
 * its grants another, so a mapper can let go of a domain that is long gone.
 *
 * No two tables are locked at a time. An entry is pinned under its table's lock
 * alone; what is pinned stays valid without.
 */
#include "grant.h"
#include "physmap.h"

#define ENTRIES       (PAGE_SIZE / sizeof(struct grant_entry_v1)) /* of a shared frame */
#define MAPPINGS      (PAGE_SIZE / sizeof(struct mapping))        /* of a track page */
#define MAX_FRAMES    1024
#define MAX_TRACK     4096
#define NO_HANDLE     UINT32_MAX
#define PIN_ATTEMPTS  4 /* while the guest changes the entry under our eyes */
#define FLAGS_KNOWN                                                                                \
    (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | GNTMAP_application_map |              \
     GNTMAP_contains_pte | GNTMAP_guest_avail_mask)

struct use {
    uint32_t readers, writers;
};

struct mapping {
    struct grant_table *granter; /* NULL: the handle is free, and `ref` the next free one */
    gfn_t gfn;                   /* in the mapper's memory */
    mfn_t mfn;
    grant_ref_t ref;
    bool write;
};

struct grant_table {
    unsigned refs; /* under tables_lock */
    struct spinlock lock;
    unsigned nr_frames, max_frames;
    mfn_t *shared;
    struct use **use;
    unsigned nr_track, max_track; /* pages */
    struct mapping **track;
    uint32_t free_handle;
};

/* For `refs` and for domain.grants, which is NULL when the domain is going. */
static struct spinlock tables_lock = SPINLOCK_INIT(RANK_GRANT);

/* ---- life ------------------------------------------------------------------------------------ */

static void table_free(struct grant_table *t)
{
    for (unsigned i = 0; i < t->nr_frames; i++) {
        page_put(t->shared[i]);
        xfree(t->use[i]);
    }
    for (unsigned i = 0; i < t->nr_track; i++)
        xfree(t->track[i]);
    xfree(t->shared);
    xfree(t->use);
    xfree(t->track);
    xfree(t);
}

static struct grant_table *table_get(const struct domain *d)
{
    spin_lock(&tables_lock);
    struct grant_table *t = d->grants;
    if (t)
        t->refs++;
    spin_unlock(&tables_lock);
    return t;
}

static void table_put(struct grant_table *t)
{
    spin_lock(&tables_lock);
    bool last = --t->refs == 0;
    spin_unlock(&tables_lock);
    if (last)
        table_free(t);
}

int grants_init(struct domain *d, unsigned max_frames, unsigned max_maptrack)
{
    if (!max_frames || max_frames > MAX_FRAMES || max_maptrack > MAX_TRACK)
        return -XEN_EINVAL;
    struct grant_table *t = xnew(struct grant_table);
    if (!t)
        return -XEN_ENOMEM;
    spin_init(&t->lock, RANK_GRANT);
    t->refs = 1;
    t->max_frames = max_frames;
    t->max_track = max_maptrack;
    t->free_handle = NO_HANDLE;
    t->shared = xnew_array(mfn_t, max_frames);
    t->use = xnew_array(struct use *, max_frames);
    t->track = xnew_array(struct mapping *, MAX(max_maptrack, 1u));
    if (!t->shared || !t->use || !t->track) {
        table_free(t);
        return -XEN_ENOMEM;
    }
    d->grants = t;
    return 0;
}

/* ---- shared frames ----------------------------------------------------------------------------- */

/* The frame belongs to the domain like its memory, so the tools can map it, but is not taken from
 * its allowance. The second reference is the table's. */
static mfn_t shared_frame_alloc(struct domain *d)
{
    __atomic_fetch_add(&d->max_pages, 1, __ATOMIC_RELAXED);
    mfn_t mfn = domain_pages_alloc(d, ORDER_4K, d->node);

    if (mfn != MFN_NONE && page_get(mfn, d))
        return mfn;
    __atomic_fetch_sub(&d->max_pages, 1, __ATOMIC_RELAXED);
    return MFN_NONE;
}

/* Under the table's lock. */
static bool grow(struct domain *d, struct grant_table *t)
{
    struct use *use = xnew_array(struct use, ENTRIES);
    mfn_t mfn = use ? shared_frame_alloc(d) : MFN_NONE;

    if (mfn == MFN_NONE) {
        xfree(use);
        return false;
    }
    t->shared[t->nr_frames] = mfn;
    t->use[t->nr_frames++] = use;
    return true;
}

mfn_t grant_shared_frame(struct domain *d, unsigned index)
{
    struct grant_table *t = table_get(d);
    mfn_t mfn = MFN_NONE;

    if (!t)
        return MFN_NONE;
    spin_lock(&t->lock);
    if (index < t->max_frames) {
        while (index >= t->nr_frames && grow(d, t))
            ;
        if (index < t->nr_frames)
            mfn = t->shared[index];
    }
    spin_unlock(&t->lock);
    table_put(t);
    return mfn;
}

unsigned grants_nr_frames(const struct domain *d)
{
    struct grant_table *t = table_get(d);
    unsigned n = t ? t->nr_frames : 0;

    if (t)
        table_put(t);
    return n;
}

unsigned grants_max_frames(const struct domain *d)
{
    struct grant_table *t = table_get(d);
    unsigned n = t ? t->max_frames : 0;

    if (t)
        table_put(t);
    return n;
}

/* ---- pinning an entry ----------------------------------------------------------------------------- */

static struct grant_entry_v1 *entry_of(const struct grant_table *t, grant_ref_t ref)
{
    return (struct grant_entry_v1 *)mfn_to_va(t->shared[ref / ENTRIES]) + ref % ENTRIES;
}

static struct use *use_of(const struct grant_table *t, grant_ref_t ref)
{
    return &t->use[ref / ENTRIES][ref % ENTRIES];
}

/* Sets GTF_reading or GTF_writing in the entry if it lets `by` do that: in one step with the check,
 * because the guest may withdraw the grant at any time until then. */
static int mark_used(struct grant_entry_v1 *e, domid_t by, bool write)
{
    /* flags in the lower half, domid in the upper one */
    uint32_t *word = (uint32_t *)(void *)e;
    uint32_t old = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < PIN_ATTEMPTS; i++) {
        uint16_t flags = (uint16_t)old;

        if ((flags & GTF_type_mask) != GTF_permit_access || flags & GTF_sub_page || old >> 16 != by)
            return GNTST_bad_gntref;
        if (write && flags & GTF_readonly)
            return GNTST_general_error;
        if (__atomic_compare_exchange_n(word, &old,
                                        old | GTF_reading | (write ? GTF_writing : 0), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

static void unpin(struct grant_table *t, grant_ref_t ref, bool write)
{
    spin_lock(&t->lock);
    struct use *use = use_of(t, ref);
    uint16_t gone = 0;

    if (write)
        use->writers--;
    else
        use->readers--;
    if (!use->writers)
        gone = use->readers ? GTF_writing : GTF_writing | GTF_reading;
    __atomic_fetch_and(&entry_of(t, ref)->flags, (uint16_t)~gone, __ATOMIC_RELEASE);
    spin_unlock(&t->lock);
}

/* Under the lock of t, the table of `granter`. */
static int pin_locked(struct domain *granter, struct grant_table *t, grant_ref_t ref, domid_t by,
                      bool write)
{
    if (granter->dying)
        return GNTST_bad_domain;
    if (ref >= t->nr_frames * ENTRIES)
        return GNTST_bad_gntref;
    int status = mark_used(entry_of(t, ref), by, write);
    if (status != GNTST_okay)
        return status;
    if (write)
        use_of(t, ref)->writers++;
    else
        use_of(t, ref)->readers++;
    return GNTST_okay;
}

/* The granted frame with a reference, and the entry marked as in use. */
static int pin(struct domain *granter, struct grant_table *t, grant_ref_t ref, domid_t by, bool write,
               mfn_t *mfn)
{
    gfn_t gfn = 0;

    spin_lock(&t->lock);
    int status = pin_locked(granter, t, ref, by, write);
    if (status == GNTST_okay)
        gfn = __atomic_load_n(&entry_of(t, ref)->frame, __ATOMIC_ACQUIRE);
    spin_unlock(&t->lock);
    if (status != GNTST_okay)
        return status;

    struct p2m_entry e = p2m_lookup(granter, gfn);
    if (e.kind == P2M_RAM && page_get(e.mfn, granter)) {
        *mfn = e.mfn;
        return GNTST_okay;
    }
    unpin(t, ref, write);
    return GNTST_bad_page;
}

/* ---- handles ------------------------------------------------------------------------------------- */

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

/* ---- mapping ---------------------------------------------------------------------------------------- */

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
    unpin(m->granter, m->ref, m->write);
    page_put(m->mfn);
    table_put(m->granter);
}

static int map_from(struct domain *d, struct grant_table *mine, struct domain *granter,
                    struct gnttab_map_grant_ref *op)
{
    struct mapping m = {.granter = table_get(granter),
                        .gfn = op->host_addr >> PAGE_SHIFT,
                        .ref = op->ref,
                        .write = !(op->flags & GNTMAP_readonly)};
    if (!m.granter)
        return GNTST_bad_domain;
    int status = pin(granter, m.granter, m.ref, d->id, m.write, &m.mfn);
    if (status != GNTST_okay) {
        table_put(m.granter);
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
    struct grant_table *mine = table_get(d);

    op->status = granter && mine ? map_from(d, mine, granter, op) : GNTST_bad_domain;
    if (mine)
        table_put(mine);
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
    struct grant_table *mine = table_get(d);
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
    table_put(mine);
    if (gone.granter)
        release(&gone);
}

void grants_fini(struct domain *d)
{
    spin_lock(&tables_lock);
    struct grant_table *t = d->grants;
    d->grants = NULL;
    spin_unlock(&tables_lock);
    if (!t)
        return;
    for (uint32_t handle = 0; handle < t->nr_track * MAPPINGS; handle++) {
        struct mapping *m = mapping_of(t, handle);
        if (m->granter) {
            unplace(d, m);
            release(m);
            m->granter = NULL;
        }
    }
    table_put(t);
}

/* ---- copying ---------------------------------------------------------------------------------------- */

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
    end->granter = table_get(granter);
    if (end->granter) {
        status = pin(granter, end->granter, end->ref, d->id, end->write, &end->mfn);
        if (status != GNTST_okay)
            table_put(end->granter);
    }
    domain_put(granter);
    return status;
}

static int end_of_own(struct domain *d, const struct gnttab_copy_ptr *at, struct end *end)
{
    if (at->domid != DOMID_SELF && at->domid != d->id)
        return GNTST_permission_denied;
    struct p2m_entry e = p2m_lookup(d, at->u.gmfn);
    if (e.kind != P2M_RAM || !page_get(e.mfn, d))
        return GNTST_bad_page;
    end->granter = NULL;
    end->mfn = e.mfn;
    return GNTST_okay;
}

static void end_release(const struct end *end)
{
    page_put(end->mfn);
    if (end->granter) {
        unpin(end->granter, end->ref, end->write);
        table_put(end->granter);
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

/* ---- swapping ----------------------------------------------------------------------------------------- */

static bool in_use(const struct grant_table *t, grant_ref_t ref)
{
    const struct use *use = use_of(t, ref);
    return use->readers || use->writers;
}

static int swap_locked(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    if (a >= t->nr_frames * ENTRIES || b >= t->nr_frames * ENTRIES)
        return GNTST_bad_gntref;
    if (in_use(t, a) || in_use(t, b))
        return GNTST_eagain;
    struct grant_entry_v1 was = *entry_of(t, a);
    *entry_of(t, a) = *entry_of(t, b);
    *entry_of(t, b) = was;
    return GNTST_okay;
}

void grant_swap(struct domain *d, struct gnttab_swap_grant_ref *op)
{
    struct grant_table *t = table_get(d);

    op->status = GNTST_bad_domain;
    if (!t)
        return;
    spin_lock(&t->lock);
    op->status = swap_locked(t, op->ref_a, op->ref_b);
    spin_unlock(&t->lock);
    table_put(t);
}
