/* A map of the pairs for each of the three figures; the darker, the better. */
#include "../sim/gnuplot.h"
#include "../sim/output.h"
#include "speed.h"

static bool write_data(const struct speed_result *r, const char *dir)
{
    struct output o;

    if (!output_open(&o, dir, "node-speed.csv"))
        return false;
    speed_csv(r, o.file);
    return output_close(&o);
}

/* Numbers of nodes may have gaps. */
static void put_tics(FILE *gp, const struct speed_result *r)
{
    fputs("set xtics (", gp);
    for (unsigned i = 0; i < r->nr; i++)
        fprintf(gp, "%s%u", i ? "," : "", r->pairs[i].memory_node);
    fputs(")\nset ytics (", gp);
    for (unsigned i = 0; i < r->nr; i++)
        fprintf(gp, "%s%u", i ? "," : "", r->pairs[i].cpu_node);
    fputs(")\n", gp);
}

/* From column `median` of the data. */
static void put_map(FILE *gp, const char *title, const char *format, unsigned median, bool more)
{
    fprintf(gp,
            "set title '%s'\n"
            "set palette defined (0 '%s', 1 '%s')\n"
            "plot 'node-speed.csv' using 3:1:($3 - 0.5):($3 + 0.5):($1 - 0.5):($1 + 0.5):%u with "
            "boxxyerror fs solid border lc rgb '#FFFFFF' fc palette notitle, '' using "
            "3:1:(sprintf('%s', $%u)) with labels tc rgb '#202020' notitle\n",
            title, more ? "#F2F6FA" : "#56B4E9", more ? "#56B4E9" : "#F2F6FA", median, format,
            median);
}

static void put_maps(FILE *gp, const char *terminal, const char *suffix)
{
    fprintf(gp,
            "set terminal %s size 1200,420 font 'DejaVu Sans,12' background '#FFFFFF'\n"
            "set output 'node-speed.%s'\n"
            "set multiplot layout 1,3\n",
            terminal, suffix);
    put_map(gp, "read, GB/s", "%.1f", 6, true);
    put_map(gp, "copy, GB/s", "%.1f", 9, true);
    put_map(gp, "latency, ns", "%.0f", 12, false);
    fputs("unset multiplot\n", gp);
}

static bool write_script(const struct speed_result *r, const char *dir)
{
    struct output o;

    if (!output_open(&o, dir, "node-speed.gp"))
        return false;
    fputs("set datafile separator ','\n"
          "set key autotitle columnhead\n"
          "set border 0\n"
          "set tics scale 0 textcolor rgb '#303030'\n"
          "set xlabel 'memory of node'\n"
          "set ylabel 'CPUs of node'\n"
          "set yrange [] reverse\n"
          "set cbrange [0:*]\n"
          "unset colorbox\n",
          o.file);
    put_tics(o.file, r);
    put_maps(o.file, "pngcairo", "png");
    put_maps(o.file, "svg", "svg");
    return output_close(&o);
}

bool speed_plot(const struct speed_result *r, const char *dir)
{
    return output_directory(dir) && write_data(r, dir) && write_script(r, dir) &&
           gnuplot_run(dir, "node-speed.gp");
}
