/*
 * Intrusive doubly linked list with a sentinel head.
 *
 * A node that is on no list points to itself, so removal is always safe and
 * `list_linked` needs no flag.
 */
#ifndef SCHED_LIST_H
#define SCHED_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != node;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_add_head(struct list *head, struct list *node)
{
    list_insert_between(node, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *node)
{
    list_insert_between(node, head->prev, head);
}

static inline void list_del(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)

#define list_first_entry(head, type, member)                                                       \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))

/* The body must not unlink `it`; use list_for_each_safe for that. */
#define list_for_each(it, head, type, member)                                                      \
    for (type *it = list_entry((head)->next, type, member); &it->member != (head);                 \
         it = list_entry(it->member.next, type, member))

#define list_for_each_safe(it, head, type, member)                                                 \
    for (type *it = list_entry((head)->next, type, member),                                        \
              *it##_next = list_entry(it->member.next, type, member);                              \
         &it->member != (head);                                                                    \
         it = it##_next, it##_next = list_entry(it##_next->member.next, type, member))

#endif
