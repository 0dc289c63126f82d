/* The hypervisor's side of psr/pmu.h with pmu=model: who is counted where, and our own hypercall.
 */
#include "xen_pair.h"

#include "../../xen/moirai_perf.c"
#include "../../xen/perf.c"

static unsigned allocated;
static unsigned references;
static struct moirai_op op;
static struct sched_refusal why;

/* ---- what these files ask of the rest ------------------------------------------------------ */

static void no_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)ctx;
    (void)pcpu;
    (void)leaf;
    (void)subleaf;
    memset(out, 0, 4 * sizeof out[0]);
}

const struct psr_hw psr_msr = {.cpuid = no_cpuid}; /* a processor without any */

void *xmalloc(size_t size)
{
    allocated++;
    return calloc(1, size);
}

void xfree(void *p)
{
    if (p)
        allocated--;
    free(p);
}

void strcopy(char *to, const char *from, size_t size)
{
    assert_true(strlen(from) < size);
    strcpy(to, from);
}

struct domain *domain_get(domid_t id)
{
    references += id < 3;
    return id < 3 ? &dom[id] : NULL;
}

void domain_put(struct domain *d)
{
    (void)d;
    references--;
}

/* Timers of which nobody but this test knows when they fire. */
static struct timer *set_on[2];

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    t->fire = fire;
}

void timer_set(struct timer *t, sched_time when)
{
    t->node.key = when;
    set_on[here->id] = t;
}

void timer_stop(struct timer *t)
{
    if (set_on[here->id] == t)
        set_on[here->id] = NULL;
}

/* ---- set-up -------------------------------------------------------------------------------- */

static void start_machine(enum pmu_source source)
{
    pair_start();
    memset(state, 0, sizeof state);
    memset(set_on, 0, sizeof set_on);
    xfree(model);
    model = NULL;
    options.pmu_source = source;
    perf_init();
}

static int intel(void **s)
{
    (void)s;
    start_machine(PMU_MODEL_INTEL);
    return 0;
}

/* All that was allocated but the model. */
static int teardown(void **s)
{
    (void)s;
    for (unsigned i = 0; i < 3; i++)
        perf_stop(&dom[i]);
    assert_int_equal(allocated, model != NULL);
    assert_int_equal(references, 0);
    return 0;
}

static void load(unsigned pcpu, struct vcpu *v)
{
    here = &machine[pcpu];
    if (here->loaded)
        perf_unload(here);
    here->loaded = v;
    if (v)
        perf_load(here, v->domain);
    here = machine;
}

static void run_ns(sched_time ns)
{
    clock_ns += ns;
    for (unsigned i = 0; i < 2; i++) {
        while (set_on[i] && set_on[i]->node.key <= clock_ns) {
            struct timer *t = set_on[i];

            set_on[i] = NULL;
            here = &machine[i];
            t->fire(t);
            here = machine;
        }
    }
}

#define INSTRUCTIONS 0x5300c0

static int begin(unsigned domain, unsigned nr, uint64_t first)
{
    memset(&op, 0, sizeof op);
    memset(&why, 0, sizeof why);
    op.u.perf_start = (struct moirai_perf_start){.domain = domain, .nr = nr, .select = {first}};
    for (unsigned i = 1; i < nr && i < MOIRAI_EVENTS; i++)
        op.u.perf_start.select[i] = 0x5300c4;
    return moirai_perf_start(NULL, &op, &why);
}

static int counted(unsigned domain)
{
    memset(&op, 0xa5, sizeof op);
    op.u.perf_read.domain = domain;
    return moirai_perf_read(NULL, &op, &why);
}

static int end(unsigned domain)
{
    op.u.perf_start.domain = domain;
    return moirai_perf_stop(NULL, &op, &why);
}

/* ---- who is counted ------------------------------------------------------------------------- */

