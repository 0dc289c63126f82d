/* Classes of service: who shares one, who gets one, and when there is none. */
#include "psr_rig.h"

#include "../../psr/classes.h"

static const struct psr_caps caps = {
    .l3 = {.len = 8, .min_bits = 1, .max_class = 3},
    .bandwidth = {.max = 90, .max_class = 7, .linear = true},
};

static struct psr_classes s;

static int setup(void **state)
{
    (void)state;
    memset(&s, 0xa5, sizeof s);
    psr_classes_init(&s, &caps, 0);
    return 0;
}

/* A domain goes from class `own` to one with this mask; -errno, or its number. */
static int go(unsigned own, uint32_t mask)
{
    uint32_t value[PSR_NR_SLOTS] = {[PSR_SLOT_L3] = mask};
    int id = psr_classes_choose(&s, own, value);

    if (id < 0)
        return id;
    memcpy(s.class[id].value, value, sizeof value);
    psr_classes_move(&s, own, (unsigned)id);
    return id;
}

static void test_start(void **state)
{
    (void)state;
    assert_int_equal(s.nr, 4);
    for (unsigned i = 0; i < s.nr; i++) {
        assert_int_equal(s.class[i].value[PSR_SLOT_L3], 0xff);
        assert_int_equal(s.class[i].value[PSR_SLOT_L3_CODE], 0);
        assert_int_equal(s.class[i].value[PSR_SLOT_BANDWIDTH], 0);
        assert_int_equal(s.class[i].refs, 0);
    }
    psr_classes_init(&s, &caps, 2);
    assert_int_equal(s.nr, 3);
    psr_classes_init(&s, &(const struct psr_caps){{0}, {0}, {0}, {0}}, 2);
    assert_int_equal(s.nr, 0);
}

static void test_share(void **state)
{
    (void)state;
    assert_int_equal(go(0, 0x0f), 1);
    assert_int_equal(go(0, 0xf0), 2);
    assert_int_equal(go(0, 0x0f), 1);
    assert_int_equal(s.class[1].refs, 2);
    assert_int_equal(go(0, 0xff), 0); /* all of it: class 0 */
}

/* Alone in its class a domain keeps it; one that shares gets another. */
static void test_own(void **state)
{
    (void)state;
    assert_int_equal(go(0, 0x0f), 1);
    assert_int_equal(go(1, 0x07), 1);
    assert_int_equal(s.class[1].refs, 1);
    assert_int_equal(go(0, 0x07), 1);
    assert_int_equal(go(1, 0x03), 2);
    assert_int_equal(s.class[1].refs, 1);
    assert_int_equal(s.class[2].refs, 1);
    assert_int_equal(go(2, 0x07), 1); /* together again, and 2 is free */
    assert_int_equal(s.class[2].refs, 0);
    assert_int_equal(go(1, 0xff), 0);
    assert_int_equal(go(1, 0xff), 0);
    assert_int_equal(s.class[1].refs, 0);
}

static void test_too_many(void **state)
{
    (void)state;
    s.class[s.nr].refs = 0; /* there is no such class */
    assert_int_equal(go(0, 1), 1);
    assert_int_equal(go(0, 2), 2);
    assert_int_equal(go(0, 4), 3);
    assert_int_equal(go(0, 8), -PSR_EOVERFLOW);
    assert_int_equal(go(0, 4), 3);               /* but what there is can be shared, */
    assert_int_equal(go(2, 8), 2);               /* and one's own changed */
    assert_int_equal(go(3, 16), -PSR_EOVERFLOW); /* if it is one's own alone */
    psr_classes_move(&s, 1, 0);
    assert_int_equal(go(3, 16), 1);
}

/* What a free class was has no meaning. */
static void test_free_is_not_shared(void **state)
{
    (void)state;
    assert_int_equal(go(0, 1), 1);
    assert_int_equal(go(0, 2), 2);
    psr_classes_move(&s, 2, 0);
    assert_int_equal(go(0, 2), 2);
    psr_classes_move(&s, 2, 0);
    psr_classes_move(&s, 1, 0);
    assert_int_equal(go(0, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_start, setup),
        cmocka_unit_test_setup(test_share, setup),
        cmocka_unit_test_setup(test_own, setup),
        cmocka_unit_test_setup(test_too_many, setup),
        cmocka_unit_test_setup(test_free_is_not_shared, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
