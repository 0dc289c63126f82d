/* The hypercalls there are, and how to make arguments for them out of the fuzzer's bytes. */
#ifndef FUZZ_SHAPES_H
#define FUZZ_SHAPES_H

#include "machine.h"

/* The fuzzer's bytes; reads zeros when they are used up. */
struct input {
    const uint8_t *at, *end;
};
uint8_t input_byte(struct input *in);
uint64_t input_bytes(struct input *in, unsigned n);
domid_t input_domid(struct input *in);
gfn_t input_gfn(struct input *in, const struct domain *d);

struct call {
    uint64_t nr, args[6];
};

/* The next call of the input, for a vCPU of `d`; what it points to is written into d's memory. */
void call_read(struct input *in, struct domain *d, struct call *call);

#endif
