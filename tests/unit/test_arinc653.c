/* ARINC653: windows, to the nanosecond, and tables that are refused. */
#include "contract.h"

#define FRAME (100 * MS)

static int try_table(sched_time frame, const struct sched_window *w, unsigned n,
                     struct sched_refusal *why)
{
    return sched_set_table(h->pool, frame, w, n, h->now, why);
}

static struct sched_window window_of(const struct sched_unit *u, sched_time runtime)
{
    return (struct sched_window){u->domain, u->vcpu, runtime};
}

/* a: 20 ms, b: 30 ms, 50 ms idle. */
static void set_table_of_two(const struct sched_unit *a, const struct sched_unit *b)
{
    const struct sched_window w[] = {window_of(a, 20 * MS), window_of(b, 30 * MS)};

    assert_int_equal(try_table(FRAME, w, 2, NULL), 0);
}

static struct sched_domain *control_domain(void)
{
    struct sched_domain *d = harness_domain(h);

    d->privileged = true;
    return d;
}

/* ---- windows ------------------------------------------------------------------------ */

static void test_units_run_in_their_windows_exactly(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_run(h, 7 * MS);
    set_table_of_two(a, b);
    for (int frame = 0; frame < 3; frame++) {
        assert_int_equal(service_within(a, 20 * MS), 20 * MS);
        assert_int_equal(service_within(b, 30 * MS), 30 * MS);
        assert_int_equal(service_within(b, 50 * MS), 0);
        assert_int_equal(harness_service(h, a), 0);
    }
}

static void test_window_that_is_not_used_stays_idle(void **state)
{
    (void)state;
    struct sched_unit *a = idle_unit(), *b = harness_hog(h);
    set_table_of_two(a, b);
    assert_int_equal(service_within(b, 20 * MS), 0);
    assert_int_equal(service_within(b, 30 * MS), 30 * MS);
    assert_int_equal(service_within(b, 50 * MS), 0);
}

static void test_sleep_within_a_window_is_not_made_up_for(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    set_table_of_two(a, b);
    harness_run(h, 5 * MS);
    sched_block(a, h->now);
    harness_run(h, 5 * MS);
    sched_wake(a, h->now);
    assert_int_equal(service_within(a, 90 * MS), 10 * MS);
    assert_int_equal(harness_service(h, b), 30 * MS);
}

static void test_wake_outside_of_its_windows_waits(void **state)
{
    (void)state;
    struct sched_unit *a = idle_unit(), *b = harness_hog(h);
    set_table_of_two(a, b);
    harness_run(h, 25 * MS);
    sched_wake(a, h->now);
    assert_int_equal(service_within(a, 75 * MS), 0);
    assert_int_equal(service_within(a, 20 * MS), 20 * MS);
}

static void test_yield_gives_no_time_away(void **state)
{
    (void)state;
    struct sched_unit *a = harness_unit(h, NULL, HARNESS_YIELD, MS, 0), *b = harness_hog(h);
    set_table_of_two(a, b);
    harness_run(h, 10 * FRAME);
    assert_share(a, 20, 0);
    assert_share(b, 30, 0);
}

static void test_unit_may_have_several_windows(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    const struct sched_window w[] = {window_of(a, MS), window_of(b, 2 * MS), window_of(a, 3 * MS)};
    assert_int_equal(try_table(6 * MS, w, 3, NULL), 0);
    for (int frame = 0; frame < 3; frame++) {
        assert_int_equal(service_within(a, MS), MS);
        assert_int_equal(service_within(b, 2 * MS), 2 * MS);
        assert_int_equal(service_within(a, 3 * MS), 3 * MS);
    }
}

static void test_unit_without_a_window_starves(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h), *c = harness_hog(h);
    set_table_of_two(a, b);
    assert_int_equal(service_within(c, 10 * SEC), 0);
}

/* The trap: a missed frame must neither shift the table nor stop the machine. */
static void test_late_decision_does_not_shift_the_table(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    set_table_of_two(a, b);
    assert_ptr_equal(sched_decide(h->pcpus[0], 0).unit, a);
    struct sched_decision d = sched_decide(h->pcpus[0], 3 * FRAME + 25 * MS);
    assert_ptr_equal(d.unit, b);
    assert_int_equal(d.until, 3 * FRAME + 50 * MS);
    d = sched_decide(h->pcpus[0], 7 * FRAME + 99 * MS);
    assert_null(d.unit);
    assert_int_equal(d.until, 8 * FRAME);
}

/* ---- several pCPUs --------------------------------------------------------------------- */

static void test_windows_run_on_the_unit_s_own_pcpu(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    harness_pin(h, a, 1);
    harness_pin(h, b, 0);
    set_table_of_two(a, b);
    harness_run(h, 10 * MS);
    assert_int_equal(runs_on(a), 1);
    assert_null(h->pcpus[0]->current);
    harness_run(h, 20 * MS);
    assert_int_equal(runs_on(b), 0);
    assert_null(h->pcpus[1]->current);
    harness_mark(h);
    harness_run(h, 10 * FRAME);
    assert_share(a, 20, 0);
    assert_share(b, 30, 0);
}

