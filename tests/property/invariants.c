/*
 * What holds in every scenario: see trial.h. Looked at between steps of time,
 * when all decisions that were due have been made, and caps at every switch.
 */
#include "../../sched/admission.h"
#include "../../sched/index.h"
#include "trial.h"

static struct trial *watched; /* env.trace knows the harness only */
static void (*harness_trace)(void *ctx, const struct sched_event *e);

static sched_time service_of(const struct harness *h, const struct sched_unit *u)
{
    return u->service + (u->state == SCHED_RUNNING ? h->now - u->home->charged : 0);
}

static int64_t value_of(const struct sched_pool *pool, const struct sched_domain *d,
                        const char *name, int64_t otherwise)
{
    unsigned i;

    if (!sched_param_by_name(pool->policy, d ? SCHED_PARAM_DOMAIN : SCHED_PARAM_POOL, name, &i))
        return otherwise;
    return d ? d->value[i] : pool->value[i];
}

/* ---- caps ------------------------------------------------------------------------ */

/* credit replenishes each tslice, credit2 each 10 ms. */
static int64_t depth_of(const struct sched_domain *d, int64_t cap)
{
    return cap * value_of(d->pool, NULL, "tslice", 10 * MS) / 100;
}

/* In any window W: service <= cap * W + depth. */
static void check_cap(struct trial *t, const struct sched_domain *d)
{
    int64_t cap = d->pool ? value_of(d->pool, d, "cap", 0) : 0, used = 0;
    struct cap_watch *w = &t->caps[d->id];

    if (!cap)
        return;
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        used += service_of(t->h, u);
    int64_t level = 100 * used - cap * (t->h->now - w->start);
    w->lowest = time_min(w->lowest, level);
    if (level - w->lowest > 100 * depth_of(d, cap))
        violated(t, "domain %u, cap %lld, used %lld ns more than cap * time, the depth is %lld ns",
                 d->id, (long long)cap, (long long)(level - w->lowest) / 100,
                 (long long)depth_of(d, cap));
}

static void on_trace(void *ctx, const struct sched_event *e)
{
    harness_trace(ctx, e);
    if (e->kind == SCHED_EV_SWITCH) {
        const struct sched_unit *before = watched->on[e->pcpu];
        watched->on[e->pcpu] = e->unit;
        if (before)
            check_cap(watched, before->domain);
    }
    if (e->unit && e->kind <= SCHED_EV_SWITCH)
        check_cap(watched, e->unit->domain);
}

void changed(struct trial *t)
{
    for (unsigned i = 0; i < HARNESS_MAX_UNITS; i++)
        t->caps[i] = (struct cap_watch){.lowest = INT64_MAX, .start = t->h->now};
}

void watch(struct trial *t)
{
    watched = t;
    harness_trace = t->h->env.trace;
    t->h->env.trace = on_trace;
    t->wasted = t->h->wasted;
    changed(t);
}

/* ---- units ----------------------------------------------------------------------- */

static bool in_heap(const struct heap_node *root, const struct heap_node *n)
{
    while (n->parent)
        n = n->parent;
    return n == root;
}

static void check_state(const struct trial *t, const struct sched_unit *u)
{
    bool active = u->state == SCHED_WAITING || u->state == SCHED_RUNNING;
    bool balanced = u->domain->pool->policy->balanced;
    bool indexed = u->state == SCHED_WAITING && balanced && !u->bound && u->affinity->width > 1;

    if ((u->state != SCHED_BLOCKED) != (u->awake && !u->paused))
        violated(t, "unit %u: state %d, awake %d, paused %u", u->id, u->state, u->awake, u->paused);
    if (u->in_clock != active)
        violated(t, "unit %u: state %d, in the clock %d", u->id, u->state, u->in_clock);
    if ((u->state == SCHED_RUNNING) != (u->home->current == u))
        violated(t, "unit %u: state %d, and its home runs %d", u->id, u->state,
                 u->home->current ? (int)u->home->current->id : -1);
    if (index_holds(u) != indexed && u->domain->pool->policy != &sched_rtds) /* its own queue */
        violated(t, "unit %u: state %d, in the index %d", u->id, u->state, index_holds(u));
    if (indexed && !in_heap(u->affinity->waiting.top, &u->index_node))
        violated(t, "unit %u is in another index than its own", u->id);
}

