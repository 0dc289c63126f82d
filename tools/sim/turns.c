#include "turns.h"

#include <stdlib.h>

static turn make_turn(int64_t key, uint64_t order, unsigned pcpu)
{
    return (turn)(uint64_t)key << 64 | (turn)(order * SCHED_MAX_PCPUS + pcpu);
}

bool turns_init(struct turns *t, unsigned nr_pcpus)
{
    *t = (struct turns){.nr_leaves = 1};
    while (t->nr_leaves < nr_pcpus)
        t->nr_leaves *= 2;
    t->node = calloc(2 * (size_t)t->nr_leaves, sizeof(*t->node));
    if (!t->node)
        return false;
    for (unsigned i = 0; i < 2 * t->nr_leaves; i++)
        t->node[i] = make_turn(TURN_NEVER, 0, 0);
    return true;
}

void turns_free(struct turns *t)
{
    free(t->node);
}

void turns_set(struct turns *t, unsigned pcpu, int64_t key)
{
    unsigned i = t->nr_leaves + pcpu;

    if (turn_key(t->node[i]) == key)
        return;
    turn least = make_turn(key, t->set++, pcpu);
    t->node[i] = least;
    for (; i > 1; i /= 2) {
        turn other = t->node[i ^ 1];
        least = other < least ? other : least;
        t->node[i / 2] = least;
    }
}
