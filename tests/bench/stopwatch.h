/* What operations cost: ns by the clock, or instructions by callgrind. */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

#include <stdbool.h>
#include <stdint.h>

/* The last is an empty operation: what measuring costs. */
enum op { OP_PICK, OP_WAKE, OP_BLOCK, OP_REWEIGHT, OP_TICK, OP_CLOSE_UP, OP_EMPTY, NR_OPS };

struct stopwatch {
    bool counting;   /* by callgrind, else by the clock */
    enum op counted; /* callgrind collects only this one */
    uint64_t start;  /* ns */
    uint64_t calls[NR_OPS], ns[NR_OPS];
};

/* CPU time of this process, ns. */
uint64_t cpu_time(void);

/* Around the call that is measured. */
void stopwatch_start(struct stopwatch *w, enum op op);
void stopwatch_stop(struct stopwatch *w, enum op op);

#endif
