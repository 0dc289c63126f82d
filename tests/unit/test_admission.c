/* Admission of reservations to pCPUs. Sizes are in per cent of a pCPU, of a period of 100 ms. */
#include "../../sched/admission.h"
#include "fixture.h"

static struct sched_refusal why;

/* sched_unit_set with a slice of `percent`. */
static int reserve(struct sched_unit *u, int64_t percent)
{
    return harness_set(h, SCHED_PARAM_UNIT, u, "slice", percent * MS);
}

static struct sched_unit *reserved(int64_t percent)
{
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);

    assert_int_equal(reserve(u, percent), 0);
    assert_true(u->bound);
    return u;
}

/* Like reserve, with the reason in `why`. */
static int ask(struct sched_unit *u, int64_t percent)
{
    int64_t value[SCHED_MAX_PARAMS];
    unsigned slice;

    for (int i = 0; i < SCHED_MAX_PARAMS; i++)
        value[i] = u->value[i];
    sched_param_by_name(u->domain->pool->policy, SCHED_PARAM_UNIT, "slice", &slice);
    value[slice] = percent * MS;
    return sched_unit_set(u, value, h->now, &why);
}

static struct sched_unit *newcomer(void)
{
    return harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
}

/* `why` says that this many per cent are free; sizes are rounded down on their way. */
static void assert_free(int64_t percent)
{
    assert_in_range(why.limit + 1, percent * 10000, percent * 10000 + 1);
}

/* Sums of what is reserved are what the units on the pCPU have, and at most one. */
static void assert_sound(void)
{
    for (unsigned i = 0; i < h->nr_pcpus; i++) {
        uint64_t sum = 0;
        list_for_each(u, &h->pcpus[i]->units, struct sched_unit, home_link)
            sum += u->reserved;
        assert_int_equal(h->pcpus[i]->reserved, sum);
        assert_true(sum <= UTIL_ONE);
    }
}

/* ---- utilisations ------------------------------------------------------------------------- */

static void test_ratios(void **state)
{
    (void)state;
    assert_int_equal(util_ratio(0, SEC), 0);
    assert_int_equal(util_ratio(SEC, SEC), UTIL_ONE);
    assert_int_equal(util_ratio(1, 2), UTIL_ONE / 2);
    assert_int_equal(util_ratio(3 * SEC, 4 * SEC), UTIL_ONE / 4 * 3);
    assert_int_equal(util_ratio((1LL << 43) - 1, 1LL << 43), UTIL_ONE - 1);
}

static void test_ratios_are_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(util_ratio(1, 3), UTIL_ONE / 3);
    assert_int_equal(util_ratio(2, 3), UTIL_ONE * 2 / 3);
    assert_int_equal(util_ratio(1, 1LL << 43), 0);
}

static void test_parts_per_million(void **state)
{
    (void)state;
    assert_int_equal(util_ppm(UTIL_ONE), 1000000);
    assert_int_equal(util_ppm(UTIL_ONE / 4), 250000);
    assert_int_equal(util_ppm(0), 0);
    assert_int_equal(util_ppm(4096 * UTIL_ONE), 4096 * 1000000LL);
}

/* ---- one pCPU ----------------------------------------------------------------------------- */

static void test_a_pcpu_can_be_filled(void **state)
{
    (void)state;
    reserved(60);
    reserved(40);
    assert_int_equal(ask(newcomer(), 1), -SCHED_ENOSPC);
    assert_free(0);
    assert_sound();
}

static void test_refusal_says_what_is_free(void **state)
{
    (void)state;
    reserved(60);
    reserved(15);
    struct sched_unit *u = newcomer();
    assert_int_equal(ask(u, 26), -SCHED_ENOSPC);
    assert_null(why.param);
    assert_non_null(why.why);
    assert_free(25);
    assert_int_equal(ask(u, 25), 0);
}

static void test_own_reservation_does_not_count_twice(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(60);
    reserved(30);
    assert_int_equal(ask(u, 71), -SCHED_ENOSPC);
    assert_free(70);
    assert_int_equal(u->reserved, util_ratio(60, 100));
    assert_int_equal(ask(u, 70), 0);
    assert_sound();
}

static void test_what_is_given_up_is_free(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(90), *v = newcomer();
    assert_int_equal(reserve(u, 0), 0);
    assert_false(u->bound);
    assert_int_equal(reserve(v, 100), 0);
    sched_unit_fini(v, h->now);
    assert_int_equal(reserve(u, 100), 0);
    assert_sound();
}

