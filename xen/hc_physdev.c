/*
 * HYPERVISOR_physdev_op (xen/physdev.h): dom0 reports the PCI devices that it
 * finds. A PVH dom0 programs interrupts by its IO-APICs and the devices' own
 * registers, so there is nothing else to ask for here.
 */
#include "hc_sysctl.h"
#include "x86/arch.h"

/* Devices of segment 0 by bus and devfn. */
static uint64_t known[65536 / 64];

static void remember(uint8_t bus, uint8_t devfn, bool there)
{
    unsigned at = bus << 8 | devfn;

    if (there)
        __atomic_fetch_or(&known[at / 64], BIT(at % 64), __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&known[at / 64], ~BIT(at % 64), __ATOMIC_RELAXED);
}

bool pci_device_known(const struct physdev_pci_device *d)
{
    unsigned at = d->bus << 8 | d->devfn;
    return !d->seg && known[at / 64] >> (at % 64) & 1;
}

static int device_add(struct vcpu *v, uint64_t at)
{
    struct physdev_pci_device_add d;

    if (copy_from_guest(v, &d, at, sizeof d))
        return -XEN_EFAULT;
    if (d.flags & ~(XEN_PCI_DEV_EXTFN | XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_PXM))
        return -XEN_EINVAL;
    if (!d.seg)
        remember(d.bus, d.devfn, true);
    return 0;
}

static int device_remove(struct vcpu *v, uint64_t at)
{
    struct physdev_pci_device d;

    if (copy_from_guest(v, &d, at, sizeof d))
        return -XEN_EFAULT;
    if (!pci_device_known(&d))
        return -XEN_ENODEV;
    remember(d.bus, d.devfn, false);
    return 0;
}

/* The form without a segment. */
static int manage(struct vcpu *v, uint64_t at, bool there)
{
    struct physdev_manage_pci d;

    if (copy_from_guest(v, &d, at, sizeof d))
        return -XEN_EFAULT;
    remember(d.bus, d.devfn, there);
    return 0;
}

/* dom0 confirms what the MCFG table said, which was believed in the first place. */
static int mmcfg_reserved(struct vcpu *v, uint64_t at)
{
    struct physdev_pci_mmcfg_reserved r;

    if (copy_from_guest(v, &r, at, sizeof r))
        return -XEN_EFAULT;
    if (r.flags & ~XEN_PCI_MMCFG_RESERVED || r.start_bus > r.end_bus)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < acpi.nr_ecam; i++)
        if (acpi.ecam[i].address == r.address && acpi.ecam[i].segment == r.segment)
            return 0;
    return -XEN_ENODEV;
}

int64_t hc_physdev(struct vcpu *v, struct hc_args *args)
{
    if (!v->domain->privileged)
        return -XEN_EPERM;
    switch ((uint32_t)args->a[0]) {
    case PHYSDEVOP_pci_device_add:
        return device_add(v, args->a[1]);
    case PHYSDEVOP_pci_device_remove:
        return device_remove(v, args->a[1]);
    case PHYSDEVOP_manage_pci_add:
        return manage(v, args->a[1], true);
    case PHYSDEVOP_manage_pci_remove:
        return manage(v, args->a[1], false);
    case PHYSDEVOP_pci_mmcfg_reserved:
        return mmcfg_reserved(v, args->a[1]);
    default:
        return -XEN_ENOSYS;
    }
}
