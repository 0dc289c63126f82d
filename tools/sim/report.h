/* What comes out of a run. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "result.h"

/* A table for people. */
void report_table(FILE *out, const struct result *r);
/* Everything as one JSON object. */
void report_json(FILE *out, const struct result *r);
/* Trace events that ui.perfetto.dev and chrome://tracing read; needs slices. */
void report_trace(FILE *out, const struct result *r);

/* These write files into a directory that they make if need be. false: a message is on stderr. */
/* vcpus.csv, domains.csv, shares.csv, latency.csv. */
bool report_csv(const char *dir, const struct result *r);
/* timeline, shares and latency: data, gnuplot script, PNG and SVG; needs slices. */
bool report_plot(const char *dir, const struct result *r);

/* The policies and their parameters (--list-policies). */
void report_policies(FILE *out);
/* What a scenario file may say (--help-scenario). */
void report_language(FILE *out);

#endif
