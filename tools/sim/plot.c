/*
 * Figures with gnuplot. Each one leaves its data (.csv) and its script (.gp) in
 * the directory, so that it can be changed and drawn again by hand: `cd DIR &&
 * gnuplot shares.gp`. Data files are "plot-*.csv": report_csv may write to the
 * same directory.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "metric.h"
#include "output.h"

#define WIDTH        "1200" /* pixels */
#define HEIGHT       600
#define MAX_SERIES   GNUPLOT_COLOURS /* and lines of a legend */
#define MAX_POINTS   100 /* of a curve over time */
#define MAX_ROWS     32  /* pCPUs in the timeline */
#define SLICES_A_ROW 40  /* in the timeline, on average */
#define MAX_NINES    5   /* of the latency axis: 99.999 % */

/* A curve: one vCPU, or a domain if there are too many vCPUs. */
struct series {
    int domain, vcpu; /* vcpu < 0: all of the domain */
    struct vcpu_name name;
};

struct figure {
    const struct result *r;
    unsigned nr_series;
    struct series series[MAX_SERIES];
    unsigned shown; /* bits: the series that the figure has data of; MAX_SERIES: other vCPUs */
};

/* ---- series ---------------------------------------------------------------- */

static void add_series(struct figure *f, int domain, int vcpu, const char *name)
{
    struct series *s = &f->series[f->nr_series++];

    s->domain = domain;
    s->vcpu = vcpu;
    snprintf(s->name.text, sizeof(s->name.text), "%s", name);
}

static void choose_series(struct figure *f, const struct result *r)
{
    struct vcpu_name name;

    *f = (struct figure){.r = r};
    if (r->nr_vcpus <= MAX_SERIES) {
        for (unsigned i = 0; i < r->nr_vcpus; i++)
            add_series(f, (int)r->vcpus[i].domain, (int)r->vcpus[i].vcpu, vcpu_name(r, i, &name));
    } else {
        for (unsigned d = 0; d < r->scenario->nr_domains && d < MAX_SERIES; d++)
            add_series(f, (int)d, -1, r->scenario->domains[d].name);
    }
}

static bool in_series(const struct series *s, const struct vcpu_result *v)
{
    return (int)v->domain == s->domain && (s->vcpu < 0 || (int)v->vcpu == s->vcpu);
}

/* MAX_SERIES: it is in none. */
static unsigned series_of(const struct figure *f, unsigned vcpu_index)
{
    unsigned i = 0;

    while (i < f->nr_series && !in_series(&f->series[i], &f->r->vcpus[vcpu_index]))
        i++;
    return i < f->nr_series ? i : MAX_SERIES;
}

/* ---- scripts ---------------------------------------------------------------- */

static void put_title(FILE *gp, const char *name)
{
    fputs(" title '", gp);
    gnuplot_quote(gp, name);
    fputc('\'', gp);
}

/* The PNG comes first; end_script draws the same again as SVG. */
static void begin_script(FILE *gp, const struct figure *f, const char *name, unsigned height,
                         const char *title)
{
    const char *scenario = f->r->scenario->title;

    fprintf(gp,
            "set terminal pngcairo size " WIDTH ",%u font 'DejaVu Sans,12' background '#FFFFFF'\n"
            "set output '%s.png'\n"
            "set datafile separator ','\n"
            "set border 3 lc rgb '#606060'\n"
            "set tics nomirror textcolor rgb '#303030'\n"
            "set grid lt 1 lc rgb '#DDDDDD' lw 1\n"
            "set key outside right top Left reverse noenhanced samplen 2 spacing 1.2\n"
            "set title '%s",
            height, name, title);
    if (scenario && *scenario) {
        fputs(": ", gp);
        gnuplot_quote(gp, scenario);
    }
    fputs("' noenhanced\n", gp);
}

static void end_script(FILE *gp, const char *name, unsigned height)
{
    fprintf(gp,
            "\n"
            "set terminal svg size " WIDTH ",%u font 'DejaVu Sans,15' background '#FFFFFF'\n"
            "set output '%s.svg'\n"
            "replot\n",
            height, name);
}

/* ---- timeline ----------------------------------------------------------------- */

static unsigned timeline_rows(const struct result *r)
{
    return r->scenario->nr_pcpus < MAX_ROWS ? r->scenario->nr_pcpus : MAX_ROWS;
}

static unsigned timeline_height(const struct result *r)
{
    return 260 + 40 * timeline_rows(r);
}

/* The start of the run, as much as remains readable. */
static sched_time timeline_end(const struct result *r)
{
    unsigned max = SLICES_A_ROW * r->scenario->nr_pcpus;

    return r->nr_slices > max ? r->slices[max].to : r->end; /* they are in order of their ends */
}

