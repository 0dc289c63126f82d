/* Domains and what they have: values, refusals, RMIDs, their end. Two sockets of psr=model. */
#include "psr_rig.h"

#include "../../psr/psr.h"

static const struct psr_options everything = {.cmt = true, .cat = true, .mba = true};

static struct psr psr;
static struct psr_domain dom[40];

static void start(struct psr_options o)
{
    rig_start(&psr_model_intel);
    memset(dom, 0, sizeof dom);
    memset(&psr, 0xa5, sizeof psr);
    psr_init(&psr, &rig.hw, &o);
    assert_false(psr_present(&psr));
    for (unsigned i = 0; i < 2; i++) {
        psr_model_add_pcpu(&rig.model, 64 * i, i);
        assert_int_equal(psr_online(&psr, i, 64 * i, i), 0);
    }
}

static int setup(void **state)
{
    (void)state;
    start(everything);
    return 0;
}

static uint64_t has(const struct psr_domain *d, unsigned socket, enum psr_kind kind)
{
    uint64_t value = ~0ULL;

    assert_int_equal(psr_get(&psr, d, socket, kind, &value), 0);
    return value;
}

static void test_defaults(void **state)
{
    (void)state;
    assert_true(psr_present(&psr));
    for (unsigned s = 0; s < 2; s++) {
        assert_int_equal(psr_nr_classes(&psr, s), 8);
        assert_int_equal(has(dom, s, PSR_L3_MASK), 0x7ff);
        assert_int_equal(has(dom, s, PSR_L2_MASK), 0xff);
        assert_int_equal(has(dom, s, PSR_BANDWIDTH), 0);
    }
    assert_null(psr_caps(&psr, 2));
    assert_null(psr_caps(&psr, PSR_MAX_SOCKETS));
    assert_int_equal(psr_nr_classes(&psr, 2), 0);
}

static void test_values_are_apart(void **state)
{
    (void)state;
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 0x0f), 0);
    assert_int_equal(psr_set(&psr, dom, 1, PSR_L3_MASK, 0xf0), 0);
    assert_int_equal(psr_set(&psr, dom, 1, PSR_L2_MASK, 0x03), 0);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_BANDWIDTH, 30), 0);
    assert_int_equal(has(dom, 0, PSR_L3_MASK), 0x0f);
    assert_int_equal(has(dom, 0, PSR_L2_MASK), 0xff);
    assert_int_equal(has(dom, 0, PSR_BANDWIDTH), 30);
    assert_int_equal(has(dom, 1, PSR_L3_MASK), 0xf0);
    assert_int_equal(has(dom, 1, PSR_L2_MASK), 0x03);
    assert_int_equal(has(dom, 1, PSR_BANDWIDTH), 0);
    assert_int_equal(has(dom + 1, 0, PSR_L3_MASK), 0x7ff);
}

static void test_refusals(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 0), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 0x5), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 0x800), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 1ULL << 32 | 1), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L2_MASK, 0x100), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_BANDWIDTH, 91), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_CODE, 1), -PSR_ENXIO);
    assert_int_equal(psr_get(&psr, dom, 0, PSR_L3_DATA, &value), -PSR_ENXIO);
    assert_int_equal(psr_set(&psr, dom, 2, PSR_L3_MASK, 1), -PSR_ERANGE);
    assert_int_equal(psr_set(&psr, dom, ~0U, PSR_L3_MASK, 1), -PSR_ERANGE);
    assert_int_equal(psr_get(&psr, dom, 2, PSR_L3_MASK, &value), -PSR_ERANGE);
    assert_int_equal(psr_online(&psr, 2, 0, PSR_MAX_SOCKETS), -PSR_ERANGE);
    assert_int_equal(psr_online(&psr, PSR_MAX_PCPUS, 0, 0), -PSR_ERANGE);
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(dom->class[s], 0);
    start((struct psr_options){.cat = true});
    assert_int_equal(psr_set(&psr, dom, 0, PSR_BANDWIDTH, 10), -PSR_ENOENT);
    assert_int_equal(psr_attach(&psr, dom), -PSR_EOVERFLOW);
    start((struct psr_options){.mba = true});
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 1), -PSR_ENOENT);
    assert_int_equal(psr_get(&psr, dom, 0, PSR_L2_MASK, &value), -PSR_ENOENT);
}

