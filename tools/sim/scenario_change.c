/*
 * What happens during a run:
 *
 *   at TIME ORDER             refused at TIME ORDER (the policy must say no)
 *   table ...                 (short for at 0s table ...)
 *
 * Changes are read in order of time, so that each is checked against what is
 * there at that time: the policy of the pool, the domains. The orders are in
 * scenario_order.c.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario_order.h"

/* From now on the following changes find things so. */
static void take_effect(struct loader *l, const struct scenario_change *c)
{
    if (c->kind == CHANGE_CREATE) {
        l->present[c->domain] = true;
        l->pool_now[c->domain] = l->s->domains[c->domain].pool;
    } else if (c->kind == CHANGE_DESTROY) {
        l->present[c->domain] = false;
    } else if (c->kind == CHANGE_MOVE) {
        l->pool_now[c->domain] = (unsigned)c->pool;
    } else if (c->kind == CHANGE_SWITCH) {
        l->policy_now[c->pool] = c->policy;
    } else if (c->kind == CHANGE_CPU_ONLINE || c->kind == CHANGE_CPU_OFFLINE) {
        l->offline[c->pcpu] = c->kind == CHANGE_CPU_OFFLINE;
    }
}

/* A statement with its time, and the words behind that. */
struct timed {
    sched_time at;
    bool refused;
    unsigned order;
    struct words words;
};

static bool read_change(struct loader *l, const struct timed *t)
{
    struct draft d = {.c = {.at = t->at,
                            .domain = -1,
                            .vcpu = -1,
                            .pool = -1,
                            .pcpu = -1,
                            .weight = -1,
                            .expect_refusal = t->refused,
                            .place = t->words.where}};

    if (!read_order(l, &t->words, &d))
        return false;
    if (d.drop)
        return true;
    if (!d.c.expect_refusal)
        take_effect(l, &d.c);
    *(struct scenario_change *)arena_push(l->memory, l->s->changes, l->s->nr_changes) = d.c;
    return true;
}

static bool starts_change(const struct statement *st)
{
    return !strcmp(st->word[0], "at") || !strcmp(st->word[0], "refused") ||
           !strcmp(st->word[0], "table");
}

/* "at 2s ...", "refused at 2s ...", "table ...". */
static bool read_time(struct loader *l, const struct statement *st, struct timed *t)
{
    unsigned at;
    struct problem p;
    struct time_text text;

    t->words = words_from(st, 0);
    if (!strcmp(st->word[0], "table"))
        return true;
    t->refused = !strcmp(st->word[0], "refused");
    at = t->refused;
    if (st->nr < at + 3 || strcmp(st->word[at], "at"))
        return complain(st->where, "something is missing; use %sat TIME CHANGE",
                        t->refused ? "refused " : "");
    if (!unit_time(st->word[at + 1], &t->at, &p))
        return complain(st->where, "%s", p.text);
    t->words = words_from(st, at + 2);
    return t->at <= l->s->duration || l->options->duration ||
           complain(st->where, "%s is after the end of the run; use at most %s", st->word[at + 1],
                    unit_show_time(l->s->duration, &text));
}

static int by_time(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void set_start(struct loader *l)
{
    unsigned nr_domains = l->s->nr_domains, nr_pools = l->s->nr_pools;

    l->policy_now = arena_alloc(l->memory, nr_pools * sizeof *l->policy_now);
    l->pool_now = arena_alloc(l->memory, nr_domains * sizeof *l->pool_now);
    l->present = arena_alloc(l->memory, nr_domains * sizeof *l->present);
    l->offline = arena_alloc(l->memory, l->host.nr_pcpus * sizeof *l->offline);
    for (unsigned i = 0; i < nr_pools; i++)
        l->policy_now[i] = l->s->pools[i].policy;
    for (unsigned i = 0; i < nr_domains; i++) {
        l->pool_now[i] = l->s->domains[i].pool;
        l->present[i] = l->s->domains[i].at_start;
    }
}

static bool read_all(struct loader *l, const struct timed *timed, unsigned nr)
{
    bool ok = true;

    for (unsigned i = 0; i < nr; i++) {
        if (timed[i].at > l->s->duration) /* the command line made the run shorter */
            warn(timed[i].words.where, "this is after the end of the run; ignored");
        else
            ok &= read_change(l, &timed[i]);
    }
    return ok;
}

bool parse_changes(struct loader *l, const struct statement *statements, unsigned nr)
{
    struct timed *timed = NULL;
    unsigned nr_timed = 0;
    bool ok = true;

    set_start(l);
    for (unsigned i = 0; i < nr; i++) {
        struct timed *t;

        if (!starts_change(&statements[i]))
            continue;
        t = arena_push(l->memory, timed, nr_timed);
        t->order = i;
        ok &= read_time(l, &statements[i], t);
    }
    if (!ok)
        return false;
    if (nr_timed)
        qsort(timed, nr_timed, sizeof *timed, by_time);
    return read_all(l, timed, nr_timed);
}
