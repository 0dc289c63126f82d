/* Speed and traffic for given misses: see cache.h. */
#include "cache.h"

#include <math.h>

#define HALVINGS 60 /* more than a double has bits */

static uint32_t throttle_of(const struct cache_scenario *s, const struct cache_domain *d)
{
    return s->classes.class[d->class].value[PSR_SLOT_BANDWIDTH];
}

/*
 * Bytes a second that a core's throttle lets through. It is between the core and the cache, so hits
 * count as well. A linear one takes the percentage away that it is set to (SDM vol. 3B, 17.19).
 * Of the other kind the manual says that values are delays in powers of two; here as many slots of
 * the link stay empty after each that is used, which is a guess.
 */
static double throttled(const struct cache_scenario *s, const struct cache_domain *d)
{
    const struct psr_bandwidth *b = &s->host.caps.bandwidth;
    uint32_t value = throttle_of(s, d);

    if (b->is_limit || !value)
        return s->host.link > 0 ? s->host.link : INFINITY;
    return b->linear ? s->host.link * (100 - value) / 100 : s->host.link / (1.0 + value);
}

/* Bytes to and from memory for each instruction. */
static double moved(const struct cache_domain *d, double mpki)
{
    return mpki / 1000 * CACHE_LINE * (1 + d->written);
}

/* Cycles per instruction if the memory takes so many seconds. */
static double speed(const struct cache_scenario *s, const struct cache_domain *d, double mpki,
                    double latency)
{
    double clock = s->host.clock, misses = mpki / 1000, wait = misses * latency * clock;
    double through = fmax(d->accesses, mpki) / 1000 * CACHE_LINE;
    double cpi = fmax(d->cpi + wait / d->mlp, wait / d->outstanding);

    cpi = fmax(cpi, moved(d, mpki) / d->demand * clock);
    return fmax(cpi, through / throttled(s, d) * clock);
}

/* AMD's limits are for all that is in a class: who would have more than it allows is slowed down in
 * proportion. */
static void limit_classes(const struct cache_scenario *s, struct cache_state *state)
{
    double of_class[PSR_MAX_CLASSES] = {0};

    if (!s->host.caps.bandwidth.is_limit)
        return;
    for (unsigned d = 0; d < s->nr; d++)
        of_class[s->domains[d].class] += state[d].bandwidth;
    for (unsigned d = 0; d < s->nr; d++) {
        double limit = throttle_of(s, &s->domains[d]) * 1e9 / 8;
        double all = of_class[s->domains[d].class];

        if (limit > 0 && all > limit) {
            state[d].bandwidth *= limit / all;
            state[d].cpi *= all / limit;
        }
    }
}

/* Bytes a second of all, with cpi and bandwidth in each state. */
static double run_at(const struct cache_scenario *s, struct cache_state *state, double latency)
{
    double all = 0;

    for (unsigned i = 0; i < s->nr; i++) {
        const struct cache_domain *d = &s->domains[i];

        state[i].cpi = speed(s, d, state[i].mpki, latency);
        state[i].bandwidth =
            d->fills * d->cores * moved(d, state[i].mpki) * s->host.clock / state[i].cpi;
    }
    limit_classes(s, state);
    for (unsigned i = 0; i < s->nr; i++)
        all += state[i].bandwidth;
    return all;
}

/* How long it takes with so much traffic. */
static double loaded(const struct cache_host *h, double traffic)
{
    double u = traffic / h->limit;

    return u < 1 ? h->latency + h->queue * u / (1 - u) : INFINITY;
}

/* The slower the memory, the less is asked of it, and the less is asked of it, the faster it is:
 * there is one latency at which both agree. */
double cache_memory(const struct cache_scenario *s, struct cache_state *state)
{
    double low = s->host.latency, high = low;

    while (loaded(&s->host, run_at(s, state, high)) > high) {
        low = high;
        high *= 2;
    }
    for (unsigned i = 0; i < HALVINGS && low < high; i++) {
        double middle = (low + high) / 2;

        if (loaded(&s->host, run_at(s, state, middle)) > middle)
            low = middle;
        else
            high = middle;
    }
    run_at(s, state, high);
    return high;
}
