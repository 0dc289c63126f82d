/* The scheduler's objects, made as a scenario says. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../sched/policy.h"
#include "../../tools/sim/machine.h"
#include "said.h"

static char pool_name[] = "Pool-0", domain_name[] = "guest";
static struct host_pcpu pcpus[2];
static struct scenario_vcpu vcpus[2];
static struct scenario_pool pool;
static struct scenario_domain domains[3];
static struct scenario scenario;
static struct machine machine;

static void no_resched(void *ctx, unsigned pcpu, sched_time when)
{
    (void)ctx;
    (void)pcpu;
    (void)when;
}

static void no_timer(void *ctx, struct sched_pool *p, sched_time when)
{
    (void)ctx;
    (void)p;
    (void)when;
}

static const struct sched_env env = {.resched = no_resched, .timer = no_timer};

static void add_domain(int64_t weight, int64_t cap)
{
    domains[scenario.nr_domains++] = (struct scenario_domain){.name = domain_name,
                                                              .nr_vcpus = 2,
                                                              .vcpus = vcpus,
                                                              .weight = weight,
                                                              .cap = cap,
                                                              .at_start = true,
                                                              .place = {"test.cfg", 4}};
}

static void describe(const struct sched_policy *policy)
{
    pool = (struct scenario_pool){.name = pool_name, .policy = policy};
    mask_fill(&pool.cpus, 2);
    memset(vcpus, 0, sizeof(vcpus));
    scenario = (struct scenario){.file = "test.scn",
                                 .nr_pcpus = 2,
                                 .pcpus = pcpus,
                                 .nr_pools = 1,
                                 .pools = &pool,
                                 .domains = domains};
}

/* Creates all domains; the first refusal is returned. */
static int make(struct sched_refusal *why)
{
    int err = 0;

    assert_true(machine_init(&machine, &scenario, &env));
    for (unsigned i = 0; !err && i < scenario.nr_domains; i++)
        err = machine_create(&machine, i, 0, why);
    return err;
}

static double weight_of(unsigned domain)
{
    return machine_weight(machine_unit(&machine, machine.first_unit[domain]));
}

static int64_t domain_value(unsigned domain, const char *name)
{
    unsigned index;
    const struct sched_policy *policy = pool.policy;

    assert_non_null(sched_param_by_name(policy, SCHED_PARAM_DOMAIN, name, &index));
    return machine_domain(&machine, domain)->value[index];
}

static int teardown(void **state)
{
    (void)state;
    machine_free(&machine);
    return 0;
}

static void test_units_are_numbered_through(void **state)
{
    (void)state;
    describe(&sched_credit2);
    add_domain(-1, -1);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(machine.nr_units, 4);
    assert_int_equal(machine_unit(&machine, 3)->id, 3);
    assert_int_equal(machine_unit(&machine, 3)->vcpu, 1);
    assert_ptr_equal(machine_unit(&machine, 3)->domain, machine_domain(&machine, 1));
}

static void test_weight_and_cap(void **state)
{
    (void)state;
    describe(&sched_credit2);
    add_domain(512, 50);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_true(weight_of(0) == 512 && weight_of(1) == 256);
    assert_int_equal(machine_cap(machine_domain(&machine, 0)), 50);
    assert_int_equal(machine_cap(machine_domain(&machine, 1)), 0);
}

static void test_bvt_without_weights_keeps_its_default(void **state)
{
    (void)state;
    describe(&sched_bvt);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(domain_value(0, "mcuadv"), 10);
}

static void test_bvt_simple_weights_keep_the_scale(void **state)
{
    (void)state;
    describe(&sched_bvt);
    add_domain(512, -1);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(domain_value(0, "mcuadv"), 5);
    assert_int_equal(domain_value(1, "mcuadv"), 10);
    assert_true(weight_of(0) == 512 && weight_of(1) == 256);
}

