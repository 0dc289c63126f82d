/*
 * moirai sched-NAME: parameters of one scheduler, of its pools, domains and
 * vCPUs. What a command line means is in request.c.
 */
#include <stdlib.h>
#include <string.h>

#include "../sim/message.h"
#include "../sim/units.h"
#include "commands.h"
#include "refused.h"
#include "request.h"
#include "show.h"

struct task {
    struct host *host;
    const struct sched_command *command;
    const struct policy *policy;
    struct request request;
    /* What the request names, once it has been found. */
    unsigned domain, vcpu, pool;
    bool has_domain, has_vcpu, has_pool;
};

static struct place at(const struct task *t)
{
    return (struct place){t->command->name, 0};
}

/* ---- what it is about ---------------------------------------------------------------------- */

static bool find_vcpu(struct task *t)
{
    struct problem p;
    int64_t n;

    t->vcpu = MOIRAI_ALL;
    if (!t->request.vcpu || !strcmp(t->request.vcpu, "all")) {
        t->has_vcpu = t->request.vcpu != NULL;
        return true;
    }
    t->has_vcpu = true;
    if (!t->has_domain)
        return complain(at(t), "--vcpu needs --domain");
    if (!unit_integer(t->request.vcpu, &n, &p) || n < 0 || n > 4095)
        return complain(at(t), "'%s' is no vCPU; use its number, or all", t->request.vcpu);
    t->vcpu = (unsigned)n;
    return true;
}

/* The domain's pool, the one given, or the only one that runs the policy. */
static bool find_pool(struct task *t)
{
    struct moirai_values *v = &host_op(t->host)->u.values;

    if (t->request.pool) {
        t->has_pool = true;
        return host_find_pool(t->host, t->request.pool, &t->pool);
    }
    if (!t->has_domain)
        return true;
    *v = (struct moirai_values){.scope = MOIRAI_SCOPE_DOMAIN, .domain = t->domain};
    int error = host_call(t->host, MOIRAI_GET);
    if (error)
        return refused(t->policy, error, &host_op(t->host)->refusal);
    t->pool = v->pool;
    t->has_pool = true;
    return true;
}

static bool find_all(struct task *t)
{
    t->has_domain = t->request.domain != NULL;
    if (t->has_domain && !host_find_domain(t->host, t->request.domain, &t->domain))
        return false;
    return find_vcpu(t) && find_pool(t);
}

/* Keeps of the pools those that the request is about; complains if there is none. */
static bool choose_pools(struct task *t, struct moirai_pool *pools, unsigned *nr)
{
    unsigned kept = 0;
    char name[NAME_SIZE];

    for (unsigned i = 0; i < *nr; i++) {
        if (t->has_pool && pools[i].pool != t->pool)
            continue;
        if (pools[i].policy == t->policy->info.id)
            pools[kept++] = pools[i];
        else if (t->has_pool)
            return complain(at(t), "%s runs %s; for %s: moirai sched switch %s %s",
                            host_pool_name(t->host, t->pool, name),
                            host_policy(t->host, pools[i].policy)->info.name, t->policy->info.name,
                            name, t->policy->info.name);
    }
    *nr = kept;
    return kept ||
           complain(at(t), "no pool runs %s; for one that does: moirai sched switch POOL %s",
                    t->policy->info.name, t->policy->info.name);
}

/* ---- set ----------------------------------------------------------------------------------- */

static bool set_scope(struct task *t, enum moirai_scope scope)
{
    struct moirai_values v = {.scope = scope,
                              .pool = t->pool,
                              .domain = t->domain,
                              .vcpu = t->vcpu,
                              .policy = t->policy->info.id};

    v.set = request_values(&t->request, t->policy, scope, v.value);
    if (!v.set)
        return true;
    host_op(t->host)->u.values = v;
    int error = host_call(t->host, MOIRAI_SET);
    return !error || refused(t->policy, error, &host_op(t->host)->refusal);
}

