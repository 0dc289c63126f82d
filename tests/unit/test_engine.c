/* The simulator as a whole, with scenarios built in code and policies that are easy to foretell. */
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
#include "../../tools/sim/result.h"
#include "said.h"

#define MAX_PCPUS   4
#define MAX_DOMAINS 4
#define MAX_VCPUS   4
#define MAX_CHANGES 4

static struct built {
    struct scenario scenario;
    struct host_pcpu pcpus[MAX_PCPUS];
    struct scenario_pool pool;
    struct scenario_domain domains[MAX_DOMAINS];
    struct scenario_vcpu vcpus[MAX_DOMAINS][MAX_VCPUS];
    struct scenario_change changes[MAX_CHANGES];
    struct run_options options;
    struct result *result;
} built;

static char pool_name[] = "Pool-0", domain_name[] = "guest";

static void begin(const struct sched_policy *policy, unsigned nr_pcpus, sched_time duration)
{
    result_free(built.result);
    built = (struct built){.options = {.ideal = true, .keep_slices = true, .max_slices = 10000}};
    built.pool = (struct scenario_pool){.name = pool_name, .policy = policy};
    mask_fill(&built.pool.cpus, nr_pcpus);
    for (unsigned i = 0; i < nr_pcpus; i++)
        built.pcpus[i] = (struct host_pcpu){.core = i};
    built.scenario = (struct scenario){.file = "test.scn",
                                       .nr_pcpus = nr_pcpus,
                                       .pcpus = built.pcpus,
                                       .nr_pools = 1,
                                       .pools = &built.pool,
                                       .domains = built.domains,
                                       .changes = built.changes,
                                       .duration = duration,
                                       .seed = 1};
}

static struct scenario_domain *add_domain(unsigned nr_vcpus, struct workload workload)
{
    unsigned i = built.scenario.nr_domains++;

    built.domains[i] = (struct scenario_domain){.name = domain_name,
                                                .nr_vcpus = nr_vcpus,
                                                .vcpus = built.vcpus[i],
                                                .weight = -1,
                                                .cap = -1,
                                                .workload = workload,
                                                .at_start = true,
                                                .place = {"test.scn", 3}};
    return &built.domains[i];
}

static struct scenario_change *add_change(sched_time at, enum change_kind kind, int domain)
{
    struct scenario_change *c = &built.changes[built.scenario.nr_changes++];

    *c = (struct scenario_change){.at = at,
                                  .kind = kind,
                                  .domain = domain,
                                  .vcpu = -1,
                                  .pool = -1,
                                  .pcpu = -1,
                                  .weight = -1,
                                  .place = {"test.scn", 9}};
    return c;
}

static const struct result *run(void)
{
    built.result = simulate(&built.scenario, &built.options);
    assert_non_null(built.result);
    return built.result;
}

/* The run is refused, with a message that contains `part`. */
static void assert_run_fails(const char *part)
{
    said_begin();
    built.result = simulate(&built.scenario, &built.options);
    said_end();
    assert_null(built.result);
    assert_non_null(strstr(said, part));
}

static struct dist fixed(sched_time t)
{
    return (struct dist){DIST_CONST, t, 0};
}

static const struct workload hog = {.kind = WORK_HOG};

static int teardown(void **state)
{
    (void)state;
    result_free(built.result);
    built.result = NULL;
    return 0;
}

/* ---- running -------------------------------------------------------------------- */

static void test_two_hogs_take_turns(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 1000 * MS);
    add_domain(2, hog);
    const struct result *r = run();
    assert_int_equal(r->end, 1000 * MS);
    assert_int_equal(r->busy, 1000 * MS);
    assert_int_equal(r->vcpus[0].service, 500 * MS);
    assert_int_equal(r->vcpus[1].service, 500 * MS);
    assert_int_equal(r->vcpus[0].present, 1000 * MS);
    assert_int_equal(r->vcpus[1].longest_wait, 10 * MS);
    assert_int_equal(r->vcpus[1].latency.count, 1);
    assert_int_equal(r->vcpus[1].latency.max, 10 * MS);
    assert_int_equal(r->vcpus[0].switches, 50);
    assert_int_equal(r->idle_while_waiting, 0);
}

static void test_ideal_and_lag(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 1000 * MS);
    add_domain(2, hog);
    const struct result *r = run();
    assert_true(fabs(r->vcpus[0].ideal - 500e6) < 1);
    assert_true(fabs(r->vcpus[1].max_lag - 5e6) < 1); /* half of the 10 ms that it waits */
    assert_true(r->vcpus[0].max_lag < 1);             /* it always comes first */
}

