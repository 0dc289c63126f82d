/*
 * hwloc's XML format, version 2 (hwloc's documentation, "Importing and
 * exporting topologies from/to XML files"). An object lies in another if its
 * set of processors does. A NUMA node is the memory of the object that has its
 * processors: a socket, the machine, or a group that is made for it.
 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "hardware.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { MACHINE, GROUP, PACKAGE, CORE, PU };

static const char *const type_names[] = {"Machine", "Group", "Package", "Core", "PU"};

struct object {
    enum type type;
    unsigned index;
    uint64_t pcpus;
    uint64_t memory; /* nodes that are attached to it */
};

struct tree {
    const struct hardware *hw;
    uint64_t node_pcpus[HARDWARE_NODES];
    unsigned nr, last_id;
    struct object object[3 * HARDWARE_PCPUS + HARDWARE_NODES + 1]; /* the first is the machine */
    FILE *out;
};

/* ---- objects ------------------------------------------------------------------------------ */

/* The one of that type and number, made if it is not there. */
static struct object *object(struct tree *t, enum type type, unsigned index)
{
    for (unsigned i = 0; i < t->nr; i++)
        if (t->object[i].type == type && t->object[i].index == index)
            return &t->object[i];
    t->object[t->nr] = (struct object){.type = type, .index = index};
    return &t->object[t->nr++];
}

/* Cores are numbered within their sockets: all of the machine's are told apart by both. */
static unsigned core_id(const struct hardware *hw, unsigned pcpu)
{
    return hw->pcpu[pcpu].socket << 16 | hw->pcpu[pcpu].core;
}

static void add_pcpu(struct tree *t, unsigned i)
{
    const struct hardware *hw = t->hw;
    uint64_t bit = 1ULL << i;

    object(t, MACHINE, 0)->pcpus |= bit;
    object(t, PACKAGE, hw->pcpu[i].socket)->pcpus |= bit;
    object(t, CORE, core_id(hw, i))->pcpus |= bit;
    object(t, PU, i)->pcpus |= bit;
    if (hw->pcpu[i].node < HARDWARE_NODES)
        t->node_pcpus[hw->pcpu[i].node] |= bit;
}

/* Does the set lie within or around each object, or apart from it? */
static bool nests(const struct tree *t, uint64_t pcpus)
{
    for (unsigned i = 0; i < t->nr; i++) {
        uint64_t common = t->object[i].pcpus & pcpus;
        if (common && common != pcpus && common != t->object[i].pcpus)
            return false;
    }
    return true;
}

/* A node without processors, or with some of objects that are not all its own, is the machine's. */
static struct object *home_of(struct tree *t, unsigned node)
{
    uint64_t pcpus = t->node_pcpus[node];

    for (unsigned i = 0; i < t->nr; i++)
        if (t->object[i].pcpus == pcpus && t->object[i].type <= PACKAGE)
            return &t->object[i];
    if (!pcpus || !nests(t, pcpus))
        return object(t, MACHINE, 0);
    struct object *group = object(t, GROUP, node);
    group->pcpus = pcpus;
    return group;
}

/* ---- text --------------------------------------------------------------------------------- */

static void put_set(struct tree *t, const char *name, uint64_t set)
{
    if (set >> 32)
        fprintf(t->out, " %s=\"0x%08x,0x%08x\"", name, (unsigned)(set >> 32), (unsigned)set);
    else
        fprintf(t->out, " %s=\"0x%08x\"", name, (unsigned)set);
}

static void put_sets(struct tree *t, uint64_t pcpus, uint64_t nodes)
{
    put_set(t, "cpuset", pcpus);
    put_set(t, "complete_cpuset", pcpus);
    put_set(t, "nodeset", nodes);
    put_set(t, "complete_nodeset", nodes);
    fprintf(t->out, " gp_index=\"%u\"", ++t->last_id);
}

static void put_node(struct tree *t, unsigned node, const struct object *home)
{
    uint64_t size = t->hw->node[node].total;

    fprintf(t->out, "<object type=\"NUMANode\" os_index=\"%u\"", node);
    put_sets(t, home->pcpus, 1ULL << node);
    fprintf(t->out,
            " local_memory=\"%" PRIu64 "\"><page_type size=\"4096\" count=\"%" PRIu64
            "\"/></object>\n",
            size, size / 4096);
}

