/* A change that the policy refused, in words. */
#ifndef SIM_REFUSAL_H
#define SIM_REFUSAL_H

#include "../../sched/sched.h"

struct refusal_text {
    char text[320];
};
/* "parameter: why: limit", as far as they are known; returns buffer->text. */
const char *refusal_show(const struct sched_refusal *why, struct refusal_text *buffer);

#endif
