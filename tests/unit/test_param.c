/* Setting parameters: defaults, refusals that change nothing, and changes under running units. */
#include <string.h>

#include "../../sched/param.h"
#include "fixture.h"

static struct sched_refusal why;

static int refuse_begin(void **state)
{
    why = (struct sched_refusal){0};
    return fixture_begin(state);
}

/* What a change might touch, of one unit and what it belongs to. */
struct snapshot {
    int64_t pool[SCHED_MAX_PARAMS], domain[SCHED_MAX_PARAMS], unit[SCHED_MAX_PARAMS];
    struct sched_budget budget;
    enum sched_state state;
    const struct sched_pcpu *home;
    uint32_t den;
    int64_t vtime;
    uint64_t reserved;
    sched_time since, service;
};

static void take(struct snapshot *s, const struct sched_unit *u)
{
    memset(s, 0, sizeof *s);
    memcpy(s->pool, u->domain->pool->value, sizeof s->pool);
    memcpy(s->domain, u->domain->value, sizeof s->domain);
    memcpy(s->unit, u->value, sizeof s->unit);
    memcpy(&s->budget, &u->domain->budget, sizeof s->budget);
    s->state = u->state;
    s->home = u->home;
    s->den = u->share_den;
    s->vtime = u->vtime;
    s->reserved = u->reserved;
    s->since = u->home->since;
    s->service = u->service;
}

static void assert_unchanged(const struct snapshot *before, const struct sched_unit *u)
{
    struct snapshot after;
    take(&after, u);
    assert_memory_equal(before, &after, sizeof after);
}

/* ---- defaults ----------------------------------------------------------------------------- */

static void test_defaults_of_every_policy(void **state)
{
    (void)state;
    for (int i = 0; sched_policies[i]; i++) {
        const struct sched_policy *policy = sched_policies[i];
        for (int scope = SCHED_PARAM_POOL; scope <= SCHED_PARAM_UNIT; scope++) {
            int64_t value[SCHED_MAX_PARAMS + 1] = {0};
            unsigned n = 0;
            value[SCHED_MAX_PARAMS] = 4711;
            param_defaults(policy, (enum sched_scope)scope, value);
            for (unsigned k = 0; k < policy->nr_params; k++)
                if (policy->params[k].scope == (enum sched_scope)scope)
                    assert_int_equal(value[n++], policy->params[k].def);
            assert_int_equal(value[SCHED_MAX_PARAMS], 4711);
        }
    }
}

static void test_new_objects_have_the_defaults(void **state)
{
    (void)state;
    struct sched_unit *u = harness_unit(h, NULL, HARNESS_IDLE, 0, 0);
    assert_int_equal(h->pool->value[0], 1 * MS);
    assert_int_equal(u->domain->value[0], 256);
    assert_int_equal(u->domain->value[1], 0);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void assert_refused(struct sched_unit *u, int64_t weight, int64_t cap, const char *param,
                           int64_t limit)
{
    const int64_t value[] = {weight, cap};
    struct snapshot before;

    take(&before, u);
    assert_int_equal(sched_domain_set(u->domain, value, h->now, &why), -SCHED_EINVAL);
    assert_string_equal(why.param, param);
    assert_non_null(why.why);
    assert_int_equal(why.limit, limit);
    assert_int_equal(sched_domain_set(u->domain, value, h->now, NULL), -SCHED_EINVAL);
    assert_unchanged(&before, u);
}

static void test_refused_domain_set_leaves_all_unchanged(void **state)
{
    (void)state;
    struct sched_unit *u = hog(300);
    set(u, "cap", 50);
    harness_run(h, 123 * US);
    assert_refused(u, 0, 20, "weight", 1);
    assert_refused(u, 65536, 20, "weight", 65535);
    assert_refused(u, 512, -1, "cap", 0);
    assert_refused(u, 512, 101, "cap", 100); /* by the policy: more than its units can use */
}

static void test_refused_pool_set_leaves_all_unchanged(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    struct snapshot before;
    harness_run(h, 5 * MS);
    take(&before, u);
    const int64_t crossed[] = {10 * MS, 20 * MS, 1}, large[] = {2 * SEC, 0, 1};
    assert_int_equal(sched_pool_set(h->pool, crossed, h->now, &why), -SCHED_EINVAL);
    assert_string_equal(why.param, "ratelimit");
    assert_int_equal(sched_pool_set(h->pool, large, h->now, &why), -SCHED_EINVAL);
    assert_string_equal(why.param, "tslice");
    assert_int_equal(why.limit, SEC);
    assert_unchanged(&before, u);
}

static void test_refused_reservation_leaves_all_unchanged(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h), *v = harness_unit(h, u->domain, HARNESS_HOG, 0, 0);
    const int64_t fits[] = {100 * MS, 30 * MS, 0, 1, 0}, not [] = {100 * MS, 51 * MS, 0, 1, 0};
    assert_int_equal(sched_domain_set_units(u->domain, fits, h->now, &why), 0);
    harness_run(h, 40 * MS);
    struct snapshot before[2];
    take(&before[0], u);
    take(&before[1], v);
    assert_int_equal(sched_domain_set_units(u->domain, not, h->now, &why), -SCHED_ENOSPC);
    assert_int_equal(sched_unit_set(u, (const int64_t[]){MS, 2 * MS, 0, 1, 0}, h->now, &why),
                     -SCHED_EINVAL);
    assert_string_equal(why.param, "slice");
    assert_unchanged(&before[0], u);
    assert_unchanged(&before[1], v);
}

