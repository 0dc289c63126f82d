/* HYPERVISOR_xen_version (xen/version.h): what a guest or a tool may know of the hypervisor. */
#include "boot.h"
#include "hypercall.h"

#define MAJOR 4
#define MINOR 17

static int copy_text(struct vcpu *v, uint64_t to, const char *text, size_t size)
{
    char buffer[1024] = {0};

    strcopy(buffer, text, MIN(size, sizeof buffer));
    return copy_to_guest(v, to, buffer, size);
}

static int compile_info(struct vcpu *v, uint64_t to)
{
    struct xen_compile_info info = {.compile_by = "moirai"};

    strcopy(info.compiler, "gcc " __VERSION__, sizeof info.compiler);
    strcopy(info.compile_date, __DATE__, sizeof info.compile_date);
    return copy_to_guest(v, to, &info, sizeof info);
}

static int get_features(struct vcpu *v, uint64_t at)
{
    const uint32_t common = 1u << XENFEAT_writable_page_tables |
                            1u << XENFEAT_auto_translated_physmap |
                            1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock |
                            1u << XENFEAT_memory_op_vnode_supported;
    struct xen_feature_info info;

    if (copy_from_guest(v, &info, at, sizeof info))
        return -XEN_EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -XEN_EINVAL;
    /* dom0's own memory is mapped 1:1, for its devices. */
    info.submap = common | (is_dom0(v->domain) ? 1u << XENFEAT_dom0 | 1u << XENFEAT_direct_mapped
                                               : 1u << XENFEAT_not_direct_mapped);
    return copy_to_guest(v, at, &info, sizeof info);
}

static int platform_parameters(struct vcpu *v, uint64_t to)
{
    struct xen_platform_parameters p = {.virt_start = 0xffff800000000000};
    return copy_to_guest(v, to, &p, sizeof p);
}

int64_t hc_version(struct vcpu *v, struct hc_args *args)
{
    uint64_t at = args->a[1];

    switch ((uint32_t)args->a[0]) {
    case XENVER_version:
        return MAJOR << 16 | MINOR;
    case XENVER_extraversion:
        return copy_text(v, at, ".7-moirai", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(v, at);
    case XENVER_capabilities:
        return copy_text(v, at, "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64",
                         sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return copy_text(v, at, "moirai", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return platform_parameters(v, at);
    case XENVER_get_features:
        return get_features(v, at);
    case XENVER_pagesize:
        return at ? -XEN_EINVAL : (int64_t)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(v, at, v->domain->handle, sizeof v->domain->handle);
    case XENVER_commandline:
        return copy_text(v, at, v->domain->privileged ? options.cmdline : "<denied>",
                         sizeof(xen_commandline_t));
    case XENVER_build_id:
        return v->domain->privileged ? -XEN_ENODATA : -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}
