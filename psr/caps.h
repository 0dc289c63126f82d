/* What a processor can partition and count, from its CPUID words. */
#ifndef PSR_CAPS_H
#define PSR_CAPS_H

#include "hw.h"

struct psr_cache {
    uint32_t kib;      /* 0: there is none at this level */
    unsigned shift;    /* its number is the APIC id without so many low bits */
    unsigned len;      /* bits of a capacity mask; 0: it cannot be partitioned */
    unsigned min_bits; /* that a mask must have */
    unsigned max_class;
    bool sparse; /* masks may have holes */
    bool cdp;    /* code and data can have masks of their own, */
    bool cdp_on; /* and shall */
};

struct psr_bandwidth {
    unsigned max; /* greatest value; 0: bandwidth cannot be limited */
    unsigned max_class;
    bool linear;   /* what is asked for is what comes */
    bool is_limit; /* AMD: a limit in 1/8 GB/s, 0 for none. Else: by how much it is slowed down */
};

struct psr_monitor {
    unsigned max_rmid;  /* 0: nothing is counted; RMID 0 is for whoever has no other */
    unsigned events;    /* bit e - 1: event e of msr.h */
    unsigned width;     /* bits of a counter until it wraps */
    uint32_t upscaling; /* bytes that a count stands for */
};

struct psr_caps {
    struct psr_cache l3, l2;
    struct psr_bandwidth bandwidth;
    struct psr_monitor monitor;
};

/* Of the processor that this pCPU is on. */
void psr_discover(const struct psr_hw *hw, unsigned pcpu, struct psr_caps *caps);

/* What the administrator wants of it. Zero for a greatest number: all that there are. */
struct psr_options {
    bool cmt, cat, cdp, mba;
    unsigned max_rmid, max_class;
};

/* Takes away what is not wanted. */
void psr_caps_limit(struct psr_caps *caps, const struct psr_options *options);

/* Classes that exist for each resource, with CDP or without: a greater number would mean something
 * for one resource and nothing certain for another. 0 if nothing can be partitioned. */
unsigned psr_caps_classes(const struct psr_caps *caps);

#endif
