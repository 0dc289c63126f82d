#include "meminfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The value in KiB of the line that begins with `name`, or -1. */
static int64_t field(const char *text, const char *name)
{
    size_t length = strlen(name);
    int64_t kib;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, name, length) && line[length] == ':' &&
            sscanf(line + length + 1, "%" SCNd64, &kib) == 1)
            return kib;
    }
    return -1;
}

static int64_t at_least_0(int64_t x)
{
    return x > 0 ? x : 0;
}

bool meminfo_parse(const char *text, struct balloon_report *r)
{
    int64_t total = field(text, "MemTotal"), available = field(text, "MemAvailable");
    int64_t there = at_least_0(field(text, "AnonPages")) + at_least_0(field(text, "Shmem"));

    if (total <= 0 || total > BALLOON_MEMORY_MAX || available < 0)
        return false;
    r->total = total;
    r->available = available;
    r->cache = at_least_0(field(text, "Active(file)"));
    r->promised = at_least_0(field(text, "Committed_AS") - there);
    return true;
}

unsigned pressure_parse(const char *text)
{
    double percent;

    if (sscanf(text, "some avg10=%lf", &percent) != 1 || !(percent >= 0 && percent <= 100))
        return 0;
    return (unsigned)(percent * 10);
}
