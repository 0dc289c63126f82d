/*
 * The exact accesses to registers, for CPUID dumps of an Intel and an AMD
 * processor. The models that they go to fault where the processors would.
 */
#include "psr_rig.h"

#include "../../psr/psr.h"

static struct psr psr;
static struct psr_domain dom, other;

/* pCPUs by APIC id and socket. */
static void start(const struct psr_words *words, const char *file, struct psr_options o)
{
    if (file)
        rig_load(file);
    rig_start(words);
    memset(&dom, 0, sizeof dom);
    memset(&other, 0, sizeof other);
    memset(&psr, 0xa5, sizeof psr);
    psr_init(&psr, &rig.hw, &o);
}

static void add(unsigned pcpu, uint32_t apic_id, unsigned socket)
{
    psr_model_add_pcpu(&rig.model, apic_id, socket);
    assert_int_equal(psr_online(&psr, pcpu, apic_id, socket), 0);
}

/* ---- Intel: Xeon Gold 6230 ------------------------------------------------------------------- */

static const struct psr_options no_cdp = {.cmt = true, .cat = true, .mba = true, .max_class = 2};
static const struct psr_options with_cdp = {
    .cmt = true, .cat = true, .cdp = true, .mba = true, .max_class = 2};

#define OPEN_MASKS " c90=7ff c91=7ff c92=7ff"

static void test_intel_boot(void **state)
{
    (void)state;
    start(&rig.words, XEON_6230, no_cdp);
    add(0, 0, 0);
    assert_accesses("0: c8f=0" OPEN_MASKS " c81=0 d50=0 d51=0 d52=0\n");
    add(1, 1, 0); /* the same L3 */
    assert_accesses("1: c8f=0\n");
    add(2, 64, 1);
    assert_accesses("2: c8f=0" OPEN_MASKS " c81=0 d50=0 d51=0 d52=0\n");
}

/* Sockets may be less apart than their APIC ids should be: their caches are different ones. */
static void test_near_sockets(void **state)
{
    (void)state;
    start(&psr_model_intel, NULL, (struct psr_options){.cat = true, .max_class = 1});
    add(0, 0, 0);
    rig.log[0] = '\0';
    add(1, 1, 1);
    assert_accesses("1: c8f=0 c90=7ff c91=7ff c81=0 d10=ff d11=ff\n");
    assert_int_equal(psr_set(&psr, &dom, 1, PSR_L3_MASK, 0x3), 0);
    assert_int_equal(psr_set(&psr, &dom, 1, PSR_L2_MASK, 0x3), 0);
    assert_accesses("1: c91=3\n1: d11=3\n");
}

static void test_intel_classes(void **state)
{
    uint64_t value;

    (void)state;
    start(&rig.words, XEON_6230, no_cdp);
    add(0, 0, 0);
    add(1, 1, 0);
    add(2, 64, 1);
    rig.log[0] = '\0';
    assert_int_equal(psr_set(&psr, &dom, 1, PSR_L3_MASK, 0x0f0), 0);
    assert_accesses("2: c91=f0\n");
    assert_int_equal(psr_assoc(&dom, 0), 0);
    assert_int_equal(psr_assoc(&dom, 1), 1ULL << 32);
    assert_int_equal(psr_set(&psr, &dom, 1, PSR_BANDWIDTH, 55), 0);
    assert_accesses("2: d51=32\n");
    assert_int_equal(psr_get(&psr, &dom, 1, PSR_BANDWIDTH, &value), 0);
    assert_int_equal(value, 50);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x3), 0);
    assert_accesses("0: c91=3\n");
    /* The same again, by the same and by another: no register changes. */
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x3), 0);
    assert_int_equal(psr_set(&psr, &other, 0, PSR_L3_MASK, 0x3), 0);
    assert_accesses("");
    assert_int_equal(psr_assoc(&other, 0), 1ULL << 32);
    /* Now it is shared, so a change makes another. */
    assert_int_equal(psr_set(&psr, &other, 0, PSR_BANDWIDTH, 10), 0);
    assert_accesses("0: c92=3 d52=a\n");
    assert_int_equal(psr_assoc(&other, 0), 2ULL << 32);
    /* What is free still has its values: only what differs is written. */
    psr_release(&psr, &other);
    assert_accesses("");
    assert_int_equal(psr_assoc(&other, 0), 0);
    assert_int_equal(psr_set(&psr, &other, 0, PSR_BANDWIDTH, 10), 0);
    assert_accesses("0: c92=7ff\n");
}

