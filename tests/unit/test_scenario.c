/* Scenario files, good and bad. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/scenario.h"
#include "said.h"

#define MS   1000000LL
#define SEC  1000000000LL
#define HOST "host pack:1 core:4 pu:1\n"

static struct scenario *s;

static struct scenario *load_with(const char *text, const struct load_options *options)
{
    FILE *in = fmemopen((void *)text, strlen(text), "r");
    char name[64];

    assert_non_null(in);
    snprintf(name, sizeof name, "%s/x.scn", said_folder);
    scenario_free(s);
    said_begin();
    s = scenario_read(in, name, options);
    said_end();
    fclose(in);
    return s;
}

static void good(const char *text)
{
    if (!load_with(text, NULL))
        fail_msg("refused: %s", said);
}

static void silent(const char *text)
{
    good(text);
    assert_string_equal(said, "");
}

static void bad(const char *text, const char *message)
{
    if (load_with(text, NULL))
        fail_msg("was taken: %s", text);
    assert_said(message);
}

static int forget(void **state)
{
    (void)state;
    scenario_free(s);
    s = NULL;
    return 0;
}

static const struct sched_param *param_of(const struct param_setting *p,
                                          const struct sched_policy *policy)
{
    unsigned nr, n = 0;
    const struct sched_param *params = sched_policy_params(policy, &nr);

    for (unsigned i = 0; i < nr; i++)
        if (params[i].scope == p->scope && n++ == p->index)
            return &params[i];
    fail_msg("no such parameter");
    return NULL;
}

/* ---- good ------------------------------------------------------------------------ */

static void the_run_and_its_defaults(void **state)
{
    (void)state;
    silent(HOST "domain a\n");
    assert_int_equal(s->duration, 10 * SEC);
    assert_int_equal(s->seed, 1);
    assert_int_equal(s->costs.context_switch, 0);
    assert_int_equal(s->nr_pcpus, 4);
    assert_int_equal(s->nr_pools, 1);
    assert_string_equal(s->pools[0].name, "Pool-0");
    assert_string_equal(sched_policy_name(s->pools[0].policy), "credit2");
    assert_int_equal(mask_count(&s->pools[0].cpus), 4);
    assert_int_equal(s->domains[0].nr_vcpus, 1);
    assert_int_equal(s->domains[0].workload.kind, WORK_HOG);
    assert_int_equal(s->domains[0].weight, -1);
    assert_int_equal(s->domains[0].cap, -1);
    assert_true(s->domains[0].at_start);

    silent("# a comment\n"
           "title   Don't stop # here\n"
           "domain a # and here\n"
           "costs   switch=2us migration=5us ipi=1us\n"
           "seed    18446744073709551615\n"
           "duration 1h\n" HOST);
    assert_string_equal(s->title, "Don't stop");
    assert_int_equal(s->seed, UINT64_MAX);
    assert_int_equal(s->duration, 3600 * SEC);
    assert_int_equal(s->costs.context_switch, 2000);
    assert_int_equal(s->costs.migration, 5000);
    assert_int_equal(s->costs.ipi, 1000);
}

static void pools_share_out_the_host(void **state)
{
    (void)state;
    silent(HOST "pool Pool-1 policy=credit cpus=2-3 tslice=5ms historic=1\ndomain a pool=Pool-1\n");
    assert_int_equal(s->nr_pools, 2);
    assert_int_equal(mask_count(&s->pools[0].cpus), 2);
    assert_true(mask_test(&s->pools[0].cpus, 0));
    assert_true(mask_test(&s->pools[1].cpus, 3));
    assert_int_equal(s->domains[0].pool, 1);
    assert_int_equal(s->pools[1].nr_settings, 2);
    assert_int_equal(s->pools[1].settings[0].value, 5 * MS);
    assert_string_equal(param_of(&s->pools[1].settings[0], s->pools[1].policy)->name, "tslice");
    silent(HOST "pool Pool-0 cpus=0\ndomain a\n");
    assert_int_equal(mask_count(&s->pools[0].cpus), 1);
}

