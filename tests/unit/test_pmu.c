/* What processors can count, by their CPUID, and which counter may count what. */
#include "pmu_rig.h"

static const char *why;

static uint32_t counters(uint64_t select)
{
    return pmu_event_counters(&pmu_caps, select, &why);
}

static void assert_refused(uint64_t select, const char *text)
{
    assert_int_equal(counters(select), 0);
    assert_non_null(why);
    if (!strstr(why, text))
        fail_msg("'%s' does not say '%s'", why, text);
}

#define FIXED(n) (1U << (PMU_MAX_GENERAL + (n)))

/* ---- discovery ------------------------------------------------------------------------------- */

static void test_intel(void **state)
{
    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    assert_int_equal(pmu_caps.vendor, PMU_INTEL);
    assert_int_equal(pmu_caps.version, 3);
    assert_int_equal(pmu_caps.nr_general, 4);
    assert_int_equal(pmu_caps.nr_fixed, 3);
    assert_int_equal(pmu_caps.width, 48);
    assert_int_equal(pmu_caps.fixed_width, 48);
    assert_true(pmu_caps.global);
    assert_int_equal(pmu_caps.missing & 0x7f, 0);
    pmu_rig_load(XEON_6230, &pmu_model_intel);
    assert_int_equal(pmu_caps.version, 4);
    assert_int_equal(pmu_caps.nr_general, 4);
}

static void test_intel_others(void **state)
{
    uint32_t *leaf;

    (void)state;
    rig_load(XEON_2650LV4);
    leaf = rig_leaf(0xa, 0);
    leaf[PSR_EAX] = 0x7280201; /* version 1: EDX means nothing */
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_int_equal(pmu_caps.nr_general, 2);
    assert_int_equal(pmu_caps.nr_fixed, 0);
    assert_int_equal(pmu_caps.width, 40);
    assert_false(pmu_caps.global);
    leaf[PSR_EAX] = 0; /* as in a guest without any */
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_int_equal(pmu_caps.vendor, PMU_NONE);
    leaf[PSR_EAX] = 0x7300403;
    rig_leaf(0, 0)[PSR_EAX] = 9; /* the leaf is not there */
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_int_equal(pmu_caps.vendor, PMU_NONE);
}

static void test_amd(void **state)
{
    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    assert_int_equal(pmu_caps.vendor, PMU_AMD);
    assert_int_equal(pmu_caps.family, 0x19);
    assert_int_equal(pmu_caps.nr_general, 6);
    assert_int_equal(pmu_caps.width, 48);
    assert_true(pmu_caps.extended);
    assert_false(pmu_caps.global);
    rig_leaf(0x80000001, 0)[PSR_ECX] &= ~(1U << 23);
    pmu_rig_start(&rig.words, &pmu_model_amd);
    assert_int_equal(pmu_caps.nr_general, 4);
    assert_false(pmu_caps.extended);
    rig_leaf(1, 0)[PSR_EAX] = 0x600f12; /* family 15H */
    pmu_rig_start(&rig.words, &pmu_model_amd);
    assert_int_equal(pmu_caps.vendor, PMU_NONE);
}

/* What the dump of a Zen 3 does not have. */
static void add_v2(unsigned nr)
{
    rig.leaf[rig.words.nr++] = (struct psr_cpuid){0x80000022, PSR_ANY, {1, nr, 0, 0}};
}

static void test_amd_v2(void **state)
{
    (void)state;
    rig_load(EPYC_7763);
    add_v2(8);
    pmu_rig_start(&rig.words, &pmu_model_amd);
    assert_int_equal(pmu_caps.version, 2);
    assert_int_equal(pmu_caps.nr_general, 8);
    assert_true(pmu_caps.global);
}

