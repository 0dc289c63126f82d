/*
 * The level of the next cut is found by Dinkelbach's (discrete Newton)
 * iteration: start from any cut's level, ask max-flow whether it can be
 * reached, and if not take the level of the violated cut. Each step lowers the
 * level to that of a stricter cut, so it ends with an exact one.
 */
#include "network.h"

#include <math.h>
#include <stdlib.h>

#define NONE NETWORK_NONE
/* Flows that differ by less than this part of the capacity are equal. */
#define TOLERANCE 1e-12

/* ---- parts: pCPUs with equal membership ------------------------------------ */

/* Splits every part that the mask cuts in two. `inside` is scratch, one per part. */
static void refine(struct network *n, const struct mask *mask, int *part_of, int *inside,
                   int *moved_to)
{
    int old_parts = n->nr_parts;

    for (int i = 0; i < old_parts; i++) {
        inside[i] = 0;
        moved_to[i] = NONE;
    }
    mask_for_each(cpu, mask)
        inside[part_of[cpu]]++;
    mask_for_each(cpu, mask) {
        int from = part_of[cpu];
        if (moved_to[from] == NONE) {
            bool whole = inside[from] == n->parts[from].size;
            moved_to[from] = whole ? from : n->nr_parts++;
            if (!whole)
                n->parts[moved_to[from]] = (struct network_part){.first_edge = NONE};
        }
        n->parts[from].size--;
        n->parts[moved_to[from]].size++;
        part_of[cpu] = moved_to[from];
    }
}

static void add_edges(struct network *n, const int *part_of, int *last_set)
{
    for (int i = 0; i < n->nr_parts; i++)
        last_set[i] = NONE;
    for (int s = 0; s < n->nr_sets; s++) {
        n->sets[s].first_edge = n->nr_edges;
        mask_for_each(cpu, n->sets[s].mask) {
            struct network_part *part = &n->parts[part_of[cpu]];
            if (last_set[part_of[cpu]] == s)
                continue;
            last_set[part_of[cpu]] = s;
            n->edges[n->nr_edges] = (struct network_edge){s, part_of[cpu], part->first_edge, 0};
            part->first_edge = n->nr_edges++;
        }
        n->sets[s].end_edge = n->nr_edges;
    }
}

static int count_bits(const struct network *n, int *highest)
{
    int bits = 0;

    *highest = 0;
    for (int s = 0; s < n->nr_sets; s++) {
        mask_for_each(cpu, n->sets[s].mask) {
            bits++;
            if (cpu > *highest)
                *highest = cpu;
        }
    }
    return bits;
}

static int one_part(struct network *n)
{
    n->parts = calloc(1, sizeof(*n->parts));
    n->edges = calloc(1, sizeof(*n->edges));
    if (!n->parts || !n->edges)
        return -1;
    n->nr_parts = n->nr_edges = 1;
    n->parts[0].size = (int)mask_count(n->sets[0].mask);
    n->sets[0].end_edge = 1;
    n->edges[0].next_in_part = NONE;
    return 0;
}

static int split_pcpus(struct network *n)
{
    int highest, nr_pcpus, bits;
    int *part_of;

    if (n->nr_sets == 1)
        return one_part(n);
    bits = count_bits(n, &highest);
    nr_pcpus = highest + 1;
    n->parts = calloc((size_t)nr_pcpus + 1, sizeof(*n->parts));
    n->edges = calloc((size_t)bits + 1, sizeof(*n->edges));
    part_of = calloc(3 * ((size_t)nr_pcpus + 1), sizeof(*part_of));
    if (!n->parts || !n->edges || !part_of) {
        free(part_of);
        return -1;
    }
    n->nr_parts = 1; /* pCPUs that nobody may use stay in the first one, without an edge */
    n->parts[0] = (struct network_part){.size = nr_pcpus, .first_edge = NONE};
    for (int s = 0; s < n->nr_sets; s++)
        refine(n, n->sets[s].mask, part_of, part_of + nr_pcpus + 1, part_of + 2 * (nr_pcpus + 1));
    add_edges(n, part_of, part_of + nr_pcpus + 1);
    free(part_of);
    return 0;
}

/* ---- maximum flow ---------------------------------------------------------- */

/* Routes what fits directly; for most networks that is all. */
static void route_greedily(struct network *n)
{
    for (int s = 0; s < n->nr_sets; s++) {
        struct network_set *set = &n->sets[s];
        for (int e = set->first_edge; e < set->end_edge; e++) {
            struct network_part *part = &n->parts[n->edges[e].part];
            double flow = fmin(set->excess, part->room);
            n->edges[e].flow = flow;
            set->excess -= flow;
            part->room -= flow;
        }
    }
}

static void visit_parts(struct network *n, int s, int *tail)
{
    for (int e = n->sets[s].first_edge; e < n->sets[s].end_edge; e++) {
        int p = n->edges[e].part;
        if (!n->parts[p].reached && !n->parts[p].closed) {
            n->parts[p].reached = true;
            n->part_from[p] = e;
            n->queue[(*tail)++] = p;
        }
    }
}

/* A part with room that `s` can reach by rerouting others; NONE: then the sets and parts
 * reached are a cut that is full. */
