/*
 * A file of trace records, as `moirai trace record` or Debian's xentrace wrote
 * it (xen/trace.h): stretches of one pCPU's ring, each behind a record that says
 * which pCPU's. Functions that return false have complained.
 */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../xen/moirai.h"

#define TRACE_MAX_WORDS 7

struct trace_event {
    uint64_t tsc;
    int64_t time; /* ns since recording began */
    uint32_t event;
    uint16_t pcpu;
    uint16_t nr_words;
    uint32_t number; /* in the file: of events at the same time the earlier comes first */
    uint32_t word[TRACE_MAX_WORDS];
};

struct trace_file {
    struct trace_event *events; /* by time */
    unsigned nr_events;
    uint32_t khz;
    unsigned nr_pcpus;
    int64_t end;               /* time of the last event */
    uint64_t nr_lost;          /* records for which the rings had no room */
    struct trace_event *notes; /* MOIRAI_TRACE_NAME and the like, in the file's order */
    unsigned nr_notes;
};

/* khz 0: the file says it. Free it in any case. */
bool trace_read(const char *path, uint32_t khz, struct trace_file *out);
void trace_free(struct trace_file *t);

/* "web", or the domain's number; returns `name`. */
const char *trace_domain_name(const struct trace_file *t, unsigned domain, char *name, size_t size);

static inline int64_t trace_long(const uint32_t *word)
{
    return (int64_t)((uint64_t)word[1] << 32 | word[0]);
}

/* One line for each event. */
void trace_print(FILE *out, const struct trace_file *t);

#endif
