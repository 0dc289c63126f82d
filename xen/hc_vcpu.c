/* vcpu_op: a vCPU's life, its timers, and what it shares with the hypervisor. */
#include "event_private.h"
#include "hvm.h"
#include "hypercall.h"

#define MIN_PERIOD 1000000 /* ns */
#define MAX_PERIOD (INT32_MAX * 1000000LL) /* some weeks; keeps sums far from overflow */

/* `v` asks for `target` of its own domain. */
typedef int64_t vcpu_op(struct vcpu *v, struct vcpu *target, uint64_t arg);

/* ---- timers: they raise VIRQ_TIMER (vcpu.c) ------------------------------------------------- */

static int64_t set_singleshot_timer(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_set_singleshot_timer op;

    if (target != v)
        return -XEN_EINVAL;
    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.timeout_abs_ns > (uint64_t)now()) {
        timer_set(&v->singleshot, (sched_time)MIN(op.timeout_abs_ns, (uint64_t)SCHED_NEVER - 1));
        return 0;
    }
    if (op.flags & VCPU_SSHOTTMR_future)
        return -XEN_ETIME;
    timer_stop(&v->singleshot);
    virq_raise_vcpu(v, VIRQ_TIMER);
    return 0;
}

static int64_t stop_singleshot_timer(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)arg;
    if (target != v)
        return -XEN_EINVAL;
    timer_stop(&v->singleshot);
    return 0;
}

static int64_t set_periodic_timer(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_set_periodic_timer op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.period_ns < MIN_PERIOD || op.period_ns > MAX_PERIOD)
        return -XEN_EINVAL;
    target->period = (sched_time)op.period_ns;
    timer_set(&target->periodic, now() + target->period);
    return 0;
}

static int64_t stop_periodic_timer(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)v;
    (void)arg;
    target->period = 0;
    timer_stop(&target->periodic);
    return 0;
}

/* ---- its life --------------------------------------------------------------------------------- */

static void hw_from_32(struct hvm_hw_cpu *hw, const struct vcpu_hvm_x86_32 *r)
{
    *hw = (struct hvm_hw_cpu){
        .rax = r->eax, .rcx = r->ecx, .rdx = r->edx, .rbx = r->ebx,
        .rsp = r->esp, .rbp = r->ebp, .rsi = r->esi, .rdi = r->edi,
        .rip = r->eip, .rflags = r->eflags,
        .cr0 = r->cr0, .cr3 = r->cr3, .cr4 = r->cr4, .msr_efer = r->efer,
        .cs_base = r->cs_base, .cs_limit = r->cs_limit, .cs_arbytes = r->cs_ar,
        .ds_base = r->ds_base, .ds_limit = r->ds_limit, .ds_arbytes = r->ds_ar,
        .ss_base = r->ss_base, .ss_limit = r->ss_limit, .ss_arbytes = r->ss_ar,
        .es_base = r->es_base, .es_limit = r->es_limit, .es_arbytes = r->es_ar,
        .tr_base = r->tr_base, .tr_limit = r->tr_limit, .tr_arbytes = r->tr_ar,
    };
}

/* Straight into long mode; attributes as in bits 40-47 and 52-55 of a descriptor. */
static void hw_from_64(struct hvm_hw_cpu *hw, const struct vcpu_hvm_x86_64 *r)
{
    enum { CODE_64 = 0xa9b, DATA = 0xc93, TSS_BUSY = 0x8b };

    *hw = (struct hvm_hw_cpu){
        .rax = r->rax, .rcx = r->rcx, .rdx = r->rdx, .rbx = r->rbx,
        .rsp = r->rsp, .rbp = r->rbp, .rsi = r->rsi, .rdi = r->rdi,
        .rip = r->rip, .rflags = r->rflags,
        .cr0 = r->cr0, .cr3 = r->cr3, .cr4 = r->cr4, .msr_efer = r->efer,
        .cs_limit = ~0u, .cs_arbytes = CODE_64,
        .ds_limit = ~0u, .ds_arbytes = DATA,
        .ss_limit = ~0u, .ss_arbytes = DATA,
        .es_limit = ~0u, .es_arbytes = DATA,
        .tr_limit = 0x67, .tr_arbytes = TSS_BUSY,
    };
}

/* Long mode: PE, PG; PAE; LME, LMA (AMD manual vol. 2, 14.6). */
static bool is_long_mode(const struct vcpu_hvm_x86_64 *r)
{
    const uint64_t cr0 = BIT(0) | BIT(31), cr4 = BIT(5), efer = BIT(8) | BIT(10);

    return (r->cr0 & cr0) == cr0 && (r->cr4 & cr4) == cr4 && (r->efer & efer) == efer;
}

