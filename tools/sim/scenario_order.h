/*
 * Between scenario_change.c, which takes the changes of a run in order of time,
 * and scenario_order.c, which reads what each one orders; not for others.
 */
#ifndef SIM_SCENARIO_ORDER_H
#define SIM_SCENARIO_ORDER_H

#include "scenario_parse.h"

/* One change as it is read; `drop`: nothing of it is left under the policy in force. */
struct draft {
    struct scenario_change c;
    bool drop;
};

/* words[0] is the order's name. Fills in the rest of *d, whose time and place are known. */
bool read_order(struct loader *l, const struct words *words, struct draft *d);

#endif
