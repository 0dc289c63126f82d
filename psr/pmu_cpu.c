/*
 * A pCPU's counters. See pmu.h.
 *
 * `global` here is which counters are on, also without a register for that: then
 * their select registers are, and those that are off hold 0.
 */
#include "pmu.h"

#include "pmu_msr.h"

#define PROBE     0x12345678    /* what a counter that is there keeps */
#define LONG_LOOK 10000000000LL /* ns in which no counter of 40 bits or more wraps twice */

/* All that a step may take: each select register, each counter, and two more. */
struct batch {
    unsigned nr;
    struct psr_access list[PMU_MAX_GENERAL + PMU_MAX_COUNTERS + 2];
};

static void put(struct batch *b, bool write, uint32_t msr, uint64_t value)
{
    b->list[b->nr++] = (struct psr_access){write, msr, value};
}

static bool go(struct pmu_cpu *c, struct batch *b)
{
    if (!b->nr || c->hw->access(c->hw->ctx, c->id, b->list, b->nr) == b->nr)
        return true;
    c->hw = 0;
    return false;
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t select_msr(const struct pmu_caps *caps, unsigned n)
{
    if (caps->vendor == PMU_INTEL)
        return MSR_PERFEVTSEL + n;
    return caps->extended ? MSR_AMD_EXTENDED + 2 * n : MSR_AMD_SELECT + n;
}

static uint32_t counter_msr(const struct pmu_caps *caps, unsigned n)
{
    if (n >= PMU_MAX_GENERAL)
        return MSR_FIXED_CTR + n - PMU_MAX_GENERAL;
    if (caps->vendor == PMU_INTEL)
        return MSR_PMC + n;
    return caps->extended ? MSR_AMD_EXTENDED + 2 * n + 1 : MSR_AMD_COUNTER + n;
}

static uint32_t global_msr(const struct pmu_caps *caps)
{
    return caps->vendor == PMU_INTEL ? MSR_PERF_GLOBAL_CTRL : MSR_AMD_GLOBAL_CTRL;
}

static uint64_t wrapped(const struct pmu_caps *caps, unsigned counter, uint64_t value)
{
    return value & ((1ULL << (counter < PMU_MAX_GENERAL ? caps->width : caps->fixed_width)) - 1);
}

static uint64_t global_bit(unsigned counter)
{
    return counter < PMU_MAX_GENERAL ? 1ULL << counter
                                     : 1ULL << (GLOBAL_FIXED + counter - PMU_MAX_GENERAL);
}

/* ---- a pCPU comes ---------------------------------------------------------------------------- */

/* Global control first: after reset Intel's has all general counters on (SDM vol. 3A, table 10-1).
 */
static bool quiet(struct pmu_cpu *c)
{
    const struct pmu_caps *caps = c->caps;
    struct batch b = {.nr = 0};

    if (caps->global)
        put(&b, true, global_msr(caps), 0);
    if (caps->nr_fixed)
        put(&b, true, MSR_FIXED_CTR_CTRL, 0);
    for (unsigned i = 0; i < caps->nr_general; i++)
        put(&b, true, select_msr(caps, i), 0);
    return go(c, &b);
}

/* An emulator may ignore writes to registers that it does not have. */
static bool probe(struct pmu_cpu *c)
{
    struct batch b = {.nr = 0};

    put(&b, true, counter_msr(c->caps, 0), PROBE);
    put(&b, false, counter_msr(c->caps, 0), 0);
    return go(c, &b) && b.list[1].value == PROBE;
}

static bool clear(struct pmu_cpu *c)
{
    struct batch b = {.nr = 0};

    for (unsigned i = 0; i < c->caps->nr_general; i++)
        put(&b, true, counter_msr(c->caps, i), 0);
    for (unsigned i = 0; i < c->caps->nr_fixed; i++)
        put(&b, true, counter_msr(c->caps, PMU_MAX_GENERAL + i), 0);
    return go(c, &b);
}

int pmu_online(struct pmu_cpu *c, const struct psr_hw *hw, unsigned id, const struct pmu_caps *caps)
{
    *c = (struct pmu_cpu){.hw = hw, .caps = caps, .id = id};
    if (caps->vendor != PMU_NONE && quiet(c) && probe(c) && clear(c))
        return 0;
    c->hw = 0;
    return -PSR_EIO;
}

/* ---- on -------------------------------------------------------------------------------------- */

struct wanted {
    uint64_t select[PMU_MAX_GENERAL], fixed_control, global;
};

/* With a register that says which ones count, the others keep what they have. */
static void want(const struct pmu_cpu *c, const struct pmu_set *s, struct wanted *w)
{
    *w = (struct wanted){.fixed_control = c->fixed_control};
    for (unsigned i = 0; c->caps->global && i < PMU_MAX_GENERAL; i++)
        w->select[i] = c->select[i];
    for (unsigned i = 0; s && i < s->nr; i++) {
        const struct pmu_event *e = &s->event[i];
        unsigned shift = 4 * (e->counter - PMU_MAX_GENERAL);

        if (e->group != s->group)
            continue;
        w->global |= global_bit(e->counter);
        if (e->counter < PMU_MAX_GENERAL) {
            w->select[e->counter] = e->select;
            continue;
        }
        w->fixed_control &= ~(15ULL << shift);
        w->fixed_control |= (uint64_t)((e->select & SELECT_OS ? FIXED_OS : 0) |
                                       (e->select & SELECT_USR ? FIXED_USR : 0))
                            << shift;
    }
}

static void program(struct pmu_cpu *c, const struct wanted *w)
{
    struct batch b = {.nr = 0};

    for (unsigned i = 0; i < c->caps->nr_general; i++) {
        if (c->select[i] != w->select[i])
            put(&b, true, select_msr(c->caps, i), w->select[i]);
        c->select[i] = w->select[i];
    }
    if (c->fixed_control != w->fixed_control)
        put(&b, true, MSR_FIXED_CTR_CTRL, w->fixed_control);
    if (c->caps->global && c->global != w->global)
        put(&b, true, global_msr(c->caps), w->global);
    c->fixed_control = w->fixed_control;
    c->global = w->global;
    go(c, &b);
}

void pmu_start(struct pmu_cpu *c, struct pmu_set *s, int64_t now)
{
    struct wanted w;

    if (!c->hw)
        return;
    want(c, s, &w);
    program(c, &w);
    c->set = c->hw ? s : 0;
    c->group = s ? s->group : 0;
    c->since = now;
}

/* ---- off ------------------------------------------------------------------------------------- */

static bool is_on(const struct pmu_cpu *c, const struct pmu_event *e)
{
    return e->group == c->group;
}

/* AMD's rest by themselves while no guest runs. */
static void put_stop(struct pmu_cpu *c, struct batch *b)
{
    if (c->caps->vendor != PMU_INTEL)
        return;
    if (c->caps->global)
        put(b, true, MSR_PERF_GLOBAL_CTRL, 0);
    for (unsigned i = 0; !c->caps->global && i < c->caps->nr_general; i++) {
        if (c->select[i])
            put(b, true, select_msr(c->caps, i), 0);
        c->select[i] = 0;
    }
    c->global = 0;
}

static void take(struct pmu_cpu *c, struct pmu_event *e, uint64_t value)
{
    e->count += wrapped(c->caps, e->counter, value - c->value[e->counter]);
    c->value[e->counter] = wrapped(c->caps, e->counter, value);
}

void pmu_stop(struct pmu_cpu *c, int64_t now)
{
    struct pmu_set *s = c->set;
    struct batch b = {.nr = 0};

    if (!s)
        return;
    c->set = 0;
    put_stop(c, &b);
    unsigned first = b.nr;
    for (unsigned i = 0; i < s->nr; i++)
        if (is_on(c, &s->event[i]))
            put(&b, false, counter_msr(c->caps, s->event[i].counter), 0);
    if (!go(c, &b))
        return;
    for (unsigned i = 0; i < s->nr; i++)
        if (is_on(c, &s->event[i]))
            take(c, &s->event[i], b.list[first++].value);
    pmu_set_ran(s, c->group, now > c->since ? (uint64_t)(now - c->since) : 0);
}

int64_t pmu_look_at(const struct pmu_cpu *c)
{
    const struct pmu_set *s = c->set;

    if (!s || s->nr_groups == 1)
        return c->since + LONG_LOOK;
    return c->since +
           (c->group == s->group && s->turn < PMU_TURN ? PMU_TURN - (int64_t)s->turn : 0);
}
