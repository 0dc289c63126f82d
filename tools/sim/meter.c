#include "meter.h"

void meter_init(struct vcpu_meter *m, struct vcpu_result *result)
{
    *m = (struct vcpu_meter){.result = result,
                             .created = METER_NOT,
                             .running = METER_NOT,
                             .waiting = METER_NOT,
                             .woken = METER_NOT};
}

void meter_create(struct vcpu_meter *m, sched_time now)
{
    m->created = now;
}

void meter_wake(struct vcpu_meter *m, sched_time now)
{
    m->woken = now;
}

void meter_wait(struct vcpu_meter *m, sched_time now)
{
    if (m->waiting == METER_NOT)
        m->waiting = now;
}

void meter_wait_end(struct vcpu_meter *m, sched_time now)
{
    if (m->waiting == METER_NOT)
        return;
    if (now - m->waiting > m->result->longest_wait)
        m->result->longest_wait = now - m->waiting;
    m->waiting = METER_NOT;
}

void meter_run(struct vcpu_meter *m, sched_time now, sched_time overhead)
{
    meter_wait_end(m, now);
    m->running = now;
    m->result->switches++;
    if (m->woken == METER_NOT)
        return;
    histogram_add(&m->result->latency, now + overhead - m->woken);
    m->woken = METER_NOT;
}

void meter_stop(struct vcpu_meter *m, sched_time now)
{
    m->result->service += now - m->running;
    m->running = METER_NOT;
}

void meter_end(struct vcpu_meter *m, sched_time now)
{
    meter_wait_end(m, now);
    if (m->created != METER_NOT)
        m->result->present += now - m->created;
    m->created = m->woken = METER_NOT;
}

void meter_lag(struct vcpu_meter *m, double ideal, sched_time now)
{
    double lag = ideal - (double)meter_service(m, now);

    if (lag > m->result->max_lag)
        m->result->max_lag = lag;
}

void cap_meter_init(struct cap_meter *c, struct domain_result *result)
{
    *c = (struct cap_meter){.result = result};
}

void cap_meter_update(struct cap_meter *c, sched_time now)
{
    if (!c->cap)
        return;
    c->level += (100 * (int64_t)c->running - c->cap) * (now - c->updated);
    c->updated = now;
    if ((double)(c->level - c->lowest) / 100 > c->result->cap_excess)
        c->result->cap_excess = (double)(c->level - c->lowest) / 100;
    if (c->level < c->lowest)
        c->lowest = c->level;
}

void cap_meter_set(struct cap_meter *c, int64_t cap, sched_time now)
{
    if (c->cap == cap)
        return;
    cap_meter_update(c, now);
    c->cap = cap;
    c->updated = now;
    c->level = c->lowest = 0;
}
