/* Policies whose every decision is fixed in advance: null and arinc653. */
#include "trial.h"

#define MOST_WINDOWS 16

/* Hogs with a pCPU have it all the time, the others never run. */
void try_null(struct trial *t)
{
    struct sched_unit *u[HARNESS_MAX_PCPUS + 8];

    t->h = harness_new(t->policy->opt_name, draw_pcpus(t));
    watch(t);
    unsigned n = 1 + draw(t, t->h->nr_pcpus + 8), owners = 0;
    for (unsigned i = 0; i < n; i++)
        u[i] = harness_hog(t->h);
    advance(t, 100 * MS);
    for (unsigned i = 0; i < n; i++) {
        sched_time got = harness_service(t->h, u[i]);
        if (got && got != 100 * MS)
            violated(t, "unit %u ran %lld ns of 100 ms", u[i]->id, (long long)got);
        owners += got != 0;
    }
    if (owners != (n < t->h->nr_pcpus ? n : t->h->nr_pcpus))
        violated(t, "%u of %u units ran on %u pCPUs", owners, n, t->h->nr_pcpus);
}

/* Hogs get all of their windows and nothing else. */
void try_table(struct trial *t)
{
    struct sched_window window[MOST_WINDOWS];
    struct sched_unit *u[MOST_WINDOWS];
    sched_time sum = 0, due[MOST_WINDOWS] = {0};

    t->h = harness_new(t->policy->opt_name, draw_pcpus(t));
    watch(t);
    unsigned n = 1 + draw(t, MOST_WINDOWS), units = 1 + draw(t, n);
    for (unsigned i = 0; i < units; i++)
        u[i] = harness_hog(t->h);
    for (unsigned i = 0; i < n; i++) {
        unsigned k = draw(t, units);
        window[i] = (struct sched_window){u[k]->domain, 0, draw_log(t, 10 * US, 20 * MS)};
        sum += window[i].runtime;
        due[k] += window[i].runtime;
    }
    sched_time frame = sum + draw_log(t, 0, 20 * MS);
    if (sched_set_table(t->h->pool, frame, window, n, t->h->now, NULL))
        violated(t, "a table of %u windows was refused", n);
    advance(t, 10 * frame);
    for (unsigned i = 0; i < units; i++)
        if (harness_service(t->h, u[i]) != 10 * due[i])
            violated(t, "unit %u ran %lld ns, its windows have %lld ns", u[i]->id,
                     (long long)harness_service(t->h, u[i]), (long long)(10 * due[i]));
}