static void domains_inline(void **state)
{
    const struct scenario_domain *d;

    (void)state;
    silent(HOST "domain web vcpus=2 cpus=0-1 cpus_soft=[\"0\", \"1\"] cpu_weight=512 cap=25 "
                "workload=\"periodic period=10ms busy=2ms phase=1ms\" privileged later\n");
    d = s->domains;
    assert_string_equal(d->name, "web");
    assert_int_equal(d->nr_vcpus, 2);
    assert_int_equal(d->weight, 512);
    assert_int_equal(d->cap, 25);
    assert_true(d->privileged);
    assert_false(d->at_start);
    assert_true(d->vcpus[1].has_hard && mask_count(&d->vcpus[1].hard) == 2);
    assert_true(d->vcpus[1].has_soft && mask_test(&d->vcpus[1].soft, 1));
    assert_false(mask_test(&d->vcpus[1].soft, 0));
    assert_int_equal(d->workload.kind, WORK_PERIODIC);
    assert_int_equal(d->workload.period, 10 * MS);
    assert_int_equal(d->workload.busy, 2 * MS);
    assert_int_equal(d->workload.phase, 1 * MS);
}

static void copies_of_a_domain(void **state)
{
    (void)state;
    silent(HOST "domain hog copies=3 vcpus=2\n");
    assert_int_equal(s->nr_domains, 3);
    assert_string_equal(s->domains[2].name, "hog-3");
    assert_int_equal(s->domains[2].nr_vcpus, 2);
}

static void domains_from_xl_configs(void **state)
{
    const struct scenario_domain *d;

    (void)state;
    file_with("web.cfg", "name = \"web\"\nmemory = 512\nkernel = \"/boot/x\"\nvcpus = 3\n"
                         "cpus = [\"1\", \"2-3\"]\ncpu_weight = 512\ncap = 150\n"
                         "disk = ['phy:/dev/a,xvda,w']\n"
                         "workload = \"interactive sleep=exp:10ms burst=uniform:1ms:3ms\"\n");
    silent(HOST "domain web.cfg\ndomain web.cfg name=other vcpus=1 cpus=0 cap=50 later\n");
    d = s->domains;
    assert_string_equal(d->name, "web");
    assert_int_equal(d->nr_vcpus, 3);
    assert_true(d->vcpus[0].has_hard && mask_test(&d->vcpus[0].hard, 1));
    assert_int_equal(mask_count(&d->vcpus[1].hard), 2);
    assert_false(d->vcpus[2].has_hard);
    assert_int_equal(d->cap, 150);
    assert_int_equal(d->workload.kind, WORK_INTERACTIVE);
    assert_int_equal(d->workload.sleep.kind, DIST_EXP);
    assert_int_equal(d->workload.burst.kind, DIST_UNIFORM);
    assert_int_equal(d->workload.burst.b, 3 * MS);
    assert_string_equal(d[1].name, "other");
    assert_int_equal(d[1].weight, 512);
    assert_int_equal(d[1].cap, 50);
    assert_false(d[1].at_start);
}

static void parameters_of_the_policy(void **state)
{
    const struct scenario_domain *d;

    (void)state;
    file_with("rt.cfg", "period = \"20ms\"\nbudget = \"5ms\"\n");
    silent(HOST "pool Pool-0 policy=rtds\ndomain rt.cfg vcpus=2\n");
    d = s->domains;
    assert_string_equal(d->name, "rt");
    assert_int_equal(d->nr_settings, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct sched_param *p = param_of(&d->settings[i], s->pools[0].policy);
        assert_int_equal(d->settings[i].value, strcmp(p->name, "period") ? 5 * MS : 20 * MS);
        assert_int_equal(d->settings[i].place.line, i + 1);
    }
}

