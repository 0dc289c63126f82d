/* The run loops of all pCPUs in turns. */
#include "check.h"
#include "machine.h"

#include "../../xen/schedule.c"

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

#define MANY_TURNS 10000 /* of others while one waits: it will wait for ever */
#define MAX_ROUNDS 8
#define MAX_SLICES 8

static bool stepping[NR_PCPUS];
static unsigned waited;

void machine_step(struct pcpu *p)
{
    struct pcpu *here = machine_pcpu;

    if (stepping[p->id])
        return;
    stepping[p->id] = true;
    machine_pcpu = p;
    timers_run();
    choose_vcpu(p);
    timers_arm();
    machine_pcpu = here;
    stepping[p->id] = false;
}

static bool has_reason(const struct pcpu *p)
{
    sched_time t = now();
    return p->resched || p->timer_due <= t || p->decide_at <= t;
}

/* Somebody waits for what another pCPU will do. */
void machine_relax(void)
{
    if (++waited > MANY_TURNS)
        panic("pCPU %u waits for ever", machine_pcpu->id);
    machine_pass_time(1000);
    if (any_lock_held())
        return;
    isolation_suspend();
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (pcpus[i] != machine_pcpu && has_reason(pcpus[i]))
            machine_step(pcpus[i]);
    isolation_resume();
}

void machine_settle(void)
{
    bool again = true;

    waited = 0;
    for (unsigned round = 0; again && round < MAX_ROUNDS; round++) {
        again = false;
        for (unsigned i = 0; i < nr_pcpus; i++) {
            if (has_reason(pcpus[i])) {
                machine_step(pcpus[i]);
                again = true;
            }
        }
    }
}

bool machine_serve(struct vcpu *v)
{
    if (v->down || v->unit->paused)
        return false;
    vcpu_wake(v);
    machine_settle();
    for (unsigned i = 0; i < MAX_SLICES && !v->loaded_on; i++) {
        machine_pass_time(10000000);
        machine_settle();
    }
    if (!v->loaded_on || v->down || v->unit->paused || v->blocked)
        return false;
    machine_pcpu = v->loaded_on;
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------- */

void check_schedule(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++) {
        const struct vcpu *v = pcpus[i]->loaded;

        if (v && v->loaded_on != pcpus[i])
            panic("pCPU %u has d%uv%u, which is elsewhere", i, v->domain->id, v->id);
        if (pcpus[i]->sched->current && pcpus[i]->sched->current->state != SCHED_RUNNING)
            panic("what pCPU %u runs does not run", i);
    }
}

static void check_unit(const struct vcpu *v)
{
    const struct pcpu *p = v->loaded_on;

    if (p && p->loaded != v)
        panic("d%uv%u is loaded on pCPU %u, which does not know", v->domain->id, v->id, p->id);
    if (v->down && v->unit->awake)
        panic("d%uv%u is down and awake", v->domain->id, v->id);
    if (!v->down && v->unit->awake == v->blocked)
        panic("d%uv%u: awake %d, blocked %d", v->domain->id, v->id, v->unit->awake, v->blocked);
    if (!(unit_ids[v->unit->id / 64] >> v->unit->id % 64 & 1))
        panic("the id of d%uv%u's unit is free", v->domain->id, v->id);
}

void check_vcpus(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            check_unit(d->vcpus[i]);
}

#pragma clang attribute pop
