/* vCPUs as the guests see them: they wake, make progress when they run, and finish. */
#include "engine.h"

void pcpu_arm(struct engine *e, struct sim_pcpu *p)
{
    bool finishes = p->finish <= p->decide;
    sched_time when = finishes ? p->finish : p->decide;

    turns_set(&e->turns, (unsigned)(p - e->pcpus),
              when >= CALENDAR_END ? TURN_NEVER
                                   : calendar_key(when, finishes ? ORDER_FINISH : ORDER_DECIDE));
}

/* ---- progress ---------------------------------------------------------------------- */

static void set_finish(struct engine *e, struct sim_pcpu *p)
{
    const struct sim_vcpu *v = p->running;

    p->finish = v->left == SCHED_NEVER ? SCHED_NEVER : v->from + v->left;
    if (p != e->deciding)
        pcpu_arm(e, p);
}

static void count_progress(struct engine *e, struct sim_vcpu *v)
{
    if (v->from >= e->now)
        return;
    if (v->left != SCHED_NEVER)
        v->left -= e->now - v->from;
    v->from = e->now;
}

static void set_burst(struct engine *e, struct sim_vcpu *v, sched_time burst)
{
    if (v->pcpu)
        count_progress(e, v);
    v->left = burst;
    if (v->pcpu)
        set_finish(e, v->pcpu);
}

/* ---- waiting -------------------------------------------------------------------------- */

void vcpu_wait(struct engine *e, struct sim_vcpu *v)
{
    meter_wait(&v->meter, e->now);
    if (v->watched && !list_linked(&v->waiting))
        list_add_tail(&e->waiting, &v->waiting);
}

void vcpu_follow(struct engine *e, struct sim_vcpu *v)
{
    if (!v->pcpu && v->unit->state == SCHED_WAITING) {
        vcpu_wait(e, v);
    } else {
        list_del(&v->waiting);
        meter_wait_end(&v->meter, e->now);
    }
}

/* ---- running ---------------------------------------------------------------------------- */

static sched_time overhead(const struct engine *e, const struct sim_pcpu *p,
                           const struct sim_vcpu *v)
{
    const struct costs *costs = &e->scenario->costs;
    sched_time t = 0;

    if (p->last != v)
        t += costs->context_switch;
    if (v->last && v->last != p)
        t += costs->migration;
    if (p->kicked)
        t += costs->ipi;
    return t;
}

void vcpu_start(struct engine *e, struct sim_pcpu *p, struct sim_vcpu *v)
{
    sched_time delay = overhead(e, p, v);

    list_del(&v->waiting);
    mask_clear(&e->idle, p->core->id);
    meter_run(&v->meter, e->now, delay);
    cap_meter_run(&e->domains[v->meter.result->domain].cap, +1, e->now);
    v->meter.result->migrations += v->last && v->last != p;
    if (e->options.ideal)
        meter_lag(&v->meter, fluid_service(&e->fluid, vcpu_index(e, v), e->now), e->now);
    v->from = e->now + delay;
    v->pcpu = v->last = p;
    p->running = p->last = v;
    set_finish(e, p);
    if (v->worker.spinning)
        work_resume(&v->worker);
}

void vcpu_stop(struct engine *e, struct sim_pcpu *p)
{
    struct sim_vcpu *v = p->running;
    struct slice slice = {v->meter.running, e->now, p->core->id, vcpu_index(e, v)};

    count_progress(e, v);
    meter_stop(&v->meter, e->now);
    cap_meter_run(&e->domains[v->meter.result->domain].cap, -1, e->now);
    result_add_slice(e->result, &e->options, &slice);
    mask_set(&e->idle, p->core->id);
    v->pcpu = NULL;
    p->running = NULL;
    p->finish = SCHED_NEVER;
    if (p != e->deciding)
        pcpu_arm(e, p);
    vcpu_follow(e, v);
}

void vcpu_finish(struct engine *e, struct sim_pcpu *p)
{
    struct sim_vcpu *v = p->running;

    count_progress(e, v);
    struct work_step step = work_done(&v->worker, e->now);
    if (step.next == NEXT_BLOCK) {
        v->blocked = true;
        sched_block(v->unit, e->now);
        vcpu_stop(e, p);
        return;
    }
    v->left = step.burst;
    set_finish(e, p);
    if (step.next == NEXT_YIELD)
        sched_unit_yield(v->unit, e->now);
}

/* ---- what workloads ask for ----------------------------------------------------------------- */

static struct sim_vcpu *vcpu_of_worker(struct worker *w)
{
    return container_of(w, struct sim_vcpu, worker);
}

static void guest_give(void *ctx, struct worker *w, sched_time burst)
{
    struct engine *e = ctx;
    struct sim_vcpu *v = vcpu_of_worker(w);

    set_burst(e, v, burst);
    if (!v->blocked)
        return;
    v->blocked = false;
    meter_wake(&v->meter, e->now);
    sched_wake(v->unit, e->now);
    vcpu_follow(e, v);
}

static void guest_demand(void *ctx, struct worker *w, sched_time work)
{
    struct engine *e = ctx;

    if (e->options.ideal)
        fluid_demand(&e->fluid, vcpu_index(e, vcpu_of_worker(w)), work, e->now);
}

static void guest_arm(void *ctx, struct work_timer *t, sched_time when)
{
    struct engine *e = ctx;
    calendar_set(&e->calendar, &t->event, when, ORDER_WAKE);
}

static bool guest_running(void *ctx, const struct worker *w)
{
    (void)ctx;
    return ((const struct sim_vcpu *)((const char *)w - offsetof(struct sim_vcpu, worker)))->pcpu;
}

const struct work_env guest_env = {
    .give = guest_give, .demand = guest_demand, .arm = guest_arm, .running = guest_running};
