/*
 * Progressive filling over a small flow network.
 *
 * Units with the same hard affinity form a set; pCPUs that belong to the same
 * sets form a part. Whether given rates can be scheduled is then a flow from
 * sets through parts: McNaughton's wrap-around rule turns any such flow, with
 * no unit above one pCPU, into a schedule without a unit on two pCPUs at once.
 *
 * The level t = rate/weight rises from 0. Three things stop a unit: its own
 * limit, its group's cap, and a cut: sets whose demand takes all of the parts
 * they can reach. The level of the next cut is found by Dinkelbach's (discrete
 * Newton) iteration: start from any cut's level, ask max-flow whether it can be
 * reached, and if not take the level of the violated cut. Each step lowers the
 * level to that of a stricter cut, so it ends with an exact one.
 */
#include "ideal.h"

#include <math.h>
#include <stdlib.h>

#define NONE (-1)
/* Flows that differ by less than this part of the capacity are equal. */
#define TOLERANCE 1e-12

struct unit_info {
    int set;
    int next_in_set, next_in_group;
    bool active; /* still rises with the level */
};

struct set {
    const struct mask *mask;
    int first_unit;
    int nr_active;
    double weight; /* of active units */
    double frozen; /* rates of the others */
    bool closed;   /* behind a cut that is used up */
    int first_edge, end_edge;
    double excess; /* in the flow: not yet routed */
    bool reached;  /* in the violated cut */
};

struct part {
    int size;       /* pCPUs */
    int first_edge; /* of the chain through edge.next_in_part */
    double room;    /* in the flow: capacity left */
    bool closed, reached;
};

struct edge {
    int set, part;
    int next_in_part;
    double flow;
};

struct group {
    int first_unit, nr_active;
    double weight, frozen;
};

struct limit { /* a unit reaches its limit at this level */
    double level;
    int unit;
};

struct filling {
    struct ideal_unit *units;
    const double *group_cap;
    int nr_units, nr_groups, nr_sets, nr_parts, nr_edges, nr_limits, nr_active;
    double tolerance;
    struct unit_info *info;
    struct set *sets;
    struct part *parts;
    struct edge *edges;
    struct group *groups;
    struct limit *limits; /* binary heap */
    int *set_table;       /* hash of sets, a power of two */
    unsigned table_size;
    /* Search for an augmenting path, breadth first over parts. */
    int *queue, *part_from, *set_from; /* the edge by which a part or set was reached */
};

/* ---- sets of units with equal masks --------------------------------------- */

static int set_of(struct filling *f, const struct mask *mask)
{
    unsigned slot = (unsigned)mask_hash(mask) & (f->table_size - 1);

    for (; f->set_table[slot] != NONE; slot = (slot + 1) & (f->table_size - 1)) {
        const struct mask *other = f->sets[f->set_table[slot]].mask;
        if (other == mask || mask_equal(other, mask))
            return f->set_table[slot];
    }
    f->set_table[slot] = f->nr_sets;
    f->sets[f->nr_sets] = (struct set){.mask = mask, .first_unit = NONE};
    return f->nr_sets++;
}

static void add_unit(struct filling *f, int i, int set)
{
    struct unit_info *info = &f->info[i];
    double weight = f->units[i].weight;

    *info = (struct unit_info){.set = set, .active = true, .next_in_group = NONE};
    info->next_in_set = f->sets[set].first_unit;
    f->sets[set].first_unit = i;
    f->sets[set].weight += weight;
    f->sets[set].nr_active++;
    if (f->units[i].group >= 0) {
        struct group *group = &f->groups[f->units[i].group];
        info->next_in_group = group->first_unit;
        group->first_unit = i;
        group->weight += weight;
        group->nr_active++;
    }
}

static void add_units(struct filling *f)
{
    int set = NONE;

    for (unsigned i = 0; i < f->table_size; i++)
        f->set_table[i] = NONE;
    for (int g = 0; g < f->nr_groups; g++)
        f->groups[g] = (struct group){.first_unit = NONE};
    for (int i = 0; i < f->nr_units; i++) {
        /* Neighbours mostly share a mask: spare the hash. */
        if (set == NONE || f->sets[set].mask != f->units[i].hard)
            set = set_of(f, f->units[i].hard);
        add_unit(f, i, set);
    }
    f->nr_active = f->nr_units;
}

/* ---- parts: pCPUs with equal membership ------------------------------------ */

