/* SplitMix64 (Steele, Lea, Flood 2014): any seed will do. */
#include "guest.h"

uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    return random_next(r) % n;
}
