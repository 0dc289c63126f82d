/*
 * For the tests of psr/: CPUID dumps of real processors (tests/psr), and a model
 * made of one whose accesses are written down.
 */
#ifndef TEST_PSR_RIG_H
#define TEST_PSR_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../psr/model.h"
#include "../../psr/msr.h"

#define XEON_6230    "tests/psr/xeon-gold-6230.cpuid"
#define XEON_2650LV4 "tests/psr/xeon-e5-2650l-v4.cpuid"
#define EPYC_7763    "tests/psr/epyc-7763.cpuid"

#define RIG_LEAVES 128

static struct rig {
    struct psr_cpuid leaf[RIG_LEAVES];
    struct psr_words words;
    struct psr_model model;
    struct psr_hw hw;
    int64_t now;
    uint32_t faulty; /* this register faults whatever is written */
    char log[8192];  /* a line for each list of accesses: "PCPU: MSR=VALUE MSR?VALUE ..." */
} rig;

static int64_t rig_clock(void)
{
    return rig.now;
}

static inline void rig_note(const char *format, ...)
{
    size_t n = strlen(rig.log);
    va_list args;

    va_start(args, format);
    vsnprintf(rig.log + n, sizeof rig.log - n, format, args);
    va_end(args);
}

static inline unsigned rig_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    unsigned done = 0;

    rig_note("%u:", pcpu);
    for (; done < nr; done++) {
        if ((list[done].write && list[done].msr == rig.faulty) ||
            psr_model_access(ctx, pcpu, &list[done], 1) != 1)
            break;
        rig_note(" %x%c%llx", list[done].msr, list[done].write ? '=' : '?',
                 (unsigned long long)list[done].value);
    }
    rig_note(done < nr ? " #GP\n" : "\n");
    return done;
}

/* "mask eax ebx ecx edx => eax ebx ecx edx", in hexadecimal. */
static inline void rig_load(const char *file)
{
    FILE *f = fopen(file, "r");
    char line[128];
    unsigned mask, in[4], *out;

    assert_non_null(f);
    rig.words = (struct psr_words){file, rig.leaf, 0};
    while (fgets(line, sizeof line, f)) {
        struct psr_cpuid *c = &rig.leaf[rig.words.nr];

        out = c->out;
        if (*line == '#')
            continue;
        assert_int_equal(sscanf(line, "%x %x %x %x %x => %x %x %x %x", &mask, &in[0], &in[1],
                                &in[2], &in[3], &out[0], &out[1], &out[2], &out[3]),
                         9);
        c->leaf = in[0];
        c->subleaf = mask & 4 ? in[2] : PSR_ANY;
        rig.words.nr++;
        assert_true(rig.words.nr < RIG_LEAVES);
    }
    fclose(f);
}

/* A leaf of the dump becomes another. */
static inline uint32_t *rig_leaf(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < rig.words.nr; i++)
        if (rig.leaf[i].leaf == leaf &&
            (rig.leaf[i].subleaf == subleaf || rig.leaf[i].subleaf == PSR_ANY))
            return rig.leaf[i].out;
    fail_msg("no leaf %x.%x", leaf, subleaf);
    return NULL;
}

static inline void rig_start(const struct psr_words *words)
{
    rig.now = 0;
    rig.faulty = 0;
    rig.log[0] = '\0';
    memset(&rig.model, 0xa5, sizeof rig.model);
    psr_model_init(&rig.model, words, rig_clock);
    rig.hw = (struct psr_hw){&rig.model, psr_model_cpuid, rig_access};
}

/* What has been accessed since the last time. */
#define assert_accesses(expected)                                                                  \
    do {                                                                                           \
        assert_string_equal(rig.log, expected);                                                    \
        rig.log[0] = '\0';                                                                         \
    } while (0)

#endif
