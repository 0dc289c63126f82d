#include <stdlib.h>

#include "engine.h"

#define SAMPLES     500
#define MIN_SAMPLES 10
#define MAX_CELLS   4000000 /* samples x vCPUs: 64 MB */
#define MILLISECOND 1000000

static unsigned count_vcpus(const struct scenario *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->nr_domains; i++)
        n += s->domains[i].nr_vcpus;
    return n;
}

static sched_time round_up(sched_time t, sched_time unit)
{
    return (t + unit - 1) / unit * unit;
}

static bool alloc_samples(struct result *r)
{
    unsigned n = SAMPLES;

    while (n > MIN_SAMPLES && (uint64_t)n * r->nr_vcpus > MAX_CELLS)
        n /= 2;
    r->sample_period = round_up(r->scenario->duration / n, MILLISECOND);
    if (!r->sample_period)
        r->sample_period = MILLISECOND;
    size_t cells = (size_t)(r->scenario->duration / r->sample_period + 1) * r->nr_vcpus;
    r->samples = calloc(cells + 1, sizeof(*r->samples));
    return r->samples != NULL;
}

static void name_vcpus(struct result *r)
{
    struct vcpu_result *v = r->vcpus;

    for (unsigned d = 0; d < r->scenario->nr_domains; d++) {
        for (unsigned i = 0; i < r->scenario->domains[d].nr_vcpus; i++, v++) {
            v->domain = d;
            v->vcpu = i;
        }
    }
}

struct result *result_new(const struct scenario *s, const struct run_options *o)
{
    struct result *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->scenario = s;
    r->nr_vcpus = count_vcpus(s);
    r->vcpus = calloc(r->nr_vcpus + 1, sizeof(*r->vcpus));
    r->domains = calloc(s->nr_domains + 1, sizeof(*r->domains));
    r->refusals = calloc(s->nr_changes + 1, sizeof(*r->refusals));
    if (o->keep_slices)
        r->slices = calloc(o->max_slices + 1, sizeof(*r->slices));
    if (!r->vcpus || !r->domains || !r->refusals || (o->keep_slices && !r->slices) ||
        !alloc_samples(r)) {
        result_free(r);
        return NULL;
    }
    name_vcpus(r);
    return r;
}

void result_free(struct result *r)
{
    if (!r)
        return;
    free(r->vcpus);
    free(r->domains);
    free(r->refusals);
    free(r->slices);
    free(r->samples);
    free(r);
}

void result_add_slice(struct result *r, const struct run_options *o, const struct slice *slice)
{
    if (!o->keep_slices || slice->from == slice->to)
        return;
    if (r->nr_slices == o->max_slices) {
        r->slices_truncated = true;
        return;
    }
    r->slices[r->nr_slices++] = *slice;
}
