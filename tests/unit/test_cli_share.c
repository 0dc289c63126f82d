/* moirai top: what vCPUs should get, and what two looks at them say. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include <math.h>

#include <xen/xen.h>
#include <xen/vcpu.h>

#include "../../tools/cli/sample.h"
#include "sample_policy.h"

static void assert_near(double a, double b)
{
    if (fabs(a - b) > 1e-3)
        fail_msg("%f is not %f", a, b);
}

static struct share_vcpu hog(unsigned domain, uint64_t hard, double weight)
{
    return (struct share_vcpu){.hard = hard, .demand = 1, .weight = weight, .domain = domain};
}

/* ---- parameters ---------------------------------------------------------------------------- */

static struct share_vcpu params_of(const char *policy, const int64_t *domain, const int64_t *vcpu)
{
    const struct policy p = sample_policy(policy);
    struct share_vcpu v = {0};

    share_params(&v, &p, domain, vcpu);
    return v;
}

static void each_policy_has_its_own_words_for_a_share(void **state)
{
    const int64_t none[MOIRAI_VALUES] = {0};
    struct share_vcpu v;

    (void)state;
    v = params_of("credit", (int64_t[]){512, 25}, none);
    assert_near(v.weight, 512);
    assert_near(v.cap, 0.25);
    assert_near(v.reserved, 0);
    assert_near(params_of("bvt", (int64_t[]){5, 0, 0, 0, 0}, none).weight, 512);
    v = params_of("sedf", none, (int64_t[]){20 * MS, 5 * MS, 0, 1, 100});
    assert_near(v.reserved, 0.25);
    assert_near(v.weight, 100);
    assert_near(params_of("sedf", none, (int64_t[]){20 * MS, 5 * MS, 0, 0, 0}).weight, 0);
    assert_near(params_of("atropos", none, (int64_t[]){20 * MS, 5 * MS, 0, 0}).weight, 0);
    v = params_of("rtds", none, (int64_t[]){10 * MS, 4 * MS, 1});
    assert_near(v.reserved, 0.4);
    assert_near(v.weight, 0.4);
    assert_near(params_of("rrobin", none, none).weight, 256);
    share_windows(&v, 5 * MS, 20 * MS);
    assert_near(v.reserved, 0.25);
    assert_near(v.weight, 0);
}

/* ---- ideal --------------------------------------------------------------------------------- */

static void weights_share_a_pcpu(void **state)
{
    struct share_vcpu v[] = {hog(1, 2, 512), hog(2, 2, 256), hog(0, 1, 256)};

    (void)state;
    assert_true(share_ideal(v, 3));
    assert_near(v[0].ideal, 2 / 3.0);
    assert_near(v[1].ideal, 1 / 3.0);
    assert_near(v[2].ideal, 1);
}

static void reservations_come_first(void **state)
{
    struct share_vcpu v[] = {hog(1, 1, 256), hog(2, 1, 256), hog(3, 1, 0)};

    (void)state;
    v[0].reserved = 0.5;
    v[2].reserved = 0.2;
    assert_true(share_ideal(v, 3));
    assert_near(v[0].ideal, 0.65);
    assert_near(v[1].ideal, 0.15);
    assert_near(v[2].ideal, 0.2);
}

static void who_sleeps_leaves_the_rest_to_others(void **state)
{
    struct share_vcpu v[] = {hog(1, 1, 256), hog(2, 1, 256)};

    (void)state;
    v[0].demand = 0.1;
    v[0].reserved = 0.5;
    assert_true(share_ideal(v, 2));
    assert_near(v[0].ideal, 0.1);
    assert_near(v[1].ideal, 0.9);
}

static void a_cap_is_the_domains(void **state)
{
    struct share_vcpu v[] = {hog(7, 3, 256), hog(7, 3, 256), hog(2, 3, 256)};

    (void)state;
    v[0].cap = v[1].cap = 0.5;
    assert_true(share_ideal(v, 3));
    assert_near(v[0].ideal + v[1].ideal, 0.5);
    assert_near(v[2].ideal, 1);
}

static void nowhere_and_nobody(void **state)
{
    struct share_vcpu v[] = {hog(1, 0, 256)};

    (void)state;
    assert_true(share_ideal(v, 0));
    assert_true(share_ideal(v, 1));
    assert_near(v[0].ideal, 0);
}

/* ---- samples ------------------------------------------------------------------------------- */

static void two_looks_make_a_sample(void **state)
{
    struct moirai_vcpu before = {.domain = 1, .now = 1000000000, .wakes = 10, .latency_sum = 5000};
    struct moirai_vcpu after = before;
    struct sample s;

    (void)state;
    after.now += 2000000000;
    after.time[RUNSTATE_running] = 500000000;
    after.time[RUNSTATE_runnable] = 100000000;
    after.time[RUNSTATE_blocked] = 1400000000;
    after.wakes += 100;
    after.latency_sum += 100 * 70000;
    after.latency[16] = 98;
    after.latency[20] = 2;
    sample_between(&before, &after, &s);
    assert_near(s.seconds, 2);
    assert_near(s.ran, 0.25);
    assert_near(s.waited, 0.05);
    assert_near(s.wakes, 50);
    assert_near(s.latency, 70000);
    assert_near(s.latency_p99, 1 << 20);
    assert_near(s.share.demand, 0.25);
}

static void who_never_sleeps_wants_all(void **state)
{
    (void)state;
    assert_near(share_demand(300, 695, 1000), 1);
    assert_near(share_demand(300, 600, 1000), 0.3);
    assert_near(share_demand(0, 0, 0), 0);
}

static void new_vcpus_have_no_sample_yet(void **state)
{
    struct moirai_vcpu before = {.now = 1000, .wakes = 10}, after = {.now = 2000, .wakes = 3};
    struct sample s;

    (void)state;
    sample_between(NULL, &after, &s);
    assert_near(s.seconds, 0);
    sample_between(&before, &after, &s); /* another domain of the same number */
    assert_near(s.seconds, 0);
}

static void vcpus_are_found_in_a_list(void **state)
{
    const struct moirai_vcpu list[] = {
        {.domain = 0, .vcpu = 0}, {.domain = 0, .vcpu = 1}, {.domain = 3, .vcpu = 0}};

    (void)state;
    assert_ptr_equal(vcpu_in(list, 3, 0, 1), &list[1]);
    assert_ptr_equal(vcpu_in(list, 3, 3, 0), &list[2]);
    assert_null(vcpu_in(list, 3, 2, 0));
    assert_null(vcpu_in(list, 3, 3, 1));
    assert_null(vcpu_in(NULL, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_has_its_own_words_for_a_share),
        cmocka_unit_test(weights_share_a_pcpu),
        cmocka_unit_test(reservations_come_first),
        cmocka_unit_test(who_sleeps_leaves_the_rest_to_others),
        cmocka_unit_test(a_cap_is_the_domains),
        cmocka_unit_test(nowhere_and_nobody),
        cmocka_unit_test(two_looks_make_a_sample),
        cmocka_unit_test(who_never_sleeps_wants_all),
        cmocka_unit_test(new_vcpus_have_no_sample_yet),
        cmocka_unit_test(vcpus_are_found_in_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
