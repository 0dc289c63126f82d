/* moirai balloond: keeps domains' memory where it is of use. The policy is numa/balloon_policy.h.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/units.h"
#include "balloon_host.h"
#include "balloon_say.h"
#include "commands.h"

static const struct place here = {"moirai balloond", 0};

static const char usage[] =
    "usage: moirai balloond [-c RULES] [-i TIME] [-n COUNT] [--dry-run]\n"
    "       moirai balloond --release DOMAIN\n"
    "Moves memory between domains by their needs, and says what it does. It never gives a domain\n"
    "less than its guarantee or than its guest needs to live.\n"
    "\n"
    "  -c, --config RULES    lines like these; all may be missing:\n"
    "                          domain web* min=96M max=512M weight=512\n"
    "                          reserve 64M      free memory that is promised to nobody\n"
    "                          tax 95%          on idle memory\n"
    "                          calm 30s         how slowly a need fades\n"
    "                          quiet 3%         smaller changes are not made\n"
    "                          patience 10s     then one that does not follow is noticed\n"
    "                          stale 30s        then one that does not report is left alone\n"
    "                        min without a rule: a quarter of max, which is the config's\n"
    "                        dom0 is left alone unless there is a rule for Domain-0\n"
    "  -i, --interval TIME   between two looks, 1s by default\n"
    "  -n, --count N         end after so many\n"
    "      --dry-run         say what would be done, and do nothing\n"
    "      --release DOMAIN  look after it again, though `xl mem-set` has set its memory\n"
    "\n"
    "Guests report by moirai-agent. `xl mem-set` holds a domain at what it says; `xl mem-max`\n"
    "is a limit.\n";

struct balloond {
    struct rules rules;
    struct balloon_host *host;
    struct balloon_domain *domains; /* as the policy wants them: side by side */
    struct balloon_claim *claims;
    int64_t interval; /* ms */
    int64_t count;    /* -1: for ever */
    int64_t lacking;  /* as last said */
    bool dry;
};

/* ---- a round ------------------------------------------------------------------------------- */

static bool make_room(struct balloond *b, unsigned nr)
{
    free(b->domains);
    free(b->claims);
    b->domains = calloc(nr + 1, sizeof *b->domains);
    b->claims = calloc(nr + 1, sizeof *b->claims);
    return (b->domains && b->claims) || complain(here, "out of memory");
}

static void say_lacking(struct balloond *b, int64_t lacking)
{
    struct memory_text amount;

    if (lacking != b->lacking && lacking)
        printf("host: %s less than guarantees, needs to live and the reserve take\n",
               memory_show(lacking, &amount));
    else if (lacking != b->lacking)
        printf("host: memory suffices again\n");
    b->lacking = lacking;
}

/* Those who shall have less are told first. */
static void tell_all(struct balloond *b, struct guest *guests, unsigned nr, bool less)
{
    for (unsigned i = 0; i < nr; i++) {
        struct guest *g = &guests[i];
        int64_t before = g->policy.target;

        if (b->domains[i].target == before || (b->domains[i].target < before) != less)
            continue;
        say_decision(stdout, g->name, &b->domains[i], before);
        g->policy.target = b->domains[i].target;
        if (b->dry)
            g->policy.target = before;
        else
            balloon_host_tell(b->host, g, before);
        b->domains[i].target = g->policy.target;
    }
}

static bool go_round(struct balloond *b)
{
    unsigned nr;

    if (!balloon_host_look(b->host, b->interval))
        return false;
    struct guest *guests = balloon_host_guests(b->host, &nr);
    if (!make_room(b, nr))
        return false;
    for (unsigned i = 0; i < nr; i++)
        b->domains[i] = guests[i].policy;
    struct balloon_result r = balloon_step(&b->rules.params, b->domains, b->claims, nr,
                                           balloon_host_free(b->host), balloon_host_now());
    for (unsigned i = 0; i < nr; i++)
        say_changes(stdout, guests[i].name, &guests[i].policy, &b->domains[i]);
    tell_all(b, guests, nr, true);
    tell_all(b, guests, nr, false);
    for (unsigned i = 0; i < nr; i++)
        guests[i].policy = b->domains[i];
    say_lacking(b, r.lacking);
    fflush(stdout);
    return true;
}

static bool run(struct balloond *b)
{
    bool ok = true;

    b->host = balloon_host_open(&b->rules);
    if (!b->host)
        return false;
    for (int64_t i = 0; ok && i != b->count; i++)
        ok = go_round(b);
    balloon_host_close(b->host);
    free(b->domains);
    free(b->claims);
    return ok;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int release(const char *name)
{
    struct host *host = host_open();
    unsigned id;
    bool ok = host && host_find_domain(host, name, &id) && balloon_host_release(id);

    host_close(host);
    return ok ? CLI_OK : CLI_REFUSED;
}

static bool take_interval(struct balloond *b, const char *text)
{
    struct problem p;
    sched_time ns;

    if (!unit_time(text, &ns, &p))
        return complain(here, "--interval: %s", p.text);
    b->interval = ns / 1000000;
    return b->interval >= 100 ||
           complain(here, "--interval: %s is too short; use 100ms or more", text);
}

static bool take_count(struct balloond *b, const char *text)
{
    struct problem p;

    if (!unit_integer(text, &b->count, &p))
        return complain(here, "--count: %s", p.text);
    return b->count > 0 || complain(here, "--count: %s is out of range; use 1 or more", text);
}

struct arguments {
    const char *config, *release;
    bool help;
};

static bool take_options(struct balloond *b, struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"interval", required_argument, NULL, 'i'},
        {"count", required_argument, NULL, 'n'},
        {"dry-run", no_argument, NULL, 'd'},
        {"release", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:i:n:h", options, NULL)) != -1) {
        if (option == 'c')
            a->config = optarg;
        else if (option == 'r')
            a->release = optarg;
        else if (option == 'd')
            b->dry = true;
        else if (option == 'h')
            a->help = true;
        else if (option == 'i' && !take_interval(b, optarg))
            return false;
        else if (option == 'n' && !take_count(b, optarg))
            return false;
        else if (option == '?')
            return complain(here, "see moirai balloond --help");
    }
    return optind == argc ||
           complain(here, "'%s' is too much; see moirai balloond --help", argv[optind]);
}

int balloond_main(int argc, char **argv)
{
    struct balloond b = {.interval = 1000, .count = -1};
    struct arguments a = {0};
    struct arena memory = {0};

    rules_init(&b.rules);
    if (!take_options(&b, &a, argc, argv))
        return CLI_INPUT;
    if (a.help) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    if (a.release)
        return release(a.release);
    int status = CLI_INPUT;
    if (!a.config || rules_load(&memory, &b.rules, a.config))
        status = run(&b) ? CLI_OK : CLI_REFUSED;
    arena_free(&memory);
    return status;
}
