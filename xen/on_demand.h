/*
 * Memory that a domain gets at first use: what the tools ask for when it begins
 * with less (memory=) than it may have one day (maxmem=). It is shown all of
 * maxmem as RAM. Marked gfns are empty until they are used; then each takes a
 * frame of a stock that has been set aside for them, so that there is one. There
 * are more marks than frames: the guest's balloon driver gives gfns up, used or
 * not, until there are as many. A guest that does not is stopped by its limit.
 */
#ifndef XEN_ON_DEMAND_H
#define XEN_ON_DEMAND_H

#include "frames.h"

struct on_demand {
    struct spinlock lock;
    uint64_t *marks; /* a bit for each gfn below `end`; NULL: none is marked */
    gfn_t end;
    uint64_t nr_marks;
    mfn_t stock; /* the first frame; its first word has the next one's number */
    uint64_t nr_stock;
};

void on_demand_init(struct domain *d);
/* Part of domain_destroy(), which frees the stock with the domain's other pages. */
void on_demand_fini(struct domain *d);

/* These 2^order gfns. -EEXIST if one is not empty, -EINVAL too high, -ENOMEM. */
int on_demand_mark(struct domain *d, gfn_t gfn, unsigned order);
/* Sets aside some frames, until with those in use there are `target`, or as many as marks. -ENOMEM;
 * HC_RESTART: there are more to go. */
int on_demand_target(struct domain *d, uint64_t target);

/* Something needs the page at an empty gfn. 0: it is there; -ENOENT: it is not marked; -ENOMEM. */
int on_demand_fill(struct domain *d, gfn_t gfn);
/* The guest gives up a gfn: true if it was marked, and is not any more. */
bool on_demand_forget(struct domain *d, gfn_t gfn);
/* It gives up a page: true if it goes to the stock, for which there are more marks than frames. */
bool on_demand_keep(struct domain *d, mfn_t mfn);

#endif
