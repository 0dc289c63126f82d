/* Discovery: see caps.h. */
#include "caps.h"

#define LEAF_CACHES     0x4
#define LEAF_FEATURES   0x7 /* EBX bit 12: monitoring, bit 15: allocation */
#define LEAF_MONITOR    0xf
#define LEAF_ALLOCATION 0x10
#define LEAF_AMD_SIZES  0x80000008 /* EBX bit 6: bandwidth limits */
#define LEAF_AMD_CACHES 0x8000001d
#define LEAF_AMD_LIMITS 0x80000020

#define MAX_CACHES       16
#define WIDTH_BASE       24      /* of a counter; CPUID tells by how much it is wider */
#define WIDTH_AMD        44      /* if it does not */
#define HASWELL_EP       0x306f0 /* family 6, model 63: masks have two bits at least */
#define FAMILY_AND_MODEL 0x0fff0ff0

enum { RESOURCE_L3 = 1, RESOURCE_L2, RESOURCE_MBA };

struct discovery {
    const struct psr_hw *hw;
    unsigned pcpu;
    uint32_t max_basic, max_extended;
    bool amd, haswell;
};

static bool bit(uint32_t word, unsigned n)
{
    return word >> n & 1;
}

static void ask(const struct discovery *d, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    d->hw->cpuid(d->hw->ctx, d->pcpu, leaf, subleaf, out);
}

static void identify(struct discovery *d)
{
    uint32_t out[4];

    ask(d, 0x80000000, 0, out);
    d->max_extended = out[PSR_EAX];
    ask(d, 1, 0, out);
    d->haswell = (out[PSR_EAX] & FAMILY_AND_MODEL) == HASWELL_EP;
    ask(d, 0, 0, out);
    d->max_basic = out[PSR_EAX];
    /* "AuthenticAMD", "HygonGenuine" */
    d->amd = out[PSR_EBX] == 0x68747541 || out[PSR_EBX] == 0x6f677948;
}

/* ---- caches ---------------------------------------------------------------------------------- */

