/* moirai perf: events of the processor, counted for domains while they run. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../sim/message.h"
#include "../sim/units.h"
#include "commands.h"
#include "host.h"
#include "perf_events.h"
#include "perf_show.h"
#include "refused.h"

#define LONGEST 1000000 /* seconds */

static const struct place here = {"moirai perf", 0};

static const char usage[] =
    "usage: moirai perf list [PATTERN]\n"
    "       moirai perf stat -e EVENT[,EVENT]... [-d SECONDS] [--csv] [DOMAIN]...\n"
    "       moirai perf stop [DOMAIN]...\n"
    "\n"
    "list   events that can be counted, with PATTERN in their name (or that match it, if it has * "
    "or\n"
    "       ?)\n"
    "stat   counts events of domains, of all of them by default, while their vCPUs run\n"
    "stop   ends what a moirai perf that was killed has left\n"
    "\n"
    "  -e, --event E    events by libpfm4's names: INST_RETIRED, "
    "bdw_ep::BR_INST_RETIRED:CONDITIONAL;\n"
    "                   behind :u in user mode alone, :k in the kernel's; 16 at most\n"
    "  -d, --delay S    for so many seconds, 1 by default; Ctrl-C ends it sooner\n"
    "      --csv        comma separated values\n"
    "\n"
    "If there are more events than counters, they take turns of 4 ms on them. PART is the part of "
    "the\n"
    "domain's time in which the event was on a counter, COUNT what was counted then, and ESTIMATE\n"
    "what it would have been in all of the time.\n";

struct perf {
    struct host *host;
    struct moirai_pmu pmu;
    double seconds;
    bool csv;
    unsigned nr_events;
    struct perf_event event[MOIRAI_EVENTS];
    unsigned *domain, nr_domains; /* ids */
};

/* ---- what can be counted ------------------------------------------------------------------- */

static bool open_pmu(struct perf *p)
{
    p->host = host_open();
    if (!p->host)
        return false;
    int error = host_call(p->host, MOIRAI_PMU);
    if (error == ENOSYS)
        return complain(here, "this hypervisor is older than moirai perf; use those of one build");
    if (error)
        return refused(NULL, error, &host_op(p->host)->refusal);
    p->pmu = host_op(p->host)->u.pmu;
    return events_open(p->pmu.libpfm, p->pmu.vendor == MOIRAI_PMU_INTEL);
}

static struct perf_show view_of(const struct perf *p)
{
    return (struct perf_show){stdout, p->csv, events_pmu(), &p->pmu};
}

static int list(struct perf *p, int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : NULL;

    if (argc > 2) {
        complain(here, "'%s' is too much; use one PATTERN", argv[2]);
        return CLI_INPUT;
    }
    if (!open_pmu(p))
        return CLI_REFUSED;
    if (!events_list(NULL, pattern)) {
        complain(here, "no event of %s is like '%s'; 'moirai perf list' shows all", events_pmu(),
                 pattern ? pattern : "");
        return CLI_INPUT;
    }
    struct perf_show s = view_of(p);
    perf_show_pmu(&s);
    events_list(stdout, pattern);
    return CLI_OK;
}

/* ---- events and domains -------------------------------------------------------------------- */

static bool take_events(struct perf *p, const char *text)
{
    while (*text) {
        char name[EVENT_NAME];
        size_t n = strcspn(text, ",");

        if (n >= sizeof name)
            return complain(here, "'%.20s...' is too long for an event", text);
        if (p->nr_events == MOIRAI_EVENTS)
            return complain(here, "these are too many events; use up to %d at once", MOIRAI_EVENTS);
        memcpy(name, text, n);
        name[n] = '\0';
        if (!events_find(name, &p->event[p->nr_events++]))
            return false;
        text += n + (text[n] == ',');
    }
    return true;
}

static bool add_domain(struct perf *p, unsigned id)
{
    for (unsigned i = 0; i < p->nr_domains; i++)
        if (p->domain[i] == id)
            return true;
    unsigned *more = realloc(p->domain, (p->nr_domains + 1) * sizeof *more);
    if (!more)
        return complain(here, "out of memory");
    p->domain = more;
    p->domain[p->nr_domains++] = id;
    return true;
}

static bool all_domains(struct perf *p)
{
    unsigned nr;
    struct moirai_vcpu *list = host_vcpus(p->host, &nr);
    bool ok = list != NULL;

    for (unsigned i = 0; ok && i < nr; i++)
        ok = add_domain(p, list[i].domain);
    free(list);
    return ok;
}

static bool take_domains(struct perf *p, int argc, char **argv)
{
    unsigned id;

    if (!argc)
        return all_domains(p);
    for (int i = 0; i < argc; i++)
        if (!host_find_domain(p->host, argv[i], &id) || !add_domain(p, id))
            return false;
    return true;
}

/* ---- counting ------------------------------------------------------------------------------ */

static int stop_one(struct perf *p, unsigned id)
{
    host_op(p->host)->u.perf_start = (struct moirai_perf_start){.domain = id};
    return host_call(p->host, MOIRAI_PERF_STOP);
}

static bool cannot_start(struct perf *p, unsigned id, int error)
{
    const struct moirai_refusal *r = &host_op(p->host)->refusal;
    char name[NAME_SIZE];

    host_domain_name(p->host, id, name);
    if (error == EBUSY)
        return complain(here, "%s is counted already; 'moirai perf stop %s' ends that", name, name);
    if (error == EINVAL && r->limit > 0 && r->limit <= p->nr_events)
        return complain(here, "%s %s", p->event[r->limit - 1].name, r->why);
    if (error == ESRCH)
        return complain(here, "%s is gone", name);
    return refused(NULL, error, r);
}