/* The models are what they are called after. */
static void test_models(void **state)
{
    struct pmu_caps dump;

    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    dump = pmu_caps;
    pmu_rig_start(&pmu_model_intel.words, &pmu_model_intel);
    assert_memory_equal(&dump, &pmu_caps, sizeof dump);
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    dump = pmu_caps;
    pmu_rig_start(&pmu_model_amd.words, &pmu_model_amd);
    assert_memory_equal(&dump, &pmu_caps, sizeof dump);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void test_intel_events(void **state)
{
    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    assert_int_equal(counters(0x5300c0), FIXED(0) | 15); /* as libpfm4 says it, with EN and INT */
    assert_int_equal(counters(0x003c | U), FIXED(1) | 15);
    assert_int_equal(counters(0x0300 | UK), FIXED(2));
    assert_int_equal(counters(0x412e | UK), 15);
    assert_int_equal(counters(0x00c0 | UK | SELECT_EDGE), 15);
    assert_refused(0x0300 | UK | SELECT_INV, "has no counter");
    assert_refused(0x0400 | UK, "has no counter"); /* a fourth fixed one */
    assert_refused(0x0000 | UK, "has no counter");
    assert_refused(0x00c0, "in no mode");
    assert_refused(0x00c0 | UK | SELECT_ANY, "other thread");
    assert_refused(0x00c0 | UK | SELECT_PC, "bits");
    assert_refused(0x00c0 | UK | 1ULL << 32, "bits");
    assert_refused(0x00c0 | UK | SELECT_GUEST, "bits");
    rig_leaf(0xa, 0)[PSR_EBX] = 1 << 4; /* no cache misses */
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_refused(0x412e | UK, "not available");
    assert_int_equal(counters(0x4f2e | UK), 15);
    rig_leaf(0xa, 0)[PSR_EBX] = 0;
    rig_leaf(0xa, 0)[PSR_EAX] = 0x4300403; /* nor those from the fifth on */
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_refused(0x412e | UK, "not available");
}

static void test_amd_events(void **state)
{
    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    assert_int_equal(counters(0x5300c0), 63);
    assert_int_equal(counters(0x0000 | UK | 0x100), 63); /* event 0 is one */
    assert_int_equal(counters(0x1000000d0 | UK | SELECT_GUEST), 63);
    assert_int_equal(counters(0xe0 | UK), 63);
    assert_refused(0x00c0 | SELECT_HOST, "hypervisor"); /* libpfm4's h */
    assert_refused(0x00c0 | UK | SELECT_ANY, "bits");
    assert_refused(0x00c0 | UK | 1ULL << 36, "bits");
    assert_refused(0x00c0, "in no mode");
    rig_leaf(1, 0)[PSR_EAX] = 0x100f42; /* family 10H */
    pmu_rig_start(&rig.words, &pmu_model_amd);
    assert_refused(0xe0 | UK, "all cores of the node");
    assert_int_equal(counters(0xc0 | UK), 63);
}

/* ---- sets ------------------------------------------------------------------------------------ */

static struct pmu_set set;

static int init(const uint64_t *select, unsigned nr, unsigned *which)
{
    memset(&set, 0xa5, sizeof set);
    return pmu_set_init(&set, &pmu_caps, select, nr, which, &why);
}

static void test_groups(void **state)
{
    /* Two on fixed counters, one that finds its own taken, four general ones, two more. */
    static const uint64_t nine[] = {0x00c0 | UK, 0x003c | UK, 0x00c0 | U, 0x412e | UK, 0x4f2e | UK,
                                    0x00c4 | UK, 0x00c5 | UK, 0x0300 | U, 0x0300 | K};
    static const unsigned counter[] = {16, 17, 0, 1, 2, 3, 0, 18, 18};
    static const unsigned group[] = {0, 0, 0, 0, 0, 0, 1, 1, 2};
    unsigned which;

    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    assert_int_equal(init(nine, 9, &which), 0);
    assert_int_equal(set.nr_groups, 3);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(set.event[i].counter, counter[i]);
        assert_int_equal(set.event[i].group, group[i]);
        assert_int_equal(set.event[i].count, 0);
        assert_false(set.event[i].select & SELECT_INT);
    }
}

static void test_refused_sets(void **state)
{
    uint64_t many[PMU_MAX_EVENTS + 1];
    unsigned which;

    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    for (unsigned i = 0; i <= PMU_MAX_EVENTS; i++)
        many[i] = 0x5300c0;
    assert_int_equal(init(many, 0, &which), -PSR_EINVAL);
    assert_int_equal(init(many, PMU_MAX_EVENTS + 1, &which), -PSR_EINVAL);
    assert_int_equal(which, PMU_MAX_EVENTS + 1);
    assert_int_equal(init(many, PMU_MAX_EVENTS, &which), 0);
    assert_int_equal(set.nr_groups, 3);
    many[5] = 0xc0;
    assert_int_equal(init(many, PMU_MAX_EVENTS, &which), -PSR_EINVAL);
    assert_int_equal(which, 5);
    assert_non_null(strstr(why, "no mode"));
}

static void test_turns(void **state)
{
    const uint64_t seven[] = {1 | UK, 2 | UK, 3 | UK, 4 | UK, 5 | UK, 6 | UK, 7 | UK};
    unsigned which;

    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    assert_int_equal(init(seven, 7, &which), 0);
    assert_int_equal(set.nr_groups, 2);
    pmu_set_ran(&set, 0, PMU_TURN - 1);
    assert_int_equal(set.group, 0);
    pmu_set_ran(&set, 0, 1);
    assert_int_equal(set.group, 1);
    pmu_set_ran(&set, 0, PMU_TURN); /* another pCPU comes late to the old turn */
    assert_int_equal(set.group, 1);
    pmu_set_ran(&set, 1, 3 * PMU_TURN);
    assert_int_equal(set.group, 0);
    assert_int_equal(set.enabled, 5 * PMU_TURN);
    assert_int_equal(set.running[0], 2 * PMU_TURN);
    assert_int_equal(set.running[1], 3 * PMU_TURN);
}

static void test_estimate(void **state)
{
    (void)state;
    assert_int_equal(pmu_estimate(1000, 4000, 4000), 1000);
    assert_int_equal(pmu_estimate(1000, 4000, 1000), 4000);
    assert_int_equal(pmu_estimate(10, 10, 3), 33);
    assert_int_equal(pmu_estimate(7, 0, 0), 0);
    assert_int_equal(pmu_estimate(0, 5, 5), 0);
    /* 128 bits in between. */
    assert_int_equal(pmu_estimate(1ULL << 60, 3ULL << 40, 1ULL << 40), 3ULL << 60);
    assert_int_equal(pmu_estimate(0xfedcba9876543210, 0x8000000000000001, 0x8000000000000001),
                     0xfedcba9876543210);
    assert_int_equal(pmu_estimate(1ULL << 63, 3, 1), ~0ULL);
    assert_int_equal(pmu_estimate(~0ULL, ~0ULL, ~0ULL), ~0ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intel),        cmocka_unit_test(test_intel_others),
        cmocka_unit_test(test_amd),          cmocka_unit_test(test_amd_v2),
        cmocka_unit_test(test_models),       cmocka_unit_test(test_intel_events),
        cmocka_unit_test(test_amd_events),   cmocka_unit_test(test_groups),
        cmocka_unit_test(test_refused_sets), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
