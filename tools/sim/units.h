/*
 * Numbers as people write them: times, percentages, counts, sets of pCPUs.
 * All return false with the reason and the remedy in *p if the text is wrong,
 * and leave *out alone then.
 */
#ifndef SIM_UNITS_H
#define SIM_UNITS_H

#include "../../sched/sched.h"
#include "arena.h"
#include "message.h"
#include "topology.h"

/*
 * "10ms", "1.5s", "500us", "0"; units ns, us, ms, s, min, h. Never negative. Only 0 needs no unit:
 * xl takes us for RTDS and ms for credit where xm took ns, so a plain number could mean any.
 */
bool unit_time(const char *text, sched_time *out, struct problem *p);
/* The same, but plain numbers are ns: for files that programs write. */
bool unit_time_or_ns(const char *text, sched_time *out, struct problem *p);
/* "-3", "512". */
bool unit_integer(const char *text, int64_t *out, struct problem *p);
/* 0 to 2^64-1. */
bool unit_unsigned(const char *text, uint64_t *out, struct problem *p);
/* "12.5", "-1e3". */
bool unit_number(const char *text, double *out, struct problem *p);
/* "66.7" or "66.7%". */
bool unit_percent(const char *text, double *out, struct problem *p);
/* 0, 1, no, yes, off, on, false, true. */
bool unit_bool(const char *text, int64_t *out, struct problem *p);

/* A parameter's value in the unit of its kind, and within its range if `in_range`. */
bool unit_param(const struct sched_param *param, const char *text, bool in_range, int64_t *out,
                struct problem *p);

/*
 * pCPUs as xl takes them: terms "1", "0-3", "all", "node:0", "nodes:0-1", each
 * with "^" to take it out again, from left to right; only "^" terms: out of all.
 */
bool unit_cpus(const char *text, const struct host *host, struct mask *out, struct problem *p);

/* ["0","1-2"]: the items, without quotes. */
bool unit_list(struct arena *a, const char *text, const char ***items, unsigned *nr,
               struct problem *p);

struct time_text {
    char text[32];
};
/* The shortest exact form, "1500us"; returns buffer->text. */
const char *unit_show_time(sched_time t, struct time_text *buffer);

#endif
