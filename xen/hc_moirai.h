/* Parts of moirai_op that lie in different files. */
#ifndef XEN_HC_MOIRAI_H
#define XEN_HC_MOIRAI_H

#include "hypercall.h"
#include "moirai.h"

/* Acts on op->u. *why is for what sched/ refuses. */
typedef int moirai_fn(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why);

/* moirai_param.c */
moirai_fn moirai_get, moirai_set, moirai_get_table, moirai_set_table;

/* The first pool whose number is not less, or NULL; under sched_lock. */
struct sched_pool *moirai_pool_from(uint32_t at_least);
/* The pool of that number or NULL; under sched_lock. */
struct sched_pool *moirai_pool(uint32_t id);

#endif