static bool in_timeline(const struct figure *f, const struct slice *s)
{
    return s->from < timeline_end(f->r) && s->pcpu < MAX_ROWS;
}

static unsigned timeline_shown(const struct figure *f)
{
    unsigned shown = 0;

    for (unsigned i = 0; i < f->r->nr_slices; i++) {
        if (in_timeline(f, &f->r->slices[i]))
            shown |= 1U << series_of(f, f->r->slices[i].vcpu_index);
    }
    return shown;
}

static void timeline_data(FILE *csv, const struct figure *f)
{
    sched_time end = timeline_end(f->r);

    fputs("from_ms,to_ms,pcpu,series,vcpu\n", csv);
    for (unsigned i = 0; i < f->r->nr_slices; i++) {
        const struct slice *s = &f->r->slices[i];
        struct vcpu_name name;
        if (!in_timeline(f, s))
            continue;
        fprintf(csv, "%.6f,%.6f,%u,%u,", (double)s->from / 1e6,
                (double)(s->to < end ? s->to : end) / 1e6, s->pcpu, series_of(f, s->vcpu_index));
        output_cell(csv, vcpu_name(f->r, s->vcpu_index, &name));
        fputc('\n', csv);
    }
}

static void timeline_script(FILE *gp, const struct figure *f)
{
    unsigned rows = timeline_rows(f->r);
    const char *comma = "";

    begin_script(gp, f, "timeline", timeline_height(f->r), "Who ran where");
    fprintf(gp,
            "set xlabel 'time (ms)'\n"
            "set ylabel 'pCPU'\n"
            "set xrange [0:%.6f]\n"
            "set yrange [%u.6:-0.6]\n"
            "set ytics %u\n"
            "set grid noytics\n"
            "set style fill solid 0.9 border lc rgb '#FFFFFF'\n"
            "plot",
            (double)timeline_end(f->r) / 1e6, rows - 1, rows > 16 ? 4 : 1);
    for (unsigned i = 0; i <= MAX_SERIES; i++) {
        if (!(f->shown >> i & 1))
            continue;
        fprintf(gp,
                "%s 'plot-timeline.csv' using ($4 == %u ? $1 : NaN):3:1:2:($3 - 0.38):($3 + 0.38) "
                "with boxxyerror lc rgb '%s'",
                comma, i, i < MAX_SERIES ? gnuplot_colour[i] : "#D0D0D0");
        put_title(gp, i < MAX_SERIES ? f->series[i].name.text : "others");
        comma = ",";
    }
    end_script(gp, "timeline", timeline_height(f->r));
}

/* ---- shares -------------------------------------------------------------------- */

static struct sample series_at(const struct figure *f, const struct series *s, sched_time t)
{
    struct sample sum = {0};

    for (unsigned i = 0; i < f->r->nr_vcpus; i++) {
        if (in_series(s, &f->r->vcpus[i])) {
            struct sample one = sample_at(f->r, i, t);
            sum.service += one.service;
            sum.ideal += one.ideal;
        }
    }
    return sum;
}

static unsigned shares_shown(const struct figure *f)
{
    return f->r->nr_samples ? (1U << f->nr_series) - 1 : 0;
}

/* Series by series: a gap, NaN, would interrupt a line. */
static void shares_data(FILE *csv, const struct figure *f)
{
    unsigned merged = (f->r->nr_samples + MAX_POINTS - 1) / MAX_POINTS;
    unsigned points = merged ? f->r->nr_samples / merged : 0;
    sched_time step = merged * f->r->sample_period;

    fputs("time_s,series,share_percent,ideal_share_percent\n", csv);
    for (unsigned i = 0; i < f->nr_series; i++) {
        struct sample before = {0};
        for (unsigned n = 1; n <= points; n++) {
            struct sample now = series_at(f, &f->series[i], n * step);
            fprintf(csv, "%.6f,%u,%.4f,%.4f\n", ((double)n - 0.5) * (double)step / 1e9, i,
                    100 * (double)(now.service - before.service) / (double)step,
                    100 * (now.ideal - before.ideal) / (double)step);
            before = now;
        }
    }
}

static void shares_script(FILE *gp, const struct figure *f)
{
    begin_script(gp, f, "shares", HEIGHT, "Shares over time");
    fprintf(gp,
            "set xlabel 'time (s)'\n"
            "set ylabel 'share (%% of a pCPU)'\n"
            "set xrange [0:%.6f]\n"
            "set yrange [0:*]\n"
            "set offsets 0, 0, 5, 0\n"
            "plot NaN with lines lw 1.5 dt 2 lc rgb '#404040' title 'ideal'",
            (double)f->r->end / 1e9);
    for (unsigned i = 0; i < f->nr_series; i++) {
        fprintf(gp,
                ", 'plot-shares.csv' using ($2 == %u ? $1 : NaN):4 with lines lw 1.5 dt 2 "
                "lc rgb '%s' notitle, '' using ($2 == %u ? $1 : NaN):3 with lines lw 2 "
                "lc rgb '%s'",
                i, gnuplot_colour[i], i, gnuplot_colour[i]);
        put_title(gp, f->series[i].name.text);
    }
    end_script(gp, "shares", HEIGHT);
}

