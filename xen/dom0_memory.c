/* Which machine memory is dom0's, and how dom0 is told of it. */
#include "dom0.h"

#include "boot.h"

#define LOW_END (MIB(1) >> PAGE_SHIFT)

static mfn_t first_frame(const struct boot_region *r)
{
    return ROUND_UP(r->start, PAGE_SIZE) >> PAGE_SHIFT;
}

static mfn_t end_frame(const struct boot_region *r)
{
    return (r->start + r->size) >> PAGE_SHIFT;
}

void dom0_release_first_mib(void)
{
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];

        if (r->type == E820_RAM && first_frame(r) < MIN(end_frame(r), LOW_END))
            frames_release(first_frame(r), MIN(end_frame(r), LOW_END), 0);
    }
}

/* ---- runs ------------------------------------------------------------------------- */

static int insert_run(struct dom0_memory *m, unsigned at, struct dom0_run run)
{
    if (m->nr_runs == DOM0_MAX_RUNS)
        return -XEN_ENOSPC;
    memmove(&m->run[at + 1], &m->run[at], (m->nr_runs - at) * sizeof(run));
    m->run[at] = run;
    m->nr_runs++;
    return 0;
}

static void join_next(struct dom0_memory *m, unsigned at)
{
    struct dom0_run *run = &m->run[at];

    if (at + 1 >= m->nr_runs || run->end != run[1].start || run->type != run[1].type)
        return;
    run->end = run[1].end;
    m->nr_runs--;
    memmove(run + 1, run + 2, (m->nr_runs - at - 1) * sizeof(*run));
}

static int add_run(struct dom0_memory *m, struct dom0_run run)
{
    unsigned at = 0;
    int err;

    while (at < m->nr_runs && m->run[at].start < run.start)
        at++;
    err = insert_run(m, at, run);
    if (err)
        return err;
    join_next(m, at);
    if (at)
        join_next(m, at - 1);
    return 0;
}

int dom0_set_type(struct dom0_memory *m, mfn_t start, mfn_t end, uint32_t type)
{
    for (unsigned i = 0; i < m->nr_runs; i++) {
        struct dom0_run *run = &m->run[i], rest = *run;

        if (start < run->start || end > run->end)
            continue;
        if (m->nr_runs + 2 > DOM0_MAX_RUNS)
            return -XEN_ENOSPC;
        rest.start = end;
        run->end = start;
        insert_run(m, i + 1, (struct dom0_run){start, end, type});
        if (rest.start < rest.end)
            insert_run(m, i + 2, rest);
        return 0;
    }
    return -XEN_ENOENT;
}

/* ---- choosing ----------------------------------------------------------------------- */

int dom0_claim(struct dom0_memory *m, mfn_t start, mfn_t end)
{
    int err;

    if (m->nr_runs == DOM0_MAX_RUNS)
        return -XEN_ENOSPC;
    err = domain_pages_claim(m->domain, start, end - start);
    return err ? err : add_run(m, (struct dom0_run){start, end, E820_RAM});
}

/* What is free in [start, end), by halving it where something is not. */
static void claim_free(struct dom0_memory *m, mfn_t start, mfn_t end)
{
    mfn_t middle = start + (end - start) / 2;

    if (dom0_claim(m, start, end) != -XEN_EBUSY || end - start == 1)
        return;
    claim_free(m, start, middle);
    claim_free(m, middle, end);
}

static void claim_region(struct dom0_memory *m, mfn_t start, mfn_t end, uint64_t nr)
{
    const mfn_t block = BIT(ORDER_1G);

    while (start < end && m->domain->tot_pages < nr) {
        mfn_t stop = MIN(end, ROUND_DOWN(start, block) + block);

        stop = MIN(stop, start + (nr - m->domain->tot_pages));
        claim_free(m, start, stop);
        start = stop;
    }
}

void dom0_claim_up_to(struct dom0_memory *m, uint64_t nr)
{
    for (unsigned i = 0; i < boot.nr_regions; i++)
        if (boot.region[i].type == E820_RAM)
            claim_region(m, first_frame(&boot.region[i]), end_frame(&boot.region[i]), nr);
}

paddr_t dom0_place(const struct dom0_memory *m, uint64_t size, paddr_t from, paddr_t limit)
{
    size = ROUND_UP(size, PAGE_SIZE);
    for (unsigned i = m->nr_runs; i-- > 0;) {
        paddr_t start = MAX(m->run[i].start << PAGE_SHIFT, from);
        paddr_t end = MIN(m->run[i].end << PAGE_SHIFT, limit);

        if (m->run[i].type == E820_RAM && start < end && end - start >= size)
            return end - size;
    }
    return 0;
}

/* ---- nested page tables ---------------------------------------------------------------- */

static unsigned order_at(gfn_t at, gfn_t end)
{
    static const unsigned orders[] = {ORDER_1G, ORDER_2M};

    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++)
        if (!(at & (BIT(orders[i]) - 1)) && end - at >= BIT(orders[i]))
            return orders[i];
    return ORDER_4K;
}

static int map_run(struct domain *d, const struct dom0_run *run)
{
    gfn_t at = run->start;
    int err = 0;

    while (at < run->end && !err) {
        unsigned order = order_at(at, run->end);

        err = p2m_map(d, at, at, order, P2M_RAM);
        at += BIT(order);
    }
    return err;
}

int dom0_map(const struct dom0_memory *m)
{
    int err = 0;

    for (unsigned i = 0; i < m->nr_runs && !err; i++)
        err = map_run(m->domain, &m->run[i]);
    return err;
}

/* ---- the memory map ----------------------------------------------------------------------- */

static void append(struct domain *d, paddr_t start, paddr_t end, uint32_t type)
{
    struct e820entry *last = d->nr_e820 ? &d->e820[d->nr_e820 - 1] : NULL;

    if (start >= end)
        return;
    if (last && last->type == type && last->addr + last->size == start)
        last->size += end - start;
    else if (d->nr_e820 < DOM0_MAX_MAP)
        d->e820[d->nr_e820++] = (struct e820entry){start, end - start, type};
}

static void append_ram(const struct dom0_memory *m, paddr_t start, paddr_t end)
{
    for (unsigned i = 0; i < m->nr_runs; i++) {
        paddr_t from = m->run[i].start << PAGE_SHIFT, to = m->run[i].end << PAGE_SHIFT;

        if (from < start || to > end)
            continue;
        append(m->domain, start, from, E820_UNUSABLE);
        append(m->domain, from, to, m->run[i].type);
        start = to;
    }
    append(m->domain, start, end, E820_UNUSABLE);
}

int dom0_describe(const struct dom0_memory *m)
{
    struct domain *d = m->domain;

    d->e820 = xnew_array(struct e820entry, DOM0_MAX_MAP);
    if (!d->e820)
        return -XEN_ENOMEM;
    for (unsigned i = 0; i < boot.nr_regions; i++) {
        const struct boot_region *r = &boot.region[i];

        if (r->type == E820_RAM)
            append_ram(m, r->start, r->start + r->size);
        else
            append(d, r->start, r->start + r->size, r->type);
    }
    return 0;
}
