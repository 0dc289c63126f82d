/* The scenario's orders: domains come and go, parameters and pCPUs change. */
#include "../../sched/policy.h"
#include "engine.h"
#include "message.h"
#include "refusal.h"

typedef int change_fn(struct engine *e, const struct scenario_change *c, struct sched_refusal *why);

/* ---- after a change: the engine's view follows the scheduler's ----------------- */

static void follow_pcpus(struct engine *e)
{
    for (unsigned i = 0; i < e->scenario->nr_pcpus; i++) {
        struct sim_pcpu *p = &e->pcpus[i];
        if (p->running && p->core->current != p->running->unit)
            vcpu_stop(e, p);
    }
}

static bool is_watched(const struct sched_unit *u)
{
    const struct sched_policy *policy = u->domain->pool->policy;
    return !u->bound && (policy->balanced || policy == &sched_rtds);
}

static void follow_ideal(struct engine *e, struct sim_vcpu *v, unsigned domain)
{
    const struct sched_unit *u = v->unit;

    if (!e->options.ideal)
        return;
    if (e->machine.exists[domain] && !u->paused)
        fluid_place(&e->fluid, vcpu_index(e, v), (int)u->domain->pool->id, (int)domain,
                    machine_weight(u), &u->affinity->hard, e->now);
    else
        fluid_place(&e->fluid, vcpu_index(e, v), FLUID_NOWHERE, (int)domain, 1, NULL, e->now);
}

static void follow_domain(struct engine *e, unsigned domain)
{
    const struct machine *m = &e->machine;
    int64_t cap = m->exists[domain] ? machine_cap(machine_domain(m, domain)) : 0;

    cap_meter_set(&e->domains[domain].cap, cap, e->now);
    if (e->options.ideal)
        fluid_cap(&e->fluid, domain, (double)cap / 100, e->now);
    for (unsigned i = m->first_unit[domain]; i < m->first_unit[domain + 1]; i++) {
        struct sim_vcpu *v = &e->vcpus[i];
        list_del(&v->waiting);
        v->watched = m->exists[domain] && is_watched(v->unit);
        vcpu_follow(e, v);
        follow_ideal(e, v, domain);
    }
}

static void follow(struct engine *e)
{
    follow_pcpus(e);
    for (unsigned i = 0; i < e->scenario->nr_domains; i++)
        follow_domain(e, i);
}

/* ---- domains ---------------------------------------------------------------------- */

static int create(struct engine *e, unsigned domain, struct sched_refusal *why)
{
    const struct machine *m = &e->machine;
    int err = machine_create(&e->machine, domain, e->now, why);

    for (unsigned i = m->first_unit[domain]; !err && i < m->first_unit[domain + 1]; i++)
        meter_create(&e->vcpus[i].meter, e->now);
    return err;
}

static int apply_create(struct engine *e, const struct scenario_change *c,
                        struct sched_refusal *why)
{
    unsigned domain = (unsigned)c->domain;

    if (e->machine.exists[domain])
        return refuse(why, SCHED_EBUSY, NULL, "the domain exists already; destroy it before that",
                      0);
    int err = create(e, domain, why);
    if (err)
        return err;
    follow_domain(e, domain);
    crew_start(&e->domains[domain].crew, e->now);
    return 0;
}

/* The vCPU's time is over; what it did is counted. */
static void end_vcpu(struct engine *e, struct sim_vcpu *v)
{
    if (v->pcpu)
        vcpu_stop(e, v->pcpu);
    list_del(&v->waiting);
    meter_end(&v->meter, e->now);
    if (e->options.ideal)
        fluid_forget(&e->fluid, vcpu_index(e, v), e->now);
    v->blocked = true;
}

static void end_domain(struct engine *e, unsigned domain)
{
    const struct machine *m = &e->machine;

    crew_stop(&e->domains[domain].crew, e->now);
    for (unsigned i = m->first_unit[domain]; i < m->first_unit[domain + 1]; i++)
        end_vcpu(e, &e->vcpus[i]);
}

static int apply_destroy(struct engine *e, const struct scenario_change *c,
                         struct sched_refusal *why)
{
    (void)why;
    end_domain(e, (unsigned)c->domain);
    machine_destroy(&e->machine, (unsigned)c->domain, e->now);
    return 0;
}

/* ---- pausing ------------------------------------------------------------------------ */

static void unpause_vcpu(struct engine *e, struct sim_vcpu *v)
{
    if (v->meter.woken != METER_NOT)
        meter_wake(&v->meter, e->now); /* the pause is not the scheduler's delay */
    sched_unpause(v->unit, e->now);
}

/* Both for the whole domain and for single vCPUs. */
static int apply_pause(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    const unsigned *first = &e->machine.first_unit[c->domain];
    unsigned from = c->vcpu < 0 ? first[0] : first[0] + (unsigned)c->vcpu;
    unsigned to = c->vcpu < 0 ? first[1] : from + 1;
    bool pause = c->kind == CHANGE_PAUSE || c->kind == CHANGE_VCPU_OFFLINE;

    for (unsigned i = from; i < to; i++) {
        struct sched_unit *u = e->vcpus[i].unit;
        if (pause)
            sched_pause(u, e->now);
        else if (u->paused)
            unpause_vcpu(e, &e->vcpus[i]);
        else
            return refuse(why, SCHED_EINVAL, NULL, "it is not paused; pause it before that", 0);
    }
    return 0;
}

