#include "metric.h"

#include <math.h>
#include <string.h>

const struct metric_info metric_info[METRIC_NR] = {
    [METRIC_SHARE] = {"share", "share_percent", UNIT_PERCENT},
    [METRIC_IDEAL_SHARE] = {"ideal_share", "ideal_share_percent", UNIT_PERCENT},
    [METRIC_ERROR] = {"error", "error_points", UNIT_PERCENT},
    [METRIC_SERVICE] = {"service", "service_ns", UNIT_NS},
    [METRIC_WAKES] = {"wakes", "wakes", UNIT_COUNT},
    [METRIC_LATENCY_P50] = {"latency_p50", "latency_p50_ns", UNIT_NS},
    [METRIC_LATENCY_P99] = {"latency_p99", "latency_p99_ns", UNIT_NS},
    [METRIC_LATENCY_P999] = {"latency_p999", "latency_p999_ns", UNIT_NS},
    [METRIC_LATENCY_MAX] = {"latency_max", "latency_max_ns", UNIT_NS},
    [METRIC_JOBS] = {"jobs", "jobs", UNIT_COUNT},
    [METRIC_MISSES] = {"misses", "misses", UNIT_COUNT},
    [METRIC_SWITCHES] = {"switches", "switches", UNIT_COUNT},
    [METRIC_MIGRATIONS] = {"migrations", "migrations", UNIT_COUNT},
    [METRIC_LAG] = {"lag", "max_lag_ns", UNIT_NS},
    [METRIC_LONGEST_WAIT] = {"longest_wait", "longest_wait_ns", UNIT_NS},
    [METRIC_STARVED] = {"starved", "starved", UNIT_COUNT},
    [METRIC_REQUESTS] = {"requests", "requests", UNIT_COUNT},
    [METRIC_RESPONSE_P50] = {"response_p50", "response_p50_ns", UNIT_NS},
    [METRIC_RESPONSE_P99] = {"response_p99", "response_p99_ns", UNIT_NS},
    [METRIC_RESPONSE_P999] = {"response_p999", "response_p999_ns", UNIT_NS},
    [METRIC_RESPONSE_MAX] = {"response_max", "response_max_ns", UNIT_NS},
    [METRIC_ITERATIONS] = {"iterations", "iterations", UNIT_COUNT},
    [METRIC_CAP_EXCESS] = {"cap_excess", "cap_excess_ns", UNIT_NS},
    [METRIC_UTILISATION] = {"utilisation", "utilisation_percent", UNIT_PERCENT},
    [METRIC_IDLE_WHILE_WAITING] = {"idle_while_waiting", "idle_while_waiting_ns", UNIT_NS},
    [METRIC_DECISIONS] = {"decisions", "decisions", UNIT_COUNT},
    [METRIC_EVENTS] = {"events", "events", UNIT_COUNT},
    [METRIC_REFUSALS] = {"refusals", "refusals", UNIT_COUNT},
};

enum metric metric_by_name(const char *name)
{
    unsigned m = 0;

    while (m < METRIC_NR && strcmp(metric_info[m].name, name))
        m++;
    return (enum metric)m;
}

bool metric_has_window(enum metric m)
{
    return m <= METRIC_SERVICE;
}

int metric_decimals(enum metric m)
{
    return metric_info[m].unit == UNIT_PERCENT ? 4 : 0;
}

static bool selected(const struct vcpu_result *v, int domain, int vcpu)
{
    return (domain < 0 || (int)v->domain == domain) && (vcpu < 0 || (int)v->vcpu == vcpu);
}

/* ---- shares ---------------------------------------------------------------- */

struct sample sample_at(const struct result *r, unsigned index, sched_time t)
{
    const struct vcpu_result *v = &r->vcpus[index];
    struct sample before = {0}, after = {v->service, v->ideal};
    sched_time from = 0, to = r->end;
    unsigned nr = (unsigned)(t / r->sample_period); /* samples taken by t; [0] is at one period */

    if (nr > r->nr_samples)
        nr = r->nr_samples;
    if (nr) {
        from = nr * r->sample_period;
        before = r->samples[(size_t)(nr - 1) * r->nr_vcpus + index];
    }
    if (nr < r->nr_samples) {
        to = (nr + 1) * r->sample_period;
        after = r->samples[(size_t)nr * r->nr_vcpus + index];
    }
    if (to <= from)
        return after;
    double part = (double)(t - from) / (double)(to - from);
    before.service += (sched_time)(part * (double)(after.service - before.service));
    before.ideal += part * (after.ideal - before.ideal);
    return before;
}

/* Service and ideal in the window, and the time they are to be related to. */
static struct sample received(const struct result *r, unsigned index, struct window w,
                              sched_time *time)
{
    const struct vcpu_result *v = &r->vcpus[index];
    struct sample first, last;

    if (!w.to) {
        *time = v->present;
        return (struct sample){v->service, v->ideal};
    }
    *time = w.to - w.from;
    first = sample_at(r, index, w.from);
    last = sample_at(r, index, w.to);
    return (struct sample){last.service - first.service, last.ideal - first.ideal};
}

static void add_share(const struct result *r, unsigned index, struct window w, double *value)
{
    sched_time time;
    struct sample got = received(r, index, w, &time);
    double share = 0, ideal = 0;

    if (time > 0) {
        share = 100.0 * (double)got.service / (double)time;
        ideal = 100.0 * got.ideal / (double)time;
    }
    value[METRIC_SHARE] += share;
    value[METRIC_IDEAL_SHARE] += ideal;
    value[METRIC_ERROR] = fmax(value[METRIC_ERROR], fabs(share - ideal));
    value[METRIC_SERVICE] += (double)got.service;
}

