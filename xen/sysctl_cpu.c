/* sysctl: processors, nodes, and what CPUID says. */
#include "cpuid.h"
#include "hc_sysctl.h"
#include "x86/arch.h"

#define MSR_POLICY_ENTRIES 2   /* most that a policy of MSRs may have; ours have none */
#define PCI_BUDGET         256 /* devices in one go */

static unsigned nr_nodes(void)
{
    return MAX(acpi.nr_nodes, 1u);
}

/* ---- topology ------------------------------------------------------------------------------ */

static bool same_core(const struct pcpu *a, const struct pcpu *b)
{
    return a->socket == b->socket && a->core == b->core;
}

/* Threads in the core, and cores in the socket, of the first pCPU: they stand for all. Only what is
 * online: libxl divides by them to know how many sockets there are. */
static void count_topology(struct xen_sysctl_physinfo *info)
{
    unsigned threads = 0, in_socket = 0;

    for (unsigned i = 0; i < nr_pcpus; i++) {
        const struct pcpu *p = pcpus[i];

        threads += p->online && same_core(p, pcpus[0]);
        in_socket += p->online && p->socket == pcpus[0]->socket;
    }
    info->threads_per_core = threads;
    info->cores_per_socket = MAX(in_socket / threads, 1u);
}

/* Feature words in the order that `xl info` has always shown as hw_caps. */
static void hardware_words(uint32_t words[8])
{
    uint32_t basic[4], extended[4], xsave[4], seven[4], power[4];

    cpuid(1, 0, basic);
    cpuid(0x80000001, 0, extended);
    cpuid(0xd, 1, xsave);
    cpuid(7, 0, seven);
    cpuid(0x80000007, 0, power);
    words[0] = basic[3];
    words[1] = basic[2];
    words[2] = extended[3];
    words[3] = extended[2];
    words[4] = xsave[0];
    words[5] = seven[1];
    words[6] = seven[2];
    words[7] = power[3];
}

/* pCPUs that are online, and *end: up to the last of them. */
static unsigned count_online(unsigned *end)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < nr_pcpus; i++) {
        if (pcpus[i]->online) {
            nr++;
            *end = i + 1;
        }
    }
    return nr;
}

int sysctl_physinfo(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_physinfo *info = &s->u.physinfo;
    unsigned end;

    (void)v;
    memset(info, 0, sizeof *info);
    count_topology(info);
    info->nr_cpus = count_online(&end);
    info->max_cpu_id = nr_pcpus - 1;
    info->nr_nodes = nr_nodes();
    info->max_node_id = nr_nodes() - 1;
    info->cpu_khz = (uint32_t)tsc_khz;
    info->capabilities =
        XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info->total_pages = frames_total();
    info->free_pages = frames_free_count(NODE_ANY);
    info->max_mfn = frames_max();
    hardware_words(info->hw_cap);
    return 0;
}

/* One that is offline has a node only, as on Xen. */
int sysctl_cputopoinfo(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_cputopoinfo *info = &s->u.cputopoinfo;
    unsigned end = 0;

    count_online(&end);
    unsigned n = handle_null(info->cputopo) ? 0 : MIN(info->num_cpus, end);
    for (unsigned i = 0; i < n; i++) {
        const struct pcpu *p = pcpus[i];
        struct xen_sysctl_cputopo t = {p->core, p->socket, p->node};
        if (!p->online)
            t.core = t.socket = XEN_INVALID_CORE_ID;
        if (copy_out_at(v, info->cputopo, i, &t))
            return -XEN_EFAULT;
    }
    info->num_cpus = end;
    return 0;
}

static int node_out(struct vcpu *v, const struct xen_sysctl_numainfo *info, unsigned node)
{
    struct xen_sysctl_meminfo mem = {frames_node_total(node) << PAGE_SHIFT, frames_free_count(node)
                                                                                << PAGE_SHIFT};

    if (!handle_null(info->meminfo) && copy_out_at(v, info->meminfo, node, &mem))
        return -XEN_EFAULT;
    if (handle_null(info->distance))
        return 0;
    for (unsigned to = 0; to < nr_nodes(); to++) {
        uint32_t distance = acpi.distance[node][to];
        if (copy_out_at(v, info->distance, (uint64_t)node * nr_nodes() + to, &distance))
            return -XEN_EFAULT;
    }
    return 0;
}

