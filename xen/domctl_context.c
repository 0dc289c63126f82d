/*
 * domctl: the state of a guest's processors as a list of records (hvm/save.h),
 * each a descriptor and a body: HEADER, for each vCPU MTRR and, if it has been
 * started, CPU, and END. Records of other kinds are skipped.
 */
#include "hc_sysctl.h"
#include "hvm.h"
#include "x86/arch.h"

/* Most that the tools may hand over: room for every record of each vCPU, also Xen's. */
#define MAX_SIZE(d) (KIB(64) + (d)->max_vcpus * KIB(16))

#define PAT_RESET         0x0007040600070406ULL
#define MSR_MTRR_CAP      0xfe
#define MSR_MTRR_VARIABLE 0x200
#define MSR_MTRR_DEF_TYPE 0x2ff

/* In the order of the record. */
static const uint32_t fixed_msrs[NUM_FIXED_MSR] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                                   0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

/* vCPUs must be where their registers can be read and written. */
static void stop(struct domain *d)
{
    domain_pause(d);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            vcpu_sync(d->vcpus[i]);
}

/* ---- writing ------------------------------------------------------------------------------- */

struct writer {
    uint8_t *to;
    uint32_t used, size;
};

/* A record's body, zeroed, for the caller to fill in. */
static void *append(struct writer *w, unsigned type, unsigned instance, uint32_t length)
{
    struct hvm_save_descriptor *desc = (void *)(w->to + w->used);

    BUG_ON(length + sizeof *desc > w->size - w->used);
    *desc = (struct hvm_save_descriptor){(uint16_t)type, (uint16_t)instance, length};
    w->used += (uint32_t)sizeof *desc + length;
    return desc + 1;
}

static void append_header(struct writer *w)
{
    struct hvm_save_header *h = append(w, HVM_SAVE_CODE(HEADER), 0, HVM_SAVE_LENGTH(HEADER));
    uint32_t leaf[4];

    cpuid(1, 0, leaf);
    *h = (struct hvm_save_header){.magic = HVM_FILE_MAGIC,
                                  .version = HVM_FILE_VERSION,
                                  .cpuid = leaf[0],
                                  .gtsc_khz = (uint32_t)tsc_khz};
}

static uint64_t mtrr(struct domain *d, uint32_t msr)
{
    uint64_t value = 0;
    return mtrr_read(d, msr, &value) ? 0 : value;
}

static void append_mtrr(struct writer *w, struct domain *d, unsigned id)
{
    struct hvm_hw_mtrr *m = append(w, HVM_SAVE_CODE(MTRR), id, HVM_SAVE_LENGTH(MTRR));

    m->msr_pat_cr = PAT_RESET; /* where it differs, the guest's own is in the CPU's state */
    for (unsigned i = 0; i < ARRAY_SIZE(m->msr_mtrr_var); i++)
        m->msr_mtrr_var[i] = mtrr(d, MSR_MTRR_VARIABLE + i);
    for (unsigned i = 0; i < NUM_FIXED_MSR; i++)
        m->msr_mtrr_fixed[i] = mtrr(d, fixed_msrs[i]);
    m->msr_mtrr_cap = mtrr(d, MSR_MTRR_CAP);
    m->msr_mtrr_def_type = mtrr(d, MSR_MTRR_DEF_TYPE);
}

static uint32_t context_size(const struct domain *d)
{
    const uint32_t desc = sizeof(struct hvm_save_descriptor);
    uint32_t size = desc + HVM_SAVE_LENGTH(HEADER) + desc;

    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            size += desc + HVM_SAVE_LENGTH(MTRR) + desc + HVM_SAVE_LENGTH(CPU);
    return size;
}

/* The domain is stopped. */
static void write_context(struct writer *w, struct domain *d)
{
    append_header(w);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];

        if (v && v->initialised && !v->down && hvm->get_cpu)
            hvm->get_cpu(v, append(w, HVM_SAVE_CODE(CPU), i, HVM_SAVE_LENGTH(CPU)));
        if (v)
            append_mtrr(w, d, i);
    }
    append(w, HVM_SAVE_CODE(END), 0, 0);
}

int domctl_gethvmcontext(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_hvmcontext *h = &c->u.hvmcontext;
    struct writer w = {.size = context_size(d)};
    int err = 0;

    if (d == v->domain)
        return -XEN_EINVAL;
    if (handle_null(h->buffer)) {
        h->size = w.size;
        return 0;
    }
    w.to = xmalloc(w.size);
    if (!w.to)
        return -XEN_ENOMEM;
    stop(d);
    write_context(&w, d);
    domain_unpause(d);
    if (h->size < w.used)
        err = -XEN_ENOSPC;
    else if (copy_to_guest(v, (uintptr_t)h->buffer.p, w.to, w.used))
        err = -XEN_EFAULT;
    xfree(w.to);
    h->size = w.used;
    return err;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at;
    uint32_t left;
};

