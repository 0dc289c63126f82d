/*
 * Placement of a new domain.
 *
 * Candidates: for each allowed node the sets that grow from it, always by the
 * node that is nearest to those in it (the one with more free memory, if two
 * are). A set counts as soon as the domain's memory fits into what is free
 * there and no vCPU has to share a pCPU with a sibling, or cannot help it
 * anywhere. Of the candidates is taken, in this order,
 *
 *   the one with fewest nodes,
 *   with the least distance between any two of them,
 *   with the least load: vCPUs at home there for each pCPU, and the part of the
 *   memory that is in use, both as if the domain were there already. One more
 *   vCPU on every pCPU weighs as much as all memory does,
 *   with the most free memory,
 *   with the lowest numbers.
 *
 * Memory and vCPUs are then spread over its nodes: vCPUs in proportion to
 * pCPUs, memory in proportion to vCPUs as far as it is free.
 *
 * It promises: one node, if there is one on which the domain fits; nothing that
 * does not fit; the same answer to the same question.
 *
 * Known to be bad at: sets of several nodes are grown greedily, so on machines
 * whose distances are far from those in a plane a nearer set may exist. Domains
 * that are there already are never moved to make room (rebalance.h moves them
 * for another reason), so the order in which domains come matters. A vCPU
 * counts the same whether it sleeps or not.
 *
 * The order of criteria follows that of Xen's toolstack: "Automatic NUMA
 * placement", xl-numa-placement(7): fewest nodes, then load and free memory.
 */
#include "place.h"

#define UNIT 1024 /* of load: one vCPU for each pCPU, or all memory in use */

struct candidate {
    uint64_t nodes, free, total;
    unsigned nr, pcpus, vcpus, distance;
    uint64_t load;
};

/* ---- sets of nodes ---------------------------------------------------------------------- */

static unsigned between(const struct numa_nodes *m, unsigned a, unsigned b)
{
    return m->distance[a][b] > m->distance[b][a] ? m->distance[a][b] : m->distance[b][a];
}

/* From the farthest of the set. */
static unsigned distance_to(const struct numa_nodes *m, uint64_t nodes, unsigned from)
{
    unsigned most = 0;

    numa_for_each(i, nodes) {
        unsigned d = between(m, (unsigned)i, from);
        most = d > most ? d : most;
    }
    return most;
}

static void add(const struct numa_nodes *m, struct candidate *c, unsigned node)
{
    unsigned distance = distance_to(m, c->nodes | numa_bit(node), node);

    c->nodes |= numa_bit(node);
    c->nr++;
    c->free += m->node[node].free;
    c->total += m->node[node].total;
    c->pcpus += m->node[node].pcpus;
    c->vcpus += m->node[node].vcpus;
    c->distance = distance > c->distance ? distance : c->distance;
}

/* The nearest node that the set may grow by, or NUMA_MAX_NODES. */
static unsigned nearest(const struct numa_nodes *m, const struct candidate *c, uint64_t allowed)
{
    unsigned best = NUMA_MAX_NODES, least = 0;

    numa_for_each(i, allowed & ~c->nodes) {
        unsigned d = distance_to(m, c->nodes, (unsigned)i);
        if (best == NUMA_MAX_NODES || d < least ||
            (d == least && m->node[i].free > m->node[best].free)) {
            best = (unsigned)i;
            least = d;
        }
    }
    return best;
}

/* ---- choosing --------------------------------------------------------------------------- */

/* Frames are counted in 64 bits; a machine has less than 2^52 of them. */
static void weigh(struct candidate *c, const struct numa_request *r)
{
    uint64_t used = c->total - c->free + r->frames;

    c->load = (uint64_t)(c->vcpus + r->vcpus) * UNIT / (c->pcpus ? c->pcpus : 1) +
              (c->total ? used * UNIT / c->total : UNIT);
}

