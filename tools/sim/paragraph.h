/* Prose for a terminal. */
#ifndef SIM_PARAGRAPH_H
#define SIM_PARAGRAPH_H

#include <stdio.h>

/* Breaks at blanks, so that a line with its indent ends by column 96. */
void print_paragraph(FILE *out, int indent, const char *text);

#endif