int sysctl_numainfo(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_numainfo *info = &s->u.numainfo;
    unsigned n = MIN(info->num_nodes, nr_nodes());

    if (!handle_null(info->meminfo) || !handle_null(info->distance)) {
        for (unsigned node = 0; node < n; node++) {
            int err = node_out(v, info, node);
            if (err)
                return err;
        }
    }
    info->num_nodes = nr_nodes();
    return 0;
}

/* Which node a device is near is not known, only whether the device is. */
int sysctl_pcitopoinfo(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_pcitopoinfo *info = &s->u.pcitopoinfo;
    unsigned n = MIN(info->num_devs, (unsigned)PCI_BUDGET);

    if (handle_null(info->devs) || handle_null(info->nodes))
        return -XEN_EINVAL;
    for (unsigned i = 0; i < n; i++) {
        struct physdev_pci_device dev;
        if (copy_in_at(v, &dev, info->devs, i))
            return -XEN_EFAULT;
        uint32_t node = pci_device_known(&dev) ? XEN_INVALID_NODE_ID : XEN_INVALID_DEV;
        if (copy_out_at(v, info->nodes, i, &node))
            return -XEN_EFAULT;
    }
    info->num_devs = n;
    return 0;
}

int sysctl_getcpuinfo(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_getcpuinfo *info = &s->u.getcpuinfo;
    unsigned n = MIN(info->max_cpus, nr_pcpus);

    for (unsigned i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo cpu = {pcpus[i]->idle_ns};
        if (copy_out_at(v, info->info, i, &cpu))
            return -XEN_EFAULT;
    }
    info->nr_cpus = n;
    return 0;
}

/* ---- what CPUID says ----------------------------------------------------------------------- */

struct leaf_list {
    struct xen_cpuid_leaf *leaf;
    unsigned nr;
};

static const struct xen_cpuid_leaf *find(const struct leaf_list *l, uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < l->nr; i++)
        if (l->leaf[i].leaf == leaf && l->leaf[i].subleaf == subleaf)
            return &l->leaf[i];
    return NULL;
}

/* Adds the leaf with zeros if it is not there, and there is room. */
static const struct xen_cpuid_leaf *want(struct leaf_list *l, uint32_t leaf, uint32_t subleaf)
{
    const struct xen_cpuid_leaf *there = find(l, leaf, subleaf);

    if (there || l->nr == CPUID_MAX_LEAVES)
        return there ? there : &l->leaf[0];
    l->leaf[l->nr] = (struct xen_cpuid_leaf){.leaf = leaf, .subleaf = subleaf};
    return &l->leaf[l->nr++];
}

static void want_basic(struct leaf_list *l, uint32_t leaf)
{
    uint64_t states;
    uint32_t most;

    switch (leaf) {
    case 0x4:
        want(l, leaf, 0);
        break;
    case 0x7:
        most = want(l, leaf, 0)->a;
        for (uint32_t i = 1; i <= most && i < 4; i++)
            want(l, leaf, i);
        break;
    case 0xb:
        want(l, leaf, 0);
        want(l, leaf, 1);
        break;
    case 0xd:
        states = want(l, leaf, 0)->a; /* components beyond the two that have no subleaf */
        want(l, leaf, 1);
        for (uint32_t i = 2; i < 32; i++)
            if (states >> i & 1)
                want(l, leaf, i);
        break;
    default:
        want(l, leaf, XEN_CPUID_NO_SUBLEAF);
    }
}

