/* From pCPUs and domains to ../psr/ and from there to registers. See psr.h. */
#include "psr.h"

#include "../psr/model.h"
#include "boot.h"
#include "call.h"
#include "console.h"
#include "x86/arch.h"

static struct psr partitions;
static bool present;               /* something is partitioned or counted */
static const struct psr_hw *local; /* the registers of the pCPU that asks */

static struct {
    bool online;    /* psr.c of ../psr/ looks after its registers */
    uint64_t assoc; /* what its PQR_ASSOC holds */
} state[MAX_PCPUS];

/* ---- the model, which all pCPUs share ------------------------------------------------------- */

static struct spinlock model_lock = SPINLOCK_INIT(RANK_IRQ);
static struct psr_model *model;

static unsigned model_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    spin_lock(&model_lock);
    unsigned done = psr_model_access(ctx, pcpu, list, nr);
    spin_unlock(&model_lock);
    return done;
}

static const struct psr_hw *model_start(const struct psr_words *words)
{
    static struct psr_hw hw = {.cpuid = psr_model_cpuid, .access = model_access};

    model = xnew(struct psr_model);
    if (!model)
        panic("no memory for psr=model");
    psr_model_init(model, words, now);
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (!psr_model_add_pcpu(model, pcpus[i]->apic_id, pcpus[i]->socket))
            break; /* the others are left out */
    hw.ctx = model;
    printk(LOG_WARN, "psr: this is a MODEL of an %s, nothing is really partitioned or counted",
           words->name);
    return &hw;
}

/* ---- any pCPU's registers, from any other --------------------------------------------------- */

struct request {
    uint32_t leaf, subleaf, *out;
    struct psr_access *list;
    unsigned nr, done;
};

static void cpuid_here(void *arg)
{
    struct request *r = arg;

    local->cpuid(local->ctx, this_pcpu()->id, r->leaf, r->subleaf, r->out);
}

static void access_here(void *arg)
{
    struct request *r = arg;

    r->done = local->access(local->ctx, this_pcpu()->id, r->list, r->nr);
}

static void cpuid_on(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    struct request r = {.leaf = leaf, .subleaf = subleaf, .out = out};

    (void)ctx;
    pcpu_call(pcpus[pcpu], cpuid_here, &r);
}

static unsigned access_on(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    struct request r = {.list = list, .nr = nr};

    (void)ctx;
    pcpu_call(pcpus[pcpu], access_here, &r);
    return r.done;
}

static const struct psr_hw anywhere = {.cpuid = cpuid_on, .access = access_on};

static void timed_access_here(void *arg)
{
    struct request *r = arg;

    for (r->done = 0; r->done < r->nr; r->done++) {
        struct psr_access *a = &r->list[r->done];

        if (a->msr == MSR_TSC)
            a->value = (uint64_t)now();
        else if (local->access(local->ctx, this_pcpu()->id, a, 1) != 1)
            break;
    }
}

unsigned psr_access_on(unsigned pcpu, struct psr_access *list, unsigned nr)
{
    struct request r = {.list = list, .nr = nr};

    pcpu_call(pcpus[pcpu], timed_access_here, &r);
    return r.done;
}

/* ---- who runs where ------------------------------------------------------------------------- */

void psr_switch(struct pcpu *p, const struct domain *d)
{
    struct psr_access a = {.write = true, .msr = MSR_PQR_ASSOC};

    if (!present || !state[p->id].online)
        return;
    a.value = d ? psr_assoc(&d->psr, p->socket) : 0;
    if (a.value == state[p->id].assoc)
        return;
    if (local->access(local->ctx, p->id, &a, 1) == 1)
        state[p->id].assoc = a.value;
}

static void switch_here(void *arg)
{
    struct pcpu *p = this_pcpu();

    (void)arg;
    psr_switch(p, p->loaded ? p->loaded->domain : NULL);
}

/* All of them: one that loads a vCPU now may have seen the old class, one that idles keeps it. */
void psr_refresh(void)
{
    for (unsigned i = 0; i < nr_pcpus; i++)
        pcpu_call(pcpus[i], switch_here, NULL);
}

void psr_domain_end(struct domain *d)
{
    if (!present)
        return;
    psr_release(&partitions, &d->psr);
    psr_refresh();
}

