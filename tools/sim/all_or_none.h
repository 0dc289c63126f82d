/*
 * One change to several units: all of them, or none if one is refused.
 *
 * The scheduler judges each unit's change by itself. With reservations one may
 * fit only after another has changed, so what was refused is tried again as
 * long as that helps.
 */
#ifndef SIM_ALL_OR_NONE_H
#define SIM_ALL_OR_NONE_H

#include "../../sched/sched.h"

/* What a unit was before. */
struct unit_before {
    struct sched_unit *unit;
    struct mask hard, soft;
    bool has_soft;
    int64_t value[SCHED_MAX_PARAMS];
};

struct unit_change {
    /* 0, or a negative SCHED_E* with the reason in *why and nothing changed. */
    int (*apply)(struct sched_unit *u, const void *how, sched_time now, struct sched_refusal *why);
    void (*undo)(const struct unit_before *before, sched_time now);
    const void *how;
};

/* `units` is scratch, its order is lost. */
int all_or_none(struct sched_unit **units, unsigned nr, const struct unit_change *change,
                sched_time now, struct sched_refusal *why);

#endif
