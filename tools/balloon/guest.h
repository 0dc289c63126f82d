/*
 * A model of a guest with a balloon, one second a step: a kernel that needs some memory, programs
 * that would use `demand` and take what there is, and a balloon driver. Part of what the programs
 * use may be file cache, which the kernel drops when the balloon asks; the rest it can not give up,
 * and there is no swap. Memory that a program has no use for any more is free at once.
 */
#ifndef BALLOON_GUEST_H
#define BALLOON_GUEST_H

#include "../../numa/balloon_policy.h"

/* KiB. What a guest of 256 MiB with Debian's 6.1 kernel was seen to have. */
#define GUEST_OVERHEAD (50 << 10) /* not in MemTotal */
#define GUEST_KERNEL   (32 << 10) /* in use without any program */
#define GUEST_SLACK    (4 << 10)  /* neither programs nor the balloon take the last of it */

/* KiB in a second. */
#define GUEST_BALLOON_SPEED (256 << 10)
#define GUEST_TOUCH_SPEED   (64 << 10) /* how soon a program fills what it gets */

struct sim_guest {
    unsigned cache;       /* per cent of the demand that is file cache */
    int64_t memory;       /* the domain's, KiB */
    int64_t anon, cached; /* what programs hold */
    int64_t demand;
};

/* A second in which its programs would use `demand`. */
void guest_run(struct sim_guest *g, int64_t demand);
/* A second of its balloon driver; the host has `free` KiB. Returns what memory has changed by. */
int64_t guest_balloon(struct sim_guest *g, int64_t target, int64_t free);
/* What it can not give up. */
int64_t guest_used(const struct sim_guest *g);
struct balloon_report guest_report(const struct sim_guest *g);

#endif
