/*
 * Where units run: placement of those that wake, and the work that pCPUs take
 * over from each other.
 *
 * The rule is the greedy one of generalised multiprocessor sharing: a pCPU
 * serves the unit that is furthest behind, of all that may run there. Taken
 * literally that would move units all the time, so units stay on their pCPU's
 * queue until that queue is served worse than another, by more than the
 * policy's `resist`. Three equal hogs on two pCPUs then take turns in being
 * alone, and pinned ones, who can not move, have their pCPU to themselves as
 * soon as that is what max-min fairness gives them.
 */
#include "core.h"
#include "fair.h"

/* Pool members compared when a unit has to leave its pCPU; balancing does the rest. */
#define LOOK_AT_MOST 16

/* Being outside its soft affinity must be worth this many times more. */
#define SOFT_RESIST 4

/* A busy pCPU that might take over units later looks again within these bounds: who waits
 * changes faster than who is behind. */
#define LOOK_MIN MS
#define LOOK_MAX (5 * MS)

static struct sched_pcpu *pcpu_at(const struct sched_unit *u, int id)
{
    return id == MASK_NONE ? NULL : u->domain->pool->sched->pcpus[id];
}

static struct sched_pcpu *idle_neighbour(const struct sched_unit *u, const struct mask *allowed)
{
    const struct mask *idle = &u->domain->pool->idle;

    list_for_each(p, &u->home->cluster, struct sched_pcpu, cluster)
        if (mask_test(idle, p->id) && mask_test(allowed, p->id))
            return p;
    return pcpu_at(u, mask_next_common(idle, allowed, 0));
}

static struct sched_pcpu *idle_pcpu(const struct sched_unit *u)
{
    const struct sched_affinity *a = u->affinity;
    const struct sched_pool *pool = u->domain->pool;

    if (mask_empty(&pool->idle))
        return NULL;
    if (mask_test(&pool->idle, u->home->id) && mask_test(&a->soft, u->home->id))
        return u->home;
    struct sched_pcpu *p = idle_neighbour(u, &a->soft);
    return p ? p : idle_neighbour(u, &a->hard);
}

/* The pCPU near home that would run it first; home if it is as good as any. */
static struct sched_pcpu *soonest_pcpu(const struct sched_unit *u, sched_time now)
{
    const struct sched_policy *policy = u->domain->pool->policy;
    struct sched_pcpu *best = u->home;
    sched_time best_when = policy->preempt_at(best, u, now);

    list_for_each(p, &u->home->cluster, struct sched_pcpu, cluster) {
        if (best_when <= now)
            break;
        if (!p->current || !mask_test(&u->affinity->soft, p->id))
            continue;
        sched_time when = policy->preempt_at(p, u, now);
        if (when < best_when) {
            best = p;
            best_when = when;
        }
    }
    return best;
}

struct sched_pcpu *balance_least_loaded(const struct sched_unit *u)
{
    const struct mask *allowed = &u->affinity->soft;
    struct sched_pcpu *best = NULL;
    unsigned looked = 0;

    for (int id = mask_next(allowed, 0); id != MASK_NONE && looked < LOOK_AT_MOST;
         id = mask_next(allowed, (unsigned)id + 1), looked++) {
        struct sched_pcpu *p = pcpu_at(u, id);
        if (!best || p->nr_runnable < best->nr_runnable)
            best = p;
    }
    return best;
}

struct sched_pcpu *balance_place(const struct sched_unit *u, sched_time now)
{
    if (u->bound || (!u->domain->pool->policy->balanced && unit_may_run_on(u, u->home)))
        return u->home;
    if (!u->home->current && unit_prefers(u, u->home) && !u->home->nr_runnable)
        return u->home;
    struct sched_pcpu *idle = idle_pcpu(u);
    if (idle)
        return idle;
    if (!unit_may_run_on(u, u->home))
        return balance_least_loaded(u);
    return u->home->current ? soonest_pcpu(u, now) : u->home;
}

