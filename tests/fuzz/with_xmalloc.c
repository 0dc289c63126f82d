/* Small objects: AddressSanitizer knows which bytes of a page belong to one. */
#include <sanitizer/asan_interface.h>

#include "check.h"
#include "machine.h"

#pragma clang attribute push(__attribute__((no_sanitize("address"))), apply_to = function)

/* Nothing in it is anybody's yet. */
static mfn_t page_alloc(unsigned order, unsigned node)
{
    mfn_t mfn = frames_alloc(order, node);

    if (mfn != MFN_NONE)
        ASAN_POISON_MEMORY_REGION(mfn_to_va(mfn), PAGE_SIZE << order);
    return mfn;
}

static void *fill(void *to, int c, size_t n)
{
    plain_fill(to, c, n);
    return to;
}

#define xmalloc            real_xmalloc
#define xfree              real_xfree
#define memset(to, c, n)   fill(to, c, n)
#define frames_alloc(o, n) page_alloc(o, n)
#include "../../xen/xmalloc.c"
#undef xmalloc
#undef xfree
#undef memset
#undef frames_alloc
#pragma clang attribute pop

/* The rest is not what libFuzzer shall explore. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

#define GAP 16 /* between an object and the next; nobody's */

static uint64_t nr_objects;

void *xmalloc(size_t size)
{
    size_t gap = size <= LARGEST ? GAP : 0; /* larger objects begin on a page */
    void *p = allocation_fails() ? NULL : real_xmalloc(size + gap);

    if (!p)
        return NULL;
    nr_objects++;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    return p;
}

void xfree(void *p)
{
    if (!p)
        return;
    struct frame *page = frame_of(va_to_mfn(p));
    unsigned class = page->slab.class;

    nr_objects--;
    real_xfree(p);
    if (page->state == FRAME_XEN && class != CLASS_WHOLE)
        ASAN_POISON_MEMORY_REGION(p, class_size(class - 1));
}

uint64_t objects_count(void)
{
    return nr_objects;
}

uint64_t objects_empty_pages(void)
{
    uint64_t n = 0;

    for (unsigned class = 0; class < NR_CLASSES; class ++)
        list_for_each(page, partial_of(class), struct frame, link)
            n += !page->slab.used;
    return n;
}

#pragma clang attribute pop