/* Is there anything to set in this scope? Its first parameter that is given, or NULL. */
static const char *given_in(const struct task *t, enum moirai_scope scope)
{
    for (unsigned i = 0; i < t->policy->info.nr_params; i++)
        if (t->policy->params[i].scope == scope && t->request.given >> i & 1)
            return t->policy->params[i].name;
    return NULL;
}

static bool check_set(const struct task *t, unsigned nr_pools)
{
    const char *of_domain = given_in(t, MOIRAI_SCOPE_DOMAIN);
    const char *of_vcpu = given_in(t, MOIRAI_SCOPE_VCPU);

    if ((of_domain || of_vcpu) && !t->has_domain)
        return complain(at(t), "%s is a domain's; say whose, with --domain",
                        of_domain ? of_domain : of_vcpu);
    if (of_domain && t->has_vcpu)
        return complain(at(t), "%s is the whole domain's; leave out --vcpu", of_domain);
    if (given_in(t, MOIRAI_SCOPE_POOL) && nr_pools > 1)
        return complain(at(t), "several pools run %s; say which, with --pool",
                        t->policy->info.name);
    return true;
}

static bool set_all(struct task *t)
{
    return set_scope(t, MOIRAI_SCOPE_DOMAIN) && set_scope(t, MOIRAI_SCOPE_VCPU) &&
           set_scope(t, MOIRAI_SCOPE_POOL);
}

/* ---- show ---------------------------------------------------------------------------------- */

static bool has_scope(const struct policy *p, enum moirai_scope scope)
{
    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == scope)
            return true;
    return false;
}

static bool show_pool(struct task *t, const struct moirai_pool *pool)
{
    const struct policy *p = t->policy;
    int64_t value[MOIRAI_VALUES];
    struct value_text text;
    char name[NAME_SIZE];
    unsigned n = 0;

    if (!host_get(t->host, MOIRAI_SCOPE_POOL, pool->pool, 0, value))
        return false;
    printf("Cpupool %s:", host_pool_name(t->host, pool->pool, name));
    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == MOIRAI_SCOPE_POOL)
            printf(" %s=%s", p->params[i].name, show_value(&p->params[i], value[n++], &text));
    putchar('\n');
    return true;
}

static void show_heading(const struct policy *p, enum moirai_scope scope)
{
    printf("%-24s %5s", "Name", "ID");
    if (scope == MOIRAI_SCOPE_VCPU)
        printf(" %4s", "VCPU");
    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == scope)
            printf(" %10s", p->params[i].name);
    putchar('\n');
}

static void show_values(const struct policy *p, enum moirai_scope scope, const int64_t *value)
{
    struct value_text text;
    unsigned n = 0;

    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == scope)
            printf(" %10s", show_value(&p->params[i], value[n++], &text));
    putchar('\n');
}

static bool show_vcpu(struct task *t, const struct moirai_vcpu *v, enum moirai_scope scope)
{
    int64_t value[MOIRAI_VALUES];
    char name[NAME_SIZE];

    if (!host_get(t->host, scope, v->domain, v->vcpu, value))
        return false;
    printf("%-24s %5u", host_domain_name(t->host, v->domain, name), v->domain);
    if (scope == MOIRAI_SCOPE_VCPU)
        printf(" %4u", v->vcpu);
    show_values(t->policy, scope, value);
    return true;
}

static bool is_asked_for(const struct task *t, const struct moirai_pool *pool,
                         const struct moirai_vcpu *v)
{
    return v->pool == pool->pool && (!t->has_domain || v->domain == t->domain) &&
           (t->vcpu == MOIRAI_ALL || v->vcpu == t->vcpu);
}

