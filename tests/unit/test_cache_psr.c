/* psr-cat-set and psr-mba-set in a scenario, beside psr/ on a processor that has the same. */
#define _POSIX_C_SOURCE 200809L
#include "cache_rig.h"
#include "psr_rig.h"

#include "../../psr/psr.h"
#include "../../tools/sim/random.h"

#define NR 12

/* What psr=model is. */
#define HOST                                                                                       \
    "cache 27.5M ways=11 classes=8\nmemory 119GB/s latency=90ns\nclock 2GHz\n"                     \
    "throttle linear max=90 link=15GB/s\n"

static struct psr psr;
static struct psr_domain dom[NR];

static void start(void)
{
    const struct psr_options options = {.cat = true, .mba = true};
    char text[2048] = HOST;

    for (unsigned d = 0; d < NR; d++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "domain d%u mpki=1 cpi=1\n", d);
    if (!cache_rig_load(text))
        fail_msg("refused: %s", said);
    rig_start(&psr_model_intel);
    memset(dom, 0, sizeof dom);
    psr_init(&psr, &rig.hw, &options);
    psr_model_add_pcpu(&rig.model, 0, 0);
    assert_int_equal(psr_online(&psr, 0, 0, 0), 0);
}

static bool set(bool mba, unsigned d, unsigned long long value)
{
    char domain[16], number[32];
    char *word[] = {mba ? "psr-mba-set" : "psr-cat-set", domain, number};
    bool ok;

    snprintf(domain, sizeof domain, "d%u", d);
    snprintf(number, sizeof number, "%llu", value);
    said_begin();
    ok = cache_psr_set(rig_scenario, (struct place){"x", 1}, 3, word);
    said_end();
    return ok;
}

static void assert_same(bool mba, unsigned d, unsigned long long value)
{
    enum psr_kind kind = mba ? PSR_BANDWIDTH : PSR_L3_MASK;
    bool ours = set(mba, d, value), theirs = !psr_set(&psr, &dom[d], 0, kind, value);

    rig.log[0] = '\0';
    if (ours != theirs)
        fail_msg("%s %llu: psr/ says %s", mba ? "throttle" : "mask", value, theirs ? "yes" : "no");
    for (unsigned i = 0; i < NR; i++) {
        const uint32_t *has = rig_scenario->classes.class[rig_scenario->domains[i].class].value;
        uint64_t l3, bandwidth;

        psr_get(&psr, &dom[i], 0, PSR_L3_MASK, &l3);
        psr_get(&psr, &dom[i], 0, PSR_BANDWIDTH, &bandwidth);
        assert_int_equal(has[PSR_SLOT_L3], l3);
        assert_int_equal(has[PSR_SLOT_BANDWIDTH], bandwidth);
        assert_int_equal(rig_scenario->domains[i].class, dom[i].class[0]);
    }
}

static void test_all_values(void **state)
{
    (void)state;
    start();
    for (unsigned mask = 0; mask < 1 << 12; mask++)
        assert_same(false, 0, mask);
    assert_same(false, 0, 1ULL << 32 | 1);
    for (unsigned value = 0; value <= 110; value++)
        assert_same(true, 0, value);
}

/* Classes are shared, given back, and run out at the same moment. */
static void test_classes(void **state)
{
    struct rng rng;
    unsigned refused = 0;

    (void)state;
    rng_seed(&rng, 1, 1);
    start();
    for (unsigned i = 0; i < 4000; i++) {
        unsigned d = (unsigned)rng_below(&rng, NR), bits = 1 + (unsigned)rng_below(&rng, 6);
        bool mba = !rng_below(&rng, 3);

        assert_same(mba, d, mba ? 10 * rng_below(&rng, 4) : (1U << bits) - 1);
        refused += !!strstr(said, "all 8 classes are in use");
    }
    assert_in_range(refused, 100, 3900);
}

static void with_line(const char *line, const char *because)
{
    char text[512];

    snprintf(text, sizeof text, HOST "domain web mpki=1 cpi=1\n%s\n", line);
    if (because)
        cache_rig_refused(text, because);
    else if (!cache_rig_load(text))
        fail_msg("%s: %s", line, said);
}

static void test_words(void **state)
{
    static const char *const right[] = {
        "xl psr-cat-set web 0xf",      "psr-cat-set -l3 web 15",    "psr-cat-set -l 3 -s 0 web 017",
        "xl psr-cat-set -s0 web 0x7f", "xl psr-mba-set -s0 web 50", "psr-mba-set web 0"};

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        with_line(right[i], NULL);
    with_line("psr-cat-set web 0x5", ":6: 0x5 is no mask for this cache; use 1 or more "
                                     "neighbouring bits of 0x7ff");
    with_line("psr-cat-set wob 1", "no domain 'wob'; did you mean web?");
    with_line("psr-cat-set web", "use psr-cat-set [-l3] [-s0] DOMAIN CBM");
    with_line("psr-cat-set web 1 2", "use psr-cat-set [-l3] [-s0] DOMAIN CBM");
    with_line("psr-cat-set -l2 web 1", "use -l3");
    with_line("psr-cat-set -s1 web 1", "use -s0");
    with_line("psr-cat-set -c web 1", "no code and data masks");
    with_line("psr-cat-set web -1", "'-1' is no number");
    with_line("psr-cat-set web 1x", "'1x' is no number");
    with_line("psr-cat-set web 99999999999999999999", "is no number");
    with_line("psr-mba-set -l3 web 1", "use psr-mba-set [-s0] DOMAIN VALUE");
    with_line("psr-mba-set web 91", "91 is beyond what it can be throttled to; use 0 to 90");
    with_line("xl", "xl does nothing alone");
    with_line("xl psr-hwinfo", "xl psr-hwinfo means nothing here");
}

static void test_no_throttle(void **state)
{
    (void)state;
    cache_rig_refused("cache 8M ways=8\nmemory 10GB/s latency=90ns\nclock 1GHz\n"
                      "domain a mpki=1 cpi=1\npsr-mba-set a 10\n",
                      "the host can not throttle; add throttle linear link=15GB/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_values),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_throttle),
    };
    return cmocka_run_group_tests(tests, files_begin, cache_rig_end);
}
