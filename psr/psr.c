/* The machine: pCPUs that come and go, domains and what they have. See psr.h. */
#include "psr.h"

#include "program.h"
#include "rules.h"

void psr_init(struct psr *psr, const struct psr_hw *hw, const struct psr_options *options)
{
    psr->hw = hw;
    psr->options = *options;
    psr->nr_pcpus = 0;
    for (unsigned i = 0; i < PSR_MAX_PCPUS; i++)
        psr->pcpu[i].online = false;
    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++)
        psr->socket[i].known = false;
    psr_rmids_init(&psr->rmids, 0);
}

/* ---- pCPUs ----------------------------------------------------------------------------------- */

/* RMIDs are the same on all sockets, so the one with the fewest counts. */
static void meet_socket(struct psr *psr, struct psr_socket *s, unsigned pcpu)
{
    bool first = true;

    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++)
        first = first && !psr->socket[i].known;
    psr_discover(psr->hw, pcpu, &s->caps);
    psr_caps_limit(&s->caps, &psr->options);
    psr_classes_init(&s->classes, &s->caps, psr->options.max_class);
    s->known = true;
    if (first)
        psr_rmids_init(&psr->rmids, s->caps.monitor.max_rmid);
    else if (psr->rmids.max > s->caps.monitor.max_rmid)
        psr->rmids.max = s->caps.monitor.max_rmid;
}

int psr_online(struct psr *psr, unsigned pcpu, uint32_t apic_id, unsigned socket)
{
    if (pcpu >= PSR_MAX_PCPUS || socket >= PSR_MAX_SOCKETS)
        return -PSR_ERANGE;
    struct psr_socket *s = &psr->socket[socket];
    struct psr_pcpu *p = &psr->pcpu[pcpu];

    if (!s->known)
        meet_socket(psr, s, pcpu);
    *p = (struct psr_pcpu){true, socket, apic_id >> s->caps.l3.shift, apic_id >> s->caps.l2.shift};
    if (psr->nr_pcpus <= pcpu)
        psr->nr_pcpus = pcpu + 1;
    int err = psr_program_pcpu(psr, pcpu);
    if (err)
        p->online = false;
    return err;
}

void psr_offline(struct psr *psr, unsigned pcpu)
{
    if (pcpu < PSR_MAX_PCPUS)
        psr->pcpu[pcpu].online = false;
}

/* ---- what there is --------------------------------------------------------------------------- */

static const struct psr_socket *find_socket(const struct psr *psr, unsigned socket)
{
    return socket < PSR_MAX_SOCKETS && psr->socket[socket].known ? &psr->socket[socket] : 0;
}

const struct psr_caps *psr_caps(const struct psr *psr, unsigned socket)
{
    const struct psr_socket *s = find_socket(psr, socket);

    return s ? &s->caps : 0;
}

unsigned psr_nr_classes(const struct psr *psr, unsigned socket)
{
    const struct psr_socket *s = find_socket(psr, socket);

    return s ? s->classes.nr : 0;
}

bool psr_present(const struct psr *psr)
{
    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++)
        if (psr_nr_classes(psr, i))
            return true;
    return psr->rmids.max;
}

/* ---- what a domain may have ------------------------------------------------------------------ */

static int check_kind(const struct psr_caps *caps, enum psr_kind kind)
{
    if (kind == PSR_L2_MASK)
        return caps->l2.len ? 0 : -PSR_ENOENT;
    if (kind == PSR_BANDWIDTH)
        return caps->bandwidth.max ? 0 : -PSR_ENOENT;
    if (!caps->l3.len)
        return -PSR_ENOENT;
    return kind == PSR_L3_MASK || caps->l3.cdp_on ? 0 : -PSR_ENXIO;
}

static int check_value(const struct psr_caps *caps, enum psr_kind kind, uint64_t *value)
{
    if (kind == PSR_BANDWIDTH)
        return psr_bandwidth_check(&caps->bandwidth, value);
    return psr_mask_check(kind == PSR_L2_MASK ? &caps->l2 : &caps->l3, *value);
}

static void change(uint32_t wanted[PSR_NR_SLOTS], const struct psr_caps *caps, enum psr_kind kind,
                   uint32_t value)
{
    if (kind == PSR_L3_DATA || kind == PSR_L3_MASK)
        wanted[PSR_SLOT_L3] = value;
    if (kind == PSR_L3_CODE || (kind == PSR_L3_MASK && caps->l3.cdp_on))
        wanted[PSR_SLOT_L3_CODE] = value;
    if (kind == PSR_L2_MASK)
        wanted[PSR_SLOT_L2] = value;
    if (kind == PSR_BANDWIDTH)
        wanted[PSR_SLOT_BANDWIDTH] = value;
}