static void test_all_units_of_a_domain_count(void **state)
{
    (void)state;
    struct sched_domain *d = harness_domain(h);
    struct sched_unit *u = harness_unit(h, d, HARNESS_IDLE, 0, 0);
    struct sched_unit *v = harness_unit(h, d, HARNESS_IDLE, 0, 0);
    int64_t value[] = {100 * MS, 51 * MS, 0, 1, 0};
    assert_int_equal(sched_domain_set_units(d, value, h->now, &why), -SCHED_ENOSPC);
    assert_int_equal(u->value[1], 0);
    value[1] = 50 * MS;
    assert_int_equal(sched_domain_set_units(d, value, h->now, &why), 0);
    assert_int_equal(u->reserved, UTIL_ONE / 2);
    assert_int_equal(v->reserved, UTIL_ONE / 2);
}

/* A newcomer's default reservation that does not fit is none, and is in nobody's way later. */
static void test_default_that_does_not_fit_is_left_out(void **state)
{
    (void)state;
    struct sched_unit *u = newcomer();
    assert_int_equal(u->reserved, util_ratio(10, 10000));
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 10 * SEC), 0);
    struct sched_unit *late = newcomer();
    assert_int_equal(late->reserved, 0);
    assert_false(late->bound);
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 0), 0);
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 10 * SEC), 0);
}

/* ---- several pCPUs ------------------------------------------------------------------------ */

static void test_newcomers_spread(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        reserved(40);
    for (int i = 0; i < 4; i++)
        assert_int_equal(h->pcpus[i]->reserved, util_ratio(40, 100));
}

static void test_admitted_units_stay_if_they_can(void **state)
{
    (void)state;
    struct sched_unit *u[3];
    const struct sched_pcpu *home[3];
    for (int i = 0; i < 3; i++) {
        u[i] = reserved(20 + i * 10);
        home[i] = u[i]->home;
    }
    reserved(70);
    assert_int_equal(reserve(u[1], 35), 0);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(u[i]->home, home[i]);
}

static void test_all_are_packed_anew_for_a_large_one(void **state)
{
    (void)state;
    struct sched_unit *a = reserved(40), *b = reserved(40);
    assert_ptr_not_equal(a->home, b->home);
    struct sched_unit *c = reserved(80);
    assert_ptr_equal(a->home, b->home);
    assert_ptr_not_equal(a->home, c->home);
    assert_sound();
}

/* Largest first into the emptiest, the fullest or the first pCPU all fail on this set. */
static void test_search_finds_what_heuristics_miss(void **state)
{
    const int64_t sizes[] = {20, 20, 20, 20, 30, 40, 50};

    (void)state;
    for (int i = 0; i < 7; i++)
        reserved(sizes[i]);
    assert_in_range(h->pcpus[0]->reserved, UTIL_ONE - 7, UTIL_ONE);
    assert_sound();
}

static void test_no_packing_is_a_refusal(void **state)
{
    (void)state;
    struct sched_unit *a = reserved(60), *b = reserved(60);
    const struct sched_pcpu *home[] = {a->home, b->home};
    struct sched_unit *c = newcomer();
    assert_int_equal(ask(c, 60), -SCHED_ENOSPC); /* 180 of 200 */
    assert_free(40);
    assert_ptr_equal(a->home, home[0]);
    assert_ptr_equal(b->home, home[1]);
    assert_false(c->bound);
    assert_int_equal(c->reserved, 0);
    assert_int_equal(c->value[1], 0);
    assert_sound();
}

static void test_free_is_counted_where_the_unit_may_go(void **state)
{
    (void)state;
    struct sched_unit *u = newcomer();
    allow(reserved(90), 1);
    allow(u, 1);
    assert_int_equal(ask(u, 11), -SCHED_ENOSPC);
    assert_free(10);
    allow(u, 3);
    assert_int_equal(ask(u, 11), 0);
    assert_int_equal(u->home->id, 1);
}

static void test_pinned_units_make_others_move(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(60), *pinned = newcomer();
    unsigned id = u->home->id;
    allow(pinned, 1U << id);
    assert_int_equal(ask(pinned, 60), 0);
    assert_int_equal(pinned->home->id, id);
    assert_int_equal(u->home->id, 1 - id);
    assert_sound();
}

static void test_soft_affinity_is_honoured_while_there_is_room(void **state)
{
    (void)state;
    struct sched_unit *u = newcomer(), *v = newcomer();
    prefer(u, 2);
    prefer(v, 2);
    assert_int_equal(reserve(u, 60), 0);
    assert_int_equal(u->home->id, 1);
    assert_int_equal(reserve(v, 60), 0);
    assert_int_equal(v->home->id, 0);
}

static void test_refused_pin_leaves_all_unchanged(void **state)
{
    (void)state;
    struct sched_unit *a = reserved(60), *b = reserved(60);
    const struct mask old = b->hard, only = mask_of(1U << a->home->id);
    const struct sched_pcpu *home = b->home;
    allow(a, 1U << a->home->id);
    assert_int_equal(sched_set_affinity(b, &only, &only, h->now, &why), -SCHED_ENOSPC);
    assert_free(40);
    assert_true(mask_equal(&b->hard, &old));
    assert_false(b->has_soft);
    assert_ptr_equal(b->home, home);
    assert_int_equal(b->affinity->width, 2);
    assert_sound();
}

