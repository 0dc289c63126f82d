#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "../sim/units.h"

bool window_parse(const char *text, struct window_text *out, struct problem *p)
{
    const char *equals = strrchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    char *dot;

    if (!length || length >= sizeof out->domain)
        return problem_set(p, "'%s' is no window; use DOMAIN.VCPU=TIME, like web.0=5ms", text);
    memcpy(out->domain, text, length);
    out->domain[length] = '\0';
    out->vcpu = 0;
    dot = strrchr(out->domain, '.');
    if (dot && dot != out->domain && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        out->vcpu = (unsigned)strtoul(dot + 1, NULL, 10);
        *dot = '\0';
    }
    return unit_time(equals + 1, &out->runtime, p);
}