static void check_place(const struct trial *t, const struct sched_unit *u)
{
    if (u->home->pool != u->domain->pool)
        violated(t, "unit %u: its home %u is not in its pool", u->id, u->home->id);
    if ((u->state == SCHED_WAITING || u->state == SCHED_RUNNING) && !unit_may_run_on(u, u->home))
        violated(t, "unit %u is on pCPU %u against its affinity", u->id, u->home->id);
    if (u->bound && u->plan != u->home)
        violated(t, "unit %u: bound, but not at home where the plan has it", u->id);
    bool none = !mask_intersects(&u->hard, &u->domain->pool->cpus);
    if (u->affinity_broken != none)
        violated(t, "unit %u: affinity broken %d", u->id, u->affinity_broken);
    if (!none && !mask_test(&u->hard, u->home->id) && u->state != SCHED_BLOCKED &&
        u->state != SCHED_PARKED)
        violated(t, "unit %u is on pCPU %u, which was not allowed", u->id, u->home->id);
}

/* The harness counts a hog's service, too, by looking at who runs when. */
static void check_service(struct trial *t, const struct sched_unit *u, sched_time elapsed)
{
    struct unit_watch *w = &t->seen[u->id];
    const struct harness_unit *hu = &t->h->units[u->id];
    sched_time service = service_of(t->h, u);

    if (service < w->service || service - w->service > elapsed)
        violated(t, "unit %u: %lld ns of service in %lld ns", u->id,
                 (long long)(service - w->service), (long long)elapsed);
    if (hu->work == HARNESS_HOG && service != -hu->left)
        violated(t, "unit %u: it ran %lld ns, and %lld ns are charged", u->id, (long long)-hu->left,
                 (long long)service);
    if (u->state != SCHED_WAITING || service != w->service)
        w->waiting_since = t->h->now;
    t->served += service - w->service;
    w->service = service;
}

/* Policies that let nobody starve; others do if reservations leave nothing, and null's line. */
static bool starves_nobody(const struct sched_policy *p)
{
    return p == &sched_rrobin || p == &sched_bvt || p == &sched_fbvt || p == &sched_credit ||
           p == &sched_credit2;
}

/*
 * Generous: a slice of everybody, as heavy as weights of 16:1 make it, and the levels closing up
 * (levels.c: half a second of own service).
 */
static void check_starvation(const struct trial *t, const struct sched_unit *u)
{
    unsigned n = t->h->nr_units;
    sched_time bound = SEC + n * 16 * 30 * MS;

    if (!t->calm || !starves_nobody(u->domain->pool->policy))
        return;
    if (t->h->now - t->seen[u->id].waiting_since > bound)
        violated(t, "unit %u has been waiting without service for %lld ms", u->id,
                 (long long)((t->h->now - t->seen[u->id].waiting_since) / MS));
}

/* ---- pCPUs and pools ---------------------------------------------------------------- */

/* fair.c's weights of clocks: den/num with 24 bits of fraction, at least 1. */
static uint64_t weight_in_clock(const struct sched_unit *u)
{
    uint64_t w = ((uint64_t)u->share_den << 24) / u->share_num;
    return w ? w : 1;
}

