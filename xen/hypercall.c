/*
 * From a guest's VMMCALL to the function of its hypercall and back.
 *
 * 64-bit guests: number in RAX, arguments in RDI RSI RDX R10 R8 R9. 32-bit
 * guests: EAX, and EBX ECX EDX ESI EDI EBP. The result goes to RAX.
 */
#include "hypercall.h"

#include "hvm.h"

typedef int64_t hypercall_fn(struct vcpu *v, struct hc_args *args);

static hypercall_fn *const table[] = {
    [__HYPERVISOR_platform_op] = hc_platform,
    [__HYPERVISOR_memory_op] = hc_memory,
    [__HYPERVISOR_multicall] = hc_multicall,
    [__HYPERVISOR_xen_version] = hc_version,
    [__HYPERVISOR_console_io] = hc_console,
    [__HYPERVISOR_grant_table_op] = hc_grant,
    [__HYPERVISOR_vm_assist] = hc_vm_assist,
    [__HYPERVISOR_vcpu_op] = hc_vcpu,
    [__HYPERVISOR_sched_op] = hc_sched,
    [__HYPERVISOR_event_channel_op] = hc_event,
    [__HYPERVISOR_physdev_op] = hc_physdev,
    [__HYPERVISOR_hvm_op] = hc_hvm,
    [__HYPERVISOR_sysctl] = hc_sysctl,
    [__HYPERVISOR_domctl] = hc_domctl,
    [__HYPERVISOR_arch_1] = hc_moirai,
};

int64_t hypercall_dispatch(struct vcpu *v, unsigned op, struct hc_args *args)
{
    if (op >= ARRAY_SIZE(table) || !table[op])
        return -XEN_ENOSYS;
    return table[op](v, args);
}

static struct hc_args args_of_32(const struct guest_regs *r)
{
    return (struct hc_args){{(uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx,
                             (uint32_t)r->rsi, (uint32_t)r->rdi, (uint32_t)r->rbp}};
}

static void args_to_32(struct guest_regs *r, const struct hc_args *args)
{
    r->rbx = (uint32_t)args->a[0];
    r->rcx = (uint32_t)args->a[1];
    r->rdx = (uint32_t)args->a[2];
    r->rsi = (uint32_t)args->a[3];
    r->rdi = (uint32_t)args->a[4];
    r->rbp = (uint32_t)args->a[5];
}

static bool hypercall_32(struct vcpu *v, struct guest_regs *r)
{
    struct hc_args args = args_of_32(r);
    int64_t result = hypercall_dispatch(v, (uint32_t)r->rax, &args);

    if (result == HC_RESTART) {
        args_to_32(r, &args);
        return false;
    }
    r->rax = (uint32_t)result;
    return true;
}

/* The arguments' own registers serve: by the ABI a hypercall may change them. */
static bool hypercall_64(struct vcpu *v, struct guest_regs *r)
{
    int64_t result = hypercall_dispatch(v, (uint32_t)r->rax, &r->args);

    if (result == HC_RESTART)
        return false;
    r->rax = (uint64_t)result;
    return true;
}

bool hypercall(struct vcpu *v, struct guest_regs *r, unsigned bits)
{
    if (bits == 64)
        return hypercall_64(v, r);
    if (bits == 32)
        return hypercall_32(v, r);
    r->rax = (uint64_t)-XEN_EPERM;
    return true;
}

struct domain *domain_for(struct vcpu *v, domid_t id, int *err)
{
    struct domain *d = NULL;

    *err = 0;
    if (id == DOMID_SELF)
        id = v->domain->id;
    if (id != v->domain->id && !v->domain->privileged)
        *err = -XEN_EPERM;
    else if (!(d = domain_get(id)))
        *err = -XEN_ESRCH;
    return d;
}