/* ---- the rest, over the whole run ------------------------------------------- */

void latency_of(const struct result *r, int domain, int vcpu, struct histogram *out)
{
    *out = (struct histogram){0};
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        if (selected(&r->vcpus[i], domain, vcpu))
            histogram_merge(out, &r->vcpus[i].latency);
    }
}

/* p50, p99, p99.9 and the maximum to value[0..3]. */
static void set_quantiles(const struct histogram *h, double *value)
{
    static const double q[] = {0.5, 0.99, 0.999, 1};

    for (unsigned i = 0; i < 4; i++)
        value[i] = h->count ? (double)histogram_quantile(h, q[i]) : NAN;
}

static void add_counts(const struct vcpu_result *v, double *value)
{
    value[METRIC_JOBS] += (double)v->jobs;
    value[METRIC_MISSES] += (double)v->misses;
    value[METRIC_SWITCHES] += (double)v->switches;
    value[METRIC_MIGRATIONS] += (double)v->migrations;
    value[METRIC_LAG] = fmax(value[METRIC_LAG], v->max_lag);
    value[METRIC_LONGEST_WAIT] = fmax(value[METRIC_LONGEST_WAIT], (double)v->longest_wait);
    value[METRIC_STARVED] += v->longest_wait > v->present / 2;
}

static void measure_domains(const struct result *r, int domain, double *value)
{
    struct histogram all = {0};

    for (unsigned d = 0; d < r->scenario->nr_domains; d++) {
        const struct domain_result *result = &r->domains[d];
        if (domain >= 0 && (int)d != domain)
            continue;
        histogram_merge(&all, &result->requests);
        value[METRIC_ITERATIONS] += (double)result->iterations;
        value[METRIC_CAP_EXCESS] = fmax(value[METRIC_CAP_EXCESS], result->cap_excess);
    }
    value[METRIC_REQUESTS] = (double)all.count;
    set_quantiles(&all, &value[METRIC_RESPONSE_P50]);
}

static void measure_host(const struct result *r, double *value)
{
    double capacity = (double)r->scenario->nr_pcpus * (double)r->end;

    value[METRIC_UTILISATION] = capacity > 0 ? 100 * (double)r->busy / capacity : NAN;
    value[METRIC_IDLE_WHILE_WAITING] = (double)r->idle_while_waiting;
    value[METRIC_DECISIONS] = (double)r->decisions;
    value[METRIC_EVENTS] = (double)r->events;
    value[METRIC_REFUSALS] = r->nr_refusals;
}

static unsigned nr_measured(int domain, int vcpu, struct window w)
{
    if (w.to)
        return METRIC_SERVICE + 1;
    return domain < 0 ? METRIC_NR : vcpu < 0 ? METRIC_NR_DOMAIN : METRIC_NR_VCPU;
}

void metric_measure(const struct result *r, int domain, int vcpu, struct window w,
                    double value[METRIC_NR])
{
    struct histogram latency;
    unsigned nr = nr_measured(domain, vcpu, w);

    for (unsigned m = 0; m < METRIC_NR; m++)
        value[m] = m < nr ? 0 : NAN;
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        if (!selected(&r->vcpus[i], domain, vcpu))
            continue;
        add_share(r, i, w, value);
        if (!w.to)
            add_counts(&r->vcpus[i], value);
    }
    if (w.to)
        return;
    latency_of(r, domain, vcpu, &latency);
    value[METRIC_WAKES] = (double)latency.count;
    set_quantiles(&latency, &value[METRIC_LATENCY_P50]);
    if (!(value[METRIC_JOBS] > 0))
        value[METRIC_MISSES] = NAN;
    if (vcpu < 0)
        measure_domains(r, domain, value);
    if (domain < 0)
        measure_host(r, value);
}

/* ---- for people -------------------------------------------------------------- */

const char *vcpu_name(const struct result *r, unsigned index, struct vcpu_name *buffer)
{
    const struct vcpu_result *v = &r->vcpus[index];
    const struct scenario_domain *d = &r->scenario->domains[v->domain];

    if (d->nr_vcpus == 1)
        snprintf(buffer->text, sizeof(buffer->text), "%.60s", d->name);
    else
        snprintf(buffer->text, sizeof(buffer->text), "%.60s.%u", d->name, v->vcpu);
    return buffer->text;
}

static void show_time(double ns, struct metric_text *buffer)
{
    static const char *const unit[] = {"ns", "us", "ms", "s"};
    unsigned u = 0;
    int decimals;

    /* 999.5 would be rounded to a four-digit number. */
    while (u < 3 && fabs(ns) >= (u ? 999.5 : 1000)) {
        ns /= 1000;
        u++;
    }
    decimals = !u || fabs(ns) >= 99.95 ? 0 : fabs(ns) >= 9.995 ? 1 : 2;
    snprintf(buffer->text, sizeof(buffer->text), "%.*f %s", decimals, ns, unit[u]);
}

const char *metric_show(enum metric_unit unit, double value, struct metric_text *buffer)
{
    if (!isfinite(value))
        snprintf(buffer->text, sizeof(buffer->text), "-");
    else if (unit == UNIT_NS)
        show_time(value, buffer);
    else
        snprintf(buffer->text, sizeof(buffer->text), "%.*f", unit == UNIT_PERCENT ? 2 : 0, value);
    return buffer->text;
}
