#define _DEFAULT_SOURCE
#include "output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool failed(const char *path, int error)
{
    fprintf(stderr, "%s: can not be written: %s\n", path, strerror(error));
    return false;
}

bool output_directory(const char *dir)
{
    struct stat st;

    if (!mkdir(dir, 0777) || (errno == EEXIST && !stat(dir, &st) && S_ISDIR(st.st_mode)))
        return true;
    return failed(dir, errno);
}

bool output_open(struct output *o, const char *dir, const char *name)
{
    int n = dir ? snprintf(o->path, sizeof(o->path), "%s/%s", dir, name)
                : snprintf(o->path, sizeof(o->path), "%s", name);

    if (n < 0 || (size_t)n >= sizeof(o->path))
        return failed(name, ENAMETOOLONG);
    if (!dir && !strcmp(name, "-")) {
        strcpy(o->path, "standard output");
        o->file = stdout;
        return true;
    }
    o->file = fopen(o->path, "w");
    return o->file || failed(o->path, errno);
}

bool output_close(struct output *o)
{
    bool bad = ferror(o->file) || fflush(o->file);
    int error = errno;

    if (o->file != stdout && fclose(o->file)) {
        bad = true;
        error = errno;
    }
    return !bad || failed(o->path, error);
}

void output_cell(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"%c" : "%c", *text);
    fputc('"', out);
}
