/* A policy as the hypervisor would describe it, for tests of the command line. */
#ifndef TEST_SAMPLE_POLICY_H
#define TEST_SAMPLE_POLICY_H

#include <stdio.h>
#include <string.h>

#include "../../sched/policy.h"
#include "../../tools/cli/host.h"

static inline struct policy sample_policy(const char *name)
{
    const struct sched_policy *from = sched_policy_by_name(name);
    struct policy p = {.info = {.id = from->id, .nr_params = from->nr_params}};

    snprintf(p.info.name, sizeof p.info.name, "%s", name);
    for (unsigned i = 0; i < from->nr_params; i++) {
        const struct sched_param *param = &from->params[i];

        p.params[i] = (struct moirai_param){.scope = param->scope,
                                            .kind = param->kind,
                                            .min = param->min,
                                            .max = param->max,
                                            .def = param->def};
        snprintf(p.params[i].name, sizeof p.params[i].name, "%s", param->name);
    }
    return p;
}

#endif
