/* moirai node-speed: how fast the CPUs of each node reach the memory of each. */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <numa.h>
#include <time.h>
#include <unistd.h>

#include "../sim/units.h"
#include "commands.h"
#include "speed_host.h"

#define MIB         (UINT64_C(1) << 20)
#define LARGEST_MIB (1 << 20)
#define PATIENCE    2 /* seconds without a word */
#define TO_DO       2 /* for each pair: latency, bandwidth */

static const char usage[] =
    "usage: moirai node-speed [--csv] [-s MIB] [-p DIR]\n"
    "\n"
    "Measures how fast the CPUs of each node read and copy the memory of each, and how long one "
    "of\n"
    "them waits for it. The machine should be idle, and started without the hypervisor, which "
    "shows\n"
    "its domains one node. All of the memory has been verified to be on its node.\n"
    "\n"
    "  Read GB/s   all CPUs of the node at once; 1 GB is 10^9 bytes\n"
    "  Copy GB/s   the same, both from and to that memory; what is read and what is written\n"
    "  Latency ns  of a load that waits for the one before it, in a random order, by one CPU\n"
    "  Distance    as the firmware has it; the CPUs' own memory is at 10\n"
    "  Measured    the latency in that scale\n"
    "\n"
    "Each is the median of 5 runs, of which --csv also has the least and the most.\n"
    "\n"
    "      --csv       comma separated values\n"
    "  -s, --size MIB  of memory instead of 4 times the caches, but 64 at least\n"
    "  -p, --plot DIR  maps of the nodes: DIR/node-speed.png, .svg, with data and script\n"
    "\n"
    "Exit status 1 if that can not be measured here.\n";

struct request {
    bool csv, help;
    uint64_t size; /* bytes, or 0 */
    const char *plot;
};

static bool parse_size(const char *text, uint64_t *bytes)
{
    struct problem problem;
    int64_t mib;

    if (!unit_integer(text, &mib, &problem))
        return complain(speed_here, "size: %s", problem.text);
    *bytes = (uint64_t)mib * MIB;
    return (mib >= 1 && mib <= LARGEST_MIB) ||
           complain(speed_here, "a size of %s MiB is out of range; use 1 to %d", text, LARGEST_MIB);
}

