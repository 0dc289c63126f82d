/*
 * Domains and their memory as balloond sees them from dom0: by the toolstack's hypercalls and
 * xenstore.
 *
 * In xenstore, below /local/domain/ID:
 *   memory/target       what the domain should hold, KiB: written by xl and by us, read by its
 *                       balloon driver
 *   memory/static-max   the most that it was made for
 *   memory/balloond     "auto": the target is ours; "held": an operator has set it (xl mem-set)
 *                       until `moirai balloond --release`
 *   memory/balloond-max an operator's limit (xl mem-max), KiB; 0: none
 *   data/meminfo        the guest's /proc/meminfo, again and again
 *   data/pressure       its /proc/pressure/memory
 */
#ifndef CLI_BALLOON_HOST_H
#define CLI_BALLOON_HOST_H

#include "../balloon/rules.h"
#include "host.h"

struct balloon_host;

struct guest {
    unsigned id;
    char name[NAME_SIZE];
    struct balloon_domain policy;
    int64_t static_max; /* KiB */
    int64_t most;       /* an operator's limit (xl mem-max), KiB; 0: none */
    int64_t told_most;  /* the limit that the hypervisor had last */
    bool seen;          /* in this round */
};

/* NULL after a complaint. */
struct balloon_host *balloon_host_open(const struct rules *rules);
void balloon_host_close(struct balloon_host *h);

/* Waits `ms` for guests' reports, and looks at all domains. False after a complaint. */
bool balloon_host_look(struct balloon_host *h, int64_t ms);

/* Of the last look: domains that have a target, and memory that is nobody's. */
struct guest *balloon_host_guests(struct balloon_host *h, unsigned *nr);
int64_t balloon_host_free(const struct balloon_host *h);
/* ms since some time ago. */
int64_t balloon_host_now(void);

/* Announces the guest's policy.target, unless somebody else has set another one since the look.
 * The hypervisor's limit goes with it, so that no guest takes more than it is promised. */
void balloon_host_tell(struct balloon_host *h, struct guest *g, int64_t before);

/* Takes a domain back from its operator. */
bool balloon_host_release(unsigned id);

#endif
