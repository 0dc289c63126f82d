#include <inttypes.h>

#include "speed.h"

#define MIB (1 << 20)

/* The CPUs' own memory, or NULL if that node has none. */
static const struct speed_pair *own_pair(const struct speed_result *r, unsigned cpu_node)
{
    for (unsigned i = 0; i < r->nr; i++)
        if (r->pairs[i].cpu_node == cpu_node && r->pairs[i].memory_node == cpu_node)
            return &r->pairs[i];
    return NULL;
}

/* In the firmware's scale the CPUs' own memory is at 10, and twice the latency is 20. */
static void print_as_distance(const struct speed_result *r, const struct speed_pair *p, FILE *out)
{
    const struct speed_pair *own = own_pair(r, p->cpu_node);

    if (own)
        fprintf(out, "%9.1f\n", 10 * speed_median(&p->latency) / speed_median(&own->latency));
    else
        fprintf(out, "%9s\n", "-");
}

void speed_print(const struct speed_result *r, FILE *out)
{
    fprintf(out, "%-8s  %4s  %-11s  %9s  %9s  %10s  %8s  %9s\n", "CPU node", "CPUs", "Memory node",
            "Read GB/s", "Copy GB/s", "Latency ns", "Distance", "Measured");
    for (unsigned i = 0; i < r->nr; i++) {
        const struct speed_pair *p = &r->pairs[i];

        fprintf(out, "%-8u  %4u  %-11u  %9.2f  %9.2f  %10.1f  %8u  ", p->cpu_node, p->nr_cpus,
                p->memory_node, speed_median(&p->read), speed_median(&p->copy),
                speed_median(&p->latency), p->distance);
        print_as_distance(r, p, out);
    }
}

static void note_nodes(const struct speed_machine *m, FILE *out)
{
    for (unsigned i = 0; i < m->nr_nodes; i++) {
        if (!m->nodes[i].nr_cpus)
            fprintf(out, "Node %u has no CPU that may be used.\n", m->nodes[i].id);
        if (!m->nodes[i].memory)
            fprintf(out, "Node %u has no memory that may be used.\n", m->nodes[i].id);
    }
}

static void note_one_node(const struct speed_machine *m, FILE *out)
{
    if (m->domain)
        fputs("There is one node here, for the hypervisor shows its domains no others; start Linux "
              "without it to measure those that 'moirai topology' shows.\n",
              out);
    else
        fputs(
            "There is one node here; for more it takes a machine with several sockets, or firmware "
            "that splits one (\"NUMA nodes per socket\", \"sub-NUMA clustering\").\n",
            out);
}

void speed_notes(const struct speed_machine *m, const struct speed_result *r, FILE *out)
{
    note_nodes(m, out);
    if (m->nr_nodes == 1)
        note_one_node(m, out);
    if (r->cached)
        fputs("With less memory than 4 times the caches, part of the bandwidth is theirs.\n", out);
    if (r->small_pages)
        fputs("There were no huge pages: walks of page tables are part of the latency.\n", out);
}

static void put_figure(FILE *out, const struct speed_figure *f, int decimals)
{
    fprintf(out, ",%.*f,%.*f,%.*f", decimals, speed_median(f), decimals, speed_least(f), decimals,
            speed_most(f));
}

void speed_csv(const struct speed_result *r, FILE *out)
{
    fputs("cpu_node,cpus,memory_node,distance,mib,read_gb_s,read_min,read_max,copy_gb_s,copy_min,"
          "copy_max,latency_ns,latency_min,latency_max\n",
          out);
    for (unsigned i = 0; i < r->nr; i++) {
        const struct speed_pair *p = &r->pairs[i];

        fprintf(out, "%u,%u,%u,%u,%" PRIu64, p->cpu_node, p->nr_cpus, p->memory_node, p->distance,
                p->bytes / MIB);
        put_figure(out, &p->read, 3);
        put_figure(out, &p->copy, 3);
        put_figure(out, &p->latency, 2);
        fputc('\n', out);
    }
}
