/*
 * A machine in a process: RAM that is an array, pCPUs that take turns, time
 * that passes when somebody looks at the clock, guests without instructions.
 */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include <stdbool.h>

#include "../../xen/hvm.h"

#define RAM_FRAMES 4096 /* 16 MiB ... */
#define BORDER     2560 /* ... of which those from here on are node 1's */
#define NR_PCPUS   8    /* more than vCPUs, so that those which can run do */

struct hw_vcpu {
    struct guest_regs regs;
    struct guest_mode mode;
};

/* ---- machine.c ----------------------------------------------------------------------------- */

/* As main.c does it, up to where dom0 would be built. */
void machine_boot(const char *policy);
void machine_pass_time(sched_time ns);
/* dom0 switched the machine off: does not return. */
_Noreturn void machine_stop(void);
/* What the console's ring got last goes to stderr. */
void machine_show_console(void);

/* ---- snapshot.c ---------------------------------------------------------------------------- */

/* Once: maps the RAM and remembers all variables as the program starts with them. */
void snapshot_init(void);
void snapshot_pristine(void); /* back to that; RAM is as it comes */
void snapshot_take(unsigned slot);
void snapshot_restore(unsigned slot);
/* Memory and AddressSanitizer's shadow of it, without AddressSanitizer looking. */
void plain_copy(void *to, const void *from, size_t n);
void plain_fill(void *to, int c, size_t n);
void *shadow_of(const void *p);

/* ---- with_schedule.c ----------------------------------------------------------------------- */

/* One turn of the pCPU's run loop, without entering a guest. */
void machine_step(struct pcpu *p);
/* Turns of all pCPUs that have reason for one. */
void machine_settle(void);
/* Makes v the one that is served now, waking it if it sleeps; false if it cannot run. */
bool machine_serve(struct vcpu *v);

/* ---- with_frames.c, with_xmalloc.c ---------------------------------------------------------- */

extern unsigned fail_allocation; /* the n-th from now on fails, 0: none */
bool allocation_fails(void);

/* ---- world.c ------------------------------------------------------------------------------- */

#define NR_DOMUS    2
#define DOM0_FIRST  1600 /* frame */
#define DOM0_PAGES  128
#define DOMU_PAGES  64
#define LARGE_PAGE  1024 /* frame and gfn of dom0's 2 MiB page */
#define PAGE_TABLES 4    /* gfn of three pages of a guest's own page tables: 1 GiB 1:1 */
#define GRANT_PAGE  3    /* gfn of the first frame of its grant table */
#define SHARED_PAGE 7    /* gfn of its shared_info */
#define WORDS_PAGE  53   /* gfn of the event words, where there are any */
#define SCRATCH     8    /* gfn: arguments of hypercalls, 8 pages */

#define MAPPED 4500 /* gfn: pages of others */

/* dom0 and the others, running. */
void world_make(void);
/* Of a guest's first pages: dom0's lie higher. */
gfn_t world_gfn(const struct domain *d, unsigned i);
/* Everything is taken apart; panics if something is lost. */
void world_end(void);

#endif
