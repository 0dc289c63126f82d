/* What all figures share: colours, texts, and gnuplot itself. */
#ifndef SIM_GNUPLOT_H
#define SIM_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#define GNUPLOT_COLOURS 8 /* that the eye tells apart; the last is grey */
extern const char *const gnuplot_colour[GNUPLOT_COLOURS];

/* For text in single quotes. */
void gnuplot_quote(FILE *gp, const char *text);
/* Runs the script, a file of `dir`, there. False after a complaint. */
bool gnuplot_run(const char *dir, const char *script);

#endif
