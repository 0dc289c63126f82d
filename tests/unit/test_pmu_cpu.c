/*
 * The exact accesses to counters, for CPUID dumps of an Intel and an AMD
 * processor, and what comes of them: counts, turns, wraps, faults.
 */
#include "pmu_rig.h"

static struct pmu_cpu cpu[2];
static struct pmu_set a, b;

static void set_up(struct pmu_set *s, const uint64_t *select, unsigned nr)
{
    unsigned which;
    const char *why;

    memset(s, 0xa5, sizeof *s);
    assert_int_equal(pmu_set_init(s, &pmu_caps, select, nr, &which, &why), 0);
}

static void online(void)
{
    memset(cpu, 0xa5, sizeof cpu);
    assert_int_equal(pmu_online(&cpu[0], &pmu_hw, 0, &pmu_caps), 0);
}

static void start(struct pmu_set *s)
{
    pmu_start(&cpu[0], s, rig.now);
}

static void stop(void)
{
    pmu_stop(&cpu[0], rig.now);
}

static const uint64_t two[] = {0x00c0 | UK, 0x412e | UK};

/* ---- Intel: Xeon E5-2650L v4 ----------------------------------------------------------------- */

static int intel(void **state)
{
    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    online();
    return 0;
}

static void test_intel_online(void **state)
{
    (void)state;
    assert_accesses("0: 38f=0 38d=0 186=0 187=0 188=0 189=0\n"
                    "0: c1=12345678 c1?12345678\n"
                    "0: c1=0 c2=0 c3=0 c4=0 309=0 30a=0 30b=0\n");
}

static void test_intel_switches(void **state)
{
    static const uint64_t other[] = {0x412e | UK, 0x003c | U};

    (void)state;
    rig.log[0] = '\0';
    set_up(&a, two, 2);
    set_up(&b, other, 2);
    start(&a); /* instructions on their own counter, misses on the first of the others */
    assert_accesses("0: 186=43412e 38d=3 38f=100000001\n");
    run_us(10);
    stop();
    assert_accesses("0: 38f=0 309?7530 c1?32\n");
    start(NULL); /* another domain, which nobody counts: nothing to do */
    run_us(10);
    stop();
    assert_accesses("");
    start(&a);
    assert_accesses("0: 38f=100000001\n");
    run_us(10);
    stop();
    assert_accesses("0: 38f=0 309?ea60 c1?64\n");
    start(&b); /* the misses stay where they were; cycles in user mode are the second fixed one's */
    assert_accesses("0: 38d=23 38f=200000001\n");
    run_us(10);
    stop();
    assert_accesses("0: 38f=0 c1?96 30a?3a98\n");
    assert_int_equal(a.event[0].count, 60000);
    assert_int_equal(a.event[1].count, 100);
    assert_int_equal(a.enabled, 20000);
    assert_int_equal(a.running[0], 20000);
    assert_int_equal(b.event[0].count, 50);
    assert_int_equal(b.event[1].count, 15000);
    assert_int_equal(b.enabled, 10000);
}

/* A fixed counter goes from one mode to the other. */
static void test_intel_modes(void **state)
{
    static const uint64_t user[] = {0x00c0 | U}, kernel[] = {0x00c0 | K};

    (void)state;
    set_up(&a, user, 1);
    set_up(&b, kernel, 1);
    rig.log[0] = '\0';
    start(&a);
    stop();
    assert_accesses("0: 38d=2 38f=100000000\n0: 38f=0 309?0\n");
    start(&b);
    stop();
    assert_accesses("0: 38d=1 38f=100000000\n0: 38f=0 309?0\n");
}

/* Without a register for all of them: version 1. */
static void test_intel_version_1(void **state)
{
    (void)state;
    rig_load(XEON_2650LV4);
    rig_leaf(0xa, 0)[PSR_EAX] = 0x7280201;
    pmu_rig_start(&rig.words, &pmu_model_intel);
    online();
    assert_accesses("0: 186=0 187=0\n0: c1=12345678 c1?12345678\n0: c1=0 c2=0\n");
    set_up(&a, two, 2);
    start(&a);
    assert_accesses("0: 186=4300c0 187=43412e\n");
    run_us(10);
    stop();
    assert_accesses("0: 186=0 187=0 c1?7530 c2?32\n");
    assert_int_equal(a.event[0].count, 30000);
    start(NULL);
    assert_accesses("");
}

/* ---- AMD: EPYC 7763 -------------------------------------------------------------------------- */

static int amd(void **state)
{
    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    online();
    return 0;
}

