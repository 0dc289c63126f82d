/* What the scheduler's events mean for the counters and the trace (see trace.h). */
#include "domain.h"

/* ---- how long vCPUs wait for a pCPU after a wake ------------------------------------------- */

static unsigned bucket_of(uint64_t ns)
{
    unsigned i = ns > 1 ? 64u - (unsigned)__builtin_clzll(ns - 1) : 0;

    return MIN(i, MOIRAI_BUCKETS - 1u);
}

static void ran_after_wake(struct wake_stats *s, sched_time at)
{
    uint64_t late = (uint64_t)(at - s->woken);

    s->woken = 0;
    s->wakes++;
    s->latency_sum += late;
    s->latency_max = MAX(s->latency_max, late);
    s->latency[bucket_of(late)]++;
}

void count_sched(const struct sched_event *e, struct wake_stats *s)
{
    if (e->kind == SCHED_EV_WAKE)
        s->woken = e->now;
    else if (e->kind == SCHED_EV_BLOCK)
        s->woken = 0;
    else if (e->kind == SCHED_EV_SWITCH && s->woken)
        ran_after_wake(s, e->now);
}

/* ---- records ------------------------------------------------------------------------------- */

static void switched(const struct sched_event *e, const struct vcpu *v)
{
    uint32_t to =
        v ? (uint32_t)v->domain->id << 16 | v->id : (uint32_t)DOMID_IDLE << 16 | (uint32_t)e->pcpu;
    uint32_t from = trace_switch(to);

    trace(TRC_SCHED_SWITCH, from >> 16, from & 0xffff, to >> 16, to & 0xffff);
}

static void record(const struct sched_event *e, uint32_t domain, uint32_t vcpu)
{
    switch (e->kind) {
    case SCHED_EV_WAKE:
        trace(TRC_SCHED_WAKE, domain, vcpu);
        break;
    case SCHED_EV_BLOCK:
        trace(e->unit->paused ? TRC_SCHED_SLEEP : TRC_SCHED_BLOCK, domain, vcpu);
        break;
    case SCHED_EV_MIGRATE:
        trace(MOIRAI_TRACE_MIGRATE, domain, vcpu, (uint32_t)e->arg, (uint32_t)e->pcpu);
        break;
    case SCHED_EV_PARK:
        trace(MOIRAI_TRACE_PARK, domain, vcpu, (uint32_t)e->pcpu);
        break;
    case SCHED_EV_UNPARK:
        trace(MOIRAI_TRACE_UNPARK, domain, vcpu, (uint32_t)e->pcpu);
        break;
    case SCHED_EV_MISS:
        trace(MOIRAI_TRACE_MISS, domain, vcpu, (uint32_t)e->arg, (uint32_t)(e->arg >> 32));
        break;
    case SCHED_EV_AFFINITY_BROKEN:
        trace(MOIRAI_TRACE_AFFINITY_BROKEN, domain, vcpu);
        break;
    case SCHED_EV_SWITCH:
        break;
    }
}

void trace_sched(const struct sched_event *e, const struct vcpu *v)
{
    if (!trace_on)
        return;
    if (e->kind == SCHED_EV_SWITCH)
        switched(e, v);
    else if (v)
        record(e, v->domain->id, v->id);
}

void trace_runstate(const struct vcpu *v, int to)
{
    uint32_t change = (uint32_t)v->runstate.state << 8 | (uint32_t)to << 4;

    trace(TRC_SCHED_RUNSTATE_CHANGE | change, (uint32_t)v->domain->id << 16 | v->id);
}
