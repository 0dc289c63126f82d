#define _GNU_SOURCE
#include "trace_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/trace.h>
#include <xen/vcpu.h>

#include "../sim/message.h"

struct reader {
    const char *path;
    FILE *file;
    unsigned pcpu;
    uint64_t tsc; /* of the record before, for those without */
    unsigned room, room_notes;
};

static struct place at(const char *path)
{
    return (struct place){path, 0};
}

/* ---- records ------------------------------------------------------------------------------- */

static bool read_words(struct reader *r, uint32_t *word, unsigned n)
{
    return fread(word, sizeof *word, n, r->file) == n ||
           complain(at(r->path), "ends in the middle of a record");
}

/* 1: a record, 0: the end of the file, -1: complained. */
static int read_record(struct reader *r, struct trace_event *e)
{
    uint32_t head, tsc[2];

    if (fread(&head, sizeof head, 1, r->file) != 1)
        return ferror(r->file) ? complain(at(r->path), "%s", strerror(errno)) - 1 : 0;
    *e = (struct trace_event){.event = TRC_HD_TO_EVENT(head), .pcpu = (uint16_t)r->pcpu};
    e->nr_words = (uint16_t)TRC_HD_EXTRA(head);
    if (TRC_HD_INCLUDES_CYCLE_COUNT(head)) {
        if (!read_words(r, tsc, 2))
            return -1;
        r->tsc = (uint64_t)tsc[1] << 32 | tsc[0];
    }
    e->tsc = r->tsc;
    return read_words(r, e->word, e->nr_words) ? 1 : -1;
}

static bool append(const struct trace_event *e, struct trace_event **array, unsigned *nr,
                   unsigned *room)
{
    if (*nr == *room) {
        unsigned larger = *room ? 2 * *room : 4096;
        struct trace_event *new = realloc(*array, larger * sizeof *new);

        if (!new)
            return complain(at("moirai trace"), "out of memory after %u records", *nr);
        *array = new;
        *room = larger;
    }
    (*array)[*nr] = *e;
    (*array)[*nr].number = *nr;
    ++*nr;
    return true;
}

static bool is_note(uint32_t event)
{
    return event >= MOIRAI_TRACE_NAME && event <= MOIRAI_TRACE_WINDOW;
}

static bool take(struct reader *r, struct trace_file *t, const struct trace_event *e)
{
    if (e->event == TRC_TRACE_CPU_CHANGE) {
        r->pcpu = e->word[0];
        return r->pcpu < 4096 || complain(at(r->path), "is no trace: a record of pCPU %u", r->pcpu);
    }
    if (e->event == TRC_TRACE_WRAP_BUFFER)
        return true;
    if (is_note(e->event))
        return append(e, &t->notes, &t->nr_notes, &r->room_notes);
    return append(e, &t->events, &t->nr_events, &r->room);
}

static bool read_all(struct reader *r, struct trace_file *t)
{
    struct trace_event e;
    int got;

    while ((got = read_record(r, &e)) > 0)
        if (!take(r, t, &e))
            return false;
    return !got;
}

/* ---- in order ------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const struct trace_event *x = a, *y = b;

    if (x->tsc != y->tsc)
        return x->tsc < y->tsc ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* What was in the rings before recording began. */
static void drop_older(struct trace_file *t)
{
    unsigned first = 0;

    for (unsigned i = 0; i < t->nr_events; i++)
        if (t->events[i].event == MOIRAI_TRACE_HOST)
            first = i;
    t->nr_events -= first;
    memmove(t->events, t->events + first, t->nr_events * sizeof *t->events);
}

static void note_facts(struct trace_file *t)
{
    for (unsigned i = 0; i < t->nr_events; i++) {
        const struct trace_event *e = &t->events[i];

        if (e->event == MOIRAI_TRACE_HOST && e->nr_words >= 2) {
            t->khz = t->khz ? t->khz : e->word[0];
            t->nr_pcpus = e->word[1];
        }
        if (e->event == TRC_LOST_RECORDS)
            t->nr_lost += e->word[0];
        if (e->pcpu >= t->nr_pcpus)
            t->nr_pcpus = e->pcpu + 1u;
    }
}

