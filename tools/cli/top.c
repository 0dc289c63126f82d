/* moirai top: a live view of what each vCPU gets and what it should get. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../sim/message.h"
#include "../sim/units.h"
#include "commands.h"
#include "sample.h"
#include "show.h"

static const struct place here = {"moirai top", 0};

static const char usage[] =
    "usage: moirai top [-b|--csv] [-n COUNT] [-d TIME] [--pool NAME]\n"
    "\n"
    "  -b, --batch     one view after the other, without control characters\n"
    "      --csv       the same, as comma separated values\n"
    "  -n, --count N   end after N views\n"
    "  -d, --delay T   time between views, 2s by default\n"
    "      --pool P    only vCPUs of this pool\n"
    "\n"
    "SHARE   part of a pCPU that the vCPU got since the last view, in per cent\n"
    "IDEAL   what it should have got by its scheduler's parameters: reservations first, then\n"
    "        weighted max-min fair under hard affinity and caps; a vCPU that slept needs no more\n"
    "        than it used\n"
    "STEAL   part of the time that it waited for a pCPU, or for its cap\n"
    "WAKES   in a second; MEAN and P99: time from a wake until it ran (P99 is a power of two "
    "above)\n";

struct top {
    struct host *host;
    bool batch, csv;
    unsigned count; /* 0: for ever */
    int64_t delay;
    const char *pool_name;
    bool has_pool;
    unsigned pool;
    struct moirai_vcpu *last; /* the look before */
    unsigned nr_last;
    uint64_t started; /* the hypervisor's time at the first look */
};

/* ---- what they should get ------------------------------------------------------------------ */

static bool fill_windows(struct top *t, struct sample *s, unsigned nr, unsigned pool)
{
    struct moirai_table *table = &host_op(t->host)->u.table;
    const struct moirai_window *w = host_room(t->host);

    *table = (struct moirai_table){.pool = pool, .windows = (uintptr_t)w};
    if (host_call(t->host, MOIRAI_GET_TABLE))
        return false;
    for (unsigned i = 0; i < nr; i++) {
        int64_t runtime = 0;

        if (s[i].vcpu.pool != pool)
            continue;
        for (unsigned k = 0; k < table->nr; k++)
            if (w[k].domain == s[i].vcpu.domain && w[k].vcpu == s[i].vcpu.vcpu)
                runtime += w[k].runtime;
        share_windows(&s[i].share, runtime, table->major_frame);
    }
    return true;
}

static bool fill_params(struct top *t, struct sample *s, const struct policy *p)
{
    int64_t domain[MOIRAI_VALUES], vcpu[MOIRAI_VALUES];

    if (!host_get(t->host, MOIRAI_SCOPE_DOMAIN, s->vcpu.domain, 0, domain) ||
        !host_get(t->host, MOIRAI_SCOPE_VCPU, s->vcpu.domain, s->vcpu.vcpu, vcpu))
        return false;
    share_params(&s->share, p, domain, vcpu);
    return true;
}

/* The vCPUs of one pool. */
static bool find_ideal(struct sample *s, unsigned nr, unsigned pool)
{
    struct share_vcpu *list = calloc(nr + 1, sizeof *list);
    unsigned n = 0;

    for (unsigned i = 0; list && i < nr; i++)
        if (s[i].vcpu.pool == pool)
            list[n++] = s[i].share;
    bool ok = list && share_ideal(list, n);
    n = 0;
    for (unsigned i = 0; ok && i < nr; i++)
        if (s[i].vcpu.pool == pool)
            s[i].share.ideal = list[n++].ideal;
    free(list);
    return ok;
}

static bool fill_pool(struct top *t, struct sample *s, unsigned nr, const struct moirai_pool *pool)
{
    const struct policy *p = host_policy(t->host, pool->policy);

    for (unsigned i = 0; i < nr; i++) {
        if (s[i].vcpu.pool != pool->pool)
            continue;
        s[i].share.hard = s[i].vcpu.hard;
        s[i].share.domain = s[i].vcpu.domain;
        /* It may be gone by now; then the next view is without it. */
        if (p && !fill_params(t, &s[i], p))
            s[i].share.hard = 0;
    }
    if (p && !strcmp(p->info.name, "arinc653"))
        fill_windows(t, s, nr, pool->pool);
    return find_ideal(s, nr, pool->pool);
}

static bool fill_shares(struct top *t, struct sample *s, unsigned nr)
{
    unsigned nr_pools;
    struct moirai_pool *pools = host_pools(t->host, &nr_pools);
    bool ok = pools != NULL;

    for (unsigned i = 0; ok && i < nr_pools; i++)
        ok = fill_pool(t, s, nr, &pools[i]) || complain(here, "out of memory");
    free(pools);
    return ok;
}

/* ---- the view ------------------------------------------------------------------------------ */

static const char *state_name(uint32_t runstate)
{
    static const char *const names[] = {"run", "wait", "sleep", "off"};

    return runstate < 4 ? names[runstate] : "?";
}

static const char *short_time(double ns, char *text, size_t size)
{
    if (ns <= 0)
        snprintf(text, size, "-");
    else if (ns < 1e6)
        snprintf(text, size, "%.0fus", ns / 1e3);
    else if (ns < 1e9)
        snprintf(text, size, "%.1fms", ns / 1e6);
    else
        snprintf(text, size, "%.1fs", ns / 1e9);
    return text;
}

static void print_row(struct top *t, const struct sample *s)
{
    char name[NAME_SIZE], mean[16], p99[16];

    printf("%-20s %4u %4u %4u %-5s %6.1f %6.1f %6.1f %7.0f %8s %8s\n",
           host_domain_name(t->host, s->vcpu.domain, name), s->vcpu.domain, s->vcpu.vcpu,
           s->vcpu.pcpu, state_name(s->vcpu.runstate), 100 * s->ran, 100 * s->share.ideal,
           100 * s->waited, s->wakes, short_time(s->latency, mean, sizeof mean),
           short_time(s->latency_p99, p99, sizeof p99));
}

