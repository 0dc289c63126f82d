/*
 * Memory that lives as long as one scenario and is freed in one go, so that a
 * parser may give up anywhere without a trail of frees.
 */
#ifndef SIM_ARENA_H
#define SIM_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena { /* all zero: empty */
    struct arena_chunk *chunks;
};

/* Zeroed; ends the program if there is no memory left. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *text, size_t length);
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An array of `nr` elements that grew by this function, with room for one more (zeroed). */
void *arena_grow(struct arena *a, void *array, size_t nr, size_t size);
/* Appends a zeroed element and points to it. */
#define arena_push(a, array, nr)                                                                   \
    ((array) = arena_grow((a), (array), (nr), sizeof *(array)), &(array)[(nr)++])

void arena_free(struct arena *a);

#endif
