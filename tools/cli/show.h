/* Parameters and their values as text. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdio.h>

#include "host.h"

struct value_text {
    char text[40];
};
/* In the unit of its kind: "10ms", "25%", "512"; returns buffer->text. */
const char *show_value(const struct moirai_param *p, int64_t value, struct value_text *buffer);

/* "name  scope  default  range  help", in columns. */
void show_param(FILE *out, const struct moirai_param *p);
void show_policy(FILE *out, const struct policy *p);
/* "1,3-5" of the bits that are set. */
const char *show_pcpus(uint64_t pcpus, char *text, size_t size);

#endif