/* Splits every part that the mask cuts in two. `inside` is scratch, one per part. */
static void refine(struct filling *f, const struct mask *mask, int *part_of, int *inside,
                   int *moved_to)
{
    int old_parts = f->nr_parts;

    for (int i = 0; i < old_parts; i++) {
        inside[i] = 0;
        moved_to[i] = NONE;
    }
    mask_for_each(cpu, mask)
        inside[part_of[cpu]]++;
    mask_for_each(cpu, mask) {
        int from = part_of[cpu];
        if (moved_to[from] == NONE) {
            bool whole = inside[from] == f->parts[from].size;
            moved_to[from] = whole ? from : f->nr_parts++;
            if (!whole)
                f->parts[moved_to[from]] = (struct part){.first_edge = NONE};
        }
        f->parts[from].size--;
        f->parts[moved_to[from]].size++;
        part_of[cpu] = moved_to[from];
    }
}

static void add_edges(struct filling *f, const int *part_of, int *last_set)
{
    for (int i = 0; i < f->nr_parts; i++)
        last_set[i] = NONE;
    for (int s = 0; s < f->nr_sets; s++) {
        f->sets[s].first_edge = f->nr_edges;
        mask_for_each(cpu, f->sets[s].mask) {
            struct part *part = &f->parts[part_of[cpu]];
            if (last_set[part_of[cpu]] == s)
                continue;
            last_set[part_of[cpu]] = s;
            f->edges[f->nr_edges] = (struct edge){s, part_of[cpu], part->first_edge, 0};
            part->first_edge = f->nr_edges++;
        }
        f->sets[s].end_edge = f->nr_edges;
    }
}

static int count_bits(const struct filling *f, int *highest)
{
    int bits = 0;

    *highest = 0;
    for (int s = 0; s < f->nr_sets; s++) {
        mask_for_each(cpu, f->sets[s].mask) {
            bits++;
            if (cpu > *highest)
                *highest = cpu;
        }
    }
    return bits;
}

static int one_part(struct filling *f)
{
    f->parts = calloc(1, sizeof(*f->parts));
    f->edges = calloc(1, sizeof(*f->edges));
    if (!f->parts || !f->edges)
        return -1;
    f->nr_parts = f->nr_edges = 1;
    f->parts[0].size = (int)mask_count(f->sets[0].mask);
    f->sets[0].end_edge = 1;
    f->edges[0].next_in_part = NONE;
    return 0;
}

static int split_pcpus(struct filling *f)
{
    int highest, nr_pcpus, bits;
    int *part_of;

    if (f->nr_sets == 1)
        return one_part(f);
    bits = count_bits(f, &highest);
    nr_pcpus = highest + 1;
    f->parts = calloc((size_t)nr_pcpus + 1, sizeof(*f->parts));
    f->edges = calloc((size_t)bits + 1, sizeof(*f->edges));
    part_of = calloc(3 * ((size_t)nr_pcpus + 1), sizeof(*part_of));
    if (!f->parts || !f->edges || !part_of) {
        free(part_of);
        return -1;
    }
    f->nr_parts = 1; /* pCPUs that nobody may use stay in the first one, without an edge */
    f->parts[0] = (struct part){.size = nr_pcpus, .first_edge = NONE};
    for (int s = 0; s < f->nr_sets; s++)
        refine(f, f->sets[s].mask, part_of, part_of + nr_pcpus + 1, part_of + 2 * (nr_pcpus + 1));
    add_edges(f, part_of, part_of + nr_pcpus + 1);
    free(part_of);
    return 0;
}

/* ---- maximum flow ---------------------------------------------------------- */

/* Routes what fits directly; for most networks that is all. */
static void route_greedily(struct filling *f)
{
    for (int s = 0; s < f->nr_sets; s++) {
        struct set *set = &f->sets[s];
        for (int e = set->first_edge; e < set->end_edge; e++) {
            struct part *part = &f->parts[f->edges[e].part];
            double flow = fmin(set->excess, part->room);
            f->edges[e].flow = flow;
            set->excess -= flow;
            part->room -= flow;
        }
    }
}

static void visit_parts(struct filling *f, int s, int *tail)
{
    for (int e = f->sets[s].first_edge; e < f->sets[s].end_edge; e++) {
        int p = f->edges[e].part;
        if (!f->parts[p].reached && !f->parts[p].closed) {
            f->parts[p].reached = true;
            f->part_from[p] = e;
            f->queue[(*tail)++] = p;
        }
    }
}

/* A part with room that `s` can reach by rerouting others; NONE: then the sets and parts
 * reached are a cut that is full. */
static int find_room(struct filling *f, int s)
{
    int head = 0, tail = 0;

    for (int i = 0; i < f->nr_sets; i++)
        f->sets[i].reached = false;
    for (int i = 0; i < f->nr_parts; i++)
        f->parts[i].reached = false;
    f->sets[s].reached = true;
    f->set_from[s] = NONE;
    visit_parts(f, s, &tail);
    while (head < tail) {
        int p = f->queue[head++];
        if (f->parts[p].room > f->tolerance)
            return p;
        for (int e = f->parts[p].first_edge; e != NONE; e = f->edges[e].next_in_part) {
            int other = f->edges[e].set;
            if (f->sets[other].reached || f->edges[e].flow <= 0)
                continue;
            f->sets[other].reached = true;
            f->set_from[other] = e;
            visit_parts(f, other, &tail);
        }
    }
    return NONE;
}