static void test_bvt_odd_weights_are_exact(void **state)
{
    static const int64_t weights[] = {3, 1000, 16384};

    (void)state;
    describe(&sched_bvt);
    for (int i = 0; i < 3; i++)
        add_domain(weights[i], -1);
    assert_int_equal(make(NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        double got = weight_of(i) / weight_of(0), want = (double)weights[i] / (double)weights[0];
        assert_true(fabs(got / want - 1) < 0.002); /* 0.1 % on both sides */
    }
}

static void test_cap_where_there_are_none(void **state)
{
    (void)state;
    describe(&sched_rrobin);
    add_domain(-1, 50);
    said_begin();
    int err = make(NULL);
    said_end();
    assert_int_equal(err, 0);
    assert_non_null(strstr(said, "test.cfg:4: warning: guest: rrobin has no caps"));
}

static void test_refused_domain_leaves_nothing(void **state)
{
    struct sched_refusal why = {0};

    (void)state;
    describe(&sched_credit2);
    vcpus[1].has_hard = true;
    mask_set(&vcpus[1].hard, 77);
    add_domain(-1, -1);
    assert_int_equal(make(&why), -SCHED_EINVAL);
    assert_non_null(why.why);
    assert_false(machine.exists[0]);
    assert_true(list_empty(&machine_pool(&machine, 0)->domains));
    vcpus[1].has_hard = false;
    assert_int_equal(machine_create(&machine, 0, 10, &why), 0);
    assert_true(machine.exists[0]);
}

static void test_destroyed_domain_can_come_back(void **state)
{
    (void)state;
    describe(&sched_credit2);
    add_domain(512, -1);
    assert_int_equal(make(NULL), 0);
    machine_destroy(&machine, 0, 5);
    assert_false(machine.exists[0]);
    assert_int_equal(machine_create(&machine, 0, 10, NULL), 0);
    assert_true(weight_of(0) == 512);
}

static void test_set_of_both_scopes_or_none(void **state)
{
    struct sched_refusal why = {0};
    struct scenario_change change = {.kind = CHANGE_SET, .vcpu = -1, .weight = -1};
    struct param_setting set[2];
    unsigned index;

    (void)state;
    describe(&sched_sedf);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    const struct sched_param *period =
        sched_param_by_name(&sched_sedf, SCHED_PARAM_UNIT, "period", &index);
    assert_non_null(period);
    set[0] = (struct param_setting){.scope = SCHED_PARAM_UNIT, .index = index, .value = 50 * MS};
    change.settings = set;
    change.nr_settings = 1;
    assert_int_equal(machine_set(&machine, &change, &why), 0);
    assert_int_equal(machine_unit(&machine, 1)->value[index], 50 * MS);
    set[0].value = period->min - 1;
    assert_true(machine_set(&machine, &change, &why) < 0);
    assert_int_equal(machine_unit(&machine, 1)->value[index], 50 * MS);
}

static unsigned unit_param_index(const char *name)
{
    unsigned index;

    assert_non_null(sched_param_by_name(pool.policy, SCHED_PARAM_UNIT, name, &index));
    return index;
}

static int set_param(int vcpu, const char *name, int64_t value)
{
    struct param_setting set = {
        .scope = SCHED_PARAM_UNIT, .index = unit_param_index(name), .value = value};
    const struct scenario_change change = {
        .kind = CHANGE_SET, .vcpu = vcpu, .weight = -1, .nr_settings = 1, .settings = &set};
    struct sched_refusal why = {0};

    return machine_set(&machine, &change, &why);
}

static int64_t param_of(unsigned unit, const char *name)
{
    return machine_unit(&machine, unit)->value[unit_param_index(name)];
}

static void test_set_for_all_keeps_what_each_has(void **state)
{
    (void)state;
    describe(&sched_sedf);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(set_param(0, "slice", 10 * MS), 0);
    assert_int_equal(set_param(1, "period", 50 * MS), 0);
    assert_int_equal(set_param(-1, "extratime", 0), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(param_of(i, "slice"), i == 0 ? 10 * MS : 0);
        assert_int_equal(param_of(i, "period"), i == 0 ? 100 * MS : 50 * MS);
        assert_int_equal(param_of(i, "extratime"), 0);
    }
}

static void test_set_for_all_that_one_refuses(void **state)
{
    (void)state;
    describe(&sched_sedf);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(set_param(1, "period", 20 * MS), 0);
    assert_true(set_param(-1, "slice", 30 * MS) < 0); /* more than the period of vCPU 1 */
    assert_int_equal(param_of(0, "slice"), 0);
    assert_int_equal(param_of(1, "slice"), 0);
}

static void test_refused_pin_changes_nothing(void **state)
{
    struct scenario_vcpu pin = {.has_hard = true, .has_soft = true};
    struct sched_refusal why = {0};

    (void)state;
    describe(&sched_sedf);
    add_domain(-1, -1);
    assert_int_equal(make(NULL), 0);
    assert_int_equal(set_param(-1, "slice", 60 * MS), 0); /* one on each pCPU */
    mask_set(&pin.hard, 0);
    mask_set(&pin.soft, 0);
    assert_int_equal(machine_pin(&machine, 0, -1, &pin, 0, &why), -SCHED_ENOSPC);
    assert_non_null(why.why);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(mask_test(&machine_unit(&machine, i)->hard, 1));
        assert_false(machine_unit(&machine, i)->has_soft);
    }
    assert_int_equal(machine_pin(&machine, 0, 0, &pin, 0, &why), 0);
    assert_false(mask_test(&machine_unit(&machine, 0)->hard, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_units_are_numbered_through, teardown),
        cmocka_unit_test_teardown(test_weight_and_cap, teardown),
        cmocka_unit_test_teardown(test_bvt_without_weights_keeps_its_default, teardown),
        cmocka_unit_test_teardown(test_bvt_simple_weights_keep_the_scale, teardown),
        cmocka_unit_test_teardown(test_bvt_odd_weights_are_exact, teardown),
        cmocka_unit_test_teardown(test_cap_where_there_are_none, teardown),
        cmocka_unit_test_teardown(test_refused_domain_leaves_nothing, teardown),
        cmocka_unit_test_teardown(test_destroyed_domain_can_come_back, teardown),
        cmocka_unit_test_teardown(test_set_of_both_scopes_or_none, teardown),
        cmocka_unit_test_teardown(test_set_for_all_keeps_what_each_has, teardown),
        cmocka_unit_test_teardown(test_set_for_all_that_one_refuses, teardown),
        cmocka_unit_test_teardown(test_refused_pin_changes_nothing, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
