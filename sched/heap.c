/*
 * The tree is kept complete: node number `size` (the root is 1) is found by
 * reading the bits of its number after the leading one, 0 = left, 1 = right.
 *
 * Nodes move by relinking. Both sifts carry a hole through the tree and fill
 * it once at the end, so a level costs one comparison or two and the links of
 * the one node that moves.
 */
#include "heap.h"

/* A position in the tree: who points at it, and what a node there points at. */
struct hole {
    struct heap_node **slot, *parent, *left, *right;
};

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_node_init(struct heap_node *n)
{
    *n = (struct heap_node){0};
}

static struct hole hole_at(struct heap *h, struct heap_node *n)
{
    struct heap_node *p = n->parent;
    struct heap_node **slot = !p ? &h->top : p->left == n ? &p->left : &p->right;

    return (struct hole){slot, p, n->left, n->right};
}

/* The empty leaf position with this number; all positions before it are taken. */
static struct hole hole_numbered(struct heap *h, size_t number)
{
    struct hole at = {&h->top, NULL, NULL, NULL};
    int bits = (int)(sizeof(long long) * 8) - 1 - __builtin_clzll(number);

    while (bits--) {
        at.parent = *at.slot;
        at.slot = number >> bits & 1 ? &at.parent->right : &at.parent->left;
    }
    return at;
}

static void adopt(struct heap_node *n, struct heap_node *left, struct heap_node *right)
{
    n->left = left;
    n->right = right;
    if (left)
        left->parent = n;
    if (right)
        right->parent = n;
}

static void fill(struct hole at, struct heap_node *n)
{
    *at.slot = n;
    n->parent = at.parent;
    adopt(n, at.left, at.right);
}

static void rise(struct heap *h, struct hole at, struct heap_node *n)
{
    while (at.parent && heap_before(n, at.parent)) {
        struct heap_node *p = at.parent;
        struct hole up = hole_at(h, p);

        if (at.slot == &p->left)
            up.left = p;
        else
            up.right = p;
        adopt(p, at.left, at.right);
        at = up;
    }
    fill(at, n);
}

static void sink(struct hole at, struct heap_node *n)
{
    for (;;) {
        bool go_right = at.right && heap_before(at.right, at.left);
        struct heap_node *c = go_right ? at.right : at.left;

        if (!c || !heap_before(c, n))
            break;
        struct hole down = {go_right ? &c->right : &c->left, c, c->left, c->right};

        /* The link to the new hole stays stale until that is filled. */
        *at.slot = c;
        c->parent = at.parent;
        if (go_right) {
            c->left = at.left;
            c->left->parent = c;
        } else {
            c->right = at.right;
            if (c->right)
                c->right->parent = c;
        }
        at = down;
    }
    fill(at, n);
}

static void settle(struct heap *h, struct hole at, struct heap_node *n)
{
    if (at.parent && heap_before(n, at.parent))
        rise(h, at, n);
    else
        sink(at, n);
}

void heap_insert(struct heap *h, struct heap_node *n, int64_t key)
{
    n->key = key;
    n->seq = h->seq++;
    n->queued = true;
    rise(h, hole_numbered(h, ++h->size), n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    struct hole end = hole_numbered(h, h->size--);
    struct heap_node *last = *end.slot;

    *end.slot = NULL;
    if (last != n)
        settle(h, hole_at(h, n), last);
    n->queued = false;
}

void heap_update(struct heap *h, struct heap_node *n, int64_t key)
{
    n->key = key;
    n->seq = h->seq++;
    settle(h, hole_at(h, n), n);
}
