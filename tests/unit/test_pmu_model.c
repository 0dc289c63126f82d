/* The model of counters: what faults, what is kept where, what is counted and when it wraps. */
#include "pmu_rig.h"

static bool wr(uint32_t msr, uint64_t value)
{
    struct psr_access a = {.write = true, .msr = msr, .value = value};

    return pmu_model_access(&pmu_model, 0, &a, 1) == 1;
}

static bool faults(uint32_t msr)
{
    struct psr_access a = {.msr = msr};

    return pmu_model_access(&pmu_model, 0, &a, 1) != 1;
}

static uint64_t rd(uint32_t msr)
{
    struct psr_access a = {.msr = msr};

    assert_int_equal(pmu_model_access(&pmu_model, 0, &a, 1), 1);
    return a.value;
}

static int intel(void **state)
{
    (void)state;
    pmu_rig_load(XEON_2650LV4, &pmu_model_intel);
    return 0;
}

static int amd(void **state)
{
    (void)state;
    pmu_rig_load(EPYC_7763, &pmu_model_amd);
    return 0;
}

static int amd_v2(void **state)
{
    (void)state;
    rig_load(EPYC_7763);
    rig.leaf[rig.words.nr++] = (struct psr_cpuid){0x80000022, PSR_ANY, {1, 6, 0, 0}};
    pmu_rig_start(&rig.words, &pmu_model_amd);
    return 0;
}

/* ---- Intel ----------------------------------------------------------------------------------- */

static void test_intel_faults(void **state)
{
    (void)state;
    assert_true(wr(0x186, 0xffffffff));
    assert_false(wr(0x186, 1ULL << 32));
    assert_int_equal(rd(0x186), 0xffffffff);
    assert_true(wr(0x189, 0));
    assert_false(wr(0x18a, 0)); /* a fifth counter */
    assert_true(faults(0x18a) && faults(0xc5) && !faults(0xc4));
    assert_true(wr(0x38d, 0xfff));
    assert_false(wr(0x38d, 0x1000));
    assert_true(wr(0x38f, 0x70000000f));
    assert_false(wr(0x38f, 0x10));
    assert_false(wr(0x38f, 1ULL << 35));
    assert_false(wr(0x38e, 0)); /* the status is there to be read */
    assert_true(!faults(0x38e));
    assert_true(wr(0x390, 3ULL << 62 | 0x70000000f));
    assert_false(wr(0x390, 1ULL << 61));
    assert_true(wr(0x30b, (1ULL << 48) - 1));
    assert_false(wr(0x30b, 1ULL << 48));
    assert_false(wr(0x30c, 0));
    assert_false(wr(0xc0010000, 0));
    assert_false(wr(0xc0010200, 0));
}

/* SDM vol. 3B, 20.2.1.2 */
static void test_intel_counters_sign_extend(void **state)
{
    (void)state;
    assert_true(wr(0xc1, 0xdeadbeef7fffffff));
    assert_int_equal(rd(0xc1), 0x7fffffff);
    assert_true(wr(0xc1, 0x80000000));
    assert_int_equal(rd(0xc1), 0xffff80000000);
}

static void test_intel_version_1(void **state)
{
    (void)state;
    rig_leaf(0xa, 0)[PSR_EAX] = 0x7280201;
    pmu_rig_start(&rig.words, &pmu_model_intel);
    assert_true(faults(0x38f) && faults(0x38d) && faults(0x309) && faults(0x188));
    assert_true(wr(0x186, SELECT_EN | UK | 0xc0));
    run_us(10);
    assert_int_equal(rd(0xc1), 30000);
}

static void test_intel_counting(void **state)
{
    (void)state;
    assert_int_equal(rd(0x38f), 0xf); /* after reset */
    assert_true(wr(0x186, SELECT_EN | UK | 0x412e));
    assert_true(wr(0x187, UK | 0xc0)); /* not enabled itself */
    assert_true(wr(0x38d, 0x031));
    run_us(100);
    assert_int_equal(rd(0xc1), 500);
    assert_int_equal(rd(0xc2), 0);
    assert_int_equal(rd(0x309), 0);
    assert_true(wr(0x38f, 0x700000000));
    run_us(100);
    assert_int_equal(rd(0xc1), 500);
    assert_int_equal(rd(0x309), 75000);  /* of 300000 instructions those in the kernel */
    assert_int_equal(rd(0x30a), 200000); /* cycles, in both */
    assert_int_equal(rd(0x30b), 0);      /* reference cycles, in neither */
    assert_true(wr(0x38f, 1));
    assert_true(wr(0x186, SELECT_EN | U | 0xc4));
    run_us(4);
    assert_int_equal(rd(0xc1), 500 + 1500);
}

