/*
 * Chains of moves: a unit takes a pCPU from a running one that can go on
 * elsewhere.
 *
 * Taking over waiting units (balance.c) is enough when units may run
 * anywhere. With hard affinities a pCPU that is served too well may have no
 * waiting unit that it could take, and still be able to help: a unit X that
 * runs on another pCPU may move here, and make room there for one that is
 * behind. That is an augmenting path from the badly served pCPU over running
 * units to the well served one; without it, weighted max-min fairness is out
 * of reach on some affinities (the "strong" semantics of Cerqueira, Gujarati &
 * Brandenburg, "Linux's processor affinity API, refined", RTSS 2014).
 *
 * The search is breadth first, over at most VISIT_MAX pCPUs, and looks at each
 * affinity once. A pCPU tries every PAUSE_MIN while it succeeds, and backs off
 * to PAUSE_MAX while it does not.
 */
#include "core.h"
#include "fair.h"

#define VISIT_MAX 64
#define PAUSE_MIN (2 * MS)
#define PAUSE_MAX (32 * MS)

struct search {
    struct sched_pool *pool;
    struct list reached; /* pCPUs to be looked at, by pcpu->search_link */
    unsigned visited;
    struct sched_pcpu *best; /* the best served one that a chain leads to */
    int64_t best_clock;
    bool idle; /* it has nothing to do at all */
};

/* Is it served better than the best so far? */
static void consider(struct search *s, struct sched_pcpu *p, sched_time now)
{
    if (s->idle)
        return;
    s->idle = mask_test(&s->pool->idle, p->id);
    int64_t clock = fair_clock(p, now);
    if (!s->idle && (!p->current || (s->best && vtime_diff(clock, s->best_clock) <= 0)))
        return;
    s->best = p;
    s->best_clock = clock;
}

static void reach(struct search *s, const struct sched_unit *u, struct sched_pcpu *via,
                  sched_time now)
{
    const struct mask *hard = &u->affinity->hard;

    if (u->affinity->search == s->pool->searches)
        return;
    u->affinity->search = s->pool->searches;
    for (int id = mask_next(hard, 0); id != MASK_NONE && s->visited < VISIT_MAX;
         id = mask_next(hard, (unsigned)id + 1)) {
        struct sched_pcpu *p = s->pool->sched->pcpus[id];
        if (p->search == s->pool->searches)
            continue;
        p->search = s->pool->searches;
        p->via = via;
        s->visited++;
        list_add_tail(&s->reached, &p->search_link);
        consider(s, p, now);
    }
}

/* The pCPU with the highest clock to which a chain from `u` leads, its way back in via. */
static struct sched_pcpu *best_served(struct sched_unit *u, sched_time now)
{
    struct search s = {.pool = u->domain->pool};

    list_init(&s.reached);
    u->home->search = ++s.pool->searches;
    reach(&s, u, NULL, now);
    while (!list_empty(&s.reached)) {
        struct sched_pcpu *p = list_first_entry(&s.reached, struct sched_pcpu, search_link);
        list_del(&p->search_link);
        if (p->current && !p->current->bound && !s.idle)
            reach(&s, p->current, p, now);
    }
    return s.best;
}

/* Everybody on the way moves one pCPU on, and the best served pCPU chooses anew. */
static void move_along(struct sched_unit *u, struct sched_pcpu *end, sched_time now)
{
    struct sched_unit *preempted = end->current;

    if (preempted)
        core_preempt(end, now);
    else
        balance_claim(end, u, now);
    for (struct sched_pcpu *to = end, *from = end->via; from; to = from, from = from->via) {
        struct sched_unit *running = from->current;
        core_preempt(from, now);
        core_move(running, to, now);
        end = from;
    }
    core_move(u, end, now);
    if (preempted)
        balance_offer(preempted, now);
}

static bool try_displace(struct sched_unit *u, sched_time now)
{
    struct sched_pcpu *end = best_served(u, now);

    if (!end)
        return false;
    /* Those whom it leaves behind must be worse off than those whom it joins. */
    int64_t gain = vtime_diff(fair_clock(end, now), fair_clock_without(u));
    if (end->nr_runnable && fair_to_service(u, gain) <= 2 * u->domain->pool->policy->resist)
        return false;
    move_along(u, end, now);
    return true;
}

bool displace(struct sched_unit *u, sched_time now)
{
    struct sched_pcpu *home = u->home;

    if (!home->pool->policy->balanced || u->bound || u->affinity->width < 2 ||
        home->nr_runnable < 2 || now < home->displace_at)
        return false;
    bool moved = try_displace(u, now);
    home->displace_pause = moved ? PAUSE_MIN : home->displace_pause * 2;
    home->displace_pause = time_min(time_max(home->displace_pause, PAUSE_MIN), PAUSE_MAX);
    home->displace_at = now + home->displace_pause;
    return moved;
}
