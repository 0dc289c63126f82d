/* Domain configs of xl: which keys, which values, on which lines. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/xlcfg.h"
#include "said.h"

static struct arena memory;
static struct key_value *list;
static unsigned nr;

static bool read_text(const char *text)
{
    bool ok;

    list = NULL;
    nr = 0;
    said_begin();
    ok = xlcfg_read(&memory, file_with("a.cfg", text), (struct place){"x.scn", 7}, &list, &nr);
    said_end();
    return ok;
}

static const struct key_value *key(const char *name)
{
    for (unsigned i = 0; i < nr; i++)
        if (!strcmp(list[i].key, name))
            return &list[i];
    fail_msg("no key %s", name);
    return NULL;
}

static int forget(void **state)
{
    (void)state;
    arena_free(&memory);
    return 0;
}

static void reads_strings_numbers_lists(void **state)
{
    (void)state;
    assert_true(read_text("name = \"web\" # a name\n"
                          "vcpus=2\n"
                          "\n"
                          "cpus = [ \"0\",\n"
                          "         '2-3' ] ; memory = 512\n"
                          "# cap = 10\n"
                          "extra = \"root=/dev/xvda cap=3 # no comment\"\n"
                          "disk = [ 'phy:a=b,xvda,w' ]\n"
                          "workload = 'periodic period=10ms busy=2ms'"));
    assert_int_equal(nr, 7);
    assert_string_equal(key("name")->text, "web");
    assert_string_equal(key("vcpus")->text, "2");
    assert_int_equal(key("vcpus")->where.line, 2);
    assert_null(key("cpus")->text);
    assert_int_equal(key("cpus")->nr_items, 2);
    assert_string_equal(key("cpus")->items[1], "2-3");
    assert_int_equal(key("cpus")->where.line, 4);
    assert_int_equal(key("memory")->where.line, 5);
    assert_string_equal(key("extra")->text, "root=/dev/xvda cap=3 # no comment");
    assert_string_equal(key("workload")->text, "periodic period=10ms busy=2ms");
    assert_int_equal(key("workload")->where.line, 9);
    assert_string_equal(said, "");
}

static void the_last_value_counts(void **state)
{
    (void)state;
    assert_true(read_text("vcpus = 1\nvcpus = 3\n"));
    assert_int_equal(nr, 1);
    assert_string_equal(key("vcpus")->text, "3");
    assert_int_equal(key("vcpus")->where.line, 2);
}

static void an_empty_config_is_one(void **state)
{
    (void)state;
    assert_true(read_text(""));
    assert_int_equal(nr, 0);
}

static void reports_syntax_with_the_line(void **state)
{
    (void)state;
    assert_false(read_text("vcpus = 1\ncap = 10ms\n"));
    assert_said("a.cfg:2: ");
    assert_false(read_text("vcpus = 1\nname = \"a\n"));
    assert_said("a.cfg:2: ");
    assert_false(read_text("cpus = [ 1, 2\n"));
    assert_said("a.cfg:");
}

static void reports_a_missing_file_where_it_is_named(void **state)
{
    bool ok;

    (void)state;
    said_begin();
    ok = xlcfg_read(&memory, "/nowhere/b.cfg", (struct place){"x.scn", 7}, &list, &nr);
    said_end();
    assert_false(ok);
    assert_said("x.scn:7: can not read the domain config /nowhere/b.cfg");
}

static void knows_keys_of_xl(void **state)
{
    (void)state;
    assert_true(xlcfg_known("memory"));
    assert_true(xlcfg_known("acpi"));
    assert_true(xlcfg_known("on_crash"));
    assert_false(xlcfg_known("workloda"));
    assert_false(xlcfg_known(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_strings_numbers_lists, forget),
        cmocka_unit_test_teardown(the_last_value_counts, forget),
        cmocka_unit_test_teardown(an_empty_config_is_one, forget),
        cmocka_unit_test_teardown(reports_syntax_with_the_line, forget),
        cmocka_unit_test_teardown(reports_a_missing_file_where_it_is_named, forget),
        cmocka_unit_test(knows_keys_of_xl),
    };

    return cmocka_run_group_tests(tests, files_begin, files_end);
}
