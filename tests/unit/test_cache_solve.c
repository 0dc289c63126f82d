/* The steady state. */
#define _POSIX_C_SOURCE 200809L
#include "cache_rig.h"

#include "../../tools/sim/random.h"

#define MIB 0x1p20

static double own(unsigned d)
{
    return rig_result.state[d].occupancy / MIB;
}

static unsigned below(struct rng *rng, unsigned n)
{
    return (unsigned)rng_below(rng, n);
}

/* Two that are the same share alike; each with its half is as fast as alone with a mask. */
static void test_twins(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a ws=16M apki=20 cpi=0.5 mlp=2\n"
                              "domain b ws=16M apki=20 cpi=0.5 mlp=2\n");
    assert_near(own(0), 4);
    assert_near(own(1), 4);
    assert_near(rig_result.state[0].mpki, 15);
    assert_near(rig_result.state[0].cpi, 0.5 + 0.75);
    assert_near(rig_result.alone[0], 0.5 + 0.5); /* 10 misses with all 8 MiB */
}

/* By hand: x of 8 MiB is a's, which then misses 20 (1 - x / 8) times in 1000; b 20 times. With mlp
 * so great that both run at the same speed, x / 8 = m / (m + 20) with m = 20 (1 - x / 8), so that
 * y = x / 8 has y (2 - y) = 1 - y: y = (3 - sqrt 5) / 2. */
static void test_misses_and_space_agree(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a ws=8M apki=20 cpi=0.5 mlp=1e9\n"
                              "domain b mpki=20 cpi=0.5 mlp=1e9\n");
    assert_near(own(0), 8 * 0.381966011);
    assert_near(own(0) + own(1), 8);
}

/* Space is taken by what is read, however much of it is written back. */
static void test_writes_take_no_space(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a mpki=10 cpi=1 mlp=1e9 written=1\n"
                              "domain b mpki=10 cpi=1 mlp=1e9\n");
    assert_near(own(0), 4);
    assert_near(rig_result.state[0].bandwidth, 2 * rig_result.state[1].bandwidth);
}

static void test_alone_in_its_footprint(void **state)
{
    (void)state;
    cache_rig_solve(CACHE_RIG "domain a ws=3M apki=20 cpi=0.5\n");
    assert_near(own(0), 3);
    assert_true(rig_result.state[0].mpki < 1e-6);
    assert_near(rig_result.state[0].cpi, rig_result.alone[0]);
}

/* A mask is a wall: what is in it depends on nobody outside. */
static void test_isolation(void **state)
{
    static const char text[] = CACHE_RIG "domain a ws=8M apki=20 cpi=0.5\n"
                                         "domain b mpki=%u cpi=0.5 mlp=9\n"
                                         "xl psr-cat-set -l3 a 0x3f\nxl psr-cat-set -l3 b 0xc0\n";
    char with[512];

    (void)state;
    for (unsigned mpki = 1; mpki <= 256; mpki *= 16) {
        snprintf(with, sizeof with, text, mpki);
        cache_rig_solve(with);
        assert_near(own(0), 6);
        assert_near(rig_result.state[0].cpi, 0.5 + 0.5);
        assert_near(rig_result.alone[0], 0.5); /* with all ways */
        assert_near(own(1), 2);
    }
}

/* ---- beside a cache of lines -------------------------------------------------------------------
 * a uses as many lines as there are, each as often as the others; b never uses one again. */

#define SETS 512
#define WAYS 8

struct line {
    unsigned owner, address, used;
};
static struct line cache[SETS * WAYS];

static struct line *victim(struct line *set, unsigned mask, bool lru, struct rng *rng)
{
    struct line *oldest = NULL;
    unsigned way;

    do
        way = below(rng, WAYS);
    while (!(mask >> way & 1));
    for (unsigned w = 0; lru && w < WAYS; w++)
        if ((mask >> w & 1) && (!oldest || set[w].used < oldest->used))
            oldest = &set[w];
    return lru ? oldest : &set[way];
}

static void use(unsigned owner, unsigned address, unsigned now, unsigned mask, bool lru,
                struct rng *rng)
{
    struct line *set = &cache[address % SETS * WAYS], *line = NULL;

