/*
 * Trace Event Format (Chrome, read by Perfetto too): metadata events ("M") name
 * the tracks, complete events ("X") are the slices. Times are microseconds, so
 * nanoseconds are the three decimals.
 */
#include "report.h"

#include "emit.h"
#include "metric.h"

#define HOST 1 /* process id of the host, whose threads are the pCPUs */

static void emit_name(struct emit *e, const char *what, unsigned thread, const char *name)
{
    emit_object(e, NULL);
    emit_string(e, "name", what);
    emit_string(e, "ph", "M");
    emit_unsigned(e, "pid", HOST);
    emit_unsigned(e, "tid", thread);
    emit_object(e, "args");
    emit_string(e, "name", name);
    emit_object_end(e);
    emit_object_end(e);
}

static void emit_order(struct emit *e, unsigned thread)
{
    emit_object(e, NULL);
    emit_string(e, "name", "thread_sort_index");
    emit_string(e, "ph", "M");
    emit_unsigned(e, "pid", HOST);
    emit_unsigned(e, "tid", thread);
    emit_object(e, "args");
    emit_unsigned(e, "sort_index", thread);
    emit_object_end(e);
    emit_object_end(e);
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
    emit_array_end(&e);
    emit_object_end(&e);
}
