/* Command lines of sched-*: options by name, and the xm commands' positions and units. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include "../../sched/policy.h"
#include "../../tools/cli/request.h"
#include "sample_policy.h"

#define MAX_ARGS 16

static struct request request;

/* Blanks part the words. */
static bool parse(const char *text)
{
    char copy[256], *argv[MAX_ARGS + 1], *save;
    int argc = 0;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;

    const struct sched_command *c = sched_command_named(argv[0]);
    assert_non_null(c);
    struct policy p = sample_policy(c->policy);
    return request_parse(c, &p, argc, argv, &request);
}

static void assert_refused(const char *text, const char *because)
{
    said_begin();
    bool ok = parse(text);
    said_end();
    assert_false(ok);
    assert_said(because);
}

/* The values given in a scope, in order; those not given must be -1 in `want`. */
static void assert_values(const char *policy, enum moirai_scope scope, unsigned n,
                          const int64_t *want)
{
    struct policy p = sample_policy(policy);
    int64_t value[MOIRAI_VALUES] = {0};
    uint32_t set = request_values(&request, &p, scope, value);

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(set >> i & 1, want[i] != -1);
        if (want[i] != -1)
            assert_int_equal(value[i], want[i]);
    }
    assert_int_equal(set >> n, 0);
}

/* ---- positions, with the units of old ------------------------------------------------------ */

static void bvt_as_xm_had_it(void **state)
{
    (void)state;
    assert_true(parse("sched-bvt web 5 1 -10 2000 1000"));
    assert_non_null(request.domain);
    assert_values("bvt", MOIRAI_SCOPE_DOMAIN, 5, (int64_t[]){5, 1, -10, 2000 * MS, 1000 * MS});
    assert_values("bvt", MOIRAI_SCOPE_POOL, 2, (int64_t[]){-1, -1});
}

static void sedf_and_atropos_are_in_ns(void **state)
{
    (void)state;
    assert_true(parse("sched-sedf web 20000000 5000000 0 1 256"));
    assert_values("sedf", MOIRAI_SCOPE_VCPU, 5, (int64_t[]){20 * MS, 5 * MS, 0, 1, 256});
    assert_true(parse("sched-atropos web 20000000 5000000 10000000 0"));
    assert_values("atropos", MOIRAI_SCOPE_VCPU, 4, (int64_t[]){20 * MS, 5 * MS, 10 * MS, 0});
    assert_true(parse("sched-fbvt web 20 7 1000 2000"));
    assert_values("fbvt", MOIRAI_SCOPE_DOMAIN, 4, (int64_t[]){20, 7, 1000, 2000});
}

static void pool_commands_have_one_value(void **state)
{
    (void)state;
    assert_true(parse("sched-rr 5000000"));
    assert_values("rrobin", MOIRAI_SCOPE_POOL, 2, (int64_t[]){5 * MS, -1});
    assert_true(parse("sched-bvt-ctxallow 300000"));
    assert_values("bvt", MOIRAI_SCOPE_POOL, 2, (int64_t[]){300 * US, -1});
    assert_true(parse("sched-fbvt-ctxallow 3ms"));
    assert_values("fbvt", MOIRAI_SCOPE_POOL, 2, (int64_t[]){3 * MS, -1});
    assert_null(request.domain);
    assert_refused("sched-rr 5000000 1", "'1' is too much; use: sched-rr slice");
}

static void a_domain_alone_sets_nothing(void **state)
{
    (void)state;
    assert_true(parse("sched-bvt web"));
    assert_non_null(request.domain);
    assert_int_equal(request.given, 0);
    assert_true(parse("sched-bvt"));
    assert_null(request.domain);
}

static void positions_are_all_or_none(void **state)
{
    (void)state;
    assert_refused("sched-bvt web 5 1", "sched-bvt DOMAIN mcuadv warpback warpvalue warpl warpu");
    assert_refused("sched-bvt web 5 1 0 0 0 9", "DOMAIN mcuadv warpback");
    assert_refused("sched-bvt 1 2 3 4 5 6 7 8 9 10", "is too much");
    assert_refused("sched-bvt -d web other", "'other': the domain is given by its option already");
}

/* ---- options ------------------------------------------------------------------------------- */

static void each_parameter_is_an_option(void **state)
{
    (void)state;
    assert_true(parse("sched-bvt --domain web --mcuadv=7 --warpl 5ms --historic 1 --pool p"));
    assert_values("bvt", MOIRAI_SCOPE_DOMAIN, 5, (int64_t[]){7, -1, -1, 5 * MS, -1});
    assert_values("bvt", MOIRAI_SCOPE_POOL, 2, (int64_t[]){-1, 1});
    assert_non_null(request.pool);
    assert_true(parse("sched-bvt web --mcuadv 8"));
    assert_values("bvt", MOIRAI_SCOPE_DOMAIN, 5, (int64_t[]){8, -1, -1, -1, -1});
}

static void options_want_units(void **state)
{
    (void)state;
    assert_refused("sched-sedf -d web --period 20000000", "period: '20000000' has no unit");
    assert_refused("sched-sedf -d web --period 20m", "'20m' is not a time");
}

static void xl_letters_have_its_units(void **state)
{
    (void)state;
    assert_true(parse("sched-credit -d web -w 512 -c 25 -p pool"));
    assert_values("credit", MOIRAI_SCOPE_DOMAIN, 2, (int64_t[]){512, 25});
    assert_non_null(request.pool);
    assert_true(parse("sched-credit -s -t 10 -r 500"));
    assert_values("credit", MOIRAI_SCOPE_POOL, 3, (int64_t[]){10 * MS, 500 * US, -1});
    assert_true(parse("sched-rtds -d web -v 1 -p 10000 -b 4000 -e 0"));
    assert_values("rtds", MOIRAI_SCOPE_VCPU, 3, (int64_t[]){10 * MS, 4 * MS, 0});
    assert_non_null(request.vcpu);
    assert_true(parse("sched-credit2 -d web --weight 300"));
    assert_values("credit2", MOIRAI_SCOPE_DOMAIN, 2, (int64_t[]){300, -1});
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    assert_refused("sched-bvt -d web --mcuadw 5", "no option '--mcuadw'; did you mean mcuadv?");
    assert_refused("sched-bvt -d web -w 5", "there is no option '-w'");
    assert_refused("sched-bvt -d", "-d needs a value");
    assert_refused("sched-bvt -d web --mcuadv", "--mcuadv needs a value");
    assert_refused("sched-bvt -d web --mcuadv many", "mcuadv: 'many' is not a whole number");
    assert_refused("sched-bvt -d web --mcuadv 0", "mcuadv: 0 is out of range; use 1 to 10000000");
}

static void help_is_an_option(void **state)
{
    (void)state;
    assert_true(parse("sched-bvt --help"));
    assert_true(request.help);
    assert_null(sched_command_named("sched-none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bvt_as_xm_had_it),
        cmocka_unit_test(sedf_and_atropos_are_in_ns),
        cmocka_unit_test(pool_commands_have_one_value),
        cmocka_unit_test(a_domain_alone_sets_nothing),
        cmocka_unit_test(positions_are_all_or_none),
        cmocka_unit_test(each_parameter_is_an_option),
        cmocka_unit_test(options_want_units),
        cmocka_unit_test(xl_letters_have_its_units),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(help_is_an_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
