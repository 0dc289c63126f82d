/* One window of arinc653's table as it is written: "web.0=5ms", "Domain-0=10ms" (vCPU 0). */
#ifndef CLI_WINDOW_H
#define CLI_WINDOW_H

#include "../sim/message.h"
#include "host.h"

struct window_text {
    char domain[NAME_SIZE];
    unsigned vcpu;
    int64_t runtime;
};

/* The vCPU is what follows the last dot, if that is a number. */
bool window_parse(const char *text, struct window_text *out, struct problem *p);

#endif
