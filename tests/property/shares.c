/*
 * Weights and caps: hogs, with nothing changing, against the ideal (ideal.h).
 * A thief, a unit that sleeps or yields, gets no more than a hog would in its place.
 */
#include <math.h>

#include "../../tools/sim/ideal.h"
#include "trial.h"

#define MOST_HOGS 200
#define TOLERANCE 1.0 /* percentage points of a pCPU */
#define DISTURBED 6.0 /* beside a thief: while it sleeps others may use its pCPU, not always the right ones */

struct share {
    struct sched_unit *unit[MOST_HOGS];
    struct ideal_unit ideal[MOST_HOGS];
    double cap[MOST_HOGS]; /* of group i, in pCPUs */
    unsigned nr, nr_groups;
};

static void add_unit(struct trial *t, struct share *s, struct sched_domain *d, enum spread spread)
{
    struct sched_unit *u = harness_unit(t->h, d, HARNESS_HOG, 0, 0);
    struct mask hard;

    t->seen[u->id].waiting_since = t->h->now;
    draw_mask(t, spread, t->h->nr_pcpus, &hard);
    sched_set_affinity(u, &hard, NULL, t->h->now, NULL);
    s->unit[s->nr] = u;
    s->ideal[s->nr++] =
        (struct ideal_unit){.hard = &u->affinity->hard, .weight = 1, .limit = 1, .group = -1};
}

static void add_hogs(struct trial *t, struct share *s)
{
    unsigned n = 1 + draw(t, 3 * t->h->nr_pcpus);
    enum spread spread = (enum spread)draw(t, NR_SPREADS);

    for (unsigned i = 0; i < n && i < MOST_HOGS; i++) {
        add_unit(t, s, NULL, spread);
        s->ideal[i].weight = give_weight(t, s->unit[i], draw_weight(t));
    }
    ideal_rates(s->ideal, s->nr, NULL, 0);
}

static void check_hogs(struct trial *t, const struct share *s, const struct sched_unit *thief)
{
    for (unsigned i = 0; i < s->nr; i++) {
        double share = harness_share(t->h, s->unit[i]), ideal = 100 * s->ideal[i].rate;
        bool too_much = share > ideal + TOLERANCE && (!thief || thief == s->unit[i]);
        bool too_little = share < ideal - (thief ? DISTURBED : TOLERANCE) && thief != s->unit[i];
        if (too_much || too_little)
            violated(t, "%s %u: %.2f %%, ideal %.2f %% of a pCPU",
                     thief == s->unit[i] ? "thief" : "hog", s->unit[i]->id, share, ideal);
    }
}

static void make_thief(struct trial *t, const struct sched_unit *u)
{
    struct harness_unit *hu = harness_of(t->h, u);

    hu->work = one_in(t, 2) ? HARNESS_YIELD : HARNESS_CYCLE;
    hu->run = hu->left = draw_log(t, 100 * US, 50 * MS);
    hu->sleep = draw_log(t, 10 * US, 50 * MS);
}

static void begin(struct trial *t, unsigned nr_pcpus)
{
    t->h = harness_new(t->policy->opt_name, nr_pcpus);
    watch(t);
}

static void measure(struct trial *t, sched_time duration)
{
    harness_mark(t->h);
    t->wasted = 0;
    for (unsigned i = 0; i < 10; i++)
        advance(t, duration / 10);
}

/* rrobin knows no other fairness than that of one pCPU. */
void try_shares(struct trial *t)
{
    struct share s = {.nr = 0};
    const struct sched_unit *thief = NULL;

    begin(t, t->policy == &sched_rrobin ? 1 : draw_pcpus(t));
    add_hogs(t, &s);
    if (one_in(t, 3)) {
        thief = s.unit[draw(t, s.nr)];
        make_thief(t, thief);
    }
    measure(t, 10 * SEC);
    check_hogs(t, &s, thief);
}

void try_short_shares(struct trial *t)
{
    struct share s = {.nr = 0};

    begin(t, draw_pcpus(t));
    add_hogs(t, &s);
    advance(t, SEC);
    measure(t, SEC);
    check_hogs(t, &s, NULL);
}

