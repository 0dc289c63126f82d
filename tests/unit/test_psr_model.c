/* The model's registers: what faults, what is kept where, and what is counted. */
#include "psr_rig.h"

static bool write_on(unsigned pcpu, uint32_t msr, uint64_t value)
{
    struct psr_access a = {.write = true, .msr = msr, .value = value};

    return psr_model_access(&rig.model, pcpu, &a, 1) == 1;
}

static bool wr(uint32_t msr, uint64_t value)
{
    return write_on(0, msr, value);
}

static bool faults(uint32_t msr)
{
    struct psr_access a = {.msr = msr};

    return psr_model_access(&rig.model, 0, &a, 1) != 1;
}

static uint64_t read_on(unsigned pcpu, uint32_t msr)
{
    struct psr_access a = {.msr = msr};

    assert_int_equal(psr_model_access(&rig.model, pcpu, &a, 1), 1);
    return a.value;
}

static uint64_t rd(uint32_t msr)
{
    return read_on(0, msr);
}

/* Two threads of a core, and a core of another socket. */
static int intel(void **state)
{
    (void)state;
    rig_start(&psr_model_intel);
    psr_model_add_pcpu(&rig.model, 0, 0);
    psr_model_add_pcpu(&rig.model, 1, 0);
    psr_model_add_pcpu(&rig.model, 64, 1);
    return 0;
}

static int amd(void **state)
{
    (void)state;
    rig_start(&psr_model_amd);
    psr_model_add_pcpu(&rig.model, 0, 0);
    psr_model_add_pcpu(&rig.model, 8, 0); /* another L3 of the same socket */
    return 0;
}

static void test_reset(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= 15; i++)
        assert_int_equal(rd(0xc90 + i), 0x7ff);
    for (uint32_t i = 0; i <= 7; i++) {
        assert_int_equal(rd(0xd10 + i), 0xff);
        assert_int_equal(rd(0xd50 + i), 0);
    }
    assert_int_equal(rd(0xc81), 0);
    assert_int_equal(rd(0xc8f), 0);
    assert_int_equal(rd(0xc8d), 0);
}

static void test_l3_masks(void **state)
{
    (void)state;
    assert_true(wr(0xc90, 0x7ff));
    assert_true(wr(0xc9f, 0x0f0));
    assert_int_equal(rd(0xc9f), 0x0f0);
    assert_false(wr(0xc9f, 0));
    assert_false(wr(0xc9f, 0x5));
    assert_false(wr(0xc9f, 0x401));
    assert_false(wr(0xc9f, 0xfff));
    assert_false(wr(0xc9f, 1ULL << 32 | 1));
    assert_false(wr(0xca0, 1)); /* class 16 */
    assert_true(faults(0xca0));
    assert_int_equal(rd(0xc9f), 0x0f0);
}

static void test_l2_masks(void **state)
{
    (void)state;
    assert_true(wr(0xd17, 0x80));
    assert_false(wr(0xd17, 0x100));
    assert_false(wr(0xd17, 0x81));
    assert_false(wr(0xd17, 0));
    assert_false(wr(0xd18, 1));
    assert_int_equal(rd(0xd17), 0x80);
}

static void test_throttling(void **state)
{
    (void)state;
    assert_true(wr(0xd57, 90));
    assert_false(wr(0xd57, 91));
    assert_false(wr(0xd57, 1 << 16));
    assert_false(wr(0xd58, 0));
    assert_int_equal(rd(0xd57), 90);
    assert_false(wr(0xc0000200, 0)); /* that is AMD's */
}

static void test_config(void **state)
{
    (void)state;
    assert_true(wr(0xc81, 1));
    assert_false(wr(0xc81, 2));
    assert_int_equal(rd(0xc81), 1);
    assert_false(wr(0xc82, 1)); /* no CDP for L2 */
}

