/*
 * The event loop: what happens as virtual time passes.
 *
 * The scheduler's requests (resched, timer) only go into the calendar, so no
 * call into the scheduler is made from inside another. At the end of each
 * instant, when nobody will decide anew without time passing, the engine looks
 * whether pCPUs idle for no reason and brings the fluid ideal up to date.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "message.h"

/* At most this many events, and as many per vCPU and pCPU, at one instant: else it is a loop. */
#define INSTANT_MAX    1000000
#define INSTANT_FACTOR 1000

#define PROGRESS_EVENTS  65536 /* look at the wall clock every so many events */
#define PROGRESS_SECONDS 0.5

/* ---- what the scheduler asks for ------------------------------------------------ */

static void env_resched(void *ctx, unsigned pcpu, sched_time when)
{
    struct engine *e = ctx;
    struct sim_pcpu *p = &e->pcpus[pcpu];
    bool now = when <= e->now;

    if (p == e->deciding) { /* "now" is answered by the decision that is being made */
        if (!now && when < p->decide)
            p->decide = when;
        return;
    }
    if (now && p != e->active)
        p->kicked = true;
    if (when >= p->decide)
        return;
    p->decide = now ? e->now : when;
    pcpu_arm(e, p);
}

static void env_timer(void *ctx, struct sched_pool *pool, sched_time when)
{
    struct engine *e = ctx;

    calendar_set(&e->calendar, &e->pools[pool->id].event, when > e->now ? when : e->now,
                 ORDER_TICK);
}

static void env_trace(void *ctx, const struct sched_event *event)
{
    struct engine *e = ctx;

    if (event->kind == SCHED_EV_PARK)
        vcpu_follow(e, vcpu_of(e, event->unit));
    else if (event->kind == SCHED_EV_UNPARK && !vcpu_of(e, event->unit)->pcpu)
        vcpu_wait(e, vcpu_of(e, event->unit));
}

/* ---- events --------------------------------------------------------------------------- */

static void decide(struct engine *e, struct sim_pcpu *p)
{
    p->decide = SCHED_NEVER;
    e->deciding = p;
    struct sched_decision d = sched_decide(p->core, e->now);
    e->result->decisions++;

    struct sim_vcpu *v = d.unit ? vcpu_of(e, d.unit) : NULL;
    if (v != p->running) {
        if (p->running)
            vcpu_stop(e, p);
        if (v && v->pcpu)
            vcpu_stop(e, v->pcpu);
        if (v)
            vcpu_start(e, p, v);
    }
    e->deciding = NULL;
    p->kicked = false;
    if (d.until < p->decide)
        p->decide = d.until;
    pcpu_arm(e, p);
}

static void pcpu_event(struct engine *e, struct sim_pcpu *p, enum event_order order)
{
    e->active = p;
    if (order == ORDER_FINISH)
        vcpu_finish(e, p);
    else
        decide(e, p);
    e->active = NULL;
}

static void arm_change(struct engine *e)
{
    sched_time when = SCHED_NEVER;

    if (e->next_change < e->scenario->nr_changes)
        when = e->scenario->changes[e->next_change].at;
    calendar_set(&e->calendar, &e->change, when, ORDER_CHANGE);
}

static void take_sample(struct engine *e)
{
    struct result *r = e->result;
    struct sample *row = &r->samples[(size_t)r->nr_samples++ * r->nr_vcpus];

    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        row[i].service = meter_service(&e->vcpus[i].meter, e->now);
        row[i].ideal = e->options.ideal ? fluid_service(&e->fluid, i, e->now) : 0;
    }
    calendar_set(&e->calendar, &e->sample, e->now + r->sample_period, ORDER_SAMPLE);
}

