#define _GNU_SOURCE
#include "speed_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEPS (1 << 20) /* loads in a run: some 100 ms */
#define SEED  1

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The compiler takes it that `value` is used here. */
static void keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value));
}

/* ---- latency --------------------------------------------------------------------------------- */

bool speed_prepare(struct speed_memory *memory, size_t size)
{
    uint32_t nr = (uint32_t)(size / SPEED_LINE);
    uint32_t *next = malloc(nr * sizeof *next);

    if (!next)
        return complain(speed_here, "there is no memory left");
    speed_cycle(next, nr, SEED);
    speed_link((struct speed_cell *)(void *)memory->at, next, nr);
    free(next);
    return true;
}

/* All runs together go round once at most, and begin with empty caches: what they load is in none.
 */
bool speed_latency(const struct speed_node *from, const struct speed_memory *memory, size_t size,
                   struct speed_figure *latency)
{
    const struct speed_cell *at = (const struct speed_cell *)(const void *)memory->at;
    uint32_t nr = (uint32_t)(size / SPEED_LINE);
    uint32_t steps = nr / SPEED_RUNS < STEPS ? nr / SPEED_RUNS : STEPS;

    if (!speed_run_on(from->cpus[0]))
        return false;
    speed_flush(at, nr);
    for (unsigned i = 0; i < SPEED_RUNS; i++) {
        double start = now();

        at = speed_chase(at, steps);
        keep((uintptr_t)at);
        latency->run[i] = (now() - start) / steps;
    }
    return true;
}

/* ---- bandwidth ------------------------------------------------------------------------------- */

enum { READ, COPY, NR_KINDS };

struct span {
    double start, end;
};

struct worker {
    struct team *team;
    pthread_t thread;
    unsigned cpu;
    char *part;
    bool ok;
    struct span span[NR_KINDS][SPEED_RUNS];
};

struct team {
    pthread_mutex_t gate; /* closed until it is known how many there are */
    pthread_barrier_t together;
    bool off; /* there is nothing to do */
    size_t part_size;
    unsigned nr;
    struct worker *workers;
};

static struct span work(struct worker *w, int kind)
{
    struct span s = {.start = now()};

    if (kind == READ)
        keep(speed_read(w->part, w->team->part_size));
    else
        speed_copy(w->part, w->team->part_size);
    s.end = now();
    return s;
}

/* One that is not on its CPU works all the same, for the others wait for it. */
static void *worker_main(void *data)
{
    struct worker *w = data;
    struct team *t = w->team;

    pthread_mutex_lock(&t->gate);
    pthread_mutex_unlock(&t->gate);
    if (t->off)
        return NULL;
    w->ok = speed_run_on(w->cpu);
    for (int kind = 0; kind < NR_KINDS; kind++) {
        for (unsigned i = 0; i < SPEED_RUNS; i++) {
            pthread_barrier_wait(&t->together);
            w->span[kind][i] = work(w, kind);
        }
    }
    return NULL;
}

/* From the first start to the last end; bytes in a ns are GB in a s. */
static double rate(const struct team *t, int kind, unsigned run)
{
    struct span all = t->workers[0].span[kind][run];

    for (unsigned i = 1; i < t->nr; i++) {
        const struct span *s = &t->workers[i].span[kind][run];

        all.start = s->start < all.start ? s->start : all.start;
        all.end = s->end > all.end ? s->end : all.end;
    }
    return (double)t->part_size * t->nr / (all.end - all.start);
}

/* A worker for each CPU; false after a complaint, and they have ended. */
static bool run_team(struct team *t)
{
    unsigned started = 0;
    int error = 0;
    bool ok = true;

    pthread_mutex_init(&t->gate, NULL);
    pthread_barrier_init(&t->together, NULL, t->nr);
    pthread_mutex_lock(&t->gate);
    for (; started < t->nr && !error; started += !error)
        error =
            pthread_create(&t->workers[started].thread, NULL, worker_main, &t->workers[started]);
    t->off = error;
    pthread_mutex_unlock(&t->gate);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(t->workers[i].thread, NULL);
        ok = ok && t->workers[i].ok;
    }
    pthread_barrier_destroy(&t->together);
    pthread_mutex_destroy(&t->gate);
    if (error)
        return complain(speed_here, "can not start %u threads: %s", t->nr, strerror(error));
    return ok;
}

bool speed_bandwidth(const struct speed_node *from, struct speed_memory *memory,
                     struct speed_figure *read, struct speed_figure *copy)
{
    struct team t = {.nr = from->nr_cpus};

    t.part_size = memory->size / t.nr / (2 * SPEED_LINE) * (2 * SPEED_LINE);
    t.workers = calloc(t.nr, sizeof *t.workers);
    if (!t.workers)
        return complain(speed_here, "there is no memory left");
    for (unsigned i = 0; i < t.nr; i++)
        t.workers[i] =
            (struct worker){.team = &t, .cpu = from->cpus[i], .part = memory->at + i * t.part_size};
    bool ok = run_team(&t);
    for (unsigned i = 0; ok && i < SPEED_RUNS; i++) {
        read->run[i] = rate(&t, READ, i);
        copy->run[i] = rate(&t, COPY, i);
    }
    free(t.workers);
    return ok;
}
