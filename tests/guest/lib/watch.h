/*
 * A child that may do anything to itself, and dom0 that keeps an eye on it: the
 * child writes down what it is about to do in `report`, a page of its own that
 * dom0 maps. A child that is dead, or stands still, is replaced by a new one that
 * goes on behind that point.
 */
#ifndef WATCH_H
#define WATCH_H

#include "builder/builder.h"

struct report {
    volatile uint64_t done[MAX_CPUS]; /* by each vCPU */
    volatile bool finished;
};
/* A page of its own: the same address in dom0, where it is not used, and in the child. */
extern union report_page {
    struct report report;
    char page[PAGE_SIZE];
} report_page;

struct watch {
    unsigned vcpus;
    unsigned patience_ms; /* without progress */
    unsigned life_ms;     /* a child that lives longer is replaced too; 0: no limit */
    void (*meanwhile)(const struct child *c); /* dom0 may do something at each look; or NULL */
};

/* One life: builds a child with this argument, watches it, takes it apart; the report is copied
 * out. */
void watch_child(const struct watch *w, uint64_t argument, struct report *last);

#endif