static void every_workload(void **state)
{
    (void)state;
    file_with("w.trace", "# sleep run\n1ms 2ms\n\n5 7 \n");
    silent(HOST "domain a workload=hog\ndomain b workload=idle\n"
                "domain c workload=\"server clients=9 think=exp:10ms service=1ms\"\n"
                "domain d workload=\"forkjoin burst=1ms\"\n"
                "domain e workload=\"spinlock compute=1ms hold=10us\"\n"
                "domain f workload=\"trace file=w.trace\"\n"
                "domain g workload=\"yielder burst=1ms\"\n");
    assert_int_equal(s->domains[1].workload.kind, WORK_IDLE);
    assert_int_equal(s->domains[2].workload.clients, 9);
    assert_int_equal(s->domains[2].workload.sleep.a, 10 * MS);
    assert_int_equal(s->domains[2].workload.burst.a, 1 * MS);
    assert_int_equal(s->domains[3].workload.kind, WORK_FORKJOIN);
    assert_int_equal(s->domains[4].workload.sleep.a, 1 * MS);
    assert_int_equal(s->domains[4].workload.burst.a, 10000);
    assert_int_equal(s->domains[5].workload.nr_steps, 2);
    assert_int_equal(s->domains[5].workload.steps[0].run, 2 * MS);
    assert_int_equal(s->domains[5].workload.steps[1].sleep, 5);
    assert_int_equal(s->domains[6].workload.kind, WORK_YIELDER);
}

static void changes_in_order_of_time(void **state)
{
    const struct scenario_change *c;

    (void)state;
    silent(HOST "pool Pool-1 cpus=3\ndomain web vcpus=2\ndomain x later\n"
                "at 5s destroy x\nat 2s set web weight=256 cap=10\nat 2s pin web.1 1 soft 0-1\n"
                "at 1s create x\nat 3s cpu 2 offline\nat 4s cpu 2 online\nat 4s move web Pool-1\n"
                "at 4500ms vcpu web.1 offline\nat 6s switch Pool-0 credit\n"
                "at 7s pool Pool-0 tslice=5ms\nrefused at 8s set web cap=100000\n"
                "at 9s pause web\nat 10s unpause web\n");
    c = s->changes;
    assert_int_equal(s->nr_changes, 13);
    assert_int_equal(c[0].kind, CHANGE_CREATE);
    assert_int_equal(c[0].domain, 1);
    assert_int_equal(c[1].kind, CHANGE_SET);
    assert_int_equal(c[1].nr_settings, 2);
    assert_int_equal(c[1].vcpu, -1);
    assert_int_equal(c[1].weight, -1);
    assert_int_equal(c[2].kind, CHANGE_PIN);
    assert_int_equal(c[2].vcpu, 1);
    assert_true(c[2].pin.has_hard && mask_test(&c[2].pin.hard, 1));
    assert_true(c[2].pin.has_soft && mask_count(&c[2].pin.soft) == 2);
    assert_int_equal(c[3].kind, CHANGE_CPU_OFFLINE);
    assert_int_equal(c[3].pcpu, 2);
    assert_int_equal(c[4].kind, CHANGE_CPU_ONLINE);
    assert_int_equal(c[5].kind, CHANGE_MOVE);
    assert_int_equal(c[5].pool, 1);
    assert_int_equal(c[6].kind, CHANGE_VCPU_OFFLINE);
    assert_int_equal(c[7].kind, CHANGE_DESTROY);
    assert_int_equal(c[8].kind, CHANGE_SWITCH);
    assert_string_equal(sched_policy_name(c[8].policy), "credit");
    assert_int_equal(c[9].kind, CHANGE_POOL_SET);
    assert_string_equal(param_of(&c[9].settings[0], c[8].policy)->name, "tslice");
    assert_int_equal(c[10].kind, CHANGE_SET);
    assert_true(c[10].expect_refusal);
    assert_int_equal(c[10].settings[0].value, 100000);
    assert_int_equal(c[12].at, 10 * SEC);
}

static void weights_where_the_policy_wants_their_inverse(void **state)
{
    (void)state;
    silent(HOST "pool Pool-0 policy=bvt\ndomain a cpu_weight=512\nat 1s set a weight=100\n");
    assert_int_equal(s->domains[0].weight, 512);
    assert_int_equal(s->changes[0].weight, 100);
    assert_int_equal(s->changes[0].nr_settings, 0);
}

