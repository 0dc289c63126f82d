#include "share.h"

#include <stdlib.h>
#include <string.h>

#include "../sim/ideal.h"

#define DEFAULT_WEIGHT 256
#define DEFAULT_MCUADV 10
/* Before any weight gets anything, reservations are full. */
#define RESERVED_WEIGHT 1e9
/* Asleep for less than this part of the time counts as never. */
#define NEVER 0.01

/* The value of the parameter called `name`, whichever its scope; `otherwise` if there is none. */
static int64_t value_of(const struct policy *p, const char *name, const int64_t *domain_value,
                        const int64_t *vcpu_value, int64_t otherwise)
{
    unsigned n[3] = {0};

    for (unsigned i = 0; i < p->info.nr_params; i++) {
        unsigned scope = p->params[i].scope % 3, index = n[scope]++;

        if (scope == MOIRAI_SCOPE_POOL || strcmp(p->params[i].name, name))
            continue;
        return scope == MOIRAI_SCOPE_DOMAIN ? domain_value[index] : vcpu_value[index];
    }
    return otherwise;
}

static bool is(const struct policy *p, const char *name)
{
    return !strcmp(p->info.name, name);
}

void share_params(struct share_vcpu *v, const struct policy *p, const int64_t *domain_value,
                  const int64_t *vcpu_value)
{
#define VALUE(name, otherwise) value_of(p, name, domain_value, vcpu_value, otherwise)
    int64_t weight = VALUE("weight", 0), mcuadv = VALUE("mcuadv", DEFAULT_MCUADV);
    int64_t period = VALUE("period", 0), slice = VALUE("slice", VALUE("budget", 0));
    bool extra = VALUE("extratime", VALUE("xtratime", 1));

    v->weight = weight ? (double)weight : DEFAULT_WEIGHT * DEFAULT_MCUADV / (double)mcuadv;
    v->reserved = period ? (double)slice / (double)period : 0;
    v->cap = (double)VALUE("cap", 0) / 100;
    if (is(p, "rtds")) /* spare time goes round by budgets */
        v->weight = v->reserved;
    if (!extra)
        v->weight = 0;
#undef VALUE
}

void share_windows(struct share_vcpu *v, int64_t runtime, int64_t frame)
{
    v->reserved = frame ? (double)runtime / (double)frame : 0;
    v->weight = 0;
}

double share_demand(uint64_t ran, uint64_t waited, uint64_t ns)
{
    double used = ns ? (double)ran / (double)ns : 0;
    double awake = ns ? (double)(ran + waited) / (double)ns : 0;

    return awake < 1 - NEVER ? used : 1;
}

static void to_mask(uint64_t pcpus, struct mask *m)
{
    mask_clear_all(m);
    for (unsigned i = 0; i < 64; i++)
        if (pcpus >> i & 1)
            mask_set(m, i);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Two units for each vCPU: what it has reserved, which is filled first, and the rest. */
static unsigned add_units(struct ideal_unit *units, const struct share_vcpu *v,
                          const struct mask *hard)
{
    double reserved = least(v->reserved, v->demand), rest = v->demand - reserved;
    int group = v->cap > 0 ? (int)v->domain : -1;
    unsigned n = 0;

    if (!v->hard)
        return 0;
    if (reserved > 0)
        units[n++] = (struct ideal_unit){
            .weight = RESERVED_WEIGHT * reserved, .hard = hard, .limit = reserved, .group = group};
    if (rest > 0 && v->weight > 0)
        units[n++] =
            (struct ideal_unit){.weight = v->weight, .hard = hard, .limit = rest, .group = group};
    return n;
}

bool share_ideal(struct share_vcpu *vcpus, unsigned nr)
{
    struct ideal_unit *units = calloc(2 * nr + 1, sizeof *units);
    struct mask *hard = calloc(nr + 1, sizeof *hard);
    unsigned *first = calloc(nr + 1, sizeof *first);
    unsigned n = 0, groups = 0;
    double *caps = NULL;
    bool ok = units && hard && first;

    for (unsigned i = 0; ok && i < nr; i++) {
        first[i] = n;
        to_mask(vcpus[i].hard, &hard[i]);
        n += add_units(units + n, &vcpus[i], &hard[i]);
        if (vcpus[i].domain >= groups)
            groups = vcpus[i].domain + 1;
    }
    caps = calloc(groups + 1, sizeof *caps);
    ok = ok && caps;
    for (unsigned i = 0; ok && i < nr; i++)
        caps[vcpus[i].domain] = vcpus[i].cap;
    ok = ok && (!n || !ideal_rates(units, n, caps, groups));
    for (unsigned i = 0; ok && i < nr; i++) {
        unsigned end = i + 1 < nr ? first[i + 1] : n;

        vcpus[i].ideal = 0;
        for (unsigned k = first[i]; k < end; k++)
            vcpus[i].ideal += units[k].rate;
    }
    free(units);
    free(hard);
    free(first);
    free(caps);
    return ok;
}
