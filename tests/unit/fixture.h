/*
 * A harness for each test, with what most tests of the core and of weighted
 * policies do to it. Tests are listed with ON(policy, pCPUs, test).
 */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sched/core.h"
#include "harness.h"

struct fixture {
    const char *policy;
    unsigned nr_pcpus;
};

static struct harness *h;

static inline int fixture_begin(void **state)
{
    const struct fixture *f = *state;
    h = harness_new(f->policy, f->nr_pcpus);
    return 0;
}

static inline int fixture_end(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

#define ON(policy, nr_pcpus, test)                                                                 \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_begin, fixture_end,                     \
                                             (&(struct fixture){policy, nr_pcpus}))

/* ---- parameters and affinity ---------------------------------------------------- */

static inline void set(struct sched_unit *u, const char *name, int64_t value)
{
    assert_int_equal(harness_set(h, SCHED_PARAM_DOMAIN, u, name, value), 0);
}

static inline void set_pool(const char *name, int64_t value)
{
    assert_int_equal(harness_set(h, SCHED_PARAM_POOL, NULL, name, value), 0);
}

static inline struct sched_unit *hog(int64_t weight)
{
    struct sched_unit *u = harness_hog(h);
    set(u, "weight", weight);
    return u;
}

/* Bit i of `bits` is pCPU i. */
static inline struct mask mask_of(uint64_t bits)
{
    return (struct mask){.summary = bits != 0, .word = {bits}};
}

/* Hard affinity. */
static inline void allow(struct sched_unit *u, uint64_t bits)
{
    struct mask hard = mask_of(bits);
    assert_int_equal(sched_set_affinity(u, &hard, NULL, h->now, NULL), 0);
}

/* Soft affinity; any pCPU is allowed. */
static inline void prefer(struct sched_unit *u, uint64_t bits)
{
    struct mask soft = mask_of(bits);
    assert_int_equal(sched_set_affinity(u, NULL, &soft, h->now, NULL), 0);
}

static inline struct sched_unit *pinned_hog(int64_t weight, unsigned pcpu)
{
    struct sched_unit *u = hog(weight);
    harness_pin(h, u, pcpu);
    return u;
}

/* The waiting unit waits on `pcpu` with this vtime instead; nobody has decided yet. */
static inline void wait_on(struct sched_unit *u, unsigned pcpu, int64_t vtime)
{
    assert_int_equal(u->state, SCHED_WAITING);
    core_unqueue(u, h->now);
    core_set_home(u, h->pcpus[pcpu], h->now);
    u->vtime = vtime;
    core_queue(u, SCHED_MOVED, h->now);
    assert_int_equal(u->vtime, vtime);
}

static inline struct sched_unit *waits_on(unsigned pcpu, int64_t vtime)
{
    struct sched_unit *u = hog(256);
    wait_on(u, pcpu, vtime);
    return u;
}

/* The pCPU has decided, and found nothing to do. */
static inline void is_idle(unsigned pcpu)
{
    assert_null(h->pcpus[pcpu]->current);
    mask_set(&h->pool->idle, pcpu);
    h->due[pcpu] = SCHED_NEVER;
}

/* ---- what happens ----------------------------------------------------------------- */

/* CPU time within the next `duration`. */
static inline sched_time service_within(const struct sched_unit *u, sched_time duration)
{
    harness_mark(h);
    harness_run(h, duration);
    return harness_service(h, u);
}

/* In per cent of one pCPU, since the mark. */
static inline void assert_share(const struct sched_unit *u, double percent, double tolerance)
{
    assert_float_equal(harness_share(h, u), percent, tolerance);
}

/* Where the unit runs, SCHED_NO_PCPU if it does not. */
static inline int runs_on(const struct sched_unit *u)
{
    return u->state == SCHED_RUNNING ? (int)u->home->id : SCHED_NO_PCPU;
}

#endif
