/* RMIDs: given out in turns, in limbo until they are clean. */
#include "psr_rig.h"

#include "../../psr/rmids.h"

static void test_turns(void **state)
{
    struct psr_rmids r;

    (void)state;
    psr_rmids_init(&r, 3);
    assert_int_equal(psr_rmid_take(&r), 1);
    assert_int_equal(psr_rmid_take(&r), 2);
    psr_rmid_give(&r, 1, false);
    assert_int_equal(psr_rmid_take(&r), 3);
    assert_int_equal(psr_rmid_take(&r), 1);
    assert_int_equal(psr_rmid_take(&r), -PSR_EOVERFLOW);
    assert_int_equal(psr_rmid_in_limbo(&r, 0), 0);
}

static void test_limbo(void **state)
{
    struct psr_rmids r;

    (void)state;
    psr_rmids_init(&r, 3);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(psr_rmid_take(&r), i);
    psr_rmid_give(&r, 2, true);
    psr_rmid_give(&r, 3, true);
    assert_int_equal(psr_rmid_take(&r), -PSR_EBUSY);
    assert_int_equal(psr_rmid_in_limbo(&r, 0), 2);
    assert_int_equal(psr_rmid_in_limbo(&r, 2), 3);
    assert_int_equal(psr_rmid_in_limbo(&r, 3), 0);
    psr_rmid_is_clean(&r, 3);
    assert_int_equal(psr_rmid_take(&r), 3);
    assert_int_equal(psr_rmid_take(&r), -PSR_EBUSY);
    psr_rmid_is_clean(&r, 2);
    assert_int_equal(psr_rmid_take(&r), 2);
    assert_int_equal(psr_rmid_take(&r), -PSR_EOVERFLOW);
}

static void test_none(void **state)
{
    struct psr_rmids r;

    (void)state;
    psr_rmids_init(&r, 0);
    assert_int_equal(psr_rmid_take(&r), -PSR_EOVERFLOW);
    psr_rmids_init(&r, 100000);
    assert_int_equal(r.max, PSR_MAX_RMID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_limbo),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
