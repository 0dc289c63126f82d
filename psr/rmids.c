/* States of RMIDs: see rmids.h. */
#include "rmids.h"

enum { FREE, USED, LIMBO };

void psr_rmids_init(struct psr_rmids *r, unsigned max)
{
    r->max = max < PSR_MAX_RMID ? max : PSR_MAX_RMID;
    r->last = 0;
    for (unsigned i = 0; i <= PSR_MAX_RMID; i++)
        r->state[i] = FREE;
}

int psr_rmid_take(struct psr_rmids *r)
{
    for (unsigned tries = 0; tries < r->max; tries++) {
        r->last = r->last < r->max ? r->last + 1 : 1;
        if (r->state[r->last] == FREE) {
            r->state[r->last] = USED;
            return (int)r->last;
        }
    }
    return psr_rmid_in_limbo(r, 0) ? -PSR_EBUSY : -PSR_EOVERFLOW;
}

void psr_rmid_give(struct psr_rmids *r, unsigned rmid, bool limbo)
{
    r->state[rmid] = limbo ? LIMBO : FREE;
}

unsigned psr_rmid_in_limbo(const struct psr_rmids *r, unsigned after)
{
    for (unsigned i = after + 1; i <= r->max; i++)
        if (r->state[i] == LIMBO)
            return i;
    return 0;
}

void psr_rmid_is_clean(struct psr_rmids *r, unsigned rmid)
{
    r->state[rmid] = FREE;
}
