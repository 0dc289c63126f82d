/* What the cache model found, in words and as CSV, and the scenario's verdict. */
#include "cache.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output.h"
#include "units.h"

/* ---- metrics ------------------------------------------------------------------------------- */

enum metric { OCCUPANCY, MPKI, BANDWIDTH, IPC, SLOWDOWN, SECONDS, LATENCY, NR_METRICS };

static const struct {
    const char *name, *unit; /* as in the table and in expectations */
    bool of_domain, of_memory;
} metrics[NR_METRICS] = {
    [OCCUPANCY] = {"occupancy", "MiB", true, false}, [MPKI] = {"mpki", "", true, false},
    [BANDWIDTH] = {"bandwidth", "GB/s", true, true}, [IPC] = {"ipc", "", true, false},
    [SLOWDOWN] = {"slowdown", "", true, false},      [SECONDS] = {"seconds", "s", true, false},
    [LATENCY] = {"latency", "ns", false, true},
};

static double of_domain(const struct cache_scenario *s, const struct cache_result *r, unsigned d,
                        enum metric m)
{
    const struct cache_state *state = &r->state[d];

    switch (m) {
    case OCCUPANCY:
        return state->occupancy / 0x1p20;
    case MPKI:
        return state->mpki;
    case BANDWIDTH:
        return state->bandwidth / 1e9;
    case IPC:
        return 1 / state->cpi;
    case SLOWDOWN:
        return state->cpi / r->alone[d];
    case SECONDS:
        return s->domains[d].instructions * state->cpi / s->host.clock;
    default:
        return NAN;
    }
}

static double of_memory(const struct cache_result *r, enum metric m)
{
    return m == LATENCY ? r->latency * 1e9 : r->bandwidth / 1e9;
}

static const uint32_t *values_of(const struct cache_scenario *s, unsigned d)
{
    return s->classes.class[s->domains[d].class].value;
}

/* ---- reports ------------------------------------------------------------------------------- */

void cache_report_table(FILE *out, const struct cache_scenario *s, const struct cache_result *r)
{
    fprintf(out,
            "%s\nMODEL of a cache of %g MiB with %u ways, and of memory: %.1f of %g GB/s, "
            "%.1f ns\n\n",
            s->title, s->host.bytes / 0x1p20, s->host.caps.l3.len, r->bandwidth / 1e9,
            s->host.limit / 1e9, r->latency * 1e9);
    fprintf(out, "%-16s %5s %8s %8s %9s %8s %8s %7s %9s %9s\n", "domain", "class", "mask",
            "throttle", "occupancy", "mpki", "GB/s", "ipc", "slowdown", "seconds");
    for (unsigned d = 0; d < s->nr; d++)
        fprintf(out,
                "%-16s %5u %#8" PRIx32 " %8" PRIu32 " %5.2f MiB %8.3f %8.3f %7.3f %9.3f %9.3g\n",
                s->domains[d].name, s->domains[d].class, values_of(s, d)[PSR_SLOT_L3],
                values_of(s, d)[PSR_SLOT_BANDWIDTH], of_domain(s, r, d, OCCUPANCY),
                of_domain(s, r, d, MPKI), of_domain(s, r, d, BANDWIDTH), of_domain(s, r, d, IPC),
                of_domain(s, r, d, SLOWDOWN), of_domain(s, r, d, SECONDS));
}

static void write_csv(FILE *out, const struct cache_scenario *s, const struct cache_result *r)
{
    fputs("domain,class,mask,throttle,occupancy_bytes,mpki,bandwidth_bytes_per_s,ipc,slowdown,"
          "seconds,memory_latency_ns\n",
          out);
    for (unsigned d = 0; d < s->nr; d++) {
        output_cell(out, s->domains[d].name);
        fprintf(out, ",%u,0x%" PRIx32 ",%" PRIu32 ",%.0f,%.6f,%.0f,%.6f,%.6f,%.9g,%.3f\n",
                s->domains[d].class, values_of(s, d)[PSR_SLOT_L3],
                values_of(s, d)[PSR_SLOT_BANDWIDTH], r->state[d].occupancy, r->state[d].mpki,
                r->state[d].bandwidth, of_domain(s, r, d, IPC), of_domain(s, r, d, SLOWDOWN),
                of_domain(s, r, d, SECONDS), r->latency * 1e9);
    }
}

