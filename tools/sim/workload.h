/*
 * The `workload` key of a domain: what its vCPUs do.
 *
 *   hog | idle
 *   periodic period=TIME busy=TIME [jitter=TIME] [phase=TIME]
 *   interactive sleep=DIST burst=DIST
 *   server clients=N think=DIST service=DIST
 *   forkjoin burst=DIST [gap=DIST]
 *   spinlock compute=DIST hold=DIST
 *   yielder burst=DIST
 *   trace file=NAME          lines "sleep run", looked up beside the file that says so
 *
 * DIST is a time, uniform:TIME:TIME or exp:MEAN.
 */
#ifndef SIM_WORKLOAD_H
#define SIM_WORKLOAD_H

#include "scenario.h"

/* Reports what is wrong at `where` and returns false. */
bool workload_parse(struct arena *a, const char *text, struct place where, struct workload *out);

/* "5ms", "uniform:1ms:3ms", "exp:10ms". */
bool dist_parse(const char *text, struct dist *out, struct problem *p);

/* The folder that `file` is in. */
char *folder_of(struct arena *a, const char *file);

#endif