static void test_association(void **state)
{
    (void)state;
    assert_true(wr(0xc8f, 15ULL << 32 | 31));
    assert_false(wr(0xc8f, 16ULL << 32));
    assert_false(wr(0xc8f, 32));
    assert_false(wr(0xc8f, 1 << 10));
    assert_false(wr(0xc8f, 1ULL << 31));
    assert_false(wr(0xc8f, 1ULL << 63));
    assert_int_equal(rd(0xc8f), 15ULL << 32 | 31);
}

static void test_event_selection(void **state)
{
    (void)state;
    assert_true(wr(0xc8d, 31ULL << 32 | 3));
    assert_false(wr(0xc8d, 32ULL << 32 | 3));
    assert_false(wr(0xc8d, 1 << 8));
    assert_false(wr(0xc8d, 1ULL << 42));
    assert_int_equal(rd(0xc8d), 31ULL << 32 | 3);
    assert_false(wr(0xc8e, 0)); /* read-only */
    assert_int_equal(rd(0xc8e), 0);
    assert_true(wr(0xc8d, 4)); /* no such event: it is the counter that says so */
    assert_int_equal(rd(0xc8e), 1ULL << 63);
    assert_true(wr(0xc8d, 0));
    assert_int_equal(rd(0xc8e), 1ULL << 63);
}

static void test_what_is_shared(void **state)
{
    (void)state;
    assert_true(wr(0xc91, 0x3));
    assert_true(wr(0xd11, 0x3));
    assert_true(wr(0xd51, 50));
    assert_true(wr(0xc8f, 1ULL << 32));
    assert_int_equal(read_on(1, 0xc91), 0x3);
    assert_int_equal(read_on(1, 0xd11), 0x3);
    assert_int_equal(read_on(1, 0xd51), 50);
    assert_int_equal(read_on(1, 0xc8f), 0);
    assert_int_equal(read_on(2, 0xc91), 0x7ff);
    assert_int_equal(read_on(2, 0xd11), 0xff);
    assert_int_equal(read_on(2, 0xd51), 0);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_true(faults(0xc80));
    assert_true(faults(0x10));
    assert_false(wr(0xc80, 0));
    assert_false(write_on(3, 0xc90, 1)); /* no such pCPU */
}

/* Accesses end where one faults. */
static void test_list(void **state)
{
    struct psr_access list[] = {{true, 0xc90, 1}, {true, 0xc91, 0}, {true, 0xc92, 1}};

    (void)state;
    assert_int_equal(psr_model_access(&rig.model, 0, list, 3), 1);
    assert_int_equal(rd(0xc90), 1);
    assert_int_equal(rd(0xc92), 0x7ff);
}

static void test_amd(void **state)
{
    (void)state;
    assert_int_equal(rd(0xc0000200), 1 << 11);
    assert_true(wr(0xc0000200 + 15, 2047));
    assert_true(wr(0xc0000200 + 15, 1 << 11));
    assert_false(wr(0xc0000200 + 15, 1 << 12));
    assert_false(wr(0xc0000200 + 16, 1));
    assert_true(wr(0xc9f, 0x8001)); /* holes, */
    assert_true(wr(0xc9f, 0));      /* and nothing at all */
    assert_false(wr(0xc9f, 0x10000));
    assert_false(wr(0xd10, 1)); /* no masks for L2 */
    assert_false(wr(0xd50, 0)); /* that is Intel's */
    assert_true(wr(0xc8f, 15ULL << 32 | 31));
    assert_false(wr(0xc8f, 16ULL << 32));
    assert_int_equal(read_on(1, 0xc9f), 0xffff);
}

/* ---- what is counted ------------------------------------------------------------------------- */

static uint64_t count_on(unsigned pcpu, unsigned rmid, unsigned event)
{
    assert_true(write_on(pcpu, 0xc8d, (uint64_t)rmid << 32 | event));
    return read_on(pcpu, 0xc8e);
}

static void pass(int64_t ns)
{
    rig.now += ns;
}

