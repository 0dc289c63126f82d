/*
 * Which registers are written, through which pCPU and in which order.
 *
 * A pCPU that leads a cache first opens all of it to all classes, then says
 * whether masks come in pairs (CDP; the SDM wants them open at that moment),
 * then closes what a class may not have.
 */
#include "program.h"

#include "rules.h"

#define BATCH 16

/* Accesses that go to one pCPU together. */
struct batch {
    const struct psr_hw *hw;
    unsigned pcpu, nr;
    bool faulted;
    struct psr_access list[BATCH];
};

static void flush(struct batch *b)
{
    if (b->nr && !b->faulted)
        b->faulted = b->hw->access(b->hw->ctx, b->pcpu, b->list, b->nr) != b->nr;
    b->nr = 0;
}

static void put(struct batch *b, uint32_t msr, uint64_t value)
{
    if (b->nr == BATCH)
        flush(b);
    b->list[b->nr++] = (struct psr_access){true, msr, value};
}

static int finish(struct batch *b)
{
    flush(b);
    return b->faulted ? -PSR_EIO : 0;
}

/* ---- who writes ------------------------------------------------------------------------------ */

static bool same_l3(const struct psr_pcpu *a, const struct psr_pcpu *b)
{
    return a->socket == b->socket && a->l3 == b->l3;
}

static bool same_l2(const struct psr_pcpu *a, const struct psr_pcpu *b)
{
    return a->socket == b->socket && a->l2 == b->l2;
}

static bool leads(const struct psr *psr, unsigned pcpu,
                  bool (*same)(const struct psr_pcpu *, const struct psr_pcpu *))
{
    if (!psr->pcpu[pcpu].online)
        return false;
    for (unsigned i = 0; i < pcpu; i++)
        if (psr->pcpu[i].online && same(&psr->pcpu[i], &psr->pcpu[pcpu]))
            return false;
    return true;
}

bool psr_leads_l3(const struct psr *psr, unsigned pcpu)
{
    return leads(psr, pcpu, same_l3);
}

/* Nobody else is online who could have looked after the cache. */
static bool is_alone(const struct psr *psr, unsigned pcpu,
                     bool (*same)(const struct psr_pcpu *, const struct psr_pcpu *))
{
    for (unsigned i = 0; i < psr->nr_pcpus; i++)
        if (i != pcpu && psr->pcpu[i].online && same(&psr->pcpu[i], &psr->pcpu[pcpu]))
            return false;
    return true;
}

/* ---- what is written ------------------------------------------------------------------------- */

static void put_slot(struct batch *b, const struct psr_caps *caps, unsigned class,
                     enum psr_slot slot, uint32_t value)
{
    switch (slot) {
    case PSR_SLOT_L3:
        if (caps->l3.len)
            put(b, MSR_L3_MASK + (caps->l3.cdp_on ? 2 * class : class), value);
        break;
    case PSR_SLOT_L3_CODE:
        if (caps->l3.cdp_on)
            put(b, MSR_L3_MASK + 2 * class + 1, value);
        break;
    case PSR_SLOT_L2:
        if (caps->l2.len)
            put(b, MSR_L2_MASK + class, value);
        break;
    default:
        if (caps->bandwidth.max)
            put(b, (caps->bandwidth.is_limit ? MSR_BW_CONTROL : MSR_MBA_THRTL) + class,
                psr_bandwidth_register(&caps->bandwidth, value));
    }
}

static void put_all_l3(struct batch *b, const struct psr_socket *s)
{
    const struct psr_cache *l3 = &s->caps.l3;
    unsigned nr = s->classes.nr;

    for (unsigned i = 0; l3->len && i < (l3->cdp_on ? 2 * nr : nr); i++)
        put(b, MSR_L3_MASK + i, psr_mask_full(l3));
    if (l3->len && l3->cdp)
        put(b, MSR_L3_QOS_CFG, l3->cdp_on);
    for (unsigned i = 0; i < nr; i++) {
        const uint32_t *value = s->classes.class[i].value;

        if (value[PSR_SLOT_L3] != psr_mask_full(l3))
            put_slot(b, &s->caps, i, PSR_SLOT_L3, value[PSR_SLOT_L3]);
        if (value[PSR_SLOT_L3_CODE] != psr_mask_full(l3))
            put_slot(b, &s->caps, i, PSR_SLOT_L3_CODE, value[PSR_SLOT_L3_CODE]);
        put_slot(b, &s->caps, i, PSR_SLOT_BANDWIDTH, value[PSR_SLOT_BANDWIDTH]);
    }
}

int psr_program_pcpu(const struct psr *psr, unsigned pcpu)
{
    const struct psr_socket *s = &psr->socket[psr->pcpu[pcpu].socket];
    struct batch b = {.hw = psr->hw, .pcpu = pcpu};

    if (s->classes.nr || s->caps.monitor.max_rmid)
        put(&b, MSR_PQR_ASSOC, 0);
    if (is_alone(psr, pcpu, same_l3))
        put_all_l3(&b, s);
    if (is_alone(psr, pcpu, same_l2))
        for (unsigned i = 0; i < s->classes.nr; i++)
            put_slot(&b, &s->caps, i, PSR_SLOT_L2, s->classes.class[i].value[PSR_SLOT_L2]);
    return finish(&b);
}

/* Those that differ between two sets of values, through one pCPU. */
static int program_changes(const struct psr *psr, unsigned pcpu, unsigned class,
                           const uint32_t from[PSR_NR_SLOTS], const uint32_t to[PSR_NR_SLOTS])
{
    const struct psr_caps *caps = &psr->socket[psr->pcpu[pcpu].socket].caps;
    bool l3 = psr_leads_l3(psr, pcpu), l2 = leads(psr, pcpu, same_l2);
    struct batch b = {.hw = psr->hw, .pcpu = pcpu};

    for (unsigned i = 0; i < PSR_NR_SLOTS; i++)
        if (from[i] != to[i] && (i == PSR_SLOT_L2 ? l2 : l3))
            put_slot(&b, caps, class, i, to[i]);
    return finish(&b);
}

static int program_socket(const struct psr *psr, unsigned socket, unsigned class,
                          const uint32_t from[PSR_NR_SLOTS], const uint32_t to[PSR_NR_SLOTS])
{
    int err = 0;

    for (unsigned i = 0; i < psr->nr_pcpus; i++)
        if (psr->pcpu[i].online && psr->pcpu[i].socket == socket) {
            int e = program_changes(psr, i, class, from, to);
            err = err ? err : e;
        }
    return err;
}

int psr_program_class(struct psr *psr, unsigned socket, unsigned id,
                      const uint32_t value[PSR_NR_SLOTS])
{
    uint32_t *now = psr->socket[socket].classes.class[id].value;
    int err = program_socket(psr, socket, id, now, value);

    if (err) {
        program_socket(psr, socket, id, value, now);
        return err;
    }
    for (unsigned i = 0; i < PSR_NR_SLOTS; i++)
        now[i] = value[i];
    return 0;
}
