#include "balloon_need.h"

#include "balloon_fill.h"

#define MARGIN_MIN   (8 << 10) /* KiB */
#define MARGIN_SHARE 16

/* Stalls shorter than this are the noise of any system; above, what is asked for grows with them.
 */
#define PRESSURE_NOTED 10
#define PRESSURE_MAX   250

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t within(int64_t x, int64_t low, int64_t high)
{
    return max(low, min(x, high));
}

int64_t balloon_margin(int64_t used)
{
    return max(MARGIN_MIN, used / MARGIN_SHARE);
}

/*
 * The report is older than the count of memory. Only while neither has changed since the last time
 * do the two belong together.
 */
static void find_overhead(struct balloon_need *n, int64_t memory, int64_t total)
{
    if (!n->known || (n->memory == memory && n->total == total))
        n->overhead = max(memory - total, 0);
    n->memory = memory;
    n->total = total;
}

/* A guest that stalls has too little, whatever its figures are. */
static int64_t for_pressure(int64_t memory, unsigned pressure)
{
    return pressure < PRESSURE_NOTED ? 0 : memory / 1000 * min(pressure, PRESSURE_MAX);
}

/* Beside the usual room: it can grow as much as it just did until the next report is here and has
 * been acted upon. */
static int64_t room_for_growth(const struct balloon_need *n, int64_t used, int64_t room)
{
    return n->known ? max(2 * (used - n->used) - room, 0) : 0;
}

/* The average of what was wanted, or what is now if that is more. */
static int64_t follow(struct balloon_need *n, int64_t wanted, int64_t elapsed, int64_t calm)
{
    elapsed = within(elapsed, 0, calm);
    if (!n->known || wanted >= n->average || calm <= 0)
        n->average = wanted;
    else
        n->average -=
            (n->average - wanted) / calm * elapsed + (n->average - wanted) % calm * elapsed / calm;
    return n->average;
}

void balloon_need_update(struct balloon_need *n, const struct balloon_report *r, int64_t memory,
                         int64_t at, int64_t calm)
{
    int64_t total = within(r->total, 0, BALLOON_MEMORY_MAX);
    int64_t available = within(r->available, 0, total);
    int64_t cache = within(r->cache, 0, available);
    int64_t promised = within(r->promised, 0, BALLOON_MEMORY_MAX);

    find_overhead(n, memory, total);
    int64_t used = n->overhead + total - available, room = 2 * balloon_margin(used);
    int64_t wanted = used + cache + promised + room + for_pressure(memory, r->pressure);
    n->live = used + balloon_margin(used);
    n->want = max(follow(n, wanted, at - n->at, calm), wanted + room_for_growth(n, used, room));
    n->used = used;
    n->at = at;
    n->known = true;
}
