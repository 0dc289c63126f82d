#include "behaviour.h"

#include <stdlib.h>

/* ---- what all share -------------------------------------------------------- */

static const struct work_step block = {.next = NEXT_BLOCK};

static struct work_step run(sched_time burst)
{
    return (struct work_step){.next = NEXT_RUN, .burst = burst};
}

/* A burst of nothing would not let time pass. */
static sched_time draw_burst(struct rng *rng, const struct dist *d)
{
    sched_time t = rng_time(rng, d);
    return t > 0 ? t : 1;
}

static void demand(struct worker *w, sched_time work)
{
    w->crew->env->demand(w->crew->env->ctx, w, work);
}

static void give(struct worker *w, sched_time burst)
{
    w->busy = true;
    w->crew->env->give(w->crew->env->ctx, w, burst);
}

static void arm(const struct crew *crew, struct work_timer *t, sched_time when)
{
    crew->env->arm(crew->env->ctx, t, when);
}

static struct work_step sleep_until(struct worker *w, sched_time when)
{
    w->busy = false;
    arm(w->crew, &w->timer, when);
    return block;
}

static void wake_with(struct worker *w, sched_time burst)
{
    demand(w, burst);
    give(w, burst);
}

/* ---- hog, yielder ---------------------------------------------------------- */

static void hog_start(struct worker *w, sched_time now)
{
    (void)now;
    wake_with(w, SCHED_NEVER);
}

static void yielder_start(struct worker *w, sched_time now)
{
    (void)now;
    demand(w, SCHED_NEVER);
    give(w, draw_burst(&w->rng, &w->crew->workload->burst));
}

static struct work_step yielder_done(struct worker *w, sched_time now)
{
    (void)now;
    return (struct work_step){.next = NEXT_YIELD,
                              .burst = draw_burst(&w->rng, &w->crew->workload->burst)};
}

/* ---- periodic -------------------------------------------------------------- */

/* Any job's release can be told at any time, so jobs that queue need no memory. */
static sched_time job_release(const struct worker *w, uint64_t job)
{
    const struct workload *load = w->crew->workload;
    sched_time jitter = 0;

    if (load->jitter > 0)
        jitter = (sched_time)(rng_peek(&w->rng, job) % ((uint64_t)load->jitter + 1));
    return w->start + (sched_time)job * load->period + jitter;
}

static sched_time job_deadline(const struct worker *w, uint64_t job)
{
    return job_release(w, job) + w->crew->workload->period;
}

static void periodic_start(struct worker *w, sched_time now)
{
    w->start = now + w->crew->workload->phase;
    w->released = w->done = 0;
    sleep_until(w, job_release(w, 0));
}

static void periodic_expire(struct worker *w, sched_time now)
{
    sched_time busy = w->crew->workload->busy;
    sched_time next = job_release(w, ++w->released);

    arm(w->crew, &w->timer, next > now ? next : now);
    demand(w, busy);
    if (!w->busy)
        give(w, busy);
}

static struct work_step periodic_done(struct worker *w, sched_time now)
{
    w->result->jobs++;
    w->result->misses += now > job_deadline(w, w->done);
    w->done++;
    if (w->done < w->released)
        return run(w->crew->workload->busy);
    w->busy = false;
    return block;
}

/* Jobs that should have been done by now are late, though they never complete. */
static void periodic_stop(struct worker *w, sched_time now)
{
    for (; w->done < w->released && job_deadline(w, w->done) <= now; w->done++) {
        w->result->jobs++;
        w->result->misses++;
    }
}

/* ---- interactive ----------------------------------------------------------- */

static void interactive_start(struct worker *w, sched_time now)
{
    sleep_until(w, now + rng_time(&w->rng, &w->crew->workload->sleep));
}

static void interactive_expire(struct worker *w, sched_time now)
{
    (void)now;
    wake_with(w, draw_burst(&w->rng, &w->crew->workload->burst));
}

static struct work_step interactive_done(struct worker *w, sched_time now)
{
    return sleep_until(w, now + rng_time(&w->rng, &w->crew->workload->sleep));
}

/* ---- trace ----------------------------------------------------------------- */

static sched_time trace_run(const struct worker *w)
{
    sched_time t = w->crew->workload->steps[w->step].run;
    return t > 0 ? t : 1;
}