/* Pushes as much of the excess of the path's first set as the path to `p` allows. */
static void augment(struct filling *f, int p)
{
    double flow = f->parts[p].room;
    int end = p, e;

    for (;;) {
        int s = f->edges[f->part_from[p]].set;
        e = f->set_from[s];
        if (e == NONE) {
            flow = fmin(flow, f->sets[s].excess);
            f->sets[s].excess -= flow;
            break;
        }
        flow = fmin(flow, f->edges[e].flow);
        p = f->edges[e].part;
    }
    f->parts[end].room -= flow;
    for (p = end;; p = f->edges[e].part) {
        f->edges[f->part_from[p]].flow += flow;
        e = f->set_from[f->edges[f->part_from[p]].set];
        if (e == NONE)
            return;
        f->edges[e].flow -= flow;
    }
}

/* The level at which the sets reached use up the parts reached; infinite if none rises. */
static double cut_level(const struct filling *f)
{
    double weight = 0, room = 0;

    for (int s = 0; s < f->nr_sets; s++) {
        if (f->sets[s].reached && !f->sets[s].closed) {
            weight += f->sets[s].weight;
            room -= f->sets[s].frozen;
        }
    }
    for (int i = 0; i < f->nr_parts; i++) {
        if (f->parts[i].reached && !f->parts[i].closed)
            room += f->parts[i].size;
    }
    return weight > 0 ? fmax(room, 0) / weight : INFINITY;
}

static void start_flow(struct filling *f, double level)
{
    for (int i = 0; i < f->nr_parts; i++)
        f->parts[i].room = f->parts[i].closed ? 0 : f->parts[i].size;
    for (int s = 0; s < f->nr_sets; s++) {
        struct set *set = &f->sets[s];
        set->excess = set->closed ? 0 : set->frozen + set->weight * level;
    }
    route_greedily(f);
}

/*
 * The level of a cut that keeps the sets from rising to `level`; `level` itself if they can.
 * The sets reached are that cut.
 */
static double stricter_cut(struct filling *f, double level)
{
    start_flow(f, level);
    for (int s = 0; s < f->nr_sets; s++) {
        while (f->sets[s].excess > f->tolerance) {
            int p = find_room(f, s);
            if (p != NONE)
                augment(f, p);
            else if (cut_level(f) < level)
                return cut_level(f);
            else
                f->sets[s].excess = 0; /* rounding: the cut is full, not violated */
        }
    }
    return level;
}

/* ---- cuts ------------------------------------------------------------------ */

static void save_cut(struct filling *f, bool *cut)
{
    for (int s = 0; s < f->nr_sets; s++)
        cut[s] = f->sets[s].reached && !f->sets[s].closed;
}

/* The level of the next cut, and its sets in cut[]. */
static double next_cut(struct filling *f, bool *cut)
{
    double level;

    for (int s = 0; s < f->nr_sets; s++)
        f->sets[s].reached = true;
    for (int i = 0; i < f->nr_parts; i++)
        f->parts[i].reached = f->parts[i].first_edge != NONE;
    level = cut_level(f);
    save_cut(f, cut);
    if (f->nr_sets == 1)
        return level;
    for (double lower; (lower = stricter_cut(f, level)) < level; level = lower)
        save_cut(f, cut);
    return level;
}

/* ---- freezing -------------------------------------------------------------- */

/* Takes a weight out of a sum; the last one leaves exactly 0. */
static void take_weight(double *sum, int *nr_active, double weight)
{
    *sum = --*nr_active ? *sum - weight : 0;
}

static void freeze(struct filling *f, int i, double rate)
{
    struct ideal_unit *unit = &f->units[i];
    struct set *set = &f->sets[f->info[i].set];

    if (!f->info[i].active)
        return;
    f->info[i].active = false;
    f->nr_active--;
    unit->rate = rate;
    set->frozen += rate;
    take_weight(&set->weight, &set->nr_active, unit->weight);
    if (unit->group >= 0) {
        struct group *group = &f->groups[unit->group];
        group->frozen += rate;
        take_weight(&group->weight, &group->nr_active, unit->weight);
    }
}

static void freeze_group(struct filling *f, int g, double level)
{
    for (int i = f->groups[g].first_unit; i != NONE; i = f->info[i].next_in_group)
        freeze(f, i, f->units[i].weight * level);
}

static void freeze_cut(struct filling *f, const bool *cut, double level)
{
    for (int s = 0; s < f->nr_sets; s++) {
        struct set *set = &f->sets[s];
        if (!cut[s])
            continue;
        for (int i = set->first_unit; i != NONE; i = f->info[i].next_in_set)
            freeze(f, i, f->units[i].weight * level);
        set->closed = true;
        for (int e = set->first_edge; e < set->end_edge; e++)
            f->parts[f->edges[e].part].closed = true;
    }
}

