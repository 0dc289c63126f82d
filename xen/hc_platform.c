/* HYPERVISOR_platform_op (xen/platform.h): what dom0's kernel tells and asks about the machine. */
#include "event.h"
#include "hypercall.h"
#include "psr.h"
#include "x86/arch.h"

#define NS_PER_S 1000000000ULL

static int settime(const struct xenpf_settime64 *t)
{
    if (t->mbz || t->nsecs >= NS_PER_S || t->secs > INT64_MAX / NS_PER_S - 1 ||
        t->system_time > INT64_MAX)
        return -XEN_EINVAL;
    wallclock_base = (int64_t)(t->secs * NS_PER_S + t->nsecs - t->system_time);

    struct domain *d;
    for (unsigned id = 0; id < MAX_DOMAINS && (d = domain_get_next((domid_t)id));) {
        wallclock_update(d);
        id = d->id + 1u;
        domain_put(d);
    }
    return 0;
}

static uint32_t acpi_id_of(const struct pcpu *p)
{
    for (unsigned i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpu[i].apic_id == p->apic_id)
            return acpi.cpu[i].uid;
    return ~0u;
}

static void get_cpuinfo(struct xenpf_pcpuinfo *info)
{
    info->max_present = nr_pcpus - 1;
    if (info->xen_cpuid >= nr_pcpus) {
        info->flags = XEN_PCPU_FLAGS_INVALID;
        info->apic_id = info->acpi_id = ~0u;
        return;
    }
    const struct pcpu *p = pcpus[info->xen_cpuid];
    info->flags = p->online ? XEN_PCPU_FLAGS_ONLINE : 0;
    info->apic_id = p->apic_id;
    info->acpi_id = acpi_id_of(p);
}

int64_t hc_platform(struct vcpu *v, struct hc_args *args)
{
    struct xen_platform_op op;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_from_guest(v, &op, args->a[0], sizeof op))
        return -XEN_EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    switch (op.cmd) {
    case XENPF_settime64:
        return settime(&op.u.settime64);
    case XENPF_get_cpuinfo:
        get_cpuinfo(&op.u.pcpu_info);
        return copy_to_guest(v, args->a[0], &op, sizeof op);
    case XENPF_resource_op:
        return platform_resource_op(v, &op.u.resource_op);
    case XENPF_firmware_info: /* nothing of the BIOS's or EFI's is kept */
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
