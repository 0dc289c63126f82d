#include "perf_show.h"

#include <inttypes.h>

void perf_show_pmu(const struct perf_show *s)
{
    const struct moirai_pmu *p = s->what;

    if (p->model)
        fprintf(s->out, "MODEL of an %s (%s): these counts are made up: %s\n", p->name, s->pmu,
                p->rates);
    fprintf(s->out, "%s: %u counters of %u bits, %u fixed ones\n", s->pmu, p->nr_general, p->width,
            p->nr_fixed);
}

void perf_show_begin(const struct perf_show *s, double seconds)
{
    if (s->csv) {
        fputs("name,domain,event,estimate,count,enabled_ns,running_ns,pmu\n", s->out);
        return;
    }
    perf_show_pmu(s);
    fprintf(s->out, "%.2f s\n\n%-16s %4s %20s %20s %7s  %s\n", seconds, "NAME", "ID", "ESTIMATE",
            "COUNT", "PART", "EVENT");
}

static double part(const struct moirai_perf_read *r, const struct moirai_event *e)
{
    return r->enabled ? 100.0 * (double)e->running / (double)r->enabled : 0;
}

static void show_event(const struct perf_show *s, const char *name, unsigned id, const char *event,
                       const struct moirai_perf_read *r, const struct moirai_event *e)
{
    if (s->csv)
        fprintf(s->out, "%s,%u,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s%s\n", name, id,
                event, e->estimate, e->count, r->enabled, e->running,
                s->what->model ? "model:" : "", s->pmu);
    else if (!e->running)
        fprintf(s->out, "%-16s %4u %20s %20s %6.1f%%  %s\n", name, id, "-", "-", part(r, e), event);
    else
        fprintf(s->out, "%-16s %4u %20" PRIu64 " %20" PRIu64 " %6.1f%%  %s\n", name, id,
                e->estimate, e->count, part(r, e), event);
}

void perf_show_domain(const struct perf_show *s, const char *name, unsigned id,
                      const char *const *event, const struct moirai_perf_read *r)
{
    for (unsigned i = 0; i < r->nr; i++)
        show_event(s, name, id, event[i], r, &r->event[i]);
    if (s->csv)
        return;
    fprintf(s->out, "%-16s %4u %20.3f ms of vCPU time", name, id, (double)r->enabled * 1e-6);
    if (r->nr_groups > 1)
        fprintf(s->out, "; multiplexed: %u groups took turns, see PART", r->nr_groups);
    fputs("\n\n", s->out);
}
