#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness.h"

struct block {
    struct list link;
    max_align_t data[];
};

static void *get_memory(struct harness *h, size_t size)
{
    struct block *b = calloc(1, sizeof *b + size);

    assert_non_null(b);
    list_add_tail(&h->memory, &b->link);
    return b->data;
}

static const struct sched_policy *policy_named(const char *name)
{
    const struct sched_policy *p = sched_policy_by_name(name);

    if (!p)
        fail_msg("no policy %s", name);
    return p;
}

/* ---- environment ------------------------------------------------------------- */

static void on_resched(void *ctx, unsigned pcpu, sched_time when)
{
    struct harness *h = ctx;
    h->due[pcpu] = time_min(h->due[pcpu], time_max(when, h->now));
}

static void on_timer(void *ctx, struct sched_pool *pool, sched_time when)
{
    (void)ctx, (void)pool, (void)when; /* pool->timer has it */
}

static void on_trace(void *ctx, const struct sched_event *e)
{
    if (!e->unit)
        return;
    struct harness_unit *hu = harness_of(ctx, e->unit);

    if (e->kind == SCHED_EV_WAKE) {
        hu->waits = true;
    } else if (e->kind == SCHED_EV_SWITCH) {
        hu->switches++;
        if (hu->waits)
            hu->longest_wait = time_max(hu->longest_wait, e->now - e->unit->woken);
        hu->waits = false;
    }
}

/* ---- set-up ------------------------------------------------------------------ */

struct harness *harness_new(const char *policy, unsigned nr_pcpus)
{
    struct harness *h = calloc(1, sizeof *h);

    assert_non_null(h);
    list_init(&h->memory);
    h->env = (struct sched_env){h, on_resched, on_timer, on_trace};
    h->nr_pcpus = nr_pcpus;
    sched_init(&h->sched, &h->env, h->pcpus, nr_pcpus);
    struct sched_affinity *slots = get_memory(h, HARNESS_MAX_UNITS * sizeof *slots);
    sched_give_affinities(&h->sched, slots, HARNESS_MAX_UNITS);
    h->pool = harness_pool(h, policy);
    for (unsigned i = 0; i < nr_pcpus; i++) {
        struct sched_pcpu *p = get_memory(h, sched_pcpu_size());
        h->due[i] = SCHED_NEVER;
        sched_pcpu_init(&h->sched, p, i, i, 0, 0);
        assert_int_equal(sched_pool_add_pcpu(h->pool, p, 0), 0);
    }
    return h;
}

void harness_free(struct harness *h)
{
    list_for_each_safe(b, &h->memory, struct block, link)
        free(b);
    free(h);
}

struct sched_pool *harness_pool(struct harness *h, const char *policy)
{
    struct sched_pool *pool = get_memory(h, sched_pool_size());

    assert_true(h->nr_pools < HARNESS_MAX_POOLS);
    sched_pool_init(&h->sched, pool, h->nr_pools, policy_named(policy));
    h->pools[h->nr_pools++] = pool;
    return pool;
}

struct sched_domain *harness_domain(struct harness *h)
{
    struct sched_domain *d = get_memory(h, sched_domain_size());

    assert_int_equal(sched_domain_init(d, h->nr_domains++, h->pool, false, h->now), 0);
    return d;
}

struct sched_unit *harness_unit(struct harness *h, struct sched_domain *d, enum harness_work work,
                                sched_time run, sched_time sleep)
{
    struct sched_unit *u = get_memory(h, sched_unit_size());

    assert_true(h->nr_units < HARNESS_MAX_UNITS);
    if (!d)
        d = harness_domain(h);
    h->units[h->nr_units] = (struct harness_unit){
        .unit = u, .work = work, .run = run, .sleep = sleep, .left = run, .alarm = SCHED_NEVER};
    assert_int_equal(sched_unit_init(u, d, h->nr_units++, d->nr_units, h->now), 0);
    if (work == HARNESS_PERIODIC)
        harness_of(h, u)->alarm = h->now + sleep;
    if (work != HARNESS_IDLE)
        sched_wake(u, h->now);
    return u;
}

struct sched_unit *harness_hog(struct harness *h)
{
    return harness_unit(h, NULL, HARNESS_HOG, 0, 0);
}

struct harness_unit *harness_of(struct harness *h, const struct sched_unit *u)
{
    return &h->units[u->id];
}

int harness_set(struct harness *h, enum sched_scope scope, struct sched_unit *u, const char *name,
                int64_t value)
{
    struct sched_pool *pool = scope == SCHED_PARAM_POOL ? h->pool : u->domain->pool;
    const int64_t *old = scope == SCHED_PARAM_POOL     ? pool->value
                         : scope == SCHED_PARAM_DOMAIN ? u->domain->value
                                                       : u->value;
    int64_t values[SCHED_MAX_PARAMS];
    unsigned index;

    if (!sched_param_by_name(pool->policy, scope, name, &index))
        fail_msg("no parameter %s", name);
    memcpy(values, old, sizeof values);
    values[index] = value;
    if (scope == SCHED_PARAM_POOL)
        return sched_pool_set(pool, values, h->now, NULL);
    if (scope == SCHED_PARAM_DOMAIN)
        return sched_domain_set(u->domain, values, h->now, NULL);
    return sched_unit_set(u, values, h->now, NULL);
}

