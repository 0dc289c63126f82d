#define _POSIX_C_SOURCE 200809L
#include "stopwatch.h"

#include <time.h>
#include <valgrind/callgrind.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t cpu_time(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void stopwatch_start(struct stopwatch *w, enum op op)
{
    if (!w->counting)
        w->start = clock_ns(CLOCK_MONOTONIC);
    else if (w->counted == op)
        CALLGRIND_TOGGLE_COLLECT;
}

void stopwatch_stop(struct stopwatch *w, enum op op)
{
    if (!w->counting)
        w->ns[op] += clock_ns(CLOCK_MONOTONIC) - w->start;
    else if (w->counted == op)
        CALLGRIND_TOGGLE_COLLECT;
    w->calls[op]++;
}
