#define _GNU_SOURCE
#include "speed_host.h"

#include <errno.h>
#include <hwloc.h>
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1 << 20)

const struct place speed_here = {"moirai node-speed", 0};

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Those CPUs that this process may use. */
static void read_cpus(struct arena *a, struct speed_node *n)
{
    struct bitmask *cpus = numa_allocate_cpumask();

    if (!numa_node_to_cpus((int)n->id, cpus))
        for (unsigned i = 0; i < cpus->size; i++)
            if (numa_bitmask_isbitset(cpus, i) && numa_bitmask_isbitset(numa_all_cpus_ptr, i))
                *arena_push(a, n->cpus, n->nr_cpus) = i;
    numa_free_cpumask(cpus);
}

static void read_node(struct arena *a, struct speed_machine *m, unsigned id)
{
    struct speed_node *n = arena_push(a, m->nodes, m->nr_nodes);
    long long left = 0;

    n->id = id;
    read_cpus(a, n);
    n->memory =
        numa_bitmask_isbitset(numa_all_nodes_ptr, id) && numa_node_size64((int)id, &left) > 0;
    n->free = n->memory ? (uint64_t)left : 0;
}

static bool is_node(unsigned id)
{
    char path[64];

    snprintf(path, sizeof path, "/sys/devices/system/node/node%u", id);
    return !access(path, F_OK);
}

static bool is_xen_domain(void)
{
    char type[8] = "";
    FILE *f = fopen("/sys/hypervisor/type", "r");

    if (f && !fgets(type, sizeof type, f))
        *type = '\0';
    if (f)
        fclose(f);
    return !strncmp(type, "xen", 3);
}

/* ---- caches ---------------------------------------------------------------------------------- */

static uint64_t cache_size(hwloc_obj_t o)
{
    return hwloc_obj_type_is_dcache(o->type) ? o->attr->cache.size : 0;
}

static uint64_t caches_above(hwloc_topology_t t, unsigned cpu)
{
    uint64_t sum = 0;

    for (hwloc_obj_t o = hwloc_get_pu_obj_by_os_index(t, cpu); o; o = o->parent)
        sum += cache_size(o);
    return sum;
}

static uint64_t caches_of(hwloc_topology_t t, hwloc_const_cpuset_t cpus)
{
    uint64_t sum = 0;

    for (int depth = 0; depth < hwloc_topology_get_depth(t); depth++)
        for (hwloc_obj_t o = hwloc_get_obj_by_depth(t, depth, 0); o; o = o->next_cousin)
            if (hwloc_bitmap_intersects(o->cpuset, cpus))
                sum += cache_size(o);
    return sum;
}

static void read_node_caches(hwloc_topology_t t, const struct speed_node *n,
                             struct speed_machine *m)
{
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();

    for (unsigned i = 0; cpus && i < n->nr_cpus; i++) {
        uint64_t one = caches_above(t, n->cpus[i]);

        hwloc_bitmap_set(cpus, n->cpus[i]);
        m->cache_one = one > m->cache_one ? one : m->cache_one;
    }
    uint64_t all = cpus ? caches_of(t, cpus) : 0;
    m->cache_all = all > m->cache_all ? all : m->cache_all;
    hwloc_bitmap_free(cpus);
}

static bool read_caches(struct speed_machine *m)
{
    hwloc_topology_t t;

    if (hwloc_topology_init(&t))
        return complain(speed_here, "hwloc does not start; is there memory left?");
    bool ok = !hwloc_topology_load(t);
    for (unsigned i = 0; ok && i < m->nr_nodes; i++)
        read_node_caches(t, &m->nodes[i], m);
    hwloc_topology_destroy(t);
    return ok || complain(speed_here, "hwloc does not understand this machine");
}

bool speed_machine_read(struct arena *a, struct speed_machine *m)
{
    *m = (struct speed_machine){.domain = is_xen_domain()};
    if (numa_available() < 0)
        return complain(speed_here,
                        "this kernel does not say which node memory is on; use one with "
                        "CONFIG_NUMA, outside of containers that forbid it");
    numa_set_bind_policy(1); /* no other node instead, if it is full */
    for (unsigned i = 0; i <= (unsigned)numa_max_node(); i++)
        if (is_node(i))
            read_node(a, m, i);
    return read_caches(m);
}

bool speed_run_on(unsigned cpu)
{
    struct bitmask *mask = numa_allocate_cpumask();

    numa_bitmask_setbit(mask, cpu);
    int error = numa_sched_setaffinity(0, mask) < 0 ? errno : 0;
    numa_free_cpumask(mask);
    return !error || complain(speed_here, "can not run on CPU %u: %s", cpu, strerror(error));
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Of all memory of this process. */
static uint64_t bytes_in_huge_pages(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib * 1024;
}

bool speed_memory_take(unsigned node, size_t size, struct speed_memory *out)
{
    *out =
        (struct speed_memory){.node = node, .at = numa_alloc_onnode(size, (int)node), .size = size};
    if (!out->at)
        return complain(speed_here, "node %u gives no %zu MiB: %s", node, size / MIB,
                        strerror(errno));
    madvise(out->at, size, MADV_HUGEPAGE); /* or the TLB misses, too */
    memset(out->at, 1, size);
    out->small_pages = bytes_in_huge_pages() < size / 2;
    return true;
}

/* `nr` pages from `at` on. */
static bool check_pages(const struct speed_memory *memory, char *at, unsigned long nr, size_t page)
{
    void *pages[512];
    int status[512];

    for (unsigned long i = 0; i < nr; i++)
        pages[i] = at + i * page;
    if (move_pages(0, nr, pages, NULL, status, 0))
        return complain(speed_here, "the kernel does not say where memory is: %s", strerror(errno));
    unsigned long bad = speed_elsewhere(status, nr, memory->node);
    if (bad == nr)
        return true;
    if (status[bad] < 0)
        return complain(speed_here,
                        "memory of node %u: the kernel does not say where a page is: %s",
                        memory->node, strerror(-status[bad]));
    return complain(speed_here, "memory of node %u is on node %d; is automatic balancing on?",
                    memory->node, status[bad]);
}

bool speed_memory_check(const struct speed_memory *memory)
{
    size_t page = (size_t)numa_pagesize(), part = 512 * page;

    for (size_t from = 0; from < memory->size; from += part) {
        size_t size = memory->size - from < part ? memory->size - from : part;

        if (!check_pages(memory, memory->at + from, size / page, page))
            return false;
    }
    return true;
}

void speed_memory_free(struct speed_memory *memory)
{
    if (memory->at)
        numa_free(memory->at, memory->size);
    memory->at = NULL;
}
