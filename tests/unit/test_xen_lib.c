/* xen/lib.c beside the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define memcpy    our_memcpy
#define memmove   our_memmove
#define memset    our_memset
#define memcmp    our_memcmp
#define strlen    our_strlen
#define strcmp    our_strcmp
#define strncmp   our_strncmp
#define strchr    our_strchr
#define vsnprintf our_vsnprintf
#define snprintf  our_snprintf
#include "../../xen/lib.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr
#undef vsnprintf
#undef snprintf

#define SAME_TEXT(...)                                                                             \
    do {                                                                                           \
        char ours[64], theirs[64];                                                                 \
        assert_int_equal(our_snprintf(ours, sizeof ours, __VA_ARGS__),                             \
                         snprintf(theirs, sizeof theirs, __VA_ARGS__));                            \
        assert_string_equal(ours, theirs);                                                         \
    } while (0)

static void test_numbers(void **state)
{
    (void)state;
    SAME_TEXT("%d %i %u", -1, INT32_MIN, UINT32_MAX);
    SAME_TEXT("%ld %lu %lld %zu", INT64_MIN, UINT64_MAX, -5LL, (size_t)7);
    SAME_TEXT("%x %X %lx", 0xbeefu, 0xbeefu, UINT64_MAX);
    SAME_TEXT("%5d|%-5d|%05d|%5d", 42, 42, -42, 123456);
    SAME_TEXT("%08x|%016lx|%2x", 0xabcu, 0xdefUL, 0x123u);
    SAME_TEXT("%*d|%*d|%d", 6, 1, -6, 2, 0);
    SAME_TEXT("%p", (void *)0x1234);
}

static void test_text(void **state)
{
    (void)state;
    SAME_TEXT("%s|%10s|%-10s|%c|%%", "moirai", "right", "left", 'x');
    SAME_TEXT("%.3s|%.*s|%.0s|%6.2s", "clotho", 4, "lachesis", "atropos", "three");
}

static void test_truncation(void **state)
{
    char text[8] = "1234567";

    (void)state;
    assert_int_equal(our_snprintf(text, 4, "%s", "abcdef"), 6);
    assert_string_equal(text, "abc");
    assert_int_equal(our_snprintf(text, 1, "%d", 99), 2);
    assert_string_equal(text, "");
    assert_int_equal(our_snprintf(NULL, 0, "%d", 99), 2);
}

static void test_memory(void **state)
{
    char ours[64], theirs[64];

    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (size_t to = 0; to < 20; to++) {
            for (size_t i = 0; i < sizeof ours; i++)
                ours[i] = theirs[i] = (char)i;
            assert_ptr_equal(our_memmove(ours + to, ours + 9, n), ours + to);
            memmove(theirs + to, theirs + 9, n);
            assert_memory_equal(ours, theirs, sizeof ours);
            our_memset(ours + to, 0xc3, n);
            memset(theirs + to, 0xc3, n);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
    }
    assert_true(our_memcmp("ab\200", "ab\001", 3) > 0);
    assert_true(our_memcmp("abc", "abd", 3) < 0);
    assert_int_equal(our_memcmp("abc", "abd", 2), 0);
}

static void test_strings(void **state)
{
    const char *text = "sched=bvt";
    char to[4];

    (void)state;
    assert_int_equal(our_strlen(text), 9);
    assert_int_equal(our_strlen(""), 0);
    assert_ptr_equal(our_strchr(text, '='), text + 5);
    assert_ptr_equal(our_strchr(text, 0), text + 9);
    assert_null(our_strchr(text, 'x'));
    assert_int_equal(our_strcmp(text, "sched=bvt"), 0);
    assert_true(our_strcmp("a", "ab") < 0);
    assert_true(our_strcmp("b", "ab") > 0);
    assert_int_equal(our_strncmp(text, "sched", 5), 0);
    strcopy(to, text, sizeof to);
    assert_string_equal(to, "sch");
    strcopy(to, "x", sizeof to);
    assert_string_equal(to, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_text),
        cmocka_unit_test(test_truncation), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
