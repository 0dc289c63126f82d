/*
 * Platform shared resources: caches and memory bandwidth partitioned among
 * domains, and what each uses of them counted. Freestanding: who calls it
 * serialises the calls, runs each register access on the pCPU named (hw.h),
 * and puts psr_assoc() into PQR_ASSOC when a domain comes to a pCPU.
 *
 * A domain has a class of service on each socket (classes.h) and at most one
 * RMID, the same everywhere. A socket may have several caches of a level:
 * their registers are written through one pCPU each, the first one that is
 * online, and hold the same. What a pCPU finds when it comes online for a cache
 * that nobody has looked after is written anew, so pCPUs may come and go.
 *
 * Nothing here stops a guest: a class that is given back is refilled, and an
 * RMID reused, only after the caller has taken it off all pCPUs.
 */
#ifndef PSR_PSR_H
#define PSR_PSR_H

#include "classes.h"
#include "counter.h"
#include "rmids.h"

#define PSR_MAX_PCPUS   256
#define PSR_MAX_SOCKETS 64

struct psr_pcpu {
    bool online;
    unsigned socket;
    uint32_t l3, l2; /* numbers of its caches, different ones within the socket */
};

struct psr_socket {
    bool known; /* a pCPU of it has been online */
    struct psr_caps caps;
    struct psr_classes classes;
};

struct psr {
    const struct psr_hw *hw;
    struct psr_options options;
    unsigned nr_pcpus; /* the greatest number so far, plus one */
    struct psr_pcpu pcpu[PSR_MAX_PCPUS];
    struct psr_socket socket[PSR_MAX_SOCKETS];
    struct psr_rmids rmids;
};

/* All zero: in class 0 everywhere, not counted. */
struct psr_domain {
    uint8_t class[PSR_MAX_SOCKETS];
    uint16_t rmid;
};

void psr_init(struct psr *psr, const struct psr_hw *hw, const struct psr_options *options);

/* A pCPU comes or goes. -ERANGE: numbers beyond what is kept here; -EIO: a register faulted. */
int psr_online(struct psr *psr, unsigned pcpu, uint32_t apic_id, unsigned socket);
void psr_offline(struct psr *psr, unsigned pcpu);

/* NULL: no pCPU of that socket has been online. */
const struct psr_caps *psr_caps(const struct psr *psr, unsigned socket);
/* Anything at all, on any socket? */
bool psr_present(const struct psr *psr);
/* Classes of the socket, 0: none. */
unsigned psr_nr_classes(const struct psr *psr, unsigned socket);

/* What PQR_ASSOC has to hold while the domain runs on the socket. */
static inline uint64_t psr_assoc(const struct psr_domain *d, unsigned socket)
{
    return (uint64_t)d->class[socket] << PQR_CLASS_SHIFT | d->rmid;
}

enum psr_kind {
    PSR_L3_MASK, /* for code and data; cannot be read with CDP */
    PSR_L3_CODE, /* with CDP only */
    PSR_L3_DATA,
    PSR_L2_MASK,
    PSR_BANDWIDTH, /* see rules.h */
};

/*
 * What the domain may have of one socket. -ERANGE: no such socket; -ENOENT: it cannot partition
 * that; -ENXIO: code or data without CDP; -EINVAL: not a value for it; -EOVERFLOW: too many
 * classes; -EIO: a register faulted. After an error all is as before.
 */
int psr_set(struct psr *psr, struct psr_domain *d, unsigned socket, enum psr_kind kind,
            uint64_t value);
int psr_get(const struct psr *psr, const struct psr_domain *d, unsigned socket, enum psr_kind kind,
            uint64_t *value);

/* An RMID for the domain. -EEXIST: it has one; -EOVERFLOW: all are in use; -EBUSY: the others are
 * in limbo still; -EIO. */
int psr_attach(struct psr *psr, struct psr_domain *d);
/* -ENOENT: it has none. */
int psr_detach(struct psr *psr, struct psr_domain *d);
/* The domain ends: its classes and its RMID are others'. */
void psr_release(struct psr *psr, struct psr_domain *d);

#endif