static void test_samples_begin_at_one_period(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 1000 * MS);
    add_domain(2, hog);
    const struct result *r = run();
    assert_int_equal(r->sample_period, 2 * MS);
    assert_int_equal(r->nr_samples, 500);
    assert_int_equal(r->samples[0].service, 2 * MS);
    assert_true(fabs(r->samples[0].ideal - 1e6) < 1);
    assert_int_equal(r->samples[9 * 2 + 1].service, 10 * MS);
    assert_int_equal(r->samples[499 * 2].service, 500 * MS);
}

/* A mix of all workloads; every slice is consistent with what was counted. */
static void begin_mix(const struct sched_policy *policy)
{
    begin(policy, 3, 200 * MS);
    add_domain(2, (struct workload){.kind = WORK_INTERACTIVE,
                                    .sleep = {DIST_EXP, 2 * MS, 0},
                                    .burst = {DIST_UNIFORM, 0, MS}});
    add_domain(2, (struct workload){.kind = WORK_SERVER,
                                    .sleep = {DIST_EXP, 5 * MS, 0},
                                    .burst = {DIST_EXP, MS, 0},
                                    .clients = 5});
    add_domain(3, (struct workload){.kind = WORK_SPINLOCK,
                                    .sleep = {DIST_EXP, MS, 0},
                                    .burst = {DIST_EXP, MS, 0}});
    add_domain(3, (struct workload){.kind = WORK_FORKJOIN,
                                    .sleep = {DIST_EXP, 3 * MS, 0},
                                    .burst = {DIST_EXP, MS, 0}});
}

static void check_slices(const struct result *r)
{
    sched_time pcpu_end[MAX_PCPUS] = {0}, vcpu_end[MAX_DOMAINS * MAX_VCPUS] = {0};
    sched_time service[MAX_DOMAINS * MAX_VCPUS] = {0};

    assert_false(r->slices_truncated);
    for (unsigned i = 0; i < r->nr_slices; i++) {
        const struct slice *s = &r->slices[i];
        assert_true(s->from < s->to && s->to <= r->end);
        assert_true(s->from >= pcpu_end[s->pcpu]);       /* one vCPU on a pCPU */
        assert_true(s->from >= vcpu_end[s->vcpu_index]); /* one pCPU for a vCPU */
        pcpu_end[s->pcpu] = vcpu_end[s->vcpu_index] = s->to;
        service[s->vcpu_index] += s->to - s->from;
    }
    for (unsigned i = 0; i < r->nr_vcpus; i++)
        assert_int_equal(service[i], r->vcpus[i].service);
}

static void test_slices_add_up_for_all_policies(void **state)
{
    (void)state;
    for (const struct sched_policy *const *p = sched_policies; *p; p++) {
        begin_mix(*p);
        check_slices(run());
    }
}

static void test_same_input_same_result(void **state)
{
    (void)state;
    begin_mix(&sched_credit2);
    const struct result *first = run();
    struct vcpu_result *copy = malloc(first->nr_vcpus * sizeof(*copy));
    memcpy(copy, first->vcpus, first->nr_vcpus * sizeof(*copy));
    begin_mix(&sched_credit2);
    const struct result *again = run();
    assert_memory_equal(copy, again->vcpus, again->nr_vcpus * sizeof(*copy));
    built.scenario.seed = 2;
    result_free(built.result);
    again = run();
    assert_memory_not_equal(copy, again->vcpus, again->nr_vcpus * sizeof(*copy));
    free(copy);
}

static void test_workloads_do_not_depend_on_the_policy(void **state)
{
    uint64_t wakes[2];
    const struct sched_policy *policies[] = {&sched_rrobin, &sched_null};
    const struct workload load = {
        .kind = WORK_INTERACTIVE, .sleep = {DIST_EXP, MS, 0}, .burst = fixed(1)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin(policies[i], 4, 1000 * MS);
        add_domain(4, load);
        wakes[i] = run()->vcpus[3].latency.count;
    }
    assert_true(wakes[0] > 900 && wakes[0] == wakes[1]);
}

/* busy == period: each job completes at the very moment of its deadline. */
static void test_completion_at_the_deadline(void **state)
{
    const struct workload full = {.kind = WORK_PERIODIC, .period = 10 * MS, .busy = 10 * MS};

    (void)state;
    begin(&sched_null, 1, 1000 * MS);
    add_domain(1, full);
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].jobs, 100);
    assert_int_equal(r->vcpus[0].misses, 0);
    assert_int_equal(r->vcpus[0].service, 1000 * MS);
}

