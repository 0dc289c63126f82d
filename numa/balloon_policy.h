/*
 * Which domain should hold how much memory: the policy behind `moirai balloond`, and behind its
 * simulation. The caller observes the host, calls balloon_step every second or so, and tells the
 * guests' balloon drivers what came out.
 *
 * Design. Each domain has a guarantee, a ceiling and a weight from its operator, and a need from
 * its guest's reports (balloon_need.h). One division (balloon_fill.h) says what each should hold:
 * at least its guarantee and what it needs to live, at most what it wants or already has, by
 * weight, with idle memory taxed. From there targets are derived that are safe to announce:
 *
 *   - who shall have less is told at once, but to give up at most half of what it can spare, and
 *     once for each report: by the time it obeys, its guest may need more than it has reported;
 *   - who shall have more is promised only memory that is free now: a target is a promise, which a
 *     guest may redeem at any time. First those below their guarantee or what they need to live.
 *
 * Nobody is asked for memory that nobody needs, and small changes are not worth the trouble.
 *
 * Invariants. After a step, with `memory` what a domain holds and `free` what the host has free:
 *   1. promises (targets above what is held) of all that are not held by an operator add up to at
 *      most free - reserve, less what is promised to those that are;
 *   2. no target is lowered below the guarantee, nor below what the guest needs to live;
 *   3. no target is above the ceiling, whatever the guest needs;
 *   4. a domain that an operator has set (held) keeps its target; one whose guest does not report
 *      (silent) too, between guarantee and ceiling.
 *
 * A domain that does not follow its target for `patience` is stuck, which is noticed. Nobody counts
 * on what it should give up, though it stays asked for; what it does not take is promised to others,
 * and only after six times `patience` is it offered more again.
 *
 * Bad at: a guest that fills its memory with what can not be dropped keeps it, even beyond its
 * share by weight, until it lets go (nobody is pushed into its own out-of-memory killer);
 * guarantees bound the harm and ceilings prevent it. A guest that grows by more than its room
 * between two reports has to wait for others to give up memory, or swap. Domains created below
 * their guarantee reach it only as fast as others have memory to spare.
 *
 * Sources: the tax and the averages of Waldspurger, "Memory Resource Management in VMware ESX
 * Server", OSDI 2002; min and max there are guarantee and ceiling here. His tax is 75 % of what was
 * not touched lately; what counts as idle here has already been left alone for a while and is not
 * file cache in use, so the default is 95 % (experiments/ballooning compares).
 *
 * Memory is in KiB, time in ms.
 */
#ifndef BALLOON_POLICY_H
#define BALLOON_POLICY_H

#include "balloon_fill.h"
#include "balloon_need.h"

struct balloon_params {
    unsigned tax;     /* thousandths, 0 to 999 */
    unsigned quiet;   /* changes below so many thousandths of a target are not made, 0 to 500 */
    int64_t reserve;  /* of the host, never promised */
    int64_t calm;     /* how slowly a want fades */
    int64_t patience; /* how long a domain may take to begin to follow */
    int64_t stale;    /* a guest that has not reported for so long is silent */
};

extern const struct balloon_params balloon_defaults;

enum balloon_state {
    BALLOON_MANAGED,
    BALLOON_HELD,   /* its operator has set it */
    BALLOON_SILENT, /* it does not report */
};

enum balloon_following {
    BALLOON_FOLLOWS,
    BALLOON_KEEPS,  /* stuck: it does not give up what it should */
    BALLOON_LEAVES, /* stuck: it does not take what it may */
};

/* Why the target is what it is now. */
enum balloon_why {
    BALLOON_KEPT,      /* no change */
    BALLOON_GUARANTEE, /* more: it has less than is guaranteed */
    BALLOON_LIVE,      /* more: it has less than it needs to live */
    BALLOON_WANTED,    /* more: it would use it */
    BALLOON_IDLE,      /* less: others can use what it does not */
    BALLOON_SHARE,     /* less: others are entitled to it by their weights or guarantees */
    BALLOON_CEILING,   /* less: it may not have that much */
    BALLOON_WITHDRAWN, /* less: a promise that can not be kept any more, or is not redeemed */
};

struct balloon_domain {
    /* What its operator says. */
    int64_t guarantee, ceiling; /* guarantee <= ceiling */
    uint32_t weight;            /* 1 to BALLOON_WEIGHT_MAX */
    bool held;                  /* its target is the operator's */

    /* What is seen, before each step. */
    int64_t memory; /* that it holds */
    struct balloon_report report;
    int64_t reported; /* when */

    /* What it has been told: the caller's, or an operator's, before a step; the policy's after. */
    int64_t target;

    /* What the last step says besides. */
    enum balloon_state state;
    enum balloon_following following;
    enum balloon_why why;
    int64_t share; /* what it should hold in the end */
    struct balloon_need need;

    /* The policy's own; 0 at first. */
    bool seen;           /* a step has been made with it */
    bool fresh;          /* a report has come that no shrink is based on yet */
    int64_t way;         /* left to the target when last seen or told: negative is to give up */
    int64_t since;       /* when it was last at its target, nearer to it, or sent elsewhere */
    int64_t stuck_until; /* if it leaves what it may take */
};

struct balloon_result {
    int64_t promised; /* targets above what is held, in all */
    int64_t lacking;  /* what guarantees and lives exceed the memory by, or 0 */
};

/*
 * One step at `now` for a host that has `free` KiB (negative: more is promised elsewhere than is
 * there). `claims` is room for nr. Changes what is the policy's of each domain.
 */
struct balloon_result balloon_step(const struct balloon_params *p, struct balloon_domain *domains,
                                   struct balloon_claim *claims, unsigned nr, int64_t free,
                                   int64_t now);

#endif
