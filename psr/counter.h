/* Reading what the hardware counts for an RMID. */
#ifndef PSR_COUNTER_H
#define PSR_COUNTER_H

#include "caps.h"
#include "msr.h"

/* QM_EVTSEL for it. */
uint64_t psr_event_select(unsigned rmid, enum psr_event event);
/* May this be written there: no reserved bit, an RMID that there is? */
bool psr_event_select_valid(const struct psr_monitor *m, uint64_t value);

/* The count, in units of m->upscaling. -EIO: the hardware calls it an error, or faults; -EAGAIN: it
 * has none at the moment. */
int psr_counter_read(const struct psr_hw *hw, const struct psr_monitor *m, unsigned pcpu,
                     unsigned rmid, enum psr_event event, uint64_t *count);

/* Bytes between two readings of a counter that has wrapped once at most: to be read about each
 * second (SDM vol. 3B, 17.18.6.3). */
uint64_t psr_counter_bytes(const struct psr_monitor *m, uint64_t before, uint64_t after);

#endif
