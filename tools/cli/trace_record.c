#define _GNU_SOURCE
#include "trace_record.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include <xen/trace.h>

#include "../sim/message.h"
#include "host.h"

#define LOOK_EVERY 20000000 /* ns */

struct recorder {
    const char *path;
    FILE *file;
    struct host *host;
    xc_interface *xc;
    xenforeignmemory_handle *memory;
    struct t_info *table;
    size_t table_pages;
    unsigned nr_pcpus, pages;
    struct t_buf **ring; /* by pCPU */
    uint32_t data_size;
    uint64_t written;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static const struct place here = {"moirai trace record", 0};

/* ---- notes: what the rings do not say ------------------------------------------------------ */

/* The stretch is pCPU 0's. */
static void write_record(struct recorder *r, uint32_t event, const uint32_t *word, unsigned n)
{
    const uint32_t stretch[] = {TRC_TRACE_CPU_CHANGE | 2u << TRACE_EXTRA_SHIFT, 0,
                                (uint32_t)((1 + n) * sizeof *word)};
    const uint32_t head = event | n << TRACE_EXTRA_SHIFT;

    fwrite(stretch, sizeof stretch, 1, r->file);
    fwrite(&head, sizeof head, 1, r->file);
    fwrite(word, sizeof *word, n, r->file);
}

static void write_values(struct recorder *r, enum moirai_scope scope, unsigned id, unsigned vcpu)
{
    int64_t value[MOIRAI_VALUES];

    if (!host_get(r->host, scope, id, vcpu, value))
        return;
    for (unsigned i = 0; i < MOIRAI_VALUES; i++) {
        const uint32_t word[] = {
            (uint32_t)scope, id, vcpu, i, (uint32_t)value[i], (uint32_t)((uint64_t)value[i] >> 32)};
        write_record(r, MOIRAI_TRACE_VALUE, word, 6);
    }
}

static void write_table(struct recorder *r, unsigned pool)
{
    struct moirai_table *t = &host_op(r->host)->u.table;
    const struct moirai_window *w = host_room(r->host);

    *t = (struct moirai_table){.pool = pool, .windows = (uintptr_t)w};
    if (host_call(r->host, MOIRAI_GET_TABLE))
        return;
    const uint32_t word[] = {pool, (uint32_t)t->major_frame,
                             (uint32_t)((uint64_t)t->major_frame >> 32)};
    write_record(r, MOIRAI_TRACE_TABLE, word, 3);
    for (unsigned i = 0; i < t->nr; i++) {
        const uint32_t window[] = {pool, w[i].domain, w[i].vcpu, (uint32_t)w[i].runtime,
                                   (uint32_t)((uint64_t)w[i].runtime >> 32)};
        write_record(r, MOIRAI_TRACE_WINDOW, window, 5);
    }
}

static bool write_pools(struct recorder *r)
{
    unsigned nr;
    struct moirai_pool *pools = host_pools(r->host, &nr);

    for (unsigned i = 0; pools && i < nr; i++) {
        const struct policy *p = host_policy(r->host, pools[i].policy);
        const uint32_t word[] = {pools[i].pool, (uint32_t)pools[i].policy, (uint32_t)pools[i].pcpus,
                                 (uint32_t)(pools[i].pcpus >> 32)};

        write_record(r, MOIRAI_TRACE_POOL, word, 4);
        write_values(r, MOIRAI_SCOPE_POOL, pools[i].pool, 0);
        if (p && !strcmp(p->info.name, "arinc653"))
            write_table(r, pools[i].pool);
    }
    free(pools);
    return pools != NULL;
}

static void write_domain(struct recorder *r, unsigned id)
{
    char name[NAME_SIZE] = "";
    uint32_t word[7] = {id};

    host_domain_name(r->host, id, name);
    memcpy(&word[1], name, strnlen(name, 6 * sizeof word[0]));
    write_record(r, MOIRAI_TRACE_NAME, word, 7);
    write_values(r, MOIRAI_SCOPE_DOMAIN, id, 0);
}

static bool write_vcpus(struct recorder *r)
{
    unsigned nr;
    struct moirai_vcpu *list = host_vcpus(r->host, &nr);

    for (unsigned i = 0; list && i < nr; i++) {
        const uint32_t word[] = {list[i].domain, list[i].vcpu, list[i].pool, (uint32_t)list[i].hard,
                                 (uint32_t)(list[i].hard >> 32)};

        if (!i || list[i - 1].domain != list[i].domain)
            write_domain(r, list[i].domain);
        write_record(r, MOIRAI_TRACE_PLACE, word, 5);
        write_values(r, MOIRAI_SCOPE_VCPU, list[i].domain, list[i].vcpu);
    }
    free(list);
    return list != NULL;
}

/* ---- the rings ----------------------------------------------------------------------------- */

static bool failed(const char *what)
{
    return complain(here, "%s: %s", what, strerror(errno));
}

static bool map_table(struct recorder *r)
{
    unsigned long mfn, size;

    xc_tbuf_set_evt_mask(r->xc, TRC_SCHED);
    if (xc_tbuf_enable(r->xc, r->pages, &mfn, &size))
        return failed("recording can not be switched on");
    r->table_pages = size >> XC_PAGE_SHIFT;
    xen_pfn_t frame[16];
    if (!r->table_pages || r->table_pages > 16)
        return complain(here, "the table of rings has %zu pages", r->table_pages);
    for (size_t i = 0; i < r->table_pages; i++)
        frame[i] = mfn + i;
    r->table = xenforeignmemory_map(r->memory, DOMID_XEN, PROT_READ, r->table_pages, frame, NULL);
    return r->table || failed("the table of rings can not be mapped");
}

static bool map_ring(struct recorder *r, unsigned pcpu)
{
    const uint32_t *mfn = (const uint32_t *)r->table + r->table->mfn_offset[pcpu];
    xen_pfn_t *frame = calloc(r->pages, sizeof *frame);

    if (!frame)
        return complain(here, "out of memory");
    for (unsigned i = 0; i < r->pages; i++)
        frame[i] = mfn[i];
    r->ring[pcpu] =
        xenforeignmemory_map(r->memory, DOMID_XEN, PROT_READ | PROT_WRITE, r->pages, frame, NULL);
    free(frame);
    return r->ring[pcpu] || failed("a ring can not be mapped");
}

static bool map_rings(struct recorder *r)
{
    xc_physinfo_t info = {0};

    if (xc_physinfo(r->xc, &info))
        return failed("the number of pCPUs");
    r->nr_pcpus = info.max_cpu_id + 1; /* those that are offline too */
    r->pages = r->table->tbuf_size;
    r->data_size = (uint32_t)(r->pages * XC_PAGE_SIZE - sizeof(struct t_buf));
    r->ring = calloc(r->nr_pcpus, sizeof *r->ring);
    for (unsigned i = 0; r->ring && i < r->nr_pcpus; i++)
        if (!map_ring(r, i))
            return false;
    return r->ring || complain(here, "out of memory");
}

static void write_stretch(struct recorder *r, unsigned pcpu, uint32_t from, uint32_t bytes)
{
    const uint32_t head[] = {TRC_TRACE_CPU_CHANGE | 2u << TRACE_EXTRA_SHIFT, pcpu, bytes};
    const char *data = (const char *)(r->ring[pcpu] + 1);
    uint32_t first = from + bytes > r->data_size ? r->data_size - from : bytes;

    fwrite(head, sizeof head, 1, r->file);
    fwrite(data + from, 1, first, r->file);
    fwrite(data, 1, bytes - first, r->file);
    r->written += bytes;
}

static void drain(struct recorder *r, unsigned pcpu, bool keep)
{
    struct t_buf *ring = r->ring[pcpu];
    uint32_t cons = ring->cons, prod = __atomic_load_n(&ring->prod, __ATOMIC_ACQUIRE);
    uint32_t bytes = prod >= cons ? prod - cons : prod + 2 * r->data_size - cons;

    if (keep && bytes)
        write_stretch(r, pcpu, cons % r->data_size, bytes);
    __atomic_store_n(&ring->cons, prod, __ATOMIC_RELEASE);
}

static void drain_all(struct recorder *r, bool keep)
{
    for (unsigned i = 0; i < r->nr_pcpus; i++)
        drain(r, i, keep);
}

/* ---- recording ----------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static bool record(struct recorder *r, int64_t duration)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY};
    unsigned long mfn, size;
    int64_t end;

    /* What others left in the rings goes first. */
    xc_tbuf_disable(r->xc);
    drain_all(r, false);
    if (!write_pools(r) || !write_vcpus(r))
        return false;
    end = clock_ns() + duration;
    if (xc_tbuf_enable(r->xc, r->pages, &mfn, &size))
        return failed("recording can not be switched on");
    while (!stopped && !ferror(r->file) && (!duration || clock_ns() < end)) {
        nanosleep(&pause, NULL);
        drain_all(r, true);
    }
    xc_tbuf_disable(r->xc);
    drain_all(r, true);
    return true;
}