static void test_intel_cdp(void **state)
{
    (void)state;
    start(&rig.words, XEON_6230, with_cdp);
    add(0, 0, 0);
    assert_accesses("0: c8f=0" OPEN_MASKS " c93=7ff c94=7ff c95=7ff c81=1 d50=0 d51=0 d52=0\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_CODE, 0x3), 0);
    assert_accesses("0: c93=3\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_DATA, 0xc), 0);
    assert_accesses("0: c92=c\n");
    assert_int_equal(psr_set(&psr, &other, 0, PSR_L3_MASK, 0x7), 0);
    assert_accesses("0: c94=7 c95=7\n");
}

static void test_intel_counting(void **state)
{
    (void)state;
    start(&rig.words, XEON_6230, (struct psr_options){.cmt = true, .max_rmid = 1});
    add(0, 0, 0);
    add(1, 64, 1);
    assert_accesses("0: c8f=0\n1: c8f=0\n");
    assert_int_equal(psr_attach(&psr, &dom), 0);
    assert_int_equal(psr_assoc(&dom, 0), 1);
    assert_int_equal(psr_attach(&psr, &other), -PSR_EOVERFLOW);
    assert_accesses("");
    assert_int_equal(psr_detach(&psr, &dom), 0);
    assert_int_equal(psr_attach(&psr, &other), 0); /* out of limbo, as no cache has any of it */
    assert_accesses("0: c8d=100000001 c8e?0\n1: c8d=100000001 c8e?0\n");
}

/* ---- AMD: EPYC 7763 -------------------------------------------------------------------------- */

static void test_amd_sequence(void **state)
{
    const char *boot = "c8f=0 c90=ffff c91=ffff c92=ffff c81=0 c0000200=800 c0000201=800 "
                       "c0000202=800\n";
    char expected[256];

    (void)state;
    start(&rig.words, EPYC_7763, no_cdp);
    add(0, 0, 0);
    add(1, 1, 0);
    add(2, 8, 0); /* the next L3 of the same socket */
    snprintf(expected, sizeof expected, "0: %s1: c8f=0\n2: %s", boot, boot);
    assert_accesses(expected);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x8001), 0);
    assert_accesses("0: c91=8001\n2: c91=8001\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 80), 0);
    assert_accesses("0: c0000201=50\n2: c0000201=50\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 0), 0);
    assert_accesses("0: c0000201=800\n2: c0000201=800\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0), -PSR_EINVAL);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 2048), -PSR_EINVAL);
    assert_accesses("");
}

static void test_amd_cdp(void **state)
{
    (void)state;
    start(&rig.words, EPYC_7763, with_cdp);
    add(0, 0, 0);
    rig.log[0] = '\0';
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_CODE, 0xff), 0);
    assert_accesses("0: c93=ff\n");
}

/* ---- L2 -------------------------------------------------------------------------------------- */

static void test_l2(void **state)
{
    (void)state;
    start(&psr_model_intel, NULL, (struct psr_options){.cat = true, .max_class = 1});
    add(0, 0, 0);
    add(1, 1, 0); /* shares both caches */
    add(2, 2, 0); /* shares the L3 */
    assert_accesses("0: c8f=0 c90=7ff c91=7ff c81=0 d10=ff d11=ff\n1: c8f=0\n2: c8f=0 d10=ff "
                    "d11=ff\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L2_MASK, 0x3c), 0);
    assert_accesses("0: d11=3c\n2: d11=3c\n");
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x3), 0);
    assert_accesses("0: c91=3\n");
}

/* ---- pCPUs that come and go ------------------------------------------------------------------ */

static void test_hotplug(void **state)
{
    (void)state;
    start(&rig.words, XEON_6230, no_cdp);
    add(0, 0, 0);
    add(1, 1, 0);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x3), 0);
    rig.log[0] = '\0';
    psr_offline(&psr, 0);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x7), 0);
    assert_accesses("1: c91=7\n"); /* the other one leads */
    assert_int_equal(psr_online(&psr, 0, 0, 0), 0);
    assert_accesses("0: c8f=0\n");
    psr_offline(&psr, 0);
    psr_offline(&psr, 1);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 40), 0);
    assert_accesses(""); /* nobody to write it now; who comes does */
    assert_int_equal(psr_online(&psr, 1, 1, 0), 0);
    assert_accesses("1: c8f=0" OPEN_MASKS " c81=0 d50=0 c91=7 d51=28 d52=0\n");
}

/* ---- registers that fault although they should not ------------------------------------------- */

static void test_fault(void **state)
{
    uint64_t value;

    (void)state;
    start(&rig.words, EPYC_7763, no_cdp);
    add(0, 0, 0);
    add(1, 8, 0);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x3), 0);
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 8), 0);
    rig.log[0] = '\0';
    rig.faulty = 0xc0000201;
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_BANDWIDTH, 16), -PSR_EIO);
    assert_accesses("0: #GP\n1: #GP\n0: #GP\n1: #GP\n"); /* set, then set back */
    assert_int_equal(psr_get(&psr, &dom, 0, PSR_BANDWIDTH, &value), 0);
    assert_int_equal(value, 8);
    rig.faulty = 0xc8f;
    psr_model_add_pcpu(&rig.model, 16, 0);
    assert_int_equal(psr_online(&psr, 2, 16, 0), -PSR_EIO);
    rig.log[0] = '\0';
    assert_int_equal(psr_set(&psr, &dom, 0, PSR_L3_MASK, 0x1), 0);
    assert_accesses("0: c91=1\n1: c91=1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intel_boot),     cmocka_unit_test(test_near_sockets),
        cmocka_unit_test(test_intel_classes),  cmocka_unit_test(test_intel_cdp),
        cmocka_unit_test(test_intel_counting), cmocka_unit_test(test_amd_sequence),
        cmocka_unit_test(test_amd_cdp),        cmocka_unit_test(test_l2),
        cmocka_unit_test(test_hotplug),        cmocka_unit_test(test_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
