/*
 * What the user gets to read when an input is wrong: one line, "file:line:
 * what was wrong; what would be right".
 */
#ifndef SIM_MESSAGE_H
#define SIM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

struct place { /* where something was said, for messages */
    const char *file;
    int line; /* 0: nowhere in particular */
};

/* Both print to stderr; complain returns false, so a parser can `return complain(...)`. */
bool complain(struct place where, const char *format, ...) __attribute__((format(printf, 2, 3)));
void warn(struct place where, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is wrong with a word, for a caller who knows where it stood. */
struct problem {
    char text[320];
};
/* Returns false. */
bool problem_set(struct problem *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The names that would have been right, each once; more than fit are left out. */
struct names {
    unsigned nr;
    const char *name[192];
};
void names_add(struct names *n, const char *name);
/* The one that `word` was probably meant to be, or NULL. */
const char *names_nearest(const struct names *n, const char *word);

struct hint {
    char text[512];
};
/* "did you mean X?" or "use one of X, Y, Z". */
const char *names_hint(const struct names *n, const char *word, struct hint *hint);

#endif
