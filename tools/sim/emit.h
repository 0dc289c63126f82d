/*
 * Writes JSON as it goes, so that a trace of millions of events needs no memory.
 * Keys come out in the order of the calls; key is NULL inside arrays.
 */
#ifndef SIM_EMIT_H
#define SIM_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct emit {
    FILE *out;
    unsigned depth;
    unsigned flat; /* objects and arrays at this depth and below go on one line each; 0: none do */
    bool comma;    /* something precedes in this object or array */
};

void emit_object(struct emit *e, const char *key);
void emit_object_end(struct emit *e);
void emit_array(struct emit *e, const char *key);
void emit_array_end(struct emit *e);

void emit_string(struct emit *e, const char *key, const char *text);
void emit_integer(struct emit *e, const char *key, int64_t value);
void emit_unsigned(struct emit *e, const char *key, uint64_t value);
void emit_bool(struct emit *e, const char *key, bool value);
/* null if it is not a number. */
void emit_number(struct emit *e, const char *key, double value, int decimals);

#endif
