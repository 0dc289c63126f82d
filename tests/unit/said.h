/*
 * For tests of parsers: what was said on stderr, and files to parse. The test
 * must define _POSIX_C_SOURCE 200809L first.
 */
#ifndef TEST_SAID_H
#define TEST_SAID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char said[4096]; /* of the last said_end() */
static int said_old = -1;
static FILE *said_file;
static char said_folder[] = "/tmp/moirai-test-XXXXXX";

static inline void said_begin(void)
{
    said_file = tmpfile();
    assert_non_null(said_file);
    fflush(stderr);
    said_old = dup(STDERR_FILENO);
    dup2(fileno(said_file), STDERR_FILENO);
}

static inline void said_end(void)
{
    size_t n;

    fflush(stderr);
    dup2(said_old, STDERR_FILENO);
    close(said_old);
    rewind(said_file);
    n = fread(said, 1, sizeof said - 1, said_file);
    said[n] = '\0';
    fclose(said_file);
}

/* One line was said, and `part` is in it. */
static inline void assert_said(const char *part)
{
    char *end = strchr(said, '\n');

    if (!strstr(said, part))
        fail_msg("expected '%s' in: %s", part, said);
    if (!end || end[1])
        fail_msg("expected one line: %s", said);
}

/* ---- files, in a folder of the test's own; group set-up and teardown --------- */

static inline int files_begin(void **state)
{
    (void)state;
    return mkdtemp(said_folder) ? 0 : -1;
}

static inline int files_end(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", said_folder);
    return system(command);
}

/* Its path, until the next call. */
static inline const char *file_with(const char *name, const char *text)
{
    static char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", said_folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

#endif
