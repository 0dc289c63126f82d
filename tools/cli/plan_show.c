#include <inttypes.h>

#include "../sim/gnuplot.h"
#include "../sim/output.h"
#include "plan.h"
#include "show.h"

#define A_MIB (1048576 / PLAN_FRAME)

/* ---- a table -------------------------------------------------------------------------------- */

static void print_domain(const struct plan_domain *d, FILE *out)
{
    char nodes[256];

    fprintf(out, "%-20s %5u %9" PRIu64 "  ", d->name, d->wish.vcpus, d->wish.frames / A_MIB);
    if (!d->placed) {
        fputs("-       fits nowhere\n", out);
        return;
    }
    fprintf(out, "%-8s", show_pcpus(d->at.nodes, nodes, sizeof nodes));
    numa_for_each(i, d->at.nodes)
        fprintf(out, "%snode %" PRIu64 ": %" PRIu64 " MiB, %u vCPUs",
                d->at.nodes & (numa_bit((unsigned)i) - 1) ? "; " : "", i, d->at.frames[i] / A_MIB,
                d->at.vcpus[i]);
    fputc('\n', out);
}

void plan_print(const struct plan *p, FILE *out)
{
    fprintf(out, "%-20s %5s %9s  %-8s%s\n", "Name", "vCPUs", "MiB", "Nodes", "Of each");
    for (unsigned i = 0; i < p->nr_domains; i++)
        print_domain(&p->domains[i], out);
    fprintf(out, "\n%-6s %5s %5s %10s %10s  %s\n", "Node", "pCPUs", "vCPUs", "MiB", "free",
            "Distances");
    for (unsigned i = 0; i < p->nodes.nr; i++) {
        const struct numa_node *n = &p->nodes.node[i];

        fprintf(out, "%-6u %5u %5u %10" PRIu64 " %10" PRIu64 " ", i, n->pcpus, n->vcpus,
                n->total / A_MIB, n->free / A_MIB);
        for (unsigned j = 0; j < p->nodes.nr; j++)
            fprintf(out, " %u", p->nodes.distance[i][j]);
        fputc('\n', out);
    }
}

/* ---- a figure: each domain's part of each node's memory and pCPUs, stacked ------------------- */

/* Memory in GiB; vCPUs for each pCPU. */
static void put_row(FILE *csv, unsigned node, unsigned series, double low, double high,
                    double vcpus_low, double vcpus_high)
{
    fprintf(csv, "%u,%u,%.4f,%.4f,%.4f,%.4f\n", node, series, low, high, vcpus_low, vcpus_high);
}

static double gib(uint64_t frames)
{
    return (double)frames * PLAN_FRAME / (1 << 30);
}

/* Series 0 is what there was before, then come the domains. */
static void put_node(FILE *csv, const struct plan *p, unsigned node)
{
    const struct numa_node *n = &p->before.node[node];
    uint64_t frames = n->total - n->free;
    double vcpus = n->vcpus, pcpus = n->pcpus ? n->pcpus : 1;

    put_row(csv, node, 0, 0, gib(frames), 0, vcpus / pcpus);
    for (unsigned i = 0; i < p->nr_domains; i++) {
        const struct numa_placement *at = &p->domains[i].at;

        if (!p->domains[i].placed || !(at->nodes >> node & 1))
            continue;
        put_row(csv, node, i + 1, gib(frames), gib(frames + at->frames[node]), vcpus / pcpus,
                (vcpus + at->vcpus[node]) / pcpus);
        frames += at->frames[node];
        vcpus += at->vcpus[node];
    }
}

static bool write_data(const struct plan *p, const char *dir)
{
    struct output o;

    if (!output_open(&o, dir, "placement.csv"))
        return false;
    fputs("node,series,memory_from,memory_to,vcpus_from,vcpus_to\n", o.file);
    for (unsigned i = 0; i < p->nodes.nr; i++)
        put_node(o.file, p, i);
    return output_close(&o);
}

static const char *colour_of(unsigned series)
{
    return series ? gnuplot_colour[(series - 1) % (GNUPLOT_COLOURS - 1)] : "#D0D0D0";
}

