/*
 * How fast the CPUs of each node reach the memory of each: what `moirai node-speed` measures. This
 * is what it looks like; speed_host.h finds it out.
 */
#ifndef CLI_SPEED_H
#define CLI_SPEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SPEED_RUNS 5  /* of each measurement */
#define SPEED_LINE 64 /* bytes that a cache fetches at once */

struct speed_node {
    unsigned id;
    unsigned nr_cpus; /* that this process may use; it may be none */
    unsigned *cpus;
    bool memory;   /* it has some that this process may use */
    uint64_t free; /* bytes of it */
};

struct speed_machine {
    unsigned nr_nodes;
    struct speed_node *nodes;
    uint64_t cache_one,
        cache_all; /* bytes of what one CPU, and a node's CPUs, may have in caches */
    bool domain;   /* Linux sees what a hypervisor shows it */
};

/* ---- how much memory, in which order (speed.c) ----------------------------------------------- */

struct speed_sizes {
    uint64_t stream; /* bytes that all CPUs of a node go through */
    uint64_t chase;  /* bytes that one CPU jumps about in */
    bool cached;     /* stream is less than it takes to keep caches out of it */
};

/*
 * For memory of which `free` bytes are free; `wish` in bytes instead of what the caches ask for, or
 * 0. False if there is not enough.
 */
bool speed_sizes(const struct speed_machine *m, uint64_t free, uint64_t wish,
                 struct speed_sizes *out);

/* A random order in which i is followed by next[i], one cycle through all of them. */
void speed_cycle(uint32_t *next, uint32_t nr, uint64_t seed);

/* What move_pages() has said of pages; nr: all are on the node, otherwise the first that is not. */
unsigned long speed_elsewhere(const int *status, unsigned long nr, unsigned node);

/* ---- what is timed (speed_kernels.c) --------------------------------------------------------- */

struct speed_cell {
    const struct speed_cell *next;
    char rest[SPEED_LINE - sizeof(void *)];
};

/* cell[i] points to cell[next[i]]. */
void speed_link(struct speed_cell *cell, const uint32_t *next, uint32_t nr);
/* Out of the caches of all CPUs. */
void speed_flush(const struct speed_cell *cell, uint32_t nr);
/* Each load waits for the one before it; returns where that ends. */
const struct speed_cell *speed_chase(const struct speed_cell *at, uint64_t steps);
/* Reads all of `size` bytes, a multiple of SPEED_LINE; returns their sum, which keeps that from
 * being optimised away. */
uint64_t speed_read(const void *from, size_t size);
/* Copies one half of `size` bytes to the other. */
void speed_copy(void *memory, size_t size);

/* ---- what came out (speed.c, speed_show.c, speed_plot.c) ------------------------------------- */

struct speed_figure {
    double run[SPEED_RUNS];
};

double speed_median(const struct speed_figure *f);
double speed_least(const struct speed_figure *f);
double speed_most(const struct speed_figure *f);

struct speed_pair {
    unsigned cpu_node, memory_node;
    unsigned nr_cpus, distance;
    uint64_t bytes;                 /* of memory that was used */
    struct speed_figure read, copy; /* GB/s */
    struct speed_figure latency;    /* ns */
};

struct speed_result {
    unsigned nr;
    struct speed_pair *pairs;
    bool cached;      /* on one of the nodes: see speed_sizes */
    bool small_pages; /* on one of them: misses of the TLB are part of the latency */
};

void speed_print(const struct speed_result *r, FILE *out);
/* What a reader must know about them, a line each. */
void speed_notes(const struct speed_machine *m, const struct speed_result *r, FILE *out);
void speed_csv(const struct speed_result *r, FILE *out);
/* node-speed.csv, .gp, .png and .svg in `dir`; false after a complaint. */
bool speed_plot(const struct speed_result *r, const char *dir);

#endif