/* How far behind this pCPU's clock the waiting unit and its queue are, in its own service. */
static int64_t shortfall(const struct sched_pcpu *pcpu, const struct sched_unit *u, int64_t *vtime,
                         sched_time now)
{
    int64_t clock = fair_clock(pcpu, now);
    int64_t queue = vtime_diff(clock, fair_clock(u->home, now)) * 2;
    int64_t unit = vtime_diff(clock, u->vtime);

    *vtime = queue < unit ? queue : unit;
    return fair_to_service(u, *vtime);
}

/* When this pCPU's clock will be far enough ahead of the unit to take it over; `now` if it is. */
static sched_time pull_time(const struct sched_pcpu *pcpu, const struct sched_unit *u,
                            sched_time now)
{
    sched_time resist = u->domain->pool->policy->resist;
    int64_t vtime;

    if (!unit_prefers(u, pcpu))
        resist *= SOFT_RESIST;
    if (shortfall(pcpu, u, &vtime, now) > resist)
        return now;
    sched_time ahead = fair_clock_time(pcpu, fair_to_virtual(u, resist) - vtime);
    return now + time_min(time_max(ahead, LOOK_MIN), LOOK_MAX);
}

/* Somebody waits here behind a unit that could go elsewhere: it may displace (displace.c). */
static bool could_leave(const struct sched_pcpu *pcpu)
{
    const struct sched_unit *u = pcpu->current;
    return pcpu->nr_runnable > 1 && !u->bound && u->affinity->width > 1;
}

/* It runs where it does not prefer to: a pCPU that it prefers may have become idle. */
static bool is_astray(const struct sched_pcpu *pcpu)
{
    const struct sched_unit *u = pcpu->current;
    return !u->bound && !unit_prefers(u, pcpu);
}

/* The unit that the pCPU should take over now, or NULL. */
static struct sched_unit *find_work(struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_unit *u = NULL;

    if (!pcpu->nr_runnable)
        u = core_first_waiting(pcpu, true);
    if (!u)
        u = core_first_waiting(pcpu, false);
    if (!u || u->home == pcpu || !pcpu->nr_runnable)
        return u;
    if (u->moved && now - u->moved < LOOK_MIN)
        return NULL; /* its home has had no time for it yet */
    return pull_time(pcpu, u, now) <= now ? u : NULL;
}

struct sched_unit *balance_pull(struct sched_pcpu *pcpu, sched_time now)
{
    if (!pcpu->pool->policy->balanced)
        return NULL;
    struct sched_unit *u = find_work(pcpu, now);
    if (!u || u->home == pcpu)
        return NULL;
    core_move(u, pcpu, now);
    return u;
}

sched_time balance_look_again(struct sched_pcpu *pcpu, sched_time now)
{
    if (!pcpu->pool->policy->balanced || !pcpu->current)
        return SCHED_NEVER;
    bool may_go = could_leave(pcpu) || is_astray(pcpu);
    sched_time again = may_go ? now + LOOK_MAX : SCHED_NEVER;
    struct sched_unit *u = core_first_waiting(pcpu, false);
    if (!u) {
        mask_set(&pcpu->pool->content, pcpu->id);
        return again;
    }
    mask_clear(&pcpu->pool->content, pcpu->id);
    if (u->home == pcpu)
        return again;
    return time_max(pull_time(pcpu, u, now), now + LOOK_MIN);
}

void balance_claim(struct sched_pcpu *pcpu, struct sched_unit *u, sched_time now)
{
    if (list_linked(&u->offer_link))
        list_del(&u->offer_link);
    list_add_tail(&pcpu->offered, &u->offer_link);
    mask_clear(&pcpu->pool->idle, pcpu->id);
    core_resched(pcpu, now);
}

void balance_offer(struct sched_unit *u, sched_time now)
{
    struct sched_pool *pool = u->domain->pool;
    const struct mask *hard = &u->affinity->hard;

    if (!heap_queued(&u->index_node))
        return;
    struct sched_pcpu *p = mask_empty(&pool->idle) ? NULL : idle_neighbour(u, hard);
    if (p)
        balance_claim(p, u, now);
    for (int id = mask_next_common(&pool->content, hard, 0); id != MASK_NONE;
         id = mask_next_common(&pool->content, hard, (unsigned)id + 1)) {
        p = pool->sched->pcpus[id];
        mask_clear(&pool->content, p->id);
        core_resched(p, pull_time(p, u, now));
    }
}
