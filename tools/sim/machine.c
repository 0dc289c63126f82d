#include "machine.h"

#include <stdlib.h>
#include <string.h>

#include "../../sched/policy.h" /* refuse */
#include "machine_param.h"
#include "message.h"
#include "refusal.h"

#define CACHE_LINE 64

/* ---- memory ---------------------------------------------------------------------------- */

static bool block_alloc(struct block *b, size_t size, size_t n)
{
    /* An odd number of lines: the same field of different objects spreads over all cache sets. */
    b->stride = ((size + CACHE_LINE - 1) / CACHE_LINE | 1) * CACHE_LINE;
    b->base = aligned_alloc(CACHE_LINE, b->stride * (n ? n : 1));
    if (b->base)
        memset(b->base, 0, b->stride * n);
    return b->base != NULL;
}

static bool number_units(struct machine *m)
{
    const struct scenario *s = m->scenario;

    m->first_unit = calloc(s->nr_domains + 1, sizeof(*m->first_unit));
    if (!m->first_unit)
        return false;
    for (unsigned i = 0; i < s->nr_domains; i++)
        m->first_unit[i + 1] = m->first_unit[i] + s->domains[i].nr_vcpus;
    m->nr_units = m->first_unit[s->nr_domains];
    return true;
}

static bool machine_alloc(struct machine *m)
{
    const struct scenario *s = m->scenario;

    if (!number_units(m))
        return false;
    m->pcpus = calloc(s->nr_pcpus, sizeof(*m->pcpus));
    m->affinities = calloc(m->nr_units + 1, sizeof(*m->affinities));
    m->exists = calloc(s->nr_domains + 1, sizeof(*m->exists));
    return m->pcpus && m->affinities && m->exists &&
           block_alloc(&m->pcpu_block, sched_pcpu_size(), s->nr_pcpus) &&
           block_alloc(&m->pool_block, sched_pool_size(), s->nr_pools) &&
           block_alloc(&m->domain_block, sched_domain_size(), s->nr_domains) &&
           block_alloc(&m->unit_block, sched_unit_size(), m->nr_units);
}

void machine_free(struct machine *m)
{
    free(m->first_unit);
    free(m->pcpus);
    free(m->affinities);
    free(m->exists);
    free(m->pcpu_block.base);
    free(m->pool_block.base);
    free(m->domain_block.base);
    free(m->unit_block.base);
}

/* ---- pCPUs and pools ----------------------------------------------------------------------- */

static void init_pcpus(struct machine *m)
{
    for (unsigned i = 0; i < m->scenario->nr_pcpus; i++) {
        const struct host_pcpu *p = &m->scenario->pcpus[i];
        sched_pcpu_init(&m->sched,
                        (struct sched_pcpu *)(m->pcpu_block.base + i * m->pcpu_block.stride), i,
                        p->core, p->socket, p->node);
    }
}

static bool init_pool(struct machine *m, unsigned i)
{
    const struct scenario_pool *p = &m->scenario->pools[i];
    struct sched_refusal why = {0};
    struct refusal_text text;

    sched_pool_init(&m->sched, machine_pool(m, i), i, p->policy);
    mask_for_each(cpu, &p->cpus) {
        if (sched_pool_add_pcpu(machine_pool(m, i), m->pcpus[cpu], 0))
            return complain(p->place, "pool %s: pCPU %d belongs to another pool", p->name, cpu);
    }
    if (machine_set_pool(m, i, p->settings, p->nr_settings, 0, &why))
        return complain(p->place, "pool %s: %s", p->name, refusal_show(&why, &text));
    return true;
}

bool machine_init(struct machine *m, const struct scenario *s, const struct sched_env *env)
{
    *m = (struct machine){.scenario = s, .mcuadv_scale = mcuadv_scale(s)};
    if (!machine_alloc(m))
        return complain((struct place){s->file, 0}, "out of memory for %u vCPUs on %u pCPUs",
                        m->nr_units, s->nr_pcpus);
    sched_init(&m->sched, env, m->pcpus, s->nr_pcpus);
    sched_give_affinities(&m->sched, m->affinities, m->nr_units + 1);
    init_pcpus(m);
    for (unsigned i = 0; i < s->nr_pools; i++) {
        if (!init_pool(m, i))
            return false;
    }
    return true;
}

