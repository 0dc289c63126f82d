#define _POSIX_C_SOURCE 200809L
#include "gnuplot.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Okabe & Ito's palette without the yellow, which is too light on white. */
const char *const gnuplot_colour[GNUPLOT_COLOURS] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                     "#E69F00", "#56B4E9", "#5B3A8C", "#7F7F7F"};

/* gnuplot substitutes nothing there; a quote is doubled. */
void gnuplot_quote(FILE *gp, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', gp);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, gp);
    }
}

bool gnuplot_run(const char *dir, const char *script)
{
    int status;
    pid_t child = fork();

    if (!child) {
        if (!chdir(dir))
            execlp("gnuplot", "gnuplot", script, (char *)NULL);
        fprintf(stderr, "gnuplot: %s; its scripts are in %s\n", strerror(errno), dir);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        fprintf(stderr, "gnuplot: %s\n", strerror(errno));
        return false;
    }
    return WIFEXITED(status) && !WEXITSTATUS(status);
}
