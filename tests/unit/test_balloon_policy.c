/* The policy on small hosts whose guests obey, refuse, lie or fall silent; and its invariants on
 * random ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../numa/balloon_policy.h"

#define MIB  1024
#define MOST 12

/* A host, its domains, and what their guests use and would like to. */
static struct balloon_params params;
static struct balloon_domain d[MOST];
static struct guest {
    int64_t used, asked;
    bool mute, rigid, greedless; /* does not report, give up, take */
} guest[MOST];
static unsigned nr;
static int64_t installed, now;
static struct balloon_result result;

static int setup(void **state)
{
    (void)state;
    params = balloon_defaults;
    params.reserve = 16 * MIB;
    memset(d, 0, sizeof d);
    memset(guest, 0, sizeof guest);
    nr = 0;
    now = 0;
    return 0;
}

/* MiB. */
static void add(int64_t guarantee, int64_t ceiling, int64_t memory, int64_t used, int64_t asked)
{
    d[nr] = (struct balloon_domain){.guarantee = guarantee * MIB,
                                    .ceiling = ceiling * MIB,
                                    .weight = 256,
                                    .memory = memory * MIB,
                                    .target = memory * MIB};
    guest[nr++] = (struct guest){.used = used * MIB, .asked = asked * MIB};
}

static int64_t free_memory(void)
{
    int64_t free = installed;

    for (unsigned i = 0; i < nr; i++)
        free -= d[i].memory;
    return free;
}

static void report(unsigned i)
{
    if (guest[i].mute)
        return;
    d[i].reported = now;
    d[i].report = (struct balloon_report){
        .total = d[i].memory, .available = d[i].memory - guest[i].used, .promised = guest[i].asked};
}

static void obey(unsigned i)
{
    int64_t least = guest[i].used + 1 * MIB;

    if (d[i].target < d[i].memory && !guest[i].rigid && d[i].memory > least)
        d[i].memory = d[i].target > least ? d[i].target : least;
    else if (d[i].target > d[i].memory && !guest[i].greedless)
        d[i].memory = d[i].target;
}

static void step(void)
{
    struct balloon_claim claims[MOST];

    now += 1000;
    for (unsigned i = 0; i < nr; i++)
        report(i);
    result = balloon_step(&params, d, claims, nr, free_memory(), now);
}

static void run(unsigned seconds)
{
    while (seconds--) {
        step();
        for (unsigned i = 0; i < nr; i++)
            obey(i);
        assert_true(free_memory() >= 0);
    }
}

static void near(int64_t got, int64_t mib)
{
    assert_in_range(got, (mib - 5) * MIB, (mib + 5) * MIB);
}

static void test_nothing_moves_without_a_need(void **state)
{
    (void)state;
    add(64, 512, 256, 40, 0);
    add(64, 512, 256, 240, 0);
    installed = 512 * MIB + params.reserve;
    d[1].ceiling = 256 * MIB;
    run(60);
    assert_int_equal(d[0].target, 256 * MIB);
    assert_int_equal(d[1].target, 256 * MIB);
}

static void test_free_memory_goes_where_it_is_wanted(void **state)
{
    (void)state;
    add(64, 512, 128, 40, 0);
    add(64, 512, 128, 110, 100);
    installed = 1024 * MIB;
    step();
    assert_int_equal(d[0].target, 128 * MIB);
    near(d[1].target, 110 + 100 + 16);
    assert_int_equal(d[1].why, BALLOON_WANTED);
}

static void test_idle_memory_moves_to_need(void **state)
{
    (void)state;
    add(64, 512, 256, 40, 0);
    add(64, 512, 256, 240, 400);
    installed = 512 * MIB + params.reserve;
    step();
    assert_int_equal(d[0].why, BALLOON_IDLE);
    assert_int_equal(d[1].target, 256 * MIB); /* nothing is free yet */
    run(60);
    assert_in_range(d[0].memory, 64 * MIB, 150 * MIB);
    assert_int_equal(d[0].memory + d[1].memory, 512 * MIB);
}