static void tables(void **state)
{
    const struct scenario_change *c;

    (void)state;
    silent(HOST "pool Pool-0 policy=arinc653\ndomain a\ndomain b vcpus=2\n"
                "table Pool-0 frame=10ms a=3ms b.1=2ms a.0=1ms\n");
    c = s->changes;
    assert_int_equal(c->kind, CHANGE_TABLE);
    assert_int_equal(c->at, 0);
    assert_int_equal(c->major_frame, 10 * MS);
    assert_int_equal(c->nr_windows, 3);
    assert_int_equal(c->windows[1].domain, 1);
    assert_int_equal(c->windows[1].vcpu, 1);
    assert_int_equal(c->windows[1].runtime, 2 * MS);
}

static void expectations(void **state)
{
    const struct expectation *e;

    (void)state;
    silent(HOST "duration 20s\ndomain web vcpus=2\n"
                "expect share web 66.7 +-1 from 1s to 11s\nexpect share of web.1 = 50% +- 0.5\n"
                "expect latency_p99 web <= 1ms\nexpect misses <=0\nexpect misses host 0\n"
                "expect share web >=10\nexpect idle_while_waiting <= 0\n"
                "expect share web 50 \u00b12\n");
    e = s->expectations;
    assert_int_equal(s->nr_expectations, 8);
    assert_string_equal(e[0].metric, "share");
    assert_int_equal(e[0].domain, 0);
    assert_int_equal(e[0].vcpu, -1);
    assert_int_equal(e[0].relation, EXPECT_EQ);
    assert_true(e[0].value == 66.7 && e[0].tolerance == 1);
    assert_int_equal(e[0].from, SEC);
    assert_int_equal(e[0].to, 11 * SEC);
    assert_int_equal(e[1].vcpu, 1);
    assert_true(e[1].value == 50 && e[1].tolerance == 0.5);
    assert_int_equal(e[2].relation, EXPECT_LE);
    assert_true(e[2].value == 1e6);
    assert_int_equal(e[3].domain, -1);
    assert_int_equal(e[3].relation, EXPECT_LE);
    assert_int_equal(e[4].domain, -1);
    assert_int_equal(e[5].relation, EXPECT_GE);
    assert_true(e[7].tolerance == 2);
}

/* ---- options ------------------------------------------------------------------------ */

static void another_policy_drops_what_it_lacks(void **state)
{
    const struct load_options o = {.policy = "credit historic=1"};

    (void)state;
    assert_non_null(load_with(HOST "pool Pool-0 policy=rtds admission=0\n"
                                   "domain a period=10ms budget=4ms\ndomain b period=10ms\n"
                                   "at 1s set a budget=1ms\n",
                              &o));
    assert_string_equal(sched_policy_name(s->pools[0].policy), "credit");
    assert_int_equal(s->pools[0].nr_settings, 1);
    assert_int_equal(s->pools[0].settings[0].value, 1);
    assert_int_equal(s->domains[0].nr_settings, 0);
    assert_int_equal(s->nr_changes, 0);
    assert_non_null(strstr(said, "warning: credit has no admission"));
    assert_non_null(strstr(said, "warning: credit has no period"));
    assert_non_null(strstr(said, "warning: credit has no budget"));
    assert_null(strstr(strstr(said, "no period") + 1, "no period"));
}

static void the_command_line_wins(void **state)
{
    const struct load_options o = {
        .policy = "credit tslice=7ms", .duration = 2 * SEC, .has_seed = true, .seed = 9};

    (void)state;
    assert_non_null(load_with(HOST "seed 4\npool Pool-0 policy=credit tslice=5ms\ndomain a\n"
                                   "at 3s pause a\nexpect share a 1 from 1s to 3s\n",
                              &o));
    assert_int_equal(s->pools[0].nr_settings, 1);
    assert_int_equal(s->pools[0].settings[0].value, 7 * MS);
    assert_int_equal(s->duration, 2 * SEC);
    assert_int_equal(s->seed, 9);
    assert_int_equal(s->nr_changes, 0);
    assert_int_equal(s->nr_expectations, 0);
}

