/*
 * The glue between the scheduler core (sched/) and the machine: which vCPU a
 * pCPU runs, when it decides anew, and what a vCPU's sleeping and waking
 * mean. Nothing here knows a policy.
 *
 * All calls into sched/ are under sched_lock. The core may give a vCPU to one
 * pCPU while another still has its registers: `loaded_on` says so, and the new
 * pCPU waits for the old one, which has been asked to decide and needs nothing
 * that the new one holds.
 */
#include "boot.h"
#include "call.h"
#include "cpupool.h"
#include "event.h"
#include "hvm.h"
#include "perf.h"
#include "psr.h"

/* A unit of sched/ and whose it is; the policy's data follows. */
struct vcpu_unit {
    struct vcpu *vcpu;
    struct sched_unit unit aligned_to(64);
};

struct spinlock sched_lock = SPINLOCK_INIT(RANK_SCHED);

static struct sched sched;
static struct sched_pcpu *sched_pcpus[MAX_PCPUS];
static uint64_t unit_ids[SCHED_MAX_UNITS / 64]; /* those in use */

static struct vcpu *vcpu_of(const struct sched_unit *u)
{
    return u ? container_of(u, struct vcpu_unit, unit)->vcpu : NULL;
}

/* ---- what the core asks for ------------------------------------------------------------ */

/* What the core was told last, under sched_lock: reading the clock is not that cheap. It may be some
 * time ago, then the run loop finds out that `decide_at` is now. */
static sched_time told;

static sched_time tell_now(void)
{
    return told = now();
}

static void on_resched(void *ctx, unsigned id, sched_time when)
{
    struct pcpu *p = pcpus[id];

    (void)ctx;
    if (when <= told)
        p->resched = true;
    else if (when < p->decide_at)
        p->decide_at = when;
    else
        return;
    if (p != this_pcpu())
        pcpu_kick(p);
}

static void on_event(void *ctx, const struct sched_event *e)
{
    struct vcpu *v = vcpu_of(e->unit);

    (void)ctx;
    if (v)
        count_sched(e, &v->wake_stats);
    trace_sched(e, v);
}

static const struct sched_env env = {
    .resched = on_resched, .timer = cpupool_timer, .trace = on_event};

/* ---- set-up ---------------------------------------------------------------------------- */

void schedule_init(const char *name)
{
    const struct sched_policy *policy = name && *name ? sched_policy_by_name(name) : NULL;

    if (name && *name && !policy)
        printk(LOG_WARN, "sched=%s: no such scheduler, credit2 is used", name);
    if (!policy)
        policy = sched_policy_by_name("credit2");
    sched_init(&sched, &env, sched_pcpus, MAX_PCPUS);
    cpupools_init(&sched, policy);
    printk(LOG_INFO, "scheduler: %s", sched_policy_name(policy));
}

void schedule_add_pcpu(struct pcpu *p)
{
    struct sched_pcpu *s = xmalloc(sched_pcpu_size());

    if (!s)
        panic("no memory for pCPU %u's scheduler", p->id);
    spin_lock(&sched_lock);
    p->sched = s;
    p->decide_at = SCHED_NEVER;
    p->resched = true;
    sched_pcpu_init(&sched, s, p->id, p->core, p->socket, p->node);
    sched_pool_add_pcpu(pool0, s, now());
    spin_unlock(&sched_lock);
}

int schedule_domain_init(struct domain *d, uint32_t pool_id)
{
    d->sched = xmalloc(sched_domain_size());
    if (!d->sched)
        return -XEN_ENOMEM;
    spin_lock(&sched_lock);
    struct sched_pool *pool = cpupool_find(pool_id);
    int err = pool ? sched_domain_init(d->sched, d->id, pool, d->privileged, now()) : -XEN_ENOENT;
    spin_unlock(&sched_lock);
    if (err) {
        xfree(d->sched);
        d->sched = NULL;
    }
    return err;
}

void schedule_domain_fini(struct domain *d)
{
    if (!d->sched)
        return;
    spin_lock(&sched_lock);
    sched_domain_fini(d->sched);
    spin_unlock(&sched_lock);
    xfree(d->sched);
    d->sched = NULL;
}

static int take_unit_id(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(unit_ids); i++) {
        if (~unit_ids[i]) {
            unsigned bit = (unsigned)__builtin_ctzll(~unit_ids[i]);
            unit_ids[i] |= BIT(bit);
            return (int)(i * 64 + bit);
        }
    }
    return -XEN_ENOSPC;
}

static void drop_unit_id(unsigned id)
{
    unit_ids[id / 64] &= ~BIT(id % 64);
}