/* The price of idle memory: of what is left after its use, so much stays. */
static void test_tax_decides_how_much_idle_memory_stays(void **state)
{
    int64_t kept[2];

    for (unsigned i = 0; i < 2; i++) {
        setup(state);
        params.tax = i ? 0 : BALLOON_TAX_MAX;
        add(0, 512, 256, 40, 0);
        add(0, 512, 256, 240, 400);
        installed = 512 * MIB + params.reserve;
        run(100);
        kept[i] = d[0].memory;
    }
    assert_in_range(kept[0], 48 * MIB, 70 * MIB);
    near(kept[1], 256);
}

static void test_weights_divide_what_all_want(void **state)
{
    (void)state;
    add(32, 1024, 300, 40, 900);
    add(32, 1024, 300, 40, 900);
    d[0].weight = 512;
    installed = 600 * MIB + params.reserve;
    run(60);
    near(d[0].memory, 400);
    near(d[1].memory, 200);
}

static void test_gives_up_at_most_half_and_once_a_report(void **state)
{
    (void)state;
    add(0, 512, 256, 40, 0);
    add(0, 512, 256, 240, 400);
    installed = 512 * MIB + params.reserve;
    step();
    int64_t first = d[0].target, spare = 256 * MIB - d[0].need.live;
    assert_true(first >= 256 * MIB - spare / 2);
    guest[0].mute = true;
    obey(0);
    step();
    assert_int_equal(d[0].target, first);
    guest[0].mute = false;
    step();
    assert_true(d[0].target < first);
}

static void test_guarantee_comes_before_wants(void **state)
{
    (void)state;
    add(128, 512, 64, 30, 0);
    add(64, 512, 256, 100, 400);
    installed = 330 * MIB + params.reserve;
    step();
    assert_int_equal(d[0].target, 74 * MIB);
    assert_int_equal(d[0].why, BALLOON_GUARANTEE);
    assert_true(d[1].target < 256 * MIB);
    run(30);
    assert_int_equal(d[0].memory, 128 * MIB);
}

/* What is free at once is for those who lack, whatever the others weigh. */
static void test_lack_is_filled_first(void **state)
{
    (void)state;
    add(128, 512, 64, 30, 0);
    add(64, 512, 64, 50, 400);
    add(64, 512, 200, 40, 0);
    d[1].weight = 60000;
    installed = 348 * MIB + params.reserve;
    step();
    assert_int_equal(d[0].target, 84 * MIB);
    assert_int_equal(d[1].target, 64 * MIB);
}

static void test_nobody_loses_what_it_lives_on(void **state)
{
    (void)state;
    add(64, 512, 400, 380, 0);
    add(64, 512, 100, 95, 400);
    installed = 500 * MIB + params.reserve;
    run(60);
    assert_int_equal(d[0].memory, 400 * MIB); /* twice its share, but in use */
    guest[0].used = 100 * MIB;
    run(60);
    assert_in_range(d[0].memory, 106 * MIB, 260 * MIB);
}

static void test_lack_is_told(void **state)
{
    (void)state;
    add(200, 512, 200, 190, 0);
    add(200, 512, 100, 90, 0);
    installed = 316 * MIB;
    step();
    assert_int_equal(result.lacking, 100 * MIB);
    assert_int_equal(d[0].target, 200 * MIB);
}

static void test_operators_target_is_kept_and_made_room_for(void **state)
{
    (void)state;
    add(64, 512, 256, 100, 0);
    add(64, 512, 256, 40, 0);
    installed = 512 * MIB + params.reserve;
    d[0].target = 350 * MIB;
    d[0].held = true;
    step();
    assert_int_equal(d[0].target, 350 * MIB);
    assert_int_equal(d[0].state, BALLOON_HELD);
    guest[0].greedless = true; /* what it gets is the hypervisor's to say */
    run(20);
    assert_in_range(d[1].memory, 150 * MIB, 165 * MIB);
    d[0].target = 50 * MIB; /* below its guarantee: the operator wants it */
    run(5);
    assert_int_equal(d[0].target, 50 * MIB);
    d[0].held = false;
    step();
    assert_true(d[0].target >= 64 * MIB);
}

