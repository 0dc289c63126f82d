/*
 * What the hypervisor writes into memory that a guest reads without asking:
 * vcpu_info with the clock, shared_info's wall clock, the runstate area.
 */
#include "event_private.h"

#define NS_PER_S 1000000000LL

/* ---- the clock: pvclock of xen.h, struct vcpu_time_info ---------------------------------------- */

/* now() is one straight line over the TSC, the same on all pCPUs, so guests get its beginning and its
 * slope: what they compute is what we do, and no two readings anywhere contradict each other. */
void vcpu_time_fill(struct vcpu_time_info *time)
{
    time->tsc_timestamp = tsc_base;
    time->system_time = 0;
    time->tsc_to_system_mul = tsc_mul;
    time->tsc_shift = tsc_shift;
    time->flags = 0;
}

/* Odd while what it stands for changes; the compiler and x86 keep the order of stores. */
static void version_begin(uint32_t *version)
{
    __atomic_store_n(version, *version | 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void version_end(uint32_t *version)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(version, (*version | 1) + 1, __ATOMIC_RELAXED);
}

void vcpu_time_update(struct vcpu *v)
{
    struct vcpu_time_info *time = v->info ? &v->info->time : NULL;

    if (!time || (time->tsc_timestamp == tsc_base && time->version && !(time->version & 1)))
        return; /* it has it already */
    version_begin(&time->version);
    vcpu_time_fill(time);
    version_end(&time->version);
}

void wallclock_update(struct domain *d)
{
    struct shared_info *s = d->shared;
    int64_t ns = wallclock_base % NS_PER_S, sec = wallclock_base / NS_PER_S;

    if (ns < 0) {
        ns += NS_PER_S;
        sec--;
    }
    /* The offset is whatever the toolstack said. */
    if (__builtin_add_overflow(sec, d->time_offset, &sec) || sec < 0)
        sec = ns = 0;
    version_begin(&s->wc_version);
    s->wc_sec = (uint32_t)sec;
    s->wc_sec_hi = (uint32_t)(sec >> 32);
    s->wc_nsec = (uint32_t)ns;
    version_end(&s->wc_version);
}

/* ---- where vcpu_info lies ---------------------------------------------------------------------- */

/* With d->lock: two vCPUs may want to move the same. */
static int move_info(struct vcpu *v, mfn_t mfn, unsigned offset)
{
    struct vcpu_info *to = (void *)((char *)mfn_to_va(mfn) + offset);

    if (v->info_mfn != MFN_NONE)
        return -XEN_EINVAL;
    if (v->info)
        memcpy(to, v->info, sizeof *to);
    v->info_mfn = mfn;
    /* Who raises an event reads the pointer after the event is pending; one that still writes to the
     * old place is made up for by events_info_moved(). */
    __atomic_store_n(&v->info, to, __ATOMIC_SEQ_CST);
    vcpu_time_update(v);
    events_info_moved(v);
    return 0;
}

int vcpu_register_info(struct vcpu *v, gfn_t gfn, unsigned offset)
{
    struct domain *d = v->domain;

    if (offset % 8 || offset > PAGE_SIZE - sizeof(struct vcpu_info))
        return -XEN_EINVAL;
    /* It may be written to by its vCPU as long as that runs. */
    if (v != current_vcpu() && !v->down)
        return -XEN_EINVAL;
    mfn_t mfn;
    if (!p2m_get_ram(d, gfn, &mfn))
        return -XEN_EINVAL;
    spin_lock(&d->lock);
    int err = move_info(v, mfn, offset);
    spin_unlock(&d->lock);
    if (err)
        page_put(mfn);
    return err;
}

void vcpu_info_release(struct vcpu *v)
{
    struct domain *d = v->domain;
    mfn_t mfn = v->info_mfn;

    if (mfn == MFN_NONE)
        return;
    v->info = v->id < XEN_LEGACY_MAX_VCPUS && d->shared ? &d->shared->vcpu_info[v->id] : NULL;
    v->info_mfn = MFN_NONE;
    page_put(mfn);
}

/* ---- the runstate area --------------------------------------------------------------------------- */

/* Where to write: at a guest-physical address when the area is on one page, so that its translation
 * is looked up once; else at its guest-virtual address. */
struct area {
    struct vcpu *v;
    uint64_t va;
    paddr_t gpa;
    bool one_page;
};

static int area_write(const struct area *a, size_t offset, const void *from, size_t n)
{
    if (a->one_page)
        return copy_to_gpa(a->v->domain, a->gpa + offset, from, n);
    return copy_to_guest(a->v, a->va + offset, from, n);
}

/* Its reader tries again when the flag is set, or the time of entry is not the same afterwards. */
static int write_flagged(const struct area *a, struct vcpu_runstate_info *r)
{
    size_t at = offsetof(struct vcpu_runstate_info, state_entry_time);
    uint64_t entered = r->state_entry_time;

    r->state_entry_time |= XEN_RUNSTATE_UPDATE;
    int err = area_write(a, at, &r->state_entry_time, sizeof entered);
    if (!err)
        err = area_write(a, 0, r, sizeof *r);
    return err ? err : area_write(a, at, &entered, sizeof entered);
}

void vcpu_runstate_update(struct vcpu *v)
{
    struct vcpu_runstate_info r;
    struct area a = {.v = v, .va = v->runstate_gva};

    if (!a.va)
        return;
    spin_lock(&sched_lock);
    r = v->runstate;
    spin_unlock(&sched_lock);
    a.one_page = a.va % PAGE_SIZE <= PAGE_SIZE - sizeof r;
    if (a.one_page && guest_translate(v, a.va, true, &a.gpa))
        return;
    /* An area that is not there now, in another address space say, is left alone until it is. */
    int err = v->domain->runstate_flag ? write_flagged(&a, &r) : area_write(&a, 0, &r, sizeof r);
    (void)err;
}
