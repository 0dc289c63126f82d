/*
 * What happens to units: they wake, wait, run, yield, park and block. Who
 * comes next on a pCPU is the policy's business, where a unit goes balance.c's.
 */
#include "budget.h"
#include "core.h"
#include "fair.h"
#include "index.h"

void core_trace(struct sched_pool *pool, enum sched_event_kind kind, int pcpu,
                const struct sched_unit *u, int64_t arg, sched_time now)
{
    const struct sched_env *env = pool->sched->env;
    struct sched_event event = {.kind = kind, .now = now, .pcpu = pcpu, .unit = u, .arg = arg};

    if (env->trace)
        env->trace(env->ctx, &event);
}

void core_resched(struct sched_pcpu *pcpu, sched_time when)
{
    const struct sched_env *env = pcpu->sched->env;
    env->resched(env->ctx, pcpu->id, when);
}

void core_timer(struct sched_pool *pool, sched_time when)
{
    if (when >= pool->timer)
        return;
    pool->timer = when;
    pool->sched->env->timer(pool->sched->env->ctx, pool, when);
}

void core_charge(struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_unit *u = pcpu->current;
    sched_time ran = now - pcpu->charged;

    pcpu->charged = now;
    if (!u || ran <= 0)
        return;
    u->service += ran;
    fair_charge(u, ran);
    if (pcpu->pool->policy->charge)
        pcpu->pool->policy->charge(u, ran, now);
}

static void join_clock(struct sched_unit *u)
{
    if (u->in_clock)
        return;
    fair_join(u);
    u->home->nr_runnable++;
}

static void leave_clock(struct sched_unit *u)
{
    if (!u->in_clock)
        return;
    fair_leave(u);
    u->home->nr_runnable--;
}

static void index_enter(struct sched_unit *u)
{
    if (u->domain->pool->policy->balanced && !u->bound && u->affinity->width > 1)
        index_insert(u, u->vtime);
}

static void index_quit(struct sched_unit *u)
{
    if (index_holds(u))
        index_remove(u);
}

void core_park(struct sched_unit *u, sched_time now)
{
    index_quit(u);
    leave_clock(u);
    u->state = SCHED_PARKED;
    core_trace(u->domain->pool, SCHED_EV_PARK, (int)u->home->id, u, 0, now);
}

bool core_queue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    u->state = SCHED_WAITING;
    if (why == SCHED_WOKEN && !u->home->nr_runnable)
        fair_catch_up(u);
    if (!u->domain->pool->policy->enqueue(u, why, now)) {
        core_park(u, now);
        return false;
    }
    join_clock(u);
    if (!index_holds(u))
        index_enter(u);
    levels_watch(u->domain->pool, now);
    return true;
}

void core_unqueue(struct sched_unit *u, sched_time now)
{
    if (list_linked(&u->park_link))
        budget_unpark(u);
    else
        u->domain->pool->policy->dequeue(u, now);
    index_quit(u);
    leave_clock(u);
}

void core_set_home(struct sched_unit *u, struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_pcpu *from = u->home;
    bool counted = u->in_clock;

    if (from == pcpu)
        return;
    leave_clock(u);
    list_del(&u->home_link);
    list_add_tail(&pcpu->units, &u->home_link);
    u->home = pcpu;
    if (!from)
        return;
    u->migrations++;
    if (counted)
        join_clock(u);
    core_trace(pcpu->pool, SCHED_EV_MIGRATE, (int)pcpu->id, u, (int)from->id, now);
}

/* See that the waiting unit's home looks at it in time. */
static void notify_home(struct sched_unit *u, sched_time now)
{
    struct sched_pcpu *p = u->home;

    if (!p->current) {
        balance_claim(p, u, now);
        return;
    }
    sched_time when = p->pool->policy->preempt_at(p, u, now);
    if (when < p->until)
        core_resched(p, time_max(when, now));
    balance_offer(u, now);
}

void core_dispatch(struct sched_unit *u, enum sched_why why, sched_time now)
{
    core_set_home(u, balance_place(u, now), now);
    if (core_queue(u, why, now))
        notify_home(u, now);
}

