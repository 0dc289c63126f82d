#include "report.h"

#include <inttypes.h>
#include <math.h>

#include "metric.h"
#include "output.h"

static void put_header(FILE *out, const char *first, unsigned nr_metrics)
{
    fputs(first, out);
    for (unsigned m = 0; m < nr_metrics; m++)
        fprintf(out, ",%s", metric_info[m].key);
    fputc('\n', out);
}

/* A cell stays empty where nothing was measured. */
static void put_metrics(FILE *out, const double *value, unsigned nr)
{
    for (unsigned m = 0; m < nr; m++) {
        fputc(',', out);
        if (isfinite(value[m]))
            fprintf(out, "%.*f", metric_decimals((enum metric)m), value[m]);
    }
    fputc('\n', out);
}

static void put_vcpu(FILE *out, const struct result *r, unsigned index)
{
    const struct vcpu_result *v = &r->vcpus[index];

    output_cell(out, r->scenario->domains[v->domain].name);
    fprintf(out, ",%u", v->vcpu);
}

static void write_vcpus(FILE *out, const struct result *r)
{
    double value[METRIC_NR];

    put_header(out, "domain,vcpu", METRIC_NR_VCPU);
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        put_vcpu(out, r, i);
        metric_measure(r, (int)r->vcpus[i].domain, (int)r->vcpus[i].vcpu, (struct window){0, 0},
                       value);
        put_metrics(out, value, METRIC_NR_VCPU);
    }
}

static void write_domains(FILE *out, const struct result *r)
{
    double value[METRIC_NR];

    put_header(out, "domain", METRIC_NR_DOMAIN);
    for (unsigned d = 0; d < r->scenario->nr_domains; d++) {
        output_cell(out, r->scenario->domains[d].name);
        metric_measure(r, (int)d, -1, (struct window){0, 0}, value);
        put_metrics(out, value, METRIC_NR_DOMAIN);
    }
}

/* Shares within each sampling period, which ends at time_ns. */
static void write_shares(FILE *out, const struct result *r)
{
    double percent = 100.0 / (double)r->sample_period;

    fputs("time_ns,domain,vcpu,share_percent,ideal_share_percent\n", out);
    for (unsigned n = 1; n <= r->nr_samples; n++) {
        sched_time to = (sched_time)n * r->sample_period;
        for (unsigned i = 0; i < r->nr_vcpus; i++) {
            struct sample a = sample_at(r, i, to - r->sample_period), b = sample_at(r, i, to);
            fprintf(out, "%" PRId64 ",", to);
            put_vcpu(out, r, i);
            fprintf(out, ",%.4f,%.4f\n", percent * (double)(b.service - a.service),
                    percent * (b.ideal - a.ideal));
        }
    }
}

/* The distribution by quantile: dense in the middle, then towards the tail as far as it goes. */
static void write_latency(FILE *out, const struct result *r)
{
    static const double q[] = {0,    0.05, 0.1,  0.2,   0.3,  0.4,   0.5,   0.6,    0.7,    0.8,
                               0.85, 0.9,  0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1};

    fputs("domain,vcpu,quantile,latency_ns,wakes\n", out);
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        const struct histogram *h = &r->vcpus[i].latency;
        for (unsigned j = 0; h->count && j < sizeof(q) / sizeof(*q); j++) {
            put_vcpu(out, r, i);
            fprintf(out, ",%.4f,%" PRId64 ",%" PRIu64 "\n", q[j], histogram_quantile(h, q[j]),
                    h->count);
        }
    }
}

bool report_csv(const char *dir, const struct result *r)
{
    static const struct {
        const char *name;
        void (*write)(FILE *, const struct result *);
    } files[] = {
        {"vcpus.csv", write_vcpus},
        {"domains.csv", write_domains},
        {"shares.csv", write_shares},
        {"latency.csv", write_latency},
    };
    struct output o;

    if (!output_directory(dir))
        return false;
    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
        if (!output_open(&o, dir, files[i].name))
            return false;
        files[i].write(o.file, r);
        if (!output_close(&o))
            return false;
    }
    return true;
}
