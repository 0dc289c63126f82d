/* What the documentation of several policies promises, as assertions. */
#ifndef TEST_CONTRACT_H
#define TEST_CONTRACT_H

#include "fixture.h"

/* ---- parameters -------------------------------------------------------------------- */

struct limits {
    enum sched_scope scope;
    const char *name;
    int64_t def, min, max;
};

static inline int64_t value_of(const struct sched_unit *u, enum sched_scope scope, const char *name)
{
    const struct sched_pool *pool = u->domain->pool;
    unsigned i;

    assert_non_null(sched_param_by_name(pool->policy, scope, name, &i));
    return scope == SCHED_PARAM_POOL     ? pool->value[i]
           : scope == SCHED_PARAM_DOMAIN ? u->domain->value[i]
                                         : u->value[i];
}

/* A new unit has the defaults; values just outside of the range are refused and change nothing. */
static inline void assert_limits(const struct limits *l, unsigned n)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    unsigned i;

    assert_int_equal(n, h->pool->policy->nr_params);
    for (; n--; l++) {
        const struct sched_param *p = sched_param_by_name(h->pool->policy, l->scope, l->name, &i);
        assert_int_equal(value_of(u, l->scope, l->name), l->def);
        assert_int_equal(p->min, l->min);
        assert_int_equal(p->max, l->max);
        assert_int_equal(harness_set(h, l->scope, u, l->name, l->min - 1), -SCHED_EINVAL);
        assert_int_equal(harness_set(h, l->scope, u, l->name, l->max + 1), -SCHED_EINVAL);
        assert_int_equal(value_of(u, l->scope, l->name), l->def);
    }
}

static inline void assert_refused(int err, int code, const struct sched_refusal *why,
                                  const char *param, int64_t limit)
{
    assert_int_equal(err, -code);
    assert_non_null(why->why);
    assert_int_equal(why->limit, limit);
    if (param)
        assert_string_equal(why->param, param);
}

/* A reservation refused for want of room; the answer is rounded to a millionth. */
static inline void assert_no_room(int err, const struct sched_refusal *why, int64_t free_ppm)
{
    assert_int_equal(err, -SCHED_ENOSPC);
    assert_non_null(why->why);
    assert_in_range(why->limit, free_ppm - 1, free_ppm + 1);
}

/* ---- what units do ------------------------------------------------------------------- */

static inline struct sched_unit *idle_unit(void)
{
    return harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
}

/* The share of a unit beside two hogs, so that a third is due. */
static inline double share_beside_two(enum harness_work work, sched_time run, sched_time sleep)
{
    struct sched_unit *u = harness_unit(h, NULL, work, run, sleep);

    harness_hog(h);
    harness_hog(h);
    harness_run(h, 30 * SEC);
    return harness_share(h, u);
}

/* A sleeper wakes 3 ms after somebody else began to run; how long it waits. Decisions that are
 * asked for meanwhile make no difference. */
static inline sched_time wait_for_ratelimit(sched_time ratelimit)
{
    struct sched_unit *sleeper = idle_unit();

    harness_hog(h);
    harness_hog(h);
    set_pool("ratelimit", ratelimit);
    harness_run(h, SEC);
    harness_run(h, h->pcpus[0]->until - h->now + 3 * MS);
    sched_wake(sleeper, h->now);
    harness_run(h, MS);
    core_resched(h->pcpus[0], h->now);
    harness_run(h, 100 * MS);
    return harness_of(h, sleeper)->longest_wait;
}

/* A unit that begins its period runs for 1 ms and sleeps until `wake`; what it gets in 10 ms from
 * there. */
static inline sched_time service_after_sleep(struct sched_unit *u, sched_time wake)
{
    harness_run(h, MS);
    sched_block(u, h->now);
    harness_run(h, wake - h->now);
    sched_wake(u, h->now);
    return service_within(u, 10 * MS);
}

/* Tasks out of phase that need 95 % of a pCPU, beside a hog; task(period, run) makes one that
 * reserves what it needs. */
static inline void assert_no_misses_at_95_percent(struct sched_unit *(*task)(sched_time,
                                                                             sched_time))
{
    struct sched_unit *u[3];

    u[0] = task(10 * MS, 4 * MS);
    harness_run(h, 1234 * US);
    u[1] = task(20 * MS, 7 * MS);
    harness_run(h, 3210 * US);
    u[2] = task(50 * MS, 10 * MS);
    harness_hog(h);
    harness_run(h, 100 * SEC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(harness_of(h, u[i])->misses, 0);
}

/* ---- caps ----------------------------------------------------------------------------- */

static inline sched_time domain_service(const struct sched_domain *d)
{
    sched_time sum = 0;

    list_for_each(u, &d->units, struct sched_unit, domain_link)
        sum += harness_service(h, u);
    return sum;
}

/* How much more than `cap` per cent the domain ran in any window of the next `duration`, at most;
 * windows begin and end at multiples of 500 us. */
static inline sched_time worst_excess(const struct sched_domain *d, int64_t cap,
                                      sched_time duration)
{
    sched_time least = 0, worst = 0;

    harness_mark(h);
    for (sched_time t = 500 * US; t <= duration; t += 500 * US) {
        harness_run(h, 500 * US);
        sched_time excess = domain_service(d) - t * cap / 100;
        worst = time_max(worst, excess - least);
        least = time_min(least, excess);
    }
    return worst;
}

#endif
