/* Counters: what is selected, what is an answer, and bytes across a wrap. */
#include "psr_rig.h"

#include "../../psr/counter.h"

static const struct psr_monitor monitor = {
    .max_rmid = 31, .events = 7, .width = 24, .upscaling = 81920};

static uint64_t answer;
static unsigned answers;

static unsigned canned(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    (void)ctx;
    assert_int_equal(pcpu, 3);
    assert_int_equal(nr, 2);
    assert_true(list[0].write);
    assert_int_equal(list[0].msr, 0xc8d);
    assert_int_equal(list[0].value, 0x500000002);
    assert_false(list[1].write);
    assert_int_equal(list[1].msr, 0xc8e);
    list[1].value = answer;
    return answers;
}

static int read_it(uint64_t *count)
{
    const struct psr_hw hw = {.access = canned};

    return psr_counter_read(&hw, &monitor, 3, 5, PSR_TOTAL_BYTES, count);
}

static void test_read(void **state)
{
    uint64_t count = 77;

    (void)state;
    answers = 2;
    answer = 0x123456;
    assert_int_equal(read_it(&count), 0);
    assert_int_equal(count, 0x123456);
    answer = 0x7000001; /* of a counter of 24 bits */
    assert_int_equal(read_it(&count), 0);
    assert_int_equal(count, 1);
    answer = 1ULL << 63;
    assert_int_equal(read_it(&count), -PSR_EIO);
    answer = 1ULL << 62 | 5;
    assert_int_equal(read_it(&count), -PSR_EAGAIN);
    answer = 5;
    answers = 1;
    assert_int_equal(read_it(&count), -PSR_EIO);
    assert_int_equal(count, 1);
}

static void test_wrap(void **state)
{
    struct psr_monitor wide = {.width = 44, .upscaling = 64};

    (void)state;
    assert_int_equal(psr_counter_bytes(&monitor, 10, 12), 2 * 81920);
    assert_int_equal(psr_counter_bytes(&monitor, 0xfffffe, 1), 3 * 81920);
    assert_int_equal(psr_counter_bytes(&monitor, 7, 7), 0);
    assert_int_equal(psr_counter_bytes(&wide, 0xfffffffffff, 0), 64);
    assert_int_equal(psr_counter_bytes(&wide, 0xffffff, 0x1000000), 64);
}

static void test_select(void **state)
{
    (void)state;
    assert_int_equal(psr_event_select(31, PSR_LOCAL_BYTES), 0x1f00000003);
    assert_true(psr_event_select_valid(&monitor, 0x1f00000003));
    assert_true(psr_event_select_valid(&monitor, 0));
    assert_false(psr_event_select_valid(&monitor, 0x2000000003));
    assert_false(psr_event_select_valid(&monitor, 0x100));
    assert_false(psr_event_select_valid(&monitor, 0x80000001));
    assert_false(psr_event_select_valid(&(const struct psr_monitor){0}, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_select),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