static void handle(struct engine *e, struct event *ev)
{
    heap_remove(&e->calendar, &ev->node);
    switch (ev->kind) {
    case EVENT_CHANGE:
        change_apply(e, e->next_change++);
        arm_change(e);
        break;
    case EVENT_TIMER:
        work_expire(container_of(ev, struct work_timer, event), e->now);
        break;
    case EVENT_POOL:
        sched_tick(machine_pool(&e->machine,
                                (unsigned)(container_of(ev, struct sim_pool, event) - e->pools)),
                   e->now);
        break;
    case EVENT_FLUID:
        break; /* time stops here: end_instant does it */
    case EVENT_SAMPLE:
        take_sample(e);
        break;
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Idle pCPUs that some watched vCPU that waits could use. */
static unsigned count_wasted(const struct engine *e)
{
    struct mask useful;

    if (mask_empty(&e->idle) || list_empty(&e->waiting))
        return 0;
    mask_clear_all(&useful);
    list_for_each(v, &e->waiting, struct sim_vcpu, waiting) {
        const struct mask *hard = &v->unit->affinity->hard;
        for (int cpu = mask_next_common(hard, &e->idle, 0); cpu >= 0;
             cpu = mask_next_common(hard, &e->idle, (unsigned)cpu + 1))
            mask_set(&useful, (unsigned)cpu);
    }
    return mask_count(&useful);
}

static void end_instant(struct engine *e)
{
    e->wasted = count_wasted(e);
    if (!e->options.ideal)
        return;
    bool no_memory = false;
    sched_time next = fluid_update(&e->fluid, e->now, &no_memory);
    calendar_set(&e->calendar, &e->fluid_event, next, ORDER_FLUID);
    if (no_memory)
        e->failed = !complain((struct place){e->scenario->file, 0}, "out of memory for the ideal");
}

static void pass_time(struct engine *e, sched_time to)
{
    e->result->idle_while_waiting += (sched_time)e->wasted * (to - e->now);
    e->now = to;
    e->instant_events = 0;
}

static bool is_stuck(const struct engine *e)
{
    uint64_t limit =
        INSTANT_MAX + (uint64_t)INSTANT_FACTOR * (e->result->nr_vcpus + e->scenario->nr_pcpus);
    return e->instant_events > limit;
}

static double wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void show_progress(struct engine *e)
{
    double wall = wall_clock();

    if (wall - e->reported < PROGRESS_SECONDS)
        return;
    e->reported = wall;
    fprintf(stderr, "\r%5.1f %%, %.3f s of %.3f s, %llu decisions ",
            100 * (double)e->now / (double)e->scenario->duration, (double)e->now * 1e-9,
            (double)e->scenario->duration * 1e-9, (unsigned long long)e->result->decisions);
    fflush(stderr);
}

static void count_event(struct engine *e)
{
    e->result->events++;
    e->instant_events++;
    if (is_stuck(e))
        e->failed = !complain((struct place){e->scenario->file, 0},
                              "no end of scheduling decisions at %lld ns: the policy is broken",
                              (long long)e->now);
    if (e->options.progress && e->result->events % PROGRESS_EVENTS == 0)
        show_progress(e);
}

static void run(struct engine *e)
{
    bool ended = false; /* end_instant has been called for `now` */

    while (!e->failed) {
        struct event *ev = heap_top_entry(&e->calendar, struct event, node);
        turn first = turns_first(&e->turns);
        bool is_pcpu = !ev || turn_key(first) < ev->node.key; /* never equal: orders differ */
        int64_t key = is_pcpu ? turn_key(first) : ev->node.key;
        sched_time next = key == TURN_NEVER ? SCHED_NEVER : key_time(key);
        if (next > e->now && !ended) {
            end_instant(e); /* may add an event */
            ended = true;
            continue;
        }
        if (next > e->scenario->duration)
            break;
        if (next > e->now)
            pass_time(e, next);
        ended = false;
        count_event(e);
        if (!is_pcpu)
            handle(e, ev);
        else if (next == e->scenario->duration && key_order(key) == ORDER_DECIDE)
            turns_set(&e->turns, turn_pcpu(first), TURN_NEVER); /* it would run for no time */
        else
            pcpu_event(e, &e->pcpus[turn_pcpu(first)], key_order(key));
    }
    if (!e->failed)
        pass_time(e, e->scenario->duration);
    if (e->reported > 0)
        fputs("\r\033[K", stderr); /* the line of progress goes */
}

/* ---- setting up ---------------------------------------------------------- */

static void note_lag(void *ctx, unsigned unit, double service, sched_time now)
{
    struct engine *e = ctx;
    meter_lag(&e->vcpus[unit].meter, service, now);
}

static bool alloc(struct engine *e)
{
    const struct scenario *s = e->scenario;

    e->result = result_new(s, &e->options);
    if (!e->result)
        return false;
    e->vcpus = calloc(e->result->nr_vcpus + 1, sizeof(*e->vcpus));
    e->workers = calloc(e->result->nr_vcpus + 1, sizeof(*e->workers));
    e->pcpus = calloc(s->nr_pcpus, sizeof(*e->pcpus));
    e->pools = calloc(s->nr_pools, sizeof(*e->pools));
    e->domains = calloc(s->nr_domains + 1, sizeof(*e->domains));
    return e->vcpus && e->workers && e->pcpus && e->pools && e->domains &&
           turns_init(&e->turns, s->nr_pcpus) &&
           (!e->options.ideal ||
            fluid_init(&e->fluid, e->result->nr_vcpus, s->nr_pools, s->nr_domains));
}

/* Before the machine exists: its set-up asks pCPUs to decide already. */
static void init_host(struct engine *e)
{
    const struct scenario *s = e->scenario;

    heap_init(&e->calendar);
    list_init(&e->waiting);
    event_init(&e->change, EVENT_CHANGE);
    event_init(&e->sample, EVENT_SAMPLE);
    event_init(&e->fluid_event, EVENT_FLUID);
    for (unsigned i = 0; i < s->nr_pools; i++)
        event_init(&e->pools[i].event, EVENT_POOL);
    for (unsigned i = 0; i < s->nr_pcpus; i++) {
        e->pcpus[i].finish = e->pcpus[i].decide = SCHED_NEVER;
        mask_set(&e->idle, i);
    }
    e->fluid.note = note_lag;
    e->fluid.ctx = e;
    e->work_env = guest_env;
    e->work_env.ctx = e;
    e->sched_env = (struct sched_env){
        .ctx = e, .resched = env_resched, .timer = env_timer, .trace = env_trace};
}

static void init_vcpu(struct engine *e, unsigned i)
{
    struct sim_vcpu *v = &e->vcpus[i];

    e->workers[i] = &v->worker;
    v->worker.result = &e->result->vcpus[i];
    v->unit = machine_unit(&e->machine, i);
    v->blocked = true;
    list_init(&v->waiting);
    meter_init(&v->meter, &e->result->vcpus[i]);
}

static bool init_guests(struct engine *e)
{
    const struct scenario *s = e->scenario;

    for (unsigned i = 0; i < e->result->nr_vcpus; i++)
        init_vcpu(e, i);
    for (unsigned i = 0; i < s->nr_domains; i++) {
        cap_meter_init(&e->domains[i].cap, &e->result->domains[i]);
        if (!crew_init(&e->domains[i].crew, &s->domains[i].workload, &e->work_env,
                       e->workers + e->machine.first_unit[i], s->domains[i].nr_vcpus,
                       &e->result->domains[i], s->seed, i))
            return complain(s->domains[i].place, "out of memory for %u clients",
                            s->domains[i].workload.clients);
    }
    return true;
}

static bool boot(struct engine *e)
{
    const struct scenario *s = e->scenario;

    if (!alloc(e))
        return complain((struct place){s->file, 0}, "out of memory");
    init_host(e);
    if (!machine_init(&e->machine, s, &e->sched_env))
        return false;
    for (unsigned i = 0; i < s->nr_pcpus; i++)
        e->pcpus[i].core = e->machine.pcpus[i];
    if (!init_guests(e))
        return false;
    change_boot(e);
    arm_change(e);
    calendar_set(&e->calendar, &e->sample, e->result->sample_period, ORDER_SAMPLE);
    return !e->failed;
}

static void finish(struct engine *e)
{
    struct result *r = e->result;

    change_end(e);
    r->end = e->now;
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        r->busy += r->vcpus[i].service;
        if (e->options.ideal)
            r->vcpus[i].ideal = fluid_service(&e->fluid, i, e->now);
    }
}

static void tear_down(struct engine *e)
{
    for (unsigned i = 0; e->domains && i < e->scenario->nr_domains; i++)
        crew_free(&e->domains[i].crew);
    machine_free(&e->machine);
    if (e->options.ideal)
        fluid_free(&e->fluid);
    free(e->vcpus);
    free(e->workers);
    free(e->pcpus);
    free(e->pools);
    free(e->domains);
    turns_free(&e->turns);
}

struct result *simulate(const struct scenario *s, const struct run_options *o)
{
    struct engine e = {.scenario = s, .options = *o};

    e.options.progress = o->progress && isatty(STDERR_FILENO);
    bool done = boot(&e);
    if (done)
        run(&e);
    if (done && !e.failed) {
        finish(&e);
    } else {
        result_free(e.result);
        e.result = NULL;
    }
    tear_down(&e);
    return e.result;
}
