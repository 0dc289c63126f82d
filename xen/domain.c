/*
 * Domains: making, finding, stopping and taking them apart.
 *
 * A domain is in the list, and in by_id, from domain_create() to the end of
 * domain_destroy(); its memory and its id stay taken until the last reference
 * is dropped. domains_lock protects the list, by_id and the step from "found"
 * to "referenced".
 */
#include "domain.h"

#include "boot.h"
#include "cpuid.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "perf.h"
#include "psr.h"
#include "x86/arch.h"

#define GRANT_FRAMES_DEFAULT 64
#define MAPTRACK_DEFAULT     1024
#define PAGES_AT_ONCE        1024 /* freed before domain_destroy() lets others run */
#define MAPPINGS_AT_ONCE     1024

struct domain *dom0;
struct list domains = {&domains, &domains};
struct spinlock domains_lock = SPINLOCK_INIT(RANK_DOMAINS);

static struct domain *by_id[MAX_DOMAINS];
static bool id_taken[MAX_DOMAINS];
static domid_t last_id; /* the one given out last */

/* ---- finding ------------------------------------------------------------------------------ */

static struct domain *reference(struct domain *d)
{
    if (d)
        __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d = NULL;
    struct vcpu *v;

    if (id == DOMID_SELF) {
        v = current_vcpu();
        return reference(v ? v->domain : NULL);
    }
    if (id >= MAX_DOMAINS)
        return NULL;
    spin_lock(&domains_lock);
    d = reference(by_id[id]);
    spin_unlock(&domains_lock);
    return d;
}

struct domain *domain_get_next(domid_t at_least)
{
    struct domain *found = NULL;

    spin_lock(&domains_lock);
    for (unsigned id = at_least; id < MAX_DOMAINS && !found; id++)
        found = reference(by_id[id]);
    spin_unlock(&domains_lock);
    return found;
}

/* ---- making --------------------------------------------------------------------------------- */

/* Only guests of PVH's kind: hardware-assisted, with nothing emulated but local APICs, for dom0
 * also the IO-APICs. */
static bool acceptable(const struct xen_domctl_createdomain *c, bool privileged)
{
    const uint32_t must = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    const uint32_t may =
        must | XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;
    const uint32_t devices = XEN_X86_EMU_LAPIC | (privileged ? XEN_X86_EMU_IOAPIC : 0);

    return (c->flags & must) == must && !(c->flags & ~may) && !c->iommu_opts && !c->vmtrace_size &&
           c->max_vcpus && c->max_vcpus <= MAX_VCPUS &&
           XEN_DOMCTL_GRANT_version(c->grant_opts) <= 2 &&
           c->arch.emulation_flags & XEN_X86_EMU_LAPIC && !(c->arch.emulation_flags & ~devices) &&
           !c->arch.misc_flags;
}

/* Ids go round, so that one of a dead domain is not reused soon. Under domains_lock. */
static int take_id(domid_t wanted)
{
    domid_t id = wanted;

    if (wanted == DOMID_INVALID) {
        unsigned tries = 0;

        for (id = last_id; tries < MAX_DOMAINS; tries++) {
            id = (domid_t)(id + 1 < MAX_DOMAINS ? id + 1 : 1);
            if (!id_taken[id])
                break;
        }
        if (tries == MAX_DOMAINS)
            return -XEN_ENOMEM;
        last_id = id;
    } else if (id >= MAX_DOMAINS) {
        return -XEN_EINVAL;
    }
    if (__atomic_exchange_n(&id_taken[id], true, __ATOMIC_ACQUIRE))
        return -XEN_EEXIST;
    return id;
}

