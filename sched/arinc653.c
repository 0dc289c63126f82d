/*
 * ARINC653: a static table says who runs when.
 *
 * Design. A pool has one table, a major frame of up to 64 windows of time that
 * follow each other and repeat for ever. Each window belongs to one unit. If
 * the unit can not run in its window, and in what the windows leave of the
 * frame, nobody runs: time is never given away, so what one partition does
 * can not be seen in the timing of another.
 *
 *     frame start     ends[0]         ends[1]         frame end
 *     | window 0      | window 1      | idle          | window 0 ...
 *
 * Which pCPU: all pCPUs of the pool follow the same frame, and a window's unit
 * runs on its home, where the core placed it within its hard affinity; the
 * other pCPUs idle meanwhile. So at most one unit of the pool runs at a time
 * on however many pCPUs; partitions that shall run in parallel need a pool
 * each. (Xen's arinc653 has one pCPU, and idles in windows of units that belong to
 * another.)
 *
 * Until a table is set, each vCPU of the control domain has a window of 10 ms
 * (as many as fit in the table), and the frame is their sum, at least 10 ms.
 * A table outlives the units it names: a window without its unit is idle, and
 * the unit gets it back when it returns to the pool (same domain, same vCPU).
 *
 * Invariants. ends[] ascends and ends[n-1] <= frame. The place in the frame is
 * computed from the clock, so a late decision, even by whole frames, does not
 * shift the table.
 *
 * Promises. A runnable unit runs in all of its windows, exactly, and never
 * outside of them.
 *
 * Known to be bad at. A UNIT WITHOUT A WINDOW STARVES. Not work conserving. A
 * unit that wakes outside of its windows waits up to a frame. The sum of all
 * windows on all pCPUs is at most one pCPU.
 *
 * Source. ARINC Specification 653, part 1 (partition scheduling); the limits
 * and the default table are those of Xen's scheduler of that name.
 */
#include "policy.h"

#define DEFAULT_WINDOW (10 * MS)
#define FRAME_MAX      (3600 * SEC)

struct arinc_window {
    const struct sched_domain *domain;
    unsigned domain_id, vcpu;
    struct sched_unit *unit; /* NULL: not in the pool */
};

struct arinc_pool {
    struct arinc_window window[SCHED_TABLE_MAX];
    sched_time ends[SCHED_TABLE_MAX]; /* of the windows, from the start of the frame */
    unsigned n;
    sched_time frame; /* length */
    sched_time start; /* of some frame, in the past */
    bool set;         /* by the caller; else it is the default table */
};

struct arinc_unit {
    bool queued;
};

static struct arinc_pool *arinc_pool(const struct sched_pool *pool)
{
    return pool->data;
}

static struct arinc_unit *arinc_unit(const struct sched_unit *u)
{
    return u->data;
}

static void restart(struct sched_pool *pool, sched_time now)
{
    arinc_pool(pool)->start = now;
    mask_for_each(id, &pool->cpus)
        core_resched(pool->sched->pcpus[id], now);
}

static void add_window(struct arinc_pool *t, const struct sched_domain *d, unsigned vcpu,
                       struct sched_unit *u, sched_time runtime)
{
    t->window[t->n] =
        (struct arinc_window){.domain = d, .domain_id = d->id, .vcpu = vcpu, .unit = u};
    t->ends[t->n] = (t->n ? t->ends[t->n - 1] : 0) + runtime;
    t->n++;
}

/* ---- the default table ------------------------------------------------------------ */

static void fit_default_frame(struct sched_pool *pool, sched_time now)
{
    struct arinc_pool *t = arinc_pool(pool);

    t->frame = t->n ? t->ends[t->n - 1] : DEFAULT_WINDOW;
    restart(pool, now);
}

static void default_drop(struct arinc_pool *t, const struct sched_unit *u)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < t->n; i++)
        if (t->window[i].unit != u)
            t->window[kept++] = t->window[i];
    t->n = kept; /* all windows are equally long, so ends[] stays right */
}

/* ---- the pool's units -------------------------------------------------------------- */

static void arinc_pool_init(struct sched_pool *pool)
{
    arinc_pool(pool)->frame = DEFAULT_WINDOW;
}

static void arinc_unit_init(struct sched_unit *u, sched_time now)
{
    struct arinc_pool *t = arinc_pool(u->domain->pool);

    if (!t->set) {
        if (u->domain->privileged && t->n < SCHED_TABLE_MAX) {
            add_window(t, u->domain, u->vcpu, u, DEFAULT_WINDOW);
            fit_default_frame(u->domain->pool, now);
        }
        return;
    }
    for (unsigned i = 0; i < t->n; i++) {
        struct arinc_window *w = &t->window[i];
        if (w->domain == u->domain && w->domain_id == u->domain->id && w->vcpu == u->vcpu)
            w->unit = u;
    }
}

static void arinc_unit_fini(struct sched_unit *u, sched_time now)
{
    struct arinc_pool *t = arinc_pool(u->domain->pool);
    unsigned before = t->n;

    if (!t->set) {
        default_drop(t, u);
        if (t->n != before)
            fit_default_frame(u->domain->pool, now);
        return;
    }
    for (unsigned i = 0; i < t->n; i++)
        if (t->window[i].unit == u)
            t->window[i].unit = NULL;
}

