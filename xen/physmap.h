/*
 * Changes to a guest's physical memory that several hypercalls share: an entry
 * of its nested page tables together with the page reference that it stands for.
 */
#ifndef XEN_PHYSMAP_H
#define XEN_PHYSMAP_H

#include "hypercall.h"

/* Gives up what an entry that p2m_unmap() returned stood for: the page itself if it was the
 * domain's own, a reference if it was another's. */
void physmap_drop(struct domain *d, struct p2m_entry e);
/* Maps a frame at `gfn` in place of what is there, which is dropped. On failure the reference that
 * the new entry would stand for remains the caller's. */
int physmap_install(struct domain *d, gfn_t gfn, mfn_t mfn, enum p2m_kind kind);
/* New memory, cleared, at 2^order empty gfns (order at most 9): all of it or none. */
int physmap_populate(struct domain *d, gfn_t gfn, unsigned order, unsigned node);
/* Frees the domain's own page at gfn, if only one that it would get at first use; -EINVAL if there is
 * none. */
int physmap_free(struct domain *d, gfn_t gfn);

/* ---- hc_memory_map.c: XENMEM operations on entries ----------------------------------------- */

/* The extent that a memory operation is at is in the upper bits of its number (Xen's ABI). */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK     ((1u << MEMOP_EXTENT_SHIFT) - 1)

/* "Call me again, `done` extents are behind me." */
static inline int64_t memop_restart(struct hc_args *args, uint64_t done)
{
    args->a[0] = (args->a[0] & MEMOP_CMD_MASK) | done << MEMOP_EXTENT_SHIFT;
    return HC_RESTART;
}

int64_t memop_add_to_physmap(struct vcpu *v, struct hc_args *args, uint64_t done);
int64_t memop_add_batch(struct vcpu *v, struct hc_args *args, uint64_t done);
int64_t memop_remove(struct vcpu *v, struct hc_args *args, uint64_t done);
int64_t memop_acquire(struct vcpu *v, struct hc_args *args, uint64_t done);

#endif
