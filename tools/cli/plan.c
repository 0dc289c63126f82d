#include "plan.h"

#include <inttypes.h>
#include <string.h>

#include "../sim/message.h"
#include "../sim/units.h"
#include "../sim/xlcfg.h"

#define MIB         (1ULL << 20)
#define MAX_VCPUS   128
#define DEFAULT_MIB 32 /* as xl takes it */
#define LARGEST_MIB (1LL << 30)

static const struct place here = {"moirai place", 0};

/* ---- the machine --------------------------------------------------------------------------- */

bool plan_machine(struct plan *p, const char *topology)
{
    struct numa_nodes *m = &p->before;
    struct host *host = &p->machine;
    struct problem problem;

    if (!topology_load(&p->memory, topology, ".", host, &problem))
        return complain(here, "%s", problem.text);
    if (!host->nr_nodes || host->nr_nodes > NUMA_MAX_NODES)
        return complain(here, "the machine has %u nodes; 1 to %u are possible", host->nr_nodes,
                        NUMA_MAX_NODES);
    m->nr = host->nr_nodes;
    for (unsigned i = 0; i < m->nr; i++) {
        uint64_t frames = host->memory[i] / PLAN_FRAME;

        m->node[i] = (struct numa_node){.total = frames, .free = frames};
        memcpy(m->distance[i], host->distance + i * m->nr, m->nr);
    }
    for (unsigned i = 0; i < host->nr_pcpus; i++)
        m->node[host->pcpus[i].node].pcpus++;
    return true;
}

void plan_hardware(struct plan *p, const struct hardware *hw)
{
    struct numa_nodes *m = &p->before;

    p->machine.nr_pcpus = hw->nr_pcpus;
    p->machine.pcpus = arena_alloc(&p->memory, hw->nr_pcpus * sizeof *p->machine.pcpus);
    m->nr = hw->nr_nodes;
    for (unsigned i = 0; i < m->nr; i++) {
        m->node[i] = (struct numa_node){.total = hw->node[i].total / PLAN_FRAME,
                                        .free = hw->node[i].free / PLAN_FRAME,
                                        .vcpus = hw->node[i].vcpus};
        for (unsigned j = 0; j < m->nr; j++)
            m->distance[i][j] = (uint8_t)(hw->distance[i][j] < 255 ? hw->distance[i][j] : 255);
    }
    for (unsigned i = 0; i < hw->nr_pcpus; i++) {
        unsigned node = hw->pcpu[i].node < m->nr ? hw->pcpu[i].node : 0;

        p->machine.pcpus[i] = (struct host_pcpu){hw->pcpu[i].core, hw->pcpu[i].socket, node};
        m->node[node].pcpus += !hw->pcpu[i].offline;
    }
}

/* ---- what a config asks for ----------------------------------------------------------------- */

static const struct key_value *find(const struct key_value *list, unsigned nr, const char *key)
{
    for (unsigned i = 0; i < nr; i++)
        if (!strcmp(list[i].key, key))
            return &list[i];
    return NULL;
}

/* Stays what it was if there is none. */
static bool number(const struct key_value *kv, int64_t most, int64_t *out)
{
    struct problem problem;

    if (!kv)
        return true;
    if (!kv->text)
        return complain(kv->where, "%s: a list is no number", kv->key);
    if (!unit_integer(kv->text, out, &problem))
        return complain(kv->where, "%s: %s", kv->key, problem.text);
    return (*out >= 1 && *out <= most) ||
           complain(kv->where, "%s: %" PRId64 " is out of range; use 1 to %" PRId64, kv->key, *out,
                    most);
}

static bool add_nodes(const struct plan *p, const struct key_value *kv, const char *text,
                      uint64_t *nodes)
{
    struct problem problem;
    struct mask pcpus;

    if (!unit_cpus(text, &p->machine, &pcpus, &problem))
        return complain(kv->where, "%s: %s", kv->key, problem.text);
    mask_for_each(i, &pcpus)
        *nodes |= numa_bit(p->machine.pcpus[i].node);
    return true;
}

/* Those of the pCPUs that one of its vCPUs may use; a list is one item for each. */
static bool allowed_nodes(const struct plan *p, const struct key_value *kv, uint64_t *nodes)
{
    *nodes = 0;
    if (!kv) {
        *nodes = numa_all(&p->before);
        return true;
    }
    if (kv->text)
        return add_nodes(p, kv, kv->text, nodes);
    for (unsigned i = 0; i < kv->nr_items; i++)
        if (!add_nodes(p, kv, kv->items[i], nodes))
            return false;
    return true;
}

/* Without a name, the file's. */
static const char *name_of(struct plan *p, const char *file, const struct key_value *name)
{
    const char *slash = strrchr(file, '/');

    return arena_strdup(&p->memory, name && name->text ? name->text : slash ? slash + 1 : file);
}

bool plan_config(struct plan *p, const char *file)
{
    struct key_value *list = NULL;
    unsigned nr = 0;
    int64_t vcpus = 1, mib = DEFAULT_MIB;
    struct plan_domain d = {.placed = false};

    if (!xlcfg_read(&p->memory, arena_strdup(&p->memory, file), here, &list, &nr) ||
        !number(find(list, nr, "vcpus"), MAX_VCPUS, &vcpus) ||
        !number(find(list, nr, "maxvcpus"), MAX_VCPUS, &vcpus) ||
        !number(find(list, nr, "memory"), LARGEST_MIB, &mib) ||
        !allowed_nodes(p, find(list, nr, "cpus"), &d.wish.allowed))
        return false;
    d.name = name_of(p, file, find(list, nr, "name"));
    d.wish.vcpus = (unsigned)vcpus;
    d.wish.frames = (uint64_t)mib * (MIB / PLAN_FRAME);
    *arena_push(&p->memory, p->domains, p->nr_domains) = d;
    return true;
}

/* ---- placing -------------------------------------------------------------------------------- */

bool plan_place(struct plan *p)
{
    bool all = true;

    p->nodes = p->before;
    for (unsigned i = 0; i < p->nr_domains; i++) {
        struct plan_domain *d = &p->domains[i];

        d->placed = numa_place(&p->nodes, &d->wish, &d->at);
        if (d->placed)
            numa_take(&p->nodes, &d->at);
        all = all && d->placed;
    }
    return all;
}

void plan_free(struct plan *p)
{
    arena_free(&p->memory);
}