static void test_cdp(void **state)
{
    uint64_t value;

    (void)state;
    start((struct psr_options){.cat = true, .cdp = true});
    assert_int_equal(psr_nr_classes(&psr, 0), 8);
    assert_int_equal(has(dom, 0, PSR_L3_CODE), 0x7ff);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_CODE, 0x3), 0);
    assert_int_equal(has(dom, 0, PSR_L3_CODE), 0x3);
    assert_int_equal(has(dom, 0, PSR_L3_DATA), 0x7ff);
    assert_int_equal(psr_set(&psr, dom, 0, PSR_L3_MASK, 0xc), 0);
    assert_int_equal(has(dom, 0, PSR_L3_CODE), 0xc);
    assert_int_equal(has(dom, 0, PSR_L3_DATA), 0xc);
    assert_int_equal(psr_get(&psr, dom, 0, PSR_L3_MASK, &value), -PSR_EINVAL);
}

static void test_too_many_classes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(psr_set(&psr, &dom[i], 0, PSR_L3_MASK, 1U << i), 0);
    assert_int_equal(psr_set(&psr, &dom[7], 0, PSR_L3_MASK, 1U << 7), -PSR_EOVERFLOW);
    assert_int_equal(has(&dom[7], 0, PSR_L3_MASK), 0x7ff);
    assert_int_equal(psr_set(&psr, &dom[7], 1, PSR_L3_MASK, 1U << 7), 0); /* of the other socket */
    psr_release(&psr, &dom[3]);
    assert_int_equal(psr_set(&psr, &dom[7], 0, PSR_L3_MASK, 1U << 7), 0);
    assert_int_equal(dom[7].class[0], 4);
    for (unsigned i = 0; i < 8; i++)
        psr_release(&psr, &dom[i]);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(psr.socket[s].classes.class[i].refs, 0);
}

/* ---- RMIDs ----------------------------------------------------------------------------------- */

static void run(const struct psr_domain *d, int64_t ns)
{
    struct psr_access a = {true, MSR_PQR_ASSOC, psr_assoc(d, 0)};

    assert_int_equal(psr_model_access(&rig.model, 0, &a, 1), 1);
    rig.now += ns;
    assert_int_equal(psr_model_access(&rig.model, 0, &a, 1), 1);
}

static void test_attach(void **state)
{
    (void)state;
    assert_int_equal(psr_detach(&psr, dom), -PSR_ENOENT);
    for (unsigned i = 0; i < 31; i++) {
        assert_int_equal(psr_attach(&psr, &dom[i]), 0);
        assert_int_equal(dom[i].rmid, i + 1);
    }
    assert_int_equal(psr_attach(&psr, dom), -PSR_EEXIST);
    assert_int_equal(psr_attach(&psr, &dom[31]), -PSR_EOVERFLOW);
    psr_release(&psr, &dom[5]);
    assert_int_equal(dom[5].rmid, 0);
    assert_int_equal(psr_attach(&psr, &dom[31]), 0);
    assert_int_equal(dom[31].rmid, 6);
}

/* Its lines are there for a while after it has gone. */
static void test_limbo(void **state)
{
    (void)state;
    start((struct psr_options){.cmt = true, .max_rmid = 2});
    assert_int_equal(psr_attach(&psr, &dom[0]), 0);
    assert_int_equal(psr_attach(&psr, &dom[1]), 0);
    run(&dom[0], 900000000);
    psr_release(&psr, &dom[0]);
    assert_int_equal(psr_attach(&psr, &dom[2]), -PSR_EBUSY);
    run(&dom[1], 900000000);
    assert_int_equal(psr_attach(&psr, &dom[2]), 0);
    assert_int_equal(dom[2].rmid, 1);
    rig.faulty = MSR_QM_EVTSEL;
    psr_release(&psr, &dom[2]);
    assert_int_equal(psr_attach(&psr, &dom[0]), -PSR_EIO);
}

/* Where lines are not counted, nobody can know. */
static void test_no_limbo(void **state)
{
    (void)state;
    rig_load(XEON_6230);
    rig_leaf(0xf, 1)[PSR_EDX] = 6;
    rig_start(&rig.words);
    psr_init(&psr, &rig.hw, &(struct psr_options){.cmt = true, .max_rmid = 1});
    psr_model_add_pcpu(&rig.model, 0, 0);
    assert_int_equal(psr_online(&psr, 0, 0, 0), 0);
    assert_int_equal(psr_attach(&psr, &dom[0]), 0);
    run(&dom[0], 900000000);
    psr_release(&psr, &dom[0]);
    assert_int_equal(psr_attach(&psr, &dom[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults, setup),
        cmocka_unit_test_setup(test_values_are_apart, setup),
        cmocka_unit_test_setup(test_refusals, setup),
        cmocka_unit_test_setup(test_cdp, setup),
        cmocka_unit_test_setup(test_too_many_classes, setup),
        cmocka_unit_test_setup(test_attach, setup),
        cmocka_unit_test_setup(test_limbo, setup),
        cmocka_unit_test_setup(test_no_limbo, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
