/* Pools, pCPUs, domains and units: what they are made of, and their moves while they run. */
#include <string.h>

#include "../../sched/registry.h"
#include "fixture.h"

static struct sched_refusal why;
static unsigned seen[SCHED_EV_AFFINITY_BROKEN + 1]; /* events since watch() */

static void count_event(void *ctx, const struct sched_event *e)
{
    (void)ctx;
    seen[e->kind]++;
}

static void watch(void)
{
    memset(seen, 0, sizeof seen);
    h->env.trace = count_event;
}

static sched_time total_service(void)
{
    sched_time sum = 0;
    for (unsigned i = 0; i < h->nr_units; i++)
        sum += harness_service(h, h->units[i].unit);
    return sum;
}

static int move(const struct sched_unit *u, struct sched_pool *pool)
{
    return sched_domain_move(u->domain, pool, h->now, &why);
}

/* A second pool, with the last pCPU of the first. */
static struct sched_pool *second_pool(const char *policy)
{
    struct sched_pool *pool = harness_pool(h, policy);
    struct sched_pcpu *p = h->pcpus[h->nr_pcpus - 1];

    assert_int_equal(sched_pool_remove_pcpu(p, h->now, &why), 0);
    assert_int_equal(sched_pool_add_pcpu(pool, p, h->now), 0);
    return pool;
}

/* ---- objects ------------------------------------------------------------------------------ */

static void test_objects_have_room_for_any_policy(void **state)
{
    (void)state;
    assert_true(sched_pool_size() >= sizeof(struct sched_pool) + registry_pool_data());
    assert_true(sched_pcpu_size() >= sizeof(struct sched_pcpu) + registry_pcpu_data());
    assert_true(sched_domain_size() >= sizeof(struct sched_domain) + registry_domain_data());
    assert_true(sched_unit_size() >= sizeof(struct sched_unit) + registry_unit_data());
}

static void test_policy_data_is_aligned(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal((uintptr_t)u->data % _Alignof(max_align_t), 0);
    assert_int_equal((uintptr_t)h->pcpus[0]->data % _Alignof(max_align_t), 0);
    assert_true((char *)u->data >= (char *)(u + 1));
}

static void test_a_new_unit_sleeps_and_may_go_anywhere(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    assert_int_equal(u->state, SCHED_BLOCKED);
    assert_false(u->awake);
    assert_int_equal(u->affinity->width, h->nr_pcpus);
    assert_non_null(u->home);
    assert_int_equal(u->migrations, 0);
    assert_int_equal(u->domain->nr_units, 1);
}

/* It has not waited all the time before, and owes nothing either. */
static void test_newcomer_shares_from_its_start(void **state)
{
    (void)state;
    struct sched_unit *old = hog(256);
    harness_run(h, 10 * SEC);
    struct sched_unit *young = hog(256);
    assert_float_equal(service_within(young, SEC), SEC / 2, 20 * MS);
    assert_share(old, 50, 2);
}

static void test_no_affinity_slot_for_a_unit(void **state)
{
    struct sched_unit *u = (struct sched_unit *)(max_align_t[1024]){{0}};

    (void)state;
    assert_true(sched_unit_size() <= sizeof(max_align_t[1024]));
    struct sched_domain *d = harness_domain(h);
    list_init(&h->sched.free_affinities);
    assert_int_equal(sched_unit_init(u, d, 0, 0, 0), -SCHED_ENOMEM);
    assert_int_equal(d->nr_units, 0);
    assert_true(list_empty(&d->units));
    assert_true(list_empty(&h->pcpus[0]->units));
}

