/* The table of policies: names, numbers, parameters, and the room that objects carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../sched/policy.h"
#include "../../sched/registry.h"

#define FOR_EACH_POLICY(p)                                                                         \
    for (const struct sched_policy *const *at = sched_policies, *p; (p = *at); at++)

static void test_numbers_are_the_abi_s(void **state)
{
    const char *const by_id[] = {"bvt",    "fbvt",    "atropos",  "rrobin", "sedf",
                                 "credit", "credit2", "arinc653", "rtds",   "null"};

    (void)state;
    for (int id = 0; id < 10; id++) {
        assert_non_null(sched_policy_by_id(id));
        assert_string_equal(sched_policy_name(sched_policy_by_id(id)), by_id[id]);
        assert_ptr_equal(sched_policy_by_name(by_id[id]), sched_policy_by_id(id));
    }
}

static void test_unknown_policies(void **state)
{
    (void)state;
    assert_null(sched_policy_by_id(10));
    assert_null(sched_policy_by_id(-1));
    assert_null(sched_policy_by_name("credit3"));
    assert_null(sched_policy_by_name("credi"));
    assert_null(sched_policy_by_name("credit22"));
    assert_null(sched_policy_by_name(""));
}

static void test_every_policy_states_its_contract(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        assert_true(strlen(sched_policy_contract(p)) > 40);
        assert_true(strlen(p->name) > strlen(p->opt_name));
    }
}

static void test_ops_that_the_core_needs(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        assert_non_null(p->enqueue);
        assert_non_null(p->dequeue);
        assert_non_null(p->pick);
        assert_non_null(p->preempt_at);
    }
}

/* The core relies on it, see sched_policy.params. */
static void test_parameters_are_grouped_by_scope(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
        for (unsigned i = 1; i < p->nr_params; i++)
            assert_true(p->params[i - 1].scope <= p->params[i].scope);
}

static void test_parameters_fit_into_the_objects(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        unsigned nr[3] = {0};
        for (unsigned i = 0; i < p->nr_params; i++)
            assert_true(++nr[p->params[i].scope] <= SCHED_MAX_PARAMS);
    }
}

static void test_defaults_are_in_range(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
        for (unsigned i = 0; i < p->nr_params; i++)
            assert_in_range((uint64_t)p->params[i].def - (uint64_t)p->params[i].min, 0,
                            (uint64_t)p->params[i].max - (uint64_t)p->params[i].min);
}

static void test_every_parameter_is_found_by_name(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        unsigned nr, next[3] = {0};
        const struct sched_param *params = sched_policy_params(p, &nr);
        for (unsigned i = 0; i < nr; i++) {
            unsigned index = UINT32_MAX;
            assert_ptr_equal(sched_param_by_name(p, params[i].scope, params[i].name, &index),
                             &params[i]);
            assert_int_equal(index, next[params[i].scope]++);
        }
    }
}

static void test_parameter_of_another_scope(void **state)
{
    (void)state;
    assert_null(sched_param_by_name(&sched_credit, SCHED_PARAM_POOL, "weight", NULL));
    assert_null(sched_param_by_name(&sched_credit, SCHED_PARAM_UNIT, "weight", NULL));
    assert_non_null(sched_param_by_name(&sched_credit, SCHED_PARAM_DOMAIN, "weight", NULL));
}

static void test_help_is_one_line(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        for (unsigned i = 0; i < p->nr_params; i++) {
            const char *help = p->params[i].help;
            assert_true(*help && !strchr(help, '\n'));
            assert_int_not_equal(help[strlen(help) - 1], '.');
        }
    }
}

/* So that a switch of policy can not run out of memory. */
static void test_objects_carry_room_for_any_policy(void **state)
{
    (void)state;
    FOR_EACH_POLICY(p)
    {
        assert_true(registry_pool_data() >= p->pool_size);
        assert_true(registry_pcpu_data() >= p->pcpu_size);
        assert_true(registry_domain_data() >= p->domain_size);
        assert_true(registry_unit_data() >= p->unit_size);
    }
    assert_true(sched_pool_size() >= sizeof(struct sched_pool) + registry_pool_data());
    assert_true(sched_pcpu_size() >= sizeof(struct sched_pcpu) + registry_pcpu_data());
    assert_true(sched_domain_size() >= sizeof(struct sched_domain) + registry_domain_data());
    assert_true(sched_unit_size() >= sizeof(struct sched_unit) + registry_unit_data());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_the_abi_s),
        cmocka_unit_test(test_unknown_policies),
        cmocka_unit_test(test_every_policy_states_its_contract),
        cmocka_unit_test(test_ops_that_the_core_needs),
        cmocka_unit_test(test_parameters_are_grouped_by_scope),
        cmocka_unit_test(test_parameters_fit_into_the_objects),
        cmocka_unit_test(test_defaults_are_in_range),
        cmocka_unit_test(test_every_parameter_is_found_by_name),
        cmocka_unit_test(test_parameter_of_another_scope),
        cmocka_unit_test(test_help_is_one_line),
        cmocka_unit_test(test_objects_carry_room_for_any_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
