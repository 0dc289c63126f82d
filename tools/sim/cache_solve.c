/* The steady state: see cache.h. */
#include "cache.h"

#include <math.h>
#include <string.h>

#define MAX_ROUNDS 20000
#define CALM       50   /* rounds in which nothing moves, until it is believed */
#define SETTLED    1.0  /* byte in a round */
#define NEAR       0.01 /* of the cache: how far from where it would go it may be then */
#define FIRST_STEP 0.5  /* of the way there; also the greatest */
#define GROWTH     1.02 /* of steps, a round */
#define EPOCH      4000 /* rounds, */
#define HOPEFUL    1000 /* in the first of which they grow; in the others they only shrink */

/* A domain on its way to where its rate would bring it. */
struct walker {
    double way, step;
};

/* Misses and speed, and where the cache would go with that. */
static void look(const struct cache_scenario *s, struct cache_result *r, double *towards)
{
    double rate[s->nr];

    for (unsigned d = 0; d < s->nr; d++)
        r->state[d].mpki = miss_curve_at(&s->domains[d].curve, r->state[d].occupancy);
    r->latency = cache_memory(s, r->state);
    for (unsigned d = 0; d < s->nr; d++)
        rate[d] = r->state[d].bandwidth / CACHE_LINE / (1 + s->domains[d].written);
    cache_divide(s, rate, towards);
}

/* Each goes a part of its way. If it has to turn round the part was too large: on a steep curve a
 * little more space means that it would soon have much less. Is it as good as there? */
static bool move(const struct cache_scenario *s, struct cache_result *r, const double *towards,
                 struct walker *walker)
{
    bool calm = true;

    for (unsigned d = 0; d < s->nr; d++) {
        struct walker *w = &walker[d];
        double way = towards[d] - r->state[d].occupancy;

        if (way * w->way < 0)
            w->step /= 2;
        else if (r->rounds % EPOCH < HOPEFUL)
            w->step = fmin(w->step * GROWTH, FIRST_STEP);
        w->way = way;
        r->state[d].occupancy += w->step * way;
        calm &= fabs(w->step * way) < SETTLED && fabs(way) < NEAR * s->host.bytes;
    }
    return calm;
}

static bool settle(const struct cache_scenario *s, struct cache_result *r)
{
    struct walker walker[s->nr];
    double rate[s->nr], towards[s->nr];
    unsigned calm = 0;

    memset(rate, 0, sizeof rate);
    cache_divide(s, rate, towards);
    for (unsigned d = 0; d < s->nr; d++) {
        r->state[d].occupancy = towards[d];
        walker[d] = (struct walker){0, FIRST_STEP};
    }
    for (r->rounds = 1; r->rounds < MAX_ROUNDS; r->rounds++) {
        look(s, r, towards);
        if (calm == CALM)
            return true;
        calm = move(s, r, towards, walker) ? calm + 1 : 0;
    }
    return complain((struct place){s->file, 0},
                    "the model does not settle; use miss curves that fall less steeply");
}

/* With nobody else, in class 0. */
static bool settle_alone(struct cache_scenario *s, struct cache_result *r, unsigned who)
{
    unsigned class = s->domains[who].class;
    bool ok;

    for (unsigned d = 0; d < s->nr; d++)
        s->domains[d].fills = d == who;
    s->domains[who].class = 0;
    ok = settle(s, r);
    r->alone[who] = r->state[who].cpi;
    s->domains[who].class = class;
    return ok;
}

bool cache_solve(struct cache_scenario *s, struct cache_result *r)
{
    r->state = arena_alloc(&s->memory, s->nr * sizeof *r->state);
    r->alone = arena_alloc(&s->memory, s->nr * sizeof *r->alone);
    for (unsigned d = 0; d < s->nr; d++)
        if (!settle_alone(s, r, d))
            return false;
    for (unsigned d = 0; d < s->nr; d++)
        s->domains[d].fills = true;
    if (!settle(s, r))
        return false;
    r->bandwidth = 0;
    for (unsigned d = 0; d < s->nr; d++)
        r->bandwidth += r->state[d].bandwidth;
    return true;
}