static void test_ceiling_is_above_all(void **state)
{
    (void)state;
    add(64, 512, 256, 200, 400);
    installed = 1024 * MIB;
    run(20);
    d[0].ceiling = 128 * MIB;
    step();
    assert_int_equal(d[0].target, 128 * MIB);
    assert_int_equal(d[0].why, BALLOON_CEILING);
}

static void test_silent_domain_is_left_alone(void **state)
{
    (void)state;
    add(64, 512, 256, 40, 0);
    add(64, 512, 256, 240, 400);
    installed = 512 * MIB + params.reserve;
    run(10);
    int64_t target = d[0].target;
    guest[0].mute = true;
    guest[1].asked = 800 * MIB;
    run(60);
    assert_int_equal(d[0].state, BALLOON_SILENT);
    assert_in_range(d[0].target, target - 60 * MIB, target);
    target = d[0].target;
    run(20);
    assert_int_equal(d[0].target, target);
}

static void test_one_that_keeps_memory_is_noticed(void **state)
{
    (void)state;
    add(64, 512, 256, 40, 0);
    add(64, 512, 256, 240, 400);
    guest[0].rigid = true;
    installed = 512 * MIB + params.reserve;
    run(10);
    assert_int_equal(d[0].following, BALLOON_FOLLOWS);
    run(5);
    assert_int_equal(d[0].following, BALLOON_KEEPS);
    assert_true(d[0].target < 256 * MIB);    /* still asked */
    assert_int_equal(d[1].share, 256 * MIB); /* nobody counts on it */
    guest[0].rigid = false;
    run(3);
    assert_int_equal(d[0].following, BALLOON_FOLLOWS);
}

static void test_promise_that_is_not_redeemed_is_withdrawn(void **state)
{
    (void)state;
    add(64, 512, 128, 100, 300);
    add(64, 512, 128, 100, 400);
    guest[0].greedless = true;
    installed = 512 * MIB + params.reserve;
    run(5);
    assert_true(d[0].target > 200 * MIB);
    run(10);
    assert_int_equal(d[0].following, BALLOON_LEAVES);
    assert_int_equal(d[0].target, 128 * MIB);
    near(d[1].memory, 384);
    guest[0].greedless = false;
    run(100);
    assert_int_equal(d[0].following, BALLOON_FOLLOWS);
    assert_true(d[0].memory > 200 * MIB);
}

/* Having left what it might have taken is no reason not to wait until it gives up something else.
 */
static void test_new_way_new_patience(void **state)
{
    (void)state;
    add(64, 512, 256, 200, 200);
    add(64, 512, 128, 100, 0);
    guest[0].greedless = guest[0].rigid = true;
    installed = 400 * MIB + params.reserve;
    run(8);
    assert_int_equal(d[0].following, BALLOON_FOLLOWS);
    assert_true(d[0].target > 256 * MIB);
    params.calm = 1;
    guest[0].used = 20 * MIB;
    guest[0].asked = 0;
    guest[1].asked = 400 * MIB;
    run(6);
    assert_true(d[0].target < 256 * MIB);
    assert_int_equal(d[0].following, BALLOON_FOLLOWS);
    run(10);
    assert_int_equal(d[0].following, BALLOON_KEEPS);
}

static void test_small_changes_are_not_made(void **state)
{
    (void)state;
    add(64, 512, 200, 150, 40);
    installed = 1024 * MIB;
    step();
    int64_t target = d[0].target;
    obey(0);
    for (unsigned i = 0; i < 40; i++) {
        guest[0].asked = (38 + i % 4) * MIB;
        run(1);
        assert_int_equal(d[0].target, target);
    }
}

/* ---- any host -------------------------------------------------------------------------------- */

static int64_t below(int64_t n)
{
    return n > 0 ? rand() % n : 0;
}

static void make_host(void)
{
    setup(NULL);
    params.tax = (unsigned)below(1000);
    params.quiet = (unsigned)below(200);
    params.reserve = below(64 * MIB);
    installed = params.reserve + below(200 * MIB);
    for (unsigned n = 1 + (unsigned)below(MOST); n; n--) {
        int64_t guarantee = below(200), ceiling = guarantee + 1 + below(600);
        int64_t memory = 1 + below(ceiling);

        add(guarantee, ceiling, memory, below(memory), below(600));
        d[nr - 1].weight = 1 + (uint32_t)below(1000);
        installed += memory * MIB;
    }
}

