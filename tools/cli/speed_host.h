/* This machine's nodes (speed_host.c) and what is measured on them (speed_measure.c). */
#ifndef CLI_SPEED_HOST_H
#define CLI_SPEED_HOST_H

#include "../sim/arena.h"
#include "../sim/message.h"
#include "speed.h"

extern const struct place speed_here; /* for complaints */

/* From libnuma and hwloc; false after a complaint. */
bool speed_machine_read(struct arena *a, struct speed_machine *m);

/* ---- memory on one node ---------------------------------------------------------------------- */

struct speed_memory {
    unsigned node;
    char *at;
    size_t size; /* bytes */
    bool small_pages;
};

/* All of it has been written to. False after a complaint. */
bool speed_memory_take(unsigned node, size_t size, struct speed_memory *out);
/* Each page is on its node now; false after a complaint. */
bool speed_memory_check(const struct speed_memory *memory);
void speed_memory_free(struct speed_memory *memory);

/* The thread that calls this runs on that CPU from now on. */
bool speed_run_on(unsigned cpu);

/* ---- measuring ------------------------------------------------------------------------------- */

/* By the first CPU of the node, in the first `size` bytes, which speed_prepare has prepared. */
bool speed_prepare(struct speed_memory *memory, size_t size);
bool speed_latency(const struct speed_node *from, const struct speed_memory *memory, size_t size,
                   struct speed_figure *latency);

/* By all CPUs of the node, each in a part of its own. Both return false after a complaint. */
bool speed_bandwidth(const struct speed_node *from, struct speed_memory *memory,
                     struct speed_figure *read, struct speed_figure *copy);

#endif