static const uint64_t amd_two[] = {0x5300c0, 0x530076}; /* as libpfm4 says them */

static void test_amd_online(void **state)
{
    (void)state;
    assert_accesses("0: c0010200=0 c0010202=0 c0010204=0 c0010206=0 c0010208=0 c001020a=0\n"
                    "0: c0010201=12345678 c0010201?12345678\n"
                    "0: c0010201=0 c0010203=0 c0010205=0 c0010207=0 c0010209=0 c001020b=0\n");
}

/* They know guests, so they stay as they are until another domain's vCPU comes. */
static void test_amd_switches(void **state)
{
    static const uint64_t high[] = {0x5300c0, 0x1005300d0};

    (void)state;
    rig.log[0] = '\0';
    set_up(&a, amd_two, 2);
    set_up(&b, high, 2);
    start(&a);
    assert_accesses("0: c0010200=100004300c0 c0010202=10000430076\n");
    run_us(10);
    stop();
    assert_accesses("0: c0010201?7530 c0010203?4e20\n");
    rig.now += 1000000; /* idle */
    start(&a);
    assert_accesses("");
    run_us(1);
    stop();
    assert_accesses("0: c0010201?80e8 c0010203?55f0\n");
    start(NULL);
    assert_accesses("0: c0010200=0 c0010202=0\n");
    run_us(100);
    stop();
    start(NULL);
    assert_accesses("");
    start(&a);
    rig.log[0] = '\0';
    stop();
    rig.log[0] = '\0';
    start(&b); /* the first event is the same */
    assert_accesses("0: c0010202=101004300d0\n");
    stop();
    assert_int_equal(a.event[0].count, 33000);
    assert_int_equal(a.event[1].count, 22000);
    assert_int_equal(a.enabled, 11000);
    assert_int_equal(b.event[0].count, 0);
}

static void test_amd_legacy(void **state)
{
    (void)state;
    rig_load(EPYC_7763);
    rig_leaf(0x80000001, 0)[PSR_ECX] = 0;
    pmu_rig_start(&rig.words, &pmu_model_amd);
    online();
    assert_accesses("0: c0010000=0 c0010001=0 c0010002=0 c0010003=0\n"
                    "0: c0010004=12345678 c0010004?12345678\n"
                    "0: c0010004=0 c0010005=0 c0010006=0 c0010007=0\n");
    set_up(&a, amd_two, 2);
    start(&a);
    run_us(10);
    stop();
    assert_accesses(
        "0: c0010000=100004300c0 c0010001=10000430076\n0: c0010004?7530 c0010005?4e20\n");
}

static void test_amd_v2(void **state)
{
    (void)state;
    rig_load(EPYC_7763);
    rig.leaf[rig.words.nr++] = (struct psr_cpuid){0x80000022, PSR_ANY, {1, 6, 0, 0}};
    pmu_rig_start(&rig.words, &pmu_model_amd);
    online();
    rig.log[0] = '\0';
    set_up(&a, amd_two, 2);
    start(&a);
    assert_accesses("0: c0010200=100004300c0 c0010202=10000430076 c0000301=3\n");
    run_us(10);
    stop();
    assert_accesses("0: c0010201?7530 c0010203?4e20\n");
    assert_false(pmu_at_rest(&cpu[0]));
    start(NULL);
    assert_accesses("0: c0000301=0\n");
    assert_true(pmu_at_rest(&cpu[0]));
    stop();
    start(&a);
    assert_accesses("0: c0000301=3\n");
}

/* ---- turns ----------------------------------------------------------------------------------- */

static const uint64_t six[] = {0x412e | UK, 0x4f2e | UK, 0x00c4 | UK,
                               0x00c5 | UK, 0x010e | UK, 0x0148 | UK};

static void test_turns(void **state)
{
    int64_t look;

    (void)state;
    set_up(&a, six, 6);
    assert_int_equal(a.nr_groups, 2);
    rig.log[0] = '\0';
    start(&a);
    assert_accesses("0: 186=43412e 187=434f2e 188=4300c4 189=4300c5 38f=f\n");
    assert_int_equal(pmu_look_at(&cpu[0]), rig.now + PMU_TURN);
    run_us(3000);
    stop();
    run_us(500); /* another's */
    start(&a);
    assert_int_equal(pmu_look_at(&cpu[0]), rig.now + 1000000);
    run_us(1000);
    stop();
    rig.log[0] = '\0';
    start(&a);
    assert_accesses("0: 186=43010e 187=430148 38f=3\n");
    look = pmu_look_at(&cpu[0]);
    assert_int_equal(look, rig.now + PMU_TURN);
    run_us(12000); /* nobody looked */
    stop();
    assert_int_equal(a.enabled, 16000000);
    assert_int_equal(a.running[0], 4000000);
    assert_int_equal(a.running[1], 12000000);
    assert_int_equal(a.event[0].count, 20000);
    assert_int_equal(pmu_estimate(a.event[0].count, a.enabled, a.running[0]), 80000);
    assert_int_equal(a.event[4].count, 12000);
    assert_int_equal(pmu_estimate(a.event[4].count, a.enabled, a.running[1]), 16000);
    start(&a);
    assert_int_equal(cpu[0].group, 0);
}