/* Is there anything of it? */
static bool shown(const struct plan *p, unsigned series)
{
    if (series)
        return p->domains[series - 1].placed;
    for (unsigned i = 0; i < p->before.nr; i++)
        if (p->before.node[i].free < p->before.node[i].total || p->before.node[i].vcpus)
            return true;
    return false;
}

/* Boxes of one panel, from column `low` to column `low` + 1. */
static void put_boxes(FILE *gp, const struct plan *p, unsigned low, bool titles)
{
    fputs("plot NaN notitle", gp);
    for (unsigned s = 0; s <= p->nr_domains; s++) {
        if (!shown(p, s))
            continue;
        fprintf(gp,
                ", 'placement.csv' using ($2 == %u && $%u > $%u ? $1 : NaN):%u:($1 - 0.35):($1 + "
                "0.35):%u:%u with boxxyerror fs solid 0.85 border lc rgb '#FFFFFF' fc rgb '%s'",
                s, low + 1, low, low, low, low + 1, colour_of(s));
        fputs(titles ? " title '" : " notitle", gp);
        if (titles) {
            gnuplot_quote(gp, s ? p->domains[s - 1].name : "before");
            fputc('\'', gp);
        }
    }
    fputc('\n', gp);
}

/* The line at 1, and what is above it, shall be seen. */
static double most_vcpus(const struct plan *p)
{
    double most = 1;

    for (unsigned i = 0; i < p->nodes.nr; i++) {
        const struct numa_node *n = &p->nodes.node[i];
        if (n->pcpus && (double)n->vcpus / n->pcpus > most)
            most = (double)n->vcpus / n->pcpus;
    }
    return most;
}

static double most_memory(const struct plan *p)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < p->nodes.nr; i++)
        most = p->nodes.node[i].total > most ? p->nodes.node[i].total : most;
    return gib(most);
}

static void put_lines(FILE *gp, const struct plan *p)
{
    fprintf(gp, "set yrange [0:%f]\n", 1.1 * most_memory(p));
    for (unsigned i = 0; i < p->nodes.nr; i++)
        fprintf(gp, "set arrow %u from %f,%f to %f,%f nohead lw 2 lc rgb '#404040'\n", i + 1,
                i - 0.4, gib(p->nodes.node[i].total), i + 0.4, gib(p->nodes.node[i].total));
}

static void put_panels(FILE *gp, const struct plan *p, const char *terminal, const char *suffix)
{
    fprintf(gp, "set terminal %s size 1200,500 font 'DejaVu Sans,12' background '#FFFFFF'\n",
            terminal);
    fprintf(gp,
            "set output 'placement.%s'\n"
            "set multiplot layout 1,2\n"
            "set key off\n"
            "set ylabel 'vCPUs for each pCPU'\n"
            "set title 'pCPUs (line: one vCPU on each)'\n"
            "set yrange [0:%f]\n"
            "set arrow 1 from -0.5,1 to %u.5,1 nohead lw 2 lc rgb '#404040'\n",
            suffix, 1.1 * most_vcpus(p), p->nodes.nr - 1);
    put_boxes(gp, p, 5, false);
    fputs("unset arrow\n"
          "set key outside right top Left reverse noenhanced samplen 1 invert\n"
          "set ylabel 'GiB'\n"
          "set title 'memory (line: what the node has)'\n",
          gp);
    put_lines(gp, p);
    put_boxes(gp, p, 3, true);
    fputs("unset multiplot\nunset arrow\n", gp);
}

static bool write_script(const struct plan *p, const char *dir)
{
    struct output o;

    if (!output_open(&o, dir, "placement.gp"))
        return false;
    fprintf(o.file,
            "set datafile separator ','\n"
            "set border 3 lc rgb '#606060'\n"
            "set tics nomirror textcolor rgb '#303030'\n"
            "set grid y lt 1 lc rgb '#DDDDDD' lw 1\n"
            "set xlabel 'node'\n"
            "set xtics 1\n"
            "set xrange [-0.6:%u.6]\n",
            p->nodes.nr - 1);
    put_panels(o.file, p, "pngcairo", "png");
    put_panels(o.file, p, "svg", "svg");
    return output_close(&o);
}

bool plan_plot(const struct plan *p, const char *dir)
{
    return output_directory(dir) && write_data(p, dir) && write_script(p, dir) &&
           gnuplot_run(dir, "placement.gp");
}