/* Bits to number so many. */
static unsigned bits_for(unsigned n)
{
    return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

/* EAX 25-14: ids that share it, less one. EBX 31-22 ways, 21-12 partitions, 11-0 line, ECX sets,
 * all less one. */
static void take_cache(struct psr_cache *c, const uint32_t leaf[4])
{
    uint64_t ways = (leaf[PSR_EBX] >> 22) + 1, parts = (leaf[PSR_EBX] >> 12 & 0x3ff) + 1;
    uint64_t line = (leaf[PSR_EBX] & 0xfff) + 1;

    c->shift = bits_for((leaf[PSR_EAX] >> 14 & 0xfff) + 1);
    c->kib = (uint32_t)(ways * parts * line * ((uint64_t)leaf[PSR_ECX] + 1) >> 10);
}

static void find_caches(const struct discovery *d, struct psr_caps *caps)
{
    uint32_t leaf = d->amd ? LEAF_AMD_CACHES : LEAF_CACHES, out[4];

    if (leaf > (d->amd ? d->max_extended : d->max_basic))
        return;
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        ask(d, leaf, i, out);
        if (!(out[PSR_EAX] & 31))
            break;
        if ((out[PSR_EAX] >> 5 & 7) == 2)
            take_cache(&caps->l2, out);
        else if ((out[PSR_EAX] >> 5 & 7) == 3)
            take_cache(&caps->l3, out);
    }
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void find_masks(const struct discovery *d, struct psr_cache *c, uint32_t resource)
{
    uint32_t out[4];

    ask(d, LEAF_ALLOCATION, resource, out);
    c->len = (out[PSR_EAX] & 31) + 1;
    c->min_bits = d->haswell ? 2 : 1;
    c->max_class = out[PSR_EDX] & 0xffff;
    c->cdp = bit(out[PSR_ECX], 2);
    c->sparse = d->amd || bit(out[PSR_ECX], 3);
}

static void find_throttle(const struct discovery *d, struct psr_bandwidth *b)
{
    uint32_t out[4];

    ask(d, LEAF_ALLOCATION, RESOURCE_MBA, out);
    b->max = (out[PSR_EAX] & 0xfff) + 1;
    b->max_class = out[PSR_EDX] & 0xffff;
    b->linear = bit(out[PSR_ECX], 2);
    if (b->linear && b->max > 99) /* no step is left between it and nothing at all */
        b->max = 0;
}

static void find_limits(const struct discovery *d, struct psr_bandwidth *b)
{
    uint32_t out[4];

    ask(d, LEAF_AMD_LIMITS, 1, out);
    if (!out[PSR_EAX] || out[PSR_EAX] > 31)
        return;
    b->max = (1U << out[PSR_EAX]) - 1;
    b->max_class = out[PSR_EDX];
    b->linear = b->is_limit = true;
}

static void find_allocation(const struct discovery *d, struct psr_caps *caps)
{
    uint32_t out[4];

    if (d->max_basic >= LEAF_ALLOCATION) {
        ask(d, LEAF_ALLOCATION, 0, out);
        if (bit(out[PSR_EBX], RESOURCE_L3))
            find_masks(d, &caps->l3, RESOURCE_L3);
        if (bit(out[PSR_EBX], RESOURCE_L2))
            find_masks(d, &caps->l2, RESOURCE_L2);
        if (bit(out[PSR_EBX], RESOURCE_MBA))
            find_throttle(d, &caps->bandwidth);
    }
    if (d->amd && d->max_extended >= LEAF_AMD_LIMITS) {
        ask(d, LEAF_AMD_SIZES, 0, out);
        if (bit(out[PSR_EBX], 6))
            find_limits(d, &caps->bandwidth);
    }
}

/* ---- monitoring ------------------------------------------------------------------------------ */

static void find_monitoring(const struct discovery *d, struct psr_monitor *m)
{
    uint32_t out[4];

    if (d->max_basic < LEAF_MONITOR)
        return;
    ask(d, LEAF_MONITOR, 0, out);
    if (!bit(out[PSR_EDX], 1)) /* the L3's */
        return;
    ask(d, LEAF_MONITOR, 1, out);
    m->max_rmid = out[PSR_ECX];
    m->events = out[PSR_EDX] & 7;
    m->upscaling = out[PSR_EBX];
    m->width = WIDTH_BASE + (out[PSR_EAX] & 0xff);
    if (m->width == WIDTH_BASE && d->amd)
        m->width = WIDTH_AMD;
    if (m->width > 62)
        m->width = 62;
}

void psr_discover(const struct psr_hw *hw, unsigned pcpu, struct psr_caps *caps)
{
    struct discovery d = {.hw = hw, .pcpu = pcpu};
    uint32_t features[4];

    *caps = (struct psr_caps){{0}, {0}, {0}, {0}};
    identify(&d);
    find_caches(&d, caps);
    if (d.max_basic < LEAF_FEATURES)
        return;
    ask(&d, LEAF_FEATURES, 0, features);
    if (bit(features[PSR_EBX], 15))
        find_allocation(&d, caps);
    if (bit(features[PSR_EBX], 12))
        find_monitoring(&d, &caps->monitor);
}

/* ---- what is wanted -------------------------------------------------------------------------- */

void psr_caps_limit(struct psr_caps *caps, const struct psr_options *o)
{
    if (!o->cat)
        caps->l3.len = caps->l2.len = 0;
    caps->l3.cdp_on = o->cdp && caps->l3.len && caps->l3.cdp && caps->l3.max_class;
    if (!o->mba)
        caps->bandwidth.max = 0;
    if (!o->cmt)
        caps->monitor.max_rmid = 0;
    else if (o->max_rmid && caps->monitor.max_rmid > o->max_rmid)
        caps->monitor.max_rmid = o->max_rmid;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned psr_caps_classes(const struct psr_caps *caps)
{
    unsigned n = ~0U;

    if (caps->l3.len)
        n = least(n, caps->l3.cdp_on ? (caps->l3.max_class + 1) / 2 : caps->l3.max_class + 1);
    if (caps->l2.len)
        n = least(n, caps->l2.max_class + 1);
    if (caps->bandwidth.max)
        n = least(n, caps->bandwidth.max_class + 1);
    return n == ~0U ? 0 : n;
}
