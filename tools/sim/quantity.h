/* Numbers with units other than time: sizes, rates, frequencies. */
#ifndef SIM_QUANTITY_H
#define SIM_QUANTITY_H

#include "message.h"

enum quantity {
    QUANTITY_SIZE,      /* bytes: K, M, G are powers of 1024 */
    QUANTITY_RATE,      /* bytes a second: MB/s, GB/s are powers of 1000 */
    QUANTITY_FREQUENCY, /* Hz: MHz, GHz */
    QUANTITY_LATENCY,   /* seconds: ns, us */
};

/* "27.5M", "119GB/s", "2.1GHz", "90.5ns"; never negative. False with the remedy in *p. */
bool quantity_parse(enum quantity kind, const char *text, double *out, struct problem *p);

#endif