static int find_room(struct network *n, int s)
{
    int head = 0, tail = 0;

    for (int i = 0; i < n->nr_sets; i++)
        n->sets[i].reached = false;
    for (int i = 0; i < n->nr_parts; i++)
        n->parts[i].reached = false;
    n->sets[s].reached = true;
    n->set_from[s] = NONE;
    visit_parts(n, s, &tail);
    while (head < tail) {
        int p = n->queue[head++];
        if (n->parts[p].room > n->tolerance)
            return p;
        for (int e = n->parts[p].first_edge; e != NONE; e = n->edges[e].next_in_part) {
            int other = n->edges[e].set;
            if (n->sets[other].reached || n->edges[e].flow <= 0)
                continue;
            n->sets[other].reached = true;
            n->set_from[other] = e;
            visit_parts(n, other, &tail);
        }
    }
    return NONE;
}

/* Pushes as much of the excess of the path's first set as the path to `p` allows. */
static void augment(struct network *n, int p)
{
    double flow = n->parts[p].room;
    int end = p, e;

    for (;;) {
        int s = n->edges[n->part_from[p]].set;
        e = n->set_from[s];
        if (e == NONE) {
            flow = fmin(flow, n->sets[s].excess);
            n->sets[s].excess -= flow;
            break;
        }
        flow = fmin(flow, n->edges[e].flow);
        p = n->edges[e].part;
    }
    n->parts[end].room -= flow;
    for (p = end;; p = n->edges[e].part) {
        n->edges[n->part_from[p]].flow += flow;
        e = n->set_from[n->edges[n->part_from[p]].set];
        if (e == NONE)
            return;
        n->edges[e].flow -= flow;
    }
}

/* The level at which the sets reached use up the parts reached; infinite if none rises. */
static double cut_level(const struct network *n)
{
    double weight = 0, room = 0;

    for (int s = 0; s < n->nr_sets; s++) {
        if (n->sets[s].reached && !n->sets[s].closed) {
            weight += n->sets[s].weight;
            room -= n->sets[s].frozen;
        }
    }
    for (int i = 0; i < n->nr_parts; i++) {
        if (n->parts[i].reached && !n->parts[i].closed)
            room += n->parts[i].size;
    }
    return weight > 0 ? fmax(room, 0) / weight : INFINITY;
}

static void start_flow(struct network *n, double level)
{
    for (int i = 0; i < n->nr_parts; i++)
        n->parts[i].room = n->parts[i].closed ? 0 : n->parts[i].size;
    for (int s = 0; s < n->nr_sets; s++) {
        struct network_set *set = &n->sets[s];
        set->excess = set->closed ? 0 : set->frozen + set->weight * level;
    }
    route_greedily(n);
}

/*
 * The level of a cut that keeps the sets from rising to `level`; `level` itself if they can.
 * The sets reached are that cut.
 */
static double stricter_cut(struct network *n, double level)
{
    start_flow(n, level);
    for (int s = 0; s < n->nr_sets; s++) {
        while (n->sets[s].excess > n->tolerance) {
            int p = find_room(n, s);
            if (p != NONE)
                augment(n, p);
            else if (cut_level(n) < level)
                return cut_level(n);
            else
                n->sets[s].excess = 0; /* rounding: the cut is full, not violated */
        }
    }
    return level;
}

/* ---- cuts ------------------------------------------------------------------ */

static void save_cut(struct network *n, bool *cut)
{
    for (int s = 0; s < n->nr_sets; s++)
        cut[s] = n->sets[s].reached && !n->sets[s].closed;
}

double network_next_cut(struct network *n, bool *cut)
{
    double level;

    for (int s = 0; s < n->nr_sets; s++)
        n->sets[s].reached = true;
    for (int i = 0; i < n->nr_parts; i++)
        n->parts[i].reached = n->parts[i].first_edge != NONE;
    level = cut_level(n);
    save_cut(n, cut);
    if (n->nr_sets == 1)
        return level;
    for (double lower; (lower = stricter_cut(n, level)) < level; level = lower)
        save_cut(n, cut);
    return level;
}

void network_close(struct network *n, int set)
{
    n->sets[set].closed = true;
    for (int e = n->sets[set].first_edge; e < n->sets[set].end_edge; e++)
        n->parts[n->edges[e].part].closed = true;
}

/* ---- memory ------------------------------------------------------------------ */

static int search_init(struct network *n)
{
    size_t nr_parts = (size_t)n->nr_parts;
    double capacity = 0;

    n->queue = malloc((2 * nr_parts + (size_t)n->nr_sets) * sizeof(*n->queue));
    if (!n->queue)
        return -1;
    n->part_from = n->queue + nr_parts;
    n->set_from = n->part_from + nr_parts;
    for (int i = 0; i < n->nr_parts; i++)
        capacity += n->parts[i].size;
    n->tolerance = TOLERANCE * (capacity + 1);
    return 0;
}

int network_init(struct network *n)
{
    return split_pcpus(n) ? -1 : search_init(n);
}

void network_free(struct network *n)
{
    free(n->parts);
    free(n->edges);
    free(n->queue);
}
