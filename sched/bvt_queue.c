#include "bvt_queue.h"

void bvt_queue_init(struct sched_pcpu *pcpu)
{
    struct bvt_queue *q = pcpu->data;

    heap_init(&q->plain);
    heap_init(&q->warped);
    heap_init(&q->warped_actual);
    heap_init(&q->flips);
    q->last = pcpu->clock.base;
}

void bvt_entry_init(struct sched_unit *u)
{
    struct bvt_entry *e = u->data;

    e->unit = u;
    heap_node_init(&e->effective);
    heap_node_init(&e->actual);
    heap_node_init(&e->flip);
    bvt_set_advance(u);
}

void bvt_set_advance(struct sched_unit *u)
{
    fair_set_share(u, (uint32_t)u->domain->value[BVT_DOMAIN_MCUADV], BVT_MCU_ADVANCE);
}

void bvt_queue_add(struct sched_unit *u, int64_t warp, sched_time flip_at)
{
    struct bvt_queue *q = u->home->data;
    struct bvt_entry *e = bvt_entry(u);

    e->warp = warp;
    if (warp) {
        heap_insert(&q->warped, &e->effective, heap_key_diff(u->vtime, warp));
        heap_insert(&q->warped_actual, &e->actual, u->vtime);
    } else {
        heap_insert(&q->plain, &e->effective, u->vtime);
    }
    if (flip_at != SCHED_NEVER)
        heap_insert(&q->flips, &e->flip, flip_at);
}

void bvt_queue_remove(struct sched_unit *u)
{
    struct bvt_queue *q = u->home->data;
    struct bvt_entry *e = bvt_entry(u);

    if (heap_queued(&e->actual)) {
        heap_remove(&q->warped, &e->effective);
        heap_remove(&q->warped_actual, &e->actual);
    } else {
        heap_remove(&q->plain, &e->effective);
    }
    if (heap_queued(&e->flip))
        heap_remove(&q->flips, &e->flip);
}

struct sched_unit *bvt_queue_first(const struct sched_pcpu *pcpu)
{
    const struct bvt_queue *q = pcpu->data;
    const struct bvt_entry *plain = heap_top_entry(&q->plain, struct bvt_entry, effective);
    const struct bvt_entry *warped = heap_top_entry(&q->warped, struct bvt_entry, effective);

    if (!warped)
        return plain ? plain->unit : NULL;
    if (!plain || heap_key_diff(warped->effective.key, plain->effective.key) < 0)
        return warped->unit;
    return plain->unit;
}

struct sched_unit *bvt_queue_take_flip(struct sched_pcpu *pcpu, sched_time now)
{
    struct bvt_queue *q = pcpu->data;
    struct bvt_entry *e = heap_top_entry(&q->flips, struct bvt_entry, flip);

    if (!e || e->flip.key > now)
        return NULL;
    bvt_queue_remove(e->unit);
    return e->unit;
}

sched_time bvt_queue_next_flip(const struct sched_pcpu *pcpu)
{
    const struct bvt_queue *q = pcpu->data;
    return heap_empty(&q->flips) ? SCHED_NEVER : q->flips.top->key;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return vtime_diff(a, b) < 0 ? a : b;
}

int64_t bvt_svt(const struct sched_pcpu *pcpu, sched_time now)
{
    const struct bvt_queue *q = pcpu->data;
    const struct heap_node *plain = q->plain.top, *warped = q->warped_actual.top;
    const struct sched_unit *current = pcpu->current;

    if (!plain && !warped)
        return current ? fair_vtime_at(pcpu, current, now) : q->last;
    int64_t least = !warped ? plain->key : !plain ? warped->key : earlier(plain->key, warped->key);
    return current ? earlier(least, fair_vtime_at(pcpu, current, now)) : least;
}

void bvt_slept(struct sched_unit *u, sched_time now)
{
    struct bvt_queue *q = u->home->data;

    (void)now;
    q->last = u->vtime;
}

void bvt_dequeue(struct sched_unit *u, sched_time now)
{
    bvt_queue_remove(u);
    bvt_slept(u, now);
}

sched_time bvt_slice(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time bonus)
{
    sched_time ctx_allow = bvt_ctx_allow(pcpu->pool);
    const struct sched_unit *next = bvt_queue_first(pcpu);

    if (!next)
        return time_min(10 * ctx_allow + bonus, BVT_RUN_MAX);

    int64_t e = heap_key_diff(u->vtime, bvt_entry(u)->warp);
    int64_t ahead = vtime_diff(bvt_entry(next)->effective.key, e);
    return time_min(fair_to_service(u, ahead) + ctx_allow + bonus, BVT_RUN_MAX);
}

sched_time bvt_distance(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time now)
{
    const struct sched_unit *current = pcpu->current;
    int64_t e = heap_key_diff(u->vtime, bvt_entry(u)->warp);
    int64_t e_current = heap_key_diff(fair_vtime_at(pcpu, current, now), bvt_entry(current)->warp);

    return fair_to_service(current, vtime_diff(e, e_current));
}

void bvt_charge_whole_mcus(struct sched_unit *u, sched_time ran)
{
    sched_time part = ran % BVT_MCU;

    if (part) {
        int64_t more = fair_to_virtual(u, BVT_MCU - part);
        fair_set_vtime(u, (int64_t)((uint64_t)u->vtime + (uint64_t)more));
    }
}