static int hw_from_context(struct hvm_hw_cpu *hw, const struct vcpu_hvm_context *context)
{
    if (context->pad)
        return -XEN_EINVAL;
    if (context->mode == VCPU_HVM_MODE_32B)
        hw_from_32(hw, &context->cpu_regs.x86_32);
    else if (context->mode == VCPU_HVM_MODE_64B && is_long_mode(&context->cpu_regs.x86_64))
        hw_from_64(hw, &context->cpu_regs.x86_64);
    else
        return -XEN_EINVAL;
    hw->rflags |= 2; /* always one (vol. 2, 3.1.4) */
    hw->dr6 = 0xffff0ff0; /* as after a reset (14.1.3) */
    hw->dr7 = 0x400;
    return 0;
}

/* A SIPI may come at the same time: one of the two starts it. */
static int claim_start(struct vcpu *target)
{
    struct vlapic *l = &target->lapic;
    int err = 0;

    spin_lock(&l->lock);
    if (target->initialised)
        err = -XEN_EEXIST;
    else if (l->starting || !target->down || target->loaded_on)
        err = -XEN_EBUSY;
    else
        l->starting = true;
    spin_unlock(&l->lock);
    return err;
}

static int64_t initialise(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_hvm_context context;
    struct hvm_hw_cpu hw;

    if (copy_from_guest(v, &context, arg, sizeof context))
        return -XEN_EFAULT;
    int err = hw_from_context(&hw, &context);
    if (!err)
        err = claim_start(target);
    if (err)
        return err;
    err = hvm->set_cpu(target, &hw);
    spin_lock(&target->lapic.lock);
    if (!err) {
        target->initialised = true;
        target->lapic.wait_for_sipi = false;
    }
    target->lapic.starting = false;
    spin_unlock(&target->lapic.lock);
    return err;
}

static int64_t up(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)v;
    (void)arg;
    spin_lock(&target->lapic.lock);
    bool ready = target->initialised && !target->lapic.wait_for_sipi && !target->lapic.starting;
    spin_unlock(&target->lapic.lock);
    if (!ready)
        return -XEN_EINVAL;
    if (target->down)
        vcpu_up(target);
    return 0;
}

static bool all_down(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] && !d->vcpus[i]->down)
            return false;
    }
    return true;
}

static int64_t down(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)arg;
    if (!target->down)
        vcpu_down(target);
    if (all_down(v->domain))
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
    return 0;
}

static int64_t is_up(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)v;
    (void)arg;
    return !target->down;
}

static int64_t send_nmi(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    (void)v;
    (void)arg;
    __atomic_store_n(&target->nmi_pending, true, __ATOMIC_SEQ_CST);
    if (target->blocked)
        vcpu_wake(target);
    else
        vcpu_kick(target);
    return 0;
}

/* ---- what it shares ------------------------------------------------------------------------------ */

static int64_t get_runstate_info(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_runstate_info r = {0};

    runstate_get(target, &r);
    return copy_to_guest(v, arg, &r, sizeof r);
}

/* The caller's address space is the one that tells whether the area is any good. */
static int64_t register_runstate_area(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_register_runstate_memory_area op;
    struct vcpu_runstate_info r = {0};

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    runstate_get(target, &r);
    if (op.addr.p && copy_to_guest(v, op.addr.p, &r, sizeof r))
        return -XEN_EFAULT;
    target->runstate_gva = op.addr.p;
    if (target == v)
        vcpu_runstate_update(v);
    return 0;
}

static int64_t register_info(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_register_vcpu_info op;

    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    return vcpu_register_info(target, op.mfn, op.offset);
}

/* A copy of the clock for user space. It never changes (vcpu_info.c), so it is written once. */
static int64_t register_time_area(struct vcpu *v, struct vcpu *target, uint64_t arg)
{
    struct vcpu_register_time_memory_area op;
    struct vcpu_time_info time = {.version = 2};

    (void)target;
    if (copy_from_guest(v, &op, arg, sizeof op))
        return -XEN_EFAULT;
    vcpu_time_fill(&time);
    return op.addr.p ? copy_to_guest(v, op.addr.p, &time, sizeof time) : 0;
}

static vcpu_op *const ops[] = {
    [VCPUOP_initialise] = initialise,
    [VCPUOP_up] = up,
    [VCPUOP_down] = down,
    [VCPUOP_is_up] = is_up,
    [VCPUOP_get_runstate_info] = get_runstate_info,
    [VCPUOP_register_runstate_memory_area] = register_runstate_area,
    [VCPUOP_set_periodic_timer] = set_periodic_timer,
    [VCPUOP_stop_periodic_timer] = stop_periodic_timer,
    [VCPUOP_set_singleshot_timer] = set_singleshot_timer,
    [VCPUOP_stop_singleshot_timer] = stop_singleshot_timer,
    [VCPUOP_register_vcpu_info] = register_info,
    [VCPUOP_send_nmi] = send_nmi,
    [VCPUOP_register_vcpu_time_memory_area] = register_time_area,
};

int64_t hc_vcpu(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = (uint32_t)args->a[0], id = (uint32_t)args->a[1];
    struct domain *d = v->domain;

    if (id >= d->max_vcpus || !d->vcpus[id])
        return -XEN_ENOENT;
    if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
        return -XEN_ENOSYS;
    return ops[cmd](v, d->vcpus[id], args->a[2]);
}