static struct domain *alloc_domain(domid_t id, const struct xen_domctl_createdomain *c,
                                   bool privileged)
{
    struct domain *d = xnew(struct domain);

    if (!d)
        return NULL;
    d->id = id;
    list_init(&d->link);
    list_init(&d->pages);
    spin_init(&d->lock, RANK_DOMAIN);
    spin_init(&d->event_lock, RANK_EVENT);
    on_demand_init(d);
    d->refs = 1; /* the list's */
    d->privileged = privileged;
    d->shutdown_code = -1;
    d->pauses = 1;
    memcpy(d->handle, c->handle, sizeof d->handle);
    d->options = c->flags;
    d->ssidref = c->ssidref;
    d->arch_config = c->arch;
    d->max_vcpus = c->max_vcpus;
    d->max_pages = privileged ? UINT64_MAX : 0; /* until the toolstack says */
    d->node = NODE_ANY;
    d->p2m.root = d->shared_mfn = MFN_NONE;
    return d;
}

static int alloc_parts(struct domain *d, const struct xen_domctl_createdomain *c)
{
    unsigned grants =
        c->max_grant_frames < 0 ? GRANT_FRAMES_DEFAULT : (unsigned)c->max_grant_frames;
    unsigned maptrack =
        c->max_maptrack_frames < 0 ? MAPTRACK_DEFAULT : (unsigned)c->max_maptrack_frames;
    int err;

    d->vcpus = xnew_array(struct vcpu *, d->max_vcpus);
    d->shared_mfn = frames_alloc(ORDER_4K, NODE_ANY);
    if (!d->vcpus || d->shared_mfn == MFN_NONE)
        return -XEN_ENOMEM;
    d->shared = mfn_to_va(d->shared_mfn);
    wallclock_update(d);
    err = p2m_init(d);
    if (!err)
        err = events_init(d, c->max_evtchn_port);
    if (!err)
        err = grants_init(d, grants, maptrack);
    if (!err)
        err = schedule_domain_init(d, c->cpupool_id);
    return err;
}

static void fini_tables(struct domain *d)
{
    if (d->events)
        events_fini(d);
    if (d->grants)
        grants_fini(d);
    if (d->p2m.root != MFN_NONE)
        p2m_fini(d);
    on_demand_fini(d);
}

/* Nobody knows it any more. */
static void free_domain(struct domain *d)
{
    domid_t id = d->id;

    for (unsigned i = 0; d->vcpus && i < d->max_vcpus; i++)
        if (d->vcpus[i])
            vcpu_free(d->vcpus[i]);
    if (d->sched)
        schedule_domain_fini(d);
    fini_tables(d);
    cpuid_domain_fini(d);
    if (d->shared_mfn != MFN_NONE)
        frames_free(d->shared_mfn, ORDER_4K);
    xfree(d->e820);
    xfree(d->vcpus);
    xfree(d);
    __atomic_store_n(&id_taken[id], false, __ATOMIC_RELEASE);
}

void domain_put(struct domain *d)
{
    if (!__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL))
        free_domain(d);
}

/* Under domains_lock. */
static void list_domain(struct domain *d)
{
    struct list *after = &domains;

    list_for_each(other, &domains, struct domain, link)
        if (other->id < d->id)
            after = &other->link;
    list_add_head(after, &d->link);
    by_id[d->id] = d;
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
                  struct domain **created)
{
    struct domain *d;
    int err, taken;

    if (!acceptable(config, privileged))
        return -XEN_EINVAL;
    spin_lock(&domains_lock);
    taken = take_id(id);
    spin_unlock(&domains_lock);
    if (taken < 0)
        return taken;
    d = alloc_domain((domid_t)taken, config, privileged);
    if (!d) {
        __atomic_store_n(&id_taken[taken], false, __ATOMIC_RELEASE);
        return -XEN_ENOMEM;
    }
    err = alloc_parts(d, config);
    if (err) {
        free_domain(d);
        return err;
    }
    spin_lock(&domains_lock);
    list_domain(d);
    if (privileged)
        dom0 = d;
    spin_unlock(&domains_lock);
    *created = d;
    return 0;
}

/* ---- pausing -------------------------------------------------------------------------------- */

static void each_vcpu(struct domain *d, void (*f)(struct vcpu *))
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            f(d->vcpus[i]);
}

