/*
 * Intrusive binary min-heap: a complete binary tree linked by pointers, so it
 * needs no array and no allocation, and every operation is O(log n) at worst.
 *
 * Order: smaller key first; among equal keys, first in first out. Keys are
 * compared by their difference, so virtual times may wrap around.
 */
#ifndef SCHED_HEAP_H
#define SCHED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    struct heap_node *parent, *left, *right;
    int64_t key;
    uint64_t seq; /* order of insertion: ties go first in, first out */
    bool queued;
};

struct heap {
    struct heap_node *top;
    size_t size;
    uint64_t seq;
};

/* a - b without overflow trouble; negative if a is the earlier. */
static inline int64_t heap_key_diff(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline bool heap_before(const struct heap_node *a, const struct heap_node *b)
{
    int64_t d = heap_key_diff(a->key, b->key);
    return d < 0 || (d == 0 && a->seq < b->seq);
}

static inline bool heap_empty(const struct heap *h)
{
    return h->top == NULL;
}

static inline bool heap_queued(const struct heap_node *n)
{
    return n->queued;
}

void heap_init(struct heap *h);
void heap_node_init(struct heap_node *n);

/* `n` must not be queued. */
void heap_insert(struct heap *h, struct heap_node *n, int64_t key);

/* `n` must be in `h`. */
void heap_remove(struct heap *h, struct heap_node *n);

/* Changes the key of a node that is in `h`; it counts as newly inserted among equals. */
void heap_update(struct heap *h, struct heap_node *n, int64_t key);

/* The next after the top of a heap that is not empty, or NULL. */
static inline struct heap_node *heap_second(const struct heap *h)
{
    struct heap_node *left = h->top->left, *right = h->top->right;
    return right && heap_before(right, left) ? right : left;
}

#define heap_top_entry(h, type, member)                                                            \
    ((h)->top ? (type *)((char *)(h)->top - offsetof(type, member)) : NULL)

#endif
