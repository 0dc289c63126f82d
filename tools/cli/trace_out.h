/* What traces are converted to. Functions that return false have complained. */
#ifndef CLI_TRACE_OUT_H
#define CLI_TRACE_OUT_H

#include "story.h"

struct trace_label {
    char text[64];
};
/* "web", or "web.1" of several vCPUs; returns label->text. */
const char *trace_label(const struct trace_file *t, const struct story *s, unsigned vcpu,
                        struct trace_label *label);

/* Chrome's trace event format, for ui.perfetto.dev. */
void trace_perfetto(FILE *out, const struct trace_file *t, const struct story *s);

/* `dir`/replay.scn, a scenario for moirai-sim that expects the shares of the trace, and the work of
 * each vCPU beside it. */
bool trace_replay(const char *dir, const struct trace_file *t, const struct story *s);

#endif
