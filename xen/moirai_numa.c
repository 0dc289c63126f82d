/* moirai_op: where memory is, and how fast it may move. */
#include "hc_moirai.h"

int moirai_node(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct numa_nodes *m = xnew(struct numa_nodes);
    uint32_t node = op->u.node.node;
    int err = -XEN_ENOENT;

    (void)v;
    (void)why;
    if (!m)
        return -XEN_ENOMEM;
    numa_nodes_read(m, true);
    if (node < m->nr) {
        const struct numa_node *n = &m->node[node];
        op->u.node = (struct moirai_node){
            .node = node, .pcpus = n->pcpus, .vcpus = n->vcpus, .total = n->total, .free = n->free};
        err = 0;
    }
    xfree(m);
    return err;
}

static void describe(const struct domain *d, struct moirai_nodes *out)
{
    unsigned first = out->first;

    *out = (struct moirai_nodes){
        .domain = d->id,
        .nr_nodes = numa_nr_nodes(),
        .first = first,
        .affinity = d->numa.affinity ? d->numa.affinity : d->numa.placed,
        .home = d->numa.balance.home,
        .moved = d->numa.moved,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(out->pages) && first + i < MAX_NODES; i++)
        out->pages[i] = d->on_node[first + i];
}

int moirai_nodes(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    struct moirai_nodes *out = &op->u.nodes;

    (void)v;
    (void)why;
    if (out->first >= MAX_NODES)
        return -XEN_EINVAL;
    if (out->domain >= MAX_DOMAINS)
        return -XEN_ENOENT;
    struct domain *d = domain_get_next((domid_t)out->domain);
    if (!d)
        return -XEN_ENOENT;
    describe(d, out);
    domain_put(d);
    return 0;
}

int moirai_get_rebalance(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    (void)v;
    (void)why;
    op->u.rebalance.rate = rebalance_rate();
    return 0;
}

int moirai_set_rebalance(struct vcpu *v, struct moirai_op *op, struct sched_refusal *why)
{
    (void)v;
    if (op->u.rebalance.rate > REBALANCE_RATE_MAX) {
        *why = (struct sched_refusal){.param = "rate",
                                      .why = "rate is more than any machine copies",
                                      .limit = REBALANCE_RATE_MAX};
        return -XEN_EINVAL;
    }
    rebalance_set_rate(op->u.rebalance.rate);
    return 0;
}