/* ---- pCPUs come and go -------------------------------------------------------------------- */

static void test_pcpu_with_reservations_that_fit_elsewhere_may_go(void **state)
{
    (void)state;
    struct sched_unit *a = reserved(50), *b = reserved(50);
    assert_int_equal(sched_pool_remove_pcpu(b->home, h->now, &why), 0);
    assert_ptr_equal(b->home, a->home);
    assert_int_equal(a->home->reserved, UTIL_ONE);
}

static void test_pcpu_that_is_needed_may_not_go(void **state)
{
    (void)state;
    struct sched_unit *a = reserved(50);
    struct sched_unit *b = reserved(51);
    assert_int_equal(sched_pool_remove_pcpu(b->home, h->now, &why), -SCHED_ENOSPC);
    assert_ptr_equal(b->home->pool, h->pool);
    assert_int_equal(h->pool->nr_cpus, 2);
    assert_ptr_not_equal(a->home, b->home);
    assert_sound();
}

static void test_pinned_unit_goes_back_to_its_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(30);
    allow(u, 2);
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, &why), 0);
    assert_int_equal(u->home->id, 0);
    assert_true(u->affinity_broken);
    assert_int_equal(sched_pool_add_pcpu(h->pool, h->pcpus[1], h->now), 0);
    assert_int_equal(u->home->id, 1);
    assert_false(u->affinity_broken);
    assert_sound();
}

/* ---- switched off ------------------------------------------------------------------------- */

static void test_without_admission_anything_goes(void **state)
{
    (void)state;
    set_pool("admission", 0);
    for (int i = 0; i < 4; i++)
        reserved(80);
    assert_int_equal(h->pcpus[0]->reserved, 2 * util_ratio(80, 100));
    assert_int_equal(h->pcpus[1]->reserved, 2 * util_ratio(80, 100));
}

/* ---- the plan itself ---------------------------------------------------------------------- */

static void test_a_plan_changes_nothing_else(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(30);
    const int64_t value[] = {100 * MS, 70 * MS, 0, 1, 0};
    struct sched_change c = {SCHED_PARAM_UNIT, h->pool, u->domain, u, value};
    struct admission_query q = {.pool = h->pool, .change = &c, .enforce = true};
    assert_int_equal(admission_plan(&q, NULL), 0);
    assert_ptr_equal(u->plan, u->home);
    assert_int_equal(u->plan_util, util_ratio(70, 100));
    assert_int_equal(u->reserved, util_ratio(30, 100));
    assert_int_equal(u->home->reserved, util_ratio(30, 100));
}

static void test_a_refused_plan_is_what_is_in_force(void **state)
{
    (void)state;
    struct sched_unit *u = reserved(30), *none = newcomer();
    struct sched_pcpu *only = u->home;
    struct admission_query q = {.pool = h->pool, .leaving = only, .enforce = true};
    assert_int_equal(admission_plan(&q, &why), -SCHED_ENOSPC);
    assert_free(0);
    assert_ptr_equal(u->plan, only);
    assert_int_equal(u->plan_util, u->reserved);
    assert_null(none->plan);
    assert_int_equal(none->plan_util, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_ratios_are_rounded_down),
        cmocka_unit_test(test_parts_per_million),
        ON("sedf", 1, test_a_pcpu_can_be_filled),
        ON("sedf", 1, test_refusal_says_what_is_free),
        ON("sedf", 1, test_own_reservation_does_not_count_twice),
        ON("sedf", 1, test_what_is_given_up_is_free),
        ON("sedf", 1, test_all_units_of_a_domain_count),
        ON("atropos", 1, test_default_that_does_not_fit_is_left_out),
        ON("sedf", 4, test_newcomers_spread),
        ON("sedf", 4, test_admitted_units_stay_if_they_can),
        ON("sedf", 2, test_all_are_packed_anew_for_a_large_one),
        ON("sedf", 2, test_search_finds_what_heuristics_miss),
        ON("sedf", 2, test_no_packing_is_a_refusal),
        ON("sedf", 2, test_free_is_counted_where_the_unit_may_go),
        ON("sedf", 2, test_pinned_units_make_others_move),
        ON("sedf", 2, test_soft_affinity_is_honoured_while_there_is_room),
        ON("sedf", 2, test_refused_pin_leaves_all_unchanged),
        ON("sedf", 2, test_pcpu_with_reservations_that_fit_elsewhere_may_go),
        ON("sedf", 2, test_pcpu_that_is_needed_may_not_go),
        ON("sedf", 2, test_pinned_unit_goes_back_to_its_pcpu),
        ON("sedf", 2, test_without_admission_anything_goes),
        ON("sedf", 1, test_a_plan_changes_nothing_else),
        ON("sedf", 1, test_a_refused_plan_is_what_is_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