/* 256:1 on one pCPU of the pool. */
void try_far_weights(struct trial *t)
{
    begin(t, draw_pcpus(t));
    unsigned pcpu = draw(t, t->h->nr_pcpus);
    struct sched_unit *light = harness_hog(t->h), *heavy = harness_hog(t->h);
    int weight = 1 + (int)draw(t, 255);

    harness_pin(t->h, light, pcpu);
    harness_pin(t->h, heavy, pcpu);
    double a = give_weight(t, light, weight), b = give_weight(t, heavy, 256 * weight);
    measure(t, 100 * SEC);
    double share = harness_share(t->h, light), ideal = 100 * a / (a + b);
    if (fabs(share - ideal) > ideal / 10)
        violated(t, "%.4f %% of a pCPU, ideal %.4f %%", share, ideal);
}

/* ---- caps ------------------------------------------------------------------------ */

static void add_capped(struct trial *t, struct share *s, enum spread spread)
{
    struct sched_domain *d = harness_domain(t->h);
    unsigned nr = 1 + draw(t, 4), first = s->nr, cap = 0;
    int weight = 16 << draw(t, 8);

    for (unsigned i = 0; i < nr; i++) {
        add_unit(t, s, d, spread);
        s->ideal[first + i].weight = weight;
    }
    give_weight(t, s->unit[first], weight);
    if (!one_in(t, 3)) {
        cap = 1 + draw(t, 100 * nr);
        harness_set(t->h, SCHED_PARAM_DOMAIN, s->unit[first], "cap", cap);
        for (unsigned i = first; i < s->nr; i++)
            s->ideal[i].group = (int)s->nr_groups;
        s->cap[s->nr_groups++] = cap / 100.0;
    }
}

static double rate_of(const struct share *s, int group)
{
    double sum = 0;
    for (unsigned i = 0; i < s->nr; i++)
        sum += s->ideal[i].group == group ? s->ideal[i].rate : 0;
    return sum;
}

/*
 * Held to its cap within 0.25 points if it would get clearly more without it. Units that are not
 * free to run anywhere may need a chain of moves (displace.c) each time they have budget again,
 * which takes some milliseconds: those get nine tenths at least.
 */
static void check_group(struct trial *t, const struct share *s, int group, double uncapped,
                        bool anywhere)
{
    double cap = 100 * s->cap[group], share = 0, least = anywhere ? cap - 0.25 : 0.9 * cap - 0.25;

    for (unsigned i = 0; i < s->nr; i++)
        share += s->ideal[i].group == group ? harness_share(t->h, s->unit[i]) : 0;
    if (share > cap + 0.25 || (uncapped > 1.2 * cap + 2 && share < least))
        violated(t, "group %d: %.2f %% with a cap of %.0f, %.2f without", group, share, cap,
                 uncapped);
}

void try_cap(struct trial *t)
{
    struct share s = {.nr = 0};
    double uncapped[MOST_HOGS], caps[MOST_HOGS];

    begin(t, draw_pcpus(t));
    unsigned domains = 1 + draw(t, t->h->nr_pcpus);
    enum spread spread = one_in(t, 2) ? SPREAD_ALL : (enum spread)draw(t, NR_SPREADS);
    for (unsigned i = 0; i < domains && s.nr + 4 < MOST_HOGS; i++)
        add_capped(t, &s, spread);
    for (unsigned g = 0; g < s.nr_groups; g++) {
        for (unsigned k = 0; k < s.nr_groups; k++)
            caps[k] = k == g ? s.nr : s.cap[k];
        ideal_rates(s.ideal, s.nr, caps, s.nr_groups);
        uncapped[g] = 100 * rate_of(&s, (int)g);
    }
    changed(t);
    advance(t, SEC); /* the buckets start empty */
    measure(t, 10 * SEC);
    for (unsigned g = 0; g < s.nr_groups; g++)
        check_group(t, &s, (int)g, uncapped[g], spread == SPREAD_ALL);
}
