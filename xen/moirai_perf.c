/* moirai_op: events of the processor, counted for domains. */
#include "hc_moirai.h"
#include "perf.h"

_Static_assert(MOIRAI_EVENTS == PMU_MAX_EVENTS, "events of a set");
_Static_assert((int)MOIRAI_PMU_INTEL == PMU_INTEL && (int)MOIRAI_PMU_AMD == PMU_AMD, "vendors");

/* A refusal with words that the tool shows as they are. */
static int refuse(struct sched_refusal *why, const char *words, unsigned limit, int err)
{
    *why = (struct sched_refusal){.why = words, .limit = limit};
    return err;
}

static const struct pmu_caps *find_caps(const struct pmu_part **model, struct sched_refusal *why)
{
    const char *missing;
    const struct pmu_caps *caps = perf_caps(model, &missing);

    if (!caps)
        refuse(why, missing, 0, 0);
    return caps;
}

int moirai_pmu(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_pmu *out = &op->u.pmu;
    const struct pmu_part *model;
    const struct pmu_caps *caps = find_caps(&model, why);

    (void)v;
    if (!caps)
        return -XEN_ENODEV;
    memset(out, 0, sizeof *out);
    out->vendor = caps->vendor;
    out->version = caps->version;
    out->nr_general = caps->nr_general;
    out->nr_fixed = caps->nr_fixed;
    out->width = caps->width;
    if (model) {
        out->model = 1;
        strcopy(out->libpfm, model->libpfm, sizeof out->libpfm);
        strcopy(out->name, model->words.name, sizeof out->name);
        strcopy(out->rates, model->rates, sizeof out->rates);
    }
    return 0;
}

/* With a reference. */
static struct domain *find(uint32_t id)
{
    return id < MAX_DOMAINS ? domain_get((domid_t)id) : NULL;
}

int moirai_perf_start(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    const struct moirai_perf_start *in = &op->u.perf_start;
    const struct pmu_part *model;
    const char *words;
    unsigned which;

    (void)v;
    if (!find_caps(&model, why))
        return -XEN_ENODEV;
    struct domain *d = find(in->domain);
    if (!d)
        return -XEN_ESRCH;
    int err = perf_start(d, in->select, in->nr, &which, &words);
    domain_put(d);
    if (err && words)
        refuse(why, words, which < in->nr ? which + 1 : 0, err);
    return err;
}

static void describe(const struct pmu_set *s, struct moirai_perf_read *out)
{
    out->nr = s->nr;
    out->nr_groups = s->nr_groups;
    out->enabled = s->enabled;
    for (unsigned i = 0; i < s->nr; i++) {
        const struct pmu_event *e = &s->event[i];
        uint64_t running = s->running[e->group];

        out->event[i] =
            (struct moirai_event){e->count, running, pmu_estimate(e->count, s->enabled, running)};
    }
}

int moirai_perf_read(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_perf_read *out = &op->u.perf_read;
    struct pmu_set set;
    const struct pmu_part *model;
    uint32_t id = out->domain;

    (void)v;
    if (!find_caps(&model, why))
        return -XEN_ENODEV;
    struct domain *d = find(id);
    if (!d)
        return -XEN_ESRCH;
    int err = perf_read(d, &set);
    domain_put(d);
    if (!err) {
        *out = (struct moirai_perf_read){.domain = id};
        describe(&set, out);
    }
    return err;
}

int moirai_perf_stop(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    const struct pmu_part *model;

    (void)v;
    if (!find_caps(&model, why))
        return -XEN_ENODEV;
    struct domain *d = find(op->u.perf_start.domain);
    if (!d)
        return -XEN_ESRCH;
    int err = perf_stop(d);
    domain_put(d);
    return err;
}
