#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    max_align_t memory[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *c = calloc(1, sizeof *c + size);

    if (!c) {
        fprintf(stderr, "moirai-sim: out of memory\n");
        exit(1);
    }
    c->next = a->chunks;
    a->chunks = c;
    return c->memory;
}

char *arena_strndup(struct arena *a, const char *text, size_t length)
{
    char *copy = arena_alloc(a, length + 1);

    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = arena_alloc(a, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *a, void *array, size_t nr, size_t size)
{
    void *larger;

    if (nr & (nr - 1)) /* room is always the next power of two */
        return array;
    larger = arena_alloc(a, (nr ? 2 * nr : 1) * size);
    if (nr)
        memcpy(larger, array, nr * size);
    return larger;
}

void arena_free(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
}
