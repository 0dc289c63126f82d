/*
 * A domain's guest-physical memory: nested page tables (AMD manual vol. 2,
 * 15.25) with the kind of each entry in bits that hardware ignores.
 */
#ifndef XEN_P2M_H
#define XEN_P2M_H

#include "frames.h"

enum p2m_kind {
    P2M_NONE,
    P2M_RAM,      /* the domain's own */
    P2M_MMIO,     /* a device's, uncached; no frame reference */
    P2M_FOREIGN,  /* another domain's, one reference held */
    P2M_GRANT_RW, /* mapped grant; the grant table holds the reference */
    P2M_GRANT_RO,
    P2M_XEN,      /* a page shared with the hypervisor: shared_info, grant table */
};

/* Writable pages that p2m_page() has found of late, by gfn modulo their number; p2m_unmap() clears
 * the one. */
#define P2M_CACHED 64
struct p2m_cached {
    gfn_t gfn;
    void *page;
};

struct p2m {
    struct spinlock lock;
    mfn_t root;
    volatile uint64_t epoch; /* grows whenever an entry was removed or restricted */
    uint64_t nr_tables, max_tables;
    gfn_t highest; /* that was ever mapped */
    gfn_t missed;  /* where p2m_page() has found nothing last */
    struct p2m_cached cache[P2M_CACHED];
};

struct p2m_entry {
    mfn_t mfn; /* of this very gfn, also within a large page */
    enum p2m_kind kind;
    unsigned order;
};

int p2m_init(struct domain *d);
/* Frees the tables and drops the references of foreign entries. */
void p2m_fini(struct domain *d);

/* What is at gfn; kind P2M_NONE if nothing. */
struct p2m_entry p2m_lookup(struct domain *d, gfn_t gfn);
/* Is there RAM of the domain's own, if only at first use? Then with a reference to its frame. */
bool p2m_get_ram(struct domain *d, gfn_t gfn, mfn_t *mfn);
/*
 * Map 2^order frames (0, 9 or 18; gfn and mfn aligned to it). The gfns must be empty (-EEXIST).
 * -ENOMEM without memory for tables, -EINVAL beyond the guest's physical address width.
 */
int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_kind kind);
/* Remove one 4 KiB entry, splitting a large one, and return it. No pCPU sees it any more when this
 * returns. Its reference, if any, is the caller's to drop. Kind P2M_NONE if there was nothing, or
 * no memory for the split. */
struct p2m_entry p2m_unmap(struct domain *d, gfn_t gfn);

/* Where the page at gfn lies in the direct map, NULL if nothing is there that may be copied (as a
 * device's) or written. With p->lock held, and valid as long. */
void *p2m_page_find(struct p2m *p, gfn_t gfn, bool write);
static inline void *p2m_page(struct p2m *p, gfn_t gfn, bool write)
{
    const struct p2m_cached *c = &p->cache[gfn % P2M_CACHED];

    return c->gfn == gfn ? c->page : p2m_page_find(p, gfn, write);
}

/*
 * For moving pages to other frames (page_move.c): all of it with p->lock held from the first call to
 * the last.
 */
/* The first entry that maps something, at or after *gfn, which becomes its first gfn. */
bool p2m_next(const struct p2m *p, gfn_t *gfn, struct p2m_entry *e);
/* Large entries become small ones; false without memory. */
bool p2m_split(struct domain *d, gfn_t gfn);
/* The whole entry at gfn goes for a while: a guest that needs it faults, and then waits for the lock.
 * After p2m_await() no pCPU sees it any more. p2m_show() puts RAM in its place, as large as it was. */
void p2m_hide(struct domain *d, gfn_t gfn);
void p2m_await(const struct domain *d);
void p2m_show(struct domain *d, gfn_t gfn, mfn_t mfn);

/* Before a guest is entered: the epoch that the TLB of this pCPU must agree with. (svm.c) */
uint64_t p2m_enter(struct domain *d);
void p2m_leave(void);

/* ---- guest.c: the only way to a guest's memory -------------------------------------- */

struct vcpu;

/*
 * The last walks through a guest's 4-level page tables that ended in memory, by page. One holds as
 * long as all entries that it went through are as they were, and no page of the domain has gone
 * since; so the guest need not say that it has changed its tables.
 */
#define GUEST_WALKS  8
#define GUEST_LEVELS 4
struct guest_walk {
    uint64_t va, space, epoch; /* of the page; hvm->space(); p2m.epoch, 0: not remembered */
    bool writable;
    struct {
        const volatile uint64_t *slot;
        uint64_t entry;
    } level[GUEST_LEVELS]; /* if a large page ends it, the last ones are alike */
    uint8_t *page; /* in the direct map */
} aligned_to(128);

/* Guest-virtual addresses of the vCPU's current address space, through its page tables with the
 * rights of its kernel. 0 or -EFAULT (then nothing more than the part before the fault is copied). */
int must_check copy_from_guest(struct vcpu *v, void *to, uint64_t from, size_t n);
int must_check copy_to_guest(struct vcpu *v, uint64_t to, const void *from, size_t n);
int must_check clear_guest(struct vcpu *v, uint64_t to, size_t n);
/* Guest-physical addresses. */
int must_check copy_from_gpa(struct domain *d, void *to, paddr_t from, size_t n);
int must_check copy_to_gpa(struct domain *d, paddr_t to, const void *from, size_t n);
/* Guest-virtual to guest-physical; -EFAULT. */
int must_check guest_translate(struct vcpu *v, uint64_t va, bool write, paddr_t *gpa);

/* For a handle of a public structure: copy_field(v, &local, handle). */
#define copy_in(v, local, handle) copy_from_guest(v, local, (uint64_t)(uintptr_t)(handle).p, sizeof *(local))
#define copy_out(v, handle, local) copy_to_guest(v, (uint64_t)(uintptr_t)(handle).p, local, sizeof *(local))
#define copy_in_at(v, local, handle, i)                                                            \
    copy_from_guest(v, local, (uint64_t)(uintptr_t)((handle).p + (i)), sizeof *(local))
#define copy_out_at(v, handle, i, local)                                                           \
    copy_to_guest(v, (uint64_t)(uintptr_t)((handle).p + (i)), local, sizeof *(local))
#define handle_null(handle) (!(handle).p)

#endif
