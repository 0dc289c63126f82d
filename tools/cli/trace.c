/* moirai trace: record what the schedulers do, and make other things of it. */
#define _GNU_SOURCE
#include <getopt.h>
#include <string.h>

#include "../sim/message.h"
#include "../sim/output.h"
#include "../sim/units.h"
#include "commands.h"
#include "story.h"
#include "trace_out.h"
#include "trace_record.h"

static const struct place here = {"moirai trace", 0};

static const char usage[] =
    "usage: moirai trace record [--time T] [--pages N] FILE\n"
    "       moirai trace show FILE\n"
    "       moirai trace perfetto FILE [JSON]\n"
    "       moirai trace replay FILE DIR\n"
    "\n"
    "record    what the schedulers do, until Ctrl-C or for the time T, in Xen's trace format, "
    "with\n"
    "          pools, names and parameters at its start; N pages for each pCPU's ring (64)\n"
    "show      the records, a line each\n"
    "perfetto  who ran and who waited, for ui.perfetto.dev\n"
    "replay    a scenario for moirai-sim: DIR/replay.scn, which expects the shares of the trace\n"
    "\n"
    "The last three take what xentrace has recorded, too; if it began before the machine said how\n"
    "fast its clock is, give --khz N.\n";

struct options {
    struct record_options record;
    uint32_t khz;
    bool help;
};

static const struct option options[] = {
    {"time", required_argument, NULL, 't'},
    {"pages", required_argument, NULL, 'p'},
    {"khz", required_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take_number(const char *what, const char *text, int64_t most, int64_t *out)
{
    struct problem p;

    if (!unit_integer(text, out, &p))
        return complain(here, "--%s: %s", what, p.text);
    return (*out >= 1 && *out <= most) ||
           complain(here, "--%s: %s is out of range; use 1 to %lld", what, text, (long long)most);
}

static bool take_option(struct options *o, int option)
{
    struct problem p;
    int64_t n;

    switch (option) {
    case 't':
        return unit_time(optarg, &o->record.duration, &p) || complain(here, "--time: %s", p.text);
    case 'p':
        if (!take_number("pages", optarg, 256, &n))
            return false;
        o->record.pages = (unsigned)n;
        return true;
    case 'k':
        if (!take_number("khz", optarg, 100000000, &n))
            return false;
        o->khz = (uint32_t)n;
        return true;
    case 'h':
        o->help = true;
        return true;
    default:
        return complain(here, "see moirai trace --help");
    }
}

/* ---- conversions --------------------------------------------------------------------------- */

static bool write_perfetto(const char *path, const struct trace_file *t, const struct story *s)
{
    struct output o;

    if (!output_open(&o, NULL, path))
        return false;
    trace_perfetto(o.file, t, s);
    return output_close(&o);
}

static bool convert(const char *what, const struct trace_file *t, const char *to)
{
    struct story s;
    bool ok = story_tell(t, &s) || complain(here, "out of memory");

    if (ok && !strcmp(what, "perfetto"))
        ok = write_perfetto(to, t, &s);
    else if (ok)
        ok = trace_replay(to, t, &s);
    story_free(&s);
    return ok;
}

static bool from_file(const struct options *o, const char *what, const char *file, const char *to)
{
    struct trace_file t;
    bool ok = trace_read(file, o->khz, &t);

    if (ok && !strcmp(what, "show"))
        trace_print(stdout, &t);
    else if (ok)
        ok = convert(what, &t, to);
    trace_free(&t);
    return ok;
}

static int run(struct options *o, int argc, char **argv)
{
    const char *what = argc > 0 ? argv[0] : "";

    if (!strcmp(what, "record") && argc == 2) {
        o->record.file = argv[1];
        return trace_record(&o->record) ? CLI_OK : CLI_REFUSED;
    }
    if ((!strcmp(what, "show") && argc == 2) || (!strcmp(what, "replay") && argc == 3) ||
        (!strcmp(what, "perfetto") && (argc == 2 || argc == 3)))
        return from_file(o, what, argv[1], argc == 3 ? argv[2] : "-") ? CLI_OK : CLI_REFUSED;
    complain(here, "use: record FILE, show FILE, perfetto FILE [JSON] or replay FILE DIR");
    return CLI_INPUT;
}

int trace_main(int argc, char **argv)
{
    struct options o = {.record = {.pages = 64}};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        if (!take_option(&o, option))
            return CLI_INPUT;
    if (!o.help)
        return run(&o, argc - optind, argv + optind);
    fputs(usage, stdout);
    return CLI_OK;
}
