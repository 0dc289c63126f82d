/* Cuts of small networks, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/network.h"

#define NR 3

static struct mask masks[NR];
static struct network_set sets[NR];
static struct network network;
static bool cut[NR];

/* Bit i of bits[s] is pCPU i of set s. */
static void make(int nr, const uint64_t *bits, const double *weight)
{
    for (int s = 0; s < nr; s++) {
        masks[s] = (struct mask){.summary = 1, .word = {bits[s]}};
        sets[s] = (struct network_set){.mask = &masks[s], .weight = weight[s]};
    }
    network = (struct network){.nr_sets = nr, .sets = sets};
    assert_int_equal(network_init(&network), 0);
}

static int teardown(void **state)
{
    (void)state;
    network_free(&network);
    return 0;
}

static void one_set_fills_its_pcpus(void **state)
{
    (void)state;
    make(1, (const uint64_t[]){0x0f}, (const double[]){8});
    assert_true(network_next_cut(&network, cut) == 0.5);
    assert_true(cut[0]);
}

static void the_narrow_set_is_cut_first(void **state)
{
    (void)state;
    make(2, (const uint64_t[]){0x1, 0xf}, (const double[]){4, 4});
    assert_true(fabs(network_next_cut(&network, cut) - 0.25) < 1e-12);
    assert_true(cut[0] && !cut[1]);
    network_close(&network, 0);
    assert_true(fabs(network_next_cut(&network, cut) - 0.75) < 1e-12); /* 3 pCPUs are left */
    assert_true(!cut[0] && cut[1]);
}

/* Three sets in a ring of pCPUs 0-1, 1-2, 2-0: no two of them alone are a cut. */
static void overlapping_sets_are_cut_together(void **state)
{
    (void)state;
    make(3, (const uint64_t[]){0x3, 0x6, 0x5}, (const double[]){1, 1, 1});
    assert_true(fabs(network_next_cut(&network, cut) - 1) < 1e-12);
    assert_true(cut[0] && cut[1] && cut[2]);
}

static void frozen_rates_take_their_room(void **state)
{
    (void)state;
    make(2, (const uint64_t[]){0x3, 0x3 << 1}, (const double[]){1, 2});
    sets[0].weight = 0;
    sets[0].frozen = 1.5;
    assert_true(fabs(network_next_cut(&network, cut) - 0.75) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_set_fills_its_pcpus, teardown),
        cmocka_unit_test_teardown(the_narrow_set_is_cut_first, teardown),
        cmocka_unit_test_teardown(overlapping_sets_are_cut_together, teardown),
        cmocka_unit_test_teardown(frozen_rates_take_their_room, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