static void test_end_of_a_running_unit(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *v = hog(256);
    harness_run(h, 5 * MS);
    struct sched_unit *first = u->state == SCHED_RUNNING ? u : v, *other = first == u ? v : u;
    sched_unit_fini(first, h->now);
    assert_int_equal(first->state, SCHED_DETACHED);
    assert_null(first->home);
    assert_int_equal(h->due[0], h->now);
    assert_int_equal(service_within(other, SEC), SEC);
    sched_wake(first, h->now);
    sched_pause(first, h->now);
    sched_unpause(first, h->now);
    assert_int_equal(first->state, SCHED_DETACHED);
    sched_domain_fini(first->domain);
    assert_null(first->domain->pool);
}

static void test_end_of_all_units_frees_the_slots(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *v = hog(256);
    allow(u, 1);
    sched_unit_fini(u, h->now);
    sched_unit_fini(v, h->now);
    assert_true(list_empty(&h->pool->affinities));
    assert_true(heap_empty(&h->pool->index));
}

/* ---- pCPUs -------------------------------------------------------------------------------- */

static void test_pcpu_belongs_to_one_pool(void **state)
{
    (void)state;
    struct sched_pool *pool = harness_pool(h, "credit");
    assert_int_equal(sched_pool_add_pcpu(pool, h->pcpus[0], 0), -SCHED_EBUSY);
    assert_ptr_equal(h->pcpus[0]->pool, h->pool);
    assert_int_equal(pool->nr_cpus, 0);
}

static void test_refused_removals(void **state)
{
    (void)state;
    harness_hog(h);
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[0], 0, &why), -SCHED_EBUSY);
    assert_non_null(why.why);
    assert_ptr_equal(h->pcpus[0]->pool, h->pool);
    assert_true(mask_test(&h->pool->cpus, 0));
    struct sched_pcpu free_pcpu = {.id = 1};
    assert_int_equal(sched_pool_remove_pcpu(&free_pcpu, 0, &why), -SCHED_EINVAL);
}

static void test_last_pcpu_of_an_empty_pool_may_go(void **state)
{
    (void)state;
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[0], 0, &why), 0);
    assert_null(h->pcpus[0]->pool);
    assert_true(mask_empty(&h->pool->cpus) && mask_empty(&h->pool->idle));
    struct sched_decision d = sched_decide(h->pcpus[0], MS);
    assert_null(d.unit);
    assert_int_equal(d.until, SCHED_NEVER);
}

static void test_units_of_a_removed_pcpu_go_on_elsewhere(void **state)
{
    struct sched_unit *u[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        u[i] = hog(256);
    harness_run(h, 10 * MS);
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, &why), 0);
    assert_null(h->pcpus[1]->current);
    assert_true(list_empty(&h->pcpus[1]->units));
    assert_int_equal(h->pcpus[1]->nr_runnable, 0);
    harness_mark(h);
    harness_run(h, SEC);
    for (int i = 0; i < 4; i++)
        assert_share(u[i], 25, 2);
    assert_int_equal(sched_pool_add_pcpu(h->pool, h->pcpus[1], h->now), 0);
    harness_mark(h);
    harness_run(h, SEC);
    for (int i = 0; i < 4; i++)
        assert_share(u[i], 50, 2);
    assert_int_equal(h->wasted, 0);
}

static void test_pinned_units_of_a_removed_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = pinned_hog(256, 1), *v = hog(256);
    harness_run(h, 10 * MS);
    watch();
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[1], h->now, &why), 0);
    assert_int_equal(seen[SCHED_EV_AFFINITY_BROKEN], 1);
    assert_true(u->affinity_broken);
    assert_float_equal(service_within(u, SEC), SEC / 2, 20 * MS);
    assert_int_equal(sched_pool_add_pcpu(h->pool, h->pcpus[1], h->now), 0);
    assert_false(u->affinity_broken);
    assert_int_equal(service_within(u, SEC), SEC);
    assert_int_equal(runs_on(u), 1);
    assert_int_equal(runs_on(v), 0);
}

