/* What must hold between hypercalls. Every check panics where it does not. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include "../../xen/domain.h"
#include "../../xen/event.h"
#include "../../xen/grant.h"

/* check.c: all of it. */
void check_all(void);

/* ---- isolation.c ----------------------------------------------------------------------------- */

/* The caller, an unprivileged domain, is in a hypercall: memory of others that it has no business
 * with must not be touched, and what it may not change of them be the same afterwards. */
void isolation_begin(const struct domain *caller);
void isolation_end(void);
/* pCPUs work for somebody else meanwhile. */
void isolation_suspend(void);
void isolation_resume(void);

/* ---- parts, in the files with_*.c, which see the hypervisor's own structures ----------------- */

void check_no_lock(void);
bool any_lock_held(void);
void check_frames(void);
void check_schedule(void);
void check_vcpus(const struct domain *d);
void check_fifo(const struct domain *d);
/* Of xmalloc: how many there are, and pages that it keeps for more. */
uint64_t objects_count(void);
uint64_t objects_empty_pages(void);

/* One more thing that refers to the frame. */
typedef void count_fn(mfn_t mfn);
void count_grants(struct list *all_domains, count_fn *count);
void count_fifo(const struct domain *d, count_fn *count);

struct p2m_leaf {
    gfn_t gfn;
    mfn_t mfn;
    unsigned order;
    enum p2m_kind kind;
};
void each_leaf(struct domain *d, void (*f)(struct domain *d, const struct p2m_leaf *leaf));
/* Has d a handle for this mapping of a grant? */
bool has_grant_mapping(const struct domain *d, gfn_t gfn, mfn_t mfn);
bool is_grant_frame(const struct domain *d, mfn_t mfn);
/* Frames that d's table lets `by` reach. */
void each_granted(struct domain *d, domid_t by, count_fn *f);

#endif
