/*
 * Trace Event Format (Chrome, read by Perfetto too): metadata events ("M") name
 * the tracks, complete events ("X") are the slices. Times are microseconds, so
 * nanoseconds are the three decimals.
 */
#include "report.h"

#include "emit.h"
#include "metric.h"

#define HOST 1 /* process id of the host, whose threads are the pCPUs */

/* An event up to the contents of its "args". */
static void begin_meta(struct emit *e, const char *what, unsigned thread)
{
    emit_object(e, NULL);
    emit_string(e, "name", what);
    emit_string(e, "ph", "M");
    emit_unsigned(e, "pid", HOST);
    emit_unsigned(e, "tid", thread);
    emit_object(e, "args");
}

static void end_meta(struct emit *e)
{
    emit_object_end(e);
    emit_object_end(e);
}

static void emit_name(struct emit *e, const char *what, unsigned thread, const char *name)
{
    begin_meta(e, what, thread);
    emit_string(e, "name", name);
    end_meta(e);
}

static void emit_order(struct emit *e, unsigned thread)
{
    begin_meta(e, "thread_sort_index", thread);
    emit_unsigned(e, "sort_index", thread);
    end_meta(e);
}

/* Thread 0 has a meaning of its own in Linux traces: pCPU n is thread n + 1. */
static void emit_tracks(struct emit *e, const struct scenario *s)
{
    char name[32];

    emit_name(e, "process_name", 0, s->title && *s->title ? s->title : "host");
    for (unsigned cpu = 0; cpu < s->nr_pcpus; cpu++) {
        snprintf(name, sizeof(name), "pCPU %u", cpu);
        emit_name(e, "thread_name", cpu + 1, name);
        emit_order(e, cpu + 1);
    }
}

static void emit_slice(struct emit *e, const struct result *r, const struct slice *slice)
{
    const struct vcpu_result *v = &r->vcpus[slice->vcpu_index];
    struct vcpu_name name;

    emit_object(e, NULL);
    emit_string(e, "name", vcpu_name(r, slice->vcpu_index, &name));
    emit_string(e, "cat", r->scenario->domains[v->domain].name);
    emit_string(e, "ph", "X");
    emit_number(e, "ts", (double)slice->from / 1000, 3);
    emit_number(e, "dur", (double)(slice->to - slice->from) / 1000, 3);
    emit_unsigned(e, "pid", HOST);
    emit_unsigned(e, "tid", slice->pcpu + 1);
    emit_object_end(e);
}

/* An instant event ("i") across all tracks: what follows is not idle time. */
static void emit_cut(struct emit *e, const struct result *r)
{
    char name[96];

    snprintf(name, sizeof(name), "the trace is cut off here: it holds %u slices", r->nr_slices);
    emit_object(e, NULL);
    emit_string(e, "name", name);
    emit_string(e, "ph", "i");
    emit_string(e, "s", "g");
    emit_number(e, "ts", (double)r->slices[r->nr_slices - 1].to / 1000, 3);
    emit_unsigned(e, "pid", HOST);
    emit_unsigned(e, "tid", 1);
    emit_object_end(e);
}

void report_trace(FILE *out, const struct result *r)
{
    struct emit e = {.out = out, .flat = 3};

    emit_object(&e, NULL);
    emit_string(&e, "displayTimeUnit", "ns");
    emit_object(&e, "otherData");
    emit_bool(&e, "truncated", r->slices_truncated);
    emit_object_end(&e);
    emit_array(&e, "traceEvents");
    emit_tracks(&e, r->scenario);
    for (unsigned i = 0; i < r->nr_slices; i++)
        emit_slice(&e, r, &r->slices[i]);
    if (r->slices_truncated && r->nr_slices)
        emit_cut(&e, r);
    emit_array_end(&e);
    emit_object_end(&e);
}