/* Slots are alike: with one unit less there is one to spare, whichever it is. */
static struct sched_affinity *spare_slot(void)
{
    struct sched_affinity *spare =
        list_first_entry(&sched.free_affinities, struct sched_affinity, link);

    list_del(&spare->link);
    return spare;
}

static int attach(struct sched_unit *u, struct sched_affinity *slot, struct vcpu *v)
{
    int id = take_unit_id();

    if (id < 0)
        return id;
    sched_give_affinities(&sched, slot, 1);
    int err = sched_unit_init(u, v->domain->sched, (unsigned)id, v->id, now());
    if (err) {
        drop_unit_id((unsigned)id);
        list_del(&slot->link);
    }
    return err;
}

int schedule_vcpu_init(struct vcpu *v)
{
    struct vcpu_unit *vu = xmalloc(offsetof(struct vcpu_unit, unit) + sched_unit_size());
    struct sched_affinity *slot = xnew(struct sched_affinity);

    int err = -XEN_ENOMEM;

    if (vu && slot) {
        vu->vcpu = v;
        v->down = true;
        v->runstate.state = RUNSTATE_offline;
        v->runstate.state_entry_time = (uint64_t)now();
        spin_lock(&sched_lock);
        err = attach(&vu->unit, slot, v);
        spin_unlock(&sched_lock);
    }
    if (err) {
        xfree(vu);
        xfree(slot);
        return err;
    }
    v->unit = &vu->unit;
    return 0;
}

void schedule_vcpu_fini(struct vcpu *v)
{
    struct vcpu_unit *vu = container_of(v->unit, struct vcpu_unit, unit);

    spin_lock(&sched_lock);
    sched_unit_fini(v->unit, now());
    drop_unit_id(v->unit->id);
    struct sched_affinity *spare = spare_slot();
    spin_unlock(&sched_lock);
    xfree(spare);
    xfree(vu);
    v->unit = NULL;
}

/* ---- runstates (vcpu.h of the public headers) -------------------------------------------- */

static int runstate_of(const struct vcpu *v)
{
    if (v->down || v->unit->paused)
        return RUNSTATE_offline;
    if (v->unit->state == SCHED_RUNNING)
        return RUNSTATE_running;
    return v->blocked ? RUNSTATE_blocked : RUNSTATE_runnable;
}

static void runstate_change(struct vcpu *v, sched_time t)
{
    struct vcpu_runstate_info *r = &v->runstate;
    int state = runstate_of(v);

    if (state == r->state)
        return;
    trace_runstate(v, state);
    r->time[r->state] += (uint64_t)t - r->state_entry_time;
    r->state = state;
    r->state_entry_time = (uint64_t)t;
}

void runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out)
{
    spin_lock(&sched_lock);
    *out = v->runstate;
    out->time[out->state] += (uint64_t)now() - out->state_entry_time;
    spin_unlock(&sched_lock);
}

uint64_t vcpu_cpu_time(const struct vcpu *v)
{
    struct vcpu_runstate_info r;

    runstate_get(v, &r);
    return r.time[RUNSTATE_running];
}

/* ---- sleeping and waking ------------------------------------------------------------------ */

static bool has_work(struct vcpu *v)
{
    return v->nmi_pending || vlapic_pending(v) >= 0;
}

/* Whoever makes work for the vCPU does that first and looks at `blocked` afterwards; here it is the
 * other way round, so one of both sees the other. */
void vcpu_block(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->blocked = true;
    __sync_synchronize();
    if (has_work(v)) {
        v->blocked = false;
    } else {
        sched_time t = tell_now();
        sched_block(v->unit, t);
        runstate_change(v, t);
    }
    spin_unlock(&sched_lock);
}

void vcpu_wake(struct vcpu *v)
{
    __sync_synchronize(); /* see vcpu_block */
    if (!v->blocked)
        return;
    spin_lock(&sched_lock);
    if (v->blocked) {
        sched_time t = tell_now();
        v->blocked = v->poll = false;
        if (!v->down)
            sched_wake(v->unit, t);
        runstate_change(v, t);
    }
    spin_unlock(&sched_lock);
}

void vcpu_kick(struct vcpu *v)
{
    struct pcpu *p = v->loaded_on;

    if (p && p != this_pcpu())
        pcpu_kick(p);
}

void vcpu_yield(struct vcpu *v)
{
    spin_lock(&sched_lock);
    sched_unit_yield(v->unit, tell_now());
    spin_unlock(&sched_lock);
}

void vcpu_pause(struct vcpu *v)
{
    spin_lock(&sched_lock);
    sched_time t = tell_now();
    sched_pause(v->unit, t);
    runstate_change(v, t);
    spin_unlock(&sched_lock);
}

