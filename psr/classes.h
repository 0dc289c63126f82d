/*
 * The classes of service of one socket. A class is a set of values, a few for
 * all that the socket can partition; domains that want the same values share
 * it. Class 0 has nothing limited and is everybody's from the start: it is not
 * counted, does not change and is never given back.
 */
#ifndef PSR_CLASSES_H
#define PSR_CLASSES_H

#include "caps.h"

#define PSR_MAX_CLASSES 32

/* The values of a class: without CDP code has no mask of its own, and 0 stands for it. */
enum psr_slot { PSR_SLOT_L3, PSR_SLOT_L3_CODE, PSR_SLOT_L2, PSR_SLOT_BANDWIDTH, PSR_NR_SLOTS };

struct psr_class {
    unsigned refs;                /* domains that are in it */
    uint32_t value[PSR_NR_SLOTS]; /* of a free class: what its registers still hold */
};

struct psr_classes {
    unsigned nr; /* 0: there are none */
    struct psr_class class[PSR_MAX_CLASSES];
};

/* All with nothing limited. Limit is the greatest number wanted, or 0. */
void psr_classes_init(struct psr_classes *s, const struct psr_caps *caps, unsigned limit);

/* Where a domain of class `own` goes that wants these values: to a class that has them, else to its
 * own if nobody shares it, else to a free one. -EOVERFLOW: there is none. Changes nothing. */
int psr_classes_choose(const struct psr_classes *s, unsigned own,
                       const uint32_t value[PSR_NR_SLOTS]);

/* A domain goes from one to another, which may be the same. */
void psr_classes_move(struct psr_classes *s, unsigned from, unsigned to);

bool psr_values_equal(const uint32_t a[PSR_NR_SLOTS], const uint32_t b[PSR_NR_SLOTS]);

#endif
