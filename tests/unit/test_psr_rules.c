/* Masks and throttling: all of a small cache's masks, and the steps of each kind of throttling. */
#include "psr_rig.h"

#include "../../psr/rules.h"

static bool run_of_ones(uint64_t mask)
{
    unsigned runs = 0;

    for (unsigned i = 0; i < 64; i++)
        runs += (mask >> i & 1) && (!i || !(mask >> (i - 1) & 1));
    return runs == 1;
}

static unsigned ones(uint64_t mask)
{
    unsigned n = 0;

    for (; mask; mask >>= 1)
        n += mask & 1;
    return n;
}

static void test_masks(void **state)
{
    (void)state;
    for (unsigned min = 1; min <= 2; min++) {
        for (unsigned sparse = 0; sparse < 2; sparse++) {
            struct psr_cache c = {.len = 11, .min_bits = min, .sparse = sparse};

            assert_int_equal(psr_mask_full(&c), 0x7ff);
            for (uint64_t m = 0; m < 1 << 13; m++) {
                bool good = m < 1 << 11 && ones(m) >= min && (sparse || run_of_ones(m));
                assert_int_equal(psr_mask_check(&c, m), good ? 0 : -PSR_EINVAL);
            }
        }
    }
}

static void test_long_masks(void **state)
{
    struct psr_cache c = {.len = 32, .min_bits = 1};

    (void)state;
    assert_int_equal(psr_mask_full(&c), 0xffffffff);
    assert_int_equal(psr_mask_check(&c, 0xffffffff), 0);
    assert_int_equal(psr_mask_check(&c, 0x80000000), 0);
    assert_int_equal(psr_mask_check(&c, 0x80000001), -PSR_EINVAL);
    assert_int_equal(psr_mask_check(&c, 0x100000000), -PSR_EINVAL);
    assert_int_equal(psr_mask_check(&c, 1ULL << 63 | 1), -PSR_EINVAL);
    c.len = 0;
    assert_int_equal(psr_mask_full(&c), 0);
    assert_int_equal(psr_mask_check(&c, 1), -PSR_EINVAL);
}

static void check(const struct psr_bandwidth *b, uint64_t value, uint64_t rounded)
{
    uint64_t v = value;

    assert_int_equal(psr_bandwidth_check(b, &v), 0);
    assert_int_equal(v, rounded);
}

static void refused(const struct psr_bandwidth *b, uint64_t value)
{
    assert_int_equal(psr_bandwidth_check(b, &value), -PSR_EINVAL);
}

static void test_linear(void **state)
{
    struct psr_bandwidth b = {.max = 90, .linear = true};

    (void)state;
    check(&b, 0, 0);
    check(&b, 9, 0);
    check(&b, 10, 10);
    check(&b, 59, 50);
    check(&b, 90, 90);
    refused(&b, 91);
    refused(&b, 1ULL << 32);
    assert_int_equal(psr_bandwidth_register(&b, 0), 0);
    assert_int_equal(psr_bandwidth_register(&b, 50), 50);
}

static void test_powers_of_two(void **state)
{
    struct psr_bandwidth b = {.max = 64};

    (void)state;
    check(&b, 0, 0);
    check(&b, 1, 1);
    check(&b, 3, 2);
    check(&b, 63, 32);
    check(&b, 64, 64);
    refused(&b, 65);
}

static void test_limit(void **state)
{
    struct psr_bandwidth b = {.max = 2047, .linear = true, .is_limit = true};

    (void)state;
    check(&b, 0, 0);
    check(&b, 7, 7);
    check(&b, 2047, 2047);
    refused(&b, 2048);
    assert_int_equal(psr_bandwidth_register(&b, 0), 2048);
    assert_int_equal(psr_bandwidth_register(&b, 16), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),  cmocka_unit_test(test_long_masks),
        cmocka_unit_test(test_linear), cmocka_unit_test(test_powers_of_two),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
