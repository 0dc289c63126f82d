/* Affinity classes and the units that wait in them: see index.h. */
#include "index.h"
#include "policy.h"

/* The masks that count inside the pool. Returns false if the hard affinity had to be ignored. */
static bool effective_masks(const struct sched_unit *u, struct mask *hard, struct mask *soft)
{
    const struct sched_pool *pool = u->domain->pool;
    bool kept = mask_intersects(&u->hard, &pool->cpus);

    if (kept)
        mask_and(hard, &u->hard, &pool->cpus);
    else
        *hard = pool->cpus;
    if (u->has_soft && mask_intersects(&u->soft, hard))
        mask_and(soft, &u->soft, hard);
    else
        *soft = *hard;
    return kept;
}

static struct sched_affinity *find_class(struct sched_pool *pool, const struct mask *hard,
                                         const struct mask *soft)
{
    list_for_each(a, &pool->affinities, struct sched_affinity, link)
        if (mask_equal(&a->hard, hard) && mask_equal(&a->soft, soft))
            return a;
    return NULL;
}

static struct sched_affinity *new_class(struct sched_pool *pool)
{
    struct sched_affinity *a =
        list_first_entry(&pool->sched->free_affinities, struct sched_affinity, link);
    if (!a)
        return NULL;
    list_del(&a->link);
    list_add_head(&pool->affinities, &a->link);
    heap_node_init(&a->node);
    heap_init(&a->waiting);
    a->pool = pool;
    a->users = 0;
    a->search = 0;
    return a;
}

int affinity_join(struct sched_unit *u)
{
    struct sched_pool *pool = u->domain->pool;
    struct mask hard, soft;
    bool kept = effective_masks(u, &hard, &soft);
    struct sched_affinity *a = find_class(pool, &hard, &soft);

    if (!a) {
        a = new_class(pool);
        if (!a)
            return -SCHED_ENOMEM;
        a->hard = hard;
        a->soft = soft;
        a->width = mask_count(&hard);
    }
    a->users++;
    u->affinity = a;
    u->affinity_broken = !kept;
    return 0;
}

void affinity_leave(struct sched_unit *u)
{
    struct sched_affinity *a = u->affinity;

    u->affinity = NULL;
    if (--a->users)
        return;
    list_del(&a->link);
    list_add_head(&a->pool->sched->free_affinities, &a->link);
}

/* The class stands in the pool's index where its first waiter would. */
static void class_moved(struct sched_affinity *a)
{
    struct heap *index = &a->pool->index;

    if (heap_empty(&a->waiting)) {
        if (heap_queued(&a->node))
            heap_remove(index, &a->node);
    } else if (!heap_queued(&a->node)) {
        heap_insert(index, &a->node, a->waiting.top->key);
    } else if (a->node.key != a->waiting.top->key) {
        heap_update(index, &a->node, a->waiting.top->key);
    }
}

void index_insert(struct sched_unit *u, int64_t key)
{
    heap_insert(&u->affinity->waiting, &u->index_node, key);
    class_moved(u->affinity);
}

void index_remove(struct sched_unit *u)
{
    heap_remove(&u->affinity->waiting, &u->index_node);
    class_moved(u->affinity);
}

void index_update(struct sched_unit *u, int64_t key)
{
    heap_update(&u->affinity->waiting, &u->index_node, key);
    class_moved(u->affinity);
}

/* Depth-first through the heap of classes, cut off at the best found: its depth is logarithmic. */
static const struct heap_node *first_class(const struct heap_node *n, unsigned pcpu, bool soft,
                                           const struct heap_node *best)
{
    if (!n || (best && !heap_before(n, best)))
        return best;
    const struct sched_affinity *a = container_of(n, const struct sched_affinity, node);
    if (mask_test(soft ? &a->soft : &a->hard, pcpu))
        return n;
    best = first_class(n->left, pcpu, soft, best);
    return first_class(n->right, pcpu, soft, best);
}

struct sched_unit *core_first_waiting(const struct sched_pcpu *pcpu, bool soft)
{
    const struct heap_node *n = first_class(pcpu->pool->index.top, pcpu->id, soft, NULL);
    if (!n)
        return NULL;
    const struct sched_affinity *a = container_of(n, const struct sched_affinity, node);
    return heap_top_entry(&a->waiting, struct sched_unit, index_node);
}