static bool better(const struct candidate *a, const struct candidate *b)
{
    if (a->nr != b->nr)
        return a->nr < b->nr;
    if (a->distance != b->distance)
        return a->distance < b->distance;
    if (a->load != b->load)
        return a->load < b->load;
    if (a->free != b->free)
        return a->free > b->free;
    return a->nodes < b->nodes;
}

/* Grows from `seed` until the domain fits; false if it never does. */
static bool grow(const struct numa_nodes *m, const struct numa_request *r, unsigned vcpus,
                 unsigned seed, struct candidate *c)
{
    *c = (struct candidate){.nodes = 0};
    for (unsigned node = seed; node < NUMA_MAX_NODES; node = nearest(m, c, r->allowed)) {
        add(m, c, node);
        if (c->free >= r->frames && c->pcpus >= vcpus) {
            weigh(c, r);
            return true;
        }
    }
    return false;
}

static unsigned pcpus_of(const struct numa_nodes *m, uint64_t nodes)
{
    unsigned sum = 0;

    numa_for_each(i, nodes)
        sum += m->node[i].pcpus;
    return sum;
}

static bool choose(const struct numa_nodes *m, const struct numa_request *r, struct candidate *best)
{
    unsigned pcpus = pcpus_of(m, r->allowed);
    unsigned vcpus = r->vcpus < pcpus ? r->vcpus : pcpus;
    struct candidate c;

    *best = (struct candidate){.nodes = 0};
    numa_for_each(seed, r->allowed) {
        if (grow(m, r, vcpus, (unsigned)seed, &c) && (!best->nr || better(&c, best)))
            *best = c;
    }
    return best->nr;
}

/* ---- sharing out ------------------------------------------------------------------------ */

/* In proportion to pCPUs, what is left over from the lowest node on. */
static void share_vcpus(const struct numa_nodes *m, unsigned vcpus, struct numa_placement *out)
{
    unsigned pcpus = pcpus_of(m, out->nodes), left = vcpus;

    if (!pcpus)
        return;
    numa_for_each(i, out->nodes) {
        out->vcpus[i] = (unsigned)((uint64_t)vcpus * m->node[i].pcpus / pcpus);
        left -= out->vcpus[i];
    }
    while (left) {
        numa_for_each(i, out->nodes) {
            if (left && m->node[i].pcpus) {
                out->vcpus[i]++;
                left--;
            }
        }
    }
}

/* In proportion to vCPUs, then wherever there is some left. The set has enough. */
static void share_frames(const struct numa_nodes *m, const struct numa_request *r,
                         struct numa_placement *out)
{
    uint64_t left = r->frames;

    numa_for_each(i, out->nodes) {
        uint64_t share = r->vcpus ? r->frames / r->vcpus * out->vcpus[i] : 0;

        out->frames[i] = share < m->node[i].free ? share : m->node[i].free;
        left -= out->frames[i];
    }
    numa_for_each(j, out->nodes) {
        uint64_t room = m->node[j].free - out->frames[j], more = left < room ? left : room;

        out->frames[j] += more;
        left -= more;
    }
}

bool numa_place(const struct numa_nodes *m, const struct numa_request *r,
                struct numa_placement *out)
{
    struct numa_request asked = *r;
    struct candidate best;

    *out = (struct numa_placement){.nodes = 0};
    asked.allowed &= numa_all(m);
    if (!choose(m, &asked, &best))
        return false;
    out->nodes = best.nodes;
    share_vcpus(m, asked.vcpus, out);
    share_frames(m, &asked, out);
    return true;
}

void numa_take(struct numa_nodes *m, const struct numa_placement *p)
{
    numa_for_each(i, p->nodes) {
        m->node[i].free -= p->frames[i];
        m->node[i].vcpus += p->vcpus[i];
    }
}

void numa_give_back(struct numa_nodes *m, const struct numa_placement *p)
{
    numa_for_each(i, p->nodes) {
        m->node[i].free += p->frames[i];
        m->node[i].vcpus -= p->vcpus[i];
    }
}
