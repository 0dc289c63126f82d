/*
 * RMIDs, the names under which the hardware counts. One that is given back
 * still has its former user's lines in the caches and goes into limbo: it is
 * free again once they are few, and who gets it does not start with another's
 * occupancy.
 */
#ifndef PSR_RMIDS_H
#define PSR_RMIDS_H

#include "caps.h"

#define PSR_MAX_RMID 1023 /* PQR_ASSOC has 10 bits for it */

struct psr_rmids {
    unsigned max;  /* 0: there are none; RMID 0 is for whoever has no other */
    unsigned last; /* given out: the next search begins after it, so that limbo lasts long */
    uint8_t state[PSR_MAX_RMID + 1];
};

void psr_rmids_init(struct psr_rmids *r, unsigned max);

/* A free one. -EBUSY: there are only some in limbo; -EOVERFLOW: all are in use. */
int psr_rmid_take(struct psr_rmids *r);

/* Back; into limbo if it may have left something in a cache, else it is free. */
void psr_rmid_give(struct psr_rmids *r, unsigned rmid, bool limbo);

/* The first in limbo after `after` (0: of all), or 0. */
unsigned psr_rmid_in_limbo(const struct psr_rmids *r, unsigned after);
void psr_rmid_is_clean(struct psr_rmids *r, unsigned rmid);

#endif
