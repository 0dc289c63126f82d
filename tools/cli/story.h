/*
 * What a trace tells: who ran where and when, who waited, and for each vCPU how
 * long it slept and how much it ran in turn.
 */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include "trace_file.h"

/* A vCPU ran on a pCPU, or waited for one. */
struct story_span {
    unsigned vcpu; /* index into story.vcpus */
    int pcpu;      /* -1: it waited */
    int64_t from, to;
};

/* Asleep, then awake until it had run so much. */
struct story_step {
    int64_t sleep, run;
};

struct story_vcpu {
    unsigned domain, vcpu;
    struct story_step *steps;
    unsigned nr_steps;
    bool asleep; /* at the end; if not, the last step goes on */
    int64_t ran; /* in all */
    /* While the trace is read. */
    int state, pcpu;
    int64_t since, burst, slept;
    unsigned room;
};

struct story {
    struct story_vcpu *vcpus; /* by domain, then vCPU */
    unsigned nr_vcpus;
    struct story_span *spans; /* by end */
    unsigned nr_spans;
    int64_t end;
};

/* false: out of memory. Free it in any case. */
bool story_tell(const struct trace_file *t, struct story *out);
void story_free(struct story *s);

#endif
