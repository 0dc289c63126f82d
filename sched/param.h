/*
 * Setting parameters: checked as a whole, refused with a reason or applied as
 * a whole. The public half is in sched.h (sched_*_set).
 */
#ifndef SCHED_PARAM_H
#define SCHED_PARAM_H

#include "admission.h"
#include "policy.h"

void param_defaults(const struct sched_policy *policy, enum sched_scope scope, int64_t *value);

/* What of a domain's parameters another policy may understand too, and giving it back. */
struct kept_params param_keep(struct sched_domain *d);
void param_restore(struct sched_domain *d, const struct kept_params *kept, sched_time now);

/* admission_plan, unless the policy reserves nothing; asks the pool's "admission" switch. */
int reserve_ask(const struct admission_query *q, struct sched_refusal *why);
/* Makes the last plan of the pool true: what is reserved, on which pCPU. Units must move there
 * (settle) before they run. */
void reserve_apply(struct sched_pool *pool);

#endif
