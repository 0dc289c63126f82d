/*
 * Progressive filling. The level t = rate/weight rises from 0. Three things
 * stop a unit: its own limit, its group's cap, and a cut: sets of units whose
 * demand takes all of the pCPUs they may use (network.h).
 */
#include "ideal.h"

#include <math.h>
#include <stdlib.h>

#include "network.h"

#define NONE NETWORK_NONE

struct unit_info {
    int set;
    int next_in_set, next_in_group;
    bool active; /* still rises with the level */
};

struct set_units {
    int first_unit, nr_active;
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
    int nr_units, nr_groups, nr_limits, nr_active;
    struct network network;
    struct unit_info *info;
    struct set_units *sets; /* by set of the network */
    struct group *groups;
    struct limit *limits; /* binary heap */
    int *set_table;       /* hash of sets, a power of two */
    unsigned table_size;
};

/* ---- sets of units with equal masks --------------------------------------- */

static int set_of(struct filling *f, const struct mask *mask)
{
    unsigned slot = (unsigned)mask_hash(mask) & (f->table_size - 1);

    for (; f->set_table[slot] != NONE; slot = (slot + 1) & (f->table_size - 1)) {
        const struct mask *other = f->network.sets[f->set_table[slot]].mask;
        if (other == mask || mask_equal(other, mask))
            return f->set_table[slot];
    }
    int set = f->network.nr_sets++;
    f->set_table[slot] = set;
    f->network.sets[set] = (struct network_set){.mask = mask};
    f->sets[set] = (struct set_units){.first_unit = NONE};
    return set;
}

static void add_unit(struct filling *f, int i, int set)
{
    struct unit_info *info = &f->info[i];
    double weight = f->units[i].weight;

    *info = (struct unit_info){.set = set, .active = true, .next_in_group = NONE};
    info->next_in_set = f->sets[set].first_unit;
    f->sets[set].first_unit = i;
    f->network.sets[set].weight += weight;
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
        if (set == NONE || f->network.sets[set].mask != f->units[i].hard)
            set = set_of(f, f->units[i].hard);
        add_unit(f, i, set);
    }
    f->nr_active = f->nr_units;
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
    struct network_set *set = &f->network.sets[f->info[i].set];

    if (!f->info[i].active)
        return;
    f->info[i].active = false;
    f->nr_active--;
    unit->rate = rate;
    set->frozen += rate;
    take_weight(&set->weight, &f->sets[f->info[i].set].nr_active, unit->weight);
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
    for (int s = 0; s < f->network.nr_sets; s++) {
        if (!cut[s])
            continue;
        for (int i = f->sets[s].first_unit; i != NONE; i = f->info[i].next_in_set)
            freeze(f, i, f->units[i].weight * level);
        network_close(&f->network, s);
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
        double level = network_next_cut(&f->network, cut);
        if (!freeze_below(f, level))
            freeze_cut(f, cut, level);
    }
}

static void filling_free(struct filling *f)
{
    network_free(&f->network);
    free(f->network.sets);
    free(f->info);
    free(f->sets);
    free(f->groups);
    free(f->limits);
    free(f->set_table);
}

static int filling_init(struct filling *f)
{
    size_t n = (size_t)f->nr_units;

    for (f->table_size = 16; f->table_size < 2 * n;)
        f->table_size *= 2;
    f->info = malloc(n * sizeof(*f->info));
    f->sets = malloc(n * sizeof(*f->sets));
    f->network.sets = malloc(n * sizeof(*f->network.sets));
    f->limits = malloc(n * sizeof(*f->limits));
    f->groups = malloc(((size_t)f->nr_groups + 1) * sizeof(*f->groups));
    f->set_table = malloc(f->table_size * sizeof(*f->set_table));
    if (!f->info || !f->sets || !f->network.sets || !f->limits || !f->groups || !f->set_table)
        return -1;
    add_units(f);
    add_limits(f);
    return network_init(&f->network);
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
    if (!filling_init(&f)) {
        cut = malloc((size_t)f.network.nr_sets * sizeof(*cut));
        if (cut) {
            fill(&f, cut);
            err = 0;
        }
    }
    free(cut);
    filling_free(&f);
    return err;
}
