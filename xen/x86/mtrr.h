/*
 * Memory type range registers as a guest sees them (AMD manual vol. 2, 7.7).
 * With nested paging the processor takes no notice of them: the nested tables
 * and the guest's PAT decide (15.25.8). One set for all vCPUs of a domain.
 */
#ifndef XEN_MTRR_H
#define XEN_MTRR_H

#include "../lib.h"

#define MTRR_VARIABLE 8
#define MTRR_FIXED    11

struct domain;

struct mtrr {
    bool valid; /* false: not looked at yet */
    uint64_t def_type;
    uint64_t fixed[MTRR_FIXED];
    uint64_t variable[2 * MTRR_VARIABLE]; /* base and mask of each pair */
};

bool mtrr_is(uint32_t msr);
/* 0 or -EPERM (#GP): reserved types or bits, or a read-only register. */
int mtrr_read(struct domain *d, uint32_t msr, uint64_t *value);
int mtrr_write(struct domain *d, uint32_t msr, uint64_t value);

#endif
