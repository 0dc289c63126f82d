#include "show.h"

#include <inttypes.h>

#include "../sim/paragraph.h"
#include "../sim/units.h"

const char *show_value(const struct moirai_param *p, int64_t value, struct value_text *buffer)
{
    struct time_text time;

    if (p->kind == MOIRAI_TIME && value > 0)
        snprintf(buffer->text, sizeof buffer->text, "%s", unit_show_time(value, &time));
    else
        snprintf(buffer->text, sizeof buffer->text, "%" PRId64 "%s", value,
                 p->kind == MOIRAI_PERCENT ? "%" : "");
    return buffer->text;
}

void show_param(FILE *out, const struct moirai_param *p)
{
    static const char *const scopes[] = {"pool", "domain", "vcpu"};
    static const char *const kinds[] = {"count", "time", "percent", "bool"};
    struct value_text low, high, usual;
    char range[96];

    snprintf(range, sizeof range, "%s to %s", show_value(p, p->min, &low),
             show_value(p, p->max, &high));
    fprintf(out, "    %-10s %-7s %-8s default %-6s %-26s %s\n", p->name,
            p->scope < 3 ? scopes[p->scope] : "?", p->kind < 4 ? kinds[p->kind] : "?",
            show_value(p, p->def, &usual), range, p->help);
}

void show_policy(FILE *out, const struct policy *p)
{
    fprintf(out, "%s: %s\n", p->info.name, p->info.title);
    print_paragraph(out, 2, p->contract);
    for (unsigned i = 0; i < p->info.nr_params; i++)
        show_param(out, &p->params[i]);
}

const char *show_pcpus(uint64_t pcpus, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (unsigned i = 0; i < 64 && used < size; i++) {
        unsigned last = i;

        if (!(pcpus >> i & 1))
            continue;
        while (last + 1 < 64 && pcpus >> (last + 1) & 1)
            last++;
        used += (size_t)snprintf(text + used, size - used, last > i ? "%s%u-%u" : "%s%u",
                                 used ? "," : "", i, last);
        i = last;
    }
    return text;
}