/* ---- limits: a heap, since most units never come near theirs ---------------- */

static void sift_down(struct filling *f, int at)
{
    struct limit item = f->limits[at];

    for (int child; (child = 2 * at + 1) < f->nr_limits; at = child) {
        if (child + 1 < f->nr_limits && f->limits[child + 1].level < f->limits[child].level)
            child++;
        if (f->limits[child].level >= item.level)
            break;
        f->limits[at] = f->limits[child];
    }
    f->limits[at] = item;
}

static void add_limits(struct filling *f)
{
    f->nr_limits = f->nr_units;
    for (int i = 0; i < f->nr_units; i++)
        f->limits[i] = (struct limit){f->units[i].limit / f->units[i].weight, i};
    for (int at = f->nr_limits / 2 - 1; at >= 0; at--)
        sift_down(f, at);
}

static void drop_first_limit(struct filling *f)
{
    f->limits[0] = f->limits[--f->nr_limits];
    if (f->nr_limits)
        sift_down(f, 0);
}

/* The level at which the next unit reaches its limit. */
static double next_limit(struct filling *f)
{
    while (!f->info[f->limits[0].unit].active)
        drop_first_limit(f);
    return f->limits[0].level;
}

static double next_group(const struct filling *f, int *group)
{
    double least = INFINITY;

    *group = NONE;
    for (int g = 0; g < f->nr_groups; g++) {
        double level;
        if (!f->groups[g].nr_active)
            continue;
        level = fmax(f->group_cap[g] - f->groups[g].frozen, 0) / f->groups[g].weight;
        if (level < least) {
            least = level;
            *group = g;
        }
    }
    return least;
}

/* ---- filling ---------------------------------------------------------------- */

/* Freezes what limits and caps stop up to `level`; false if there is nothing. */
static bool freeze_below(struct filling *f, double level)
{
    bool any = false;

    while (f->nr_active) {
        int group;
        double at_limit = next_limit(f), at_group = next_group(f, &group);

        if (fmin(at_limit, at_group) > level)
            break;
        if (at_limit <= at_group)
            freeze(f, f->limits[0].unit, f->units[f->limits[0].unit].limit);
        else
            freeze_group(f, group, at_group);
        any = true;
    }
    return any;
}

static void fill(struct filling *f, bool *cut)
{
    while (f->nr_active) {
        double level = next_cut(f, cut);
        if (!freeze_below(f, level))
            freeze_cut(f, cut, level);
    }
}

static void filling_free(struct filling *f)
{
    free(f->info);
    free(f->sets);
    free(f->parts);
    free(f->edges);
    free(f->groups);
    free(f->limits);
    free(f->set_table);
    free(f->queue);
}

static int filling_init(struct filling *f)
{
    size_t n = (size_t)f->nr_units;

    for (f->table_size = 16; f->table_size < 2 * n;)
        f->table_size *= 2;
    f->info = malloc(n * sizeof(*f->info));
    f->sets = malloc(n * sizeof(*f->sets));
    f->limits = malloc(n * sizeof(*f->limits));
    f->groups = malloc(((size_t)f->nr_groups + 1) * sizeof(*f->groups));
    f->set_table = malloc(f->table_size * sizeof(*f->set_table));
    if (!f->info || !f->sets || !f->limits || !f->groups || !f->set_table)
        return -1;
    add_units(f);
    add_limits(f);
    return split_pcpus(f);
}

static int search_init(struct filling *f)
{
    size_t parts = (size_t)f->nr_parts;
    double capacity = 0;

    f->queue = malloc((2 * parts + (size_t)f->nr_sets) * sizeof(*f->queue));
    if (!f->queue)
        return -1;
    f->part_from = f->queue + parts;
    f->set_from = f->part_from + parts;
    for (int i = 0; i < f->nr_parts; i++)
        capacity += f->parts[i].size;
    f->tolerance = TOLERANCE * (capacity + 1);
    return 0;
}

int ideal_rates(struct ideal_unit *units, unsigned nr_units, const double *group_cap,
                unsigned nr_groups)
{
    struct filling f = {.units = units,
                        .group_cap = group_cap,
                        .nr_units = (int)nr_units,
                        .nr_groups = (int)nr_groups};
    bool *cut = NULL;
    int err = -1;

    if (!nr_units)
        return 0;
    if (!filling_init(&f) && !search_init(&f)) {
        cut = malloc((size_t)f.nr_sets * sizeof(*cut));
        if (cut) {
            fill(&f, cut);
            err = 0;
        }
    }
    free(cut);
    filling_free(&f);
    return err;
}
