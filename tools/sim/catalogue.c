#include "report.h"

#include <inttypes.h>

#include "paragraph.h"
#include "units.h"

static void show_value(const struct sched_param *p, int64_t value, struct time_text *buffer)
{
    if (p->kind == SCHED_TIME_NS && value > 0)
        unit_show_time(value, buffer);
    else
        snprintf(buffer->text, sizeof(buffer->text), "%" PRId64 "%s", value,
                 p->kind == SCHED_PERCENT ? "%" : "");
}

static void print_param(FILE *out, const struct sched_param *p)
{
    static const char *const scope[] = {
        [SCHED_PARAM_POOL] = "pool", [SCHED_PARAM_DOMAIN] = "domain", [SCHED_PARAM_UNIT] = "vcpu"};
    static const char *const kind[] = {[SCHED_COUNT] = "count",
                                       [SCHED_TIME_NS] = "time",
                                       [SCHED_PERCENT] = "percent",
                                       [SCHED_BOOL] = "bool"};
    struct time_text min, max, def;
    char range[80];

    show_value(p, p->min, &min);
    show_value(p, p->max, &max);
    show_value(p, p->def, &def);
    snprintf(range, sizeof(range), "%s to %s", min.text, max.text);
    fprintf(out, "    %-14s %-7s %-8s %-28s %s\n", p->name, scope[p->scope], kind[p->kind], range,
            def.text);
    print_paragraph(out, 19, p->help);
}

static void print_policy(FILE *out, const struct sched_policy *policy)
{
    unsigned nr;
    const struct sched_param *params = sched_policy_params(policy, &nr);

    fprintf(out, "%s\n", sched_policy_name(policy));
    print_paragraph(out, 4, sched_policy_contract(policy));
    if (nr)
        fprintf(out, "\n    %-14s %-7s %-8s %-28s %s\n", "parameter", "scope", "kind", "range",
                "default");
    for (unsigned i = 0; i < nr; i++)
        print_param(out, &params[i]);
}

void report_policies(FILE *out)
{
    for (unsigned i = 0; sched_policies[i]; i++) {
        if (i)
            fputc('\n', out);
        print_policy(out, sched_policies[i]);
    }
}
