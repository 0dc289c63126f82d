/* moirai-balloon-sim: what moirai balloond would make of a host, beside other ways. */
#define _POSIX_C_SOURCE 200809L
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/output.h"
#include "../sim/units.h"
#include "run.h"

static const struct place here = {"moirai-balloon-sim", 0};

static const char usage[] =
    "usage: moirai-balloon-sim [--csv DIR] [--tax PERCENT] [--seed N] [--least PERCENT] SCENARIO\n"
    "Simulates the policy of moirai balloond on a host whose guests' needs change, and compares "
    "it\n"
    "with an equal share of memory for each domain, with no ballooning (each domain has its max;\n"
    "who does not fit is not created) and with the ideal (all known, nothing takes time).\n"
    "\n"
    "      --csv DIR        NAME.csv: demand and useful memory in each second; domains.csv:\n"
    "                       each domain every 10 s, under balloond (MiB)\n"
    "      --tax PERCENT    in place of the scenario's tax on idle memory\n"
    "      --seed N         in place of the scenario's\n"
    "      --least PERCENT  exit with 1 unless balloond has that much more useful memory than\n"
    "                       equal shares\n"
    "\n"
    "Exit status: 0; 1 if balloond breaks a guarantee, asks a guest for memory that it uses, goes\n"
    "below the reserve or misses --least; 2 if the input is wrong.\n"
    "tools/balloon/scenario.h, rules.h and demand.h have the language.\n";

struct options {
    const char *csv, *tax, *seed, *least;
};

/* ---- running ------------------------------------------------------------------------------- */

static bool run_way(const struct mem_scenario *s, enum way way, const char *csv,
                    struct run_result *result)
{
    struct output totals = {0}, domains = {0};
    char name[32];

    if (!csv) {
        *result = run_scenario(s, way, NULL, NULL);
        return true;
    }
    snprintf(name, sizeof name, "%s.csv", way_names[way]);
    if (!output_open(&totals, csv, name) ||
        (way == WAY_BALLOON && !output_open(&domains, csv, "domains.csv")))
        return false;
    fputs("demand,useful\n", totals.file);
    if (domains.file)
        fputs("second,domain,demand,memory,useful,target\n", domains.file);
    *result = run_scenario(s, way, totals.file, domains.file);
    return output_close(&totals) && (!domains.file || output_close(&domains));
}

static void print_row(const struct mem_scenario *s, enum way way, const struct run_result *r,
                      double ideal)
{
    double seconds = (double)s->duration;

    printf("%-9s %8.2f %8.1f %8.1f %8u %8.1f %8" PRId64 " %8" PRId64 " %9.1f\n", way_names[way],
           r->useful / seconds / (1 << 20), 100 * r->useful / r->demand, 100 * r->useful / ideal,
           r->there, 100.0 * (double)r->unmet / seconds / s->nr, r->broken, r->harmful,
           (double)r->moved / seconds / 1024);
}

static bool judge(const struct run_result *r, double least)
{
    double more = 100 * (r[WAY_BALLOON].useful / r[WAY_EQUAL].useful - 1);
    bool safe = !r[WAY_BALLOON].broken && !r[WAY_BALLOON].harmful && !r[WAY_BALLOON].over;

    printf("\nballoond: %.1f %% more useful memory than equal shares; "
           "%" PRId64 " s below the reserve\n",
           more, r[WAY_BALLOON].over);
    return safe && more >= least;
}

static bool compare(const struct mem_scenario *s, const char *csv, double least, int *status)
{
    struct run_result r[NR_WAYS];
    struct memory_text host;

    for (unsigned way = 0; way < NR_WAYS; way++)
        if (!run_way(s, way, csv, &r[way]))
            return false;
    printf("%s\n%u domains, %s, %" PRId64 " s, tax %g %%; demand %.2f GiB on average\n\n", s->title,
           s->nr, memory_show(s->host, &host), s->duration, s->params.tax / 10.0,
           r[0].demand / (double)s->duration / (1 << 20));
    puts("           useful  of need of ideal  domains    short   broken  harmful     moved\n"
         "              GiB        %        %    there   % of s      d*s  targets     MiB/s");
    for (unsigned way = 0; way < NR_WAYS; way++)
        print_row(s, way, &r[way], r[WAY_IDEAL].useful);
    *status = judge(r, least) ? 0 : 1;
    return true;
}

/* ---- the command line ------------------------------------------------------------------------ */

static bool override(struct mem_scenario *s, const struct options *o, double *least)
{
    struct problem p;

    if (o->tax && rules_param(&s->params, "tax", o->tax, &p) != RULES_TAKEN)
        return complain(here, "--tax: %s", p.text);
    if (o->seed && !unit_integer(o->seed, &s->seed, &p))
        return complain(here, "--seed: %s", p.text);
    if (o->least && !unit_percent(o->least, least, &p))
        return complain(here, "--least: %s", p.text);
    return true;
}

static bool take_options(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"csv", required_argument, NULL, 'c'},  {"tax", required_argument, NULL, 't'},
        {"seed", required_argument, NULL, 's'}, {"least", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            o->csv = optarg;
            break;
        case 't':
            o->tax = optarg;
            break;
        case 's':
            o->seed = optarg;
            break;
        case 'l':
            o->least = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            return complain(here, "see moirai-balloon-sim --help");
        }
    }
    return optind + 1 == argc || complain(here, "one scenario file is needed; see --help");
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct mem_scenario s;
    double least = 0;
    int status = 2;

    if (!take_options(&o, argc, argv))
        return 2;
    bool ok = mem_scenario_load(&s, argv[optind]) && override(&s, &o, &least) &&
              (!o.csv || output_directory(o.csv)) && compare(&s, o.csv, least, &status);
    mem_scenario_free(&s);
    return ok ? status : 2;
}
