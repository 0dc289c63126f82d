/* What balloond says of its decisions. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../tools/cli/balloon_say.h"

#define MIB 1024

static char *text;
static size_t size;
static FILE *out;

static void begin(void)
{
    out = open_memstream(&text, &size);
    assert_non_null(out);
}

static void assert_text(const char *wanted)
{
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static const struct balloon_domain web = {.memory = 256 * MIB,
                                          .target = 192 * MIB,
                                          .share = 128 * MIB,
                                          .need = {.live = 90 * MIB, .want = 100 * MIB + 512},
                                          .why = BALLOON_IDLE};

static void test_decision(void **state)
{
    (void)state;
    begin();
    say_decision(out, "web", &web, 256 * MIB);
    assert_text("web: 256M -> 192M: others can use what it does not "
                "(has 256M, lives on 90M, wants 100.5M, share 128M)\n");
}

static void test_every_reason_has_words(void **state)
{
    (void)state;
    for (int why = BALLOON_KEPT; why <= BALLOON_WITHDRAWN; why++) {
        struct balloon_domain d = web;

        d.why = (enum balloon_why)why;
        begin();
        say_decision(out, "web", &d, 256 * MIB);
        fclose(out);
        assert_null(strstr(text, "(null)"));
        free(text);
    }
}

static void test_changes(void **state)
{
    struct balloon_domain was = web, is = web;

    (void)state;
    begin();
    is.seen = true;
    say_changes(out, "web", &was, &is);
    assert_text("web: looked after from 192M\n");

    begin();
    was = is;
    say_changes(out, "web", &was, &is);
    assert_text("");

    begin();
    is.state = BALLOON_HELD;
    is.following = BALLOON_KEEPS;
    say_changes(out, "web", &was, &is);
    assert_text("web: held at 192M, which an operator has set\n"
                "web: does not follow: keeps 256M where 192M is its target\n");

    begin();
    was = is;
    is.state = BALLOON_SILENT;
    is.following = BALLOON_FOLLOWS;
    say_changes(out, "web", &was, &is);
    assert_text("web: does not report (data/meminfo in xenstore): left at 192M\n"
                "web: follows again\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decision),
        cmocka_unit_test(test_every_reason_has_words),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