int psr_set(struct psr *psr, struct psr_domain *d, unsigned socket, enum psr_kind kind,
            uint64_t value)
{
    if (!find_socket(psr, socket))
        return -PSR_ERANGE;
    struct psr_socket *s = &psr->socket[socket];
    uint32_t wanted[PSR_NR_SLOTS];
    unsigned own = d->class[socket];
    int err = check_kind(&s->caps, kind);

    if (!err)
        err = check_value(&s->caps, kind, &value);
    if (err)
        return err;
    for (unsigned i = 0; i < PSR_NR_SLOTS; i++)
        wanted[i] = s->classes.class[own].value[i];
    change(wanted, &s->caps, kind, (uint32_t)value);
    int id = psr_classes_choose(&s->classes, own, wanted);
    if (id < 0)
        return id;
    err = psr_program_class(psr, socket, (unsigned)id, wanted);
    if (err)
        return err;
    psr_classes_move(&s->classes, own, (unsigned)id);
    d->class[socket] = (uint8_t)id;
    return 0;
}

int psr_get(const struct psr *psr, const struct psr_domain *d, unsigned socket, enum psr_kind kind,
            uint64_t *value)
{
    static const enum psr_slot slot_of[] = {
        [PSR_L3_MASK] = PSR_SLOT_L3,          [PSR_L3_CODE] = PSR_SLOT_L3_CODE,
        [PSR_L3_DATA] = PSR_SLOT_L3,          [PSR_L2_MASK] = PSR_SLOT_L2,
        [PSR_BANDWIDTH] = PSR_SLOT_BANDWIDTH,
    };
    const struct psr_socket *s = find_socket(psr, socket);

    if (!s)
        return -PSR_ERANGE;
    int err = check_kind(&s->caps, kind);
    if (err)
        return err;
    if (kind == PSR_L3_MASK && s->caps.l3.cdp_on) /* it may be two */
        return -PSR_EINVAL;
    *value = s->classes.class[d->class[socket]].value[slot_of[kind]];
    return 0;
}

/* ---- counting -------------------------------------------------------------------------------- */

/* Clean enough, in bytes: an RMID's even part of the cache. */
static uint64_t clean_below(const struct psr *psr, const struct psr_caps *caps)
{
    return ((uint64_t)caps->l3.kib << 10) / (psr->rmids.max + 1);
}

/* 1: it occupies little of any cache, 0: too much of one. */
static int is_clean(const struct psr *psr, unsigned rmid)
{
    for (unsigned i = 0; i < psr->nr_pcpus; i++) {
        if (!psr_leads_l3(psr, i))
            continue;
        const struct psr_caps *caps = &psr->socket[psr->pcpu[i].socket].caps;
        uint64_t count;
        int err = psr_counter_read(psr->hw, &caps->monitor, i, rmid, PSR_OCCUPANCY, &count);

        if (err == -PSR_EAGAIN) /* nothing was counted there */
            continue;
        if (err)
            return err;
        if (count * caps->monitor.upscaling > clean_below(psr, caps))
            return 0;
    }
    return 1;
}

/* The first that may. It takes a while: each is looked at in all caches. */
static int leave_limbo(struct psr *psr)
{
    for (unsigned rmid = 0; (rmid = psr_rmid_in_limbo(&psr->rmids, rmid));) {
        int clean = is_clean(psr, rmid);

        if (clean > 0)
            psr_rmid_is_clean(&psr->rmids, rmid);
        if (clean)
            return clean < 0 ? clean : 0;
    }
    return 0;
}

int psr_attach(struct psr *psr, struct psr_domain *d)
{
    if (d->rmid)
        return -PSR_EEXIST;
    int rmid = psr_rmid_take(&psr->rmids);
    if (rmid == -PSR_EBUSY) {
        int err = leave_limbo(psr);
        if (err)
            return err;
        rmid = psr_rmid_take(&psr->rmids);
    }
    if (rmid < 0)
        return rmid;
    d->rmid = (uint16_t)rmid;
    return 0;
}

/* Without a count of lines it cannot be known when they are few, and what is counted does not
 * depend on them. */
static bool counts_lines(const struct psr *psr)
{
    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++)
        if (psr->socket[i].known && !(psr->socket[i].caps.monitor.events & 1))
            return false;
    return true;
}

int psr_detach(struct psr *psr, struct psr_domain *d)
{
    if (!d->rmid)
        return -PSR_ENOENT;
    psr_rmid_give(&psr->rmids, d->rmid, counts_lines(psr));
    d->rmid = 0;
    return 0;
}

void psr_release(struct psr *psr, struct psr_domain *d)
{
    for (unsigned i = 0; i < PSR_MAX_SOCKETS; i++) {
        if (d->class[i])
            psr_classes_move(&psr->socket[i].classes, d->class[i], 0);
        d->class[i] = 0;
    }
    if (d->rmid)
        psr_detach(psr, d);
}