static void a_wrong_policy_on_the_command_line(void **state)
{
    struct load_options o = {.policy = "credti"};

    (void)state;
    assert_null(load_with(HOST "domain a\n", &o));
    assert_said("--policy: unknown policy 'credti'; did you mean credit?");
    o.policy = "credit slice=5ms";
    assert_null(load_with(HOST "domain a\n", &o));
    assert_said("--policy: credit has no parameter 'slice' here; did you mean tslice?");
}

/* ---- bad ------------------------------------------------------------------------------ */

static void bad_statements(void **state)
{
    (void)state;
    bad("domain a\n", "x.scn: no host is named");
    bad(HOST, "x.scn: no domain is named");
    bad(HOST "domian a\n", "x.scn:2: unknown statement 'domian'; did you mean domain?");
    bad(HOST HOST "domain a\n", "x.scn:2: host was said in line 1 already");
    bad("host\ndomain a\n", "x.scn:1: no host is named; use host pack");
    bad("host mars:2\ndomain a\n", "x.scn:1: 'mars:2' is no host");
    bad(HOST "duration 10 s\ndomain a\n", "x.scn:2: duration takes one value");
    bad(HOST "duration ten\ndomain a\n", "x.scn:2: 'ten' is not a time");
    bad(HOST "duration 0\ndomain a\n", "x.scn:2: the run is 0 long");
    bad(HOST "seed -1\ndomain a\n", "x.scn:2: '-1' is not a number");
    bad(HOST "costs swich=1us\ndomain a\n", "x.scn:2: no cost 'swich'; use switch");
    bad(HOST "domain a workload=\"hog\n", "x.scn:2: a quote is not closed");
    bad(HOST "domain a cpus=[\"0\"\n", "x.scn:2: a list is not closed");
}

static void all_errors_of_a_pass_are_reported(void **state)
{
    (void)state;
    assert_null(load_with(HOST "domain a vcpus=0\ndomain b cap=x\nat 1s pause c\n", NULL));
    assert_non_null(strstr(said, "x.scn:2: vcpus: 0 is out of range; use 1 to 65536"));
    assert_non_null(strstr(said, "x.scn:3: cap: 'x' is not a percentage"));
    assert_null(strstr(said, "x.scn:4"));
}

static void bad_pools(void **state)
{
    (void)state;
    bad(HOST "pool policy=credit\ndomain a\n", "x.scn:2: the pool has no name");
    bad(HOST "pool Pool-0 policy=credt\ndomain a\n",
        "x.scn:2: unknown policy 'credt'; did you mean credit?");
    bad(HOST "pool Pool-0 policy=cfs\ndomain a\n", "'cfs'; use one of ");
    bad(HOST "pool Pool-0 policy=credit tslice=5s\ndomain a\n",
        "x.scn:2: tslice: 5s is out of range; use 1ms to 1s");
    bad(HOST "pool Pool-0 policy=credit tslice=5\ndomain a\n",
        "x.scn:2: tslice: '5' has no unit; use 5ns, 5us, 5ms or 5s");
    bad(HOST "pool Pool-0 policy=credit weight=5\ndomain a\n",
        "x.scn:2: weight of credit belongs to a whole domain");
    bad(HOST "pool Pool-0 policy=credit budget=5ms\ndomain a\n",
        "x.scn:2: credit has no parameter 'budget'");
    bad(HOST "pool P cpus=1\npool P cpus=2\ndomain a\n", "x.scn:3: pool 'P' is there already");
    bad(HOST "pool P cpus=1\npool Q cpus=1-2\ndomain a\n", "x.scn:3: pCPU 1 is in pool P already");
    bad(HOST "pool P\ndomain a\n", "x.scn:2: pool P has no pCPUs");
    bad(HOST "pool P cpus=all\ndomain a\n", "x.scn:2: no pCPU is left for Pool-0");
    bad(HOST "pool P cpus=4\ndomain a\n", "x.scn:2: cpus: pCPU 4 does not exist");
}

