#include "watch.h"

#define MS 1000000ULL

union report_page report_page aligned_to(4096);

static uint64_t all_done(const struct report *r)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < MAX_CPUS; i++)
        n += r->done[i];
    return n;
}

static void watch(const struct watch *w, const struct child *c, const struct report *r)
{
    uint64_t start = now(), moved = start, done = 0;

    while (!r->finished && child_shutdown_code(c) < 0) {
        uint64_t time = now(), sum = all_done(r);

        if (sum != done)
            moved = time;
        done = sum;
        if (time > moved + w->patience_ms * MS || (w->life_ms && time > start + w->life_ms * MS))
            break;
        if (w->meanwhile)
            w->meanwhile(c);
        else
            rest(1 * MS);
    }
}

void watch_child(const struct watch *w, uint64_t argument, struct report *last)
{
    struct child c;
    int err = child_create(&c, w->vcpus, argument);

    if (err)
        error("no child can be made: %d", err);
    const struct report *r = child_map(&c, ADDRESS(&report_page), 1);
    err = child_unpause(&c);
    if (err)
        error("d%u cannot be unpaused: %d", c.id, err);
    watch(w, &c, r);
    err = child_destroy(&c);
    if (err)
        failure("d%u cannot be destroyed: %d", c.id, err);
    memcpy(last, r, sizeof *last); /* its page lives as long as it is mapped */
    child_unmap();
}
