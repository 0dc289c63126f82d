/*
 * Divides memory among claimants by weight, with idle memory taxed.
 *
 * The rule is min-funding revocation in its steady state (Waldspurger, "Memory Resource Management
 * in VMware ESX Server", OSDI 2002, sections 5.1 and 5.2). There the claimant that pays least for
 * its memory loses it first, where one with weight w that holds P, A of it in use, pays
 *
 *     w / (min(P, A) + k * (P - A)+)    for each unit of it, with k = 1 / (1 - tax):
 *
 * a unit of idle memory is billed as k units. When nobody can gain any more, all pay the same, but
 * for those who are at a bound. That division is found at once, by a search for its price.
 *
 * The tax is in thousandths, 0 to 999: 0 shares by weight alone, 999 takes nearly all idle memory.
 */
#ifndef BALLOON_FILL_H
#define BALLOON_FILL_H

#include <stdint.h>

#define BALLOON_TAX_MAX    999
#define BALLOON_WEIGHT_MAX 65535
#define BALLOON_MEMORY_MAX (1LL << 36) /* KiB: 64 TiB */

struct balloon_claim {
    int64_t low, high; /* KiB, 0 <= low <= high <= BALLOON_MEMORY_MAX */
    int64_t active;    /* KiB that it would use */
    uint32_t weight;   /* 1 to BALLOON_WEIGHT_MAX */
    int64_t got;       /* the result, low to high */
};

/*
 * Sets `got` of each. Their sum is `amount`, or what all lows or all highs make if `amount` is less
 * or more than that. Returns what is left of the amount: positive if all are at their highs,
 * negative by what the lows exceed it.
 */
int64_t balloon_fill(struct balloon_claim *claims, unsigned nr, int64_t amount, unsigned tax);

#endif
