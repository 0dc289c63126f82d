/* What balloond has done and seen, in words. */
#ifndef CLI_BALLOON_SAY_H
#define CLI_BALLOON_SAY_H

#include <stdio.h>

#include "../../numa/balloon_policy.h"

/* A line for each decision: who, from what to what, why, and the figures behind it. */
void say_decision(FILE *out, const char *name, const struct balloon_domain *d, int64_t before);
/* And for what has become of a domain since `was`. */
void say_changes(FILE *out, const char *name, const struct balloon_domain *was,
                 const struct balloon_domain *is);

#endif