/* ---- latency ------------------------------------------------------------------- */

static void series_latency(const struct figure *f, unsigned i, struct histogram *h)
{
    latency_of(f->r, f->series[i].domain, f->series[i].vcpu, h);
}

static unsigned latency_shown(const struct figure *f)
{
    struct histogram h;
    unsigned shown = 0;

    for (unsigned i = 0; i < f->nr_series; i++) {
        series_latency(f, i, &h);
        shown |= (unsigned)(h.count > 1) << i; /* a hog wakes once */
    }
    return shown;
}

static double last_nine(const struct histogram *h)
{
    return fmin(log10((double)h->count), MAX_NINES);
}

/* Up to the last quantile that the count resolves; "nines" is -log10(1 - q). */
static void latency_curve(FILE *csv, unsigned series, const struct histogram *h)
{
    for (unsigned n = 0; n * 0.02 <= last_nine(h); n++) {
        double q = 1 - pow(10, n * -0.02);
        fprintf(csv, "%u,%.2f,%.7f,%.3f\n", series, n * 0.02, q,
                (double)histogram_quantile(h, q) / 1000);
    }
}

static void latency_data(FILE *csv, const struct figure *f)
{
    struct histogram h;

    fputs("series,nines,quantile,latency_us\n", csv);
    for (unsigned i = 0; i < f->nr_series; i++) {
        series_latency(f, i, &h);
        if (f->shown >> i & 1)
            latency_curve(csv, i, &h);
    }
}

static void latency_script(FILE *gp, const struct figure *f)
{
    const char *comma = "";

    begin_script(gp, f, "latency", HEIGHT, "Wake-to-run latency");
    fputs("set xlabel 'wake to run (us)'\n"
          "set ylabel 'wakes that ran by then'\n"
          "set logscale x\n"
          "set xrange [0.1:*]\n"
          "set yrange [0:*]\n"
          "set xtics ('0.1 or less' 0.1, '1' 1, '10' 10, '100' 100, '1000' 1000, '10 000' 1e4, "
          "'100 000' 1e5, '10^6' 1e6, '10^7' 1e7)\n"
          "set ytics ('0 %%' 0, '50 %%' 0.30103, '90 %%' 1, '99 %%' 2, '99.9 %%' 3, "
          "'99.99 %%' 4, '99.999 %%' 5)\n"
          "plot",
          gp);
    for (unsigned i = 0; i < f->nr_series; i++) {
        if (!(f->shown >> i & 1))
            continue;
        fprintf(gp,
                "%s 'plot-latency.csv' using ($1 == %u ? ($4 > 0.1 ? $4 : 0.1) : NaN):2 with lines "
                "lw 2 lc rgb '%s'",
                comma, i, gnuplot_colour[i]);
        put_title(gp, f->series[i].name.text);
        comma = ",";
    }
    end_script(gp, "latency", HEIGHT);
}

/* ---- all ----------------------------------------------------------------------- */

static bool write_file(const char *dir, const char *name, const struct figure *f,
                       void (*write)(FILE *, const struct figure *))
{
    struct output o;

    if (!output_open(&o, dir, name))
        return false;
    write(o.file, f);
    return output_close(&o);
}

bool report_plot(const char *dir, const struct result *r)
{
    static const struct {
        const char *data, *script;
        unsigned (*shown)(const struct figure *);
        void (*write_data)(FILE *, const struct figure *);
        void (*write_script)(FILE *, const struct figure *);
    } figures[] = {
        {"plot-timeline.csv", "timeline.gp", timeline_shown, timeline_data, timeline_script},
        {"plot-shares.csv", "shares.gp", shares_shown, shares_data, shares_script},
        {"plot-latency.csv", "latency.gp", latency_shown, latency_data, latency_script},
    };
    struct figure f;

    choose_series(&f, r);
    if (!output_directory(dir))
        return false;
    for (unsigned i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
        f.shown = figures[i].shown(&f);
        if (!f.shown)
            continue; /* nothing to draw */
        if (!write_file(dir, figures[i].data, &f, figures[i].write_data) ||
            !write_file(dir, figures[i].script, &f, figures[i].write_script) ||
            !gnuplot_run(dir, figures[i].script))
            return false;
    }
    return true;
}