/* ---- the default table ------------------------------------------------------------------- */

static void test_before_any_table_guests_do_not_run(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal(service_within(u, SEC), 0);
}

static void test_before_any_table_the_control_domain_takes_turns(void **state)
{
    (void)state;
    struct sched_domain *d = control_domain();
    struct sched_unit *a = harness_unit(h, d, HARNESS_HOG, 0, 0);
    struct sched_unit *b = harness_unit(h, d, HARNESS_HOG, 0, 0);
    harness_hog(h);
    for (int frame = 0; frame < 3; frame++) {
        assert_int_equal(service_within(a, 10 * MS), 10 * MS);
        assert_int_equal(service_within(b, 10 * MS), 10 * MS);
    }
}

static void test_default_window_goes_with_its_unit(void **state)
{
    (void)state;
    struct sched_domain *d = control_domain();
    struct sched_unit *a = harness_unit(h, d, HARNESS_HOG, 0, 0);
    struct sched_unit *b = harness_unit(h, d, HARNESS_HOG, 0, 0);
    harness_run(h, 15 * MS);
    sched_unit_fini(a, h->now);
    assert_int_equal(service_within(b, SEC), SEC);
}

/* ---- changes ------------------------------------------------------------------------------ */

static void test_new_table_takes_effect_at_once(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    set_table_of_two(a, b);
    harness_run(h, 12 * MS);
    set_table_of_two(b, a);
    assert_int_equal(service_within(b, 20 * MS), 20 * MS);
    assert_int_equal(service_within(a, 30 * MS), 30 * MS);
}

static void test_window_of_a_unit_that_ended_stays_idle(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    set_table_of_two(a, b);
    harness_run(h, 5 * MS);
    sched_unit_fini(a, h->now);
    assert_int_equal(service_within(b, 15 * MS), 0);
    assert_int_equal(service_within(b, 80 * MS), 30 * MS);
}

static void test_unit_that_returns_has_its_window_again(void **state)
{
    (void)state;
    struct sched_pool *away = harness_pool(h, "rrobin");
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, NULL), 0);
    assert_int_equal(sched_pool_add_pcpu(away, h->pcpus[1], h->now), 0);
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    set_table_of_two(a, b);
    assert_int_equal(sched_domain_move(a->domain, away, h->now, NULL), 0);
    assert_int_equal(service_within(a, FRAME), FRAME);
    assert_int_equal(sched_domain_move(a->domain, h->pool, h->now, NULL), 0);
    assert_int_equal(service_within(a, FRAME), 20 * MS);
    assert_int_equal(harness_service(h, b), 30 * MS);
}

/* ---- tables that are refused ---------------------------------------------------------------- */

static void test_windows_longer_than_the_frame_are_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    const struct sched_window w[] = {window_of(a, 60 * MS), window_of(b, 40 * MS + 1)};
    assert_refused(try_table(FRAME, w, 2, &why), SCHED_EINVAL, &why, NULL, 40 * MS);
    assert_int_equal(try_table(FRAME + 1, w, 2, &why), 0);
}

static void test_empty_window_is_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    const struct sched_window none = window_of(harness_hog(h), 0);
    const struct sched_window negative = {none.domain, 0, -1}, least = {none.domain, 0, 1};
    assert_refused(try_table(FRAME, &none, 1, &why), SCHED_EINVAL, &why, NULL, 1);
    assert_refused(try_table(FRAME, &negative, 1, &why), SCHED_EINVAL, &why, NULL, 1);
    assert_int_equal(try_table(FRAME, &least, 1, &why), 0);
}

static void test_frame_is_up_to_an_hour(void **state)
{
    struct sched_refusal why;

    (void)state;
    const struct sched_window w = window_of(harness_hog(h), 1);
    assert_refused(try_table(0, &w, 1, &why), SCHED_EINVAL, &why, NULL, 3600 * SEC);
    assert_refused(try_table(3600 * SEC + 1, &w, 1, &why), SCHED_EINVAL, &why, NULL, 3600 * SEC);
    assert_int_equal(try_table(3600 * SEC, &w, 1, &why), 0);
    assert_int_equal(try_table(1, &w, 1, &why), 0);
}

static void test_table_has_1_to_64_windows(void **state)
{
    struct sched_window w[65];
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = harness_hog(h), *last = harness_hog(h);
    for (int i = 0; i < 65; i++)
        w[i] = window_of(i == 63 ? last : u, MS);
    assert_refused(try_table(FRAME, w, 65, &why), SCHED_EINVAL, &why, NULL, 64);
    assert_refused(try_table(FRAME, w, 0, &why), SCHED_EINVAL, &why, NULL, 64);
    assert_int_equal(try_table(FRAME, w, 64, &why), 0);
    assert_int_equal(service_within(u, 63 * MS), 63 * MS);
    assert_int_equal(service_within(last, 37 * MS), MS);
}

