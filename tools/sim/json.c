#include "report.h"

#include "emit.h"
#include "metric.h"
#include "verdict.h"

static void emit_metrics(struct emit *e, const double *value, unsigned nr)
{
    for (unsigned m = 0; m < nr; m++)
        emit_number(e, metric_info[m].key, value[m], metric_decimals((enum metric)m));
}

static void emit_measured(struct emit *e, const struct result *r, int domain, int vcpu, unsigned nr)
{
    double value[METRIC_NR];

    metric_measure(r, domain, vcpu, (struct window){0, 0}, value);
    emit_metrics(e, value, nr);
}

static void emit_pools(struct emit *e, const struct scenario *s)
{
    emit_array(e, "pools");
    for (unsigned i = 0; i < s->nr_pools; i++) {
        emit_object(e, NULL);
        emit_string(e, "name", s->pools[i].name);
        emit_string(e, "policy", sched_policy_name(s->pools[i].policy));
        emit_array(e, "pcpus");
        mask_for_each(cpu, &s->pools[i].cpus)
            emit_integer(e, NULL, cpu);
        emit_array_end(e);
        emit_object_end(e);
    }
    emit_array_end(e);
}

static void emit_domain(struct emit *e, const struct result *r, unsigned d)
{
    const struct scenario_domain *domain = &r->scenario->domains[d];

    emit_object(e, NULL);
    emit_string(e, "name", domain->name);
    emit_string(e, "pool", r->scenario->pools[domain->pool].name);
    emit_measured(e, r, (int)d, -1, METRIC_NR_DOMAIN);
    emit_array(e, "vcpus");
    for (unsigned v = 0; v < domain->nr_vcpus; v++) {
        emit_object(e, NULL);
        emit_unsigned(e, "vcpu", v);
        emit_measured(e, r, (int)d, (int)v, METRIC_NR_VCPU);
        emit_object_end(e);
    }
    emit_array_end(e);
    emit_object_end(e);
}

static void emit_place(struct emit *e, const struct place *place)
{
    emit_string(e, "file", place->file);
    emit_integer(e, "line", place->line);
}

static void emit_refusals(struct emit *e, const struct result *r)
{
    emit_array(e, "refused_changes");
    for (unsigned i = 0; i < r->nr_refusals; i++) {
        const struct sched_refusal *why = &r->refusals[i].why;
        const struct scenario_change *change = &r->scenario->changes[r->refusals[i].change];
        emit_object(e, NULL);
        emit_integer(e, "at_ns", change->at);
        emit_place(e, &change->place);
        emit_string(e, "parameter", why->param ? why->param : "");
        emit_string(e, "why", why->why ? why->why : "");
        emit_integer(e, "limit", why->limit);
        emit_object_end(e);
    }
    emit_array_end(e);
}

static void emit_verdicts(struct emit *e, const struct result *r)
{
    emit_array(e, "expectations");
    for (unsigned i = 0; i < r->scenario->nr_expectations; i++) {
        const struct expectation *expectation = &r->scenario->expectations[i];
        struct verdict v = verdict_of(r, expectation);
        emit_object(e, NULL);
        emit_string(e, "claim", v.claim);
        emit_bool(e, "ok", v.ok);
        emit_number(e, "measured", v.measured, 4);
        emit_string(e, "unit", v.unit);
        emit_place(e, &expectation->place);
        emit_object_end(e);
    }
    emit_array_end(e);
}

void report_json(FILE *out, const struct result *r)
{
    const struct scenario *s = r->scenario;
    struct emit e = {.out = out};

    emit_object(&e, NULL);
    emit_string(&e, "title", s->title ? s->title : "");
    emit_unsigned(&e, "seed", s->seed);
    emit_integer(&e, "duration_ns", r->end);
    emit_unsigned(&e, "pcpus", s->nr_pcpus);
    emit_pools(&e, s);
    emit_object(&e, "total");
    emit_measured(&e, r, -1, -1, METRIC_NR);
    emit_object_end(&e);
    emit_array(&e, "domains");
    for (unsigned d = 0; d < s->nr_domains; d++)
        emit_domain(&e, r, d);
    emit_array_end(&e);
    emit_refusals(&e, r);
    emit_verdicts(&e, r);
    emit_object_end(&e);
}
