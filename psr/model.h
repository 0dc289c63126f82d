/*
 * A MODEL of a processor's registers for partitioning and monitoring, behind
 * the seam of hw.h: for machines without them, and for tests. What it is able
 * to do, it reads from the CPUID words that it is given, and so does whoever
 * drives it.
 *
 * It is exact about which accesses fault (SDM vol. 3B, 17.19.5 and 17.18.8;
 * AMD 56375): reserved bits, registers of classes that there are not, empty or
 * torn masks, throttling beyond the greatest, RMIDs and classes beyond the
 * greatest in PQR_ASSOC. It is not exact about caches: each pCPU moves one byte
 * a nanosecond for the RMID in its PQR_ASSOC, busy or not, less what is
 * throttled, three quarters of it local; what it moves goes to the parts of the
 * cache that its class may fill, the same amount to each, and pushes out what
 * others have there.
 */
#ifndef PSR_MODEL_H
#define PSR_MODEL_H

#include "hw.h"

#define MODEL_MAX_PCPUS   64
#define MODEL_MAX_L3      16
#define MODEL_MAX_L2      64
#define MODEL_MAX_PARTS   32 /* of a cache: bits of a mask */
#define MODEL_MAX_CLASSES 32
#define MODEL_MAX_RMID    255

struct psr_cpuid { /* one leaf; subleaf PSR_ANY: whatever is asked */
    uint32_t leaf, subleaf, out[4];
};
#define PSR_ANY (~0U)

struct psr_words {
    const char *name;
    const struct psr_cpuid *leaf;
    unsigned nr;
};

/* What CPUID answers by them; zeros for what they do not have. */
void psr_words_find(const struct psr_words *w, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* What `psr=model` and `psr=model:amd` are. */
extern const struct psr_words psr_model_intel, psr_model_amd;

struct model_pcpu {
    unsigned l3, l2; /* in the arrays below */
    uint64_t assoc, select;
};

struct model_l3 {
    unsigned socket;
    uint32_t number;
    uint64_t config;
    uint32_t mask[MODEL_MAX_CLASSES], bandwidth[MODEL_MAX_CLASSES];
    uint64_t moved[MODEL_MAX_RMID + 1];                   /* bytes */
    uint32_t filled[MODEL_MAX_PARTS][MODEL_MAX_RMID + 1]; /* bytes that are there */
};

struct model_l2 {
    unsigned socket;
    uint32_t number;
    uint32_t mask[MODEL_MAX_CLASSES];
};

struct model_limits { /* from CPUID; a greatest number below 0: there are none */
    bool amd, l3_cdp, linear;
    unsigned l3_len, l2_len, l3_shift, l2_shift, throttle_max, limit_bits, events, width;
    int l3_max, l2_max, mba_max, limit_max, max_rmid;
    uint32_t upscaling;
    unsigned nr_parts; /* of the L3, each of so many bytes: */
    uint32_t part;
};

struct psr_model {
    const struct psr_words *words;
    struct model_limits limits;
    int64_t (*clock)(void); /* ns */
    int64_t looked;         /* when it was asked last */
    unsigned nr_pcpus, nr_l3, nr_l2;
    struct model_pcpu pcpu[MODEL_MAX_PCPUS];
    struct model_l3 l3[MODEL_MAX_L3];
    struct model_l2 l2[MODEL_MAX_L2];
};

/* As after reset, without pCPUs. The memory need not be clear. */
void psr_model_init(struct psr_model *m, const struct psr_words *words, int64_t (*clock)(void));
/* The next pCPU; false if there is no room for it or its caches. */
bool psr_model_add_pcpu(struct psr_model *m, uint32_t apic_id, unsigned socket);

/* The seam; ctx is the model. */
void psr_model_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
unsigned psr_model_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr);

/* model_traffic.c: everything moves on to the present. */
void psr_model_advance(struct psr_model *m);

#endif
