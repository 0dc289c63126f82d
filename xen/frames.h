/*
 * Machine memory in frames of 4 KiB, kept per NUMA node by a buddy allocator
 * (orders 0, 9 and 18 matter most: 4 KiB, 2 MiB, 1 GiB).
 *
 * A frame belongs to the hypervisor (owner DOMID_XEN), to a domain, or to
 * nobody (free, or not RAM). A domain's frame has references: one for being
 * allocated to it, one for each mapping by another domain or the hypervisor. It
 * is freed when the last is gone, so a frame never changes hands while
 * somebody still sees it.
 */
#ifndef XEN_FRAMES_H
#define XEN_FRAMES_H

#include "lib.h"
#include "spinlock.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ULL
#define MFN_NONE   (~0ULL)

#define ORDER_4K 0
#define ORDER_2M 9
#define ORDER_1G 18

#define MAX_NODES 64

typedef uint64_t mfn_t; /* machine frame number */
typedef uint64_t gfn_t; /* guest frame number */
typedef uint64_t paddr_t;

struct domain;

enum frame_state {
    FRAME_NONE, /* no RAM, or the firmware's */
    FRAME_FREE,
    FRAME_XEN,   /* the hypervisor's own */
    FRAME_GUEST, /* belongs to `owner` */
};

struct frame {
    union {
        struct list link;  /* on a free list, or on the owner's list of pages */
        uint16_t given_up; /* FRAME_GUEST without owner: the id of the domain that it was of */
    };
    union {
        struct domain *owner; /* FRAME_GUEST: NULL once it has left its domain's account */
        struct {              /* FRAME_XEN: a page of small objects (xmalloc.c) */
            uint16_t free, used, class;
        } slab;
    };
    uint32_t refs; /* FRAME_GUEST only; atomic */
    uint8_t state, order, node;
    uint8_t poisoned; /* debug builds: filled with the poison when it was freed */
};

struct frame *frame_of(mfn_t mfn);
mfn_t mfn_of(const struct frame *f);
/* Is there RAM that the frame table knows? */
bool mfn_valid(mfn_t mfn);

/* The direct map: all RAM, writable, not executable. (Unit tests have theirs elsewhere.) */
#ifndef DIRECT_MAP
#define DIRECT_MAP 0xffff800000000000ULL
#endif
static inline void *mfn_to_va(mfn_t mfn)
{
    return (void *)(uintptr_t)(DIRECT_MAP + (mfn << PAGE_SHIFT));
}
static inline void *pa_to_va(paddr_t pa)
{
    return (void *)(uintptr_t)(DIRECT_MAP + pa);
}
/* For pointers into the direct map only. */
static inline paddr_t va_to_pa(const void *va)
{
    return (uintptr_t)va - DIRECT_MAP;
}
static inline mfn_t va_to_mfn(const void *va)
{
    return va_to_pa(va) >> PAGE_SHIFT;
}

#define NODE_ANY (~0u)

/* 2^order frames for the hypervisor, zeroed, from `node` if it has some; MFN_NONE if none are left. */
mfn_t frames_alloc(unsigned order, unsigned node);
void frames_free(mfn_t mfn, unsigned order);

/* 2^order zeroed frames that belong to `d` and count in d->tot_pages, each with one reference (the
 * allocation's). MFN_NONE: no memory, or the domain would have more than d->max_pages. */
mfn_t domain_pages_alloc(struct domain *d, unsigned order, unsigned node);
/* Give a specific run of free frames, not zeroed, to `d` (dom0's 1:1 memory). -EBUSY if one is not
 * free, -ENOMEM beyond d->max_pages. */
int domain_pages_claim(struct domain *d, mfn_t mfn, uint64_t nr);
/* Drop the allocation's reference: the page is no more the domain's, memory is free when the last
 * reference goes. Until then the domain may not have another page instead. */
void domain_page_free(struct domain *d, mfn_t mfn);
/* The same for at most `nr` pages, whichever; false once the domain has none. */
bool domain_pages_free_some(struct domain *d, uint64_t nr);

/* 2^order frames of this very node for the hypervisor, with what was in them; MFN_NONE: it has none. */
mfn_t frames_take(unsigned order, unsigned node);
/* The domain gets 2^order frames at `to`, taken from the allocator, for those at `from`, which become
 * the hypervisor's. False, and nothing has happened, if one of `from` has another reference than the
 * allocation's. With the lock of its nested page tables held, which map `from` and not yet `to`. */
bool domain_pages_swap(struct domain *d, mfn_t from, mfn_t to, unsigned order);

/* One more reference to a guest's frame; false if it does not belong to `d` (NULL: any domain). */
bool page_get(mfn_t mfn, const struct domain *d);
void page_put(mfn_t mfn);

uint64_t frames_total(void);
uint64_t frames_free_count(unsigned node); /* NODE_ANY: all */
uint64_t frames_node_total(unsigned node);
mfn_t frames_max(void); /* greatest MFN with RAM */

/* Small memory for the hypervisor's own objects, zeroed, aligned to 16; NULL if there is none. More
 * than a page comes in whole frames. */
void *xmalloc(size_t size);
void xfree(void *p);
/* Objects of less than half a page that are in use, and the frames that are held for such. */
void xmalloc_count(uint64_t *objects, uint64_t *frames);
#define xnew(type)          ((type *)xmalloc(sizeof(type)))
#define xnew_array(type, n) ((type *)xmalloc(sizeof(type) * (n)))

/* Called by boot code: a frame table up to `end`, with all RAM as the hypervisor's own (FRAME_XEN)
 * until frames_release makes [start, end) free. */
void frames_init(mfn_t end);
void frames_release(mfn_t start, mfn_t end, unsigned node);

#endif
