/* Events of the processor by name, as libpfm4 has them. Functions that return false have said why.
 */
#ifndef CLI_PERF_EVENTS_H
#define CLI_PERF_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EVENT_NAME 128

struct perf_event {
    char name[EVENT_NAME]; /* as the user has it */
    uint64_t select;
};

/* To be called once. `pmu`: libpfm4's name for what the hypervisor counts with, or empty: what this
 * processor has. Intel's architectural names (LLC_MISSES) are known too if it is an Intel part. */
bool events_open(const char *pmu, bool intel);
/* libpfm4's name for it. */
const char *events_pmu(void);
/* NAME, NAME:UNIT_MASK, NAME:UNIT_MASK:MODIFIER..., PMU::NAME.... */
bool events_find(const char *name, struct perf_event *out);
/* Those with this in their name, or that match it if it has * or ?; NULL: all. How many;
 * `out` may be NULL. */
unsigned events_list(FILE *out, const char *pattern);

#endif