static bool start_one(struct perf *p, unsigned id)
{
    struct moirai_perf_start *in = &host_op(p->host)->u.perf_start;

    *in = (struct moirai_perf_start){.domain = id, .nr = p->nr_events};
    for (unsigned i = 0; i < p->nr_events; i++)
        in->select[i] = p->event[i].select;
    int error = host_call(p->host, MOIRAI_PERF_START);
    return !error || cannot_start(p, id, error);
}

static bool start_all(struct perf *p)
{
    unsigned nr = 0;

    while (nr < p->nr_domains && start_one(p, p->domain[nr]))
        nr++;
    if (nr == p->nr_domains)
        return true;
    while (nr--)
        stop_one(p, p->domain[nr]);
    return false;
}

/* A domain that is gone leaves nothing. */
static void show_one(struct perf *p, const struct perf_show *s, unsigned id)
{
    struct moirai_perf_read *r = &host_op(p->host)->u.perf_read;
    const char *names[MOIRAI_EVENTS];
    char name[NAME_SIZE];

    for (unsigned i = 0; i < p->nr_events; i++)
        names[i] = p->event[i].name;
    host_domain_name(p->host, id, name);
    *r = (struct moirai_perf_read){.domain = id};
    int error = host_call(p->host, MOIRAI_PERF_READ);
    if (!error && r->nr == p->nr_events)
        perf_show_domain(s, name, id, names, r);
    else if (error == ESRCH)
        warn(here, "domain %u has ended meanwhile", id);
    else if (error == ENOENT || !error)
        warn(here, "somebody has stopped the counting for %s", name);
    else
        refused(NULL, error, &host_op(p->host)->refusal);
}

/* Enough to end the sleep. */
static void on_signal(int number)
{
    (void)number;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)(t.tv_sec - start->tv_sec) + (double)(t.tv_nsec - start->tv_nsec) * 1e-9;
}

static int count(struct perf *p)
{
    struct timespec start, left = {.tv_sec = (time_t)p->seconds};
    struct sigaction end = {.sa_handler = on_signal};
    struct perf_show s = view_of(p);

    left.tv_nsec = (long)((p->seconds - (double)left.tv_sec) * 1e9);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (!start_all(p))
        return CLI_REFUSED;
    nanosleep(&left, NULL);
    perf_show_begin(&s, seconds_since(&start));
    for (unsigned i = 0; i < p->nr_domains; i++) {
        show_one(p, &s, p->domain[i]);
        stop_one(p, p->domain[i]);
    }
    return fflush(stdout) ? CLI_REFUSED : CLI_OK;
}

/* ---- command line -------------------------------------------------------------------------- */

static const struct option options[] = {
    {"event", required_argument, NULL, 'e'},
    {"delay", required_argument, NULL, 'd'},
    {"csv", no_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

static bool take_seconds(struct perf *p, const char *text)
{
    struct problem why;

    if (!unit_number(text, &p->seconds, &why))
        return complain(here, "--delay: %s", why.text);
    return (p->seconds > 0 && p->seconds <= LONGEST) ||
           complain(here, "--delay: %s is no time to count for; use seconds, like 2 or 0.5", text);
}

/* Events are looked up later, when the PMU is known: text[nr] has them. */
static bool take_options(struct perf *p, int argc, char **argv, const char **text, unsigned *nr)
{
    int option;

    while ((option = getopt_long(argc, argv, "e:d:", options, NULL)) != -1) {
        if (option == 'e' && *nr == MOIRAI_EVENTS)
            return complain(here, "these are too many events; use up to %d at once", MOIRAI_EVENTS);
        if (option == 'e')
            text[(*nr)++] = optarg;
        else if (option == 'c')
            p->csv = true;
        else if (option == 'd' && !take_seconds(p, optarg))
            return false;
        else if (option == '?')
            return complain(here, "see moirai perf --help");
    }
    return *nr || complain(here, "stat: what is to be counted? -e EVENT[,EVENT]...; "
                                 "'moirai perf list' shows them");
}

static int stat(struct perf *p, int argc, char **argv)
{
    const char *text[MOIRAI_EVENTS];
    unsigned nr = 0;

    if (!take_options(p, argc, argv, text, &nr))
        return CLI_INPUT;
    if (!open_pmu(p))
        return CLI_REFUSED;
    for (unsigned i = 0; i < nr; i++)
        if (!take_events(p, text[i]))
            return CLI_INPUT;
    if (!p->nr_events) {
        complain(here, "-e has no event; use names, as 'moirai perf list' shows them");
        return CLI_INPUT;
    }
    return take_domains(p, argc - optind, argv + optind) ? count(p) : CLI_REFUSED;
}

static int stop(struct perf *p, int argc, char **argv)
{
    if (!open_pmu(p) || !take_domains(p, argc - 1, argv + 1))
        return CLI_REFUSED;
    for (unsigned i = 0; i < p->nr_domains; i++) {
        int error = stop_one(p, p->domain[i]);

        if (error && error != ENOENT && error != ESRCH) {
            refused(NULL, error, &host_op(p->host)->refusal);
            return CLI_REFUSED;
        }
    }
    return CLI_OK;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

int perf_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct perf *p, int argc, char **argv);
    } verbs[] = {{"list", list}, {"stat", stat}, {"stop", stop}};
    struct perf p = {.seconds = 1};
    int status = CLI_INPUT;

    if (asks_help(argc, argv)) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    for (unsigned i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name))
            continue;
        status = verbs[i].run(&p, argc - 1, argv + 1);
        host_close(p.host);
        free(p.domain);
        return status;
    }
    complain(here, "use list, stat or stop; see moirai perf --help");
    return status;
}