static void test_while_it_runs(void **s)
{
    (void)s;
    load(0, &vcpu[1]);
    run_ns(1000);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0); /* on a pCPU already */
    run_ns(1000);
    load(0, &vcpu[2]);
    run_ns(1000);
    load(0, NULL);
    run_ns(1000);
    load(1, &vcpu[1]);
    run_ns(500);
    assert_int_equal(counted(1), 0); /* it still runs */
    assert_int_equal(op.u.perf_read.domain, 1);
    assert_int_equal(op.u.perf_read.nr, 1);
    assert_int_equal(op.u.perf_read.nr_groups, 1);
    assert_int_equal(op.u.perf_read.enabled, 1500);
    assert_int_equal(op.u.perf_read.event[0].count, 4500);
    assert_int_equal(op.u.perf_read.event[0].running, 1500);
    assert_int_equal(op.u.perf_read.event[0].estimate, 4500);
    run_ns(500);
    assert_int_equal(counted(1), 0);
    assert_int_equal(op.u.perf_read.event[0].count, 6000);
}

/* What was counted is there still, and counting goes on when the pCPU is back. */
static void test_hotplug(void **s)
{
    (void)s;
    load(1, &vcpu[1]);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0);
    run_ns(1000);
    perf_pcpu_offline(&machine[1]); /* the vCPU is about to leave */
    assert_null(state[1].counters.set);
    assert_true(pmu_at_rest(&state[1].counters));
    assert_null(set_on[1]);
    load(1, NULL);
    run_ns(1000);
    model->pcpu[1].global = 3; /* as after reset */
    perf_pcpu_online(&machine[1]);
    assert_int_equal(model->pcpu[1].global, 0);
    load(1, &vcpu[1]);
    run_ns(500);
    assert_int_equal(counted(1), 0);
    assert_int_equal(op.u.perf_read.enabled, 1500);
    assert_int_equal(op.u.perf_read.event[0].count, 4500);
}

/* AMD's select registers stay as they are between two vCPUs of a domain, but not on a pCPU that is
 * away. */
static void test_hotplug_amd(void **s)
{
    (void)s;
    start_machine(PMU_MODEL_AMD);
    load(1, &vcpu[1]);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0);
    perf_pcpu_offline(&machine[1]);
    assert_true(pmu_at_rest(&state[1].counters));
}

static void test_amd(void **s)
{
    (void)s;
    start_machine(PMU_MODEL_AMD);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0);
    load(0, &vcpu[1]);
    run_ns(1000);
    load(0, NULL);
    run_ns(1000); /* its counters are on, and no guest runs */
    load(0, &vcpu[2]);
    run_ns(1000);
    load(0, &vcpu[1]);
    run_ns(1000);
    assert_int_equal(counted(1), 0);
    assert_int_equal(op.u.perf_read.event[0].count, 6000);
    assert_int_equal(end(1), 0);
    assert_int_equal(model->pcpu[0].select[0], 0); /* at once, though it stays */
}

/* Nothing but the timer ends a turn of a vCPU that stays. */
static void test_turns(void **s)
{
    (void)s;
    load(0, &vcpu[1]);
    assert_null(set_on[0]);
    assert_int_equal(begin(1, 8, INSTRUCTIONS), 0);
    assert_non_null(set_on[0]);
    for (unsigned i = 0; i < 8000; i++)
        run_ns(1000);
    assert_int_equal(counted(1), 0);
    assert_int_equal(op.u.perf_read.nr_groups, 2);
    assert_int_equal(op.u.perf_read.enabled, 8000000);
    assert_int_equal(op.u.perf_read.event[0].running, 4000000);
    assert_int_equal(op.u.perf_read.event[7].running, 4000000);
    assert_int_equal(op.u.perf_read.event[7].estimate, 4000000);
    load(0, &vcpu[2]);
    assert_null(set_on[0]);
}

