#include "paragraph.h"

#include <string.h>

#define LINE 96

void print_paragraph(FILE *out, int indent, const char *text)
{
    while (*text) {
        size_t length = strlen(text), room = (size_t)(LINE - indent);

        if (length > room) {
            for (length = room; length && text[length] != ' ';)
                length--;
            if (!length)
                length = strcspn(text, " ");
        }
        fprintf(out, "%*s%.*s\n", indent, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}
