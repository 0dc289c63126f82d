/*
 * What a guest needs, from what it says of itself.
 *
 * A guest reports figures of its /proc/meminfo, and how long its tasks stall for memory. Two
 * figures come of them, both of the domain's memory as the hypervisor counts it:
 *
 *   live  what the guest can not do without: it has no place to put this but memory
 *   want  what it would make use of: that, the file cache in use, what its programs have asked for
 *         but have not got yet (Committed_AS; Magenheimer's self-ballooning, Xen Summit 2008), and
 *         room to grow into before anybody has noticed
 *
 * `want` follows a rise at once and a fall slowly, so that a short lull costs nothing: the larger
 * of what is now and a moving average (Waldspurger, OSDI 2002, section 5.3). `live` is as reported.
 *
 * Bad at: programs that ask for much more than they touch look needy; a guest that lies is
 * believed, as far as its ceiling.
 */
#ifndef BALLOON_NEED_H
#define BALLOON_NEED_H

#include <stdbool.h>
#include <stdint.h>

struct balloon_report { /* KiB, as in /proc/meminfo */
    int64_t total;      /* MemTotal */
    int64_t available;  /* MemAvailable */
    int64_t cache;      /* Active(file): reclaimable, but in use */
    int64_t promised;   /* Committed_AS without AnonPages and Shmem, at least 0 */
    unsigned pressure;  /* thousandths of time that some task stalled (PSI some avg10), 0 to 1000 */
};

struct balloon_need {
    int64_t live, want; /* KiB */

    bool known; /* there has been a report */
    int64_t at; /* when the last one was taken, and what was then: */
    int64_t memory, total, used;
    int64_t overhead; /* what the domain holds and its kernel does not count as MemTotal */
    int64_t average;  /* of what was wanted */
};

/* Room left above what is in use: 1/16 of it, at least 8 MiB. */
int64_t balloon_margin(int64_t used);

/*
 * Takes a new report, made at `at` (ms), of a domain that holds `memory` KiB. The average follows a
 * fall within about `calm` ms. A report that can not be true is corrected.
 */
void balloon_need_update(struct balloon_need *n, const struct balloon_report *r, int64_t memory,
                         int64_t at, int64_t calm);

#endif