static void set_times(struct trace_file *t)
{
    for (unsigned i = 0; i < t->nr_events; i++) {
        uint64_t cycles = t->events[i].tsc - t->events[0].tsc;

        t->events[i].time = (int64_t)((double)cycles * 1e6 / t->khz);
        t->end = t->events[i].time;
    }
}

bool trace_read(const char *path, uint32_t khz, struct trace_file *out)
{
    struct reader r = {.path = path, .file = fopen(path, "rb")};

    *out = (struct trace_file){.khz = khz};
    if (!r.file)
        return complain(at(path), "%s", strerror(errno));
    bool ok = read_all(&r, out);
    fclose(r.file);
    if (!ok)
        return false;
    if (!out->nr_events)
        return complain(at(path), "has no records");
    qsort(out->events, out->nr_events, sizeof *out->events, by_time);
    drop_older(out);
    note_facts(out);
    if (!out->khz)
        return complain(at(path), "does not say how fast the clock is; give --khz N, as `xl info` "
                                  "says cpu_mhz");
    set_times(out);
    if (out->nr_lost)
        warn(at(path), "%" PRIu64 " records were lost; record with larger rings (--pages)",
             out->nr_lost);
    return true;
}

void trace_free(struct trace_file *t)
{
    free(t->events);
    free(t->notes);
}

const char *trace_domain_name(const struct trace_file *t, unsigned domain, char *name, size_t size)
{
    for (unsigned i = 0; i < t->nr_notes; i++) {
        const struct trace_event *e = &t->notes[i];

        if (e->event == MOIRAI_TRACE_NAME && e->word[0] == domain) {
            snprintf(name, size, "%.24s", (const char *)&e->word[1]);
            return name;
        }
    }
    snprintf(name, size, "d%u", domain);
    return name;
}

/* ---- as text ------------------------------------------------------------------------------- */

static const struct event_name {
    uint32_t event;
    const char *name;
} names[] = {
    {TRC_LOST_RECORDS, "lost_records"},
    {TRC_SCHED_CONTINUE_RUNNING, "continue_running"},
    {TRC_SCHED_DOM_ADD, "domain_add"},
    {TRC_SCHED_DOM_REM, "domain_remove"},
    {TRC_SCHED_SLEEP, "sleep"},
    {TRC_SCHED_WAKE, "wake"},
    {TRC_SCHED_YIELD, "yield"},
    {TRC_SCHED_BLOCK, "block"},
    {TRC_SCHED_SWITCH, "switch"},
    {MOIRAI_TRACE_HOST, "host"},
    {MOIRAI_TRACE_VCPU, "vcpu"},
    {MOIRAI_TRACE_MIGRATE, "migrate"},
    {MOIRAI_TRACE_PARK, "park"},
    {MOIRAI_TRACE_UNPARK, "unpark"},
    {MOIRAI_TRACE_MISS, "deadline_missed"},
    {MOIRAI_TRACE_AFFINITY_BROKEN, "affinity_broken"},
};

static bool is_runstate(uint32_t event)
{
    return (event & ~0x330u) == TRC_SCHED_RUNSTATE_CHANGE;
}

static void print_runstate(FILE *out, const struct trace_event *e)
{
    static const char *const states[] = {"running", "runnable", "blocked", "offline"};

    fprintf(out, "%-16s d%uv%u %s -> %s\n", "runstate", e->word[0] >> 16, e->word[0] & 0xffff,
            states[e->event >> 8 & 3], states[e->event >> 4 & 3]);
}

static void print_event(FILE *out, const struct trace_event *e)
{
    fprintf(out, "%14.6f ms  pCPU %-3u ", (double)e->time * 1e-6, e->pcpu);
    if (is_runstate(e->event)) {
        print_runstate(out, e);
        return;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].event != e->event)
            continue;
        fprintf(out, "%-16s", names[i].name);
        for (unsigned k = 0; k < e->nr_words; k++)
            fprintf(out, " %u", e->word[k]);
        fputc('\n', out);
        return;
    }
    fprintf(out, "0x%08x      ", e->event);
    for (unsigned k = 0; k < e->nr_words; k++)
        fprintf(out, " 0x%08x", e->word[k]);
    fputc('\n', out);
}

void trace_print(FILE *out, const struct trace_file *t)
{
    for (unsigned i = 0; i < t->nr_events; i++)
        print_event(out, &t->events[i]);
}
