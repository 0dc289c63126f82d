/*
 * From pCPUs and domains to ../psr/pmu.h and from there to registers. See perf.h.
 *
 * A domain's set is published in d->perf, under d->lock. A pCPU reads it when a
 * vCPU comes, and has no use for it any more when a call to that pCPU has
 * returned (refresh()); that is when it is freed. What a set has counted is
 * under perf_lock, and so are the model's registers.
 */
#include "perf.h"

#include "boot.h"
#include "call.h"
#include "psr.h"
#include "x86/arch.h"

static struct spinlock perf_lock = SPINLOCK_INIT(RANK_IRQ);
static const struct psr_hw *registers;
static struct pmu_caps caps;
static struct pmu_model *model;
static const char *missing = "the hypervisor is not up yet"; /* or why else; NULL: it can count */

static struct {
    struct pmu_cpu counters;
    struct timer look; /* when it has to be looked at, though the vCPU stays */
    sched_time since;  /* when a vCPU came, */
    sched_time ran;    /* and what those before it had */
    bool busy;
} state[MAX_PCPUS];

/* ---- who runs where ------------------------------------------------------------------------- */

static sched_time guest_time(unsigned pcpu)
{
    return state[pcpu].ran + (state[pcpu].busy ? now() - state[pcpu].since : 0);
}

static void stop(struct pcpu *p)
{
    struct pmu_cpu *c = &state[p->id].counters;

    if (!c->set)
        return;
    timer_stop(&state[p->id].look);
    spin_lock(&perf_lock);
    pmu_stop(c, now());
    spin_unlock(&perf_lock);
}

static void start(struct pcpu *p, struct pmu_set *s)
{
    struct pmu_cpu *c = &state[p->id].counters;

    if (!s && pmu_at_rest(c))
        return;
    spin_lock(&perf_lock);
    pmu_start(c, s, now());
    sched_time look = c->set ? pmu_look_at(c) : SCHED_NEVER;
    spin_unlock(&perf_lock);
    if (look != SCHED_NEVER)
        timer_set(&state[p->id].look, look);
}

void perf_load(struct pcpu *p, const struct domain *d)
{
    if (missing)
        return;
    state[p->id].since = now();
    state[p->id].busy = true;
    start(p, __atomic_load_n(&d->perf, __ATOMIC_ACQUIRE));
}

void perf_unload(struct pcpu *p)
{
    if (missing)
        return;
    stop(p);
    state[p->id].ran = guest_time(p->id);
    state[p->id].busy = false;
}

static void look_here(void *arg)
{
    struct pcpu *p = this_pcpu();

    (void)arg;
    stop(p);
    if (p->loaded)
        start(p, __atomic_load_n(&p->loaded->domain->perf, __ATOMIC_ACQUIRE));
}

static void on_timer(struct timer *t)
{
    look_here(t);
}

/* All that runs now counts by what d->perf is now, and what was counted is in its set. */
static void refresh(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        pcpu_call(pcpus[i], look_here, NULL);
}

/* ---- what is counted ------------------------------------------------------------------------ */