/* However often it is asked, no part of a count is lost. */
static void test_parts(void **state)
{
    (void)state;
    assert_true(wr(0x186, SELECT_EN | UK | 0xffff)); /* 1 each us */
    for (unsigned i = 0; i < 1000; i++) {
        rig.now += 7;
        rd(0xc1);
    }
    assert_int_equal(rd(0xc1), 7);
}

static void test_intel_wrap(void **state)
{
    (void)state;
    assert_true(wr(0x186, SELECT_EN | UK | 0xc0));
    assert_true(wr(0xc1, 0xffffffff)); /* all ones, by its sign */
    assert_true(wr(0x309, (1ULL << 48) - 10));
    assert_true(wr(0x38d, 3));
    assert_true(wr(0x38f, 0x100000001));
    run_us(1);
    assert_int_equal(rd(0xc1), 2999);
    assert_int_equal(rd(0x309), 2990);
    assert_int_equal(rd(0x38e), 0x100000001);
    assert_true(wr(0x390, 1));
    assert_int_equal(rd(0x38e), 0x100000000);
}

/* ---- AMD ------------------------------------------------------------------------------------- */

static void test_amd_faults(void **state)
{
    (void)state;
    assert_true(wr(0xc0010200, 0x30fffd7ffff));
    assert_false(wr(0xc0010200, SELECT_PC));
    assert_false(wr(0xc0010200, SELECT_ANY));
    assert_false(wr(0xc0010200, 1ULL << 36));
    assert_false(wr(0xc0010200, 1ULL << 42));
    assert_true(wr(0xc001020a, 0));
    assert_true(faults(0xc001020c) && faults(0xc001020d)); /* a seventh counter */
    assert_true(wr(0xc0010201, (1ULL << 48) - 1));
    assert_false(wr(0xc0010201, 1ULL << 48));
    assert_true(faults(0xc0000300) && faults(0xc0000301) && faults(0xc0000302));
    assert_true(faults(0x186) && faults(0xc1) && faults(0x38f));
}

/* The first four have two names. */
static void test_amd_aliases(void **state)
{
    (void)state;
    assert_true(wr(0xc0010003, SELECT_EN | UK | 0xc0));
    assert_int_equal(rd(0xc0010206), SELECT_EN | UK | 0xc0);
    assert_true(wr(0xc0010207, 77));
    assert_int_equal(rd(0xc0010007), 77);
    assert_true(faults(0xc0010008));
    rig_leaf(0x80000001, 0)[PSR_ECX] = 0;
    pmu_rig_start(&rig.words, &pmu_model_amd);
    assert_true(wr(0xc0010003, 0));
    assert_true(faults(0xc0010200));
}

static void test_amd_guests(void **state)
{
    (void)state;
    assert_true(wr(0xc0010200, SELECT_EN | UK | 0xc0 | SELECT_GUEST));
    assert_true(wr(0xc0010202, SELECT_EN | UK | 0xc0 | SELECT_HOST));
    assert_true(wr(0xc0010204, SELECT_EN | UK | 0xc0));
    assert_true(wr(0xc0010206, SELECT_EN | UK | 0xc0 | SELECT_GUEST | SELECT_HOST));
    assert_true(wr(0xc0010208, UK | 0xc0));
    run_us(10);
    rig.now += 5000; /* the hypervisor */
    assert_int_equal(rd(0xc0010201), 30000);
    assert_int_equal(rd(0xc0010203), 15000);
    assert_int_equal(rd(0xc0010205), 45000);
    assert_int_equal(rd(0xc0010207), 45000);
    assert_int_equal(rd(0xc0010209), 0);
}

static void test_amd_v2(void **state)
{
    (void)state;
    assert_true(wr(0xc0000301, 0x3f));
    assert_false(wr(0xc0000301, 0x40));
    assert_false(wr(0xc0000300, 0));
    assert_true(wr(0xc0010200, SELECT_EN | UK | 0x76));
    assert_true(wr(0xc0010201, (1ULL << 48) - 1));
    run_us(1);
    assert_int_equal(rd(0xc0010201), 1999);
    assert_int_equal(rd(0xc0000300), 1);
    assert_true(wr(0xc0000302, 1));
    assert_false(wr(0xc0000302, 1ULL << 63));
    assert_int_equal(rd(0xc0000300), 0);
    assert_true(wr(0xc0000301, 0));
    run_us(1);
    assert_int_equal(rd(0xc0010201), 1999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_intel_faults, intel),
        cmocka_unit_test_setup(test_intel_counters_sign_extend, intel),
        cmocka_unit_test_setup(test_intel_version_1, intel),
        cmocka_unit_test_setup(test_intel_counting, intel),
        cmocka_unit_test_setup(test_parts, intel),
        cmocka_unit_test_setup(test_intel_wrap, intel),
        cmocka_unit_test_setup(test_amd_faults, amd),
        cmocka_unit_test_setup(test_amd_aliases, amd),
        cmocka_unit_test_setup(test_amd_guests, amd),
        cmocka_unit_test_setup(test_amd_v2, amd_v2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
