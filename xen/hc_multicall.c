/*
 * multicall: an array of hypercalls, each with a result of its own. What is
 * done leaves the array in the arguments, so the rest can come later.
 */
#include "hypercall.h"

#define LONGEST 200000 /* ns with interrupts off: the guest says how many calls there are */

/* One level only: a multicall of multicalls would recurse as deep as the guest likes. */
static int64_t call(struct vcpu *v, uint64_t op, struct hc_args *args)
{
    if (op == __HYPERVISOR_multicall)
        return -XEN_EINVAL;
    return op > UINT32_MAX ? -XEN_ENOSYS : hypercall_dispatch(v, (unsigned)op, args);
}

/* 0 or -errno of the entry itself; HC_RESTART: it is to be called again, as the array says now. */
static int64_t do_entry(struct vcpu *v, uint64_t at)
{
    struct multicall_entry e;
    struct hc_args args;

    if (copy_from_guest(v, &e, at, sizeof e))
        return -XEN_EFAULT;
    memcpy(args.a, e.args, sizeof args.a);
    int64_t result = call(v, e.op, &args);
    if (result == HC_RESTART) {
        uint64_t to = at + offsetof(struct multicall_entry, args);
        return copy_to_guest(v, to, args.a, sizeof args.a) ? -XEN_EFAULT : HC_RESTART;
    }
    e.result = (xen_ulong_t)result;
    at += offsetof(struct multicall_entry, result);
    return copy_to_guest(v, at, &e.result, sizeof e.result) ? -XEN_EFAULT : 0;
}

int64_t hc_multicall(struct vcpu *v, struct hc_args *args)
{
    sched_time start = now();

    args->a[1] = (uint32_t)args->a[1];
    while (args->a[1]) {
        int64_t err = do_entry(v, args->a[0]);
        if (err)
            return err;
        args->a[0] += sizeof(struct multicall_entry);
        args->a[1]--;
        if (args->a[1] && (this_pcpu()->resched || now() - start > LONGEST))
            return HC_RESTART;
    }
    return 0;
}
