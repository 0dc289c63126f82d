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
#include "grant_private.h"

#define ENTRIES      (PAGE_SIZE / sizeof(struct grant_entry_v1)) /* of a shared frame */
#define MAX_FRAMES   1024
#define MAX_TRACK    4096
#define PIN_ATTEMPTS 4 /* while the guest changes the entry under our eyes */

/* For `refs` and for domain.grants, which is NULL when the domain is going. */
static struct spinlock tables_lock = SPINLOCK_INIT(RANK_GRANT);

/* ---- life ---------------------------------------------------------------------------------- */

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

struct grant_table *grant_table_get(const struct domain *d)
{
    spin_lock(&tables_lock);
    struct grant_table *t = d->grants;
    if (t)
        t->refs++;
    spin_unlock(&tables_lock);
    return t;
}

void grant_table_put(struct grant_table *t)
{
    spin_lock(&tables_lock);
    bool last = --t->refs == 0;
    spin_unlock(&tables_lock);
    if (last)
        table_free(t);
}

struct grant_table *grant_table_take(struct domain *d)
{
    spin_lock(&tables_lock);
    struct grant_table *t = d->grants;
    d->grants = NULL;
    spin_unlock(&tables_lock);
    return t;
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

/* ---- shared frames ------------------------------------------------------------------------- */

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
    struct grant_table *t = grant_table_get(d);
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
    grant_table_put(t);
    return mfn;
}

struct grants_size grants_size(const struct domain *d)
{
    struct grant_table *t = grant_table_get(d);
    struct grants_size size = {0};

    if (t) {
        size = (struct grants_size){t->nr_frames, t->max_frames};
        grant_table_put(t);
    }
    return size;
}

/* ---- pinning an entry ---------------------------------------------------------------------- */

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
        if (__atomic_compare_exchange_n(word, &old, old | GTF_reading | (write ? GTF_writing : 0),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

void grant_unpin(struct grant_table *t, grant_ref_t ref, bool write)
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
int grant_pin(struct domain *granter, struct grant_table *t, grant_ref_t ref, domid_t by,
              bool write, mfn_t *mfn)
{
    gfn_t gfn = 0;

    spin_lock(&t->lock);
    int status = pin_locked(granter, t, ref, by, write);
    if (status == GNTST_okay)
        gfn = __atomic_load_n(&entry_of(t, ref)->frame, __ATOMIC_ACQUIRE);
    spin_unlock(&t->lock);
    if (status != GNTST_okay)
        return status;

    if (p2m_get_ram(granter, gfn, mfn))
        return GNTST_okay;
    grant_unpin(t, ref, write);
    return GNTST_bad_page;
}

/* ---- swapping ------------------------------------------------------------------------------ */

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
    struct grant_table *t = grant_table_get(d);

    op->status = GNTST_bad_domain;
    if (!t)
        return;
    spin_lock(&t->lock);
    op->status = swap_locked(t, op->ref_a, op->ref_b);
    spin_unlock(&t->lock);
    grant_table_put(t);
}