    for (unsigned w = 0; w < WAYS; w++)
        if (set[w].owner == owner && set[w].address == address)
            line = &set[w];
    if (!line)
        line = victim(set, mask, lru, rng);
    *line = (struct line){owner, address, now};
}

/* What part of the cache is a's. */
static double lines_of_a(unsigned mask_a, unsigned mask_b, bool lru)
{
    struct rng rng;
    unsigned long own_now = 0, looks = 0;

    rng_seed(&rng, 1, 1);
    memset(cache, 0, sizeof cache);
    for (unsigned now = 1; now < 400000; now++) {
        if (below(&rng, 2))
            use(1, below(&rng, SETS * WAYS), now, mask_a, lru, &rng);
        else
            use(2, now, now, mask_b, lru, &rng);
        if (now < 100000 || now % 1000)
            continue;
        for (unsigned i = 0; i < SETS * WAYS; i++)
            own_now += cache[i].owner == 1;
        looks++;
    }
    return (double)own_now / (double)looks / (SETS * WAYS);
}

static double model_of_a(unsigned mask_a, unsigned mask_b)
{
    char text[512];

    snprintf(text, sizeof text,
             CACHE_RIG "domain a ws=8M apki=20 cpi=0.5 mlp=1e9\n"
                       "domain b mpki=20 cpi=0.5 mlp=1e9\n"
                       "psr-cat-set a 0x%x\npsr-cat-set b 0x%x\n",
             mask_a, mask_b);
    cache_rig_solve(text);
    return own(0) / 8;
}

static void test_beside_random_replacement(void **state)
{
    static const unsigned masks[][2] = {
        {0xff, 0xff}, {0x0f, 0x3c}, {0xff, 0x01}, {0xfc, 0x3f}, {0x03, 0xff}};

    (void)state;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        double lines = lines_of_a(masks[i][0], masks[i][1], false);

        assert_float_equal(model_of_a(masks[i][0], masks[i][1]), lines, 0.01);
    }
}

/* What the model is bad at: who hits keeps more if the oldest line goes. */
static void test_beside_lru(void **state)
{
    double lines = lines_of_a(0xff, 0xff, true), model = model_of_a(0xff, 0xff);

    (void)state;
    assert_float_equal(lines - model, 0.05, 0.02);
}

/* ---- mixtures ------------------------------------------------------------------------------ */

/* All kinds together: it settles, gives away no more than there is, and twice the same. */
static void test_random_mixtures(void **state)
{
    struct rng rng;
    char text[4096];

    (void)state;
    rng_seed(&rng, 5, 1);
    for (unsigned round = 0; round < 100; round++) {
        unsigned nr = 1 + below(&rng, 6);
        size_t n = (size_t)snprintf(text, sizeof text,
                                    "cache 8M ways=8\nmemory 20GB/s latency=80ns queue=20ns\n"
                                    "clock 2GHz\n");
        double all = 0, before;

        for (unsigned d = 0; d < nr; d++) {
            unsigned low = below(&rng, 8), high = low + below(&rng, 8 - low);

            n += (size_t)snprintf(text + n, sizeof text - n,
                                  "domain d%u mpki=1M:%u,%uM:%u cpi=0.5 mlp=%u cores=%u\n"
                                  "psr-cat-set d%u 0x%x\n",
                                  d, 20 + below(&rng, 80), 2 + below(&rng, 7), below(&rng, 20),
                                  1 + below(&rng, 30), 1 + below(&rng, 8), d,
                                  (2U << high) - (1U << low));
        }
        cache_rig_solve(text);
        for (unsigned d = 0; d < nr; d++)
            all += own(d);
        assert_true(all <= 8.0001);
        assert_true(rig_result.bandwidth < 20e9);
        before = rig_result.state[0].occupancy;
        cache_rig_solve(text);
        assert_true(before == rig_result.state[0].occupancy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_misses_and_space_agree),
        cmocka_unit_test(test_writes_take_no_space),
        cmocka_unit_test(test_alone_in_its_footprint),
        cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_beside_random_replacement),
        cmocka_unit_test(test_beside_lru),
        cmocka_unit_test(test_random_mixtures),
    };
    return cmocka_run_group_tests(tests, files_begin, cache_rig_end);
}
