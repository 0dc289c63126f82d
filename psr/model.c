/* The model's registers: see model.h. */
#include "model.h"

#include "msr.h"

#define RESERVED(word, bits) ((word) & ~(uint64_t)(bits))

/* ---- CPUID ----------------------------------------------------------------------------------- */

void psr_words_find(const struct psr_words *w, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (unsigned r = 0; r < 4; r++)
        out[r] = 0;
    for (unsigned i = 0; i < w->nr; i++) {
        const struct psr_cpuid *c = &w->leaf[i];

        if (c->leaf != leaf || (c->subleaf != subleaf && c->subleaf != PSR_ANY))
            continue;
        for (unsigned r = 0; r < 4; r++)
            out[r] = c->out[r];
        return;
    }
}

void psr_model_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)pcpu;
    psr_words_find(((struct psr_model *)ctx)->words, leaf, subleaf, out);
}

static uint32_t word(struct psr_model *m, uint32_t leaf, uint32_t subleaf, unsigned r)
{
    uint32_t out[4];

    psr_model_cpuid(m, 0, leaf, subleaf, out);
    return out[r];
}

static unsigned shift_of(uint32_t sharing)
{
    unsigned shift = 0;

    while (1U << shift < (sharing >> 14 & 0xfff) + 1)
        shift++;
    return shift;
}

/* Greatest number, within what the model has room for. */
static int greatest(uint32_t value, unsigned room)
{
    return (int)(value < room ? value : room);
}

static void read_masks(struct psr_model *m, struct model_limits *l)
{
    uint32_t resources = word(m, 7, 0, PSR_EBX) >> 15 & 1 ? word(m, 0x10, 0, PSR_EBX) : 0;

    if (resources & 2) {
        l->l3_len = (word(m, 0x10, 1, PSR_EAX) & 31) + 1;
        l->l3_max = greatest(word(m, 0x10, 1, PSR_EDX), MODEL_MAX_CLASSES - 1);
        l->l3_cdp = word(m, 0x10, 1, PSR_ECX) >> 2 & 1;
    }
    if (resources & 4) {
        l->l2_len = (word(m, 0x10, 2, PSR_EAX) & 31) + 1;
        l->l2_max = greatest(word(m, 0x10, 2, PSR_EDX), MODEL_MAX_CLASSES - 1);
    }
    if (resources & 8) {
        l->throttle_max = (word(m, 0x10, 3, PSR_EAX) & 0xfff) + 1;
        l->mba_max = greatest(word(m, 0x10, 3, PSR_EDX), MODEL_MAX_CLASSES - 1);
        l->linear = word(m, 0x10, 3, PSR_ECX) >> 2 & 1;
    }
    if (l->amd && word(m, 0x80000008, 0, PSR_EBX) >> 6 & 1) {
        l->limit_bits = word(m, 0x80000020, 1, PSR_EAX);
        l->limit_max = greatest(word(m, 0x80000020, 1, PSR_EDX), MODEL_MAX_CLASSES - 1);
    }
}

static void read_limits(struct psr_model *m)
{
    struct model_limits *l = &m->limits;
    uint32_t caches, ways;

    *l = (struct model_limits){.l3_max = -1, .l2_max = -1, .mba_max = -1, .limit_max = -1};
    l->max_rmid = -1;
    l->amd = word(m, 0, 0, PSR_ECX) == 0x444d4163; /* the end of its name */
    caches = l->amd ? 0x8000001d : 4;
    ways = word(m, caches, 3, PSR_EBX);
    l->l2_shift = shift_of(word(m, caches, 2, PSR_EAX));
    l->l3_shift = shift_of(word(m, caches, 3, PSR_EAX));
    read_masks(m, l);
    l->nr_parts = l->l3_len ? l->l3_len : 1;
    l->part = (uint32_t)((uint64_t)((ways >> 22) + 1) * ((ways & 0xfff) + 1) *
                         ((uint64_t)word(m, caches, 3, PSR_ECX) + 1) / l->nr_parts);
    if (word(m, 7, 0, PSR_EBX) >> 12 & 1) {
        l->max_rmid = greatest(word(m, 0xf, 1, PSR_ECX), MODEL_MAX_RMID);
        l->events = word(m, 0xf, 1, PSR_EDX);
        l->upscaling = word(m, 0xf, 1, PSR_EBX);
        l->width = 24 + (word(m, 0xf, 1, PSR_EAX) & 0xff);
        if (l->amd && l->width == 24)
            l->width = 44;
    }
}

/* ---- the machine ----------------------------------------------------------------------------- */

