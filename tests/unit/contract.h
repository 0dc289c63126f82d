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

/* What a unit gets within `window` of its wake beside a hog, after 100 s of sleep. */
static inline sched_time service_after_long_sleep(sched_time window)
{
    struct sched_unit *sleeper = idle_unit();

    harness_hog(h);
    harness_run(h, 100 * SEC);
    sched_wake(sleeper, h->now);
    return service_within(sleeper, window);
}

/* All of them are ready all the time. */
static inline void assert_three_share_two_pcpus(const struct sched_unit *a,
                                                const struct sched_unit *b,
                                                const struct sched_unit *c)
{
    harness_run(h, 10 * SEC);
    assert_share(a, 66.7, 1);
    assert_share(b, 66.7, 1);
    assert_share(c, 66.7, 1);
    assert_int_equal(h->wasted, 0);
}

static inline void test_three_hogs_share_two_pcpus(void **state)
{
    (void)state;
    assert_three_share_two_pcpus(harness_hog(h), harness_hog(h), harness_hog(h));
}

#endif