static bool open_all(struct recorder *r)
{
    r->host = host_open();
    if (!r->host)
        return false;
    r->xc = xc_interface_open(NULL, NULL, 0);
    r->memory = xenforeignmemory_open(NULL, 0);
    if (!r->xc || !r->memory)
        return failed("libxenctrl");
    r->file = fopen(r->path, "wb");
    return r->file || failed(r->path);
}

static bool close_all(struct recorder *r)
{
    bool ok = true;

    if (r->file)
        ok = !ferror(r->file);
    if (r->file && fclose(r->file))
        ok = false;
    if (r->table)
        xenforeignmemory_unmap(r->memory, r->table, r->table_pages);
    for (unsigned i = 0; r->ring && i < r->nr_pcpus; i++)
        if (r->ring[i])
            xenforeignmemory_unmap(r->memory, r->ring[i], r->pages);
    free(r->ring);
    if (r->memory)
        xenforeignmemory_close(r->memory);
    if (r->xc)
        xc_interface_close(r->xc);
    host_close(r->host);
    return ok || failed(r->path);
}

bool trace_record(const struct record_options *o)
{
    struct recorder r = {.path = o->file, .pages = o->pages};
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool ok = open_all(&r) && map_table(&r) && map_rings(&r) && record(&r, o->duration);
    ok = close_all(&r) && ok;
    if (ok)
        fprintf(stderr, "%s: %" PRIu64 " KiB\n", o->file, (r.written + 1023) / 1024);
    return ok;
}
