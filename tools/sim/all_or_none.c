#include "all_or_none.h"

#include <stdlib.h>
#include <string.h>

#include "../../sched/policy.h" /* refuse */

struct batch {
    struct sched_unit **pending;
    unsigned nr_pending;
    struct unit_before *done; /* in the order of the changes */
    unsigned nr_done;
};

static void remember(struct unit_before *before, struct sched_unit *u)
{
    before->unit = u;
    before->hard = u->hard;
    before->soft = u->soft;
    before->has_soft = u->has_soft;
    memcpy(before->value, u->value, sizeof before->value);
}

/* Changes those that can be; the last error, 0 if nothing is pending any more. */
static int try_each(struct batch *b, const struct unit_change *change, sched_time now,
                    struct sched_refusal *why)
{
    unsigned nr = b->nr_pending;
    int last = 0;

    b->nr_pending = 0;
    for (unsigned i = 0; i < nr; i++) {
        struct sched_unit *u = b->pending[i];

        remember(&b->done[b->nr_done], u);
        int err = change->apply(u, change->how, now, why);
        if (err)
            b->pending[b->nr_pending++] = u;
        else
            b->nr_done++;
        last = err ? err : last;
    }
    return last;
}

/* Backwards through states that were all admitted. */
static void undo(struct batch *b, const struct unit_change *change, sched_time now)
{
    while (b->nr_done)
        change->undo(&b->done[--b->nr_done], now);
}

int all_or_none(struct sched_unit **units, unsigned nr, const struct unit_change *change,
                sched_time now, struct sched_refusal *why)
{
    struct batch b = {.pending = units, .nr_pending = nr};
    unsigned before;
    int err;

    b.done = malloc((nr + 1) * sizeof *b.done);
    if (!b.done)
        return refuse(why, SCHED_ENOMEM, NULL, "out of memory", 0);
    do {
        before = b.nr_pending;
        err = try_each(&b, change, now, why);
    } while (err && b.nr_pending < before);
    if (err)
        undo(&b, change, now);
    free(b.done);
    return err;
}
