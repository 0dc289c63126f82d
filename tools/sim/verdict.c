#include "verdict.h"

#include <math.h>

#include "metric.h"
#include "units.h"

struct text { /* pieces of a claim, empty or with a blank in front */
    char text[80];
};

static bool holds(const struct expectation *e, double measured)
{
    switch (e->relation) {
    case EXPECT_EQ:
        return fabs(measured - e->value) <= e->tolerance;
    case EXPECT_LE:
        return measured <= e->value + e->tolerance;
    case EXPECT_GE:
        return measured >= e->value - e->tolerance;
    }
    return false;
}

static struct text subject(const struct scenario *s, const struct expectation *e)
{
    struct text t;

    if (e->domain < 0)
        snprintf(t.text, sizeof(t.text), "host");
    else if (e->vcpu < 0)
        snprintf(t.text, sizeof(t.text), "%.60s", s->domains[e->domain].name);
    else
        snprintf(t.text, sizeof(t.text), "%.60s.%d", s->domains[e->domain].name, e->vcpu);
    return t;
}

static struct text period(const struct expectation *e)
{
    struct time_text from, to;
    struct text t = {""};

    if (e->to)
        snprintf(t.text, sizeof(t.text), " from %s to %s", unit_show_time(e->from, &from),
                 unit_show_time(e->to, &to));
    return t;
}

static struct text margin(const struct expectation *e, enum metric_unit unit)
{
    struct metric_text tolerance;
    struct text t = {""};

    if (e->tolerance > 0)
        snprintf(t.text, sizeof(t.text), " ± %s", metric_show(unit, e->tolerance, &tolerance));
    return t;
}

static void state_claim(const struct scenario *s, const struct expectation *e,
                        enum metric_unit unit, struct verdict *v)
{
    static const char *const sign[] = {[EXPECT_EQ] = "=", [EXPECT_LE] = "<=", [EXPECT_GE] = ">="};
    struct metric_text value;

    snprintf(v->claim, sizeof(v->claim), "%.30s of %s%s %s %s%s", e->metric, subject(s, e).text,
             period(e).text, sign[e->relation], metric_show(unit, e->value, &value),
             margin(e, unit).text);
}

struct verdict verdict_of(const struct result *r, const struct expectation *e)
{
    static const char *const unit_name[] = {
        [UNIT_PERCENT] = "percent", [UNIT_NS] = "ns", [UNIT_COUNT] = ""};
    enum metric m = metric_by_name(e->metric);
    double value[METRIC_NR];
    struct verdict v = {.measured = NAN, .unit = ""};

    state_claim(r->scenario, e, m < METRIC_NR ? metric_info[m].unit : UNIT_COUNT, &v);
    if (m == METRIC_NR)
        return v;
    metric_measure(r, e->domain, e->vcpu, (struct window){e->from, e->to}, value);
    v.measured = value[m];
    v.unit = unit_name[metric_info[m].unit];
    v.ok = isfinite(v.measured) && holds(e, v.measured);
    return v;
}

static void print_verdict(FILE *out, const struct expectation *e, const struct verdict *v)
{
    enum metric m = metric_by_name(e->metric);
    struct metric_text measured;

    if (v->ok)
        fprintf(out, "ok      %s: ", v->claim);
    else
        fprintf(out, "FAILED  %s:%d: %s: ", e->place.file, e->place.line, v->claim);
    if (isfinite(v->measured))
        fprintf(out, "%s\n", metric_show(metric_info[m].unit, v->measured, &measured));
    else
        fprintf(out, "nothing was measured\n");
}

unsigned verdict_print(FILE *out, const struct result *r, bool only_failed)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < r->scenario->nr_expectations; i++) {
        const struct expectation *e = &r->scenario->expectations[i];
        struct verdict v = verdict_of(r, e);
        failed += !v.ok;
        if (!v.ok || !only_failed)
            print_verdict(out, e, &v);
    }
    return failed;
}
