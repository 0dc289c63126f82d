/*
 * Small objects for the hypervisor. A page holds objects of one size; which,
 * and which of them are free, is in its entry of the frame table, so objects
 * have no header. The free ones are chained by number through their first two
 * bytes. What is larger than half a page has frames of its own.
 */
#include "frames.h"

#define SMALLEST_SHIFT 4
#define NR_CLASSES     8 /* 16 to 2048 bytes */
#define LARGEST        (1ULL << (SMALLEST_SHIFT + NR_CLASSES - 1))
#define END            0xffff /* of the chain */
#define POISON         0xe9

/* frame.slab.class; 0: not ours. */
#define CLASS_WHOLE (NR_CLASSES + 1)

static struct spinlock lock = SPINLOCK_INIT(RANK_FRAMES);
/* Pages that have a free object, by class. */
static struct list partial[NR_CLASSES];
static uint64_t nr_objects, nr_pages; /* in use; held */

static unsigned class_of(size_t size)
{
    unsigned class = 0;

    while (1ULL << (SMALLEST_SHIFT + class) < size)
        class ++;
    return class;
}

static size_t class_size(unsigned class)
{
    return 1ULL << (SMALLEST_SHIFT + class);
}

static unsigned capacity(unsigned class)
{
    return (unsigned)(PAGE_SIZE / class_size(class));
}

static uint16_t *object(struct frame *page, unsigned class, unsigned i)
{
    return (uint16_t *)((char *)mfn_to_va(mfn_of(page)) + i * class_size(class));
}

#ifdef DEBUG
static void poison(uint16_t *o, size_t size)
{
    memset(o, POISON, size);
}

static void check_poison(const uint16_t *o, size_t size)
{
    const uint8_t *byte = (const uint8_t *)o;

    for (size_t i = sizeof *o; i < size; i++)
        if (byte[i] != POISON)
            panic("free object %p of %lu bytes was written to at %lu", (const void *)o, size, i);
}

static void check_allocated(struct frame *page, unsigned class, unsigned i)
{
    for (unsigned at = page->slab.free; at != END; at = *object(page, class, at))
        if (at == i)
            panic("object %p is freed twice", (void *)object(page, class, i));
}
#else
static void poison(uint16_t *o, size_t size)
{
    (void)o;
    (void)size;
}
static void check_poison(const uint16_t *o, size_t size)
{
    (void)o;
    (void)size;
}
static void check_allocated(struct frame *page, unsigned class, unsigned i)
{
    (void)page;
    (void)class;
    (void)i;
}
#endif

/* A fresh page of free objects; NULL without memory. */
static struct frame *new_page(unsigned class)
{
    mfn_t mfn = frames_alloc(ORDER_4K, NODE_ANY);
    struct frame *page;

    if (mfn == MFN_NONE)
        return NULL;
    page = frame_of(mfn);
    page->slab.class = (uint16_t)(class + 1);
    page->slab.used = 0;
    page->slab.free = END;
    for (unsigned i = capacity(class); i-- > 0;) {
        poison(object(page, class, i), class_size(class));
        *object(page, class, i) = page->slab.free;
        page->slab.free = (uint16_t)i;
    }
    return page;
}

/* Static storage cannot hold list heads that point to themselves. */
static struct list *partial_of(unsigned class)
{
    if (!partial[class].next)
        list_init(&partial[class]);
    return &partial[class];
}

/* An object of a page with one to spare, under the lock; NULL if there is no such page. */
static uint16_t *take_object(unsigned class)
{
    struct frame *page = list_first_entry(partial_of(class), struct frame, link);
    uint16_t *o;

    if (!page)
        return NULL;
    o = object(page, class, page->slab.free);
    page->slab.free = *o;
    page->slab.used++;
    nr_objects++;
    if (page->slab.free == END)
        list_del(&page->link);
    return o;
}

static void *alloc_small(unsigned class)
{
    uint16_t *o;

    spin_lock(&lock);
    while (!(o = take_object(class))) {
        struct frame *page;

        spin_unlock(&lock); /* the frames' lock has the same rank */
        page = new_page(class);
        if (!page)
            return NULL;
        spin_lock(&lock);
        nr_pages++;
        list_add_head(partial_of(class), &page->link);
    }
    spin_unlock(&lock);
    check_poison(o, class_size(class));
    return memset(o, 0, class_size(class));
}

static void *alloc_whole(size_t size)
{
    unsigned order = 0;
    mfn_t mfn;

    while (order <= ORDER_1G && PAGE_SIZE << order < size)
        order++;
    mfn = frames_alloc(order, NODE_ANY);
    if (mfn == MFN_NONE)
        return NULL;
    frame_of(mfn)->slab.class = CLASS_WHOLE;
    return mfn_to_va(mfn);
}

void xmalloc_count(uint64_t *objects, uint64_t *frames)
{
    spin_lock(&lock);
    *objects = nr_objects;
    *frames = nr_pages;
    spin_unlock(&lock);
}

void *xmalloc(size_t size)
{
    return size <= LARGEST ? alloc_small(class_of(size)) : alloc_whole(size);
}

/* Is the page empty and not the only one with room? Then it goes; one is kept against flutter. */
static bool retire(struct frame *page, unsigned class)
{
    const struct list *pages = partial_of(class);

    if (page->slab.used || pages->next == pages->prev)
        return false;
    list_del(&page->link);
    nr_pages--;
    return true;
}

static void free_small(struct frame *page, unsigned class, void *p)
{
    unsigned i = (unsigned)(((uintptr_t)p & (PAGE_SIZE - 1)) / class_size(class));
    uint16_t *o = object(page, class, i);
    bool empty;

    BUG_ON((void *)o != p);
    spin_lock(&lock);
    check_allocated(page, class, i);
    poison(o, class_size(class));
    *o = page->slab.free;
    page->slab.free = (uint16_t)i;
    page->slab.used--;
    nr_objects--;
    if (*o == END)
        list_add_head(partial_of(class), &page->link);
    empty = retire(page, class);
    spin_unlock(&lock);
    if (empty)
        frames_free(mfn_of(page), ORDER_4K);
}

void xfree(void *p)
{
    struct frame *page;

    if (!p)
        return;
    page = frame_of(va_to_mfn(p));
    BUG_ON(page->state != FRAME_XEN || !page->slab.class);
    if (page->slab.class == CLASS_WHOLE)
        frames_free(mfn_of(page), page->order);
    else
        free_small(page, page->slab.class - 1U, p);
}