void vcpu_unpause(struct vcpu *v)
{
    spin_lock(&sched_lock);
    sched_time t = tell_now();
    sched_unpause(v->unit, t);
    runstate_change(v, t);
    spin_unlock(&sched_lock);
}

void vcpu_up(struct vcpu *v)
{
    spin_lock(&sched_lock);
    sched_time t = tell_now();
    v->down = v->blocked = false;
    sched_wake(v->unit, t);
    runstate_change(v, t);
    spin_unlock(&sched_lock);
}

void vcpu_down(struct vcpu *v)
{
    spin_lock(&sched_lock);
    sched_time t = tell_now();
    v->down = true;
    v->blocked = false;
    sched_block(v->unit, t);
    runstate_change(v, t);
    spin_unlock(&sched_lock);
}

bool vcpu_is_running(const struct vcpu *v)
{
    return v->unit->state == SCHED_RUNNING;
}

static bool is_coming(const struct vcpu *v)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (pcpus[i]->coming == v)
            return true;
    return false;
}

static bool is_leaving(const struct vcpu *v)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (pcpus[i]->leaving == v)
            return true;
    return false;
}

/* In the order in which a pCPU goes through them, so none is missed; it is paused, so there is no
 * second round. */
void vcpu_sync(struct vcpu *v)
{
    while (is_coming(v))
        pcpu_wait();
    vcpu_kick(v);
    while (v->loaded_on && v->loaded_on != this_pcpu())
        pcpu_wait();
    while (is_leaving(v))
        pcpu_wait();
}

struct vcpu *current_vcpu(void)
{
    return this_pcpu()->loaded;
}

/* ---- a pCPU's life ------------------------------------------------------------------------- */

static void unload(struct pcpu *p)
{
    struct vcpu *v = p->loaded;

    perf_unload(p);
    hvm->save(v);
    p->loaded = NULL;
    p->leaving = v;
    __atomic_store_n(&v->loaded_on, NULL, __ATOMIC_SEQ_CST); /* pairs with load()'s acquire */
    if (v->lapic.sipi_waits)
        vlapic_left(v);
    p->leaving = NULL;
}

/* False: the pCPU is to decide again before the vCPU has come. */
static bool load(struct pcpu *p, struct vcpu *v)
{
    while (__atomic_load_n(&v->loaded_on, __ATOMIC_ACQUIRE)) {
        if (p->resched)
            return false;
        pcpu_wait();
    }
    v->loaded_on = v->last = p;
    p->coming = NULL;
    p->loaded = v;
    hvm->load(v);
    psr_switch(p, v->domain);
    perf_load(p, v->domain);
    vcpu_time_update(v);
    vcpu_runstate_update(v);
    return true;
}

static struct vcpu *decide(struct pcpu *p)
{
    spin_lock(&sched_lock);
    sched_time t = tell_now();
    struct vcpu *before = vcpu_of(p->sched->current);
    p->resched = false;
    struct sched_decision d = sched_decide(p->sched, t);
    p->decide_at = d.until;
    struct vcpu *next = vcpu_of(d.unit);
    p->coming = next != p->loaded ? next : NULL;
    if (before && before != next)
        runstate_change(before, t);
    /* A change of parameters may have taken it off its pCPU before this. */
    if (p->loaded && p->loaded != next)
        runstate_change(p->loaded, t);
    if (next)
        runstate_change(next, t);
    spin_unlock(&sched_lock);
    return next;
}

/* Let another vCPU into the registers if the scheduler says so. One whose time is up before it is
 * entered waits for the next round: slices shorter than a switch must not keep timers waiting. */
static void choose_vcpu(struct pcpu *p)
{
    if (p->decide_at != SCHED_NEVER && now() >= p->decide_at)
        p->resched = true;
    while (p->resched) {
        struct vcpu *next = decide(p);
        if (next == p->loaded)
            continue;
        if (p->loaded)
            unload(p);
        if (next)
            load(p, next);
    }
}

/* An interrupt ends it; one that came since resched was looked at is still pending. */
static void idle(struct pcpu *p)
{
    sched_time start = now();

    __asm__ volatile("sti; hlt; cli" ::: "memory");
    p->idle_ns += (uint64_t)(now() - start);
}

_Noreturn void run_loop(void)
{
    struct pcpu *p = this_pcpu();

    for (;;) {
        if (pcpu_must_look(p)) {
            timers_run();
            choose_vcpu(p);
            timers_arm();
        }
        if (p->loaded)
            hvm->enter(p->loaded);
        else
            idle(p);
    }
}