/* A job that completes when its slice ends is complete: it does not wait for another slice. */
static void test_finish_comes_before_the_end_of_the_slice(void **state)
{
    const struct workload one_slice = {.kind = WORK_PERIODIC, .period = 50 * MS, .busy = 10 * MS};

    (void)state;
    begin(&sched_rrobin, 1, 1000 * MS);
    add_domain(1, one_slice);
    add_domain(3, hog);
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].misses, 0);
    assert_int_equal(r->vcpus[0].switches, r->vcpus[0].jobs);
}

static void test_lock_is_always_busy(void **state)
{
    (void)state;
    begin(&sched_null, 2, 100 * MS);
    add_domain(2, (struct workload){.kind = WORK_SPINLOCK, .sleep = fixed(MS), .burst = fixed(MS)});
    const struct result *r = run();
    assert_int_equal(r->domains[0].iterations, 99); /* one compute, then one section a ms */
    assert_int_equal(r->busy, 200 * MS);
}

/* ---- costs ------------------------------------------------------------------------- */

static void test_wake_ipi_delays_progress(void **state)
{
    const struct workload load = {
        .kind = WORK_INTERACTIVE, .sleep = fixed(9 * MS), .burst = fixed(MS)};

    (void)state;
    begin(&sched_null, 1, 1001 * MS);
    built.scenario.costs.ipi = MS / 2;
    add_domain(1, load);
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].latency.max, MS / 2);
    assert_int_equal(r->vcpus[0].service, (sched_time)r->vcpus[0].latency.count * 3 * MS / 2);
}

static void test_context_switches_cost(void **state)
{
    struct workload jobs = {.kind = WORK_PERIODIC, .period = 10 * MS, .busy = 4 * MS};

    (void)state;
    begin(&sched_rrobin, 1, 1000 * MS);
    built.scenario.costs.context_switch = MS;
    add_domain(1, jobs);
    jobs.phase = 5 * MS;
    add_domain(1, jobs);
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].misses, 0);
    assert_int_equal(r->busy, 100 * 2 * 5 * MS);
}

/* ---- changes -------------------------------------------------------------------------- */

static void test_pause_and_unpause(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog);
    add_change(20 * MS, CHANGE_PAUSE, 0);
    add_change(50 * MS, CHANGE_UNPAUSE, 0);
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].service, 70 * MS);
    assert_true(fabs(r->vcpus[0].ideal - 70e6) < 1);
    assert_int_equal(r->vcpus[0].longest_wait, 0);
    check_slices(r);
}

static void test_create_and_destroy(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(2, hog)->at_start = false;
    add_change(10 * MS, CHANGE_CREATE, 0);
    add_change(40 * MS, CHANGE_DESTROY, 0);
    add_change(60 * MS, CHANGE_CREATE, 0);
    const struct result *r = run();
    assert_int_equal(r->busy, 70 * MS);
    assert_int_equal(r->vcpus[1].present, 70 * MS);
    check_slices(r);
}

static void test_pcpu_leaves_and_returns(void **state)
{
    (void)state;
    begin(&sched_credit2, 2, 100 * MS);
    add_domain(2, hog);
    add_change(20 * MS, CHANGE_CPU_OFFLINE, -1)->pcpu = 1;
    add_change(60 * MS, CHANGE_CPU_ONLINE, -1)->pcpu = 1;
    const struct result *r = run();
    assert_int_equal(r->busy, 160 * MS);
    assert_true(fabs(r->vcpus[0].ideal + r->vcpus[1].ideal - 160e6) < 1);
    for (unsigned i = 0; i < r->nr_slices; i++)
        assert_true(r->slices[i].pcpu == 0 || r->slices[i].to <= 20 * MS ||
                    r->slices[i].from >= 60 * MS);
}

static void test_switch_of_policy(void **state)
{
    struct scenario_change *c;

    (void)state;
    begin(&sched_null, 1, 100 * MS);
    add_domain(2, hog);
    c = add_change(40 * MS, CHANGE_SWITCH, -1);
    c->pool = 0;
    c->policy = &sched_rrobin;
    const struct result *r = run();
    assert_int_equal(r->vcpus[0].service + r->vcpus[1].service, 100 * MS);
    assert_int_equal(r->vcpus[1].service, 30 * MS);
}

