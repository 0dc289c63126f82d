/* The rules of balloond and the words in them. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include "../../tools/balloon/rules.h"

#define MIB 1024

static struct arena memory;
static struct rules rules;

static bool load(const char *text)
{
    arena_free(&memory);
    rules_init(&rules);
    return rules_load(&memory, &rules, file_with("rules", text));
}

static void assert_refused(const char *text, const char *because)
{
    said_begin();
    bool ok = load(text);
    said_end();
    assert_false(ok);
    assert_said(because);
}

static void test_amounts(void **state)
{
    const struct {
        const char *text;
        int64_t kib;
    } right[] = {
        {"64M", 64 * MIB}, {"1.5G", 1536 * MIB}, {"512K", 512}, {"64T", BALLOON_MEMORY_MAX}};
    const char *const wrong[] = {"",    "64",  "M",     "64m", "64MB",
                                 "-1M", "65T", "1e99G", "inf", "nanM"};
    struct memory_text shown;
    struct problem p;
    int64_t kib;

    (void)state;
    for (unsigned i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(memory_parse(right[i].text, &kib, &p));
        assert_int_equal(kib, right[i].kib);
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(memory_parse(wrong[i], &kib, &p));
    assert_string_equal(memory_show(96 * MIB, &shown), "96M");
    assert_string_equal(memory_show(1536, &shown), "1.5M");
    assert_string_equal(memory_show(12 * MIB * MIB, &shown), "12.0G");
}

static void test_parameters(void **state)
{
    (void)state;
    assert_true(load("# nothing said\n\n"));
    assert_int_equal(rules.params.tax, balloon_defaults.tax);
    assert_true(
        load("reserve 64M\ntax 75% # a comment\ncalm 1min\nquiet 5%\npatience 4s\nstale 6s\n"));
    assert_int_equal(rules.params.reserve, 64 * MIB);
    assert_int_equal(rules.params.tax, 750);
    assert_int_equal(rules.params.calm, 60000);
    assert_int_equal(rules.params.quiet, 50);
    assert_int_equal(rules.params.patience, 4000);
    assert_int_equal(rules.params.stale, 6000);
    assert_refused("tax 100%", "rules:1: tax: 100% is out of range; use 0% to 99.9%");
    assert_refused("calm 30", "calm: ");
    assert_refused("reserve lots", "'lots' is no amount of memory");
    assert_refused("tax", "'tax' is not understood");
    assert_refused("\nhost 3G", "rules:2: 'host' is not understood");
}

static void test_domains(void **state)
{
    struct balloon_domain d = {0};

    (void)state;
    assert_true(load("domain web-1 min=64M max=256M\ndomain web* min=96M weight=512\n"));
    assert_string_equal(rules_find(&rules, "web-1")->name, "web-1");
    assert_string_equal(rules_find(&rules, "web-2")->name, "web*");
    assert_null(rules_find(&rules, "db"));
    rule_apply(rules_find(&rules, "web-2"), 512 * MIB, &d);
    assert_int_equal(d.guarantee, 96 * MIB);
    assert_int_equal(d.ceiling, 512 * MIB);
    assert_int_equal(d.weight, 512);
    rule_apply(rules_find(&rules, "web-1"), 32 * MIB, &d);
    assert_int_equal(d.ceiling, 32 * MIB);
    assert_int_equal(d.guarantee, 32 * MIB);
    rule_apply(NULL, 512 * MIB, &d);
    assert_int_equal(d.guarantee, 128 * MIB);
    assert_int_equal(d.weight, 256);
    assert_refused("domain", "a domain has no name");
    assert_refused("domain web min=1G max=512M", "min=1024M is above max=512M");
    assert_refused("domain web weight=0", "weight: 0 is out of range; use 1 to 65535");
    assert_refused("domain web mem=1G", "'mem' is not understood; use min=, max= or weight=");
    assert_refused("domain web min", "'min' is not understood");
}

static void test_no_file(void **state)
{
    (void)state;
    said_begin();
    bool ok = rules_load(&memory, &rules, "/nowhere/rules");
    said_end();
    assert_false(ok);
    assert_said("/nowhere/rules: can not be opened");
}

static int end(void **state)
{
    arena_free(&memory);
    return files_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
