/*
 * The smallest toolstack: dom0 makes a domain of its boot module (which is its
 * own image again), watches it and takes it apart. The child starts at the same
 * entry, with the same symbols at the same addresses, and runs test.child().
 */
#ifndef BUILDER_H
#define BUILDER_H

#include "../guest.h"

struct child {
    domid_t id;
    uint32_t entry;
    uint64_t start_info; /* guest-physical */
};

/* Paused, with its memory, its image and `vcpus` vCPUs of which the first is ready to go. -errno;
 * nothing is left then. */
int child_create(struct child *c, unsigned vcpus, uint64_t argument);
int child_destroy(const struct child *c);
int child_unpause(const struct child *c);
int child_pause(const struct child *c);
int child_info(const struct child *c, struct xen_domctl_getdomaininfo *info);

/* Why it has shut down, -1 as long as it has not. */
int child_shutdown_code(const struct child *c);
/* Runs until it shuts down, at most so many ms; the code or -1. */
int child_run(const struct child *c, unsigned ms);

/* Maps nr pages of the child's memory from `gpa` on, of which there is one range at a time. */
void *child_map(const struct child *c, uint64_t gpa, unsigned nr);
void child_unmap(void);

/*
 * Keeps all vCPUs of a domain off the machine's first processor, if there are others. When QEMU 7.2
 * has a thread for each processor, XRSTOR and its like on any of them clear a flag of the first
 * one, IGNNE#, by an unlocked read and write of a word that also says whether its GIF is set and
 * whether its nested paging is on. A guest on the first processor then ends, every million
 * hypercalls or so, as if VMRUN had loaded the hypervisor's own registers. Children are kept off it
 * anyway.
 */
void avoid_first_pcpu(domid_t domain, unsigned vcpus);

/* Any domctl on any domain. */
long domctl(struct xen_domctl *c, unsigned command, domid_t domain);
/* The processor state that starts vCPU `id`, by domctl. */
long child_set_cpu(const struct child *c, unsigned id, const struct hvm_hw_cpu *cpu);
/* As a PVH guest starts. */
struct hvm_hw_cpu child_flat_cpu(const struct child *c, uint64_t argument);

uint64_t free_pages(void); /* of the machine */
/* Has all been given back that was free before? The hypervisor may keep a page for each of its
 * eight sizes of small objects. */
void expect_free_pages(uint64_t before);

#endif
