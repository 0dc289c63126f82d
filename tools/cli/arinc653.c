/* moirai sched-arinc653: the windows of a pool's major frame. */
#include <string.h>

#include "../sim/units.h"
#include "commands.h"
#include "refused.h"
#include "window.h"

static const struct place here = {"sched-arinc653", 0};

static const char usage[] =
    "usage: moirai sched-arinc653 [--pool NAME]\n"
    "       moirai sched-arinc653 [--pool NAME] MAJOR_FRAME DOMAIN.VCPU=TIME...\n"
    "\n"
    "Shows the table of windows, or sets it: the vCPUs run one after the other for their TIME, "
    "and\n"
    "from the start again after MAJOR_FRAME. Times have a unit, like 10ms.\n";

static bool show(struct host *h, unsigned pool)
{
    struct moirai_table *t = &host_op(h)->u.table;
    const struct moirai_window *w = host_room(h);
    struct time_text time;
    char name[NAME_SIZE];

    *t = (struct moirai_table){.pool = pool, .windows = (uintptr_t)w};
    int error = host_call(h, MOIRAI_GET_TABLE);
    if (error)
        return refused(NULL, error, &host_op(h)->refusal);
    printf("Cpupool %s: major_frame=%s\n", host_pool_name(h, pool, name),
           unit_show_time(t->major_frame, &time));
    printf("%-24s %5s %4s %10s\n", "Name", "ID", "VCPU", "runtime");
    for (unsigned i = 0; i < t->nr; i++)
        printf("%-24s %5u %4u %10s\n", host_domain_name(h, w[i].domain, name), w[i].domain,
               w[i].vcpu, unit_show_time(w[i].runtime, &time));
    return true;
}

static bool take_window(struct host *h, const char *text, struct moirai_window *out)
{
    struct window_text w;
    struct problem p;
    unsigned domain;

    if (!window_parse(text, &w, &p))
        return complain(here, "%s", p.text);
    if (!host_find_domain(h, w.domain, &domain))
        return false;
    *out = (struct moirai_window){domain, w.vcpu, w.runtime};
    return true;
}

static bool set(struct host *h, unsigned pool, int n, char **text)
{
    struct moirai_window *window = host_room(h);
    struct problem p;
    int64_t frame;

    if (!unit_time(text[0], &frame, &p))
        return complain(here, "major frame: %s", p.text);
    if (n < 2 || n - 1 > MOIRAI_WINDOWS)
        return complain(here, "a table has 1 to %d windows; give them like web.0=5ms",
                        MOIRAI_WINDOWS);
    for (int i = 1; i < n; i++)
        if (!take_window(h, text[i], &window[i - 1]))
            return false;
    host_op(h)->u.table = (struct moirai_table){
        .pool = pool, .nr = (uint32_t)n - 1, .major_frame = frame, .windows = (uintptr_t)window};
    int error = host_call(h, MOIRAI_SET_TABLE);
    return !error || refused(NULL, error, &host_op(h)->refusal);
}

static int run(struct host *h, int argc, char **argv)
{
    unsigned pool = 0;
    int at = 1;

    if (argc > 2 && (!strcmp(argv[1], "--pool") || !strcmp(argv[1], "-p"))) {
        if (!host_find_pool(h, argv[2], &pool))
            return CLI_INPUT;
        at = 3;
    }
    if (at == argc)
        return show(h, pool) ? CLI_OK : CLI_REFUSED;
    if (argv[at][0] == '-') {
        complain(here, "there is no option '%s'; use --pool", argv[at]);
        return CLI_INPUT;
    }
    return set(h, pool, argc - at, argv + at) ? CLI_OK : CLI_REFUSED;
}

int arinc653_main(int argc, char **argv)
{
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    struct host *h = host_open();
    if (!h)
        return CLI_REFUSED;
    int status = run(h, argc, argv);
    host_close(h);
    return status;
}