/* Nodes that are near to processors: theirs, and the machine's. */
static uint64_t nodes_near(const struct tree *t, uint64_t pcpus)
{
    uint64_t nodes = t->object[0].memory;

    for (unsigned i = 0; i < t->hw->nr_nodes; i++)
        if (t->node_pcpus[i] & pcpus || pcpus == t->object[0].pcpus)
            nodes |= 1ULL << i;
    return nodes;
}

/* Is `b` in `a`? Of objects with the same processors the outer type comes first. */
static bool is_in(const struct object *b, const struct object *a)
{
    return (b->pcpus & ~a->pcpus) == 0 && (b->pcpus != a->pcpus || b->type > a->type);
}

static bool is_child(const struct tree *t, const struct object *child, const struct object *of)
{
    if (!is_in(child, of))
        return false;
    for (unsigned i = 0; i < t->nr; i++)
        if (is_in(child, &t->object[i]) && is_in(&t->object[i], of))
            return false;
    return true;
}

static void put_object(struct tree *t, const struct object *o)
{
    unsigned index = o->type == CORE ? o->index & 0xffff : o->index;

    fprintf(t->out, "<object type=\"%s\"", type_names[o->type]);
    if (o->type != GROUP)
        fprintf(t->out, " os_index=\"%u\"", index);
    put_sets(t, o->pcpus, nodes_near(t, o->pcpus));
    if (o->type == MACHINE) {
        put_set(t, "allowed_cpuset", o->pcpus);
        put_set(t, "allowed_nodeset", nodes_near(t, o->pcpus));
        fputs("><info name=\"Backend\" value=\"Moirai\"/>\n", t->out);
    } else {
        fputs(">\n", t->out);
    }
    for (unsigned i = 0; i < t->hw->nr_nodes; i++)
        if (o->memory >> i & 1)
            put_node(t, i, o);
    for (unsigned i = 0; i < t->nr; i++)
        if (is_child(t, &t->object[i], o))
            put_object(t, &t->object[i]);
    fputs("</object>\n", t->out);
}

/* kind: 1 the firmware's words, 4 latency. The length is that of the text with its last blank. */
static void put_distances(struct tree *t)
{
    unsigned n = t->hw->nr_nodes;
    size_t length = 0;

    fprintf(t->out,
            "<distances2 type=\"NUMANode\" nbobjs=\"%u\" kind=\"5\" name=\"NUMALatency\" "
            "indexing=\"os\">\n",
            n);
    for (unsigned i = 0; i < n; i++)
        length += (size_t)snprintf(NULL, 0, "%u ", i);
    fprintf(t->out, "<indexes length=\"%zu\">", length);
    for (unsigned i = 0; i < n; i++)
        fprintf(t->out, "%u ", i);
    fputs("</indexes>\n", t->out);
    for (unsigned i = 0; i < n; i++) {
        length = 0;
        for (unsigned j = 0; j < n; j++)
            length += (size_t)snprintf(NULL, 0, "%u ", t->hw->distance[i][j]);
        fprintf(t->out, "<u64values length=\"%zu\">", length);
        for (unsigned j = 0; j < n; j++)
            fprintf(t->out, "%u ", t->hw->distance[i][j]);
        fputs("</u64values>\n", t->out);
    }
    fputs("</distances2>\n", t->out);
}

static void put_topology(struct tree *t)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
          "<topology version=\"2.0\">\n",
          t->out);
    put_object(t, &t->object[0]);
    if (t->hw->nr_nodes > 1)
        put_distances(t);
    fputs("</topology>\n", t->out);
}

const char *hardware_xml(struct arena *a, const struct hardware *hw)
{
    struct tree *t = arena_alloc(a, sizeof *t);
    char *text = NULL;
    size_t size;

    t->hw = hw;
    object(t, MACHINE, 0);
    for (unsigned i = 0; i < hw->nr_pcpus; i++)
        if (!hw->pcpu[i].offline)
            add_pcpu(t, i);
    for (unsigned i = 0; i < hw->nr_nodes; i++)
        home_of(t, i)->memory |= 1ULL << i;
    t->out = open_memstream(&text, &size);
    if (!t->out)
        return NULL;
    put_topology(t);
    fclose(t->out);
    char *copy = arena_strdup(a, text);
    free(text);
    return copy;
}
