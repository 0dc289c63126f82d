#include "emit.h"

#include <inttypes.h>
#include <math.h>

static void new_line(const struct emit *e)
{
    if (e->flat && e->depth >= e->flat)
        return;
    fprintf(e->out, "\n%*s", (int)(2 * e->depth), "");
}

static void quote(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

/* Everything that stands before a value. */
static void begin(struct emit *e, const char *key)
{
    if (e->comma)
        fputc(',', e->out);
    if (e->depth)
        new_line(e);
    if (key) {
        quote(e->out, key);
        fputs(": ", e->out);
    }
    e->comma = true;
}

static void open_bracket(struct emit *e, const char *key, char bracket)
{
    begin(e, key);
    fputc(bracket, e->out);
    e->depth++;
    e->comma = false;
}

static void close_bracket(struct emit *e, char bracket)
{
    e->depth--;
    if (e->comma && !(e->flat && e->depth + 1 >= e->flat))
        new_line(e);
    fputc(bracket, e->out);
    e->comma = true;
    if (!e->depth)
        fputc('\n', e->out);
}

void emit_object(struct emit *e, const char *key)
{
    open_bracket(e, key, '{');
}

void emit_object_end(struct emit *e)
{
    close_bracket(e, '}');
}

void emit_array(struct emit *e, const char *key)
{
    open_bracket(e, key, '[');
}

void emit_array_end(struct emit *e)
{
    close_bracket(e, ']');
}

void emit_string(struct emit *e, const char *key, const char *text)
{
    begin(e, key);
    quote(e->out, text);
}

void emit_integer(struct emit *e, const char *key, int64_t value)
{
    begin(e, key);
    fprintf(e->out, "%" PRId64, value);
}

void emit_unsigned(struct emit *e, const char *key, uint64_t value)
{
    begin(e, key);
    fprintf(e->out, "%" PRIu64, value);
}

void emit_bool(struct emit *e, const char *key, bool value)
{
    begin(e, key);
    fputs(value ? "true" : "false", e->out);
}

void emit_number(struct emit *e, const char *key, double value, int decimals)
{
    begin(e, key);
    if (isfinite(value))
        fprintf(e->out, "%.*f", decimals, value);
    else
        fputs("null", e->out);
}
