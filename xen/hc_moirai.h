/* Parts of moirai_op that lie in different files. */
#ifndef XEN_HC_MOIRAI_H
#define XEN_HC_MOIRAI_H

#include "hypercall.h"
#include "moirai.h"

/* Acts on op->u. *why is for what sched/ refuses. */
typedef int moirai_fn(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why);

/* moirai_param.c */
moirai_fn moirai_get, moirai_set, moirai_get_table, moirai_set_table;

/* moirai_numa.c */
moirai_fn moirai_node, moirai_nodes, moirai_get_rebalance, moirai_set_rebalance;

/* moirai_perf.c */
moirai_fn moirai_pmu, moirai_perf_start, moirai_perf_read, moirai_perf_stop;

#endif
