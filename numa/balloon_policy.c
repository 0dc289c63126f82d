#include "balloon_policy.h"

/* A balloon driver may end a few pages beside its target. */
#define TOLERANCE (2 << 10)

/* A change of less is never worth the trouble. */
#define QUIET_MIN (4 << 10)

/* The least progress from step to step of one that follows. */
#define PROGRESS 256

#define PATIENCES_OFF 6

const struct balloon_params balloon_defaults = {
    .tax = 950,
    .quiet = 30,
    .reserve = 32 << 10,
    .calm = 30000,
    .patience = 10000,
    .stale = 30000,
};

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* What it needs to live; of one that does not report only its target is known. */
static int64_t live(const struct balloon_domain *d)
{
    return d->state == BALLOON_SILENT ? d->target : d->need.live;
}

/* What it is not asked to go below: nobody has to give up what it does not have. */
static int64_t lowest(const struct balloon_domain *d)
{
    return min(max(d->guarantee, min(live(d), d->memory)), d->ceiling);
}

/* ---- observing ----------------------------------------------------------------------------- */

static void take_report(const struct balloon_params *p, struct balloon_domain *d, int64_t now)
{
    bool reported = now - d->reported <= p->stale;

    if (reported && (!d->need.known || d->reported != d->need.at)) {
        balloon_need_update(&d->need, &d->report, d->memory, d->reported, p->calm);
        d->fresh = true;
    }
    d->state = d->held ? BALLOON_HELD : reported ? BALLOON_MANAGED : BALLOON_SILENT;
}

/* It is where it should be, or on its way, or this is a new way. */
static bool gets_there(const struct balloon_domain *d, int64_t way)
{
    return !d->seen || magnitude(way) <= TOLERANCE || (way < 0) != (d->way < 0) ||
           magnitude(way) + PROGRESS <= magnitude(d->way);
}

static void watch_following(const struct balloon_params *p, struct balloon_domain *d, int64_t now)
{
    int64_t way = d->target - d->memory;

    if (gets_there(d, way)) {
        d->since = now;
        if (d->following == BALLOON_KEEPS || now >= d->stuck_until)
            d->following = BALLOON_FOLLOWS;
    } else if (d->following == BALLOON_FOLLOWS && now - d->since >= p->patience) {
        d->following = way < 0 ? BALLOON_KEEPS : BALLOON_LEAVES;
        d->stuck_until = now + PATIENCES_OFF * p->patience;
    }
    d->way = way;
    d->seen = true;
}

/* ---- who should hold how much --------------------------------------------------------------- */

static struct balloon_claim claim_exactly(int64_t amount)
{
    return (struct balloon_claim){.low = amount, .high = amount, .active = amount, .weight = 1};
}

static struct balloon_claim claim_of(const struct balloon_domain *d)
{
    struct balloon_claim c = {
        .low = lowest(d), .active = min(d->need.want, d->ceiling), .weight = d->weight};

    if (d->following == BALLOON_KEEPS)
        return claim_exactly(d->memory);
    if (d->state == BALLOON_HELD)
        return claim_exactly(d->target);
    if (d->state == BALLOON_SILENT)
        return claim_exactly(min(max(d->guarantee, d->target), d->ceiling));
    c.high = d->following == BALLOON_LEAVES ? d->memory : max(c.active, d->memory);
    c.high = max(c.low, min(c.high, d->ceiling));
    return c;
}

/* Returns what the lows exceed the memory by, or 0. */
static int64_t share_out(const struct balloon_params *p, struct balloon_domain *domains,
                         struct balloon_claim *claims, unsigned nr, int64_t free)
{
    int64_t all = free - p->reserve;

    for (unsigned i = 0; i < nr; i++) {
        claims[i] = claim_of(&domains[i]);
        all += domains[i].memory;
    }
    int64_t left = balloon_fill(claims, nr, all, p->tax);
    for (unsigned i = 0; i < nr; i++)
        domains[i].share = claims[i].got;
    return left < 0 ? -left : 0;
}

/* ---- targets ------------------------------------------------------------------------------- */

/* The share, unless the target is about that already. */
static int64_t aim(const struct balloon_params *p, const struct balloon_domain *d)
{
    int64_t quiet = max(QUIET_MIN, d->target / 1000 * p->quiet);

    if (d->following == BALLOON_KEEPS)
        return min(max(d->target, lowest(d)), d->memory); /* still asked */
    if (d->following != BALLOON_FOLLOWS || d->target < d->guarantee ||
        magnitude(d->share - d->target) >= quiet)
        return d->share;
    return min(lowest(d) > d->target + TOLERANCE ? lowest(d) : d->target, d->ceiling);
}

