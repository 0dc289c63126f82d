/* RTDS: which reservations are admitted, which are refused, and what the refusal says. */
#include "reservations.h"

int try_reserve(struct sched_unit *u, sched_time period, sched_time budget, int extratime,
                struct sched_refusal *why)
{
    return sched_unit_set(u, (const int64_t[]){period, budget, extratime}, h->now, why);
}

/* U_sum <= m - (m - 1) U_max. */
static void test_global_test_on_two_pcpus(void **state)
{
    struct sched_refusal why;

    (void)state;
    server(10 * MS, 6 * MS);
    server(10 * MS, 6 * MS);
    struct sched_unit *u = idle_unit();
    int err = try_reserve(u, 10 * MS, 3 * MS, 0, &why);
    assert_no_room(err, &why, 200000);
    assert_int_equal(try_reserve(u, 10 * MS, 2 * MS, 0, &why), 0);
}

static void test_units_of_a_domain_are_admitted_together(void **state)
{
    const int64_t more[] = {10 * MS, 5 * MS + 10 * US, 0}, half[] = {10 * MS, 5 * MS, 0};
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = idle_unit();
    harness_unit(h, u->domain, HARNESS_IDLE, 0, 0);
    int err = sched_domain_set_units(u->domain, more, h->now, &why);
    assert_no_room(err, &why, 500000);
    assert_int_equal(sched_domain_set_units(u->domain, half, h->now, &why), 0);
}

static void test_pinned_reservations_count_where_they_run(void **state)
{
    struct sched_refusal why;
    struct sched_unit *u[3];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        harness_pin(h, u[i] = harness_hog(h), i);
        reserve(u[i], 10 * MS, 9 * MS, 0);
    }
    harness_pin(h, u[2] = harness_hog(h), 0);
    int err = try_reserve(u[2], 10 * MS, 2 * MS, 0, &why);
    assert_no_room(err, &why, 100000);
    reserve(u[2], 10 * MS, MS, 0);
    harness_run(h, SEC);
    assert_share(u[0], 90, 0.1);
    assert_share(u[1], 90, 0.1);
    assert_share(u[2], 10, 0.1);
}

static void test_default_reservation_counts(void **state)
{
    struct sched_refusal why;

    (void)state;
    harness_hog(h);
    struct sched_unit *u = idle_unit();
    assert_no_room(try_reserve(u, 10 * MS, 7 * MS, 1, &why), &why, 600000);
    reserve(u, 10 * MS, 6 * MS, 1);
}

static void test_default_that_does_not_fit_is_no_reservation(void **state)
{
    (void)state;
    server(10 * MS, 4 * MS);
    struct sched_unit *second = server(10 * MS, 5 * MS), *third = harness_hog(h);
    harness_run(h, SEC);
    assert_share(third, 10, 0.1);
    reserve(second, 10 * MS, 6 * MS, 0);
    assert_int_equal(service_within(third, SEC), 0); /* it starves, as documented */
}

static void test_admission_is_not_switched_on_in_overload(void **state)
{
    const int64_t on[] = {1, 0};
    struct sched_refusal why;

    (void)state;
    set_pool("admission", 0);
    server(10 * MS, 6 * MS);
    struct sched_unit *u = server(10 * MS, 6 * MS);
    assert_refused(sched_pool_set(h->pool, on, h->now, &why), SCHED_ENOSPC, &why, "admission", 0);
    reserve(u, 10 * MS, 4 * MS, 0);
    assert_int_equal(sched_pool_set(h->pool, on, h->now, &why), 0);
}

/* Pinning is not tested for admission. */
static void test_reservation_may_be_lowered_in_overload(void **state)
{
    (void)state;
    struct sched_unit *a = server(10 * MS, 6 * MS), *b = server(10 * MS, 6 * MS);
    harness_pin(h, a, 0);
    harness_pin(h, b, 0);
    reserve(b, 10 * MS, 5 * MS, 0);
    assert_int_equal(try_reserve(b, 10 * MS, 6 * MS, 0, NULL), -SCHED_ENOSPC);
}

static void test_end_of_a_unit_frees_its_reservation(void **state)
{
    (void)state;
    struct sched_unit *a = server(10 * MS, 6 * MS), *b = idle_unit();
    assert_int_equal(try_reserve(b, 10 * MS, 6 * MS, 0, NULL), -SCHED_ENOSPC);
    sched_unit_fini(a, h->now);
    reserve(b, 10 * MS, 6 * MS, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rtds", 1, test_overload_is_refused_and_says_what_is_free),
        ON("rtds", 2, test_global_test_on_two_pcpus),
        ON("rtds", 1, test_units_of_a_domain_are_admitted_together),
        ON("rtds", 2, test_pinned_reservations_count_where_they_run),
        ON("rtds", 1, test_default_reservation_counts),
        ON("rtds", 1, test_default_that_does_not_fit_is_no_reservation),
        ON("rtds", 1, test_admission_can_be_switched_off),
        ON("rtds", 1, test_admission_is_not_switched_on_in_overload),
        ON("rtds", 2, test_reservation_may_be_lowered_in_overload),
        ON("rtds", 1, test_end_of_a_unit_frees_its_reservation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
