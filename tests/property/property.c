/*
 * The randomised test: each seed is a scenario, for the policies in turn or for
 * the one named. Each runs in a process of its own, so one that crashes or
 * hangs is a failure like another.
 *
 *     property --seed FIRST --count N [--policy NAME]
 *
 * A failure says how to run it alone. Ends with "N passed, M failed"; exit
 * status 0 iff M is 0.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trial.h"

#define HANGS 120 /* seconds; the longest takes about one, ten with sanitizers */
#define SAID  1   /* exit status of a trial that has reported its violation */

struct options {
    const char *program, *policy;
    uint64_t seed, count;
};

struct kind {
    const char *name;
    void (*run)(struct trial *);
    unsigned chances; /* of 1000; what is left is chaos */
    const char *policies;
};

static const struct kind kinds[] = {
    {"shares", try_shares, 60, "bvt fbvt sedf credit credit2 rrobin"},
    {"short shares", try_short_shares, 60, "credit2"},
    {"256:1", try_far_weights, 10, "bvt fbvt sedf credit credit2"},
    {"cap", try_cap, 60, "credit credit2"},
    {"reservations", try_reservations, 250, "atropos sedf rtds"},
    {"table", try_table, 100, "arinc653"},
    {"one each", try_null, 100, "null"},
};

static void report(const struct trial *t, const char *what)
{
    printf("FAIL  %s seed %llu (%s): %s\n      alone: %s --policy %s --seed %llu --count 1\n",
           t->policy->opt_name, (unsigned long long)t->seed, t->kind, what, t->program,
           t->policy->opt_name, (unsigned long long)t->seed);
    fflush(stdout);
}

void violated(const struct trial *t, const char *format, ...)
{
    char what[400], when[40];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what - sizeof when, format, args);
    va_end(args);
    snprintf(when, sizeof when, ", at %.6f s", (double)t->h->now / SEC);
    report(t, strcat(what, when));
    _exit(SAID);
}

/* Is `name` one of the words? */
static bool listed(const char *words, const char *name)
{
    size_t n = strlen(name);

    for (const char *w = words; (w = strstr(w, name)); w += n)
        if ((w == words || w[-1] == ' ') && (w[n] == ' ' || !w[n]))
            return true;
    return false;
}

static const struct kind *draw_kind(struct trial *t)
{
    static const struct kind chaos = {"chaos", try_chaos, 0, ""};
    unsigned x = draw(t, 1000);

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!listed(kinds[i].policies, t->policy->opt_name))
            continue;
        if (x < kinds[i].chances)
            return &kinds[i];
        x -= kinds[i].chances;
    }
    return &chaos;
}

/* In a child. */
static _Noreturn void run(struct trial *t, const struct kind *kind)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* assertions of the harness crash */
    alarm(HANGS);
    kind->run(t);
    harness_free(t->h);
    _exit(0);
}

static bool passes(struct trial *t)
{
    const struct kind *kind = draw_kind(t);
    int status = 0;

    t->kind = kind->name;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        run(t, kind);
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        perror("property");
        exit(2);
    }
    if (WIFSIGNALED(status))
        report(t, WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
    else if (status && WEXITSTATUS(status) != SAID)
        report(t, "crashed");
    return !status;
}

static const struct sched_policy *policy_for(const struct options *o, uint64_t seed)
{
    unsigned n = 0;

    if (o->policy)
        return sched_policy_by_name(o->policy);
    while (sched_policies[n])
        n++;
    return sched_policies[seed % n];
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            o->seed = strtoull(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--count"))
            o->count = strtoull(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--policy"))
            o->policy = argv[i + 1];
        else
            return false;
    }
    return argc % 2 && (!o->policy || sched_policy_by_name(o->policy));
}

int main(int argc, char **argv)
{
    struct options o = {.program = argv[0], .seed = 1, .count = 1};
    uint64_t failed = 0;

    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: %s --seed FIRST --count N [--policy NAME]\n", argv[0]);
        return 2;
    }
    for (uint64_t seed = o.seed; seed < o.seed + o.count; seed++) {
        static struct trial t;
        t = (struct trial){.policy = policy_for(&o, seed), .program = o.program, .seed = seed};
        rng_seed(&t.rng, seed, 0);
        failed += !passes(&t);
    }
    printf("%llu passed, %llu failed\n", (unsigned long long)(o.count - failed),
           (unsigned long long)failed);
    return failed != 0;
}
