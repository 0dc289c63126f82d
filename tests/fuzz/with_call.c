/* What one pCPU asks another for, that one does at once. */
#include "machine.h"

#include "../../xen/call.h"

void pcpu_wait(void)
{
    cpu_relax();
}

void pcpu_call(struct pcpu *p, void (*f)(void *arg), void *arg)
{
    struct pcpu *here = machine_pcpu;

    machine_pcpu = p;
    f(arg);
    machine_pcpu = here;
}
