/* Which values a class of service may have. */
#ifndef PSR_RULES_H
#define PSR_RULES_H

#include "caps.h"

unsigned psr_count_bits(uint32_t mask);

/* All parts of the cache: what a class has to start with. */
uint32_t psr_mask_full(const struct psr_cache *c);

/* 0, or -EINVAL: no bits or too few, bits that there are not, or holes where none may be. */
int psr_mask_check(const struct psr_cache *c, uint64_t mask);

/*
 * 0 and what the hardware makes of the value: throttling goes down to the next step, of which there
 * are few (Intel: multiples of 100 - max if linear, else powers of two). -EINVAL: beyond the
 * greatest. 0 is always "not limited".
 */
int psr_bandwidth_check(const struct psr_bandwidth *b, uint64_t *value);

/* The register's content for such a value. */
uint64_t psr_bandwidth_register(const struct psr_bandwidth *b, uint32_t value);

#endif