static void disturb(unsigned i)
{
    struct guest *g = &guest[i];

    switch (below(12)) {
    case 0:
        g->mute = !g->mute;
        break;
    case 1:
        g->rigid = !g->rigid;
        break;
    case 2:
        g->greedless = !g->greedless;
        break;
    case 3:
        d[i].held = !d[i].held;
        if (d[i].held && below(2)) /* not more than there is: xl would say so */
            d[i].target = below(d[i].memory);
        break;
    case 4:
        d[i].ceiling = d[i].guarantee + below(600 * MIB);
        break;
    default:
        g->used = below(d[i].memory);
        g->asked = below(600 * MIB);
    }
}

static void check_step(const struct balloon_domain *before, int64_t free)
{
    int64_t promised = 0, held = 0;

    for (unsigned i = 0; i < nr; i++) {
        const struct balloon_domain *x = &d[i];
        int64_t promise = x->target > x->memory ? x->target - x->memory : 0;

        *(x->state == BALLOON_HELD ? &held : &promised) += promise;
        if (x->state == BALLOON_HELD) {
            assert_int_equal(x->target, before[i].target);
            continue;
        }
        assert_true(x->target <= x->ceiling);
        if (x->target < before[i].target && x->target < x->memory &&
            before[i].target <= x->ceiling) {
            assert_true(x->target >= x->guarantee || x->guarantee > x->memory);
            assert_true(x->state == BALLOON_SILENT || x->target >= x->need.live ||
                        x->target >= x->ceiling);
        }
        if (x->state == BALLOON_SILENT && before[i].target <= x->ceiling &&
            before[i].target >= x->guarantee && before[i].target <= x->memory)
            assert_int_equal(x->target, before[i].target);
    }
    int64_t most = free - params.reserve - held;
    assert_true(promised <= (most > 0 ? most : 0));
    assert_int_equal(result.promised, promised + held);
}

static void test_any(void **state)
{
    (void)state;
    srand(7);
    for (unsigned host = 0; host < 400; host++) {
        make_host();
        for (unsigned i = 0; i < 120; i++) {
            struct balloon_domain before[MOST];
            int64_t free = free_memory();

            memcpy(before, d, sizeof before);
            step();
            check_step(before, free);
            for (unsigned k = 0; k < nr; k++) {
                obey(k);
                if (!below(8))
                    disturb(k);
            }
            assert_true(free_memory() >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_moves_without_a_need, setup),
        cmocka_unit_test_setup(test_free_memory_goes_where_it_is_wanted, setup),
        cmocka_unit_test_setup(test_idle_memory_moves_to_need, setup),
        cmocka_unit_test_setup(test_tax_decides_how_much_idle_memory_stays, setup),
        cmocka_unit_test_setup(test_weights_divide_what_all_want, setup),
        cmocka_unit_test_setup(test_gives_up_at_most_half_and_once_a_report, setup),
        cmocka_unit_test_setup(test_guarantee_comes_before_wants, setup),
        cmocka_unit_test_setup(test_lack_is_filled_first, setup),
        cmocka_unit_test_setup(test_nobody_loses_what_it_lives_on, setup),
        cmocka_unit_test_setup(test_lack_is_told, setup),
        cmocka_unit_test_setup(test_operators_target_is_kept_and_made_room_for, setup),
        cmocka_unit_test_setup(test_ceiling_is_above_all, setup),
        cmocka_unit_test_setup(test_silent_domain_is_left_alone, setup),
        cmocka_unit_test_setup(test_one_that_keeps_memory_is_noticed, setup),
        cmocka_unit_test_setup(test_promise_that_is_not_redeemed_is_withdrawn, setup),
        cmocka_unit_test_setup(test_new_way_new_patience, setup),
        cmocka_unit_test_setup(test_small_changes_are_not_made, setup),
        cmocka_unit_test_setup(test_any, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
