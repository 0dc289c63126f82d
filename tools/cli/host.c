#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xencall.h>
#include <xenstore.h>

#include "../sim/message.h"
#include "refused.h"

#define ROOM 8192

struct host {
    xencall_handle *call;
    struct moirai_op *op;    /* memory that hypercalls reach, with the room behind it */
    struct xs_handle *store; /* NULL: nothing has names */
    struct policy policies[MAX_POLICIES];
    unsigned nr_policies;
};

static const struct place here = {"moirai", 0};

struct moirai_op *host_op(struct host *h)
{
    return h->op;
}

void *host_room(struct host *h)
{
    return h->op + 1;
}

int host_call(struct host *h, enum moirai_cmd cmd)
{
    h->op->version = MOIRAI_VERSION;
    h->op->cmd = cmd;
    return xencall1(h->call, MOIRAI_HYPERCALL, (uintptr_t)h->op) < 0 ? errno : 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool cannot_ask(int error)
{
    switch (error) {
    case ENOSYS:
        return complain(here, "this hypervisor is not Moirai: it has no moirai_op");
    case EACCES:
        return complain(here, "this tool and the hypervisor speak different versions of moirai_op; "
                              "use those of one build");
    case EPERM:
        return complain(here, "only the control domain may ask");
    default:
        return complain(here, "moirai_op: %s", strerror(error));
    }
}

static int read_policy(struct host *h, unsigned index, struct policy *p)
{
    struct moirai_param *params = host_room(h);
    char *contract = (char *)(params + MOIRAI_PARAMS);

    memset(h->op, 0, sizeof *h->op);
    h->op->u.policy.index = index;
    h->op->u.policy.params = (uintptr_t)params;
    h->op->u.policy.contract = (uintptr_t)contract;
    int error = host_call(h, MOIRAI_POLICY);
    if (error)
        return error;
    p->info = h->op->u.policy;
    memcpy(p->params, params, sizeof p->params);
    memcpy(p->contract, contract, sizeof p->contract);
    return 0;
}

static bool read_policies(struct host *h)
{
    int error = 0;

    while (h->nr_policies < MAX_POLICIES &&
           !(error = read_policy(h, h->nr_policies, &h->policies[h->nr_policies])))
        h->nr_policies++;
    return !error || error == ENOENT || cannot_ask(error);
}

static bool open_call(struct host *h)
{
    _Static_assert(MOIRAI_PARAMS * sizeof(struct moirai_param) + MOIRAI_CONTRACT <= ROOM,
                   "a policy fits in the room");

    h->call = xencall_open(NULL, 0);
    if (!h->call)
        return complain(here,
                        "can not make hypercalls: %s; is this dom0, as root, with "
                        "/dev/xen/privcmd?",
                        strerror(errno));
    h->op = xencall_alloc_buffer(h->call, sizeof *h->op + ROOM);
    return h->op || complain(here, "out of memory");
}

struct host *host_open(void)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h) {
        complain(here, "out of memory");
        return NULL;
    }
    if (!open_call(h) || !read_policies(h)) {
        host_close(h);
        return NULL;
    }
    h->store = xs_open(0);
    return h;
}

void host_close(struct host *h)
{
    if (!h)
        return;
    if (h->store)
        xs_close(h->store);
    if (h->op)
        xencall_free_buffer(h->call, h->op);
    if (h->call)
        xencall_close(h->call);
    free(h);
}

/* ---- policies ------------------------------------------------------------------------------ */

const struct policy *host_policies(const struct host *h, unsigned *nr)
{
    *nr = h->nr_policies;
    return h->policies;
}

const struct policy *host_policy(const struct host *h, int id)
{
    for (unsigned i = 0; i < h->nr_policies; i++)
        if (h->policies[i].info.id == id)
            return &h->policies[i];
    return NULL;
}

const struct policy *host_policy_named(const struct host *h, const char *name)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < h->nr_policies; i++) {
        if (!strcmp(h->policies[i].info.name, name))
            return &h->policies[i];
        names_add(&names, h->policies[i].info.name);
    }
    complain(here, "there is no scheduler '%s'; %s", name, names_hint(&names, name, &hint));
    return NULL;
}

/* ---- lists --------------------------------------------------------------------------------- */

static void *grown(void *array, unsigned nr, size_t size)
{
    /* In powers of two. */
    if (nr & (nr - 1) || (nr && nr < 8))
        return array;
    void *larger = realloc(array, size * (nr ? 2 * nr : 8));
    if (!larger) {
        complain(here, "out of memory");
        free(array);
    }
    return larger;
}

/* `error` ends the list: without complaint if there are just no more. */
static void *ended(void *list, int error)
{
    if (error == ENOENT)
        return list;
    cannot_ask(error);
    free(list);
    return NULL;
}