/* The next record; NULL at the end, or where the list is broken. */
static const struct hvm_save_descriptor *next(struct reader *r)
{
    const struct hvm_save_descriptor *desc = (const void *)r->at;

    if (r->left < sizeof *desc || desc->length > r->left - sizeof *desc)
        return NULL;
    r->at += sizeof *desc + desc->length;
    r->left -= (uint32_t)sizeof *desc + desc->length;
    return desc;
}

static bool header_ok(const struct hvm_save_descriptor *desc)
{
    const struct hvm_save_header *h = (const void *)(desc + 1);

    return desc && desc->typecode == HVM_SAVE_CODE(HEADER) &&
           desc->length == HVM_SAVE_LENGTH(HEADER) && h->magic == HVM_FILE_MAGIC &&
           h->version == HVM_FILE_VERSION;
}

static bool record_ok(const struct domain *d, const struct hvm_save_descriptor *desc)
{
    bool cpu = desc->typecode == HVM_SAVE_CODE(CPU);

    if (!cpu && desc->typecode != HVM_SAVE_CODE(MTRR))
        return true;
    return desc->instance < d->max_vcpus && d->vcpus[desc->instance] &&
           desc->length == (cpu ? HVM_SAVE_LENGTH(CPU) : HVM_SAVE_LENGTH(MTRR));
}

/* Before anything is changed: is the list whole, and does each record fit the domain? */
static int check_context(const struct domain *d, struct reader r)
{
    const struct hvm_save_descriptor *desc = next(&r);

    if (!header_ok(desc))
        return -XEN_EINVAL;
    while ((desc = next(&r))) {
        if (desc->typecode == HVM_SAVE_CODE(END))
            return 0;
        if (!record_ok(d, desc))
            return -XEN_EINVAL;
    }
    return -XEN_ENODATA;
}

static int put_mtrr(struct domain *d, const struct hvm_hw_mtrr *m)
{
    int err = mtrr_write(d, MSR_MTRR_DEF_TYPE, m->msr_mtrr_def_type);

    for (unsigned i = 0; !err && i < ARRAY_SIZE(m->msr_mtrr_var); i++)
        err = mtrr_write(d, MSR_MTRR_VARIABLE + i, m->msr_mtrr_var[i]);
    for (unsigned i = 0; !err && i < NUM_FIXED_MSR; i++)
        err = mtrr_write(d, fixed_msrs[i], m->msr_mtrr_fixed[i]);
    return err ? -XEN_EINVAL : 0;
}

static int put_cpu(struct vcpu *v, const struct hvm_hw_cpu *cpu)
{
    int err = hvm->set_cpu(v, cpu);

    if (!err) {
        v->initialised = true;
        vcpu_up(v);
    }
    return err;
}

/* All vCPUs are down afterwards but those that a CPU record has given registers to. The list has
 * been checked, the domain is stopped. */
static int put_context(struct domain *d, struct reader r)
{
    const struct hvm_save_descriptor *desc;
    int err = 0;

    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] && !d->vcpus[i]->down)
            vcpu_down(d->vcpus[i]);
    while (!err && (desc = next(&r)) && desc->typecode != HVM_SAVE_CODE(END)) {
        if (desc->typecode == HVM_SAVE_CODE(CPU))
            err = put_cpu(d->vcpus[desc->instance], (const void *)(desc + 1));
        else if (desc->typecode == HVM_SAVE_CODE(MTRR))
            err = put_mtrr(d, (const void *)(desc + 1));
    }
    return err;
}

int domctl_sethvmcontext(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    const struct xen_domctl_hvmcontext *h = &c->u.hvmcontext;

    if (d == v->domain || d->dying || h->size > MAX_SIZE(d))
        return -XEN_EINVAL;
    uint8_t *buffer = xmalloc(h->size);
    if (!buffer)
        return -XEN_ENOMEM;
    struct reader r = {buffer, h->size};
    int err = copy_from_guest(v, buffer, (uintptr_t)h->buffer.p, h->size);
    if (!err)
        err = check_context(d, r);
    if (!err) {
        stop(d);
        err = put_context(d, r);
        domain_unpause(d);
    }
    xfree(buffer);
    return err;
}
