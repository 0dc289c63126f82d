#include "guest.h"

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t guest_used(const struct sim_guest *g)
{
    return GUEST_OVERHEAD + GUEST_KERNEL + g->anon;
}

static int64_t unused(const struct sim_guest *g)
{
    return g->memory - guest_used(g) - g->cached;
}

/* What is held follows what is wanted: down at once, up as far and as fast as it goes. */
static void follow(int64_t *held, int64_t wanted, int64_t room)
{
    *held = min(wanted, *held + max(0, min(room, GUEST_TOUCH_SPEED)));
}

void guest_run(struct sim_guest *g, int64_t demand)
{
    int64_t cache = demand * g->cache / 100;

    g->demand = demand;
    g->cached = min(g->cached, cache);
    /* Programs push cache out. */
    follow(&g->anon, demand - cache, unused(g) + g->cached - GUEST_SLACK);
    g->cached = max(0, g->cached + min(0, unused(g)));
    follow(&g->cached, cache, unused(g) - GUEST_SLACK);
}

int64_t guest_balloon(struct sim_guest *g, int64_t target, int64_t free)
{
    int64_t by = target - g->memory;

    if (by > 0)
        by = max(0, min(min(by, GUEST_BALLOON_SPEED), free));
    else
        by = -max(0, min(min(-by, GUEST_BALLOON_SPEED), unused(g) + g->cached - GUEST_SLACK));
    g->memory += by;
    g->cached = max(0, g->cached + min(0, unused(g)));
    return by;
}

struct balloon_report guest_report(const struct sim_guest *g)
{
    int64_t cache = g->demand * g->cache / 100, missing = cache - g->cached;
    struct balloon_report r = {
        .total = g->memory - GUEST_OVERHEAD,
        .available = g->memory - guest_used(g),
        .cache = g->cached,
        .promised = g->demand - cache - g->anon,
    };

    /* Cache that does not fit is read again and again. */
    if (missing > 0)
        r.pressure = (unsigned)(300 * missing / cache);
    return r;
}