static void tell(struct balloon_domain *d, int64_t target, enum balloon_why why, int64_t now)
{
    if (target == d->target)
        return;
    int64_t way = target - d->memory;
    if ((way < 0) != (d->way < 0))
        d->since = now; /* what it has not followed is not asked any more */
    d->target = target;
    d->way = way;
    d->why = why;
}

static enum balloon_why why_more(const struct balloon_domain *d)
{
    return d->memory < d->guarantee ? BALLOON_GUARANTEE
           : d->memory < live(d)    ? BALLOON_LIVE
                                    : BALLOON_WANTED;
}

static enum balloon_why why_less(const struct balloon_domain *d)
{
    return d->memory > d->ceiling     ? BALLOON_CEILING
           : d->target > d->memory    ? BALLOON_WITHDRAWN
           : d->need.want < d->memory ? BALLOON_IDLE
                                      : BALLOON_SHARE;
}

/* The claim's `got` is what the domain may have more than it holds. */
static void grow(struct balloon_domain *d, int64_t wish, int64_t got, int64_t now)
{
    int64_t target = d->memory + got;

    if (target < wish && target > d->target && target - d->target < QUIET_MIN)
        target = max(d->target, d->memory - TOLERANCE);
    tell(d, target, target < d->target ? BALLOON_WITHDRAWN : why_more(d), now);
}

/* At most half of what it can spare at once: it may be in use by the time that it is asked for. */
static void shrink(struct balloon_domain *d, int64_t wish, int64_t now)
{
    int64_t spare = d->memory - lowest(d), target = d->target;

    if (wish >= target)
        target = wish;
    else if (d->fresh || d->state == BALLOON_SILENT)
        target = min(target, max(wish, d->memory - max(spare / 2, min(spare, QUIET_MIN))));
    else
        target = min(target, d->memory);
    if (target < d->target)
        d->fresh = false;
    tell(d, min(target, d->ceiling), target < d->target ? why_less(d) : why_more(d), now);
}

/* What is free to be promised: not what operators have promised. */
static int64_t budget(const struct balloon_params *p, const struct balloon_domain *domains,
                      unsigned nr, int64_t free)
{
    free -= p->reserve;
    for (unsigned i = 0; i < nr; i++)
        if (domains[i].state == BALLOON_HELD)
            free -= max(domains[i].target - domains[i].memory, 0);
    return max(free, 0);
}

/* What it is to have more than it holds. */
static int64_t growth(const struct balloon_params *p, const struct balloon_domain *d)
{
    return d->state == BALLOON_HELD ? 0 : max(aim(p, d) - d->memory, 0);
}

/* First what those who grow lack of their guarantee or to live, then the rest. */
static void share_growth(const struct balloon_params *p, const struct balloon_domain *domains,
                         struct balloon_claim *claims, unsigned nr, int64_t amount)
{
    for (unsigned i = 0; i < nr; i++) {
        const struct balloon_domain *d = &domains[i];
        int64_t lacks = max(max(d->guarantee, live(d)) - d->memory, 0);

        claims[i] = (struct balloon_claim){.high = min(growth(p, d), lacks), .weight = d->weight};
    }
    balloon_fill(claims, nr, amount, 0);
    for (unsigned i = 0; i < nr; i++) {
        claims[i].low = claims[i].got;
        claims[i].high = growth(p, &domains[i]);
    }
    balloon_fill(claims, nr, amount, 0);
}

static int64_t set_targets(const struct balloon_params *p, struct balloon_domain *domains,
                           struct balloon_claim *claims, unsigned nr, int64_t free, int64_t now)
{
    int64_t promised = 0;

    share_growth(p, domains, claims, nr, budget(p, domains, nr, free));
    for (unsigned i = 0; i < nr; i++) {
        struct balloon_domain *d = &domains[i];
        int64_t wish = aim(p, d);

        d->why = BALLOON_KEPT;
        if (d->state != BALLOON_HELD && wish > d->memory)
            grow(d, wish, claims[i].got, now);
        else if (d->state != BALLOON_HELD)
            shrink(d, wish, now);
        promised += max(d->target - d->memory, 0);
    }
    return promised;
}

struct balloon_result balloon_step(const struct balloon_params *p, struct balloon_domain *domains,
                                   struct balloon_claim *claims, unsigned nr, int64_t free,
                                   int64_t now)
{
    struct balloon_result r;

    for (unsigned i = 0; i < nr; i++) {
        take_report(p, &domains[i], now);
        watch_following(p, &domains[i], now);
    }
    r.lacking = share_out(p, domains, claims, nr, free);
    r.promised = set_targets(p, domains, claims, nr, free, now);
    return r;
}