static void trace_start(struct worker *w, sched_time now)
{
    w->step = 0;
    sleep_until(w, now + w->crew->workload->steps[0].sleep);
}

static void trace_expire(struct worker *w, sched_time now)
{
    (void)now;
    wake_with(w, trace_run(w));
}

static struct work_step trace_done(struct worker *w, sched_time now)
{
    const struct workload *load = w->crew->workload;

    w->step = (w->step + 1) % load->nr_steps;
    if (load->steps[w->step].sleep > 0)
        return sleep_until(w, now + load->steps[w->step].sleep);
    demand(w, trace_run(w));
    return run(trace_run(w));
}

/* ---- server ---------------------------------------------------------------- */

static void client_think(struct client *c, sched_time now)
{
    arm(c->crew, &c->timer, now + rng_time(&c->rng, &c->crew->workload->sleep));
}

/* The oldest request becomes the worker's; returns how long it takes. */
static sched_time server_accept(struct worker *w)
{
    struct client *c = list_first_entry(&w->crew->requests, struct client, link);

    list_del(&c->link);
    w->client = c;
    demand(w, c->service);
    return c->service;
}

static void client_send(struct client *c, sched_time now)
{
    struct crew *crew = c->crew;

    c->sent = now;
    c->service = draw_burst(&c->rng, &crew->workload->burst);
    list_add_tail(&crew->requests, &c->link);
    for (unsigned i = 0; i < crew->nr_workers; i++) {
        if (!crew->workers[i]->busy) {
            give(crew->workers[i], server_accept(crew->workers[i]));
            return;
        }
    }
}

static struct work_step server_done(struct worker *w, sched_time now)
{
    histogram_add(&w->crew->result->requests, now - w->client->sent);
    client_think(w->client, now);
    w->client = NULL;
    if (!list_empty(&w->crew->requests))
        return run(server_accept(w));
    w->busy = false;
    return block;
}

/* ---- fork-join ------------------------------------------------------------- */

static void forkjoin_start(struct worker *w, sched_time now)
{
    (void)now;
    wake_with(w, draw_burst(&w->rng, &w->crew->workload->burst));
}

static struct work_step forkjoin_done(struct worker *w, sched_time now)
{
    struct crew *crew = w->crew;

    w->busy = false;
    if (++crew->arrived == crew->nr_workers) {
        crew->arrived = 0;
        crew->result->iterations++;
        arm(crew, &crew->timer, now + rng_time(&crew->rng, &crew->workload->sleep));
    }
    return block;
}

/* ---- spin lock ------------------------------------------------------------- */

static void spinlock_start(struct worker *w, sched_time now)
{
    (void)now;
    demand(w, SCHED_NEVER);
    give(w, draw_burst(&w->rng, &w->crew->workload->sleep));
}

static sched_time lock_take(struct worker *w)
{
    w->crew->holder = w;
    return draw_burst(&w->rng, &w->crew->workload->burst);
}

static void lock_grant(struct worker *w)
{
    list_del(&w->spin_link);
    w->spinning = false;
    give(w, lock_take(w));
}

static void lock_release(struct crew *crew)
{
    crew->holder = NULL;
    crew->result->iterations++;
    list_for_each(w, &crew->spinners, struct worker, spin_link) {
        if (crew->env->running(crew->env->ctx, w)) {
            lock_grant(w);
            return;
        }
    }
}

static struct work_step spinlock_done(struct worker *w, sched_time now)
{
    struct crew *crew = w->crew;

    (void)now;
    if (crew->holder == w) {
        lock_release(crew);
        return run(draw_burst(&w->rng, &crew->workload->sleep));
    }
    if (!crew->holder)
        return run(lock_take(w));
    w->spinning = true;
    list_add_tail(&crew->spinners, &w->spin_link);
    return run(SCHED_NEVER);
}

void work_resume(struct worker *w)
{
    if (w->spinning && !w->crew->holder)
        lock_grant(w);
}

/* ---- dispatch -------------------------------------------------------------- */