void core_ready(struct sched_unit *u, sched_time now)
{
    if (u->state != SCHED_PARKED)
        return;
    core_trace(u->domain->pool, SCHED_EV_UNPARK, (int)u->home->id, u, 0, now);
    core_dispatch(u, SCHED_UNPARKED, now);
}

/* The pCPU's running unit goes back to its queue, and nobody runs until it decides again. */
static void stop_running(struct sched_pcpu *pcpu, enum sched_why why, sched_time now)
{
    struct sched_unit *u = pcpu->current;

    core_charge(pcpu, now);
    pcpu->current = NULL;
    core_queue(u, why, now);
}

void core_preempt(struct sched_pcpu *pcpu, sched_time now)
{
    stop_running(pcpu, SCHED_PREEMPTED, now);
    core_resched(pcpu, now);
}

void core_move(struct sched_unit *u, struct sched_pcpu *to, sched_time now)
{
    if (u->state != SCHED_WAITING || u->home == to)
        return;
    core_unqueue(u, now);
    core_set_home(u, to, now);
    u->moved = now;
    core_queue(u, SCHED_MOVED, now);
}

void core_withdraw(struct sched_unit *u, sched_time now)
{
    if (list_linked(&u->offer_link))
        list_del(&u->offer_link);
    if (u->state == SCHED_RUNNING)
        core_preempt(u->home, now);
    if (u->state == SCHED_WAITING || u->state == SCHED_PARKED) {
        core_unqueue(u, now);
        u->state = SCHED_BLOCKED;
    }
}

void core_resume(struct sched_unit *u, sched_time now)
{
    if (u->state == SCHED_BLOCKED && unit_runnable(u))
        core_dispatch(u, SCHED_MOVED, now);
}

/* ---- events ---------------------------------------------------------------- */

static void start_sleep(struct sched_unit *u, sched_time now)
{
    struct sched_pcpu *p = u->home;

    if (u->state == SCHED_RUNNING) {
        core_charge(p, now);
        p->current = NULL;
        index_quit(u);
        leave_clock(u);
        u->state = SCHED_BLOCKED;
        if (p->pool->policy->slept)
            p->pool->policy->slept(u, now);
        core_resched(p, now);
    } else if (u->state == SCHED_WAITING || u->state == SCHED_PARKED) {
        core_unqueue(u, now);
        u->state = SCHED_BLOCKED;
    }
    core_trace(u->domain->pool, SCHED_EV_BLOCK, (int)p->id, u, 0, now);
}

static void start_waiting(struct sched_unit *u, sched_time now)
{
    u->woken = now;
    core_trace(u->domain->pool, SCHED_EV_WAKE, (int)u->home->id, u, 0, now);
    core_dispatch(u, SCHED_WOKEN, now);
}

void sched_wake(struct sched_unit *u, sched_time now)
{
    if (u->awake)
        return;
    u->awake = true;
    if (unit_runnable(u))
        start_waiting(u, now);
}

void sched_block(struct sched_unit *u, sched_time now)
{
    if (!u->awake)
        return;
    u->awake = false;
    if (!u->paused && u->state != SCHED_DETACHED)
        start_sleep(u, now);
}

void sched_pause(struct sched_unit *u, sched_time now)
{
    if (u->paused++ == 0 && u->awake && u->state != SCHED_DETACHED)
        start_sleep(u, now);
}

void sched_unpause(struct sched_unit *u, sched_time now)
{
    if (u->paused && --u->paused == 0 && unit_runnable(u))
        start_waiting(u, now);
}

void sched_unit_yield(struct sched_unit *u, sched_time now)
{
    if (u->state != SCHED_RUNNING)
        return;
    u->yielding = true;
    core_resched(u->home, now);
}

/* ---- decisions ------------------------------------------------------------- */

/* A pCPU that the unit prefers has nothing to do: go there instead of waiting here. */
static bool leave_for_soft(struct sched_unit *u, sched_time now)
{
    if (!u->domain->pool->policy->balanced || u->bound || unit_prefers(u, u->home) ||
        mask_next_common(&u->affinity->soft, &u->domain->pool->idle, 0) == MASK_NONE)
        return false;
    core_unqueue(u, now);
    core_dispatch(u, SCHED_MOVED, now);
    return true;
}

