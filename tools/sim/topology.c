#include "topology.h"

#include <hwloc.h>
#include <hwloc/distances.h>
#include <string.h>

#include "../../sched/mask.h"

static bool ends_in(const char *text, const char *suffix)
{
    size_t a = strlen(text), b = strlen(suffix);

    return a >= b && !strcmp(text + a - b, suffix);
}

/* Says where hwloc shall look. */
static bool choose_source(hwloc_topology_t t, struct arena *a, const char *text, const char *dir,
                          struct problem *p)
{
    if (!strcmp(text, "this") || !strcmp(text, "this machine"))
        return true;
    if (ends_in(text, ".xml")) {
        const char *file = *text == '/' ? text : arena_printf(a, "%s/%s", dir, text);

        return !hwloc_topology_set_xml(t, file) ||
               problem_set(p, "can not read the topology '%s'; use a file that lstopo wrote", file);
    }
    return !hwloc_topology_set_synthetic(t, text) ||
           problem_set(p,
                       "'%s' is no host; use this, a .xml file of lstopo's, or a description "
                       "like pack:2 core:8 pu:2",
                       text);
}

static unsigned ancestor(hwloc_topology_t t, hwloc_obj_t pu, hwloc_obj_type_t type,
                         unsigned otherwise)
{
    hwloc_obj_t o = hwloc_get_ancestor_obj_by_type(t, type, pu);

    return o ? o->logical_index : otherwise;
}

static unsigned node_of(hwloc_topology_t t, hwloc_obj_t pu)
{
    int first = pu->nodeset ? hwloc_bitmap_first(pu->nodeset) : -1;
    hwloc_obj_t node = first < 0 ? NULL : hwloc_get_numanode_obj_by_os_index(t, (unsigned)first);

    return node ? node->logical_index : 0;
}

static bool read_pcpus(hwloc_topology_t t, struct arena *a, struct host *out, struct problem *p)
{
    int nr = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);

    if (nr < 1 || nr > SCHED_MAX_PCPUS)
        return problem_set(p, "the host has %d pCPUs; use 1 to %d", nr, SCHED_MAX_PCPUS);
    out->nr_pcpus = (unsigned)nr;
    out->pcpus = arena_alloc(a, out->nr_pcpus * sizeof *out->pcpus);
    for (unsigned i = 0; i < out->nr_pcpus; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(t, HWLOC_OBJ_PU, i);

        out->pcpus[i].core = ancestor(t, pu, HWLOC_OBJ_CORE, i);
        out->pcpus[i].socket = ancestor(t, pu, HWLOC_OBJ_PACKAGE, 0);
        out->pcpus[i].node = node_of(t, pu);
    }
    return true;
}

/* ---- nodes ------------------------------------------------------------------------------- */

static void take_distances(const struct hwloc_distances_s *d, struct host *out)
{
    for (unsigned i = 0; i < d->nbobjs; i++) {
        for (unsigned j = 0; j < d->nbobjs; j++) {
            unsigned from = d->objs[i]->logical_index, to = d->objs[j]->logical_index;
            hwloc_uint64_t value = d->values[i * d->nbobjs + j];

            if (value <= UINT8_MAX)
                out->distance[from * out->nr_nodes + to] = (uint8_t)value;
        }
    }
}

static void read_nodes(hwloc_topology_t t, struct arena *a, struct host *out)
{
    struct hwloc_distances_s *d;
    unsigned nr = 1, n = (unsigned)hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE);

    out->nr_nodes = n;
    out->memory = arena_alloc(a, n * sizeof *out->memory);
    out->distance = arena_alloc(a, n * n);
    for (unsigned i = 0; i < n; i++) {
        out->memory[i] =
            hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, i)->attr->numanode.local_memory;
        for (unsigned j = 0; j < n; j++)
            out->distance[i * n + j] = i == j ? 10 : 20;
    }
    if (hwloc_distances_get_by_type(t, HWLOC_OBJ_NUMANODE, &nr, &d,
                                    HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) ||
        !nr)
        return;
    take_distances(d, out);
    hwloc_distances_release(t, d);
}

bool topology_load(struct arena *a, const char *text, const char *dir, struct host *out,
                   struct problem *p)
{
    hwloc_topology_t t;
    bool ok;

    if (hwloc_topology_init(&t))
        return problem_set(p, "hwloc does not start; is there memory left?");
    ok = choose_source(t, a, text, dir, p);
    if (ok && hwloc_topology_load(t))
        ok = problem_set(p, "hwloc can not load '%s'; use lstopo to check it", text);
    if (ok)
        ok = read_pcpus(t, a, out, p);
    if (ok)
        read_nodes(t, a, out);
    hwloc_topology_destroy(t);
    return ok;
}