static void test_only_arinc653_takes_a_table(void **state)
{
    (void)state;
    assert_int_equal(sched_set_table(h->pool, SEC, NULL, 0, h->now, &why), -SCHED_EINVAL);
    assert_null(why.param);
    assert_non_null(why.why);
}

/* ---- what is told to the policy ----------------------------------------------------------- */

/* Round robin with parameters of all scopes, that looks at what it is told. */
static struct sched_policy probe;
static struct sched_change told;
static unsigned checks, changes, busy;
static int answer;

static const struct sched_param probe_params[] = {
    {"slice", SCHED_PARAM_POOL, SCHED_TIME_NS, 10 * US, 10 * SEC, MS, ""},
    {"historic", SCHED_PARAM_POOL, SCHED_BOOL, 0, 1, 0, ""},
    {"p", SCHED_PARAM_DOMAIN, SCHED_COUNT, 0, 9, 5, ""},
    {"q", SCHED_PARAM_UNIT, SCHED_COUNT, 0, 9, 6, ""},
};

static int probe_check(const struct sched_change *c, struct sched_refusal *reason)
{
    checks++;
    told = *c;
    return answer ? refuse(reason, answer, "p", "is odd", 3) : 0;
}

static bool concerned(const struct sched_change *c, const struct sched_unit *u)
{
    return !c->domain || (u->domain == c->domain && (!c->unit || c->unit == u));
}

static void probe_changed(const struct sched_change *c, sched_time now)
{
    (void)now;
    changes++;
    told = *c;
    busy = 0;
    for (unsigned i = 0; i < h->nr_units; i++)
        busy += concerned(c, h->units[i].unit) && h->units[i].unit->state != SCHED_BLOCKED;
}

static int probe_begin(void **state)
{
    probe = sched_rrobin;
    probe.params = probe_params;
    probe.nr_params = 4;
    probe.check = probe_check;
    probe.changed = probe_changed;
    checks = changes = 0;
    answer = 0;
    refuse_begin(state);
    return sched_pool_switch(h->pool, &probe, 0, NULL);
}

static struct sched_unit *a, *b, *c;

/* Two units in one domain, one in another, on one pCPU. */
static void run_three(void)
{
    a = harness_hog(h);
    b = harness_unit(h, a->domain, HARNESS_HOG, 0, 0);
    c = harness_hog(h);
    harness_run(h, 500 * US);
    checks = changes = 0;
}

static void assert_told(enum sched_scope scope, const struct sched_domain *d,
                        const struct sched_unit *u)
{
    assert_int_equal(checks, 1);
    assert_int_equal(changes, 1);
    assert_int_equal(told.scope, scope);
    assert_ptr_equal(told.pool, h->pool);
    assert_ptr_equal(told.domain, d);
    assert_ptr_equal(told.unit, u);
    assert_int_equal(busy, 0); /* no unit that it concerns was queued or ran meanwhile */
    for (unsigned i = 0; i < h->nr_units; i++)
        assert_true(h->units[i].unit->state >= SCHED_WAITING);
}

