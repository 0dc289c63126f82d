/*
 * moirai-agent: runs in a Linux guest and tells dom0, again and again, what the guest's memory is
 * used for, which `moirai balloond` acts upon: the texts of /proc/meminfo and
 * /proc/pressure/memory, as data/meminfo and data/pressure in the guest's part of xenstore. Static,
 * so that it runs anywhere.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

/* The most that xenstore takes in one value. */
#define MOST 2048

static size_t read_file(const char *path, char *text)
{
    FILE *in = fopen(path, "r");

    if (!in)
        return 0;
    size_t length = fread(text, 1, MOST, in);
    fclose(in);
    return length;
}

/* The report is there when meminfo changes; a kernel without PSI has no pressure. */
static bool report(struct xs_handle *store)
{
    char text[MOST];
    size_t length = read_file("/proc/pressure/memory", text);

    if (length && !xs_write(store, XBT_NULL, "data/pressure", text, (unsigned)length))
        return false;
    length = read_file("/proc/meminfo", text);
    return xs_write(store, XBT_NULL, "data/meminfo", text, (unsigned)length);
}

int main(int argc, char **argv)
{
    unsigned seconds = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;

    if (argc > 2 || !seconds) {
        fputs("usage: moirai-agent [SECONDS]\n"
              "Reports this guest's memory to dom0 every so many seconds (1).\n",
              stderr);
        return 2;
    }
    struct xs_handle *store = xs_open(0);
    while (store && report(store))
        sleep(seconds);
    fprintf(stderr, "moirai-agent: xenstore can not be written: %s\n", strerror(errno));
    return 1;
}
