#define _GNU_SOURCE
#include "balloon_host.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenctrl.h>
#include <xenstore.h>

#include "meminfo.h"

/* The limit that xl sets is so much above the target (KiB). */
#define XL_SLACK 1024

#define AT_ONCE 64 /* domains asked for by one hypercall */

static const struct place here = {"moirai balloond", 0};

struct balloon_host {
    xc_interface *control;
    struct xs_handle *store;
    const struct rules *rules;
    struct guest *guests;
    unsigned nr, room;
    int64_t free;
};

int64_t balloon_host_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

struct guest *balloon_host_guests(struct balloon_host *h, unsigned *nr)
{
    *nr = h->nr;
    return h->guests;
}

int64_t balloon_host_free(const struct balloon_host *h)
{
    return h->free;
}

/* ---- opening ------------------------------------------------------------------------------- */

struct balloon_host *balloon_host_open(const struct rules *rules)
{
    struct balloon_host *h = calloc(1, sizeof *h);

    if (!h) {
        complain(here, "out of memory");
        return NULL;
    }
    h->rules = rules;
    h->control = xc_interface_open(NULL, NULL, 0);
    h->store = xs_open(0);
    if (h->control && h->store)
        return h;
    complain(here, "can not reach the hypervisor or xenstore: %s; is this dom0, as root?",
             strerror(errno));
    balloon_host_close(h);
    return NULL;
}

void balloon_host_close(struct balloon_host *h)
{
    if (h->store)
        xs_close(h->store);
    if (h->control)
        xc_interface_close(h->control);
    free(h->guests);
    free(h);
}

/* ---- xenstore ------------------------------------------------------------------------------ */

struct path {
    char text[64];
};

static const char *path_of(unsigned id, const char *key, struct path *buffer)
{
    snprintf(buffer->text, sizeof buffer->text, "/local/domain/%u/%s", id, key);
    return buffer->text;
}

/* To be freed; NULL: there is no such key. */
static char *read_key(struct xs_handle *store, xs_transaction_t t, unsigned id, const char *key)
{
    struct path path;
    unsigned length;

    return xs_read(store, t, path_of(id, key, &path), &length);
}

static bool write_key(struct xs_handle *store, xs_transaction_t t, unsigned id, const char *key,
                      const char *text)
{
    struct path path;

    return xs_write(store, t, path_of(id, key, &path), text, (unsigned)strlen(text));
}

/* KiB, or -1. */
static int64_t read_memory(struct xs_handle *store, xs_transaction_t t, unsigned id,
                           const char *key)
{
    char *text = read_key(store, t, id, key), *end;
    int64_t kib = text ? strtoll(text, &end, 10) : -1;

    if (text && (end == text || *end || kib < 0 || kib > BALLOON_MEMORY_MAX))
        kib = -1;
    free(text);
    return kib;
}

/* ---- reports ------------------------------------------------------------------------------- */

static void take_report(struct guest *g, const char *meminfo, const char *pressure)
{
    if (!meminfo || !meminfo_parse(meminfo, &g->policy.report))
        return;
    g->policy.report.pressure = pressure ? pressure_parse(pressure) : 0;
    g->policy.reported = balloon_host_now();
}

static void read_report(struct balloon_host *h, unsigned id)
{
    char *meminfo = read_key(h->store, XBT_NULL, id, "data/meminfo");
    char *pressure = read_key(h->store, XBT_NULL, id, "data/pressure");

    for (unsigned i = 0; i < h->nr; i++)
        if (h->guests[i].id == id)
            take_report(&h->guests[i], meminfo, pressure);
    free(meminfo);
    free(pressure);
}

/* The watch's token is the domain's number. */
static void take_event(struct balloon_host *h)
{
    char **event = xs_check_watch(h->store);

    if (event && strstr(event[XS_WATCH_PATH], "/meminfo"))
        read_report(h, (unsigned)strtoul(event[XS_WATCH_TOKEN], NULL, 10));
    free(event);
}

static void wait_for_reports(struct balloon_host *h, int64_t ms)
{
    int64_t end = balloon_host_now() + ms, left;

    while ((left = end - balloon_host_now()) > 0) {
        struct pollfd store = {.fd = xs_fileno(h->store), .events = POLLIN};

        if (poll(&store, 1, (int)left) > 0)
            take_event(h);
    }
}