/* The unit that ran until now queues up again, if it still wants to run: here or, then it is
 * `*gone`, on an idle pCPU that it prefers. */
static struct sched_unit *requeue_current(struct sched_pcpu *pcpu, struct sched_unit **gone,
                                          sched_time now)
{
    struct sched_unit *u = pcpu->current;

    *gone = NULL;
    if (!u)
        return NULL;
    enum sched_why why = u->yielding ? SCHED_YIELDED : SCHED_PREEMPTED;
    stop_running(pcpu, why, now);
    if (u->state != SCHED_WAITING)
        return NULL;
    if (leave_for_soft(u, now)) {
        *gone = u;
        return NULL;
    }
    return displace(u, now) ? NULL : u;
}

static void start_running(struct sched_pcpu *pcpu, struct sched_unit *u, sched_time until,
                          const struct sched_unit *before, sched_time now)
{
    if (u) {
        index_quit(u);
        u->state = SCHED_RUNNING;
        mask_clear(&pcpu->pool->idle, pcpu->id);
    } else {
        mask_set(&pcpu->pool->idle, pcpu->id);
    }
    if (u != before || !u)
        pcpu->since = now;
    pcpu->current = u;
    pcpu->charged = now;
    pcpu->until = until;
    if (u ? u != before : pcpu->busy)
        core_trace(pcpu->pool, SCHED_EV_SWITCH, (int)pcpu->id, u, 0, now);
    pcpu->busy = u != NULL;
}

/* The policy's choice. It may park units for want of budget, then there may be others to pull. */
static struct sched_decision pick(struct sched_pcpu *pcpu, struct sched_unit *prev, sched_time now,
                                  struct sched_unit **pulled)
{
    const struct sched_policy *policy = pcpu->pool->policy;

    *pulled = balance_pull(pcpu, now);
    struct sched_decision d = policy->pick(pcpu, prev, now);
    while (!d.unit && (*pulled = balance_pull(pcpu, now)))
        d = policy->pick(pcpu, NULL, now);
    return d;
}

/* The same while `gone`, which has just left, is out of reach: it shall not be pulled back. */
static struct sched_decision pick_without(struct sched_pcpu *pcpu, struct sched_unit *prev,
                                          struct sched_unit *gone, sched_time now,
                                          struct sched_unit **pulled)
{
    bool hide = gone && index_holds(gone);

    if (hide)
        index_remove(gone);
    struct sched_decision d = pick(pcpu, prev, now, pulled);
    if (hide)
        index_insert(gone, gone->vtime);
    return d;
}

/* The pCPU took somebody else: who was promised a look now looks for another one. */
static void offer_again(struct sched_pcpu *pcpu, sched_time now)
{
    while (!list_empty(&pcpu->offered)) {
        struct sched_unit *u = list_first_entry(&pcpu->offered, struct sched_unit, offer_link);
        list_del(&u->offer_link);
        if (pcpu->current && u->state == SCHED_WAITING)
            balance_offer(u, now);
    }
}

struct sched_decision sched_decide(struct sched_pcpu *pcpu, sched_time now)
{
    struct sched_unit *before = pcpu->current, *gone, *pulled;

    if (!pcpu->pool)
        return (struct sched_decision){.unit = NULL, .until = SCHED_NEVER};
    struct sched_unit *prev = requeue_current(pcpu, &gone, now);
    struct sched_decision d = pick_without(pcpu, prev, gone, now, &pulled);
    if (before)
        before->yielding = false;
    start_running(pcpu, d.unit, d.until, before, now);
    pcpu->until = time_min(d.until, balance_look_again(pcpu, now));
    if (prev && prev->state == SCHED_WAITING)
        balance_offer(prev, now);
    if (pulled && pulled->state == SCHED_WAITING)
        balance_offer(pulled, now);
    offer_again(pcpu, now);
    d.until = pcpu->until;
    return d;
}

void sched_tick(struct sched_pool *pool, sched_time now)
{
    pool->timer = SCHED_NEVER;
    sched_time next = time_min(budget_tick(pool, now), levels_tick(pool, now));

    if (pool->policy->tick)
        next = time_min(next, pool->policy->tick(pool, now));
    if (next != SCHED_NEVER)
        core_timer(pool, next);
}
