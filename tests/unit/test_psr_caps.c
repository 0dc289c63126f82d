/* What is found in the CPUID of processors that there are, and what is left of it on request. */
#include "psr_rig.h"

#include "../../psr/caps.h"

static const struct psr_options everything = {.cmt = true, .cat = true, .cdp = true, .mba = true};

static struct psr_caps found(const char *file)
{
    struct psr_caps caps;

    rig_load(file);
    rig_start(&rig.words);
    psr_discover(&rig.hw, 0, &caps);
    return caps;
}

/* Of 16 classes, with CDP. */
static void assert_l3(const struct psr_cache *c, unsigned kib, unsigned shift, unsigned len,
                      bool sparse)
{
    assert_int_equal(c->kib, kib);
    assert_int_equal(c->shift, shift);
    assert_int_equal(c->len, len);
    assert_int_equal(c->max_class, 15);
    assert_int_equal(c->min_bits, 1);
    assert_true(c->cdp);
    assert_int_equal(c->sparse, sparse);
}

static void assert_monitor(const struct psr_monitor *m, unsigned max_rmid, unsigned upscaling,
                           unsigned width)
{
    assert_int_equal(m->max_rmid, max_rmid);
    assert_int_equal(m->upscaling, upscaling);
    assert_int_equal(m->width, width);
    assert_int_equal(m->events, 7);
}

static void test_cascade_lake(void **state)
{
    struct psr_caps c = found(XEON_6230);

    (void)state;
    assert_l3(&c.l3, 28160, 6, 11, false);
    assert_monitor(&c.monitor, 159, 81920, 24);
    assert_int_equal(c.l2.len, 0);
    assert_int_equal(c.l2.kib, 1024);
    assert_int_equal(c.l2.shift, 1);
    assert_int_equal(c.bandwidth.max, 90);
    assert_int_equal(c.bandwidth.max_class, 7);
    assert_true(c.bandwidth.linear);
    assert_false(c.bandwidth.is_limit);
}

static void test_broadwell(void **state)
{
    struct psr_caps c = found(XEON_2650LV4);

    (void)state;
    assert_l3(&c.l3, 35840, 5, 20, false);
    assert_monitor(&c.monitor, 111, 57344, 24);
    assert_int_equal(c.bandwidth.max, 0);
}

static void test_epyc(void **state)
{
    struct psr_caps c = found(EPYC_7763);

    (void)state;
    assert_l3(&c.l3, 32768, 3, 16, true);
    assert_monitor(&c.monitor, 255, 64, 44);
    assert_int_equal(c.bandwidth.max, 2047);
    assert_int_equal(c.bandwidth.max_class, 15);
    assert_true(c.bandwidth.is_limit);
}

static void test_models(void **state)
{
    struct psr_caps c;

    (void)state;
    rig_start(&psr_model_intel);
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.l3.len, 11);
    assert_int_equal(c.l2.len, 8);
    assert_int_equal(c.l2.max_class, 7);
    assert_int_equal(c.bandwidth.max, 90);
    assert_int_equal(c.monitor.max_rmid, 31);
    rig_start(&psr_model_amd);
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.l3.len, 16);
    assert_int_equal(c.bandwidth.max, 2047);
    assert_int_equal(c.monitor.max_rmid, 31);
}

/* Leaves beyond the greatest, or whose feature bit is off, are not believed. */
static void test_hidden(void **state)
{
    struct psr_caps c;

    (void)state;
    found(XEON_6230);
    rig_leaf(7, 0)[PSR_EBX] &= ~(1U << 15);
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.l3.len | c.bandwidth.max, 0);
    assert_int_equal(c.monitor.max_rmid, 159);
    rig_leaf(7, 0)[PSR_EBX] ^= 1U << 15 | 1U << 12;
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.l3.len, 11);
    assert_int_equal(c.monitor.max_rmid, 0);
    rig_leaf(0, 0)[PSR_EAX] = 0xe;
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.l3.len | c.bandwidth.max | c.monitor.max_rmid, 0);
    found(EPYC_7763);
    rig_leaf(0x80000008, 0)[PSR_EBX] &= ~(1U << 6);
    psr_discover(&rig.hw, 0, &c);
    assert_int_equal(c.bandwidth.max, 0);
}

static void test_variants(void **state)
{
    struct psr_caps c;

    (void)state;
    found(XEON_6230);
    rig_leaf(0x10, 1)[PSR_ECX] |= 1U << 3;
    rig_leaf(0x10, 3)[PSR_ECX] = 0;
    rig_leaf(0xf, 1)[PSR_EAX] = 8;
    rig_leaf(1, 0)[PSR_EAX] = 0x306f2; /* Xeon E5 v3 */
    psr_discover(&rig.hw, 0, &c);
    assert_true(c.l3.sparse);
    assert_false(c.bandwidth.linear);
    assert_int_equal(c.monitor.width, 32);
    assert_int_equal(c.l3.min_bits, 2);
}

static void test_limits(void **state)
{
    struct psr_caps c = found(XEON_6230), d;
    struct psr_options o = everything;

    (void)state;
    d = c;
    psr_caps_limit(&d, &o);
    assert_true(d.l3.cdp_on);
    assert_int_equal(psr_caps_classes(&d), 8); /* of 16 for L3, halved, and 8 for MBA */
    o.cdp = false;
    o.mba = false;
    o.max_rmid = 4;
    d = c;
    psr_caps_limit(&d, &o);
    assert_false(d.l3.cdp_on);
    assert_int_equal(d.bandwidth.max, 0);
    assert_int_equal(d.monitor.max_rmid, 4);
    assert_int_equal(psr_caps_classes(&d), 16);
    o.cat = o.cmt = false;
    o.cdp = true;
    psr_caps_limit(&d, &o);
    assert_int_equal(d.l3.len | d.monitor.max_rmid | d.l3.cdp_on, 0);
    assert_int_equal(psr_caps_classes(&d), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cascade_lake), cmocka_unit_test(test_broadwell),
        cmocka_unit_test(test_epyc),         cmocka_unit_test(test_models),
        cmocka_unit_test(test_hidden),       cmocka_unit_test(test_variants),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
