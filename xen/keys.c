/* Debug keys: what the hypervisor tells about itself, by `xl debug-keys` or typed at its console.
 */
#include "console.h"
#include "event.h"
#include "x86/arch.h"

#define MAX_KEYS 32

struct key {
    char key;
    const char *what;
    void (*run)(void);
};
static struct key keys[MAX_KEYS]; /* with its contents below; ends at the first without `run` */

static void each_domain(void (*f)(struct domain *))
{
    struct domain *d;

    for (unsigned id = 0; id < MAX_DOMAINS && (d = domain_get_next((domid_t)id)); id = d->id + 1u) {
        f(d);
        domain_put(d);
    }
}

/* ---- what there is to see --------------------------------------------------------------- */

static const char *state_of(const struct vcpu *v)
{
    static const char *const names[] = {
        [SCHED_DETACHED] = "detached", [SCHED_BLOCKED] = "sleeps",  [SCHED_PARKED] = "parked",
        [SCHED_WAITING] = "waits",     [SCHED_RUNNING] = "running",
    };
    return v->down ? "down" : names[v->unit->state];
}

static void show_vcpu(const struct vcpu *v)
{
    const struct pcpu *loaded = v->loaded_on;

    printk(LOG_ERR, "    v%u: %s, pauses %u, last on pCPU %d, loaded on %d, vector 0x%x", v->id,
           state_of(v), v->unit->paused, v->last ? (int)v->last->id : -1,
           loaded ? (int)loaded->id : -1, v->upcall_vector);
}

static void show_domain(struct domain *d)
{
    printk(LOG_ERR, "  d%u: references %u, pages %lu of %lu, tables %lu, pauses %u%s%s", d->id,
           d->refs - 1, d->tot_pages, d->max_pages, d->p2m.nr_tables, d->pauses,
           d->dying ? ", dying" : "", d->shut_down ? ", shut down" : "");
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            show_vcpu(d->vcpus[i]);
}

static void show_domains(void)
{
    printk(LOG_ERR, "domains:");
    each_domain(show_domain);
}

static void show_unit(const struct sched_unit *u)
{
    static const char mark[] = {
        [SCHED_DETACHED] = '-', [SCHED_BLOCKED] = 's', [SCHED_PARKED] = 'p',
        [SCHED_WAITING] = 'w',  [SCHED_RUNNING] = 'r',
    };
    printk(LOG_ERR, "    d%uv%u %c service %ld ms, moved %lu times", u->domain->id, u->vcpu,
           mark[u->state], u->service / 1000000, u->migrations);
}

static const char *pool_name(const struct pcpu *p)
{
    if (!p->online)
        return "offline";
    return p->sched->pool ? sched_policy_name(p->sched->pool->policy) : "no pool";
}

static void show_queues(void)
{
    printk(LOG_ERR, "run queues at %ld us (r runs, w waits, s sleeps, p parked):", now() / 1000);
    spin_lock(&sched_lock);
    for (unsigned i = 0; i < nr_pcpus; i++) {
        const struct sched_pcpu *p = pcpus[i]->sched;

        if (!p)
            continue;
        printk(LOG_ERR, "  pCPU %u: %s, runnable %u, until %ld us", i, pool_name(pcpus[i]),
               p->nr_runnable, p->until == SCHED_NEVER ? -1 : p->until / 1000);
        list_for_each(u, &p->units, struct sched_unit, home_link)
            show_unit(u);
    }
    spin_unlock(&sched_lock);
}

static void show_time(void)
{
    printk(LOG_ERR, "time %ld us, TSC %lu kHz, wall clock at the start %ld s", now() / 1000,
           tsc_khz, wallclock_base / 1000000000);
    for (unsigned i = 0; i < nr_pcpus; i++)
        printk(LOG_ERR, "  pCPU %u: idle %lu us, %lu timers, timer set to %ld us", i,
               pcpus[i]->idle_ns / 1000, pcpus[i]->timers.size,
               pcpus[i]->timer_armed == SCHED_NEVER ? -1 : pcpus[i]->timer_armed / 1000);
}

static void show_channels_of(struct domain *d)
{
    events_dump(d);
}

static void show_channels(void)
{
    each_domain(show_channels_of);
}

static void show_memory_of(struct domain *d)
{
    printk(LOG_ERR, "  d%u: %lu pages, %lu tables", d->id, d->tot_pages, d->p2m.nr_tables);
}

static void show_memory(void)
{
    uint64_t objects, pages;

    printk(LOG_ERR, "memory: %lu frames, %lu free, greatest %lx", frames_total(),
           frames_free_count(NODE_ANY), frames_max());
    for (unsigned node = 0; node < MAX(acpi.nr_nodes, 1u); node++)
        printk(LOG_ERR, "  node %u: %lu frames, %lu free", node, frames_node_total(node),
               frames_free_count(node));
    xmalloc_count(&objects, &pages);
    printk(LOG_ERR, "  small objects: %lu in %lu frames", objects, pages);
    each_domain(show_memory_of);
}

static void show_help(void)
{
    for (const struct key *k = keys; k < keys + MAX_KEYS && k->run; k++)
        printk(LOG_ERR, "  %c  %s", k->key, k->what);
}

static void reboot(void)
{
    printk(LOG_ERR, "reboot by debug key");
    machine_reboot();
}

static void show_all(void)
{
    for (const struct key *k = keys; k < keys + MAX_KEYS && k->run; k++)
        if (k->run != show_all && k->run != show_help && k->run != reboot)
            k->run();
}

/* ---- the table -------------------------------------------------------------------------- */

static struct key keys[MAX_KEYS] = {
    {'h', "this help", show_help},          {'q', "domains and their vCPUs", show_domains},
    {'r', "run queues", show_queues},       {'t', "time and timers", show_time},
    {'e', "event channels", show_channels}, {'m', "memory", show_memory},
    {'R', "reboot the machine", reboot},    {'*', "all that only show something", show_all},
};

void debug_key_register(char key, const char *what, void (*run)(void))
{
    for (struct key *k = keys; k < keys + MAX_KEYS; k++) {
        if (!k->run) {
            *k = (struct key){key, what, run};
            return;
        }
    }
    panic("no room for debug key '%c'", key);
}

void debug_key(char key)
{
    for (const struct key *k = keys; k < keys + MAX_KEYS && k->run; k++) {
        if (k->key == key) {
            k->run();
            return;
        }
    }
    printk(LOG_ERR, "no debug key '%c'; 'h' lists them", key >= ' ' && key < 0x7f ? key : '?');
}
