/*
 * Rebalancing: pages follow vCPUs.
 *
 * A domain's presence on a node is the share of its vCPUs' work that is done
 * there, averaged over a few periods (each weighs 1/8). Its home is the
 * smallest set of nodes with nine tenths of that. A new home counts after it
 * has been the same for SETTLE, so a vCPU that is lent to another node for a
 * moment moves no page, and a domain that spans nodes is at home on all of
 * them. Pages outside the home are misplaced; they go to that node of it which
 * the domain is on most, as long as RESERVE of its memory remains free.
 *
 * The rate is kept by a bucket: tokens come at `rate`, no more than a
 * hundredth of a second's or REBALANCE_BURST are saved up, every page moved
 * costs one. So between any two moments no more than rate * time + burst pages
 * are moved.
 *
 * Invariants: saved <= burst; home is never empty once there was a vCPU.
 *
 * Promises: the rate; nothing is moved for a domain whose vCPUs stay where its
 * pages are, nor while less than 1/64 of its pages is away (it would never be
 * worth the pauses); a page that cannot be moved is tried again only every
 * REBALANCE_RETRY.
 *
 * Known to be bad at: it looks at vCPUs, not at accesses, so a page that a
 * vCPU never touches moves like all others. Two domains whose homes are each
 * other's full nodes do not swap. Domains are served one after the other, the
 * one with most misplaced pages first, so at a low rate the smaller wait.
 */
#include "rebalance.h"

#define SECOND    1000000000LL
#define SETTLE    SECOND
#define WEIGHT    8  /* of the past against one period, in an average */
#define ENOUGH    10 /* a home has all of the presence but a tenth */
#define RESERVE   64 /* of a node, a part that stays free */
#define FEW       64 /* of a domain's pages, a part that may be away */
#define IN_ONE_GO 100

/* ---- where a domain is ------------------------------------------------------------------ */

static void average(struct rebalance_domain *d, const uint32_t vcpus[NUMA_MAX_NODES], uint64_t sum)
{
    bool first = !d->home;

    for (unsigned i = 0; i < NUMA_MAX_NODES; i++) {
        uint64_t share = (uint64_t)vcpus[i] * REBALANCE_PRESENT / sum;
        uint64_t past = d->presence[i];

        d->presence[i] = (uint32_t)(first ? share : (past * (WEIGHT - 1) + share) / WEIGHT);
    }
}

static unsigned most_present(const struct rebalance_domain *d, uint64_t nodes)
{
    unsigned best = NUMA_MAX_NODES;

    numa_for_each(i, nodes) {
        if (best == NUMA_MAX_NODES || d->presence[i] > d->presence[best])
            best = (unsigned)i;
    }
    return best;
}

/* The smallest set with enough of the presence. */
static uint64_t home_of(const struct rebalance_domain *d)
{
    uint64_t all = 0, some = 0, nodes = 0;

    for (unsigned i = 0; i < NUMA_MAX_NODES; i++)
        all += d->presence[i];
    while (some < all - all / ENOUGH) {
        unsigned next = most_present(d, ~nodes);

        nodes |= numa_bit(next);
        some += d->presence[next];
    }
    return nodes;
}

static void move_home(struct rebalance_domain *d, uint64_t home)
{
    d->home = home;
    for (unsigned i = 0; i < NUMA_MAX_NODES; i++)
        d->stay[i] = 0;
}

void rebalance_seen(struct rebalance_domain *d, const uint32_t vcpus[NUMA_MAX_NODES], int64_t now)
{
    uint64_t sum = 0, home;

    for (unsigned i = 0; i < NUMA_MAX_NODES; i++)
        sum += vcpus[i];
    if (!sum)
        return;
    average(d, vcpus, sum);
    home = home_of(d);
    if (home != d->wanted) {
        d->wanted = home;
        d->wanted_since = now;
    }
    if (d->home != home && (!d->home || now - d->wanted_since >= SETTLE))
        move_home(d, home);
    if (now - d->tried >= REBALANCE_RETRY)
        move_home(d, d->home);
}

/* ---- how fast --------------------------------------------------------------------------- */

static uint64_t burst_of(const struct rebalance *r)
{
    uint64_t go = r->rate / IN_ONE_GO;

    return go > REBALANCE_BURST ? go : REBALANCE_BURST;
}

uint64_t rebalance_allowance(struct rebalance *r, int64_t now)
{
    uint64_t burst = burst_of(r), passed = (uint64_t)(now - r->filled), more;

    /* No more than fills the bucket is of interest, and that does not overflow. */
    if (!r->rate || now <= r->filled)
        return r->rate ? r->saved : 0;
    if (passed / SECOND >= burst / r->rate + 1) {
        r->saved = burst;
        r->filled = now;
        return burst;
    }
    more = passed * r->rate / SECOND;
    r->saved = r->saved + more < burst ? r->saved + more : burst;
    r->filled += (int64_t)(more * SECOND / r->rate);
    return r->saved;
}

void rebalance_moved(struct rebalance *r, uint64_t frames)
{
    r->saved -= frames < r->saved ? frames : r->saved;
}

/* ---- what ------------------------------------------------------------------------------ */

uint64_t rebalance_misplaced(const struct rebalance_domain *d)
{
    uint64_t all = 0, away = 0, stay = 0;

    if (!d->home || d->home != d->wanted)
        return 0;
    for (unsigned i = 0; i < NUMA_MAX_NODES; i++) {
        all += d->pages[i];
        if (!(d->home >> i & 1)) {
            away += d->pages[i];
            stay += d->stay[i] < d->pages[i] ? d->stay[i] : d->pages[i];
        }
    }
    away -= stay;
    return away > all / FEW ? away : 0;
}

static bool has_room(const struct numa_node *n)
{
    return n->free > n->total / RESERVE + REBALANCE_BURST;
}

unsigned rebalance_target(const struct rebalance_domain *d, const struct numa_nodes *m)
{
    uint64_t room = 0;

    for (unsigned i = 0; i < m->nr; i++)
        if (has_room(&m->node[i]))
            room |= numa_bit(i);
    return most_present(d, d->home & room);
}

void rebalance_tried(struct rebalance_domain *d, int64_t now)
{
    for (unsigned i = 0; i < NUMA_MAX_NODES; i++)
        d->stay[i] = d->home >> i & 1 ? 0 : d->pages[i];
    d->tried = now;
}
