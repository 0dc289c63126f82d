/* Whether a run did what its scenario expects. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "result.h"

struct verdict {
    bool ok;
    double measured;  /* NAN: nothing was measured, which is never ok */
    const char *unit; /* of measured: "percent", "ns" or "" */
    char claim[320];  /* "share of web.1 = 66.70 ± 1.00" */
};

struct verdict verdict_of(const struct result *r, const struct expectation *e);
/* A line for each expectation, or for each that failed; returns how many failed. */
unsigned verdict_print(FILE *out, const struct result *r, bool only_failed);

#endif