/* ---- parameters, places --------------------------------------------------------------- */

static int apply_set(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    return machine_set(&e->machine, c, why);
}

static int apply_pool_set(struct engine *e, const struct scenario_change *c,
                          struct sched_refusal *why)
{
    return machine_set_pool(&e->machine, (unsigned)c->pool, c->settings, c->nr_settings, e->now,
                            why);
}

static int apply_pin(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    return machine_pin(&e->machine, (unsigned)c->domain, c->vcpu, &c->pin, e->now, why);
}

static int apply_table(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    return machine_set_table(&e->machine, c, why);
}

static int apply_cpu_online(struct engine *e, const struct scenario_change *c,
                            struct sched_refusal *why)
{
    struct sched_pool *pool = machine_pool(&e->machine, c->pool < 0 ? 0 : (unsigned)c->pool);

    if (sched_pool_add_pcpu(pool, e->pcpus[c->pcpu].core, e->now))
        return refuse(why, SCHED_EBUSY, NULL,
                      "the pCPU is in a pool already; take it offline before that", 0);
    return 0;
}

static int apply_cpu_offline(struct engine *e, const struct scenario_change *c,
                             struct sched_refusal *why)
{
    return sched_pool_remove_pcpu(e->pcpus[c->pcpu].core, e->now, why);
}

static int apply_move(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    return sched_domain_move(machine_domain(&e->machine, (unsigned)c->domain),
                             machine_pool(&e->machine, (unsigned)c->pool), e->now, why);
}

static int apply_switch(struct engine *e, const struct scenario_change *c,
                        struct sched_refusal *why)
{
    return sched_pool_switch(machine_pool(&e->machine, (unsigned)c->pool), c->policy, e->now, why);
}

static const struct {
    change_fn *apply;
    const char *verb;
} orders[] = {
    [CHANGE_CREATE] = {apply_create, "create"},
    [CHANGE_DESTROY] = {apply_destroy, "destroy"},
    [CHANGE_PAUSE] = {apply_pause, "pause"},
    [CHANGE_UNPAUSE] = {apply_pause, "unpause"},
    [CHANGE_SET] = {apply_set, "set"},
    [CHANGE_POOL_SET] = {apply_pool_set, "set"},
    [CHANGE_PIN] = {apply_pin, "pin"},
    [CHANGE_CPU_ONLINE] = {apply_cpu_online, "online"},
    [CHANGE_CPU_OFFLINE] = {apply_cpu_offline, "offline"},
    [CHANGE_MOVE] = {apply_move, "move"},
    [CHANGE_SWITCH] = {apply_switch, "switch"},
    [CHANGE_VCPU_ONLINE] = {apply_pause, "online"},
    [CHANGE_VCPU_OFFLINE] = {apply_pause, "offline"},
    [CHANGE_TABLE] = {apply_table, "table"},
};

/* ---- all of them -------------------------------------------------------------------------- */

static void complain_refusal(struct place place, const char *verb, const char *whom,
                             const struct sched_refusal *why)
{
    struct refusal_text text;

    complain(place, "%s %s: %s", verb, whom, refusal_show(why, &text));
}

static const char *name_target(const struct engine *e, const struct scenario_change *c,
                               char text[32])
{
    if (c->domain >= 0)
        return e->scenario->domains[c->domain].name;
    if (c->pcpu < 0 && c->pool >= 0)
        return e->scenario->pools[c->pool].name;
    snprintf(text, 32, "pCPU %d", c->pcpu);
    return text;
}

static int try_change(struct engine *e, const struct scenario_change *c, struct sched_refusal *why)
{
    if (c->domain >= 0 && c->kind != CHANGE_CREATE && !e->machine.exists[c->domain])
        return refuse(why, SCHED_ENOENT, NULL,
                      "the domain does not exist at this time; create it before that", 0);
    return orders[c->kind].apply(e, c, why);
}

void change_apply(struct engine *e, unsigned index)
{
    const struct scenario_change *c = &e->scenario->changes[index];
    struct result *r = e->result;
    struct sched_refusal why = {0};
    char text[32];
    bool refused = try_change(e, c, &why) != 0;

    follow(e);
    if (refused && c->expect_refusal) {
        r->refusals[r->nr_refusals].change = index;
        r->refusals[r->nr_refusals++].why = why;
    } else if (refused) {
        complain_refusal(c->place, orders[c->kind].verb, name_target(e, c, text), &why);
        e->failed = true;
    } else if (c->expect_refusal) {
        complain(c->place, "%s %s: was accepted; leave out 'refused' if that is right",
                 orders[c->kind].verb, name_target(e, c, text));
        e->failed = true;
    }
}

void change_boot(struct engine *e)
{
    const struct scenario *s = e->scenario;

    for (unsigned i = 0; i < s->nr_domains; i++) {
        struct sched_refusal why = {0};
        if (!s->domains[i].at_start || !create(e, i, &why))
            continue;
        complain_refusal(s->domains[i].place, "domain", s->domains[i].name, &why);
        e->failed = true;
        return;
    }
    follow(e);
    for (unsigned i = 0; i < s->nr_domains; i++) {
        if (e->machine.exists[i])
            crew_start(&e->domains[i].crew, e->now);
    }
}

void change_end(struct engine *e)
{
    for (unsigned i = 0; i < e->scenario->nr_domains; i++) {
        cap_meter_update(&e->domains[i].cap, e->now);
        if (e->machine.exists[i])
            end_domain(e, i);
    }
}