struct moirai_pool *host_pools(struct host *h, unsigned *nr)
{
    struct moirai_pool *list = NULL;
    uint32_t from = 0;

    for (*nr = 0;; ++*nr) {
        list = grown(list, *nr, sizeof *list);
        if (!list)
            return NULL;
        h->op->u.pool = (struct moirai_pool){.pool = from};
        int error = host_call(h, MOIRAI_POOL);
        if (error)
            return ended(list, error);
        list[*nr] = h->op->u.pool;
        from = list[*nr].pool + 1;
    }
}

struct moirai_vcpu *host_vcpus(struct host *h, unsigned *nr)
{
    struct moirai_vcpu *list = NULL;
    uint32_t domain = 0, vcpu = 0;

    for (*nr = 0;; ++*nr) {
        list = grown(list, *nr, sizeof *list);
        if (!list)
            return NULL;
        h->op->u.vcpu = (struct moirai_vcpu){.domain = domain, .vcpu = vcpu};
        int error = host_call(h, MOIRAI_VCPU);
        if (error)
            return ended(list, error);
        list[*nr] = h->op->u.vcpu;
        domain = list[*nr].domain;
        vcpu = list[*nr].vcpu + 1;
    }
}

/* ---- names --------------------------------------------------------------------------------- */

static bool read_name(struct host *h, const char *folder, unsigned id, char *name)
{
    char path[64];
    unsigned length;

    if (!h->store)
        return false;
    snprintf(path, sizeof path, "%s/%u/name", folder, id);
    char *text = xs_read(h->store, XBT_NULL, path, &length);
    if (!text)
        return false;
    snprintf(name, NAME_SIZE, "%.*s", (int)length, text);
    free(text);
    return *name != '\0';
}

const char *host_domain_name(struct host *h, unsigned id, char *name)
{
    if (!read_name(h, "/local/domain", id, name))
        snprintf(name, NAME_SIZE, id ? "%u" : "Domain-%u", id);
    return name;
}

const char *host_pool_name(struct host *h, unsigned id, char *name)
{
    if (!read_name(h, "/local/pool", id, name))
        snprintf(name, NAME_SIZE, id ? "%u" : "Pool-%u", id);
    return name;
}

static bool is_number(const char *text, unsigned id)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    return *text >= '0' && *text <= '9' && !*end && n == id;
}

typedef const char *name_fn(struct host *h, unsigned id, char *name);

/* `ids` is freed. */
static bool find(struct host *h, const char *what, name_fn *name_of, const char *text,
                 unsigned *ids, unsigned nr, unsigned *id)
{
    char(*name)[NAME_SIZE] = calloc(nr + 1, NAME_SIZE);
    struct names names = {0};
    struct hint hint;
    bool found = false;

    for (unsigned i = 0; name && !found && i < nr; i++) {
        names_add(&names, name_of(h, ids[i], name[i]));
        found = is_number(text, ids[i]) || !strcmp(name[i], text);
        *id = ids[i];
    }
    if (!found)
        complain(here, "there is no %s '%s'; %s", what, text, names_hint(&names, text, &hint));
    free(name);
    free(ids);
    return found;
}

bool host_find_domain(struct host *h, const char *text, unsigned *id)
{
    unsigned nr, n = 0;
    struct moirai_vcpu *list = host_vcpus(h, &nr);
    unsigned *ids = list ? calloc(nr + 1, sizeof *ids) : NULL;

    for (unsigned i = 0; ids && i < nr; i++)
        if (!n || ids[n - 1] != list[i].domain)
            ids[n++] = list[i].domain;
    free(list);
    return ids && find(h, "domain", host_domain_name, text, ids, n, id);
}

bool host_find_pool(struct host *h, const char *text, unsigned *id)
{
    unsigned nr;
    struct moirai_pool *list = host_pools(h, &nr);
    unsigned *ids = list ? calloc(nr + 1, sizeof *ids) : NULL;

    for (unsigned i = 0; ids && i < nr; i++)
        ids[i] = list[i].pool;
    free(list);
    return ids && find(h, "pool", host_pool_name, text, ids, nr, id);
}

/* ---- values -------------------------------------------------------------------------------- */

bool host_get(struct host *h, enum moirai_scope scope, unsigned id, unsigned vcpu, int64_t *value)
{
    struct moirai_values *v = &h->op->u.values;

    *v = (struct moirai_values){.scope = scope, .pool = id, .domain = id, .vcpu = vcpu};
    int error = host_call(h, MOIRAI_GET);
    if (error)
        return refused(NULL, error, &h->op->refusal);
    memcpy(value, v->value, sizeof v->value);
    return true;
}
