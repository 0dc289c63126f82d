/* Grant tables, version 1 (xen/grant_table.h). */
#ifndef XEN_GRANT_H
#define XEN_GRANT_H

#include "domain.h"

int grants_init(struct domain *d, unsigned max_frames, unsigned max_maptrack);
/* Of a domain that is dying: sees to `nr` more of its mappings; false once all are done. */
bool grants_unmap_some(struct domain *d, uint32_t nr);
void grants_fini(struct domain *d); /* unmaps what it has mapped of others; frees the frames */
/* The frame of shared grant entries at index, grown as needed; MFN_NONE beyond the maximum. */
mfn_t grant_shared_frame(struct domain *d, unsigned index);
struct grants_size {
    unsigned nr_frames, max_frames;
};
struct grants_size grants_size(const struct domain *d);

/* ---- hc_grant.c's operations: the result is in op->status ---------------------------------- */

void grant_map(struct domain *d, struct gnttab_map_grant_ref *op);
void grant_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op);
void grant_copy(struct domain *d, struct gnttab_copy *op);
void grant_swap(struct domain *d, struct gnttab_swap_grant_ref *op);

#endif
