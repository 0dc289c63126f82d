/*
 * Pages of running domains to the nodes of their vCPUs, at a bounded rate: when
 * and whose is decided by ../numa/rebalance.h.
 *
 * One timer does it all. Every REBALANCE_PERIOD it looks where vCPUs and pages
 * are; as long as there is something to move it comes every TICK and moves as
 * much as the rate allows. dom0 stays as it is: its devices know the machine's
 * addresses.
 *
 * The pCPU that has the timer does the work, at the expense of the vCPU that it
 * runs: at the default rate some hundredths of its time. Copying a large page
 * (2 MiB) is the longest that it is away for, and that the domain whose page it
 * is may have to wait.
 */
#include "boot.h"
#include "console.h"
#include "domain.h"
#include "x86/arch.h"

#define TICK 10000000 /* ns */

/* Presence of a vCPU that wants to run beside one that sleeps. */
#define BUSY   16
#define ASLEEP 1

static struct timer timer;
static struct rebalance state;
static struct numa_nodes machine;
static domid_t moving = DOMID_INVALID; /* whose pages are moved; DOMID_INVALID: nobody's */
static sched_time looked;

uint64_t rebalance_rate(void)
{
    return numa_nr_nodes() > 1 ? __atomic_load_n(&options.rebalance, __ATOMIC_RELAXED) : 0;
}

void rebalance_set_rate(uint64_t rate)
{
    __atomic_store_n(&options.rebalance, rate, __ATOMIC_RELAXED);
}

/* ---- looking ------------------------------------------------------------------------------- */

static void look_at_vcpus(const struct domain *d, uint32_t vcpus[NUMA_MAX_NODES])
{
    spin_lock(&sched_lock);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = d->vcpus[i];
        if (v && !v->down && v->unit->home)
            vcpus[pcpus[v->unit->home->id]->node] += v->blocked ? ASLEEP : BUSY;
    }
    spin_unlock(&sched_lock);
}

static uint64_t look_at(struct domain *d, sched_time t)
{
    uint32_t vcpus[NUMA_MAX_NODES] = {0};

    look_at_vcpus(d, vcpus);
    memcpy(d->numa.balance.pages, d->on_node, sizeof d->numa.balance.pages);
    rebalance_seen(&d->numa.balance, vcpus, t);
    return rebalance_misplaced(&d->numa.balance);
}

/* Who has most misplaced pages is next. */
static void look(sched_time t)
{
    struct domain *d;
    uint64_t most = 0;

    looked = t;
    moving = DOMID_INVALID;
    for (unsigned id = 1; id < MAX_DOMAINS && (d = domain_get_next((domid_t)id)); id = d->id + 1u) {
        uint64_t misplaced = d->dying ? 0 : look_at(d, t);

        if (misplaced > most) {
            most = misplaced;
            moving = d->id;
        }
        domain_put(d);
    }
    numa_nodes_read(&machine, false);
}

/* ---- moving -------------------------------------------------------------------------------- */

/* A pass begins anew when the home is another. */
static void move_for(struct domain *d, uint64_t nr, sched_time t)
{
    struct domain_numa *n = &d->numa;
    unsigned to = rebalance_target(&n->balance, &machine);
    bool end = true;

    if (n->toward != n->balance.home)
        n->at = 0;
    n->toward = n->balance.home;
    if (to < NUMA_MAX_NODES) {
        uint64_t moved = pages_move(d, &n->at, n->toward, to, nr, &end);
        rebalance_moved(&state, moved);
        n->moved += moved;
    }
    if (end) {
        n->at = 0;
        memcpy(n->balance.pages, d->on_node, sizeof n->balance.pages);
        rebalance_tried(&n->balance, t);
        moving = DOMID_INVALID;
    }
}

static void move_some(sched_time t)
{
    uint64_t nr = rebalance_allowance(&state, t);
    struct domain *d = nr && moving != DOMID_INVALID ? domain_get(moving) : NULL;

    if (!d)
        return;
    if (!d->dying)
        move_for(d, nr, t);
    domain_put(d);
}

static void tick(struct timer *self)
{
    sched_time t = now();

    state.rate = rebalance_rate();
    if (t - looked >= REBALANCE_PERIOD)
        look(t);
    move_some(t);
    timer_set(self, now() + (moving == DOMID_INVALID ? REBALANCE_PERIOD : TICK));
}

/* ---- the debug key ------------------------------------------------------------------------- */

static void show(void)
{
    struct domain *d;

    printk(LOG_ERR, "nodes: %u, pages move at %lu a second", numa_nr_nodes(), rebalance_rate());
    for (unsigned id = 0; id < MAX_DOMAINS && (d = domain_get_next((domid_t)id)); id = d->id + 1u) {
        printk(LOG_ERR, "  d%u: pages %lu, affinity %lx, home %lx, moved %lu", d->id, d->tot_pages,
               d->numa.affinity ? d->numa.affinity : d->numa.placed, d->numa.balance.home,
               d->numa.moved);
        for (unsigned node = 0; node < numa_nr_nodes(); node++)
            printk(LOG_ERR, "    node %u: %lu", node, d->on_node[node]);
        domain_put(d);
    }
}

void rebalance_init(void)
{
    debug_key_register('u', "memory of each domain by node", show);
    if (numa_nr_nodes() == 1)
        return;
    timer_init(&timer, tick);
    timer_set(&timer, now() + REBALANCE_PERIOD);
}