static void bad_domains(void **state)
{
    (void)state;
    bad(HOST "domain\n", "x.scn:2: the domain has no name");
    bad(HOST "domain vcpus=2\n", "x.scn:2: the domain has no name");
    bad(HOST "domain a\ndomain a\n", "x.scn:3: domain 'a' is there already");
    bad(HOST "domain a vcpu=2\n", "x.scn:2: unknown key 'vcpu'; did you mean vcpus?");
    bad(HOST "domain a colour=2\n", "x.scn:2: unknown key 'colour'; use one of name");
    bad(HOST "domain a vcpus\n", "x.scn:2: 'vcpus' is not understood; use key=value");
    bad(HOST "domain a vcpus=[1,2]\n", "x.scn:2: vcpus: a list is not understood");
    bad(HOST "domain a cpus=0-9\n", "x.scn:2: cpus: pCPU 9 does not exist; the host has 0 to 3");
    bad(HOST "domain a cpu_weight=0\n", "x.scn:2: cpu_weight: 0 is out of range; use 1 to 65535");
    bad(HOST "domain a vcpus=2 cap=201\n", "x.scn:2: cap: 201 is more than a can use");
    bad(HOST "domain a pool=P\n", "x.scn:2: no pool 'P'; use Pool-0");
    bad(HOST "domain a tslice=1ms\n", "x.scn:2: unknown key 'tslice'");
    bad(HOST "domain a budget=1ms\n", "x.scn:2: credit2 has no parameter 'budget'");
    bad(HOST "domain none.cfg\n", "x.scn:2: can not read the domain config");
    bad(HOST "domain a vcpus=65536\ndomain b\n", "x.scn:3: the domains have more than 65536 vCPUs");
}

static void bad_configs(void **state)
{
    (void)state;
    file_with("b.cfg", "name = \"b\"\nworkloda = \"hog\"\n");
    bad(HOST "domain b.cfg\n", "b.cfg:2: unknown key 'workloda'; did you mean workload?");
    file_with("b.cfg", "name = \"b\"\n\nworkload = \"hgo\"\n");
    bad(HOST "domain b.cfg\n", "b.cfg:3: unknown workload 'hgo'; did you mean hog?");
    file_with("b.cfg", "cap = \"many\"\n");
    bad(HOST "domain b.cfg\n", "b.cfg:1: cap: 'many' is not a percentage");
    file_with("b.cfg", "frobnicate = 1\n");
    good(HOST "domain b.cfg\n");
    assert_said("b.cfg:1: warning: unknown key 'frobnicate'; ignored");
    file_with("b.cfg", "vcpus = 1\ncpus = [\"0\", \"1\"]\n");
    good(HOST "domain b.cfg\n");
    assert_said("b.cfg:2: warning: cpus: 2 items for 1 vCPUs");
    good(HOST "pool Pool-0 policy=rrobin\ndomain a cpu_weight=5\n");
    assert_said("x.scn:3: warning: rrobin has no cpu_weight");
}

static void bad_workloads(void **state)
{
    (void)state;
    bad(HOST "domain a workload=\"\"\n", "x.scn:2: the workload is empty");
    bad(HOST "domain a workload=\"periodic period=10ms\"\n", "workload periodic needs busy");
    bad(HOST "domain a workload=\"periodic period=10ms bussy=1ms\"\n", "did you mean busy?");
    bad(HOST "domain a workload=\"periodic period=0 busy=1ms\"\n", "period: is 0");
    bad(HOST "domain a workload=\"periodic period=1ms busy=1us jitter=2ms\"\n", "jitter");
    bad(HOST "domain a workload=\"hog busy=1ms\"\n", "workload hog has no 'busy'");
    bad(HOST "domain a workload=\"yielder burst=uniform:2ms:1ms\"\n", "runs backwards");
    bad(HOST "domain a workload=\"yielder burst=uniform:2ms\"\n", "uniform needs two times");
    bad(HOST "domain a workload=\"yielder burst=normal:2ms\"\n", "is no distribution");
    bad(HOST "domain a workload=\"yielder burst=exp:0\"\n", "is 0");
    bad(HOST "domain a workload=\"yielder burst\"\n", "'burst' has no value");
    bad(HOST "domain a workload=\"server clients=0 think=1ms service=1ms\"\n", "1 to 1000000");
    bad(HOST "domain a workload=\"trace file=none\"\n", "x.scn:2: can not open the trace");
    file_with("w.trace", "1ms 2ms\n3ms\n");
    bad(HOST "domain a workload=\"trace file=w.trace\"\n", "w.trace:2: a line of a trace");
    file_with("w.trace", "1ms 0\n");
    bad(HOST "domain a workload=\"trace file=w.trace\"\n", "w.trace:1: the run time is 0");
    file_with("w.trace", "# nothing\n");
    bad(HOST "domain a workload=\"trace file=w.trace\"\n", "is empty");
}

