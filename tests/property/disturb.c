/* Events from outside while everything runs: see trial.h. */
#include "trial.h"

#define MOST_UNITS 300 /* the harness has room for HARNESS_MAX_UNITS */

static struct sched_pool *any_pool(struct trial *t)
{
    return t->h->pools[draw(t, t->h->nr_pools)];
}

static struct sched_domain *any_domain(struct trial *t)
{
    return t->nr_domains ? t->domains[draw(t, t->nr_domains)] : NULL;
}

/* NULL if there is none, sometimes also if there are. */
static struct sched_unit *any_unit(struct trial *t)
{
    for (unsigned i = 0; i < 10 && t->h->nr_units; i++) {
        struct sched_unit *u = t->h->units[draw(t, t->h->nr_units)].unit;
        if (u->state != SCHED_DETACHED)
            return u;
    }
    return NULL;
}

static void pause_or_not(struct trial *t, struct sched_unit *u)
{
    if (u->paused && one_in(t, 2))
        sched_unpause(u, t->h->now);
    else if (u->paused < 2)
        sched_pause(u, t->h->now);
}

static void sleep_or_wake(struct trial *t, struct sched_unit *u)
{
    if (u->awake)
        sched_block(u, t->h->now);
    else
        sched_wake(u, t->h->now);
}

static void repin(struct trial *t, struct sched_unit *u)
{
    struct mask hard, soft;
    bool any = one_in(t, 4), prefers = one_in(t, 2);

    draw_mask(t, (enum spread)draw(t, NR_SPREADS), t->h->nr_pcpus, &hard);
    draw_mask(t, (enum spread)draw(t, NR_SPREADS), t->h->nr_pcpus, &soft);
    sched_set_affinity(u, any ? NULL : &hard, prefers ? &soft : NULL, t->h->now, NULL);
}

static void replug(struct trial *t)
{
    struct sched_pcpu *p = t->h->pcpus[draw(t, t->h->nr_pcpus)];

    if (p->pool)
        sched_pool_remove_pcpu(p, t->h->now, NULL);
    if (!p->pool && one_in(t, 2))
        sched_pool_add_pcpu(any_pool(t), p, t->h->now);
}

static void switch_policy(struct trial *t)
{
    unsigned n = 0;

    while (sched_policies[n])
        n++;
    sched_pool_switch(any_pool(t), sched_policies[draw(t, n)], t->h->now, NULL);
}

static void create(struct trial *t)
{
    if (t->h->nr_units >= MOST_UNITS)
        return;
    if (t->nr_domains && one_in(t, 2))
        generate_unit(t, any_domain(t));
    else if (t->h->pool->nr_cpus) /* where new domains are created */
        generate_unit(t, NULL);
}

static void destroy(struct trial *t, struct sched_unit *u)
{
    struct sched_domain *d = u->domain;

    sched_unit_fini(u, t->h->now);
    t->h->units[u->id].alarm = SCHED_NEVER;
    if (d->nr_units)
        return;
    sched_domain_fini(d);
    for (unsigned i = 0; i < t->nr_domains; i++)
        if (t->domains[i] == d)
            t->domains[i] = t->domains[--t->nr_domains];
}

static void set_table(struct trial *t, struct sched_pool *pool)
{
    struct sched_window window[8];
    unsigned n = 0;

    list_for_each(d, &pool->domains, struct sched_domain, pool_link)
        if (n < 8)
            window[n++] = (struct sched_window){d, draw(t, 2), draw_log(t, 100 * US, 5 * MS)};
    sched_set_table(pool, draw_log(t, MS, 40 * MS), window, n, t->h->now, NULL);
}

static void disturb_unit(struct trial *t, struct sched_unit *u)
{
    switch (draw(t, t->calm ? 5 : 8)) {
    case 0:
        pause_or_not(t, u);
        break;
    case 1:
        sleep_or_wake(t, u);
        break;
    case 2:
        repin(t, u);
        break;
    case 3:
        sched_unit_yield(u, t->h->now);
        break;
    case 4:
        give_weight(t, u, 64 << draw(t, 5));
        break;
    case 5:
        generate_unit_params(t, u);
        break;
    case 6:
        generate_domain_params(t, u->domain);
        break;
    default:
        destroy(t, u);
    }
}

static void disturb_pools(struct trial *t)
{
    struct sched_domain *d = any_domain(t);

    switch (draw(t, t->calm ? 4 : 7)) {
    case 0:
    case 1:
        replug(t);
        break;
    case 2:
        create(t);
        break;
    case 3:
        set_table(t, any_pool(t));
        break;
    case 4:
        generate_pool_params(t, any_pool(t));
        break;
    case 5:
        switch_policy(t);
        break;
    default:
        if (d)
            sched_domain_move(d, any_pool(t), t->h->now, NULL);
    }
}

void disturb(struct trial *t)
{
    struct sched_unit *u = any_unit(t);

    if (!u || one_in(t, 4))
        disturb_pools(t);
    else
        disturb_unit(t, u);
    changed(t);
}