static void test_expected_refusal_is_recorded(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog);
    add_change(10 * MS, CHANGE_PAUSE, 0);
    struct scenario_change *c = add_change(20 * MS, CHANGE_CPU_OFFLINE, -1);
    c->pcpu = 0;
    c->expect_refusal = true;
    const struct result *r = run();
    assert_int_equal(r->nr_refusals, 1);
    assert_int_equal(r->refusals[0].change, 1);
    assert_non_null(r->refusals[0].why.why);
}

static void test_refusal_ends_the_run(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog);
    add_change(20 * MS, CHANGE_CPU_OFFLINE, -1)->pcpu = 0;
    assert_run_fails("test.scn:9: offline pCPU 0: ");
}

static void test_missing_refusal_ends_the_run(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog);
    add_change(20 * MS, CHANGE_PAUSE, 0)->expect_refusal = true;
    assert_run_fails("test.scn:9: pause guest: was accepted");
}

static void test_changes_of_nobody(void **state)
{
    (void)state;
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog)->at_start = false;
    add_change(20 * MS, CHANGE_PAUSE, 0);
    assert_run_fails("does not exist");
    begin(&sched_rrobin, 1, 100 * MS);
    add_domain(1, hog);
    add_change(20 * MS, CHANGE_UNPAUSE, 0);
    assert_run_fails("is not paused");
}

/* ---- policies that are wrong ------------------------------------------------------------ */

static struct sched_decision lazy_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                       sched_time now)
{
    if (now < 5 * MS)
        return (struct sched_decision){.unit = NULL, .until = 5 * MS};
    return sched_rrobin.pick(p, prev, now);
}

static void test_idling_while_somebody_waits(void **state)
{
    struct sched_policy lazy = sched_rrobin;

    (void)state;
    lazy.pick = lazy_pick;
    begin(&lazy, 3, 100 * MS);
    for (unsigned i = 0; i < 2; i++) { /* both may only use pCPU 0 and 1, pCPU 2 idles rightly */
        built.vcpus[0][i].has_hard = true;
        mask_fill(&built.vcpus[0][i].hard, 2);
    }
    add_domain(2, hog);
    assert_int_equal(run()->idle_while_waiting, 10 * MS);
}

static struct sched_decision stuck_pick(struct sched_pcpu *p, struct sched_unit *prev,
                                        sched_time now)
{
    struct sched_decision d = sched_rrobin.pick(p, prev, now);

    d.until = now;
    return d;
}

static void test_policy_that_never_lets_time_pass(void **state)
{
    struct sched_policy stuck = sched_rrobin;

    (void)state;
    stuck.pick = stuck_pick;
    begin(&stuck, 1, 100 * MS);
    add_domain(2, hog);
    assert_run_fails("test.scn: no end of scheduling decisions at 0 ns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_two_hogs_take_turns, teardown),
        cmocka_unit_test_teardown(test_ideal_and_lag, teardown),
        cmocka_unit_test_teardown(test_samples_begin_at_one_period, teardown),
        cmocka_unit_test_teardown(test_slices_add_up_for_all_policies, teardown),
        cmocka_unit_test_teardown(test_same_input_same_result, teardown),
        cmocka_unit_test_teardown(test_workloads_do_not_depend_on_the_policy, teardown),
        cmocka_unit_test_teardown(test_completion_at_the_deadline, teardown),
        cmocka_unit_test_teardown(test_finish_comes_before_the_end_of_the_slice, teardown),
        cmocka_unit_test_teardown(test_lock_is_always_busy, teardown),
        cmocka_unit_test_teardown(test_wake_ipi_delays_progress, teardown),
        cmocka_unit_test_teardown(test_context_switches_cost, teardown),
        cmocka_unit_test_teardown(test_pause_and_unpause, teardown),
        cmocka_unit_test_teardown(test_create_and_destroy, teardown),
        cmocka_unit_test_teardown(test_pcpu_leaves_and_returns, teardown),
        cmocka_unit_test_teardown(test_switch_of_policy, teardown),
        cmocka_unit_test_teardown(test_expected_refusal_is_recorded, teardown),
        cmocka_unit_test_teardown(test_refusal_ends_the_run, teardown),
        cmocka_unit_test_teardown(test_missing_refusal_ends_the_run, teardown),
        cmocka_unit_test_teardown(test_changes_of_nobody, teardown),
        cmocka_unit_test_teardown(test_idling_while_somebody_waits, teardown),
        cmocka_unit_test_teardown(test_policy_that_never_lets_time_pass, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
