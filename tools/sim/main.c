#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "output.h"
#include "report.h"
#include "result.h"
#include "scenario.h"
#include "units.h"
#include "verdict.h"

enum { EXIT_OK = 0, EXIT_UNEXPECTED = 1, EXIT_INPUT = 2, EXIT_OUTPUT = 3 };

#define MAX_SLICES 4000000 /* about 0.5 GB of trace, as much as Perfetto takes */

struct command {
    const char *scenario;
    struct load_options load;
    const char *json, *csv, *trace, *plot; /* NULL: not wanted */
    bool quiet, check;
};

static const char usage_text[] =
    "usage: moirai-sim [options] SCENARIO\n"
    "Runs the scenario file and reports how its vCPUs were scheduled; one of a cache\n"
    "(--help-scenario) is solved instead, and only --csv, --check and --quiet mean something.\n"
    "\n"
    "  --policy TEXT     policy of Pool-0, with pool parameters: \"credit historic=1\"\n"
    "  --duration TIME   length of the run: 10s, 500ms\n"
    "  --seed N          seed of all random numbers\n"
    "  --check           exit 1 unless everything is as the scenario's `expect` lines say\n"
    "  --quiet           no table; of the expectations only those that failed\n"
    "  --json[=FILE]     all results as JSON, instead of the table if to stdout\n"
    "  --csv DIR         vcpus.csv, domains.csv, shares.csv, latency.csv; cache_model.csv\n"
    "  --trace FILE      slices (4 million at most) in Chrome's format, for ui.perfetto.dev\n"
    "  --plot DIR        timeline, shares and latency as PNG and SVG\n"
    "  --list-policies   the policies, what they promise, and their parameters\n"
    "  --help-scenario   what a scenario file may say\n"
    "  -h, --help        this text\n"
    "\n"
    "Exit status: 0, or 1 if --check failed, 2 if the input is wrong (nothing is written then),\n"
    "3 if a result could not be written.\n";

static const struct place command_line = {"moirai-sim", 0};

/* ---- command line ------------------------------------------------------------ */

static bool read_duration(struct command *c, const char *text)
{
    struct problem p;

    if (!unit_time(text, &c->load.duration, &p))
        return complain(command_line, "--duration: %s", p.text);
    return c->load.duration || complain(command_line, "--duration is 0; use a time such as 10s");
}

static bool read_seed(struct command *c, const char *text)
{
    struct problem p;

    c->load.has_seed = unit_unsigned(text, &c->load.seed, &p);
    return c->load.has_seed || complain(command_line, "--seed: %s", p.text);
}

enum long_option {
    POLICY = 256,
    DURATION,
    SEED,
    CHECK,
    QUIET,
    JSON,
    CSV,
    TRACE,
    PLOT,
    LIST,
    LANGUAGE
};

