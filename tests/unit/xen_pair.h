/*
 * For tests of files of xen/ that know pCPUs: a machine of two and three domains of a vCPU, none of
 * which runs. Include it before the files, which are to find these in the place of the processor.
 */
#ifndef TEST_XEN_PAIR_H
#define TEST_XEN_PAIR_H

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__

#include <string.h>

#include "../../xen/x86/arch.h"
static struct pcpu machine[2], *here = machine;
#define this_pcpu() here /* there is no GS base */
#include "../../xen/boot.h"
#include "../../xen/call.h"
#include "../../xen/domain.h"
#include "../../xen/timer.h"
#include "xen_panic.h"

struct pcpu *pcpus[MAX_PCPUS] = {&machine[0], &machine[1]};
unsigned nr_pcpus = 2;
struct options options;

static struct domain dom[3];
static struct vcpu vcpu[3];
static sched_time clock_ns;
static unsigned lock_taken; /* so often */

static inline void pair_start(void)
{
    memset(machine, 0, sizeof machine);
    memset(dom, 0, sizeof dom);
    memset(vcpu, 0, sizeof vcpu);
    for (unsigned i = 0; i < 3; i++)
        vcpu[i].domain = &dom[i];
    machine[1].id = 1;
    here = machine;
    clock_ns = 0;
    lock_taken = 0;
}

sched_time now(void)
{
    return clock_ns;
}

void printk(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void spin_lock(struct spinlock *l)
{
    assert_int_equal(l->next, l->serving);
    l->next++;
    lock_taken++;
}

void spin_unlock(struct spinlock *l)
{
    l->serving++;
}

void pcpu_call(struct pcpu *p, void (*f)(void *arg), void *arg)
{
    struct pcpu *caller = here;

    here = p;
    f(arg);
    here = caller;
}

#endif
