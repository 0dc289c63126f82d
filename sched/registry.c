/* The policies by name and number, and their parameters. */
#include "registry.h"
#include "policy.h"

const struct sched_policy *const sched_policies[] = {
    &sched_bvt,     &sched_fbvt,     &sched_atropos, &sched_rrobin, &sched_sedf, &sched_credit,
    &sched_credit2, &sched_arinc653, &sched_rtds,    &sched_null,   NULL,
};

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

const struct sched_policy *sched_policy_by_name(const char *opt_name)
{
    for (unsigned i = 0; sched_policies[i]; i++)
        if (same_text(sched_policies[i]->opt_name, opt_name))
            return sched_policies[i];
    return NULL;
}

const struct sched_policy *sched_policy_by_id(int id)
{
    for (unsigned i = 0; sched_policies[i]; i++)
        if (sched_policies[i]->id == id)
            return sched_policies[i];
    return NULL;
}

const char *sched_policy_name(const struct sched_policy *p)
{
    return p->opt_name;
}

const char *sched_policy_contract(const struct sched_policy *p)
{
    return p->contract;
}

const struct sched_param *sched_policy_params(const struct sched_policy *p, unsigned *nr)
{
    *nr = p->nr_params;
    return p->params;
}

const struct sched_param *sched_param_by_name(const struct sched_policy *p, enum sched_scope scope,
                                              const char *name, unsigned *index)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->nr_params; i++) {
        if (p->params[i].scope != scope)
            continue;
        if (same_text(p->params[i].name, name)) {
            if (index)
                *index = n;
            return &p->params[i];
        }
        n++;
    }
    return NULL;
}

/* Objects carry room for the largest data of any policy, so a switch needs no memory. */
#define LARGEST(field)                                                                             \
    size_t largest = 0;                                                                            \
    for (unsigned i = 0; sched_policies[i]; i++)                                                   \
        if (sched_policies[i]->field > largest)                                                    \
            largest = sched_policies[i]->field;                                                    \
    return largest

size_t registry_pool_data(void)
{
    LARGEST(pool_size);
}

size_t registry_pcpu_data(void)
{
    LARGEST(pcpu_size);
}

size_t registry_domain_data(void)
{
    LARGEST(domain_size);
}

size_t registry_unit_data(void)
{
    LARGEST(unit_size);
}