static void test_traffic(void **state)
{
    (void)state;
    assert_true(wr(0xc8f, 1));
    assert_true(write_on(1, 0xc8f, 1ULL << 32 | 2));
    assert_true(wr(0xd51, 90));
    pass(8192000); /* 100 counts of 81920 bytes */
    assert_int_equal(count_on(0, 1, 2), 100);
    assert_int_equal(count_on(0, 1, 3), 75);
    assert_int_equal(count_on(1, 2, 2), 10);
    assert_int_equal(count_on(1, 1, 2), 100); /* the socket's, whoever asks */
    assert_int_equal(count_on(2, 1, 2), 0);
    assert_int_equal(count_on(2, 0, 2), 100);
}

static void test_counter_wraps(void **state)
{
    (void)state;
    assert_true(wr(0xc8f, 1));
    for (int i = 0; i < 1375; i++) { /* 2^24 counts are 1374.4 s of traffic */
        pass(1000000000);
        rd(0xc8f);
    }
    assert_int_equal(count_on(0, 1, 2), 1375000000000 / 81920 - (1 << 24));
}

/* Nobody can push a class out of parts that are its own. */
static void test_occupancy(void **state)
{
    const uint64_t part = (28160ULL << 10) / 11;

    (void)state;
    assert_true(wr(0xc91, 0x007));
    assert_true(wr(0xc92, 0x7f8));
    assert_true(wr(0xc8f, 1ULL << 32 | 1));
    assert_true(write_on(1, 0xc8f, 2ULL << 32 | 2));
    pass(1000000);
    assert_int_equal(count_on(0, 1, 1), 1000000 / 81920);
    pass(900000000);
    assert_int_equal(count_on(0, 1, 1), 3 * part / 81920);
    assert_int_equal(count_on(0, 2, 1), 8 * part / 81920);
    /* Nobody has it any more: who may fill everything pushes it out. */
    assert_true(wr(0xc8f, 3));
    pass(1000000);
    assert_true(count_on(0, 1, 1) < 3 * part / 81920);
    assert_true(count_on(0, 1, 1) > 2 * part / 81920);
    assert_in_range(count_on(0, 1, 1) + count_on(0, 2, 1) + count_on(0, 3, 1),
                    11 * part / 81920 - 2, 11 * part / 81920);
    pass(900000000);
    assert_int_equal(count_on(0, 1, 1), 0);
}

static void test_cdp_occupancy(void **state)
{
    (void)state;
    assert_true(wr(0xc81, 1));
    assert_true(wr(0xc90, 0x7fc)); /* class 0: data, */
    assert_true(wr(0xc91, 0x7fc)); /* code */
    assert_true(wr(0xc92, 0x1));   /* class 1 */
    assert_true(wr(0xc93, 0x2));
    assert_true(wr(0xc8f, 1ULL << 32 | 1));
    pass(900000000);
    assert_int_equal(count_on(0, 1, 1), (28160ULL << 10) / 11 * 2 / 81920);
}

static void test_limited_traffic(void **state)
{
    (void)state;
    assert_true(wr(0xc0000201, 4)); /* 0.5 GB/s */
    assert_true(wr(0xc8f, 1ULL << 32 | 1));
    pass(6400);
    assert_int_equal(count_on(0, 1, 2), 50);
    assert_int_equal(count_on(1, 0, 2), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset, intel),
        cmocka_unit_test_setup(test_l3_masks, intel),
        cmocka_unit_test_setup(test_l2_masks, intel),
        cmocka_unit_test_setup(test_throttling, intel),
        cmocka_unit_test_setup(test_config, intel),
        cmocka_unit_test_setup(test_association, intel),
        cmocka_unit_test_setup(test_event_selection, intel),
        cmocka_unit_test_setup(test_what_is_shared, intel),
        cmocka_unit_test_setup(test_unknown, intel),
        cmocka_unit_test_setup(test_list, intel),
        cmocka_unit_test_setup(test_amd, amd),
        cmocka_unit_test_setup(test_traffic, intel),
        cmocka_unit_test_setup(test_counter_wraps, intel),
        cmocka_unit_test_setup(test_occupancy, intel),
        cmocka_unit_test_setup(test_cdp_occupancy, intel),
        cmocka_unit_test_setup(test_limited_traffic, amd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
