/* Classes into registers. */
#ifndef PSR_PROGRAM_H
#define PSR_PROGRAM_H

#include "psr.h"

/* Is it the pCPU through which its L3 cache is reached: the first one online? */
bool psr_leads_l3(const struct psr *psr, unsigned pcpu);

/* A pCPU that has come: PQR_ASSOC, and all classes in those caches that it leads. -EIO. */
int psr_program_pcpu(const struct psr *psr, unsigned pcpu);

/* Makes these the values of a class, in all caches of the socket; only registers that change are
 * written. -EIO: one faulted, and all are as before. */
int psr_program_class(struct psr *psr, unsigned socket, unsigned id,
                      const uint32_t value[PSR_NR_SLOTS]);

#endif