static void test_pool_change(void **state)
{
    (void)state;
    run_three();
    assert_int_equal(sched_pool_set(h->pool, (const int64_t[]){2 * MS, 1}, h->now, NULL), 0);
    assert_told(SCHED_PARAM_POOL, NULL, NULL);
    assert_int_equal(h->pool->value[0], 2 * MS);
    assert_int_equal(h->pool->value[1], 1);
}

static void test_domain_change(void **state)
{
    (void)state;
    run_three();
    assert_int_equal(sched_domain_set(a->domain, (const int64_t[]){7}, h->now, NULL), 0);
    assert_told(SCHED_PARAM_DOMAIN, a->domain, NULL);
    assert_int_equal(a->domain->value[0], 7);
    assert_int_equal(c->domain->value[0], 5);
}

static void test_change_of_a_domain_s_units(void **state)
{
    (void)state;
    run_three();
    assert_int_equal(sched_domain_set_units(a->domain, (const int64_t[]){8}, h->now, NULL), 0);
    assert_told(SCHED_PARAM_UNIT, a->domain, NULL);
    assert_int_equal(a->value[0], 8);
    assert_int_equal(b->value[0], 8);
    assert_int_equal(c->value[0], 6);
}

static void test_change_of_one_unit(void **state)
{
    (void)state;
    run_three();
    assert_int_equal(sched_unit_set(b, (const int64_t[]){9}, h->now, NULL), 0);
    assert_told(SCHED_PARAM_UNIT, b->domain, b);
    assert_int_equal(a->value[0], 6);
    assert_int_equal(b->value[0], 9);
}

static void test_policy_may_refuse(void **state)
{
    (void)state;
    run_three();
    answer = SCHED_EBUSY;
    assert_int_equal(sched_domain_set(a->domain, (const int64_t[]){7}, h->now, &why), -SCHED_EBUSY);
    assert_string_equal(why.param, "p");
    assert_int_equal(why.limit, 3);
    assert_int_equal(sched_unit_set(b, (const int64_t[]){9}, h->now, NULL), -SCHED_EBUSY);
    assert_int_equal(changes, 0);
    assert_int_equal(a->domain->value[0], 5);
    assert_int_equal(b->value[0], 6);
    assert_int_equal(a->state, SCHED_RUNNING);
}

/* Ranges come first: the policy sees values that are within them. */
static void test_policy_is_not_asked_about_values_out_of_range(void **state)
{
    (void)state;
    run_three();
    assert_int_equal(sched_unit_set(b, (const int64_t[]){10}, h->now, &why), -SCHED_EINVAL);
    assert_string_equal(why.param, "q");
    assert_int_equal(checks, 0);
}

/* ---- under running units ------------------------------------------------------------------ */

static void test_new_weight_applies_at_once(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256), *v = hog(256);
    harness_run(h, SEC);
    set(u, "weight", 768);
    harness_mark(h);
    harness_run(h, SEC);
    assert_share(u, 75, 1);
    assert_share(v, 25, 1);
}

static void test_change_wakes_nobody(void **state)
{
    (void)state;
    struct sched_unit *asleep = harness_unit(h, NULL, HARNESS_IDLE, 0, 0), *paused = hog(256);
    sched_pause(paused, h->now);
    set(asleep, "weight", 512);
    set(paused, "weight", 512);
    set_pool("ratelimit", 2 * MS);
    assert_int_equal(asleep->state, SCHED_BLOCKED);
    assert_int_equal(paused->state, SCHED_BLOCKED);
    assert_int_equal(service_within(paused, SEC), 0);
}

static void test_higher_cap_frees_parked_units(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    set(u, "cap", 1);
    while (u->state != SCHED_PARKED)
        harness_run(h, MS);
    set(u, "cap", 0);
    assert_int_equal(service_within(u, SEC), SEC);
}

/* ---- reservations ------------------------------------------------------------------------- */

static void test_nothing_to_ask_without_reservations(void **state)
{
    (void)state;
    struct sched_unit *u = hog(256);
    const struct admission_query q = {.pool = h->pool, .leaving = h->pcpus[0]};
    assert_int_equal(reserve_ask(&q, &why), 0);
    reserve_apply(h->pool);
    assert_false(u->bound);
}

