#include "refused.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../sim/message.h"
#include "../sim/units.h"

/* The text of a refusal may name the unit of its limit; otherwise it is the parameter's. */
static bool names_unit(const char *why)
{
    return strstr(why, "ns") || strstr(why, "ppm") || strstr(why, "millionths");
}

static bool is_time(const struct policy *p, const struct moirai_refusal *r)
{
    for (unsigned i = 0; p && i < p->info.nr_params; i++)
        if (!strcmp(p->params[i].name, r->param))
            return p->params[i].kind == MOIRAI_TIME;
    return false;
}

static void show_limit(const struct policy *p, const struct moirai_refusal *r, char *text,
                       size_t size)
{
    struct time_text time;

    *text = '\0';
    if (r->limit > 0 && is_time(p, r) && !names_unit(r->why))
        snprintf(text, size, ": %s", unit_show_time(r->limit, &time));
    else if (r->limit)
        snprintf(text, size, ": %" PRId64, r->limit);
}

static const char *in_words(int error)
{
    switch (error) {
    case ENOENT:
        return "there is no such pool or scheduler (any more)";
    case ESRCH:
        return "there is no such domain or vCPU (any more)";
    case EPERM:
        return "only the control domain may do this";
    default:
        return strerror(error);
    }
}

const char *refused_text(const struct policy *p, int error, const struct moirai_refusal *r,
                         char *text, size_t size)
{
    char limit[48];

    show_limit(p, r, limit, sizeof limit);
    if (*r->why)
        snprintf(text, size, "%s%s%s%s", r->param, *r->param ? " " : "", r->why, limit);
    else
        snprintf(text, size, "%s", in_words(error));
    return text;
}

bool refused(const struct policy *p, int error, const struct moirai_refusal *r)
{
    char text[320];

    return complain((struct place){"moirai", 0}, "%s",
                    refused_text(p, error, r, text, sizeof text));
}
