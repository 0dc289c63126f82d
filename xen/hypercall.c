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

static void args_of_64(const struct guest_regs *r, struct hc_args *args)
{
    *args = (struct hc_args){{r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}};
}

static void args_of_32(const struct guest_regs *r, struct hc_args *args)
{
    *args = (struct hc_args){{(uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx,
                              (uint32_t)r->rsi, (uint32_t)r->rdi, (uint32_t)r->rbp}};
}

static void args_to_64(struct guest_regs *r, const struct hc_args *args)
{
    r->rdi = args->a[0];
    r->rsi = args->a[1];
    r->rdx = args->a[2];
    r->r10 = args->a[3];
    r->r8 = args->a[4];
    r->r9 = args->a[5];
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

bool hypercall(struct vcpu *v)
{
    struct guest_regs *r = hvm->regs(v);
    unsigned bits = hvm->kernel_bits(v);
    struct hc_args args;

    if (!bits) {
        r->rax = (uint64_t)-XEN_EPERM;
        return true;
    }
    if (bits == 64)
        args_of_64(r, &args);
    else
        args_of_32(r, &args);
    int64_t result = hypercall_dispatch(v, (uint32_t)r->rax, &args);
    if (result != HC_RESTART) {
        r->rax = bits == 64 ? (uint64_t)result : (uint32_t)result;
        return true;
    }
    if (bits == 64)
        args_to_64(r, &args);
    else
        args_to_32(r, &args);
    return false;
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