/* ---- dispatch ---------------------------------------------------------------------- */

/* Whose time is it, and until when? */
static struct sched_unit *unit_of_the_hour(const struct sched_pool *pool, sched_time now,
                                           sched_time *until)
{
    const struct arinc_pool *t = arinc_pool(pool);
    sched_time at = (now - t->start) % t->frame;
    unsigned i = 0;

    while (i < t->n && t->ends[i] <= at)
        i++;
    *until = now - at + (i < t->n ? t->ends[i] : t->frame);
    return i < t->n ? t->window[i].unit : NULL;
}

static bool arinc_enqueue(struct sched_unit *u, enum sched_why why, sched_time now)
{
    (void)why;
    (void)now;
    arinc_unit(u)->queued = true;
    return true;
}

static void arinc_dequeue(struct sched_unit *u, sched_time now)
{
    (void)now;
    arinc_unit(u)->queued = false;
}

static struct sched_decision arinc_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                        sched_time now)
{
    struct sched_decision d = {.unit = NULL};
    struct sched_unit *u = unit_of_the_hour(p->pool, now, &d.until);

    (void)prev;
    if (u && u->home == p && arinc_unit(u)->queued) {
        arinc_unit(u)->queued = false;
        d.unit = u;
    }
    return d;
}

static sched_time arinc_preempt_at(const struct sched_pcpu *p, const struct sched_unit *u,
                                   sched_time now)
{
    sched_time until;

    return unit_of_the_hour(p->pool, now, &until) == u ? now : SCHED_NEVER;
}

/* ---- setting the table --------------------------------------------------------------- */

static struct sched_unit *find_unit(const struct sched_domain *d, unsigned vcpu)
{
    list_for_each(u, &d->units, struct sched_unit, domain_link)
        if (u->vcpu == vcpu)
            return u;
    return NULL;
}

static int check_table(const struct sched_pool *pool, sched_time major_frame,
                       const struct sched_window *window, unsigned n, struct sched_refusal *why)
{
    sched_time left = major_frame;

    if (major_frame <= 0 || major_frame > FRAME_MAX)
        return refuse(why, SCHED_EINVAL, NULL, "a major frame lasts from 1 ns to an hour",
                      FRAME_MAX);
    if (n < 1 || n > SCHED_TABLE_MAX)
        return refuse(why, SCHED_EINVAL, NULL, "a table has 1 to 64 windows", SCHED_TABLE_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct sched_window *w = &window[i];
        if (w->runtime <= 0)
            return refuse(why, SCHED_EINVAL, NULL, "a window must be longer than 0 ns", 1);
        if (w->runtime > left)
            return refuse(why, SCHED_EINVAL, NULL,
                          "the windows are longer than the major frame; ns left for this one",
                          left);
        if (!w->domain || w->domain->pool != pool)
            return refuse(why, SCHED_EINVAL, NULL, "a window's domain is not in this pool", 0);
        if (!find_unit(w->domain, w->vcpu))
            return refuse(why, SCHED_EINVAL, NULL, "a window's domain has no such vCPU", 0);
        left -= w->runtime;
    }
    return 0;
}

static int arinc_set_table(struct sched_pool *pool, sched_time major_frame,
                           const struct sched_window *window, unsigned n, sched_time now,
                           struct sched_refusal *why)
{
    struct arinc_pool *t = arinc_pool(pool);
    int err = check_table(pool, major_frame, window, n, why);

    if (err)
        return err;
    t->set = true;
    t->frame = major_frame;
    t->n = 0;
    for (unsigned i = 0; i < n; i++)
        add_window(t, window[i].domain, window[i].vcpu, find_unit(window[i].domain, window[i].vcpu),
                   window[i].runtime);
    restart(pool, now);
    return 0;
}

static unsigned arinc_get_table(const struct sched_pool *pool, sched_time *major_frame,
                                struct sched_table_window *window)
{
    const struct arinc_pool *t = arinc_pool(pool);

    *major_frame = t->frame;
    for (unsigned i = 0; i < t->n; i++)
        window[i] = (struct sched_table_window){.domain = t->window[i].domain_id,
                                                .vcpu = t->window[i].vcpu,
                                                .runtime = t->ends[i] - (i ? t->ends[i - 1] : 0)};
    return t->n;
}

const struct sched_policy sched_arinc653 = {
    .name = "ARINC 653 Scheduler",
    .opt_name = "arinc653",
    .id = 7,
    .contract =
        "Units run exactly in the windows that the pool's table gives them, on their own pCPU, and "
        "never outside of them; a window that its unit does not use, and the rest of the major "
        "frame, are idle. One window at a time in the whole pool. Units without a window starve. "
        "Until a table is set, each vCPU of the control domain has a window of 10 ms. A new table "
        "takes effect at once. Not work conserving; no weights or caps.",
    .pool_size = sizeof(struct arinc_pool),
    .unit_size = sizeof(struct arinc_unit),
    .pool_init = arinc_pool_init,
    .unit_init = arinc_unit_init,
    .unit_fini = arinc_unit_fini,
    .enqueue = arinc_enqueue,
    .dequeue = arinc_dequeue,
    .pick = arinc_pick,
    .preempt_at = arinc_preempt_at,
    .set_table = arinc_set_table,
    .get_table = arinc_get_table,
};