bool cache_report_csv(const char *dir, const struct cache_scenario *s, const struct cache_result *r)
{
    struct output o;

    if (!output_directory(dir) || !output_open(&o, dir, "cache_model.csv"))
        return false;
    write_csv(o.file, s, r);
    return output_close(&o);
}

/* ---- expectations -------------------------------------------------------------------------- */

static bool read_metric(struct cache_expectation *e, const char *word)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned m = 0; m < NR_METRICS; m++) {
        names_add(&names, metrics[m].name);
        if (!strcmp(metrics[m].name, word)) {
            e->metric = m;
            return true;
        }
    }
    return complain(e->where, "unknown metric '%s'; %s", word, names_hint(&names, word, &hint));
}

static bool read_whom(const struct cache_scenario *s, struct cache_expectation *e, const char *word)
{
    const char *name = metrics[e->metric].name;

    if (!strcmp(word, "memory"))
        return metrics[e->metric].of_memory ||
               complain(e->where, "memory has no %s; use it of a domain", name);
    for (unsigned d = 0; d < s->nr; d++)
        if (!strcmp(s->domains[d].name, word))
            e->domain = s->domains[d].name;
    if (!e->domain)
        return complain(e->where, "no domain '%s'; name one of the scenario's, or memory", word);
    return metrics[e->metric].of_domain ||
           complain(e->where, "%s is the memory's; use %s of memory", name, name);
}

static bool read_relation(struct cache_expectation *e, const char *word)
{
    e->relation = word[0];
    return !strcmp(word, "=") || !strcmp(word, "<=") || !strcmp(word, ">=") ||
           complain(e->where, "'%s' compares nothing; use =, <= or >=", word);
}

static bool read_number(const struct cache_expectation *e, const char *word, double *out)
{
    struct problem p;

    return unit_number(word, out, &p) || complain(e->where, "%s", p.text);
}

bool cache_expectation_parse(struct cache_scenario *s, struct place where, unsigned nr, char **word)
{
    struct cache_expectation e = {.where = where};
    bool tolerant = nr == 8 && !strcmp(word[6], "+-");

    if ((nr != 6 && !tolerant) || strcmp(word[2], "of"))
        return complain(where, "that is no expectation; use expect METRIC of DOMAIN = VALUE "
                               "+- TOLERANCE");
    if (!read_metric(&e, word[1]) || !read_whom(s, &e, word[3]) || !read_relation(&e, word[4]) ||
        !read_number(&e, word[5], &e.value) ||
        (tolerant && !read_number(&e, word[7], &e.tolerance)))
        return false;
    *(struct cache_expectation *)arena_push(&s->memory, s->expectations, s->nr_expectations) = e;
    return true;
}

static double measured(const struct cache_scenario *s, const struct cache_result *r,
                       const struct cache_expectation *e)
{
    for (unsigned d = 0; d < s->nr; d++)
        if (s->domains[d].name == e->domain)
            return of_domain(s, r, d, (enum metric)e->metric);
    return of_memory(r, (enum metric)e->metric);
}

static bool holds(const struct cache_expectation *e, double value)
{
    if (e->relation == '<')
        return value <= e->value + e->tolerance;
    if (e->relation == '>')
        return value >= e->value - e->tolerance;
    return fabs(value - e->value) <= e->tolerance;
}

unsigned cache_verdicts(FILE *out, const struct cache_scenario *s, const struct cache_result *r,
                        bool only_failed)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < s->nr_expectations; i++) {
        const struct cache_expectation *e = &s->expectations[i];
        double value = measured(s, r, e);
        bool ok = holds(e, value);

        failed += !ok;
        if (ok && only_failed)
            continue;
        fprintf(out, "%s%s:%d: %s of %s %c%s %g +- %g: %.4g %s\n", ok ? "ok      " : "FAILED  ",
                e->where.file, e->where.line, metrics[e->metric].name,
                e->domain ? e->domain : "memory", e->relation, e->relation == '=' ? "" : "=",
                e->value, e->tolerance, value, metrics[e->metric].unit);
    }
    return failed;
}
