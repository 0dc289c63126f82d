/*
 * What credit and credit2 both promise of weights and caps, which are set for each domain; how
 * closely, each policy's test says.
 */
#ifndef TEST_WEIGHTS_AND_CAPS_H
#define TEST_WEIGHTS_AND_CAPS_H

#include "contract.h"

/* ---- weights ------------------------------------------------------------------------ */

static inline void test_weight_ratio_of_256(void **state)
{
    (void)state;
    struct sched_unit *light = pinned_hog(1, 0);
    pinned_hog(256, 0);
    harness_run(h, 100 * SEC);
    assert_share(light, 100.0 / 257, 10.0 / 257);
}

/* 75 % from there, in `window` already. */
static inline void assert_new_weight_applies_within(sched_time window)
{
    struct sched_unit *u = hog(256);

    hog(256);
    harness_run(h, window);
    set(u, "weight", 768);
    assert_in_range(service_within(u, window), window * 74 / 100, window * 76 / 100);
}

/* ---- caps --------------------------------------------------------------------------- */

static inline void test_cap_above_100_for_each_vcpu_is_refused(void **state)
{
    const int64_t more[] = {256, 301}, equal[] = {256, 300};
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = harness_hog(h);
    harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    int err = sched_domain_set(u->domain, more, h->now, &why);
    assert_refused(err, SCHED_EINVAL, &why, "cap", 300);
    assert_int_equal(sched_domain_set(u->domain, equal, h->now, &why), 0);
}

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

/* One vCPU is ready all the time, the other now and then; `depth` is that of a full bucket. */
static inline void assert_cap_of_25_holds(sched_time depth)
{
    struct sched_unit *u = hog(256);

    harness_unit(h, u->domain, HARNESS_CYCLE, 7 * MS, 11 * MS);
    set(u, "cap", 25);
    assert_true(worst_excess(u->domain, 25, 10 * SEC) <= depth);
    assert_in_range(domain_service(u->domain), 2475 * MS, 2525 * MS);
}

static inline sched_time excess_after_long_sleep(int64_t cap)
{
    struct sched_unit *u = idle_unit();

    set(u, "cap", cap);
    harness_run(h, 100 * SEC);
    sched_wake(u, h->now);
    return worst_excess(u->domain, cap, SEC);
}

static inline void test_others_use_what_a_cap_leaves(void **state)
{
    (void)state;
    struct sched_unit *capped = hog(256), *other = hog(256);
    set(capped, "cap", 25);
    harness_run(h, 10 * SEC);
    assert_share(capped, 25, 0.25);
    assert_share(other, 75, 0.25);
}

static inline void test_cap_can_be_removed(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    set(u, "cap", 10);
    harness_run(h, SEC);
    set(u, "cap", 0);
    assert_int_equal(service_within(u, SEC), SEC);
}

/* ---- waiting ------------------------------------------------------------------------ */

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

/* A unit that needs 2 % of a pCPU has them beside so many hogs, without long waits. */
static inline void assert_short_waits_beside(unsigned hogs, double tolerance)
{
    while (hogs--)
        hog(256);
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_CYCLE, 200 * US, 9800 * US);
    harness_run(h, SEC);
    harness_mark(h);
    harness_run(h, 20 * SEC);
    assert_true(harness_of(h, u)->longest_wait <= MS);
    assert_share(u, 2, tolerance);
}

#endif