static void test_admission_switch_is_asked(void **state)
{
    (void)state;
    const int64_t half[] = {100 * MS, 60 * MS, 0, 1, 0};
    struct sched_unit *u = harness_hog(h), *v = harness_hog(h);
    assert_int_equal(sched_unit_set(u, half, h->now, &why), 0);
    assert_int_equal(sched_unit_set(v, half, h->now, &why), -SCHED_ENOSPC);
    set_pool("admission", 0);
    assert_int_equal(sched_unit_set(v, half, h->now, &why), 0);
    set_pool("admission", 1);
    assert_int_equal(sched_unit_set(v, half, h->now, &why), -SCHED_ENOSPC);
}

static void test_a_reservation_binds_and_its_end_unbinds(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 40 * MS), 0);
    assert_true(u->bound);
    assert_int_equal(u->home->reserved, util_ratio(40, 100));
    assert_int_equal(harness_set(h, SCHED_PARAM_UNIT, u, "slice", 0), 0);
    assert_false(u->bound);
    assert_int_equal(u->home->reserved, 0);
}

/* ---- across a change of policy ------------------------------------------------------------ */

static void test_weight_and_cap_are_kept(void **state)
{
    (void)state;
    struct sched_unit *u = hog(700);
    set(u, "cap", 40);
    struct kept_params kept = param_keep(u->domain);
    assert_int_equal(kept.weight, 700);
    assert_int_equal(kept.cap, 40);
    param_restore(u->domain, &(struct kept_params){.weight = 100, .cap = -1}, h->now);
    assert_int_equal(u->domain->value[0], 100);
    assert_int_equal(u->domain->value[1], 40);
    assert_int_equal(u->share_den, 100);
}

static void test_policy_without_weights_keeps_nothing(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    struct kept_params kept = param_keep(u->domain);
    assert_int_equal(kept.weight, -1);
    assert_int_equal(kept.cap, -1);
    param_restore(u->domain, &(struct kept_params){.weight = 100, .cap = 30}, h->now);
    assert_int_equal(u->domain->budget.depth, 0);
}

static void test_kept_values_out_of_range_are_dropped(void **state)
{
    (void)state;
    struct sched_unit *u = harness_hog(h);
    param_restore(u->domain, &(struct kept_params){.weight = 70000, .cap = 40}, h->now);
    assert_int_equal(u->domain->value[0], 256);
    assert_int_equal(u->domain->value[1], 40);
    param_restore(u->domain, &(struct kept_params){.weight = 700, .cap = 200}, h->now);
    assert_int_equal(u->domain->value[0], 700);
    assert_int_equal(u->domain->value[1], 40);
}

#define WITH(policy, begin, test)                                                                  \
    cmocka_unit_test_prestate_setup_teardown(test, begin, fixture_end,                             \
                                             (&(struct fixture){policy, 1}))

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_of_every_policy),
        ON("credit2", 1, test_new_objects_have_the_defaults),
        WITH("credit2", refuse_begin, test_refused_domain_set_leaves_all_unchanged),
        WITH("credit", refuse_begin, test_refused_domain_set_leaves_all_unchanged),
        WITH("credit", refuse_begin, test_refused_pool_set_leaves_all_unchanged),
        WITH("sedf", refuse_begin, test_refused_reservation_leaves_all_unchanged),
        WITH("credit2", refuse_begin, test_only_arinc653_takes_a_table),
        WITH("rrobin", probe_begin, test_pool_change),
        WITH("rrobin", probe_begin, test_domain_change),
        WITH("rrobin", probe_begin, test_change_of_a_domain_s_units),
        WITH("rrobin", probe_begin, test_change_of_one_unit),
        WITH("rrobin", probe_begin, test_policy_may_refuse),
        WITH("rrobin", probe_begin, test_policy_is_not_asked_about_values_out_of_range),
        ON("credit2", 1, test_new_weight_applies_at_once),
        ON("credit2", 1, test_change_wakes_nobody),
        ON("credit2", 1, test_higher_cap_frees_parked_units),
        ON("credit2", 1, test_nothing_to_ask_without_reservations),
        ON("sedf", 1, test_admission_switch_is_asked),
        ON("sedf", 1, test_a_reservation_binds_and_its_end_unbinds),
        ON("credit2", 1, test_weight_and_cap_are_kept),
        ON("rrobin", 1, test_policy_without_weights_keeps_nothing),
        ON("credit2", 1, test_kept_values_out_of_range_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
