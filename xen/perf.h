/*
 * Events of the processor, counted for domains while their vCPUs run. The
 * thinking is in ../psr/pmu.h; here it meets the processor's registers, or the
 * model of some that pmu=model asks for. Guests have no counters themselves:
 * CPUID hides them, RDPMC faults.
 */
#ifndef XEN_PERF_H
#define XEN_PERF_H

#include "../psr/pmu_model.h"
#include "domain.h"

/* Once all pCPUs are up; before there are domains. */
void perf_init(void);

/* The pCPU, in no pool, goes, with its counters at rest; it comes again, and runs nothing yet. */
void perf_pcpu_offline(struct pcpu *p);
void perf_pcpu_online(struct pcpu *p);

/* schedule.c: the vCPU's registers come to this pCPU; they are about to go. */
void perf_load(struct pcpu *p, const struct domain *d);
void perf_unload(struct pcpu *p);

/* NULL: nothing can be counted, and *why says the reason. *model: what stands for a processor, or
 * NULL. */
const struct pmu_caps *perf_caps(const struct pmu_part **model, const char **why);

/* These are for a caller that holds no lock. -ESRCH: it is dying; -EBUSY: it is counted already;
 * -EINVAL, with *which and *why of pmu_set_init(); -ENOMEM. */
int perf_start(struct domain *d, const uint64_t *select, unsigned nr, unsigned *which,
               const char **why);
/* Up to now. -ENOENT: it is not counted. */
int perf_read(struct domain *d, struct pmu_set *out);
int perf_stop(struct domain *d);

#endif
