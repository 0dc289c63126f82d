/*
 * Between machine.c, which makes the host's objects, and machine_param.c,
 * which gives domains and vCPUs their parameters; not for others.
 */
#ifndef SIM_MACHINE_PARAM_H
#define SIM_MACHINE_PARAM_H

#include "all_or_none.h"
#include "machine.h"

/* mcuadv of weight 1; 0 if the scenario gives no weight. */
int64_t mcuadv_scale(const struct scenario *s);

/* The parameters that the scenario gives the domain, which has just been made. */
int machine_configure(struct machine *m, unsigned domain, sched_time now,
                      struct sched_refusal *why);

/* vcpu < 0: all of the domain's, or none if one is refused. */
int machine_change_units(struct machine *m, unsigned domain, int vcpu,
                         const struct unit_change *change, sched_time now,
                         struct sched_refusal *why);

#endif