static void test_two_domains(void **s)
{
    (void)s;
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0);
    assert_int_equal(begin(2, 1, 0x5300c4), 0);
    load(0, &vcpu[1]);
    load(1, &vcpu[2]);
    run_ns(2000);
    load(0, &vcpu[2]);
    load(1, &vcpu[1]);
    run_ns(1000);
    assert_int_equal(counted(1), 0);
    assert_int_equal(op.u.perf_read.event[0].count, 9000);
    assert_int_equal(counted(2), 0);
    assert_int_equal(op.u.perf_read.event[0].count, 1500);
    assert_int_equal(end(1), 0);
    assert_int_equal(end(1), -XEN_ENOENT);
    run_ns(1000);
    assert_int_equal(counted(2), 0);
    assert_int_equal(op.u.perf_read.event[0].count, 2000);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void test_refusals(void **s)
{
    (void)s;
    assert_int_equal(begin(1, 1, 0xc0), -XEN_EINVAL);
    assert_non_null(strstr(why.why, "in no mode"));
    assert_int_equal(why.limit, 1);
    assert_int_equal(begin(1, 0, 0), -XEN_EINVAL);
    assert_int_equal(why.limit, 0);
    assert_int_equal(begin(1, 17, INSTRUCTIONS), -XEN_EINVAL);
    assert_int_equal(begin(1, ~0U, INSTRUCTIONS), -XEN_EINVAL);
    assert_int_equal(begin(3, 1, INSTRUCTIONS), -XEN_ESRCH);
    assert_int_equal(begin(1 << 16, 1, INSTRUCTIONS), -XEN_ESRCH); /* no domid_t */
    assert_int_equal(counted(1 << 16), -XEN_ESRCH);
    assert_int_equal(end(1 << 16), -XEN_ESRCH);
    assert_int_equal(counted(1), -XEN_ENOENT);
    assert_int_equal(end(1), -XEN_ENOENT);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), 0);
    assert_int_equal(begin(1, 1, INSTRUCTIONS), -XEN_EBUSY);
    assert_null(why.why);
    dom[2].dying = true;
    assert_int_equal(begin(2, 1, INSTRUCTIONS), -XEN_ESRCH);
}

static void test_what_there_is(void **s)
{
    (void)s;
    memset(&op, 0xa5, sizeof op);
    assert_int_equal(moirai_pmu(NULL, &op, &why), 0);
    assert_int_equal(op.u.pmu.vendor, MOIRAI_PMU_INTEL);
    assert_int_equal(op.u.pmu.nr_general, 4);
    assert_int_equal(op.u.pmu.model, 1);
    assert_string_equal(op.u.pmu.libpfm, "bdw_ep");
    start_machine(PMU_MODEL_AMD);
    assert_int_equal(moirai_pmu(NULL, &op, &why), 0);
    assert_int_equal(op.u.pmu.vendor, MOIRAI_PMU_AMD);
    assert_string_equal(op.u.pmu.libpfm, "amd64_fam19h_zen3");
}

static void assert_no_counters(const char *text)
{
    load(0, &vcpu[1]);
    assert_int_equal(moirai_pmu(NULL, &op, &why), -XEN_ENODEV);
    assert_non_null(strstr(why.why, text));
    assert_int_equal(begin(1, 1, INSTRUCTIONS), -XEN_ENODEV);
    assert_non_null(strstr(why.why, text));
    assert_true(strlen(why.why) < sizeof op.refusal.why);
    assert_int_equal(counted(1), -XEN_ENODEV);
    assert_int_equal(end(1), -XEN_ENODEV);
}

static void test_without(void **s)
{
    (void)s;
    start_machine(PMU_OFF);
    assert_no_counters("are off");
    start_machine(PMU_MACHINE);
    assert_no_counters("this processor has no performance counters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_while_it_runs, intel, teardown),
        cmocka_unit_test_setup_teardown(test_hotplug, intel, teardown),
        cmocka_unit_test_setup_teardown(test_hotplug_amd, intel, teardown),
        cmocka_unit_test_setup_teardown(test_amd, intel, teardown),
        cmocka_unit_test_setup_teardown(test_turns, intel, teardown),
        cmocka_unit_test_setup_teardown(test_two_domains, intel, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, intel, teardown),
        cmocka_unit_test_setup_teardown(test_what_there_is, intel, teardown),
        cmocka_unit_test_setup_teardown(test_without, intel, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