static void check_pcpu(const struct trial *t, const struct sched_pcpu *p)
{
    uint64_t weight = 0, reserved = 0;
    unsigned runnable = 0;

    list_for_each(u, &p->units, struct sched_unit, home_link) {
        if (u->home != p)
            violated(t, "unit %u is in the list of pCPU %u, not its home", u->id, p->id);
        reserved += u->reserved;
        weight += u->in_clock ? weight_in_clock(u) : 0;
        runnable += u->in_clock;
    }
    if (p->nr_runnable != runnable || p->clock.weight != weight)
        violated(t, "pCPU %u: %u runnable of %u, clock weight %llu of %llu", p->id, p->nr_runnable,
                 runnable, (unsigned long long)p->clock.weight, (unsigned long long)weight);
    if (p->pool && p->pool->policy->demand && p->reserved != reserved)
        violated(t, "pCPU %u: reserved %llu of %llu", p->id, (unsigned long long)p->reserved,
                 (unsigned long long)reserved);
    if (p->current && (p->current->state != SCHED_RUNNING || p->current->home != p))
        violated(t, "pCPU %u runs unit %u, in state %d", p->id, p->current->id, p->current->state);
    if (p->pool && mask_test(&p->pool->idle, p->id) != !p->current)
        violated(t, "pCPU %u: wrong in the set of the idle", p->id);
}

static bool claims_work(const struct sched_pool *pool)
{
    return pool->policy != &sched_null && pool->policy != &sched_arinc653 &&
           !value_of(pool, NULL, "historic", 0);
}

/* No pCPU is idle while a unit waits that may run there. */
static void check_idle(const struct trial *t, const struct sched_pcpu *p)
{
    if (p->current || !p->pool || !claims_work(p->pool))
        return;
    for (unsigned i = 0; i < t->h->nr_units; i++) {
        const struct sched_unit *u = t->h->units[i].unit;
        if (u->state == SCHED_WAITING && u->domain->pool == p->pool && unit_may_run_on(u, p) &&
            (!u->bound || u->home == p))
            violated(t, "%s: pCPU %u is idle while unit %u waits on pCPU %u",
                     p->pool->policy->opt_name, p->id, u->id, u->home->id);
    }
}

static void check_admitted(struct trial *t, const struct sched_pool *pool)
{
    if (!value_of(pool, NULL, "admission", 1))
        t->overloaded = true;
    if (!pool->policy->demand || t->overloaded)
        return;
    mask_for_each(id, &pool->cpus)
        if (t->h->pcpus[id]->reserved > UTIL_ONE)
            violated(t, "pCPU %d: more than one is reserved", id);
}

static void check_wasted(struct trial *t)
{
    sched_time wasted = t->h->wasted - t->wasted;
    bool claimed = true;

    t->wasted = t->h->wasted;
    for (unsigned i = 0; i < t->h->nr_pools; i++)
        claimed &= claims_work(t->h->pools[i]) || !t->h->pools[i]->policy->balanced;
    if (claimed && wasted)
        violated(t, "%lld ns of pCPU time idle while somebody waited", (long long)wasted);
}

static void inspect(struct trial *t, sched_time elapsed)
{
    t->served = 0;
    for (unsigned i = 0; i < t->h->nr_units; i++) {
        const struct sched_unit *u = t->h->units[i].unit;
        if (u->state == SCHED_DETACHED)
            continue;
        check_state(t, u);
        check_place(t, u);
        check_service(t, u, elapsed);
        check_starvation(t, u);
    }
    for (unsigned i = 0; i < t->h->nr_pcpus; i++) {
        check_pcpu(t, t->h->pcpus[i]);
        check_idle(t, t->h->pcpus[i]);
    }
    if (t->served > t->h->nr_pcpus * elapsed)
        violated(t, "%u pCPUs served %lld ns in %lld ns", t->h->nr_pcpus, (long long)t->served,
                 (long long)elapsed);
    for (unsigned i = 0; i < t->h->nr_pools; i++)
        check_admitted(t, t->h->pools[i]);
    check_wasted(t);
}

void advance(struct trial *t, sched_time duration)
{
    harness_run(t->h, duration);
    inspect(t, duration);
}
