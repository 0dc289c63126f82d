/* Sets of events, in groups that take turns: see pmu.h. */
#include "pmu.h"

#include "pmu_msr.h"

/* The lowest free one, but a fixed one first: it can be used for nothing else. */
static int choose(uint32_t may, uint32_t taken)
{
    uint32_t free = may & ~taken, fixed = free & ~0U << PMU_MAX_GENERAL;

    return free ? __builtin_ctz(fixed ? fixed : free) : -1;
}

/* Written to the register but for the mode of a fixed counter. INT would interrupt. */
static uint64_t for_register(const struct pmu_caps *caps, uint64_t select)
{
    select = (select & ~SELECT_INT) | SELECT_EN;
    return caps->vendor == PMU_AMD ? select | SELECT_GUEST : select;
}

int pmu_set_init(struct pmu_set *s, const struct pmu_caps *caps, const uint64_t *select,
                 unsigned nr, unsigned *which, const char **why)
{
    uint32_t taken = 0;
    unsigned group = 0;

    *s = (struct pmu_set){.nr = nr};
    *which = nr;
    *why = "must be 1 to 16 at once";
    if (!nr || nr > PMU_MAX_EVENTS)
        return -PSR_EINVAL;
    for (unsigned i = 0; i < nr; i++) {
        uint32_t may = pmu_event_counters(caps, select[i], why);

        if (!may) {
            *which = i;
            return -PSR_EINVAL;
        }
        if (choose(may, taken) < 0) { /* the group is full for it */
            taken = 0;
            group++;
        }
        unsigned counter = (unsigned)choose(may, taken);
        taken |= 1U << counter;
        s->event[i] = (struct pmu_event){for_register(caps, select[i]), counter, group, 0};
    }
    s->nr_groups = group + 1;
    return 0;
}

/* Where two pCPUs have the same turn, both count towards it, and who comes late to a turn that is
 * over moves on with its next look. */
void pmu_set_ran(struct pmu_set *s, unsigned group, uint64_t ns)
{
    s->enabled += ns;
    s->running[group] += ns;
    if (group != s->group)
        return;
    s->turn += ns;
    if (s->turn < PMU_TURN)
        return;
    s->turn = 0;
    s->group = (s->group + 1) % s->nr_groups;
}

/* Bit by bit, since the product has 128 of them and a division of those is the C library's. */
uint64_t pmu_estimate(uint64_t count, uint64_t enabled, uint64_t running)
{
    unsigned __int128 product = (unsigned __int128)count * enabled;
    uint64_t rest = product >> 64, low = (uint64_t)product, quotient = 0;

    if (!running)
        return 0;
    if (rest >= running)
        return ~0ULL;
    for (unsigned i = 0; i < 64; i++) {
        bool carry = rest >> 63;

        rest = rest << 1 | low >> 63;
        low <<= 1;
        quotient <<= 1;
        if (carry || rest >= running) {
            rest -= running;
            quotient |= 1;
        }
    }
    return quotient;
}
