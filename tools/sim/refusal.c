#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>

const char *refusal_show(const struct sched_refusal *why, struct refusal_text *buffer)
{
    char limit[32] = "";

    if (why->limit)
        snprintf(limit, sizeof limit, ": %" PRId64, why->limit);
    snprintf(buffer->text, sizeof buffer->text, "%s%s%s%s", why->param ? why->param : "",
             why->param ? ": " : "", why->why ? why->why : "the policy refused it", limit);
    return buffer->text;
}
