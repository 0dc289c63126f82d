/*
 * Cost of the scheduling operations, and speed of the simulator. tests/bench/run calls this
 * program and makes tables and plots of what it says.
 *
 *   bench time POLICY       CSV: ns per operation
 *   bench count POLICY      under callgrind: one dump of instructions for each operation
 *   bench simulate FILE     decisions and events per second of CPU time
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "../../tools/sim/result.h"
#include "rig.h"

#define REPEATS        5 /* the fastest counts: other processes only ever add time */
#define TIMED_ROUNDS   4000
#define COUNTED_ROUNDS 400

static const char *const op_name[NR_OPS] = {"pick", "wake",     "block", "re-weight",
                                            "tick", "close-up", "empty"};

static const struct size sizes[] = {
    {1, 4},   {8, 32},    {64, 256},  {512, 2048}, /* 4 units for each pCPU */
    {64, 64}, {64, 1024}, {64, 4096}, {64, 16384}, {64, 65536},
};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* ---- measuring ----------------------------------------------------------------- */

static void empty(struct rig *r)
{
    for (unsigned i = 0; i < COUNTED_ROUNDS; i++) {
        stopwatch_start(&r->watch, OP_EMPTY);
        stopwatch_stop(&r->watch, OP_EMPTY);
    }
}

/* Fewer where one may look at all units. */
static unsigned rare_rounds(const struct rig *r)
{
    unsigned n = SCHED_MAX_UNITS * 4 / r->size.units;
    return n > 256 ? 256 : n;
}

static void reweight(struct rig *r)
{
    for (unsigned i = 0; rig_has_weights(r) && i < rare_rounds(r); i++) {
        rig_live(r, 1);
        rig_reweight(r);
    }
}

/* Ticks in which the core closes up the levels of all units (levels.c), which is due every 100 ms
 * or less often. */
static void close_up(struct rig *r)
{
    if (!r->pool->policy->balanced)
        return;
    for (unsigned i = 0; i < rare_rounds(r); i++) {
        rig_live(r, 1);
        r->pool->close_up = r->now;
        rig_tick(r, OP_CLOSE_UP);
    }
}

static void run_op(struct rig *r, enum op op, unsigned rounds)
{
    if (op == OP_REWEIGHT)
        reweight(r);
    else if (op == OP_CLOSE_UP)
        close_up(r);
    else if (op == OP_EMPTY)
        empty(r);
    else
        rig_live(r, rounds);
}

/* ns of each operation, from the fastest of several runs. */
static void time_ops(struct rig *r, double *ns, uint64_t *calls)
{
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        struct stopwatch *w = &r->watch;
        *w = (struct stopwatch){.counting = false};
        rig_live(r, TIMED_ROUNDS);
        empty(r);
        struct stopwatch everyday = *w;
        reweight(r);
        close_up(r);
        for (unsigned op = 0; op < NR_OPS; op++) {
            const struct stopwatch *of = op == OP_REWEIGHT || op == OP_CLOSE_UP ? w : &everyday;
            if (!of->calls[op])
                continue;
            double mean = (double)of->ns[op] / (double)of->calls[op];
            ns[op] = calls[op] && ns[op] < mean ? ns[op] : mean;
            calls[op] = of->calls[op];
        }
    }
}

static void time_policy(const struct sched_policy *policy)
{
    for (unsigned i = 0; i < NR_SIZES; i++) {
        double ns[NR_OPS] = {0};
        uint64_t calls[NR_OPS] = {0};
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r\033[Ktime   %s: %u pCPUs, %u units", policy->opt_name,
                    sizes[i].pcpus, sizes[i].units);
        struct rig *r = rig_new(policy, sizes[i]);
        time_ops(r, ns, calls);
        rig_free(r);
        for (unsigned op = 0; op < OP_EMPTY; op++) {
            if (calls[op])
                printf("%s,%u,%u,%s,%" PRIu64 ",%.0f\n", policy->opt_name, sizes[i].pcpus,
                       sizes[i].units, op_name[op], calls[op],
                       ns[op] > ns[OP_EMPTY] ? ns[op] - ns[OP_EMPTY] : 0);
        }
        fflush(stdout);
    }
}

/* The dump's description says what it is of: "POLICY PCPUS UNITS OP CALLS". */
static void count_op(struct rig *r, enum op op)
{
    char what[100];

    r->watch = (struct stopwatch){.counting = true, .counted = op};
    CALLGRIND_ZERO_STATS;
    run_op(r, op, COUNTED_ROUNDS);
    snprintf(what, sizeof(what), "%s %u %u %s %" PRIu64, r->pool->policy->opt_name, r->size.pcpus,
             r->size.units, op_name[op], r->watch.calls[op]);
    if (r->watch.calls[op])
        CALLGRIND_DUMP_STATS_AT(what);
}

static void count_policy(const struct sched_policy *policy)
{
    for (unsigned i = 0; i < NR_SIZES; i++) {
        struct rig *r = rig_new(policy, sizes[i]);
        CALLGRIND_START_INSTRUMENTATION;
        for (unsigned op = 0; op < NR_OPS; op++)
            count_op(r, (enum op)op);
        CALLGRIND_STOP_INSTRUMENTATION;
        rig_free(r);
    }
}

/* ---- the simulator ---------------------------------------------------------------- */

/* CSV: with or without the ideal, decisions, events, seconds of CPU time of the fastest run. */
static void time_simulation(const struct scenario *s, bool ideal)
{
    const struct run_options options = {.ideal = ideal};
    double best = 0;

    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t start = cpu_time();
        struct result *r = simulate(s, &options);
        double seconds = (double)(cpu_time() - start) * 1e-9;
        if (!r)
            exit(2);
        best = best > 0 && best < seconds ? best : seconds;
        if (repeat == REPEATS - 1)
            printf("%s,%" PRIu64 ",%" PRIu64 ",%.3f\n", ideal ? "yes" : "no", r->decisions,
                   r->events, best);
        result_free(r);
    }
}

static void time_simulator(const char *file)
{
    struct scenario *s = scenario_load(file, NULL);

    if (!s)
        exit(2);
    time_simulation(s, true);
    time_simulation(s, false);
    scenario_free(s);
}

static const struct sched_policy *policy_named(const char *name)
{
    const struct sched_policy *p = sched_policy_by_name(name);

    if (!p)
        die("there is no such policy");
    return p;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "time") && argc == 3) {
        time_policy(policy_named(argv[2]));
    } else if (!strcmp(what, "count") && argc == 3) {
        count_policy(policy_named(argv[2]));
    } else if (!strcmp(what, "simulate") && argc == 3) {
        time_simulator(argv[2]);
    } else {
        fputs("usage: bench time POLICY | bench count POLICY | bench simulate FILE\n", stderr);
        return 2;
    }
    return 0;
}
