/*
 * The frame allocator as it is, but AddressSanitizer is told of what is free,
 * and allocations fail when the fuzzer says so.
 */
#include <sanitizer/asan_interface.h>
#include <string.h>

#include "check.h"
#include "machine.h"

static void frame_fill(void *to, int c, size_t n);

#pragma clang attribute push(__attribute__((no_sanitize("address"))), apply_to = function)
#define frames_alloc       real_frames_alloc
#define domain_pages_alloc real_domain_pages_alloc
#define domain_pages_claim real_domain_pages_claim
#define frames_take        real_frames_take
#define memset(to, c, n)   frame_fill(to, c, n)
#include "../../xen/frames.c"
#undef frames_alloc
#undef domain_pages_alloc
#undef domain_pages_claim
#undef frames_take
#undef memset
#pragma clang attribute pop

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

unsigned fail_allocation;

bool allocation_fails(void)
{
    return fail_allocation && !--fail_allocation;
}

static void frame_fill(void *to, int c, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(to, n);
    plain_fill(to, c, n);
    if (c == POISON)
        ASAN_POISON_MEMORY_REGION(to, n);
}

mfn_t frames_alloc(unsigned order, unsigned node)
{
    return allocation_fails() ? MFN_NONE : real_frames_alloc(order, node);
}

mfn_t domain_pages_alloc(struct domain *d, unsigned order, unsigned node)
{
    return allocation_fails() ? MFN_NONE : real_domain_pages_alloc(d, order, node);
}

int domain_pages_claim(struct domain *d, mfn_t mfn, uint64_t nr)
{
    int err = real_domain_pages_claim(d, mfn, nr);

    if (!err)
        ASAN_UNPOISON_MEMORY_REGION(mfn_to_va(mfn), nr * PAGE_SIZE);
    return err;
}

mfn_t frames_take(unsigned order, unsigned node)
{
    mfn_t mfn = allocation_fails() ? MFN_NONE : real_frames_take(order, node);

    if (mfn != MFN_NONE)
        ASAN_UNPOISON_MEMORY_REGION(mfn_to_va(mfn), PAGE_SIZE << order);
    return mfn;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static uint64_t listed_free(const struct node *n, unsigned id)
{
    uint64_t sum = 0;

    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        list_for_each(f, &n->free[order], struct frame, link) {
            if (f->state != FRAME_FREE || f->order != order || f->node != id)
                panic("frame %lx is on the list of free blocks of order %u", mfn_of(f), order);
            sum += 1ULL << order;
        }
    }
    return sum;
}

static uint64_t counted(enum frame_state state)
{
    uint64_t sum = 0;

    for (mfn_t mfn = 0; mfn < table_end; mfn++)
        sum += table[mfn].state == state;
    return sum;
}

void check_frames(void)
{
    uint64_t listed = 0, in_use = counted(FRAME_XEN) + counted(FRAME_GUEST);

    for (unsigned i = 0; i < nr_nodes; i++) {
        uint64_t n = listed_free(&nodes[i], i);
        if (n != nodes[i].nr_free)
            panic("node %u has %lu free frames and counts %lu", i, n, nodes[i].nr_free);
        listed += n;
    }
    if (counted(FRAME_FREE) != listed || listed + in_use != nr_ram)
        panic("%lu frames, %lu are used, %lu free, of which %lu are in lists", nr_ram, in_use,
              counted(FRAME_FREE), listed);
}

#pragma clang attribute pop