/* ---- what there is -------------------------------------------------------------------------- */

struct psr *psr_monitoring(void)
{
    return present && partitions.rmids.max ? &partitions : NULL;
}

struct psr *psr_allocation(void)
{
    if (!present)
        return NULL;
    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++)
        if (psr_nr_classes(&partitions, i))
            return &partitions;
    return NULL;
}

static void describe(unsigned socket)
{
    const struct psr_caps *c = psr_caps(&partitions, socket);

    if (!c)
        return;
    printk(LOG_INFO,
           "psr%s: socket %u: %u classes; L3 mask %u bits%s, L2 mask %u bits, bandwidth %s%u",
           model ? " (model)" : "", socket, psr_nr_classes(&partitions, socket), c->l3.len,
           c->l3.cdp_on ? " for code and for data" : "", c->l2.len,
           c->bandwidth.is_limit ? "limit in 1/8 GB/s up to " : "throttling up to ",
           c->bandwidth.max);
    printk(LOG_INFO, "psr%s: socket %u: RMIDs up to %u, events 0x%x, counters of %u bits",
           model ? " (model)" : "", socket, c->monitor.max_rmid, c->monitor.events,
           c->monitor.width);
}

static void show(void)
{
    printk(LOG_ERR, "partitions%s:", model ? " of a model" : "");
    for (unsigned s = 0; present && s < PSR_MAX_SOCKETS; s++) {
        for (unsigned c = 0; c < psr_nr_classes(&partitions, s); c++) {
            const struct psr_class *k = &partitions.socket[s].classes.class[c];

            if (!c || k->refs)
                printk(LOG_ERR,
                       "  socket %u class %u: %u domains, L3 0x%x code 0x%x, L2 0x%x, bandwidth %u",
                       s, c, k->refs, k->value[PSR_SLOT_L3], k->value[PSR_SLOT_L3_CODE],
                       k->value[PSR_SLOT_L2], k->value[PSR_SLOT_BANDWIDTH]);
        }
    }
    for (unsigned i = 0; i < nr_pcpus; i++)
        printk(LOG_ERR, "  pCPU %u: class %u, RMID %u", i,
               (unsigned)(state[i].assoc >> PQR_CLASS_SHIFT), (unsigned)state[i].assoc);
}

static const struct psr_hw *find_registers(void)
{
    switch (options.psr_source) {
    case PSR_MODEL_INTEL:
        return model_start(&psr_model_intel);
    case PSR_MODEL_AMD:
        return model_start(&psr_model_amd);
    default:
        return &psr_msr;
    }
}

/* ---- pCPUs that come and go ------------------------------------------------------------------ */

/* A pCPU that is left out keeps class 0, for whoever runs there. */
static void bring_up(const struct pcpu *p)
{
    int err = psr_online(&partitions, p->id, p->apic_id, p->socket);

    state[p->id].assoc = 0;
    state[p->id].online = !err;
    if (err)
        printk(LOG_WARN, "psr: pCPU %u on socket %u is left out, error %d", p->id, p->socket, err);
}

void psr_pcpu_online(struct pcpu *p)
{
    if (present)
        bring_up(p);
}

/* From here on psr_switch() does nothing there. */
static void rest_here(void *arg)
{
    struct pcpu *p = this_pcpu();

    (void)arg;
    psr_switch(p, NULL);
    state[p->id].online = false;
}

void psr_pcpu_offline(struct pcpu *p)
{
    if (!present)
        return;
    pcpu_call(p, rest_here, NULL);
    psr_offline(&partitions, p->id);
}

void psr_start(void)
{
    const struct psr_options *o = &options.psr;

    if (!o->cmt && !o->cat && !o->mba)
        return;
    local = find_registers();
    psr_init(&partitions, &anywhere, o);
    for (unsigned i = 0; i < nr_pcpus; i++)
        bring_up(pcpus[i]);
    present = psr_present(&partitions);
    if (!present)
        printk(LOG_WARN, "psr: this processor can neither partition nor count");
    for (unsigned s = 0; present && s < PSR_MAX_SOCKETS; s++)
        describe(s);
    debug_key_register('p', "partitions of caches and bandwidth", show);
}