/* ---- some or all units of a domain --------------------------------------------------- */

int machine_change_units(struct machine *m, unsigned domain, int vcpu,
                         const struct unit_change *change, sched_time now,
                         struct sched_refusal *why)
{
    unsigned first = m->first_unit[domain], nr = m->first_unit[domain + 1] - first;

    if (vcpu >= 0)
        return change->apply(machine_unit(m, first + (unsigned)vcpu), change->how, now, why);
    struct sched_unit **units = malloc(nr * sizeof(*units));
    if (!units)
        return refuse(why, SCHED_ENOMEM, NULL, "out of memory", 0);
    for (unsigned i = 0; i < nr; i++)
        units[i] = machine_unit(m, first + i);
    int err = all_or_none(units, nr, change, now, why);
    free(units);
    return err;
}

/* ---- domains -------------------------------------------------------------------------------- */

static int pin_unit(struct sched_unit *u, const void *how, sched_time now,
                    struct sched_refusal *why)
{
    const struct scenario_vcpu *pin = how;

    return sched_set_affinity(u, pin->has_hard ? &pin->hard : NULL,
                              pin->has_soft ? &pin->soft : NULL, now, why);
}

static int create_unit(struct machine *m, unsigned domain, unsigned vcpu, sched_time now,
                       struct sched_refusal *why)
{
    const struct scenario_vcpu *v = &m->scenario->domains[domain].vcpus[vcpu];
    unsigned id = m->first_unit[domain] + vcpu;

    memset(machine_unit(m, id), 0, m->unit_block.stride);
    int err = sched_unit_init(machine_unit(m, id), machine_domain(m, domain), id, vcpu, now);
    if (err || !(v->has_hard || v->has_soft))
        return err;
    err = pin_unit(machine_unit(m, id), v, now, why);
    if (err)
        sched_unit_fini(machine_unit(m, id), now);
    return err;
}

static void destroy_units(struct machine *m, unsigned domain, unsigned n, sched_time now)
{
    while (n > 0)
        sched_unit_fini(machine_unit(m, m->first_unit[domain] + --n), now);
    sched_domain_fini(machine_domain(m, domain));
}

int machine_create(struct machine *m, unsigned domain, sched_time now, struct sched_refusal *why)
{
    const struct scenario_domain *config = &m->scenario->domains[domain];
    unsigned n = 0;

    memset(machine_domain(m, domain), 0, m->domain_block.stride);
    int err = sched_domain_init(machine_domain(m, domain), domain, machine_pool(m, config->pool),
                                config->privileged, now);
    if (err)
        return err;
    while (!err && n < config->nr_vcpus) {
        err = create_unit(m, domain, n, now, why);
        n += !err;
    }
    if (!err)
        err = machine_configure(m, domain, now, why);
    if (err)
        destroy_units(m, domain, n, now);
    m->exists[domain] = !err;
    return err;
}

void machine_destroy(struct machine *m, unsigned domain, sched_time now)
{
    destroy_units(m, domain, m->scenario->domains[domain].nr_vcpus, now);
    m->exists[domain] = false;
}

static void undo_pin(const struct unit_before *before, sched_time now)
{
    sched_set_affinity(before->unit, &before->hard, before->has_soft ? &before->soft : NULL, now,
                       NULL);
}

int machine_pin(struct machine *m, unsigned domain, int vcpu, const struct scenario_vcpu *pin,
                sched_time now, struct sched_refusal *why)
{
    const struct unit_change change = {pin_unit, undo_pin, pin};

    return machine_change_units(m, domain, vcpu, &change, now, why);
}

int machine_set_table(struct machine *m, const struct scenario_change *change,
                      struct sched_refusal *why)
{
    struct sched_window window[SCHED_TABLE_MAX];

    if (change->nr_windows > SCHED_TABLE_MAX)
        return refuse(why, SCHED_EINVAL, NULL, "more windows than a table holds", SCHED_TABLE_MAX);
    for (unsigned i = 0; i < change->nr_windows; i++) {
        const struct scenario_window *w = &change->windows[i];
        window[i] = (struct sched_window){machine_domain(m, w->domain), w->vcpu, w->runtime};
    }
    return sched_set_table(machine_pool(m, (unsigned)change->pool), change->major_frame, window,
                           change->nr_windows, change->at, why);
}