void harness_pin(struct harness *h, struct sched_unit *u, unsigned pcpu)
{
    struct mask hard;

    mask_clear_all(&hard);
    mask_set(&hard, pcpu);
    assert_int_equal(sched_set_affinity(u, &hard, NULL, h->now, NULL), 0);
}

/* ---- time ---------------------------------------------------------------------- */

static bool bounded(const struct harness_unit *hu)
{
    return hu->work != HARNESS_IDLE && hu->work != HARNESS_HOG;
}

static sched_time next_event(const struct harness *h)
{
    sched_time next = SCHED_NEVER;

    for (unsigned i = 0; i < h->nr_pools; i++)
        next = time_min(next, h->pools[i]->timer);
    for (unsigned i = 0; i < h->nr_pcpus; i++)
        next = time_min(next, h->due[i]);
    for (unsigned i = 0; i < h->nr_units; i++) {
        const struct harness_unit *hu = &h->units[i];
        next = time_min(next, hu->alarm);
        if (bounded(hu) && hu->unit->state == SCHED_RUNNING)
            next = time_min(next, h->now + hu->left);
    }
    return next;
}

static void pass_time(struct harness *h, sched_time to)
{
    sched_time dt = to - h->now;

    for (unsigned i = 0; i < h->nr_pcpus; i++) {
        const struct sched_pcpu *p = h->pcpus[i];
        if (p->current)
            h->units[p->current->id].left -= dt;
        else if (dt && p->pool && core_first_waiting(p, false))
            h->wasted += dt;
    }
    h->now = to;
}

/* The burst is over. */
static void finish(struct harness *h, struct harness_unit *hu)
{
    if (hu->work == HARNESS_YIELD) {
        hu->left = hu->run;
        sched_unit_yield(hu->unit, h->now);
        return;
    }
    if (hu->work == HARNESS_CYCLE)
        hu->alarm = h->now + hu->sleep;
    sched_block(hu->unit, h->now);
}

static void ring(struct harness *h, struct harness_unit *hu)
{
    hu->alarm = SCHED_NEVER;
    if (hu->work == HARNESS_PERIODIC) {
        hu->alarm = h->now + hu->sleep;
        hu->misses += hu->left > 0;
        hu->left += hu->run;
    } else {
        hu->left = hu->run;
    }
    sched_wake(hu->unit, h->now);
}

static void do_events(struct harness *h)
{
    for (unsigned i = 0; i < h->nr_units; i++) {
        struct harness_unit *hu = &h->units[i];
        if (bounded(hu) && hu->unit->state == SCHED_RUNNING && hu->left <= 0)
            finish(h, hu);
        if (hu->alarm <= h->now)
            ring(h, hu);
    }
    for (unsigned i = 0; i < h->nr_pools; i++)
        if (h->pools[i]->timer <= h->now)
            sched_tick(h->pools[i], h->now);
    for (unsigned i = 0; i < h->nr_pcpus; i++) {
        if (h->due[i] > h->now)
            continue;
        h->due[i] = SCHED_NEVER;
        sched_time until = sched_decide(h->pcpus[i], h->now).until;
        h->due[i] = time_min(h->due[i], until);
        h->decisions++;
    }
}

void harness_run(struct harness *h, sched_time duration)
{
    sched_time end = h->now + duration;
    unsigned stuck = 0;

    for (sched_time next; (next = time_max(next_event(h), h->now)) <= end;) {
        stuck = next == h->now ? stuck + 1 : 0;
        if (stuck > 100000)
            fail_msg("no progress at %lld ns", (long long)h->now);
        pass_time(h, next);
        do_events(h);
    }
    pass_time(h, end);
}

/* ---- measuring ------------------------------------------------------------------- */

static sched_time service_of(const struct harness *h, const struct sched_unit *u)
{
    bool running = u->state == SCHED_RUNNING;
    return u->service + (running ? h->now - u->home->charged : 0);
}

void harness_mark(struct harness *h)
{
    h->marked = h->now;
    h->wasted = 0;
    for (unsigned i = 0; i < h->nr_units; i++) {
        struct harness_unit *hu = &h->units[i];
        hu->mark = service_of(h, hu->unit);
        hu->longest_wait = 0;
        hu->switches = hu->misses = 0;
    }
}

sched_time harness_service(const struct harness *h, const struct sched_unit *u)
{
    return service_of(h, u) - h->units[u->id].mark;
}

double harness_share(struct harness *h, const struct sched_unit *u)
{
    return 100.0 * (double)harness_service(h, u) / (double)(h->now - h->marked);
}
