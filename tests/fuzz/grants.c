/* What grant tables hold of frames and of each other. */
#include "check.h"

#include "../../xen/grant_private.h"

#define MAX_TABLES 64
#define ENTRIES    (PAGE_SIZE / sizeof(struct grant_entry_v1))

static struct seen {
    const struct grant_table *table;
    unsigned refs;
} seen[MAX_TABLES];
static unsigned nr_seen;

static struct seen *see(const struct grant_table *t)
{
    for (unsigned i = 0; i < nr_seen; i++)
        if (seen[i].table == t)
            return &seen[i];
    if (nr_seen == MAX_TABLES)
        panic("more than %u grant tables", MAX_TABLES);
    seen[nr_seen] = (struct seen){t, 0};
    return &seen[nr_seen++];
}

static struct mapping *mapping_of(const struct grant_table *t, uint32_t handle)
{
    return &t->track[handle / MAPPINGS][handle % MAPPINGS];
}

static void each_mapping(const struct domain *d, const struct grant_table *t,
                         void (*f)(const struct domain *, const struct mapping *))
{
    for (uint32_t handle = 0; handle < t->nr_track * MAPPINGS; handle++)
        if (mapping_of(t, handle)->granter)
            f(d, mapping_of(t, handle));
}

/* ---- counting -------------------------------------------------------------------------------- */

static count_fn *count_frame;

static void count_mapping(const struct domain *d, const struct mapping *m)
{
    (void)d;
    count_frame(m->mfn);
    see(m->granter)->refs++;
}

/* Uses of an entry are those of all mappings there are. */
static unsigned uses_wanted;
static const struct grant_table *uses_table;
static grant_ref_t uses_ref;

static void count_use(const struct domain *d, const struct mapping *m)
{
    (void)d;
    uses_wanted += m->granter == uses_table && m->ref == uses_ref;
}

static void check_uses(struct list *all, const struct grant_table *t)
{
    for (grant_ref_t ref = 0; ref < t->nr_frames * ENTRIES; ref++) {
        const struct use *use = &t->use[ref / ENTRIES][ref % ENTRIES];
        if (!use->readers && !use->writers)
            continue;
        uses_wanted = 0;
        uses_table = t;
        uses_ref = ref;
        list_for_each(d, all, struct domain, link)
            if (d->grants)
                each_mapping(d, d->grants, count_use);
        if (uses_wanted != use->readers + use->writers)
            panic("grant %u has %u readers and %u writers, but %u mappings", ref, use->readers,
                  use->writers, uses_wanted);
    }
}

/* Tables of dead domains are reached by the mappings that keep them. */
void count_grants(struct list *all, count_fn *count)
{
    nr_seen = 0;
    count_frame = count;
    list_for_each(d, all, struct domain, link) {
        if (!d->grants)
            continue;
        see(d->grants)->refs++;
        each_mapping(d, d->grants, count_mapping);
    }
    for (unsigned i = 0; i < nr_seen; i++) {
        const struct grant_table *t = seen[i].table;

        if (t->refs != seen[i].refs)
            panic("a grant table counts %u references and has %u", t->refs, seen[i].refs);
        for (unsigned k = 0; k < t->nr_frames; k++)
            count(t->shared[k]);
        check_uses(all, t);
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool has_grant_mapping(const struct domain *d, gfn_t gfn, mfn_t mfn)
{
    const struct grant_table *t = d->grants;

    for (uint32_t handle = 0; t && handle < t->nr_track * MAPPINGS; handle++) {
        const struct mapping *m = mapping_of(t, handle);
        if (m->granter && m->gfn == gfn && m->mfn == mfn)
            return true;
    }
    return false;
}

bool is_grant_frame(const struct domain *d, mfn_t mfn)
{
    const struct grant_table *t = d->grants;

    for (unsigned i = 0; t && i < t->nr_frames; i++)
        if (t->shared[i] == mfn)
            return true;
    return false;
}

void each_granted(struct domain *d, domid_t by, count_fn *f)
{
    const struct grant_table *t = d->grants;

    for (grant_ref_t ref = 0; t && ref < t->nr_frames * ENTRIES; ref++) {
        const struct grant_entry_v1 *e = mfn_to_va(t->shared[ref / ENTRIES]);

        e += ref % ENTRIES;
        if (e->domid != by || (e->flags & GTF_type_mask) != GTF_permit_access)
            continue;
        struct p2m_entry at = p2m_lookup(d, e->frame);
        if (at.kind == P2M_RAM)
            f(at.mfn);
    }
}