/* dom0 is where we are. */
static char *read_file(const char *path, char *text, size_t size)
{
    FILE *in = fopen(path, "r");

    if (!in)
        return NULL;
    text[fread(text, 1, size - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void report_for_dom0(struct guest *g)
{
    char meminfo[4096], pressure[512];

    take_report(g, read_file("/proc/meminfo", meminfo, sizeof meminfo),
                read_file("/proc/pressure/memory", pressure, sizeof pressure));
}

/* ---- looking ------------------------------------------------------------------------------- */

static struct guest *find_guest(struct balloon_host *h, unsigned id)
{
    for (unsigned i = 0; i < h->nr; i++)
        if (h->guests[i].id == id)
            return &h->guests[i];
    return NULL;
}

/* NULL: no memory for it. */
static struct guest *add_guest(struct balloon_host *h, const xc_dominfo_t *info)
{
    struct path path;
    char token[16];

    if (h->nr == h->room) {
        unsigned room = h->room ? 2 * h->room : 16;
        struct guest *larger = realloc(h->guests, room * sizeof *larger);

        if (!larger)
            return NULL;
        h->guests = larger;
        h->room = room;
    }
    struct guest *g = &h->guests[h->nr++];
    *g = (struct guest){.id = info->domid, .told_most = (int64_t)info->max_memkb};
    g->policy.reported = INT64_MIN / 2;
    g->policy.target = read_memory(h->store, XBT_NULL, g->id, "memory/target");
    g->most = read_memory(h->store, XBT_NULL, g->id, "memory/balloond-max");
    g->most = g->most > 0 ? g->most : 0;
    snprintf(token, sizeof token, "%u", g->id);
    xs_watch(h->store, path_of(g->id, "data", &path), token);
    return g;
}

static void read_name(struct balloon_host *h, struct guest *g)
{
    char *name = read_key(h->store, XBT_NULL, g->id, "name");

    snprintf(g->name, sizeof g->name, "%s", name ? name : "");
    if (!name)
        snprintf(g->name, sizeof g->name, "%u", g->id);
    free(name);
}

/* A target that we have not set is an operator's. */
static void look_at_target(struct balloon_host *h, struct guest *g, int64_t target)
{
    char *mode = read_key(h->store, XBT_NULL, g->id, "memory/balloond");
    bool held = mode && !strcmp(mode, "held");

    if (target != g->policy.target && !held) {
        held = true;
        write_key(h->store, XBT_NULL, g->id, "memory/balloond", "held");
    }
    g->policy.target = target;
    g->policy.held = held;
    free(mode);
}

/* So is a limit, but for the one that `xl mem-set` sets with its target. Kept in xenstore, where
 * the next balloond finds it. */
static void look_at_limit(struct balloon_host *h, struct guest *g, int64_t limit, bool new_target)
{
    int64_t most = g->most;
    char text[24];

    if (new_target && limit - XL_SLACK == g->policy.target)
        most = 0;
    else if (limit != g->told_most)
        most = limit - XL_SLACK;
    if (most != g->most) {
        snprintf(text, sizeof text, "%" PRId64, most);
        write_key(h->store, XBT_NULL, g->id, "memory/balloond-max", text);
    }
    g->most = most;
    g->told_most = limit;
}

/* One rule must be for it alone. */
static bool dom0_is_ours(const struct rules *r)
{
    for (unsigned i = 0; i < r->nr; i++)
        if (!strcmp(r->list[i].name, "Domain-0"))
            return true;
    return false;
}

/* Returns false if the domain is not ours to look after: it is being built, or dom0 and no rule
 * names it. */
static bool look_at(struct balloon_host *h, const xc_dominfo_t *info)
{
    int64_t target = read_memory(h->store, XBT_NULL, info->domid, "memory/target");
    int64_t static_max = read_memory(h->store, XBT_NULL, info->domid, "memory/static-max");
    struct guest *g = find_guest(h, info->domid);

    if (target < 0 || static_max <= 0 || (!info->domid && !dom0_is_ours(h->rules)) ||
        (!g && !(g = add_guest(h, info))))
        return false;
    bool new_target = target != g->policy.target;
    g->seen = true;
    g->static_max = static_max;
    read_name(h, g);
    g->policy.memory = (int64_t)info->nr_pages * 4;
    look_at_target(h, g, target);
    look_at_limit(h, g, (int64_t)info->max_memkb, new_target);
    rule_apply(rules_find(h->rules, g->name),
               g->most > 0 && g->most < static_max ? g->most : static_max, &g->policy);
    if (!g->id)
        report_for_dom0(g);
    return true;
}

static void forget_the_gone(struct balloon_host *h)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < h->nr; i++) {
        struct path path;
        char token[16];

        if (h->guests[i].seen) {
            h->guests[kept++] = h->guests[i];
            continue;
        }
        snprintf(token, sizeof token, "%u", h->guests[i].id);
        xs_unwatch(h->store, path_of(h->guests[i].id, "data", &path), token);
    }
    h->nr = kept;
}

/* What others than dom0 may still take is not free. */
static void look_at_all(struct balloon_host *h, const xc_dominfo_t *info, int nr)
{
    for (int i = 0; i < nr; i++) {
        int64_t more = (int64_t)info[i].max_memkb - (int64_t)info[i].nr_pages * 4;

        if (!info[i].dying && !look_at(h, &info[i]) && info[i].domid && more > 0)
            h->free -= more;
    }
}

static bool look_at_domains(struct balloon_host *h)
{
    xc_dominfo_t info[AT_ONCE];
    uint32_t from = 0;
    int nr;

    for (unsigned i = 0; i < h->nr; i++)
        h->guests[i].seen = false;
    while ((nr = xc_domain_getinfo(h->control, from, AT_ONCE, info)) > 0) {
        look_at_all(h, info, nr);
        from = info[nr - 1].domid + 1;
    }
    if (nr < 0 && errno != ESRCH) /* which is the end of the list */
        return complain(here, "the domains can not be listed: %s", strerror(errno));
    forget_the_gone(h);
    return true;
}

bool balloon_host_look(struct balloon_host *h, int64_t ms)
{
    xc_physinfo_t info = {0};

    wait_for_reports(h, ms);
    if (xc_physinfo(h->control, &info))
        return complain(here, "the host's memory is not known: %s", strerror(errno));
    h->free = (int64_t)(info.free_pages - info.outstanding_pages) * 4;
    return look_at_domains(h);
}

/* ---- telling ------------------------------------------------------------------------------- */

/* False if the target is not `before` any more. */
static bool write_target(struct balloon_host *h, const struct guest *g, int64_t before)
{
    xs_transaction_t t = xs_transaction_start(h->store);
    char text[24];

    if (t == XBT_NULL)
        return false;
    snprintf(text, sizeof text, "%" PRId64, g->policy.target);
    bool same = read_memory(h->store, t, g->id, "memory/target") == before;
    bool ok = same && write_key(h->store, t, g->id, "memory/target", text) &&
              write_key(h->store, t, g->id, "memory/balloond", "auto");
    return xs_transaction_end(h->store, t, !ok) && ok;
}

void balloon_host_tell(struct balloon_host *h, struct guest *g, int64_t before)
{
    int64_t most = (g->policy.target + XL_SLACK) / 4 * 4; /* in pages */

    if (!write_target(h, g, before)) {
        g->policy.target = before; /* the next look sees what it is now */
        return;
    }
    /* The target of memory on demand, too, which Xen gives to domains with maxmem above memory. */
    if (xc_domain_setmaxmem(h->control, g->id, (uint64_t)most) ||
        xc_domain_set_pod_target(h->control, g->id, (uint64_t)g->policy.target / 4, NULL, NULL,
                                 NULL))
        warn(here, "%s: the hypervisor does not take its limit: %s", g->name, strerror(errno));
    g->told_most = most;
}

bool balloon_host_release(unsigned id)
{
    struct xs_handle *store = xs_open(0);

    if (!store)
        return complain(here, "can not reach xenstore: %s", strerror(errno));
    bool ok = write_key(store, XBT_NULL, id, "memory/balloond", "auto") ||
              complain(here, "xenstore does not take it: %s", strerror(errno));
    xs_close(store);
    return ok;
}
