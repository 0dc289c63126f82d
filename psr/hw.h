/*
 * The seam to the processor: what all of psr/ knows of hardware. Behind it are
 * a machine's own registers, a model of some (model.h), or a test that writes
 * down what is asked of it.
 */
#ifndef PSR_HW_H
#define PSR_HW_H

#include <stdbool.h>
#include <stdint.h>

struct psr_access {
    bool write;
    uint32_t msr;
    uint64_t value; /* to write, or what was read */
};

struct psr_hw {
    void *ctx;
    void (*cpuid)(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
    /* On that pCPU, in order and with nothing between them: how many were done. The next one, if
     * any, faulted. */
    unsigned (*access)(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr);
};

/* Registers of CPUID in `out`. */
enum { PSR_EAX, PSR_EBX, PSR_ECX, PSR_EDX };

/* Errors are negative; the numbers are Xen's (public/errno.h). */
#define PSR_ENOENT    2
#define PSR_EIO       5
#define PSR_ENXIO     6
#define PSR_EAGAIN    11
#define PSR_EBUSY     16
#define PSR_EEXIST    17
#define PSR_EINVAL    22
#define PSR_ERANGE    34
#define PSR_EOVERFLOW 75

#endif
