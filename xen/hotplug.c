/*
 * sysctl: pCPUs that go offline and come back (xen-hptool cpu-offline, cpu-online).
 *
 * One that is offline is parked: it is in no pool and in none's reach, so no
 * vCPU comes, but it goes on with the run loop. Its timers, calls and interrupts
 * are served as before, and what waits for all pCPUs need not know.
 *
 * A caller whose own vCPU is on the pCPU that goes finishes its call there; the
 * run loop decides before the guest is entered again, as for any other vCPU.
 * Until then the pCPU does not come back: what psr.c and perf.c keep for it
 * would not be the vCPU's.
 */
#include "cpupool.h"
#include "event.h"
#include "hc_sysctl.h"
#include "perf.h"
#include "psr.h"

/* The boot pCPU stays. */
static int go(uint32_t id)
{
    if (!id || id >= nr_pcpus)
        return -XEN_EINVAL;
    int err = cpupool_offline_pcpu(pcpus[id]);
    if (err)
        return err;
    psr_pcpu_offline(pcpus[id]);
    perf_pcpu_offline(pcpus[id]);
    return 0;
}

/* Nobody else makes it online meanwhile. */
static int come_back(uint32_t id)
{
    if (id >= nr_pcpus)
        return -XEN_EINVAL;
    if (pcpus[id]->online)
        return -XEN_EEXIST;
    if (__atomic_load_n(&pcpus[id]->loaded, __ATOMIC_ACQUIRE))
        return HC_RESTART;
    psr_pcpu_online(pcpus[id]);
    perf_pcpu_online(pcpus[id]);
    return cpupool_online_pcpu(pcpus[id]);
}

/* Nothing here knows threads of a core, so those are not switched on and off together. */
static int hotplug(const struct xen_sysctl_cpu_hotplug *op)
{
    switch (op->op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
        return come_back(op->cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
        return go(op->cpu);
    default:
        return -XEN_EOPNOTSUPP;
    }
}

int sysctl_cpu_hotplug(struct vcpu *v, struct xen_sysctl *s)
{
    if (!domctl_begin())
        return HC_RESTART;
    int err = hotplug(&s->u.cpu_hotplug);
    domctl_end();
    if (!err)
        virq_raise(v->domain, VIRQ_PCPU_STATE);
    return err;
}