#define WEB HOST "domain web vcpus=2\ndomain x later\n"

static void bad_changes(void **state)
{
    (void)state;
    bad(WEB "at 1s\n", "x.scn:4: something is missing; use at TIME CHANGE");
    bad(WEB "refused 1s pause web\n", "use refused at TIME CHANGE");
    bad(WEB "at 11s pause web\n", "x.scn:4: 11s is after the end of the run; use at most 10s");
    bad(WEB "at 1x pause web\n", "x.scn:4: '1x' is not a time");
    bad(WEB "at 1s puase web\n", "x.scn:4: unknown change 'puase'; did you mean pause?");
    bad(WEB "at 1s pause wbe\n", "x.scn:4: no domain 'wbe'; did you mean web?");
    bad(WEB "at 1s pause web now\n", "x.scn:4: too many words");
    bad(WEB "at 1s pause x\n", "x.scn:4: x is not there at 1s; create it before that");
    bad(WEB "at 1s create web\n", "x.scn:4: web is there already at 1s");
    bad(WEB "at 2s create x\nat 1s destroy x\n", "x.scn:5: x is not there at 1s");
    bad(WEB "at 1s pin web.2 0\n", "x.scn:4: web has no vCPU 2; use 0 to 1");
    bad(WEB "at 1s pin web 0 hard 1\n", "x.scn:4: 'hard' is not understood");
    bad(WEB "at 1s pin web 7\n", "x.scn:4: pCPU 7 does not exist");
    bad(WEB "at 1s cpu 4 offline\n", "x.scn:4: pCPU 4 does not exist; the host has 0 to 3");
    bad(WEB "at 1s cpu 3 online\n", "x.scn:4: pCPU 3 is online already");
    bad(WEB "at 1s cpu 3 off\n", "x.scn:4: 'off' is neither online nor offline");
    bad(WEB "at 1s move web P\n", "x.scn:4: no pool 'P'");
    bad(WEB "at 1s switch Pool-0 linux\n", "x.scn:4: unknown policy 'linux'");
    bad(WEB "at 1s vcpu web offline\n", "x.scn:4: 'web' names no vCPU; use web.0");
    bad(WEB "at 1s set web\n", "x.scn:4: too few words");
    bad(WEB "at 1s set web weight=0\n", "x.scn:4: weight: 0 is out of range");
    bad(WEB "at 1s set web.1 weight=5\n", "x.scn:4: weight of credit2 belongs to a whole domain");
    bad(WEB "at 1s set web cap=201\n", "x.scn:4: cap: 201 is more than web can use");
    bad(WEB "at 1s set web tslice=5ms\n", "x.scn:4: credit2 has no parameter 'tslice'");
    bad(WEB "at 2s set web weight=5\nat 1s switch Pool-0 rtds\n",
        "x.scn:4: rtds has no parameter 'weight'");
    bad(WEB "at 1s pool Pool-0 weight=1\n", "x.scn:4: weight of credit2 belongs to");
}

#define ARINC HOST "pool Pool-0 policy=arinc653\ndomain a\ndomain b vcpus=2\n"

