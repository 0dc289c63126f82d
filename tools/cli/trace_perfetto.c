/*
 * Two views of the same trace as processes of Chrome's trace event format: the
 * host, whose threads are the pCPUs, and each domain, whose threads are its
 * vCPUs with the times in which they ran or waited. Times are us.
 */
#include <string.h>

#include "../sim/emit.h"
#include "trace_out.h"

#define HOST 1 /* process of the pCPUs; domain N is process 2 + N */

const char *trace_label(const struct trace_file *t, const struct story *s, unsigned vcpu,
                        struct trace_label *label)
{
    const struct story_vcpu *v = &s->vcpus[vcpu];
    char name[32];
    unsigned of_domain = 0;

    for (unsigned i = 0; i < s->nr_vcpus; i++)
        of_domain += s->vcpus[i].domain == v->domain;
    trace_domain_name(t, v->domain, name, sizeof name);
    if (of_domain > 1)
        snprintf(label->text, sizeof label->text, "%s.%u", name, v->vcpu);
    else
        snprintf(label->text, sizeof label->text, "%s", name);
    return label->text;
}

/* ---- names of tracks ----------------------------------------------------------------------- */

static void emit_name(struct emit *e, const char *what, unsigned process, unsigned thread,
                      const char *name)
{
    emit_object(e, NULL);
    emit_string(e, "name", what);
    emit_string(e, "ph", "M");
    emit_unsigned(e, "pid", process);
    emit_unsigned(e, "tid", thread);
    emit_object(e, "args");
    emit_string(e, "name", name);
    emit_object_end(e);
    emit_object_end(e);
}

static unsigned process_of(const struct story_vcpu *v)
{
    return HOST + 1 + v->domain;
}

static void emit_tracks(struct emit *e, const struct trace_file *t, const struct story *s)
{
    char name[64];

    emit_name(e, "process_name", HOST, 0, "pCPUs");
    for (unsigned i = 0; i < t->nr_pcpus; i++) {
        snprintf(name, sizeof name, "pCPU %u", i);
        emit_name(e, "thread_name", HOST, i + 1, name);
    }
    for (unsigned i = 0; i < s->nr_vcpus; i++) {
        const struct story_vcpu *v = &s->vcpus[i];

        if (!i || s->vcpus[i - 1].domain != v->domain)
            emit_name(e, "process_name", process_of(v), 0,
                      trace_domain_name(t, v->domain, name, sizeof name));
        snprintf(name, sizeof name, "vCPU %u", v->vcpu);
        emit_name(e, "thread_name", process_of(v), v->vcpu + 1, name);
    }
}

/* ---- spans --------------------------------------------------------------------------------- */

static void emit_span(struct emit *e, const struct story_span *span, const char *name,
                      unsigned process, unsigned thread)
{
    emit_object(e, NULL);
    emit_string(e, "name", name);
    emit_string(e, "ph", "X");
    emit_number(e, "ts", (double)span->from / 1000, 3);
    emit_number(e, "dur", (double)(span->to - span->from) / 1000, 3);
    emit_unsigned(e, "pid", process);
    emit_unsigned(e, "tid", thread);
    emit_object_end(e);
}

static void emit_spans(struct emit *e, const struct trace_file *t, const struct story *s)
{
    for (unsigned i = 0; i < s->nr_spans; i++) {
        const struct story_span *span = &s->spans[i];
        const struct story_vcpu *v = &s->vcpus[span->vcpu];
        struct trace_label label;
        char name[32] = "waiting";

        if (span->pcpu >= 0) {
            emit_span(e, span, trace_label(t, s, span->vcpu, &label), HOST,
                      (unsigned)span->pcpu + 1);
            snprintf(name, sizeof name, "running on %d", span->pcpu);
        }
        emit_span(e, span, name, process_of(v), v->vcpu + 1);
    }
}

/* A deadline that passed with budget left, or a vCPU that had to wait for its cap. */
static void emit_instants(struct emit *e, const struct trace_file *t)
{
    for (unsigned i = 0; i < t->nr_events; i++) {
        const struct trace_event *event = &t->events[i];
        const char *name = event->event == MOIRAI_TRACE_MISS   ? "deadline missed"
                           : event->event == MOIRAI_TRACE_PARK ? "out of budget"
                                                               : NULL;

        if (!name || event->nr_words < 2)
            continue;
        emit_object(e, NULL);
        emit_string(e, "name", name);
        emit_string(e, "ph", "i");
        emit_string(e, "s", "t");
        emit_number(e, "ts", (double)event->time / 1000, 3);
        emit_unsigned(e, "pid", HOST + 1 + event->word[0]);
        emit_unsigned(e, "tid", event->word[1] + 1);
        emit_object_end(e);
    }
}

void trace_perfetto(FILE *out, const struct trace_file *t, const struct story *s)
{
    struct emit e = {.out = out, .flat = 3};

    emit_object(&e, NULL);
    emit_string(&e, "displayTimeUnit", "ns");
    emit_object(&e, "otherData");
    emit_unsigned(&e, "lost_records", t->nr_lost);
    emit_object_end(&e);
    emit_array(&e, "traceEvents");
    emit_tracks(&e, t, s);
    emit_spans(&e, t, s);
    emit_instants(&e, t);
    emit_array_end(&e);
    emit_object_end(&e);
}
