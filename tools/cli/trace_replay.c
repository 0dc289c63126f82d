/*
 * A trace as a scenario: the same host, pools, policies and parameters, and for
 * each vCPU the work that it did, as sleeps and runs. Each vCPU is a domain of
 * its own there, as all vCPUs of a scenario's domain do the same; weights and
 * reservations are a vCPU's anyway, but a cap that several vCPUs share is not
 * the same thing.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../sched/sched.h"
#include "../sim/message.h"
#include "../sim/output.h"
#include "../sim/units.h"
#include "show.h"
#include "trace_out.h"

#define LONG_RUN 100000000LL
#define FOR_EVER (3600 * 1000000000LL) /* longer than any trace */

struct replay {
    FILE *out;
    const struct trace_file *trace;
    const struct story *story;
};

static const struct trace_event *next_note(const struct trace_file *t, uint32_t kind, unsigned *i)
{
    while (*i < t->nr_notes) {
        const struct trace_event *e = &t->notes[(*i)++];
        if (e->event == kind)
            return e;
    }
    return NULL;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static const struct sched_param *param_at(const struct sched_policy *p, enum sched_scope scope,
                                          unsigned index)
{
    unsigned nr;
    const struct sched_param *param = sched_policy_params(p, &nr);

    for (unsigned i = 0; i < nr; i++)
        if (param[i].scope == scope && !index--)
            return &param[i];
    return NULL;
}

/* Those of one pool, domain or vCPU that are not the default. */
static void write_values(struct replay *r, const struct sched_policy *p, enum sched_scope scope,
                         unsigned id, unsigned vcpu)
{
    const struct trace_event *e;
    struct time_text time;
    unsigned i = 0;

    while ((e = next_note(r->trace, MOIRAI_TRACE_VALUE, &i))) {
        if (e->word[0] != (uint32_t)scope || e->word[1] != id || e->word[2] != vcpu)
            continue;
        const struct sched_param *param = param_at(p, scope, e->word[3]);
        int64_t value = trace_long(&e->word[4]);
        if (!param || (value == param->def && scope != SCHED_PARAM_UNIT))
            continue;
        if (param->kind == SCHED_TIME_NS)
            fprintf(r->out, " %s=%s", param->name, unit_show_time(value, &time));
        else
            fprintf(r->out, " %s=%" PRId64, param->name, value);
    }
}

/* ---- pools --------------------------------------------------------------------------------- */

/* The policy of a pool, NULL if the trace does not say it. */
static const struct sched_policy *policy_of(const struct trace_file *t, unsigned pool)
{
    const struct trace_event *e;
    unsigned i = 0;

    while ((e = next_note(t, MOIRAI_TRACE_POOL, &i)))
        if (e->word[0] == pool)
            return sched_policy_by_id((int)e->word[1]);
    return NULL;
}

static void write_pools(struct replay *r)
{
    const struct trace_event *e;
    char pcpus[256];
    unsigned i = 0;

    while ((e = next_note(r->trace, MOIRAI_TRACE_POOL, &i))) {
        const struct sched_policy *p = sched_policy_by_id((int)e->word[1]);

        if (!p)
            continue;
        fprintf(r->out, "pool Pool-%u policy=%s cpus=%s", e->word[0], sched_policy_name(p),
                show_pcpus((uint64_t)trace_long(&e->word[2]), pcpus, sizeof pcpus));
        write_values(r, p, SCHED_PARAM_POOL, e->word[0], 0);
        fputc('\n', r->out);
    }
}

static const struct story_vcpu *story_of(const struct replay *r, unsigned domain, unsigned vcpu,
                                         unsigned *index)
{
    for (*index = 0; *index < r->story->nr_vcpus; ++*index)
        if (r->story->vcpus[*index].domain == domain && r->story->vcpus[*index].vcpu == vcpu)
            return &r->story->vcpus[*index];
    return NULL;
}

static void write_windows(struct replay *r, unsigned pool)
{
    const struct trace_event *e;
    struct trace_label label;
    struct time_text time;
    unsigned i = 0, index;

    while ((e = next_note(r->trace, MOIRAI_TRACE_WINDOW, &i)))
        if (e->word[0] == pool && story_of(r, e->word[1], e->word[2], &index))
            fprintf(r->out, " %s=%s", trace_label(r->trace, r->story, index, &label),
                    unit_show_time(trace_long(&e->word[3]), &time));
}

static void write_tables(struct replay *r)
{
    const struct trace_event *e;
    struct time_text time;
    unsigned i = 0;

    while ((e = next_note(r->trace, MOIRAI_TRACE_TABLE, &i))) {
        fprintf(r->out, "table Pool-%u frame=%s", e->word[0],
                unit_show_time(trace_long(&e->word[1]), &time));
        write_windows(r, e->word[0]);
        fputc('\n', r->out);
    }
}

/* ---- domains ------------------------------------------------------------------------------- */

/* It never slept, and is not asleep at the end. */
static bool is_hog(const struct story_vcpu *v)
{
    return v->nr_steps == 1 && !v->asleep && !v->steps[0].sleep;
}

static void write_domain(struct replay *r, unsigned index)
{
    const struct story_vcpu *v = &r->story->vcpus[index];
    const struct trace_event *e;
    struct trace_label label;
    char pcpus[256];
    unsigned i = 0, pool = 0;
    uint64_t hard = 0;

    while ((e = next_note(r->trace, MOIRAI_TRACE_PLACE, &i))) {
        if (e->word[0] != v->domain || e->word[1] != v->vcpu)
            continue;
        pool = e->word[2];
        hard = (uint64_t)trace_long(&e->word[3]);
    }
    const struct sched_policy *p = policy_of(r->trace, pool);

    fprintf(r->out, "domain %s", trace_label(r->trace, r->story, index, &label));
    if (pool)
        fprintf(r->out, " pool=Pool-%u", pool);
    if (hard)
        fprintf(r->out, " cpus=%s", show_pcpus(hard, pcpus, sizeof pcpus));
    if (p) {
        write_values(r, p, SCHED_PARAM_DOMAIN, v->domain, 0);
        write_values(r, p, SCHED_PARAM_UNIT, v->domain, v->vcpu);
    }
    if (is_hog(v))
        fprintf(r->out, " workload=hog\n");
    else if (!v->nr_steps)
        fprintf(r->out, " workload=idle\n");
    else
        fprintf(r->out, " workload=\"trace file=d%uv%u.trace\"\n", v->domain, v->vcpu);
}

static void write_expectation(struct replay *r, unsigned index)
{
    struct trace_label label;

    fprintf(r->out, "expect share of %s = %.2f +- 1\n",
            trace_label(r->trace, r->story, index, &label),
            100.0 * (double)r->story->vcpus[index].ran / (double)r->story->end);
}

static void write_scenario(struct replay *r)
{
    fprintf(r->out, "# Written by moirai trace replay.\n");
    fprintf(r->out, "title Replay of a trace of %.3f s\n", (double)r->story->end * 1e-9);
    fprintf(r->out, "host pack:1 core:%u pu:1\n", r->trace->nr_pcpus);
    fprintf(r->out, "duration %" PRId64 "us\n\n", r->story->end / 1000);
    write_pools(r);
    for (unsigned i = 0; i < r->story->nr_vcpus; i++)
        write_domain(r, i);
    write_tables(r);
    fputc('\n', r->out);
    for (unsigned i = 0; i < r->story->nr_vcpus; i++)
        write_expectation(r, i);
}

/* Did it run when the trace ended, and not only just? In the replay the end may come later. */
static bool goes_on(const struct story_vcpu *v)
{
    return !v->asleep && v->steps[v->nr_steps - 1].run >= LONG_RUN;
}

/* The simulator begins again after the last step: it is made too long for that. */
static void write_steps(FILE *out, const struct story_vcpu *v)
{
    int64_t sleep = 0;

    fprintf(out, "# sleep run, in ns\n");
    for (unsigned i = 0; i < v->nr_steps; i++) {
        int64_t run = i + 1 == v->nr_steps && goes_on(v) ? FOR_EVER : v->steps[i].run;

        sleep += v->steps[i].sleep;
        if (!run) /* woken, and gone before it ran */
            continue;
        fprintf(out, "%" PRId64 " %" PRId64 "\n", sleep, run);
        sleep = 0;
    }
    if (!goes_on(v))
        fprintf(out, "%lld 1\n", FOR_EVER);
}

static bool write_work(const char *dir, const struct story_vcpu *v)
{
    struct output o;
    char name[64];

    if (is_hog(v) || !v->nr_steps)
        return true;
    snprintf(name, sizeof name, "d%uv%u.trace", v->domain, v->vcpu);
    if (!output_open(&o, dir, name))
        return false;
    write_steps(o.file, v);
    return output_close(&o);
}

bool trace_replay(const char *dir, const struct trace_file *t, const struct story *s)
{
    struct replay r = {.trace = t, .story = s};
    struct output o;

    if (!t->nr_notes)
        warn((struct place){"moirai trace replay", 0},
             "the trace says nothing of pools and parameters, as `moirai trace record` would have "
             "made it; the scenario has the defaults");
    if (!output_directory(dir) || !output_open(&o, dir, "replay.scn"))
        return false;
    r.out = o.file;
    write_scenario(&r);
    bool ok = output_close(&o);
    for (unsigned i = 0; ok && i < s->nr_vcpus; i++)
        ok = write_work(dir, &s->vcpus[i]);
    return ok;
}