static bool parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {{"csv", no_argument, NULL, 'c'},
                                            {"size", required_argument, NULL, 's'},
                                            {"plot", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    *r = (struct request){.help = false};
    optind = 1;
    while ((option = getopt_long(argc, argv, "s:p:h", options, NULL)) >= 0) {
        if (option == 'c')
            r->csv = true;
        else if (option == 's' && !parse_size(optarg, &r->size))
            return false;
        else if (option == 'p')
            r->plot = optarg;
        else if (option == 'h')
            r->help = true;
        else if (option == '?')
            return false;
    }
    return optind == argc ||
           complain(speed_here, "'%s' is too much; there are only options", argv[optind]);
}

/* ---- progress -------------------------------------------------------------------------------- */

struct progress {
    time_t start;
    unsigned done, all;
    bool shown;
};

static void show_progress(struct progress *p)
{
    p->done++;
    if (!isatty(STDERR_FILENO) || time(NULL) - p->start < PATIENCE)
        return;
    fprintf(stderr, "%u of %u\r", p->done, p->all);
    p->shown = true;
}

static void end_progress(const struct progress *p)
{
    if (p->shown)
        fputs("\033[K", stderr);
}

/* ---- measuring ------------------------------------------------------------------------------- */

struct survey {
    struct arena memory;
    struct speed_machine machine;
    unsigned nr_from, nr_to;
    const struct speed_node **from, **to; /* nodes with CPUs, and with memory */
    struct speed_result result;
    struct progress progress;
};

static struct speed_pair *pair_of(struct survey *s, unsigned from, unsigned to)
{
    return &s->result.pairs[from * s->nr_to + to];
}

static bool begin(struct survey *s)
{
    struct speed_machine *m = &s->machine;

    if (!speed_machine_read(&s->memory, m))
        return false;
    for (unsigned i = 0; i < m->nr_nodes; i++) {
        if (m->nodes[i].nr_cpus)
            *arena_push(&s->memory, s->from, s->nr_from) = &m->nodes[i];
        if (m->nodes[i].memory)
            *arena_push(&s->memory, s->to, s->nr_to) = &m->nodes[i];
    }
    s->result.nr = s->nr_from * s->nr_to;
    if (!s->result.nr)
        return complain(speed_here, "no node has CPUs and none has memory that may be used");
    s->result.pairs = arena_alloc(&s->memory, s->result.nr * sizeof *s->result.pairs);
    s->progress = (struct progress){.start = time(NULL), .all = s->result.nr * TO_DO};
    return true;
}

/* Bandwidth comes last, for it writes over what latency goes along. */
static bool measure(struct survey *s, struct speed_memory *memory, size_t chase, unsigned to)
{
    if (!speed_prepare(memory, chase))
        return false;
    for (unsigned i = 0; i < s->nr_from; i++) {
        if (!speed_latency(s->from[i], memory, chase, &pair_of(s, i, to)->latency))
            return false;
        show_progress(&s->progress);
    }
    for (unsigned i = 0; i < s->nr_from; i++) {
        struct speed_pair *p = pair_of(s, i, to);

        if (!speed_bandwidth(s->from[i], memory, &p->read, &p->copy))
            return false;
        show_progress(&s->progress);
    }
    return speed_memory_check(memory);
}

static bool measure_node(struct survey *s, const struct speed_sizes *sizes, unsigned to)
{
    unsigned node = s->to[to]->id;
    struct speed_memory memory;

    if (!speed_memory_take(node, sizes->stream, &memory))
        return false;
    for (unsigned i = 0; i < s->nr_from; i++) {
        const struct speed_node *from = s->from[i];

        *pair_of(s, i, to) =
            (struct speed_pair){.cpu_node = from->id,
                                .memory_node = node,
                                .nr_cpus = from->nr_cpus,
                                .distance = (unsigned)numa_distance((int)from->id, (int)node),
                                .bytes = sizes->stream};
    }
    s->result.cached |= sizes->cached;
    s->result.small_pages |= memory.small_pages;
    bool ok = measure(s, &memory, sizes->chase, to);
    speed_memory_free(&memory);
    return ok;
}

static bool measure_all(struct survey *s, uint64_t wish)
{
    for (unsigned i = 0; i < s->nr_to; i++) {
        const struct speed_node *n = s->to[i];
        struct speed_sizes sizes;

        if (!speed_sizes(&s->machine, n->free, wish, &sizes))
            return complain(speed_here,
                            "node %u has %" PRIu64
                            " MiB free, of which half may be used; take a smaller "
                            "--size, or free some (/proc/sys/vm/drop_caches)",
                            n->id, n->free / MIB);
        if (!measure_node(s, &sizes, i))
            return false;
    }
    return true;
}

static int run(struct survey *s, const struct request *r)
{
    if (!begin(s))
        return CLI_REFUSED;
    bool ok = measure_all(s, r->size);
    end_progress(&s->progress);
    if (!ok)
        return CLI_REFUSED;
    if (r->csv)
        speed_csv(&s->result, stdout);
    else
        speed_print(&s->result, stdout);
    speed_notes(&s->machine, &s->result, r->csv ? stderr : stdout);
    return r->plot && !speed_plot(&s->result, r->plot) ? CLI_INPUT : CLI_OK;
}

int node_speed_main(int argc, char **argv)
{
    struct survey s = {.nr_from = 0};
    struct request r;

    if (!parse(argc, argv, &r))
        return CLI_INPUT;
    if (r.help) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    int status = run(&s, &r);
    arena_free(&s.memory);
    return status;
}