void domain_pause(struct domain *d)
{
    spin_lock(&d->lock);
    if (!d->pauses++)
        each_vcpu(d, vcpu_pause);
    spin_unlock(&d->lock);
}

/* A dying domain has been stopped for good. */
void domain_unpause(struct domain *d)
{
    spin_lock(&d->lock);
    if (!d->dying && d->pauses && !--d->pauses)
        each_vcpu(d, vcpu_unpause);
    spin_unlock(&d->lock);
}

/* ---- the end -------------------------------------------------------------------------------- */

static _Noreturn void machine_shutdown(int code)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "power off", [SHUTDOWN_reboot] = "reboot",
        [SHUTDOWN_suspend] = "suspend",    [SHUTDOWN_crash] = "crash",
        [SHUTDOWN_watchdog] = "watchdog",  [SHUTDOWN_soft_reset] = "soft reset",
    };
    const char *name = code >= 0 && code < (int)ARRAY_SIZE(names) ? names[code] : "unknown reason";

    printk(LOG_ERR, "dom0 has shut down: %s", name);
    if (code == SHUTDOWN_poweroff)
        machine_power_off();
    if (code != SHUTDOWN_reboot && options.noreboot)
        panic("dom0 is gone, and noreboot is set");
    machine_reboot();
}

void domain_shutdown(struct domain *d, int code)
{
    if (__atomic_exchange_n(&d->shutting_down, true, __ATOMIC_ACQ_REL))
        return;
    if (is_dom0(d))
        machine_shutdown(code);
    if (d->shutdown_code < 0) /* SCHEDOP_shutdown_code has not said it before */
        d->shutdown_code = code;
    each_vcpu(d, vcpu_pause);
    __atomic_store_n(&d->shut_down, true, __ATOMIC_RELEASE);
    if (dom0)
        virq_raise(dom0, VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d, const char *format, ...)
{
    struct vcpu *v = current_vcpu();
    char who[24], why[160];
    va_list args;

    if (d->shutting_down)
        return;
    if (v && v->domain == d)
        snprintf(who, sizeof who, "d%uv%u", d->id, v->id);
    else
        snprintf(who, sizeof who, "d%u", d->id);
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    printk(LOG_ERR, "%s crashed: %s", who, why);
    domain_shutdown(d, SHUTDOWN_crash);
}

/* No vCPU runs, or comes into being, from here on. */
static void stop_for_good(struct domain *d)
{
    spin_lock(&d->lock);
    d->dying = true;
    spin_unlock(&d->lock);
    domain_pause(d);
    each_vcpu(d, vcpu_sync);
    each_vcpu(d, vcpu_stop_timers);
    psr_domain_end(d);
    perf_stop(d);
}

static void bury(struct domain *d)
{
    spin_lock(&domains_lock);
    list_del(&d->link);
    by_id[d->id] = NULL;
    d->dead = true;
    spin_unlock(&domains_lock);
    virq_raise(dom0, VIRQ_DOM_EXC);
    domain_put(d);
}

/* One step of the work. Pages that others have mapped leave the domain's account here and are free
 * when they are unmapped. */
static int destroy_step(struct domain *d)
{
    if (d->dead)
        return 0;
    if (!d->dying) {
        stop_for_good(d);
        return HC_RESTART;
    }
    if (grants_unmap_some(d, MAPPINGS_AT_ONCE))
        return HC_RESTART;
    if (d->p2m.root != MFN_NONE) {
        fini_tables(d);
        return HC_RESTART;
    }
    if (domain_pages_free_some(d, PAGES_AT_ONCE))
        return HC_RESTART;
    bury(d);
    return 0;
}

int domain_destroy(struct domain *d)
{
    int err;

    if (is_dom0(d))
        return -XEN_EINVAL;
    if (__atomic_exchange_n(&d->in_destroy, true, __ATOMIC_ACQUIRE))
        return HC_RESTART; /* another vCPU of the toolstack is at it */
    err = destroy_step(d);
    __atomic_store_n(&d->in_destroy, false, __ATOMIC_RELEASE);
    return err;
}
