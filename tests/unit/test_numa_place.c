/* Placement of domains on nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../../numa/place.h"

static struct numa_nodes m;

/* Nodes of 1000 frames and 4 pCPUs each, in a ring: neighbours are 20 apart, others 30. */
static int setup(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    m.nr = 4;
    for (unsigned i = 0; i < m.nr; i++) {
        m.node[i] = (struct numa_node){.total = 1000, .free = 1000, .pcpus = 4};
        for (unsigned j = 0; j < m.nr; j++)
            m.distance[i][j] = i == j ? 10 : (i + j) % 2 ? 20 : 30;
    }
    return 0;
}

static struct numa_placement placed(uint64_t frames, unsigned vcpus)
{
    struct numa_placement p;

    assert_true(numa_place(&m, &(struct numa_request){frames, vcpus, numa_all(&m)}, &p));
    return p;
}

static uint64_t frames_of(const struct numa_placement *p)
{
    uint64_t sum = 0;

    numa_for_each(i, p->nodes)
        sum += p->frames[i];
    return sum;
}

static void test_sets(void **state)
{
    uint64_t seen = 0;

    (void)state;
    numa_for_each(i, 0x8000000000000005)
        seen = seen * 100 + i;
    assert_int_equal(seen, 263);
    numa_for_each(none, 0)
        fail_msg("%u", (unsigned)none);
    assert_int_equal(numa_all(&m), 0xf);
    m.nr = 64;
    assert_true(numa_all(&m) == UINT64_MAX);
}

/* One after the other, each goes where least is. */
static void test_spreads(void **state)
{
    uint64_t used = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct numa_placement p = placed(100, 2);

        assert_int_equal(p.nodes & used, 0);
        assert_int_equal(p.nodes & (p.nodes - 1), 0);
        used |= p.nodes;
        numa_take(&m, &p);
    }
    assert_int_equal(used, 0xf);
}

static void test_equal_goes_to_lowest(void **state)
{
    (void)state;
    assert_int_equal(placed(100, 1).nodes, 1);
}

/* A whole vCPU more on each pCPU weighs as much as all memory. */
static void test_load_against_memory(void **state)
{
    (void)state;
    for (unsigned i = 2; i < 4; i++)
        m.node[i].free = 0;
    m.node[0].vcpus = 2; /* half of one a pCPU */
    m.node[1].free = 600;
    assert_int_equal(placed(100, 1).nodes, 2);
    m.node[1].free = 400;
    assert_int_equal(placed(100, 1).nodes, 1);
}

/* One node if it fits on one, however loaded. */
static void test_fewest_nodes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        m.node[i].free = 899;
    m.node[3].vcpus = 40;
    assert_int_equal(placed(900, 1).nodes, 8);
}

static void test_more_vcpus_than_a_node_has_pcpus(void **state)
{
    struct numa_placement p;

    (void)state;
    p = placed(100, 5);
    assert_int_equal(p.nodes, 3); /* 0 and 2 are 30 apart */
    assert_int_equal(p.vcpus[0], 3);
    assert_int_equal(p.vcpus[1], 2);
    assert_int_equal(p.frames[0], 60);
    assert_int_equal(p.frames[1], 40);
    /* More than the machine has: it cannot be helped. */
    p = placed(100, 17);
    assert_int_equal(p.nodes, 0xf);
    assert_int_equal(p.vcpus[0] + p.vcpus[1] + p.vcpus[2] + p.vcpus[3], 17);
}

static void test_nearest(void **state)
{
    (void)state;
    m.node[0].free = 10;
    m.node[1].free = 700;
    m.node[2].free = 900;
    m.node[3].free = 800;
    /* 1 and 3 have enough, too, but are farther from each other; 2 and 3 have more than 1 and 2. */
    assert_int_equal(placed(1500, 2).nodes, 0xc);
}

/* The greater of both directions counts. */
static void test_distances_may_differ(void **state)
{
    (void)state;
    m.distance[1][0] = 40;
    assert_int_equal(placed(1500, 2).nodes, 0x6);
}

static void test_memory_where_it_is_free(void **state)
{
    struct numa_placement p;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        m.node[i].free = 100 * (i + 1);
    p = placed(1000, 4);
    assert_int_equal(p.nodes, 0xf);
    assert_int_equal(frames_of(&p), 1000);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(p.frames[i], 100 * (i + 1));
}

