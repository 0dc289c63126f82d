/* Nodes and domains: affinity, placement, and what is told of them. */
#include "../numa/place.h"
#include "console.h"
#include "hc_sysctl.h"
#include "x86/arch.h"

_Static_assert(MAX_NODES == NUMA_MAX_NODES, "nodes are bits of one word");

unsigned numa_nr_nodes(void)
{
    return MAX(acpi.nr_nodes, 1u);
}

/* ---- the machine -------------------------------------------------------------------------- */

/* Of the pCPUs that it may use those that it prefers, if it prefers any. Under sched_lock. */
static void effective(const struct sched_unit *u, struct mask *pcpus_out)
{
    mask_and(pcpus_out, &u->hard, &u->domain->pool->cpus);
    if (u->has_soft && mask_intersects(pcpus_out, &u->soft))
        mask_and(pcpus_out, pcpus_out, &u->soft);
}

/* The n-th of a set, which is gone through as often as it takes. */
static unsigned nth_node(uint64_t nodes, unsigned n)
{
    uint64_t left = nodes;

    while (n--) {
        left &= left - 1;
        if (!left)
            left = nodes;
    }
    return (unsigned)__builtin_ctzll(left);
}

/* Where they are now says little: who has no home is a load on all nodes alike. Those of a domain
 * that has several are spread over them. */
static void count_vcpus(const struct domain *d, struct numa_nodes *m)
{
    struct mask may;

    spin_lock(&sched_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (!d->vcpus[i])
            continue;
        effective(d->vcpus[i]->unit, &may);
        uint64_t nodes = numa_nodes_of(&may);
        if (nodes && nodes != numa_all(m))
            m->node[nth_node(nodes, i)].vcpus++;
    }
    spin_unlock(&sched_lock);
}

void numa_nodes_read(struct numa_nodes *m, bool with_vcpus)
{
    struct domain *d;

    m->nr = numa_nr_nodes();
    memcpy(m->distance, acpi.distance, sizeof m->distance);
    for (unsigned i = 0; i < m->nr; i++)
        m->node[i] =
            (struct numa_node){.total = frames_node_total(i), .free = frames_free_count(i)};
    for (unsigned i = 0; i < nr_pcpus; i++)
        m->node[pcpus[i]->node].pcpus += pcpus[i]->online;
    for (unsigned id = 0; with_vcpus && id < MAX_DOMAINS && (d = domain_get_next((domid_t)id));
         id = d->id + 1u) {
        count_vcpus(d, m);
        domain_put(d);
    }
}

uint64_t numa_nodes_of(const struct mask *set)
{
    uint64_t nodes = 0;

    for (unsigned i = 0; i < nr_pcpus; i++)
        if (mask_test(set, i))
            nodes |= BIT(pcpus[i]->node);
    return nodes;
}

/* ---- where a domain's memory comes from --------------------------------------------------- */

static unsigned freest(uint64_t nodes)
{
    unsigned best = NODE_ANY;

    numa_for_each(i, nodes) {
        if (best == NODE_ANY || frames_free_count((unsigned)i) > frames_free_count(best))
            best = (unsigned)i;
    }
    return best;
}

/* Once it runs, where it runs: other memory would have to follow it. */
static uint64_t nodes_for(const struct domain *d)
{
    uint64_t home = __atomic_load_n(&d->numa.balance.home, __ATOMIC_RELAXED);

    if (home && rebalance_rate())
        return home;
    return d->numa.affinity ? d->numa.affinity : d->numa.placed;
}

unsigned numa_node_for(const struct domain *d)
{
    uint64_t nodes = nodes_for(d);

    return nodes ? freest(nodes) : d->node;
}

/* ---- placement ---------------------------------------------------------------------------- */

/* Nodes of the pCPUs that its vCPUs may run on. */
static uint64_t allowed_nodes(const struct domain *d)
{
    struct mask may;
    uint64_t nodes = 0;

    spin_lock(&sched_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i]) {
            mask_and(&may, &d->vcpus[i]->unit->hard, &d->sched->pool->cpus);
            nodes |= numa_nodes_of(&may);
        }
    }
    spin_unlock(&sched_lock);
    return nodes;
}

/* Under sched_lock. One who has said what it prefers, prefers that. */
static void prefer(struct sched_unit *u, const struct mask *soft)
{
    struct mask hard = u->hard;

    if (!u->has_soft && sched_set_affinity(u, &hard, soft, now(), NULL))
        printk(LOG_WARN, "domain %u: no home node for vCPU %u", u->domain->id, u->vcpu);
}

static void prefer_nodes(struct domain *d, uint64_t nodes)
{
    struct mask soft;

    mask_clear_all(&soft);
    for (unsigned i = 0; i < nr_pcpus; i++)
        if (nodes & BIT(pcpus[i]->node))
            mask_set(&soft, i);
    spin_lock(&sched_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            prefer(d->vcpus[i]->unit, &soft);
    spin_unlock(&sched_lock);
}

void numa_domain_sized(struct domain *d)
{
    static struct numa_nodes machine; /* too large for the stack */
    struct numa_request r = {.frames = d->max_pages, .vcpus = d->max_vcpus};
    struct numa_placement p;

    if (numa_nr_nodes() == 1 || is_dom0(d) || d->tot_pages || d->numa.affinity || d->numa.placed)
        return;
    numa_nodes_read(&machine, true);
    r.allowed = allowed_nodes(d);
    if (!numa_place(&machine, &r, &p))
        return;
    d->numa.placed = p.nodes;
    d->node = freest(p.nodes);
    if (p.nodes != numa_all(&machine))
        prefer_nodes(d, p.nodes);
}

/* ---- the toolstack's affinity ------------------------------------------------------------- */

int domctl_getnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    uint64_t set = d->numa.affinity ? d->numa.affinity : d->numa.placed;
    struct mask nodes;

    mask_clear_all(&nodes);
    for (unsigned i = 0; i < numa_nr_nodes(); i++)
        if (!set || set & BIT(i))
            mask_set(&nodes, i);
    return bitmap_write(v, &c->u.nodeaffinity.nodemap, &nodes, numa_nr_nodes());
}

/* Memory comes from other nodes when these are full. All nodes are as good as none: we choose. */
int domctl_setnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct mask nodes;

    if (bitmap_read(v, &c->u.nodeaffinity.nodemap, &nodes, numa_nr_nodes()))
        return -XEN_EFAULT;
    if (mask_empty(&nodes))
        return -XEN_EINVAL;
    bool all = mask_count(&nodes) == numa_nr_nodes();
    d->numa.affinity = all ? 0 : nodes.word[0];
    d->node = all ? NODE_ANY : (unsigned)mask_next(&nodes, 0);
    return 0;
}