/* Two vCPUs at once: a pCPU whose turn the other one has ended is asked to look at once. */
static void test_two_pcpus(void **state)
{
    (void)state;
    assert_int_equal(pmu_online(&cpu[1], &pmu_hw, 1, &pmu_caps), 0);
    set_up(&a, six, 6);
    start(&a);
    pmu_start(&cpu[1], &a, rig.now);
    run_us(4000);
    stop();
    start(&a);
    assert_int_equal(cpu[0].group, 1);
    assert_int_equal(pmu_look_at(&cpu[1]), 0);
    pmu_stop(&cpu[1], rig.now);
    assert_int_equal(a.group, 1);
    assert_int_equal(a.enabled, 8000000);
    assert_int_equal(a.running[0], 8000000);
    assert_int_equal(a.event[0].count, 40000);
}

static void test_long_looks(void **state)
{
    (void)state;
    set_up(&a, two, 2);
    start(&a);
    assert_int_equal(pmu_look_at(&cpu[0]), rig.now + 10000000000);
}

/* ---- wraps and faults ------------------------------------------------------------------------ */

static void test_wrap(void **state)
{
    (void)state;
    set_up(&a, two, 2);
    /* As if they had come that far. */
    pmu_model.pcpu[0].counter[0] = cpu[0].value[0] = (1ULL << 48) - 3;
    pmu_model.pcpu[0].counter[PMU_MAX_GENERAL] = cpu[0].value[PMU_MAX_GENERAL] = (1ULL << 48) - 1;
    start(&a);
    run_us(10);
    stop();
    assert_int_equal(a.event[0].count, 30000);
    assert_int_equal(a.event[1].count, 50);
    assert_int_equal(pmu_model.pcpu[0].counter[0], 47);
    start(&a);
    run_us(10);
    stop();
    assert_int_equal(a.event[1].count, 100);
}

static void test_fault(void **state)
{
    (void)state;
    set_up(&a, two, 2);
    rig.faulty = 0x38d;
    start(&a);
    assert_null(cpu[0].set);
    rig.log[0] = '\0';
    run_us(10);
    stop();
    start(&a); /* it is not tried again */
    stop();
    assert_accesses("");
    assert_int_equal(a.enabled, 0);
    assert_int_equal(a.event[0].count, 0);
    rig.faulty = 0x187;
    assert_int_equal(pmu_online(&cpu[0], &pmu_hw, 0, &pmu_caps), -PSR_EIO);
}

/* Registers that swallow what is written, as an emulator's without counters. */
static unsigned swallow(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    (void)ctx;
    (void)pcpu;
    for (unsigned i = 0; i < nr; i++)
        if (!list[i].write)
            list[i].value = 0;
    return nr;
}

static void test_nothing_there(void **state)
{
    (void)state;
    pmu_hw.access = swallow;
    assert_int_equal(pmu_online(&cpu[0], &pmu_hw, 0, &pmu_caps), -PSR_EIO);
    assert_null(cpu[0].hw);
    pmu_caps.vendor = PMU_NONE;
    assert_int_equal(pmu_online(&cpu[0], &pmu_hw, 0, &pmu_caps), -PSR_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_intel_online, intel),
        cmocka_unit_test_setup(test_intel_switches, intel),
        cmocka_unit_test_setup(test_intel_modes, intel),
        cmocka_unit_test(test_intel_version_1),
        cmocka_unit_test_setup(test_amd_online, amd),
        cmocka_unit_test_setup(test_amd_switches, amd),
        cmocka_unit_test(test_amd_legacy),
        cmocka_unit_test(test_amd_v2),
        cmocka_unit_test_setup(test_turns, intel),
        cmocka_unit_test_setup(test_two_pcpus, intel),
        cmocka_unit_test_setup(test_long_looks, intel),
        cmocka_unit_test_setup(test_wrap, intel),
        cmocka_unit_test_setup(test_fault, intel),
        cmocka_unit_test_setup(test_nothing_there, intel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