static void test_strangers_are_refused(void **state)
{
    struct sched_refusal why;

    (void)state;
    struct sched_unit *u = harness_hog(h);
    const struct sched_window no_vcpu = {u->domain, 1, MS}, no_domain = {NULL, 0, MS};
    assert_refused(try_table(FRAME, &no_vcpu, 1, &why), SCHED_EINVAL, &why, NULL, 0);
    assert_refused(try_table(FRAME, &no_domain, 1, &why), SCHED_EINVAL, &why, NULL, 0);
    struct sched_pool *away = harness_pool(h, "null");
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, NULL), 0);
    assert_int_equal(sched_pool_add_pcpu(away, h->pcpus[1], h->now), 0);
    assert_int_equal(sched_domain_move(u->domain, away, h->now, NULL), 0);
    const struct sched_window elsewhere = window_of(u, MS);
    assert_refused(try_table(FRAME, &elsewhere, 1, &why), SCHED_EINVAL, &why, NULL, 0);
}

static void test_table_refused_leaves_the_old_one(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    const struct sched_window wrong[] = {window_of(b, FRAME), window_of(a, 1)};
    set_table_of_two(a, b);
    assert_int_equal(try_table(FRAME, wrong, 2, NULL), -SCHED_EINVAL);
    assert_int_equal(service_within(a, 20 * MS), 20 * MS);
    assert_int_equal(service_within(b, 80 * MS), 30 * MS);
}

/* ---- reading the table ------------------------------------------------------------------- */

static void assert_window(const struct sched_table_window *w, const struct sched_unit *u,
                          sched_time runtime)
{
    assert_int_equal(w->domain, u->domain->id);
    assert_int_equal(w->vcpu, u->vcpu);
    assert_int_equal(w->runtime, runtime);
}

static void test_table_reads_as_it_was_set(void **state)
{
    (void)state;
    struct sched_unit *a = harness_hog(h), *b = harness_hog(h);
    struct sched_table_window w[SCHED_TABLE_MAX];
    sched_time frame;
    set_table_of_two(a, b);
    assert_int_equal(sched_get_table(h->pool, &frame, w, NULL), 2);
    assert_int_equal(frame, FRAME);
    assert_window(&w[0], a, 20 * MS);
    assert_window(&w[1], b, 30 * MS);
}

static void test_default_table_is_read_too(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, control_domain(), HARNESS_HOG, 0, 0);
    struct sched_table_window w[SCHED_TABLE_MAX];
    sched_time frame;
    assert_int_equal(sched_get_table(h->pool, &frame, w, NULL), 1);
    assert_int_equal(frame, 10 * MS);
    assert_window(&w[0], u, 10 * MS);
}

static void test_others_have_no_table_to_read(void **state)
{
    (void)state;
    struct sched_table_window w[SCHED_TABLE_MAX];
    struct sched_refusal why = {0};
    sched_time frame;
    assert_int_equal(sched_get_table(h->pool, &frame, w, &why), -SCHED_EINVAL);
    assert_string_equal(why.why, "only arinc653 is driven by a table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("arinc653", 1, test_units_run_in_their_windows_exactly),
        ON("arinc653", 1, test_window_that_is_not_used_stays_idle),
        ON("arinc653", 1, test_sleep_within_a_window_is_not_made_up_for),
        ON("arinc653", 1, test_wake_outside_of_its_windows_waits),
        ON("arinc653", 1, test_yield_gives_no_time_away),
        ON("arinc653", 1, test_unit_may_have_several_windows),
        ON("arinc653", 1, test_unit_without_a_window_starves),
        ON("arinc653", 1, test_late_decision_does_not_shift_the_table),
        ON("arinc653", 2, test_windows_run_on_the_unit_s_own_pcpu),
        ON("arinc653", 1, test_before_any_table_guests_do_not_run),
        ON("arinc653", 1, test_before_any_table_the_control_domain_takes_turns),
        ON("arinc653", 1, test_default_window_goes_with_its_unit),
        ON("arinc653", 1, test_new_table_takes_effect_at_once),
        ON("arinc653", 1, test_window_of_a_unit_that_ended_stays_idle),
        ON("arinc653", 2, test_unit_that_returns_has_its_window_again),
        ON("arinc653", 1, test_windows_longer_than_the_frame_are_refused),
        ON("arinc653", 1, test_empty_window_is_refused),
        ON("arinc653", 1, test_frame_is_up_to_an_hour),
        ON("arinc653", 1, test_table_has_1_to_64_windows),
        ON("arinc653", 2, test_strangers_are_refused),
        ON("arinc653", 1, test_table_refused_leaves_the_old_one),
        ON("arinc653", 1, test_table_reads_as_it_was_set),
        ON("arinc653", 1, test_default_table_is_read_too),
        ON("credit", 1, test_others_have_no_table_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