/* Rings hold at most 16 pCPUs of one socket, and each pCPU is in one. */
static void assert_rings(void)
{
    for (unsigned i = 0; i < h->nr_pcpus; i++) {
        unsigned n = 1;
        list_for_each(p, &h->pcpus[i]->cluster, struct sched_pcpu, cluster) {
            n++;
            assert_int_equal(p->socket, h->pcpus[i]->socket);
            assert_ptr_equal(p->pool, h->pcpus[i]->pool);
        }
        assert_in_range(n, 1, 16);
    }
}

static unsigned ring_size(unsigned id)
{
    unsigned n = 1;
    list_for_each(p, &h->pcpus[id]->cluster, struct sched_pcpu, cluster)
        n++;
    return n;
}

static void test_clusters(void **state)
{
    (void)state;
    assert_rings();
    assert_int_equal(ring_size(0), 16);
    assert_int_equal(ring_size(39), 8);
    assert_int_equal(sched_pool_remove_pcpu(h->pcpus[0], 0, &why), 0);
    assert_int_equal(ring_size(0), 1);
    assert_int_equal(ring_size(1), 15);
    h->pcpus[0]->socket = 1;
    assert_int_equal(sched_pool_add_pcpu(h->pool, h->pcpus[0], 0), 0);
    assert_int_equal(ring_size(0), 1); /* nobody else is in its socket */
    assert_rings();
}

static void test_end_of_a_pool_frees_its_pcpus(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    harness_run(h, MS);
    assert_int_equal(sched_pool_fini(h->pool, h->now), -SCHED_EBUSY);
    assert_int_equal(h->pool->nr_cpus, 2);
    sched_unit_fini(u, h->now);
    sched_domain_fini(u->domain);
    h->due[0] = h->due[1] = SCHED_NEVER;
    assert_int_equal(sched_pool_fini(h->pool, h->now), 0);
    assert_null(h->pcpus[0]->pool);
    assert_null(h->pcpus[1]->pool);
    assert_int_equal(h->due[0], h->now);
    assert_int_equal(h->due[1], h->now);
}

/* ---- affinity ----------------------------------------------------------------------------- */

static void test_running_unit_leaves_a_forbidden_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    harness_run(h, MS);
    unsigned id = u->home->id;
    allow(u, 1U << (1 - id));
    assert_int_equal(u->home->id, 1 - id);
    assert_int_equal(service_within(u, SEC), SEC);
    assert_int_equal(runs_on(u), 1 - (int)id);
}

static void test_refused_affinity_leaves_all_unchanged(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    const struct mask outside = mask_of(0xf0);
    prefer(u, 1);
    harness_run(h, MS);
    assert_int_equal(sched_set_affinity(u, &outside, &outside, h->now, &why), -SCHED_EINVAL);
    assert_non_null(why.why);
    assert_true(u->has_soft && mask_test(&u->soft, 0) && mask_test(&u->hard, 0));
    assert_int_equal(runs_on(u), 0);
    const struct mask none = mask_of(0);
    assert_int_equal(sched_set_affinity(u, &none, NULL, h->now, NULL), -SCHED_EINVAL);
}

static void test_affinity_is_taken_back(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    allow(u, 1);
    assert_int_equal(sched_set_affinity(u, NULL, NULL, h->now, NULL), 0);
    assert_int_equal(u->affinity->width, 2);
    assert_false(u->has_soft);
}

static void test_sleepers_and_paused_units_stay_asleep(void **state)
{
    (void)state;
    struct sched_unit *asleep = harness_unit(h, NULL, HARNESS_IDLE, 0, 0), *paused = hog(256);
    sched_pause(paused, h->now);
    allow(asleep, 2);
    allow(paused, 2);
    assert_int_equal(asleep->state, SCHED_BLOCKED);
    assert_int_equal(paused->state, SCHED_BLOCKED);
    assert_int_equal(asleep->home->id, 1);
}

/* ---- from pool to pool -------------------------------------------------------------------- */

