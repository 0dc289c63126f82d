/*
 * How much memory a guest's programs would use, second by second.
 *
 *   const:SIZE
 *   wave:LOW:HIGH:PERIOD         up and down, smoothly; begins somewhere in it
 *   burst:LOW:HIGH:OFF:ON        LOW and HIGH in turns, for exponentially distributed times
 *   walk:LOW:HIGH:STEP           each second up or down by at most STEP
 *   trace:FILE[:PERCENT[:PAUSE]] recorded: lines "seconds,KiB", so much of it, over and over, with
 *                                pauses, exponentially distributed; begins somewhere
 */
#ifndef BALLOON_DEMAND_H
#define BALLOON_DEMAND_H

#include "../sim/arena.h"
#include "../sim/message.h"
#include "../sim/random.h"

enum demand_kind { DEMAND_CONST, DEMAND_WAVE, DEMAND_BURST, DEMAND_WALK, DEMAND_TRACE };

struct demand {
    enum demand_kind kind;
    int64_t low, high;  /* KiB */
    int64_t step;       /* KiB */
    int64_t off, on;    /* seconds; a wave's period is `on`, a trace's pause `off` */
    const char *file;   /* of a trace */
    double percent;     /* of what it says */
    unsigned nr;        /* of its points */
    int64_t *at, *size; /* their seconds, ascending from 0, and KiB */
};

/* One guest's way through it. */
struct demand_walker {
    const struct demand *demand;
    struct rng rng;
    int64_t offset; /* s: of a wave */
    int64_t level;  /* KiB: of a walk or a burst */
    double until;   /* s: of a burst, or of a trace's pause */
    int64_t begun;  /* s: when the trace began, this time */
    unsigned point; /* of the trace */
};

/* Traces are looked up beside `where`. */
bool demand_parse(struct arena *a, const char *text, struct place where, struct demand *out);

void demand_begin(struct demand_walker *w, const struct demand *d, uint64_t seed, uint64_t stream);
/* KiB in second `now`; to be asked for each in order. */
int64_t demand_at(struct demand_walker *w, int64_t now);

#endif
