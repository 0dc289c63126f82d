/* What the hypervisor refused, in one line: what was wrong, and what would be right. */
#ifndef CLI_REFUSED_H
#define CLI_REFUSED_H

#include <stdbool.h>
#include <stddef.h>

#include "../../xen/moirai.h"
#include "host.h"

/* `p`: whose parameters are meant, or NULL. Returns `text`. */
const char *refused_text(const struct policy *p, int error, const struct moirai_refusal *r,
                         char *text, size_t size);
/* Complains; returns false. */
bool refused(const struct policy *p, int error, const struct moirai_refusal *r);

#endif