static int publish(struct domain *d, struct pmu_set *s)
{
    int err = 0;

    spin_lock(&d->lock);
    if (d->dying)
        err = -XEN_ESRCH;
    else if (d->perf)
        err = -XEN_EBUSY;
    else
        __atomic_store_n(&d->perf, s, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
    return err;
}

int perf_start(struct domain *d, const uint64_t *select, unsigned nr, unsigned *which,
               const char **why)
{
    struct pmu_set *s = xnew(struct pmu_set);

    *why = NULL;
    if (!s)
        return -XEN_ENOMEM;
    int err = pmu_set_init(s, &caps, select, nr, which, why);
    if (!err) {
        *why = NULL;
        err = publish(d, s);
    }
    if (err)
        xfree(s);
    else
        refresh();
    return err;
}

int perf_read(struct domain *d, struct pmu_set *out)
{
    int err = -XEN_ENOENT;

    refresh();
    spin_lock(&d->lock); /* so that nobody frees it */
    if (d->perf) {
        spin_lock(&perf_lock);
        *out = *d->perf;
        spin_unlock(&perf_lock);
        err = 0;
    }
    spin_unlock(&d->lock);
    return err;
}

int perf_stop(struct domain *d)
{
    spin_lock(&d->lock);
    struct pmu_set *s = d->perf;
    __atomic_store_n(&d->perf, NULL, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
    if (!s)
        return -XEN_ENOENT;
    refresh();
    xfree(s);
    return 0;
}

/* ---- what there is -------------------------------------------------------------------------- */

const struct pmu_caps *perf_caps(const struct pmu_part **part, const char **why)
{
    *part = model ? model->what : NULL;
    *why = missing;
    return missing ? NULL : &caps;
}

static int64_t model_clock(unsigned pcpu, bool guest)
{
    return guest ? guest_time(pcpu) : now();
}

static const struct psr_hw *model_start(const struct pmu_part *part)
{
    static struct psr_hw hw = {.cpuid = pmu_model_cpuid, .access = pmu_model_access};

    model = xnew(struct pmu_model);
    if (!model)
        panic("no memory for pmu=model");
    pmu_model_init(model, part, nr_pcpus, model_clock);
    hw.ctx = model;
    printk(LOG_WARN, "pmu: this is a MODEL of an %s, nothing is really counted: %s",
           part->words.name, part->rates);
    return &hw;
}

static const struct psr_hw *find_counters(void)
{
    switch (options.pmu_source) {
    case PMU_MODEL_INTEL:
        return model_start(&pmu_model_intel);
    case PMU_MODEL_AMD:
        return model_start(&pmu_model_amd);
    default:
        return &psr_msr;
    }
}

/* A pCPU of another kind, or whose registers are not there, counts nothing. */
static void online_here(void *arg)
{
    unsigned i = this_pcpu()->id;
    struct pmu_caps own;

    (void)arg;
    spin_lock(&perf_lock);
    pmu_discover(registers, i, &own);
    if (own.vendor == caps.vendor && own.nr_general == caps.nr_general &&
        own.nr_fixed == caps.nr_fixed)
        pmu_online(&state[i].counters, registers, i, &caps);
    spin_unlock(&perf_lock);
}

void perf_pcpu_online(struct pcpu *p)
{
    if (!missing)
        pcpu_call(p, online_here, NULL);
}

/* There may be a vCPU that is about to leave: it is not counted any more. */
static void rest_here(void *arg)
{
    struct pcpu *p = this_pcpu();

    (void)arg;
    stop(p);
    start(p, NULL);
}

void perf_pcpu_offline(struct pcpu *p)
{
    if (!missing)
        pcpu_call(p, rest_here, NULL);
}

static void bring_up(void)
{
    unsigned nr = 0;

    pmu_discover(registers, 0, &caps);
    for (unsigned i = 0; i < nr_pcpus; i++) {
        timer_init(&state[i].look, on_timer);
        pcpu_call(pcpus[i], online_here, NULL);
        nr += state[i].counters.hw != NULL;
    }
    if (!nr) {
        printk(LOG_WARN, "pmu: this processor has no counters that can be used");
        missing = "this processor has no performance counters; pmu=model, an option of the "
                  "hypervisor, has a model of some";
        return;
    }
    missing = NULL;
    printk(LOG_INFO, "pmu%s: %u counters of %u bits, %u fixed ones, on %u of %u pCPUs; version %u",
           model ? " (model)" : "", caps.nr_general, caps.width, caps.nr_fixed, nr, nr_pcpus,
           caps.version);
}

void perf_init(void)
{
    if (options.pmu_source == PMU_OFF) {
        missing = "performance counters are off: pmu, an option of the hypervisor, turns them on; "
                  "pmu=model has a model of some";
        return;
    }
    registers = find_counters();
    bring_up();
}