static const struct option options[] = {
    {"policy", required_argument, NULL, POLICY},
    {"duration", required_argument, NULL, DURATION},
    {"seed", required_argument, NULL, SEED},
    {"check", no_argument, NULL, CHECK},
    {"quiet", no_argument, NULL, QUIET},
    {"json", optional_argument, NULL, JSON},
    {"csv", required_argument, NULL, CSV},
    {"trace", required_argument, NULL, TRACE},
    {"plot", required_argument, NULL, PLOT},
    {"list-policies", no_argument, NULL, LIST},
    {"help-scenario", no_argument, NULL, LANGUAGE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void show_and_exit(void (*show)(FILE *))
{
    struct output o;

    if (!output_open(&o, NULL, "-"))
        exit(EXIT_OUTPUT);
    show(o.file);
    exit(output_close(&o) ? EXIT_OK : EXIT_OUTPUT);
}

static void show_usage(FILE *out)
{
    fputs(usage_text, out);
}

static bool take_option(struct command *c, int option)
{
    switch (option) {
    case POLICY:
        c->load.policy = optarg;
        break;
    case DURATION:
        return read_duration(c, optarg);
    case SEED:
        return read_seed(c, optarg);
    case CHECK:
        c->check = true;
        break;
    case QUIET:
        c->quiet = true;
        break;
    case JSON:
        c->json = optarg ? optarg : "-";
        break;
    case CSV:
        c->csv = optarg;
        break;
    case TRACE:
        c->trace = optarg;
        break;
    case PLOT:
        c->plot = optarg;
        break;
    case LIST:
        show_and_exit(report_policies);
        break;
    case LANGUAGE:
        show_and_exit(report_language);
        break;
    case 'h':
        show_and_exit(show_usage);
        break;
    default: /* getopt has said what is wrong */
        return complain(command_line, "see moirai-sim --help");
    }
    return true;
}

static bool read_command(struct command *c, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (!take_option(c, option))
            return false;
    }
    if (optind == argc)
        return complain(command_line, "no scenario is given; use moirai-sim [options] SCENARIO");
    if (optind + 1 < argc)
        return complain(command_line,
                        "'%s' is one scenario too many; a file for JSON is --json=FILE",
                        argv[optind + 1]);
    c->scenario = argv[optind];
    return true;
}

/* ---- run ----------------------------------------------------------------------- */

static struct run_options run_options(const struct command *c)
{
    return (struct run_options){
        .keep_slices = c->trace || c->plot,
        .max_slices = MAX_SLICES,
        .ideal = true,
        .progress = isatty(STDERR_FILENO),
    };
}

static bool write_to(const char *path, void (*write)(FILE *, const struct result *),
                     const struct result *r)
{
    struct output o;

    if (!output_open(&o, NULL, path))
        return false;
    write(o.file, r);
    return output_close(&o);
}

static bool to_stdout(const char *path)
{
    return path && !strcmp(path, "-");
}

/* Slices are in the order of their ends. */
static void warn_cut(const char *trace, const struct result *r)
{
    warn((struct place){trace, 0},
         "the trace is cut off at %.3f s of %.3f s, after %u slices; for less, use --duration",
         (double)r->slices[r->nr_slices - 1].to * 1e-9, (double)r->end * 1e-9, r->nr_slices);
}

/* The table and the files; true if all has arrived. */
static bool write_results(const struct command *c, const struct result *r)
{
    bool table = !c->quiet && !to_stdout(c->json) && !to_stdout(c->trace);
    bool ok = !table || write_to("-", report_table, r);

    if (c->json)
        ok &= write_to(c->json, report_json, r);
    if (c->csv)
        ok &= report_csv(c->csv, r);
    if (c->trace)
        ok &= write_to(c->trace, report_trace, r);
    if (c->plot)
        ok &= report_plot(c->plot, r);
    if (c->trace && r->slices_truncated)
        warn_cut(c->trace, r);
    return ok;
}

/* Stdout belongs to the machine-readable output if there is one. */
static unsigned print_verdicts(const struct command *c, const struct result *r)
{
    bool taken = to_stdout(c->json) || to_stdout(c->trace);

    if (!c->quiet && !taken && r->scenario->nr_expectations)
        putchar('\n');
    return verdict_print(taken ? stderr : stdout, r, c->quiet || taken);
}

static int report(const struct command *c, const struct result *r)
{
    bool written = write_results(c, r);
    unsigned failed = print_verdicts(c, r);

    if (fflush(stdout) || !written)
        return EXIT_OUTPUT;
    return c->check && failed ? EXIT_UNEXPECTED : EXIT_OK;
}

/* ---- a cache's scenario --------------------------------------------------------- */

static bool suits_cache(const struct command *c)
{
    if (c->load.policy || c->load.duration || c->load.has_seed || c->json || c->trace || c->plot)
        return complain(command_line, "a cache has no policy, time, seed, trace or JSON; use "
                                      "--csv, --check and --quiet");
    return true;
}

static int report_cache(const struct command *c, const struct cache_scenario *s,
                        const struct cache_result *r)
{
    bool written = !c->csv || cache_report_csv(c->csv, s, r);
    unsigned failed;

    if (!c->quiet)
        cache_report_table(stdout, s, r);
    if (!c->quiet && s->nr_expectations)
        putchar('\n');
    failed = cache_verdicts(stdout, s, r, c->quiet);
    if (fflush(stdout) || !written)
        return EXIT_OUTPUT;
    return c->check && failed ? EXIT_UNEXPECTED : EXIT_OK;
}

static int run_cache(const struct command *c)
{
    struct cache_scenario *s = cache_scenario_load(c->scenario);
    struct cache_result r;
    int status = EXIT_INPUT;

    if (s && suits_cache(c) && cache_solve(s, &r))
        status = report_cache(c, s, &r);
    cache_scenario_free(s);
    return status;
}

int main(int argc, char **argv)
{
    struct command c = {0};
    struct run_options o;
    struct scenario *s;
    struct result *r;
    int status;

    if (!read_command(&c, argc, argv))
        return EXIT_INPUT;
    if (cache_scenario_is(c.scenario))
        return run_cache(&c);
    s = scenario_load(c.scenario, &c.load);
    o = run_options(&c);
    r = s ? simulate(s, &o) : NULL;
    status = r ? report(&c, r) : EXIT_INPUT;
    result_free(r);
    scenario_free(s);
    return status;
}