/* A NULL function is never called or has nothing to do. */
static const struct behaviour {
    void (*start)(struct worker *w, sched_time now);
    struct work_step (*done)(struct worker *w, sched_time now);
    void (*expire)(struct worker *w, sched_time now);
} behaviours[] = {
    [WORK_HOG] = {.start = hog_start},
    [WORK_PERIODIC] = {periodic_start, periodic_done, periodic_expire},
    [WORK_INTERACTIVE] = {interactive_start, interactive_done, interactive_expire},
    [WORK_SERVER] = {.done = server_done},
    [WORK_FORKJOIN] = {forkjoin_start, forkjoin_done, NULL},
    [WORK_SPINLOCK] = {spinlock_start, spinlock_done, NULL},
    [WORK_TRACE] = {trace_start, trace_done, trace_expire},
    [WORK_YIELDER] = {yielder_start, yielder_done, NULL},
    [WORK_IDLE] = {.start = NULL},
};

struct work_step work_done(struct worker *w, sched_time now)
{
    return behaviours[w->crew->workload->kind].done(w, now);
}

static void worker_expire(struct worker *w, sched_time now)
{
    behaviours[w->crew->workload->kind].expire(w, now);
}

static void crew_expire(struct crew *crew, sched_time now)
{
    for (unsigned i = 0; i < crew->nr_workers; i++)
        forkjoin_start(crew->workers[i], now);
}

void work_expire(struct work_timer *t, sched_time now)
{
    switch (t->owner) {
    case TIMER_WORKER:
        worker_expire(container_of(t, struct worker, timer), now);
        break;
    case TIMER_CLIENT:
        client_send(container_of(t, struct client, timer), now);
        break;
    case TIMER_CREW:
        crew_expire(container_of(t, struct crew, timer), now);
        break;
    }
}

/* ---- a domain's crew ------------------------------------------------------- */

static void timer_init(struct work_timer *t, enum timer_owner owner)
{
    event_init(&t->event, EVENT_TIMER);
    t->owner = owner;
}

static bool clients_init(struct crew *crew, uint64_t seed, uint64_t stream)
{
    unsigned n = crew->workload->clients;

    crew->clients = calloc(n, sizeof(*crew->clients));
    if (!crew->clients)
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct client *c = &crew->clients[i];
        c->crew = crew;
        timer_init(&c->timer, TIMER_CLIENT);
        list_init(&c->link);
        rng_seed(&c->rng, seed, stream + i);
    }
    return true;
}

bool crew_init(struct crew *crew, const struct workload *workload, const struct work_env *env,
               struct worker **workers, unsigned nr_workers, struct domain_result *result,
               uint64_t seed, uint64_t stream)
{
    *crew = (struct crew){.workload = workload,
                          .env = env,
                          .result = result,
                          .workers = workers,
                          .nr_workers = nr_workers};
    stream <<= 32; /* room for the members' streams */
    rng_seed(&crew->rng, seed, stream++);
    timer_init(&crew->timer, TIMER_CREW);
    list_init(&crew->spinners);
    list_init(&crew->requests);
    for (unsigned i = 0; i < nr_workers; i++) {
        struct worker *w = workers[i];
        w->crew = crew;
        timer_init(&w->timer, TIMER_WORKER);
        list_init(&w->spin_link);
        rng_seed(&w->rng, seed, stream++);
    }
    return workload->kind != WORK_SERVER || clients_init(crew, seed, stream);
}

void crew_free(struct crew *crew)
{
    free(crew->clients);
    crew->clients = NULL;
}

void crew_start(struct crew *crew, sched_time now)
{
    void (*start)(struct worker *, sched_time) = behaviours[crew->workload->kind].start;

    for (unsigned i = 0; start && i < crew->nr_workers; i++)
        start(crew->workers[i], now);
    for (unsigned i = 0; crew->clients && i < crew->workload->clients; i++)
        client_think(&crew->clients[i], now);
}

static void worker_stop(struct worker *w, sched_time now)
{
    if (w->crew->workload->kind == WORK_PERIODIC)
        periodic_stop(w, now);
    arm(w->crew, &w->timer, SCHED_NEVER);
    list_del(&w->spin_link);
    w->spinning = w->busy = false;
    w->client = NULL;
}

void crew_stop(struct crew *crew, sched_time now)
{
    for (unsigned i = 0; i < crew->nr_workers; i++)
        worker_stop(crew->workers[i], now);
    for (unsigned i = 0; crew->clients && i < crew->workload->clients; i++) {
        arm(crew, &crew->clients[i].timer, SCHED_NEVER);
        list_del(&crew->clients[i].link);
    }
    arm(crew, &crew->timer, SCHED_NEVER);
    crew->arrived = 0;
    crew->holder = NULL;
}
