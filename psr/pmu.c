/* What a processor can count, from its CPUID words: see pmu.h. */
#include "pmu.h"

#include "pmu_msr.h"

#define LEAF_INTEL        0xa
#define LEAF_AMD_FEATURES 0x80000001 /* ECX bit 23: PerfCtrExtCore */
#define LEAF_AMD_V2       0x80000022 /* EAX bit 0: PerfMonV2; EBX 3-0: number of counters */

#define AMD_WIDTH    48
#define AMD_LEGACY   4
#define AMD_EXTENDED 6

#define ZEN 0x17
/* Before Zen: events from here on are the northbridge's, which all cores of a node share. */
#define FIRST_OF_THE_NODE 0xe0

/* Fixed counters by number. */
#define INSTRUCTIONS_FIXED 0
#define CYCLES_FIXED       1
#define REFERENCE_FIXED    2
#define SLOTS_FIXED        3

/* Intel's architectural events by their bits in CPUID (SDM vol. 3B, table 20-1); the third has a
 * fixed counter's name too, with event 0, which the general ones do not have. */
static const uint16_t architectural[] = {0x003c, 0x00c0, 0x013c, 0x4f2e, 0x412e, 0x00c4, 0x00c5};

static bool bit(uint32_t word, unsigned n)
{
    return word >> n & 1;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* ---- discovery ------------------------------------------------------------------------------- */

/* CPUID leaf 0AH (SDM vol. 2A): EAX 7-0 version, 15-8 general counters, 23-16 their width, 31-24
 * how many bits EBX has; EDX 4-0 fixed counters, 12-5 their width, from version 2 on. */
static void discover_intel(const struct psr_hw *hw, unsigned pcpu, struct pmu_caps *caps)
{
    uint32_t out[4], events;

    hw->cpuid(hw->ctx, pcpu, LEAF_INTEL, 0, out);
    caps->version = out[PSR_EAX] & 0xff;
    caps->nr_general = least(out[PSR_EAX] >> 8 & 0xff, PMU_MAX_GENERAL);
    caps->width = least(out[PSR_EAX] >> 16 & 0xff, 63);
    events = out[PSR_EAX] >> 24;
    caps->missing = out[PSR_EBX] | (events < 32 ? ~0U << events : 0);
    caps->global = caps->version >= 2;
    if (caps->global) {
        caps->nr_fixed = least(out[PSR_EDX] & 31, PMU_MAX_FIXED);
        caps->fixed_width = least(out[PSR_EDX] >> 5 & 0xff, 63);
    }
    if (caps->version && caps->nr_general && caps->width)
        caps->vendor = PMU_INTEL;
}

static unsigned family_of(uint32_t signature)
{
    unsigned base = signature >> 8 & 15;

    return base == 15 ? base + (signature >> 20 & 0xff) : base;
}

static void discover_amd(const struct psr_hw *hw, unsigned pcpu, struct pmu_caps *caps)
{
    uint32_t out[4], max;

    if (caps->family < 0xf || caps->family == 0x15)
        return;
    hw->cpuid(hw->ctx, pcpu, 0x80000000, 0, out);
    max = out[PSR_EAX];
    hw->cpuid(hw->ctx, pcpu, LEAF_AMD_FEATURES, 0, out);
    caps->extended = bit(out[PSR_ECX], 23);
    caps->nr_general = caps->extended ? AMD_EXTENDED : AMD_LEGACY;
    caps->width = AMD_WIDTH;
    caps->version = 1;
    caps->vendor = PMU_AMD;
    if (max < LEAF_AMD_V2 || !caps->extended)
        return;
    hw->cpuid(hw->ctx, pcpu, LEAF_AMD_V2, 0, out);
    if (bit(out[PSR_EAX], 0) && (out[PSR_EBX] & 15)) {
        caps->version = 2;
        caps->global = true;
        caps->nr_general = out[PSR_EBX] & 15;
    }
}

void pmu_discover(const struct psr_hw *hw, unsigned pcpu, struct pmu_caps *caps)
{
    uint32_t out[4], leaf1[4];

    *caps = (struct pmu_caps){.vendor = PMU_NONE};
    hw->cpuid(hw->ctx, pcpu, 1, 0, leaf1);
    caps->family = family_of(leaf1[PSR_EAX]);
    hw->cpuid(hw->ctx, pcpu, 0, 0, out);
    /* "AuthenticAMD", "HygonGenuine"; "GenuineIntel" */
    if (out[PSR_EBX] == 0x68747541 || out[PSR_EBX] == 0x6f677948)
        discover_amd(hw, pcpu, caps);
    else if (out[PSR_EBX] == 0x756e6547 && out[PSR_EAX] >= LEAF_INTEL)
        discover_intel(hw, pcpu, caps);
}

/* ---- events ---------------------------------------------------------------------------------- */

#define COMMON                                                                                     \
    (SELECT_EVENT | SELECT_UMASK | SELECT_USR | SELECT_OS | SELECT_EDGE | SELECT_INT | SELECT_EN | \
     SELECT_INV | SELECT_CMASK)

/* By their events alone: SDM vol. 3B, table 20-2. -1: none. */
static int fixed_of(uint32_t event)
{
    switch (event) {
    case 0x00c0:
        return INSTRUCTIONS_FIXED;
    case 0x003c:
        return CYCLES_FIXED;
    case 0x0300:
        return REFERENCE_FIXED;
    case 0x0400:
        return SLOTS_FIXED;
    default:
        return -1;
    }
}

static bool is_missing(const struct pmu_caps *caps, uint32_t event)
{
    for (unsigned i = 0; i < sizeof architectural / sizeof architectural[0]; i++)
        if (architectural[i] == event && bit(caps->missing, i))
            return true;
    return false;
}

static const char *refuse_intel(const struct pmu_caps *caps, uint64_t select)
{
    if (select & SELECT_ANY)
        return "counts for the other thread of the core too, where another domain may run";
    if (select & ~COMMON)
        return "has bits that this processor's select registers do not have";
    if (is_missing(caps, select & 0xffff))
        return "is not available on this processor, as its CPUID says";
    return 0;
}

static const char *refuse_amd(const struct pmu_caps *caps, uint64_t select)
{
    if (select & SELECT_HOST)
        return "counts the hypervisor, and here only guests are counted";
    if (select & ~(COMMON | SELECT_EVENT_HIGH | SELECT_GUEST))
        return "has bits that this processor's select registers do not have";
    if (caps->family < ZEN && (select & SELECT_EVENT) >= FIRST_OF_THE_NODE)
        return "counts for all cores of the node";
    return 0;
}

static const char *refuse(const struct pmu_caps *caps, uint64_t select)
{
    if (caps->vendor == PMU_NONE)
        return "cannot be counted: the processor has no counters";
    const char *why =
        caps->vendor == PMU_INTEL ? refuse_intel(caps, select) : refuse_amd(caps, select);
    if (!why && !(select & (SELECT_USR | SELECT_OS)))
        why = "is counted in no mode: it needs u (user), k (kernel) or both";
    return why;
}

/* A fixed counter knows modes and nothing else. */
static uint32_t fixed_counter(const struct pmu_caps *caps, uint64_t select)
{
    int fixed = caps->vendor == PMU_INTEL ? fixed_of(select & 0xffff) : -1;

    if (fixed < 0 || (unsigned)fixed >= caps->nr_fixed ||
        (select & (SELECT_EDGE | SELECT_INV | SELECT_CMASK)))
        return 0;
    return 1U << (PMU_MAX_GENERAL + fixed);
}

uint32_t pmu_event_counters(const struct pmu_caps *caps, uint64_t select, const char **why)
{
    uint32_t counters;

    *why = refuse(caps, select);
    if (*why)
        return 0;
    counters = fixed_counter(caps, select);
    if (caps->vendor == PMU_AMD || (select & SELECT_EVENT)) /* Intel has no event 0 */
        counters |= (1U << caps->nr_general) - 1;
    else if (!counters)
        *why = "has no counter: it is a fixed counter's, which this processor does not have, or "
               "which knows no e, i or c";
    return counters;
}
