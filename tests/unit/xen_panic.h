/* For tests of files of xen/: a panic is a failure, or what is tested. */
#ifndef TEST_XEN_PANIC_H
#define TEST_XEN_PANIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../xen/lib.h"

static char panic_text[256];
static jmp_buf on_panic;
static bool panic_expected;

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(panic_text, sizeof panic_text, format, args);
    va_end(args);
    if (panic_expected)
        longjmp(on_panic, 1);
    fail_msg("panic: %s", panic_text);
    abort();
}

#define EXPECT_PANIC(statement)                                                                    \
    do {                                                                                           \
        panic_expected = true;                                                                     \
        if (!setjmp(on_panic)) {                                                                   \
            statement;                                                                             \
            fail_msg("no panic");                                                                  \
        }                                                                                          \
        panic_expected = false;                                                                    \
    } while (0)

#endif