static void test_pool_without_pcpus_takes_no_domain(void **state)
{
    (void)state;
    struct sched_pool *pool = harness_pool(h, "credit");
    struct sched_unit *u = harness_hog(h);
    struct sched_domain d;
    harness_run(h, MS);
    assert_int_equal(move(u, pool), -SCHED_EBUSY);
    assert_non_null(why.why);
    assert_ptr_equal(u->domain->pool, h->pool);
    assert_int_equal(u->state, SCHED_RUNNING);
    assert_int_equal(sched_domain_init(&d, 9, pool, false, h->now), -SCHED_EBUSY);
    assert_true(list_empty(&pool->domains));
}

static void test_move_to_its_own_pool_is_none(void **state)
{
    (void)state;
    struct sched_unit *u = hog(512);
    harness_run(h, MS);
    assert_int_equal(move(u, h->pool), 0);
    assert_int_equal(u->state, SCHED_RUNNING);
    assert_int_equal(u->domain->value[0], 512);
}

static void test_domain_moves_while_it_runs(void **state)
{
    (void)state;
    struct sched_unit *u = hog(512), *v = hog(256);
    harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    struct sched_unit *asleep = harness_unit(h, u->domain, HARNESS_IDLE, 0, 0);
    struct sched_unit *paused = harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    sched_pause(paused, h->now);
    set(u, "cap", 60);
    harness_run(h, 10 * MS);
    struct sched_pool *pool = second_pool("credit");
    assert_int_equal(move(u, pool), 0);
    assert_ptr_equal(u->home, h->pcpus[1]);
    assert_int_equal(u->domain->value[0], 512); /* credit has these too */
    assert_int_equal(u->domain->value[1], 60);
    assert_int_equal(asleep->state, SCHED_BLOCKED);
    assert_int_equal(paused->state, SCHED_BLOCKED);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_share(u, 30, 0.5);
    assert_share(v, 100, 0);
    sched_wake(asleep, h->now);
    assert_true(service_within(asleep, SEC) > 150 * MS);
}

static void test_move_forgets_what_the_new_policy_lacks(void **state)
{
    (void)state;
    struct sched_unit *u = hog(512);
    struct sched_pool *pool = second_pool("rrobin");
    assert_int_equal(move(u, pool), 0);
    assert_int_equal(move(u, h->pool), 0);
    assert_int_equal(u->domain->value[0], 256);
    assert_int_equal(service_within(u, SEC), SEC);
}

static void test_pinned_unit_moves_to_a_pool_without_its_pcpu(void **state)
{
    (void)state;
    struct sched_unit *u = pinned_hog(256, 0);
    struct sched_pool *pool = second_pool("credit2");
    assert_int_equal(move(u, pool), 0);
    assert_true(u->affinity_broken);
    assert_int_equal(service_within(u, SEC), SEC);
    assert_int_equal(move(u, h->pool), 0);
    assert_false(u->affinity_broken);
    assert_int_equal(u->home->id, 0);
}

static void test_reservation_is_left_behind(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 60 * MS), 0);
    struct sched_pcpu *from = u->home;
    if (from->id == 1)
        allow(u, 1);
    struct sched_pool *pool = second_pool("credit2");
    assert_int_equal(move(u, pool), 0);
    assert_int_equal(h->pcpus[0]->reserved, 0);
    assert_int_equal(u->reserved, 0);
    assert_false(u->bound);
}

/* ---- from policy to policy ---------------------------------------------------------------- */

static void test_unknown_policy_changes_nothing(void **state)
{
    (void)state;
    struct sched_unit *u = hog(512);
    harness_run(h, MS);
    assert_int_equal(sched_pool_switch(h->pool, NULL, h->now, &why), -SCHED_ENOENT);
    assert_non_null(why.why);
    assert_string_equal(h->pool->policy->opt_name, "credit2");
    assert_int_equal(u->domain->value[0], 512);
}

