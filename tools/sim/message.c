#include "message.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 40 /* longer words are not compared */

static void print(struct place where, const char *kind, const char *format, va_list args)
{
    fprintf(stderr, "%s:", where.file);
    if (where.line)
        fprintf(stderr, "%d:", where.line);
    fprintf(stderr, " %s", kind);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

bool complain(struct place where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(where, "", format, args);
    va_end(args);
    return false;
}

void warn(struct place where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(where, "warning: ", format, args);
    va_end(args);
}

bool problem_set(struct problem *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
    return false;
}

void names_add(struct names *n, const char *name)
{
    for (unsigned i = 0; i < n->nr; i++)
        if (!strcmp(n->name[i], name))
            return;
    if (n->nr < sizeof n->name / sizeof *n->name)
        n->name[n->nr++] = name;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits that turn a into b: insert, delete, replace, swap neighbours (optimal string alignment). */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[3][WORD_MAX + 1];
    unsigned la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= lb; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= la; i++) {
        unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

        now[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);

            now[j] = min3(before[j] + 1, now[j - 1] + 1, before[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = min3(now[j], now[j], earlier[j - 2] + 1);
        }
    }
    return row[la % 3][lb];
}

const char *names_nearest(const struct names *n, const char *word)
{
    unsigned allowed = strlen(word) <= 3 ? 1 : 2; /* short words are near to everything */
    const char *best = NULL;

    for (unsigned i = 0; i < n->nr; i++) {
        unsigned d = edit_distance(word, n->name[i]);

        if (d <= allowed && d < strlen(n->name[i])) {
            best = n->name[i];
            allowed = d ? d - 1 : 0;
        }
    }
    return best;
}

const char *names_hint(const struct names *n, const char *word, struct hint *hint)
{
    const char *near = names_nearest(n, word);
    size_t used;

    if (!n->nr)
        return "there is none to choose from";
    if (near) {
        snprintf(hint->text, sizeof hint->text, "did you mean %s?", near);
        return hint->text;
    }
    used = (size_t)snprintf(hint->text, sizeof hint->text, n->nr > 1 ? "use one of" : "use");
    for (unsigned i = 0; i < n->nr; i++) {
        if (used + strlen(n->name[i]) + 8 > sizeof hint->text) {
            snprintf(hint->text + used, sizeof hint->text - used, " ...");
            break;
        }
        used += (size_t)snprintf(hint->text + used, sizeof hint->text - used, "%s %s", i ? "," : "",
                                 n->name[i]);
    }
    return hint->text;
}
