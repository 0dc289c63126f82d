/* Shared by grant.c, which keeps the tables, and grant_map.c, which uses others' grants. */
#ifndef XEN_GRANT_PRIVATE_H
#define XEN_GRANT_PRIVATE_H

#include "grant.h"

#define MAPPINGS  (PAGE_SIZE / sizeof(struct mapping)) /* of a track page */
#define NO_HANDLE UINT32_MAX

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
    uint32_t nr_unmapped; /* handles that have been seen to while the domain goes */
};

/* The domain's table with a reference, or NULL when the domain is going. */
struct grant_table *grant_table_get(const struct domain *d);
void grant_table_put(struct grant_table *t);
/* The domain is going: its table without a new reference, and no more to be found. */
struct grant_table *grant_table_take(struct domain *d);

/* What entry `ref` of the granter lets `by` reach: the frame with a reference, and the entry marked
 * as in use until grant_unpin(). GNTST_*. */
int grant_pin(struct domain *granter, struct grant_table *t, grant_ref_t ref, domid_t by,
              bool write, mfn_t *mfn);
void grant_unpin(struct grant_table *t, grant_ref_t ref, bool write);

#endif