void psr_model_init(struct psr_model *m, const struct psr_words *words, int64_t (*clock)(void))
{
    m->words = words;
    m->clock = clock;
    m->looked = clock();
    m->nr_pcpus = m->nr_l3 = m->nr_l2 = 0;
    read_limits(m);
}

/* After reset all masks are full, nothing is throttled, and nothing has been counted. */
static unsigned find_l3(struct psr_model *m, unsigned socket, uint32_t number)
{
    unsigned i = 0;

    while (i < m->nr_l3 && (m->l3[i].socket != socket || m->l3[i].number != number))
        i++;
    if (i < m->nr_l3 || i == MODEL_MAX_L3)
        return i;
    m->nr_l3++;
    m->l3[i].socket = socket;
    m->l3[i].number = number;
    m->l3[i].config = 0;
    for (unsigned c = 0; c < MODEL_MAX_CLASSES; c++) {
        m->l3[i].mask[c] = (uint32_t)((1ULL << m->limits.l3_len) - 1);
        m->l3[i].bandwidth[c] = m->limits.limit_bits ? 1U << m->limits.limit_bits : 0;
    }
    for (unsigned r = 0; r <= MODEL_MAX_RMID; r++) {
        m->l3[i].moved[r] = 0;
        for (unsigned part = 0; part < MODEL_MAX_PARTS; part++)
            m->l3[i].filled[part][r] = 0;
    }
    return i;
}

static unsigned find_l2(struct psr_model *m, unsigned socket, uint32_t number)
{
    unsigned i = 0;

    while (i < m->nr_l2 && (m->l2[i].socket != socket || m->l2[i].number != number))
        i++;
    if (i < m->nr_l2 || i == MODEL_MAX_L2)
        return i;
    m->nr_l2++;
    m->l2[i].socket = socket;
    m->l2[i].number = number;
    for (unsigned c = 0; c < MODEL_MAX_CLASSES; c++)
        m->l2[i].mask[c] = (uint32_t)((1ULL << m->limits.l2_len) - 1);
    return i;
}

bool psr_model_add_pcpu(struct psr_model *m, uint32_t apic_id, unsigned socket)
{
    struct model_pcpu p = {
        .l3 = find_l3(m, socket, apic_id >> m->limits.l3_shift),
        .l2 = find_l2(m, socket, apic_id >> m->limits.l2_shift),
    };

    if (m->nr_pcpus == MODEL_MAX_PCPUS || p.l3 == MODEL_MAX_L3 || p.l2 == MODEL_MAX_L2)
        return false;
    m->pcpu[m->nr_pcpus++] = p;
    return true;
}

/* ---- writes: false for #GP ------------------------------------------------------------------- */

static bool is_run(uint32_t mask)
{
    while (mask && !(mask & 1))
        mask >>= 1;
    return !(mask & (mask + 1));
}

/* AMD lets a mask have holes, and no bit at all. */
static bool write_mask(const struct model_limits *l, uint32_t *mask, unsigned len, uint64_t value)
{
    if (RESERVED(value, (1ULL << len) - 1))
        return false;
    if (!l->amd && (!value || !is_run((uint32_t)value)))
        return false;
    *mask = (uint32_t)value;
    return true;
}

static bool write_throttle(const struct model_limits *l, uint32_t *throttle, uint64_t value)
{
    if (value > l->throttle_max)
        return false;
    *throttle = (uint32_t)value;
    return true;
}

static bool write_limit(const struct model_limits *l, uint32_t *limit, uint64_t value)
{
    if (RESERVED(value, (2ULL << l->limit_bits) - 1))
        return false;
    *limit = (uint32_t)value;
    return true;
}

static bool write_config(const struct model_limits *l, struct model_l3 *l3, uint64_t value)
{
    if (!l->l3_cdp || RESERVED(value, 1))
        return false;
    l3->config = value;
    return true;
}

static int max_class(const struct model_limits *l)
{
    int max = l->l3_max > l->l2_max ? l->l3_max : l->l2_max;

    max = max > l->mba_max ? max : l->mba_max;
    return max > l->limit_max ? max : l->limit_max;
}

static bool write_assoc(const struct model_limits *l, struct model_pcpu *p, uint64_t value)
{
    uint32_t rmid = (uint32_t)value;
    uint64_t class = value >> PQR_CLASS_SHIFT;

    if (rmid && (int64_t)rmid > l->max_rmid)
        return false;
    if (class && (int64_t) class > max_class(l))
        return false;
    p->assoc = value;
    return true;
}

static bool write_select(const struct model_limits *l, struct model_pcpu *p, uint64_t value)
{
    if (RESERVED(value, (uint64_t)~0U << QM_RMID_SHIFT | QM_EVENT_MASK) ||
        (int64_t)(value >> QM_RMID_SHIFT) > l->max_rmid)
        return false;
    p->select = value;
    return true;
}

