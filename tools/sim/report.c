#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "metric.h"
#include "refusal.h"
#include "units.h"

#define NAME_MIN 6
#define NAME_MAX 32

struct column {
    enum metric metric;
    int width;
    const char *head[2];
};

static const struct column main_columns[] = {
    {METRIC_SHARE, 9, {"share", "%"}},       {METRIC_IDEAL_SHARE, 9, {"ideal", "%"}},
    {METRIC_ERROR, 8, {"error", "points"}},  {METRIC_LATENCY_P50, 13, {"wake to run", "p50"}},
    {METRIC_LATENCY_P99, 9, {"", "p99"}},    {METRIC_LATENCY_P999, 9, {"", "p99.9"}},
    {METRIC_LATENCY_MAX, 9, {"", "max"}},    {METRIC_MISSES, 11, {"deadlines", "missed"}},
    {METRIC_SWITCHES, 10, {"", "switches"}}, {METRIC_MIGRATIONS, 9, {"", "moves"}},
    {METRIC_LAG, 9, {"max", "lag"}},
};

static const struct column server_columns[] = {
    {METRIC_REQUESTS, 10, {"", "requests"}}, {METRIC_RESPONSE_P50, 11, {"response", "p50"}},
    {METRIC_RESPONSE_P99, 9, {"", "p99"}},   {METRIC_RESPONSE_P999, 9, {"", "p99.9"}},
    {METRIC_RESPONSE_MAX, 9, {"", "max"}},
};

struct table {
    FILE *out;
    const struct column *columns;
    unsigned nr_columns;
    int name_width;
};

/* The columns up to the last one that has a head in this line. */
static unsigned nr_headed(const struct table *t, unsigned line)
{
    unsigned n = t->nr_columns;

    while (n && !*t->columns[n - 1].head[line])
        n--;
    return n;
}

static void print_head(const struct table *t, const char *first)
{
    for (unsigned line = 0; line < 2; line++) {
        fprintf(t->out, "%-*s", t->name_width, line ? first : "");
        for (unsigned c = 0; c < nr_headed(t, line); c++)
            fprintf(t->out, "%*s", t->columns[c].width, t->columns[c].head[line]);
        fputc('\n', t->out);
    }
}

static void print_row(const struct table *t, const char *name, const double *value)
{
    struct metric_text text;

    fprintf(t->out, "%-*.*s", t->name_width, t->name_width - 1, name);
    for (unsigned c = 0; c < t->nr_columns; c++) {
        enum metric m = t->columns[c].metric;
        fprintf(t->out, "%*s", t->columns[c].width,
                metric_show(metric_info[m].unit, value[m], &text));
    }
    fputc('\n', t->out);
}

static void measure_and_print(const struct table *t, const struct result *r, int domain, int vcpu,
                              const char *name)
{
    double value[METRIC_NR];

    metric_measure(r, domain, vcpu, (struct window){0, 0}, value);
    print_row(t, name, value);
}

static int name_width(const struct result *r)
{
    struct vcpu_name name;
    int width = NAME_MIN;

    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        int length = (int)strlen(vcpu_name(r, i, &name));
        if (length > width)
            width = length;
    }
    return (width < NAME_MAX ? width : NAME_MAX) + 1;
}

/* A line for each domain, and below it one for each vCPU if there are several. */
static void print_main(FILE *out, const struct result *r)
{
    const struct table t = {out, main_columns, sizeof(main_columns) / sizeof(*main_columns),
                            name_width(r)};
    struct vcpu_name name;

    print_head(&t, "vCPU");
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        const struct vcpu_result *v = &r->vcpus[i];
        const struct scenario_domain *domain = &r->scenario->domains[v->domain];
        if (!v->vcpu)
            measure_and_print(&t, r, (int)v->domain, -1, domain->name);
        if (domain->nr_vcpus > 1)
            measure_and_print(&t, r, (int)v->domain, (int)v->vcpu, vcpu_name(r, i, &name));
    }
}

static void print_servers(FILE *out, const struct result *r)
{
    const struct table t = {out, server_columns, sizeof(server_columns) / sizeof(*server_columns),
                            name_width(r)};
    bool any = false;

    for (unsigned d = 0; d < r->scenario->nr_domains; d++) {
        if (!r->domains[d].requests.count)
            continue;
        if (!any) {
            fputc('\n', out);
            print_head(&t, "server");
        }
        any = true;
        measure_and_print(&t, r, (int)d, -1, r->scenario->domains[d].name);
    }
}

/* "0-3,6" */
static void print_pcpus(FILE *out, const struct mask *cpus)
{
    const char *comma = "";
    int first, last;

    for (first = mask_next(cpus, 0); first >= 0; first = mask_next(cpus, (unsigned)last + 1)) {
        for (last = first; last + 1 < SCHED_MAX_PCPUS && mask_test(cpus, (unsigned)last + 1);)
            last++;
        fprintf(out, last > first ? "%s%d-%d" : "%s%d", comma, first, last);
        comma = ",";
        if (last + 1 == SCHED_MAX_PCPUS)
            return;
    }
}

static void print_setting(FILE *out, const struct result *r)
{
    const struct scenario *s = r->scenario;
    struct time_text duration;

    if (s->title && *s->title)
        fprintf(out, "%s\n", s->title);
    fprintf(out, "%s, seed %" PRIu64, unit_show_time(r->end, &duration), s->seed);
    for (unsigned i = 0; i < s->nr_pools; i++) {
        fprintf(out, "; %s: %s on pCPU ", s->pools[i].name, sched_policy_name(s->pools[i].policy));
        print_pcpus(out, &s->pools[i].cpus);
    }
    fputs("\n\n", out);
}

static void print_refusals(FILE *out, const struct result *r)
{
    for (unsigned i = 0; i < r->nr_refusals; i++) {
        const struct sched_refusal *why = &r->refusals[i].why;
        const struct scenario_change *change = &r->scenario->changes[r->refusals[i].change];
        struct refusal_text text;
        fprintf(out, "refused: %s:%d: %s\n", change->place.file, change->place.line,
                refusal_show(why, &text));
    }
}

static void print_total(FILE *out, const struct result *r)
{
    double value[METRIC_NR];
    struct metric_text lost;

    metric_measure(r, -1, -1, (struct window){0, 0}, value);
    fprintf(out, "\n%.2f %% of the host used, %" PRIu64 " decisions, %s idle while a vCPU waited",
            value[METRIC_UTILISATION], r->decisions,
            metric_show(UNIT_NS, value[METRIC_IDLE_WHILE_WAITING], &lost));
    if (r->nr_refusals)
        fprintf(out, ", %u change%s refused", r->nr_refusals, r->nr_refusals > 1 ? "s" : "");
    fputc('\n', out);
}

void report_table(FILE *out, const struct result *r)
{
    print_setting(out, r);
    print_main(out, r);
    print_servers(out, r);
    print_total(out, r);
    print_refusals(out, r);
}