static void test_does_not_fit(void **state)
{
    struct numa_placement p;

    (void)state;
    assert_false(numa_place(&m, &(struct numa_request){4001, 1, 0xf}, &p));
    assert_int_equal(p.nodes, 0);
    assert_false(numa_place(&m, &(struct numa_request){1001, 1, 0x2}, &p));
    assert_false(numa_place(&m, &(struct numa_request){1, 1, 0}, &p));
    /* Nodes that the machine does not have. */
    assert_false(numa_place(&m, &(struct numa_request){1, 1, 0x10}, &p));
    assert_true(numa_place(&m, &(struct numa_request){4000, 1, 0xf}, &p));
}

static void test_allowed(void **state)
{
    struct numa_placement p;

    (void)state;
    m.node[2].vcpus = 100;
    assert_true(numa_place(&m, &(struct numa_request){500, 9, 0x4}, &p));
    assert_int_equal(p.nodes, 4);
    assert_int_equal(p.frames[2], 500);
    assert_int_equal(p.vcpus[2], 9);
}

/* Memory alone: nodes without pCPUs are used when those with have none left. */
static void test_nodes_without_pcpus(void **state)
{
    struct numa_placement p;

    (void)state;
    for (unsigned i = 1; i < 4; i++)
        m.node[i].pcpus = 0;
    assert_int_equal(placed(1000, 2).nodes, 1);
    p = placed(1500, 2);
    assert_int_equal(p.vcpus[0], 2);
    assert_int_equal(frames_of(&p), 1500);
}

static void test_take_and_give_back(void **state)
{
    struct numa_nodes before = m;
    struct numa_placement p;

    (void)state;
    p = placed(2500, 7);
    numa_take(&m, &p);
    assert_int_equal(m.node[0].free + m.node[1].free + m.node[2].free + m.node[3].free, 1500);
    numa_give_back(&m, &p);
    assert_memory_equal(&m, &before, sizeof m);
}

/* All of any machine, any domain: what comes out is within what there is. */
static void test_any(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned n = 0; n < 2000; n++) {
        struct numa_request r;
        struct numa_placement p;
        uint64_t all = 0;
        unsigned vcpus = 0;

        m.nr = 1 + n % 64;
        for (unsigned i = 0; i < m.nr; i++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            m.node[i] =
                (struct numa_node){2000, seed >> 33 & 1023, seed >> 43 & 7, seed >> 46 & 63};
            for (unsigned j = 0; j < m.nr; j++)
                m.distance[i][j] = i == j ? 10 : (uint8_t)(11 + (seed >> (j & 31) & 63));
            all += m.node[i].free;
        }
        r = (struct numa_request){seed >> 20 & 0xffff, 1 + (seed >> 36 & 63), numa_all(&m)};
        bool fits = numa_place(&m, &r, &p);
        assert_int_equal(fits, r.frames <= all);
        numa_for_each(i, p.nodes) {
            assert_true(p.frames[i] <= m.node[i].free);
            vcpus += p.vcpus[i];
        }
        assert_true(!fits || frames_of(&p) == r.frames);
        assert_true(vcpus == 0 || vcpus == r.vcpus);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sets, setup),
        cmocka_unit_test_setup(test_spreads, setup),
        cmocka_unit_test_setup(test_equal_goes_to_lowest, setup),
        cmocka_unit_test_setup(test_load_against_memory, setup),
        cmocka_unit_test_setup(test_fewest_nodes, setup),
        cmocka_unit_test_setup(test_more_vcpus_than_a_node_has_pcpus, setup),
        cmocka_unit_test_setup(test_nearest, setup),
        cmocka_unit_test_setup(test_distances_may_differ, setup),
        cmocka_unit_test_setup(test_memory_where_it_is_free, setup),
        cmocka_unit_test_setup(test_does_not_fit, setup),
        cmocka_unit_test_setup(test_allowed, setup),
        cmocka_unit_test_setup(test_nodes_without_pcpus, setup),
        cmocka_unit_test_setup(test_take_and_give_back, setup),
        cmocka_unit_test_setup(test_any, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
