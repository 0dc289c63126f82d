/* Everything at once, for a short time: only the invariants are looked at. */
#include "trial.h"

static void populate(struct trial *t)
{
    unsigned n = 1 + draw(t, 3 * t->h->nr_pcpus);
    enum spread spread = (enum spread)draw(t, NR_SPREADS);

    for (unsigned i = 0; i < n; i++) {
        struct sched_domain *d = t->nr_domains && one_in(t, 3) ? t->domains[0] : NULL;
        struct sched_unit *u = generate_unit(t, d);
        struct mask hard, soft;
        draw_mask(t, spread, t->h->nr_pcpus, &hard);
        draw_mask(t, SPREAD_INTERVALS, t->h->nr_pcpus, &soft);
        sched_set_affinity(u, &hard, one_in(t, 4) ? &soft : NULL, t->h->now, NULL);
        if (t->calm) {
            give_weight(t, u, 64 << draw(t, 5));
        } else if (one_in(t, 2)) {
            generate_domain_params(t, u->domain);
            generate_unit_params(t, u);
        }
    }
}

/* Half of the trials have a second pool, with some pCPUs, of the same or another policy. */
static void add_pool(struct trial *t)
{
    unsigned nr = 0;

    while (sched_policies[nr])
        nr++;
    const struct sched_policy *p = one_in(t, 2) ? t->policy : sched_policies[draw(t, nr)];
    struct sched_pool *pool = harness_pool(t->h, p->opt_name);
    for (unsigned i = t->h->nr_pcpus / 2 + 1; i < t->h->nr_pcpus; i++)
        if (!sched_pool_remove_pcpu(t->h->pcpus[i], 0, NULL))
            sched_pool_add_pcpu(pool, t->h->pcpus[i], 0);
}

void try_chaos(struct trial *t)
{
    unsigned steps = 20 + draw(t, 60);
    bool eventful = one_in(t, 2);
    sched_time longest = (one_in(t, 30) ? 200 : 10) * MS;

    t->calm = one_in(t, 3);
    t->h = harness_new(t->policy->opt_name, draw_pcpus(t));
    watch(t);
    if (!t->calm && one_in(t, 2))
        add_pool(t);
    if (!t->calm && one_in(t, 2))
        generate_pool_params(t, t->h->pool);
    populate(t);
    for (unsigned i = 0; i < steps; i++) {
        advance(t, draw_log(t, 10 * US, longest));
        if (eventful || one_in(t, 10))
            disturb(t);
    }
    advance(t, longest);
}