/* Is it one of the registers from `base` on, for numbers up to max? */
static bool in_range(uint32_t msr, uint32_t base, int max)
{
    return msr >= base && (int64_t)(msr - base) <= max;
}

static bool write_register(struct psr_model *m, struct model_pcpu *p, uint32_t msr, uint64_t value)
{
    const struct model_limits *l = &m->limits;
    struct model_l3 *l3 = &m->l3[p->l3];

    if (msr == MSR_PQR_ASSOC)
        return (l->max_rmid >= 0 || max_class(l) >= 0) && write_assoc(l, p, value);
    if (msr == MSR_QM_EVTSEL)
        return l->max_rmid >= 0 && write_select(l, p, value);
    if (msr == MSR_L3_QOS_CFG)
        return write_config(l, l3, value);
    if (in_range(msr, MSR_L3_MASK, l->l3_max))
        return write_mask(l, &l3->mask[msr - MSR_L3_MASK], l->l3_len, value);
    if (in_range(msr, MSR_L2_MASK, l->l2_max))
        return write_mask(l, &m->l2[p->l2].mask[msr - MSR_L2_MASK], l->l2_len, value);
    if (in_range(msr, MSR_MBA_THRTL, l->mba_max))
        return write_throttle(l, &l3->bandwidth[msr - MSR_MBA_THRTL], value);
    if (in_range(msr, MSR_BW_CONTROL, l->limit_max))
        return write_limit(l, &l3->bandwidth[msr - MSR_BW_CONTROL], value);
    return false;
}

/* ---- reads ----------------------------------------------------------------------------------- */

static uint64_t occupancy(const struct psr_model *m, const struct model_l3 *l3, unsigned rmid)
{
    uint64_t bytes = 0;

    for (unsigned part = 0; part < m->limits.nr_parts; part++)
        bytes += l3->filled[part][rmid];
    return bytes;
}

static uint64_t read_counter(const struct psr_model *m, const struct model_pcpu *p)
{
    const struct model_l3 *l3 = &m->l3[p->l3];
    const struct model_limits *l = &m->limits;
    unsigned event = p->select & QM_EVENT_MASK, rmid = (unsigned)(p->select >> QM_RMID_SHIFT);
    uint64_t bytes;

    if (!event || event > 3 || !(l->events >> (event - 1) & 1))
        return QM_CTR_ERROR;
    if (event == PSR_OCCUPANCY)
        bytes = occupancy(m, l3, rmid);
    else
        bytes = event == PSR_TOTAL_BYTES ? l3->moved[rmid] : l3->moved[rmid] / 4 * 3;
    return bytes / l->upscaling & ((1ULL << l->width) - 1);
}

static bool read_register(const struct psr_model *m, const struct model_pcpu *p, uint32_t msr,
                          uint64_t *value)
{
    const struct model_limits *l = &m->limits;
    const struct model_l3 *l3 = &m->l3[p->l3];

    if (msr == MSR_PQR_ASSOC && (l->max_rmid >= 0 || max_class(l) >= 0))
        *value = p->assoc;
    else if (msr == MSR_QM_EVTSEL && l->max_rmid >= 0)
        *value = p->select;
    else if (msr == MSR_QM_CTR && l->max_rmid >= 0)
        *value = read_counter(m, p);
    else if (msr == MSR_L3_QOS_CFG && l->l3_cdp)
        *value = l3->config;
    else if (in_range(msr, MSR_L3_MASK, l->l3_max))
        *value = l3->mask[msr - MSR_L3_MASK];
    else if (in_range(msr, MSR_L2_MASK, l->l2_max))
        *value = m->l2[p->l2].mask[msr - MSR_L2_MASK];
    else if (in_range(msr, MSR_MBA_THRTL, l->mba_max))
        *value = l3->bandwidth[msr - MSR_MBA_THRTL];
    else if (in_range(msr, MSR_BW_CONTROL, l->limit_max))
        *value = l3->bandwidth[msr - MSR_BW_CONTROL];
    else
        return false;
    return true;
}

unsigned psr_model_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    struct psr_model *m = ctx;
    unsigned done = 0;

    if (pcpu >= m->nr_pcpus)
        return 0;
    psr_model_advance(m);
    for (; done < nr; done++) {
        struct psr_access *a = &list[done];

        if (a->write ? !write_register(m, &m->pcpu[pcpu], a->msr, a->value)
                     : !read_register(m, &m->pcpu[pcpu], a->msr, &a->value))
            break;
    }
    return done;
}
