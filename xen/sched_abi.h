/* Parameters of sched/ by name, for the hypercalls that get and set them. */
#ifndef XEN_SCHED_ABI_H
#define XEN_SCHED_ABI_H

#include "../sched/policy.h"

/* The value called `name`, 0 if the policy has none. `value` is in the policy's order. */
static inline int64_t sched_value(const struct sched_policy *p, enum sched_scope scope,
                                  const char *name, const int64_t *value)
{
    unsigned i;
    return sched_param_by_name(p, scope, name, &i) ? value[i] : 0;
}

static inline void sched_value_set(const struct sched_policy *p, enum sched_scope scope,
                                   const char *name, int64_t *value, int64_t to)
{
    unsigned i;
    if (sched_param_by_name(p, scope, name, &i))
        value[i] = to;
}

#endif