static void print_csv(struct top *t, const struct sample *s)
{
    char name[NAME_SIZE];

    printf("%.3f,%s,%u,%u,%u,%.3f,%.3f,%.3f,%.1f,%.0f,%.0f\n",
           (double)(s->vcpu.now - t->started) * 1e-9,
           host_domain_name(t->host, s->vcpu.domain, name), s->vcpu.domain, s->vcpu.vcpu,
           s->vcpu.pcpu, 100 * s->ran, 100 * s->share.ideal, 100 * s->waited, s->wakes, s->latency,
           s->latency_p99);
}

static void print_heading(const struct top *t, double seconds)
{
    if (t->csv)
        return;
    if (!t->batch)
        fputs("\033[H\033[J", stdout);
    printf("moirai top: %.1f s\n", seconds);
    printf("%-20s %4s %4s %4s %-5s %6s %6s %6s %7s %8s %8s\n", "NAME", "ID", "VCPU", "PCPU",
           "STATE", "SHARE", "IDEAL", "STEAL", "WAKES", "MEAN", "P99");
}

static bool is_shown(const struct top *t, const struct sample *s)
{
    return s->seconds > 0 && s->vcpu.runstate != 3 && (!t->has_pool || s->vcpu.pool == t->pool);
}

static bool print_view(struct top *t, struct sample *s, unsigned nr)
{
    print_heading(t, nr ? s[0].seconds : 0);
    for (unsigned i = 0; i < nr; i++) {
        if (!is_shown(t, &s[i]))
            continue;
        if (t->csv)
            print_csv(t, &s[i]);
        else
            print_row(t, &s[i]);
    }
    if (t->batch && !t->csv)
        putchar('\n');
    return !fflush(stdout);
}

/* ---- looking ------------------------------------------------------------------------------- */

static bool view(struct top *t, const struct moirai_vcpu *list, unsigned nr)
{
    struct sample *s = calloc(nr + 1, sizeof *s);
    bool ok = s || complain(here, "out of memory");

    for (unsigned i = 0; ok && i < nr; i++)
        sample_between(vcpu_in(t->last, t->nr_last, list[i].domain, list[i].vcpu), &list[i], &s[i]);
    ok = ok && fill_shares(t, s, nr) && print_view(t, s, nr);
    free(s);
    return ok;
}

static bool look(struct top *t)
{
    unsigned nr;
    struct moirai_vcpu *list = host_vcpus(t->host, &nr);
    bool ok = list != NULL;

    if (ok && t->last)
        ok = view(t, list, nr);
    else if (ok && nr)
        t->started = list[0].now;
    free(t->last);
    t->last = list;
    t->nr_last = nr;
    return ok;
}

static void wait_for_next(const struct top *t)
{
    struct timespec left = {.tv_sec = t->delay / 1000000000, .tv_nsec = t->delay % 1000000000};

    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static bool watch(struct top *t)
{
    if (t->has_pool && !host_find_pool(t->host, t->pool_name, &t->pool))
        return false;
    if (t->csv)
        puts("seconds,name,domain,vcpu,pcpu,share,ideal,steal,wakes,latency_ns,latency_p99_ns");
    if (!look(t))
        return false;
    for (unsigned i = 0; !t->count || i < t->count; i++) {
        wait_for_next(t);
        if (!look(t))
            return false;
    }
    return true;
}

/* ---- command line -------------------------------------------------------------------------- */

static const struct option options[] = {
    {"batch", no_argument, NULL, 'b'},
    {"csv", no_argument, NULL, 'c'},
    {"count", required_argument, NULL, 'n'},
    {"delay", required_argument, NULL, 'd'},
    {"pool", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take_count(struct top *t, const char *text)
{
    struct problem p;
    int64_t n;

    if (!unit_integer(text, &n, &p))
        return complain(here, "--count: %s", p.text);
    if (n < 1 || n > 1000000000)
        return complain(here, "--count: %s is out of range; use 1 to 1000000000", text);
    t->count = (unsigned)n;
    return true;
}

static bool take_delay(struct top *t, const char *text)
{
    struct problem p;

    if (!unit_time(text, &t->delay, &p))
        return complain(here, "--delay: %s", p.text);
    return t->delay >= 1000000 || complain(here, "--delay: %s is too short; use 1ms or more", text);
}

static bool take_options(struct top *t, int argc, char **argv, bool *help)
{
    int option;

    while ((option = getopt_long(argc, argv, "bn:d:h", options, NULL)) != -1) {
        if (option == 'b')
            t->batch = true;
        else if (option == 'c')
            t->batch = t->csv = true;
        else if (option == 'n' && !take_count(t, optarg))
            return false;
        else if (option == 'd' && !take_delay(t, optarg))
            return false;
        else if (option == 'p')
            t->has_pool = true, t->pool_name = optarg;
        else if (option == 'h')
            *help = true;
        else if (option == '?')
            return complain(here, "see moirai top --help");
    }
    return optind == argc ||
           complain(here, "'%s' is too much; see moirai top --help", argv[optind]);
}

int top_main(int argc, char **argv)
{
    struct top t = {.delay = 2000000000};
    bool help = false;

    if (!take_options(&t, argc, argv, &help))
        return CLI_INPUT;
    if (help) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    t.host = host_open();
    bool ok = t.host && watch(&t);
    free(t.last);
    host_close(t.host);
    return ok ? CLI_OK : CLI_REFUSED;
}
