/*
 * A command line like `sched-bvt web 5 1 -10 2000 1000` or `sched-bvt --domain
 * web --mcuadv 5`: what it asks of which domain, vCPU or pool.
 *
 * Long options are the policy's own parameters, by name. A time in them has its
 * unit (10ms). Positional arguments are the values of one scope, all of them in
 * the policy's order, as the xm commands of old had them, with plain numbers in
 * the units of old; so are xl's short options.
 */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "host.h"

/* xl's letter for a parameter. */
struct request_letter {
    char letter;
    const char *param;
};

/* The unit of plain numbers, where it is not ns. */
struct request_unit {
    const char *param, *unit;
};

struct sched_command {
    const char *name;   /* "sched-bvt" */
    const char *policy; /* "bvt" */
    /* What positional arguments set: one value of the pool (this name), or of a domain (NULL). */
    const char *pool_param;
    struct request_letter letters[8];
    struct request_unit units[4];
};

/* By the name given, or NULL. */
const struct sched_command *sched_command_named(const char *name);
/* All of them; the last has no name. */
extern const struct sched_command sched_commands[];

struct request {
    const char *domain, *vcpu, *pool; /* as written, NULL: not given */
    bool help;
    uint32_t given; /* a bit for each of the policy's parameters */
    int64_t value[MOIRAI_PARAMS];
};

/* argv[0] is the command. False after a complaint. */
bool request_parse(const struct sched_command *c, const struct policy *p, int argc, char **argv,
                   struct request *out);

/* The bits of `given` that are in `scope`, by index in that scope, with their values. */
uint32_t request_values(const struct request *r, const struct policy *p, enum moirai_scope scope,
                        int64_t *value);

#endif