static unsigned pad(struct xen_cpuid_leaf *leaves, unsigned nr)
{
    struct leaf_list l = {leaves, nr};
    uint32_t basic = want(&l, 0, XEN_CPUID_NO_SUBLEAF)->a;
    uint32_t extended = want(&l, 0x80000000, XEN_CPUID_NO_SUBLEAF)->a;

    for (uint32_t leaf = 1; leaf <= basic && leaf < 0x40; leaf++)
        want_basic(&l, leaf);
    want(&l, 0x40000000, XEN_CPUID_NO_SUBLEAF);
    want(&l, 0x40000100, XEN_CPUID_NO_SUBLEAF);
    for (uint32_t leaf = 0x80000001; leaf <= extended && leaf < 0x80000040; leaf++)
        want(&l, leaf, XEN_CPUID_NO_SUBLEAF);
    return l.nr;
}

int policy_leaves_out(struct vcpu *v, uint64_t to, uint32_t *room, struct xen_cpuid_leaf *leaves,
                      unsigned nr)
{
    unsigned n = pad(leaves, MIN(nr, CPUID_MAX_LEAVES));
    bool fits = n <= *room;

    *room = n;
    if (!fits)
        return -XEN_ENOBUFS;
    return copy_to_guest(v, to, leaves, n * sizeof *leaves) ? -XEN_EFAULT : 0;
}

static int policy_supported(uint32_t index)
{
    if (index > XEN_SYSCTL_cpu_policy_hvm_default)
        return -XEN_EINVAL;
    if (index == XEN_SYSCTL_cpu_policy_pv_max || index == XEN_SYSCTL_cpu_policy_pv_default)
        return -XEN_EOPNOTSUPP;
    return 0;
}

static int leaves_out(struct vcpu *v, struct xen_sysctl_cpu_policy *p)
{
    struct xen_cpuid_leaf *leaves = xnew_array(struct xen_cpuid_leaf, CPUID_MAX_LEAVES);

    if (!leaves)
        return -XEN_ENOMEM;
    unsigned n = cpuid_policy_leaves(p->index, leaves, CPUID_MAX_LEAVES);
    int err = policy_leaves_out(v, (uintptr_t)p->leaves.p, &p->nr_leaves, leaves, n);
    xfree(leaves);
    return err;
}

int sysctl_get_cpu_policy(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_cpu_policy *p = &s->u.cpu_policy;
    bool count = handle_null(p->leaves) && handle_null(p->msrs);
    int err = p->_rsvd ? -XEN_EINVAL : policy_supported(p->index);

    if (err)
        return err;
    if (count) {
        p->nr_leaves = CPUID_MAX_LEAVES;
        p->nr_msrs = MSR_POLICY_ENTRIES;
        return 0;
    }
    p->nr_msrs = 0;
    if (handle_null(p->leaves)) {
        p->nr_leaves = CPUID_MAX_LEAVES;
        return 0;
    }
    return leaves_out(v, p);
}

/* The policy that a set of features is numbered for, or -errno. */
static int policy_of_featureset(uint32_t index)
{
    switch (index) {
    case XEN_SYSCTL_cpu_featureset_raw:
        return XEN_SYSCTL_cpu_policy_raw;
    case XEN_SYSCTL_cpu_featureset_host:
        return XEN_SYSCTL_cpu_policy_host;
    case XEN_SYSCTL_cpu_featureset_hvm:
        return XEN_SYSCTL_cpu_policy_hvm_default;
    case XEN_SYSCTL_cpu_featureset_hvm_max:
        return XEN_SYSCTL_cpu_policy_hvm_max;
    case XEN_SYSCTL_cpu_featureset_pv:
    case XEN_SYSCTL_cpu_featureset_pv_max:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_EINVAL;
    }
}

int sysctl_get_cpu_featureset(struct vcpu *v, struct xen_sysctl *s)
{
    struct xen_sysctl_cpu_featureset *f = &s->u.cpu_featureset;
    uint32_t words[CPUID_FEATURESET_WORDS];
    int policy = policy_of_featureset(f->index);

    if (policy < 0)
        return policy;
    if (!handle_null(f->features)) {
        if (f->nr_features < CPUID_FEATURESET_WORDS)
            return -XEN_ENOBUFS;
        cpuid_featureset((unsigned)policy, words);
        if (copy_to_guest(v, (uintptr_t)f->features.p, words, sizeof words))
            return -XEN_EFAULT;
    }
    f->nr_features = CPUID_FEATURESET_WORDS;
    return 0;
}