static void switch_to(const struct sched_policy *policy)
{
    assert_int_equal(sched_pool_switch(h->pool, policy, h->now, &why), 0);
    assert_ptr_equal(h->pool->policy, policy);
}

/* Hogs, sleepers, a paused and a capped unit, through all policies: none idles, none is lost. */
static void test_all_policies_take_over_running_units(void **state)
{
    (void)state;
    struct sched_unit *paused = hog(256), *u = hog(256);
    hog(512);
    pinned_hog(256, 1);
    harness_unit(h, NULL, HARNESS_CYCLE, MS, 3 * MS);
    sched_pause(paused, h->now);
    for (int i = 0; i < 40; i++) {
        const struct sched_policy *policy = sched_policies[i * 7 % 10];
        switch_to(policy);
        harness_mark(h);
        harness_run(h, 100 * MS);
        assert_int_equal(harness_service(h, paused), 0);
        if (strcmp(policy->opt_name, "arinc653")) /* which has no table yet */
            assert_int_equal(total_service(), 200 * MS);
    }
    switch_to(&sched_credit2);
    assert_true(service_within(u, SEC) > 200 * MS);
}

static void test_switch_keeps_weights_and_caps(void **state)
{
    (void)state;
    struct sched_unit *u = hog(700);
    set(u, "cap", 30);
    harness_run(h, 10 * MS);
    switch_to(&sched_credit);
    assert_int_equal(u->domain->value[0], 700);
    assert_int_equal(u->domain->value[1], 30);
    harness_mark(h);
    harness_run(h, 10 * SEC);
    assert_share(u, 30, 0.25);
}

static void test_switch_restores_the_other_defaults(void **state)
{
    (void)state;
    set_pool("ratelimit", 7 * MS);
    switch_to(&sched_rrobin);
    switch_to(&sched_credit2);
    assert_int_equal(h->pool->value[0], 1 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_have_room_for_any_policy),
        ON("credit2", 1, test_policy_data_is_aligned),
        ON("credit2", 4, test_a_new_unit_sleeps_and_may_go_anywhere),
        ON("credit2", 1, test_newcomer_shares_from_its_start),
        ON("credit2", 1, test_no_affinity_slot_for_a_unit),
        ON("credit2", 1, test_end_of_a_running_unit),
        ON("credit2", 2, test_end_of_all_units_frees_the_slots),
        ON("credit2", 1, test_pcpu_belongs_to_one_pool),
        ON("credit2", 1, test_refused_removals),
        ON("credit2", 1, test_last_pcpu_of_an_empty_pool_may_go),
        ON("credit2", 2, test_units_of_a_removed_pcpu_go_on_elsewhere),
        ON("credit2", 2, test_pinned_units_of_a_removed_pcpu),
        ON("credit2", 40, test_clusters),
        ON("credit2", 2, test_end_of_a_pool_frees_its_pcpus),
        ON("credit2", 2, test_running_unit_leaves_a_forbidden_pcpu),
        ON("credit2", 2, test_refused_affinity_leaves_all_unchanged),
        ON("credit2", 2, test_affinity_is_taken_back),
        ON("credit2", 2, test_sleepers_and_paused_units_stay_asleep),
        ON("credit2", 1, test_pool_without_pcpus_takes_no_domain),
        ON("credit2", 1, test_move_to_its_own_pool_is_none),
        ON("credit2", 2, test_domain_moves_while_it_runs),
        ON("credit2", 2, test_move_forgets_what_the_new_policy_lacks),
        ON("credit2", 2, test_pinned_unit_moves_to_a_pool_without_its_pcpu),
        ON("sedf", 2, test_reservation_is_left_behind),
        ON("credit2", 1, test_unknown_policy_changes_nothing),
        ON("credit2", 2, test_all_policies_take_over_running_units),
        ON("credit2", 1, test_switch_keeps_weights_and_caps),
        ON("credit2", 1, test_switch_restores_the_other_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
