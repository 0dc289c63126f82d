#include "story.h"

#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/trace.h>
#include <xen/vcpu.h>

struct teller {
    struct story *story;
    unsigned room_spans, room_vcpus;
    bool failed; /* memory ran out */
};

/* Room for one more in an array of `nr`; NULL: out of memory. */
static void *larger(struct teller *t, void *array, unsigned nr, unsigned *room, size_t size)
{
    if (nr < *room)
        return array;
    unsigned n = *room ? 2 * *room : 64;
    void *new = realloc(array, n * size);
    if (!new) {
        t->failed = true;
        return array;
    }
    *room = n;
    return new;
}

/* ---- the vCPUs ----------------------------------------------------------------------------- */

/* Who was not there when recording began has slept until now. */
static struct story_vcpu *vcpu_of(struct teller *t, unsigned domain, unsigned vcpu)
{
    struct story *s = t->story;

    for (unsigned i = 0; i < s->nr_vcpus; i++)
        if (s->vcpus[i].domain == domain && s->vcpus[i].vcpu == vcpu)
            return &s->vcpus[i];
    s->vcpus = larger(t, s->vcpus, s->nr_vcpus, &t->room_vcpus, sizeof *s->vcpus);
    if (t->failed)
        return NULL;
    struct story_vcpu *v = &s->vcpus[s->nr_vcpus++];
    *v = (struct story_vcpu){.domain = domain, .vcpu = vcpu, .state = RUNSTATE_blocked, .pcpu = -1};
    return v;
}

/* Ends what it has done since the last change. */
static void end_span(struct teller *t, struct story_vcpu *v, int64_t now)
{
    struct story *s = t->story;

    if (now > v->since && (v->state == RUNSTATE_running || v->state == RUNSTATE_runnable)) {
        s->spans = larger(t, s->spans, s->nr_spans, &t->room_spans, sizeof *s->spans);
        if (t->failed)
            return;
        s->spans[s->nr_spans++] =
            (struct story_span){.vcpu = (unsigned)(v - s->vcpus),
                                .pcpu = v->state == RUNSTATE_running ? v->pcpu : -1,
                                .from = v->since,
                                .to = now};
    }
    if (v->state == RUNSTATE_running) {
        v->burst += now - v->since;
        v->ran += now - v->since;
    }
    v->since = now;
}

static void push_step(struct teller *t, struct story_vcpu *v)
{
    v->steps = larger(t, v->steps, v->nr_steps, &v->room, sizeof *v->steps);
    if (!t->failed)
        v->steps[v->nr_steps++] = (struct story_step){v->slept, v->burst};
}

static void wake(struct teller *t, struct story_vcpu *v, int64_t now)
{
    (void)t;
    if (v->state != RUNSTATE_blocked)
        return;
    v->slept = now - v->since;
    v->since = now;
    v->burst = 0;
    v->state = RUNSTATE_runnable;
}

static void block(struct teller *t, struct story_vcpu *v, int64_t now)
{
    if (v->state == RUNSTATE_blocked)
        return;
    end_span(t, v, now);
    push_step(t, v);
    v->state = RUNSTATE_blocked;
    v->pcpu = -1;
}

static void run(struct teller *t, struct story_vcpu *v, unsigned pcpu, int64_t now)
{
    wake(t, v, now); /* if that was lost */
    end_span(t, v, now);
    v->state = RUNSTATE_running;
    v->pcpu = (int)pcpu;
}

static void preempt(struct teller *t, struct story_vcpu *v, unsigned pcpu, int64_t now)
{
    if (v->state != RUNSTATE_running || v->pcpu != (int)pcpu)
        return; /* asleep by now, or on another pCPU */
    end_span(t, v, now);
    v->state = RUNSTATE_runnable;
    v->pcpu = -1;
}

/* ---- the events ---------------------------------------------------------------------------- */

static void begin_vcpu(struct story_vcpu *v, const struct trace_event *e)
{
    v->since = e->time;
    v->state = e->word[2] <= RUNSTATE_runnable ? (int)e->word[2] : RUNSTATE_blocked;
    v->pcpu = v->state == RUNSTATE_running ? (int)e->word[3] : -1;
}

static void switched(struct teller *t, const struct trace_event *e)
{
    struct story_vcpu *v;

    if (e->word[0] != DOMID_IDLE && (v = vcpu_of(t, e->word[0], e->word[1])))
        preempt(t, v, e->pcpu, e->time);
    if (e->word[2] != DOMID_IDLE && (v = vcpu_of(t, e->word[2], e->word[3])))
        run(t, v, e->pcpu, e->time);
}

static void tell(struct teller *t, const struct trace_event *e)
{
    struct story_vcpu *v;

    if (e->event == TRC_SCHED_SWITCH && e->nr_words >= 4) {
        switched(t, e);
        return;
    }
    if (e->nr_words < 2)
        return;
    switch (e->event) {
    case MOIRAI_TRACE_VCPU:
        v = e->nr_words >= 4 ? vcpu_of(t, e->word[0], e->word[1]) : NULL;
        if (v)
            begin_vcpu(v, e);
        break;
    case TRC_SCHED_WAKE:
        if ((v = vcpu_of(t, e->word[0], e->word[1])))
            wake(t, v, e->time);
        break;
    case TRC_SCHED_BLOCK:
    case TRC_SCHED_SLEEP:
        if ((v = vcpu_of(t, e->word[0], e->word[1])))
            block(t, v, e->time);
        break;
    }
}

static void end(struct teller *t, struct story_vcpu *v, int64_t now)
{
    v->asleep = v->state == RUNSTATE_blocked;
    if (v->asleep)
        return;
    end_span(t, v, now);
    push_step(t, v);
}

static int by_domain(const void *a, const void *b)
{
    const struct story_vcpu *x = a, *y = b;

    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    return x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu;
}

/* Whoever is in the trace, in order, before spans refer to them. */
static void meet_all(struct teller *t, const struct trace_file *file)
{
    for (unsigned i = 0; i < file->nr_events && !t->failed; i++) {
        const struct trace_event *e = &file->events[i];

        if (e->nr_words >= 2 && (e->event == MOIRAI_TRACE_VCPU || e->event == TRC_SCHED_WAKE))
            vcpu_of(t, e->word[0], e->word[1]);
        if (e->nr_words >= 4 && e->event == TRC_SCHED_SWITCH && e->word[2] != DOMID_IDLE)
            vcpu_of(t, e->word[2], e->word[3]);
        if (e->nr_words >= 4 && e->event == TRC_SCHED_SWITCH && e->word[0] != DOMID_IDLE)
            vcpu_of(t, e->word[0], e->word[1]);
        if (e->nr_words >= 2 && (e->event == TRC_SCHED_BLOCK || e->event == TRC_SCHED_SLEEP))
            vcpu_of(t, e->word[0], e->word[1]);
    }
    if (t->story->nr_vcpus)
        qsort(t->story->vcpus, t->story->nr_vcpus, sizeof *t->story->vcpus, by_domain);
}

bool story_tell(const struct trace_file *file, struct story *out)
{
    struct teller t = {.story = out};

    *out = (struct story){.end = file->end};
    meet_all(&t, file);
    for (unsigned i = 0; i < file->nr_events && !t.failed; i++)
        tell(&t, &file->events[i]);
    for (unsigned i = 0; i < out->nr_vcpus && !t.failed; i++)
        end(&t, &out->vcpus[i], file->end);
    return !t.failed;
}

void story_free(struct story *s)
{
    for (unsigned i = 0; i < s->nr_vcpus; i++)
        free(s->vcpus[i].steps);
    free(s->vcpus);
    free(s->spans);
}
