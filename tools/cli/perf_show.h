/* What was counted, as a table or as comma separated values. */
#ifndef CLI_PERF_SHOW_H
#define CLI_PERF_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "../../xen/moirai.h"

struct perf_show {
    FILE *out;
    bool csv;
    const char *pmu; /* libpfm4's name */
    const struct moirai_pmu *what;
};

/* The head of it: what counts, and for how long it has. */
void perf_show_begin(const struct perf_show *s, double seconds);
/* One domain's: `event` has the names. */
void perf_show_domain(const struct perf_show *s, const char *name, unsigned id,
                      const char *const *event, const struct moirai_perf_read *r);
/* What counts; if it is a model, that first. */
void perf_show_pmu(const struct perf_show *s);

#endif