/* One line for each domain, or for each vCPU. */
static bool show_domains(struct task *t, const struct moirai_pool *pool, enum moirai_scope scope)
{
    unsigned nr, shown = 0;
    struct moirai_vcpu *list = host_vcpus(t->host, &nr);
    bool ok = list != NULL;

    show_heading(t->policy, scope);
    for (unsigned i = 0; ok && i < nr; i++) {
        bool again = i && list[i].domain == list[i - 1].domain;

        if (!is_asked_for(t, pool, &list[i]) || (scope == MOIRAI_SCOPE_DOMAIN && again))
            continue;
        ok = show_vcpu(t, &list[i], scope);
        shown++;
    }
    free(list);
    if (ok && !shown && t->has_vcpu && t->has_domain)
        return complain(at(t), "%s has no vCPU %s", t->request.domain, t->request.vcpu);
    return ok;
}

static bool show_all(struct task *t, const struct moirai_pool *pools, unsigned nr)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < nr; i++) {
        if (!t->has_domain && has_scope(t->policy, MOIRAI_SCOPE_POOL))
            ok = show_pool(t, &pools[i]);
        if (ok && has_scope(t->policy, MOIRAI_SCOPE_DOMAIN))
            ok = show_domains(t, &pools[i], MOIRAI_SCOPE_DOMAIN);
        if (ok && has_scope(t->policy, MOIRAI_SCOPE_VCPU))
            ok = show_domains(t, &pools[i], MOIRAI_SCOPE_VCPU);
    }
    return ok;
}

static void show_help(const struct task *t)
{
    const struct policy *p = t->policy;
    enum moirai_scope scope =
        has_scope(p, MOIRAI_SCOPE_DOMAIN) ? MOIRAI_SCOPE_DOMAIN : MOIRAI_SCOPE_VCPU;

    printf("usage: moirai %s [--domain NAME [--vcpu N|all]] [--pool NAME] [--PARAMETER VALUE]...\n",
           t->command->name);
    if (t->command->pool_param) {
        printf("       moirai %s %s\n", t->command->name, t->command->pool_param);
    } else if (has_scope(p, scope)) {
        printf("       moirai %s DOMAIN", t->command->name);
        for (unsigned i = 0; i < p->info.nr_params; i++)
            if (p->params[i].scope == scope)
                printf(" %s", p->params[i].name);
        putchar('\n');
    }
    printf(
        "\nSets parameters of %s, or shows them. Times as options have a unit, like 10ms; without\n"
        "names they are as in the xm commands, in ns",
        p->info.name);
    for (unsigned i = 0; i < 4 && t->command->units[i].param; i++)
        printf("%s %s in %s", i ? "," : ", but", t->command->units[i].param,
               t->command->units[i].unit);
    printf(".\n\n");
    for (unsigned i = 0; i < p->info.nr_params; i++)
        show_param(stdout, &p->params[i]);
}

/* ---- run ----------------------------------------------------------------------------------- */

static int act(struct task *t)
{
    unsigned nr;

    if (!find_all(t))
        return CLI_INPUT;
    struct moirai_pool *pools = host_pools(t->host, &nr);
    if (!pools)
        return CLI_REFUSED;
    bool ok = choose_pools(t, pools, &nr);
    if (ok && t->request.given) {
        ok = check_set(t, nr);
        t->pool = pools[0].pool;
        ok = ok && set_all(t);
    } else if (ok) {
        ok = show_all(t, pools, nr);
    }
    free(pools);
    return ok ? CLI_OK : CLI_REFUSED;
}

static int with_host(struct task *t, int argc, char **argv)
{
    t->policy = host_policy_named(t->host, t->command->policy);
    if (!t->policy || !request_parse(t->command, t->policy, argc, argv, &t->request))
        return CLI_INPUT;
    if (!t->request.help)
        return act(t);
    show_help(t);
    return CLI_OK;
}

int sched_params_main(int argc, char **argv)
{
    struct task t = {.command = sched_command_named(argv[0]), .host = host_open()};

    if (!t.host)
        return CLI_REFUSED;
    int status = with_host(&t, argc, argv);
    host_close(t.host);
    return status;
}
