/* Files that a report is written to. Functions that return false have printed a message. */
#ifndef SIM_OUTPUT_H
#define SIM_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    FILE *file;
    char path[4096];
};

/* Makes `dir` unless it exists. */
bool output_directory(const char *dir);
/* `dir` may be NULL: `name` is the path then; "-" is stdout. */
bool output_open(struct output *o, const char *dir, const char *name);
/* false if anything written since output_open did not arrive. */
bool output_close(struct output *o);

/* Text in a CSV file, quoted if a reader would take it apart otherwise (RFC 4180). */
void output_cell(FILE *out, const char *text);

#endif
