/*
 * CPUID of the two processors that psr=model can be. No such part was ever
 * sold: the first has an Intel server's L3 and bandwidth throttling together with
 * an Atom's L2 masks, so that xl has one of each to drive; the second is an
 * EPYC 7763 as far as these leaves go. Both have few RMIDs, so that they run out
 * within a test.
 */
#include "model.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static const struct psr_cpuid intel[] = {
    {0x0, PSR_ANY, {0x16, 0x756e6547, 0x6c65746e, 0x49656e69}},
    {0x1, PSR_ANY, {0x50657, 0, 0, 0}},
    {0x4, 0, {0x7c004121, 0x1c0003f, 0x3f, 0}},
    {0x4, 1, {0x7c004122, 0x1c0003f, 0x3f, 0}},
    {0x4, 2, {0x7c004143, 0x3c0003f, 0x3ff, 0}},  /* 1 MiB for 2 threads */
    {0x4, 3, {0x7c0fc163, 0x280003f, 0x9fff, 5}}, /* 27.5 MiB for 64 */
    {0x7, 0, {0, 1 << 12 | 1 << 15, 0, 0}},
    {0xf, 0, {0, 31, 0, 2}},
    {0xf, 1, {0, 0x14000, 31, 7}}, /* 80 KiB a count, 24 bits, all events */
    {0x10, 0, {0, 0xe, 0, 0}},
    {0x10, 1, {10, 0x600, 4, 15}}, /* L3: 11 bits, CDP, 16 classes */
    {0x10, 2, {7, 0, 0, 7}},       /* L2: 8 bits, 8 classes */
    {0x10, 3, {89, 0, 4, 7}},      /* MBA: up to 90, linear, 8 classes */
    {0x80000000, PSR_ANY, {0x80000008, 0, 0, 0}},
};

static const struct psr_cpuid amd[] = {
    {0x0, PSR_ANY, {0x10, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x1, PSR_ANY, {0xa00f11, 0, 0, 0}},
    {0x7, 0, {0, 1 << 12 | 1 << 15, 0, 0}},
    {0xf, 0, {0, 31, 0, 2}},
    {0xf, 1, {0, 0x40, 31, 7}}, /* 64 bytes a count, all events */
    {0x10, 0, {0, 2, 0, 0}},
    {0x10, 1, {15, 0, 4, 15}}, /* L3: 16 bits, CDP, 16 classes */
    {0x80000000, PSR_ANY, {0x80000023, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x80000008, PSR_ANY, {0x3030, 1 << 6, 0, 0}}, /* bandwidth limits */
    {0x8000001d, 0, {0x121, 0x1c0003f, 0x3f, 0}},
    {0x8000001d, 1, {0x122, 0x1c0003f, 0x3f, 0}},
    {0x8000001d, 2, {0x143, 0x1c0003f, 0x3ff, 2}},
    {0x8000001d, 3, {0x1c163, 0x3c0003f, 0x7fff, 1}}, /* 32 MiB for 8 threads */
    {0x80000020, 0, {0, 2, 0, 0}},
    {0x80000020, 1, {11, 0, 0, 15}}, /* 11 bits, 16 classes */
};

const struct psr_words psr_model_intel = {"Intel Xeon with an Atom's L2", intel, NR(intel)};
const struct psr_words psr_model_amd = {"AMD EPYC", amd, NR(amd)};
