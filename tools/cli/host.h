/*
 * The hypervisor as the command line sees it: one hypercall (xen/moirai.h), and
 * xenstore for names. Functions that return false have said why on stderr.
 */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "../../xen/moirai.h"

#define MAX_POLICIES 16
#define NAME_SIZE    80

struct policy {
    struct moirai_policy info;
    struct moirai_param params[MOIRAI_PARAMS];
    char contract[MOIRAI_CONTRACT];
};

struct host;

/* With all policies known. NULL: there is no Moirai, or this is not the control domain. */
struct host *host_open(void);
void host_close(struct host *h);

/* To be filled in, but for version and cmd, before host_call and read after it. */
struct moirai_op *host_op(struct host *h);
/* Room that the hypervisor can read and write, at least 8 KiB, for what the op points to. */
void *host_room(struct host *h);
/* 0 or a positive errno, with the reason in host_op()->refusal. */
int host_call(struct host *h, enum moirai_cmd cmd);

/* ---- what there is ------------------------------------------------------------------------- */

const struct policy *host_policies(const struct host *h, unsigned *nr);
const struct policy *host_policy(const struct host *h, int id);
/* Complains with the names that would be right. */
const struct policy *host_policy_named(const struct host *h, const char *name);

/* All pools, all vCPUs; freed by the caller. NULL after a complaint. */
struct moirai_pool *host_pools(struct host *h, unsigned *nr);
struct moirai_vcpu *host_vcpus(struct host *h, unsigned *nr);

/* A number or a name. */
bool host_find_domain(struct host *h, const char *text, unsigned *id);
bool host_find_pool(struct host *h, const char *text, unsigned *id);
/* Its name, or its number if it has none; returns `name`, of NAME_SIZE bytes. */
const char *host_domain_name(struct host *h, unsigned id, char *name);
const char *host_pool_name(struct host *h, unsigned id, char *name);

/* Values of one scope; see struct moirai_values. */
bool host_get(struct host *h, enum moirai_scope scope, unsigned id, unsigned vcpu, int64_t *value);

#endif
