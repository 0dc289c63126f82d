/*
 * For the tests of psr/pmu*: a model made of a CPUID dump, or one of its own,
 * whose accesses are written down as psr_rig.h does it.
 */
#ifndef TEST_PMU_RIG_H
#define TEST_PMU_RIG_H

#include "psr_rig.h"

#include "../../psr/pmu_model.h"
#include "../../psr/pmu_msr.h"

#define U  SELECT_USR
#define K  SELECT_OS
#define UK (SELECT_USR | SELECT_OS)

static struct pmu_model pmu_model;
static struct pmu_part pmu_part;
static struct psr_hw pmu_hw;
static struct pmu_caps pmu_caps;
static int64_t guest_ns; /* rig.now is all of the time */

static inline int64_t pmu_clock(unsigned pcpu, bool guest)
{
    (void)pcpu;
    return guest ? guest_ns : rig.now;
}

static inline unsigned pmu_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    unsigned done = 0;

    rig_note("%u:", pcpu);
    for (; done < nr; done++) {
        if ((list[done].write && list[done].msr == rig.faulty) ||
            pmu_model_access(ctx, pcpu, &list[done], 1) != 1)
            break;
        rig_note(" %x%c%llx", list[done].msr, list[done].write ? '=' : '?',
                 (unsigned long long)list[done].value);
    }
    rig_note(done < nr ? " #GP\n" : "\n");
    return done;
}

/* The rates are those of `like`. */
static inline void pmu_rig_start(const struct psr_words *words, const struct pmu_part *like)
{
    rig.now = guest_ns = 0;
    rig.faulty = 0;
    rig.log[0] = '\0';
    pmu_part = *like;
    pmu_part.words = *words;
    memset(&pmu_model, 0xa5, sizeof pmu_model);
    pmu_model_init(&pmu_model, &pmu_part, 2, pmu_clock);
    pmu_hw = (struct psr_hw){&pmu_model, pmu_model_cpuid, pmu_access};
    pmu_discover(&pmu_hw, 0, &pmu_caps);
}

static inline void pmu_rig_load(const char *file, const struct pmu_part *like)
{
    rig_load(file);
    pmu_rig_start(&rig.words, like);
}

/* So much time, in which a guest runs. */
static inline void run_us(int64_t us)
{
    rig.now += us * 1000;
    guest_ns += us * 1000;
}

#endif