static void bad_tables(void **state)
{
    (void)state;
    bad(WEB "table Pool-0 frame=10ms web.0=1ms\n", "x.scn:4: credit2 has no table");
    bad(ARINC "table Pool-0 frame=10ms b=1ms\n", "x.scn:5: 'b' has several vCPUs");
    bad(ARINC "table Pool-0 a=1ms b.0=1ms\n", "x.scn:5: the table has no frame");
    bad(ARINC "table Pool-0 frame=10ms a=7ms b.0=4ms\n",
        "x.scn:5: the windows are 11ms in sum, more than the frame of 10ms");
    bad(ARINC "table Pool-0 frame=10ms a=0\n", "a window of the table is 0 long");
    bad(ARINC "table Pool-0 frame=10ms c=1ms\n", "no domain 'c'");
    silent(ARINC "refused at 0s table Pool-0 frame=10ms a=7ms b.0=4ms\n");
}

static void bad_expectations(void **state)
{
    (void)state;
    bad(WEB "expect\n", "x.scn:4: nothing is expected");
    bad(WEB "expect shar web 5\n", "x.scn:4: unknown metric 'shar'; did you mean share?");
    bad(WEB "expect share wbe 5\n", "x.scn:4: no domain 'wbe'; did you mean web?");
    bad(WEB "expect share web\n", "x.scn:4: share has no value");
    bad(WEB "expect share web <=\n", "x.scn:4: share has no value");
    bad(WEB "expect share web much\n", "x.scn:4: share: 'much' is not a percentage");
    bad(WEB "expect latency_p99 web <= 1%\n", "x.scn:4: latency_p99: '1%' is not a time");
    bad(WEB "expect share web 5 +- few\n", "x.scn:4: share: 'few' is not a percentage");
    bad(WEB "expect share web 5 about\n", "x.scn:4: 'about' is not understood here");
    bad(WEB "expect misses web 5 from 1s to 2s\n", "misses is known for the whole run only");
    bad(WEB "expect share web 5 from 2s to 1s\n", "ends before it begins");
    bad(WEB "expect share web 5 from 2s\n", "the window has no end");
    bad(WEB "expect share web 5 from 2s to 11s\n", "the window ends after the run");
    bad(WEB "expect idle_while_waiting web 0\n", "not measured for a domain");
    bad(WEB "expect cap_excess web.0 <= 0\n", "not measured for a vCPU");
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    said_begin();
    assert_null(scenario_load("/nowhere/x.scn", NULL));
    said_end();
    assert_said("/nowhere/x.scn: can not open it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_run_and_its_defaults, forget),
        cmocka_unit_test_teardown(pools_share_out_the_host, forget),
        cmocka_unit_test_teardown(domains_inline, forget),
        cmocka_unit_test_teardown(copies_of_a_domain, forget),
        cmocka_unit_test_teardown(domains_from_xl_configs, forget),
        cmocka_unit_test_teardown(parameters_of_the_policy, forget),
        cmocka_unit_test_teardown(every_workload, forget),
        cmocka_unit_test_teardown(changes_in_order_of_time, forget),
        cmocka_unit_test_teardown(weights_where_the_policy_wants_their_inverse, forget),
        cmocka_unit_test_teardown(tables, forget),
        cmocka_unit_test_teardown(expectations, forget),
        cmocka_unit_test_teardown(another_policy_drops_what_it_lacks, forget),
        cmocka_unit_test_teardown(the_command_line_wins, forget),
        cmocka_unit_test_teardown(a_wrong_policy_on_the_command_line, forget),
        cmocka_unit_test_teardown(bad_statements, forget),
        cmocka_unit_test_teardown(all_errors_of_a_pass_are_reported, forget),
        cmocka_unit_test_teardown(bad_pools, forget),
        cmocka_unit_test_teardown(bad_domains, forget),
        cmocka_unit_test_teardown(bad_configs, forget),
        cmocka_unit_test_teardown(bad_workloads, forget),
        cmocka_unit_test_teardown(bad_changes, forget),
        cmocka_unit_test_teardown(bad_tables, forget),
        cmocka_unit_test_teardown(bad_expectations, forget),
        cmocka_unit_test_teardown(a_file_that_is_not_there, forget),
    };

    return cmocka_run_group_tests(tests, files_begin, files_end);
}
