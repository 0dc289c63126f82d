/* Hypercalls, and now and then something else that leaves the guest, made up from random numbers.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "../lib/guest.h"

struct attack {
    struct random random;
    uint64_t calls; /* so far, those in lists included */
};

void attack_setup(void); /* once, after events_init() */
void attack_begin(struct attack *a, uint64_t seed);
void attack_step(struct attack *a);

#endif
