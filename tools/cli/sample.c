#include "sample.h"

#include <stddef.h>

#include <xen/xen.h>
#include <xen/vcpu.h>

const struct moirai_vcpu *vcpu_in(const struct moirai_vcpu *list, unsigned nr, unsigned domain,
                                  unsigned vcpu)
{
    unsigned from = 0, to = nr;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const struct moirai_vcpu *v = &list[middle];

        if (v->domain < domain || (v->domain == domain && v->vcpu < vcpu))
            from = middle + 1;
        else
            to = middle;
    }
    return from < nr && list[from].domain == domain && list[from].vcpu == vcpu ? &list[from] : NULL;
}

/* The upper bound of the bucket in which the quantile lies. */
static double quantile(const struct moirai_vcpu *before, const struct moirai_vcpu *after, double q)
{
    uint64_t count = after->wakes - before->wakes, seen = 0;

    for (unsigned i = 0; i < MOIRAI_BUCKETS; i++) {
        seen += after->latency[i] - before->latency[i];
        if (seen && (double)seen >= q * (double)count)
            return (double)(1ULL << i);
    }
    return 0;
}

void sample_between(const struct moirai_vcpu *before, const struct moirai_vcpu *after,
                    struct sample *out)
{
    static const struct moirai_vcpu nothing;

    *out = (struct sample){.vcpu = *after};
    if (!before || after->now <= before->now || after->wakes < before->wakes)
        before = &nothing; /* it is new, or another one of the same number */
    if (before == &nothing)
        return;
    uint64_t ns = after->now - before->now, wakes = after->wakes - before->wakes;
    uint64_t ran = after->time[RUNSTATE_running] - before->time[RUNSTATE_running];
    uint64_t waited = after->time[RUNSTATE_runnable] - before->time[RUNSTATE_runnable];

    out->seconds = (double)ns * 1e-9;
    out->ran = (double)ran / (double)ns;
    out->waited = (double)waited / (double)ns;
    out->wakes = (double)wakes / out->seconds;
    if (wakes) {
        out->latency = (double)(after->latency_sum - before->latency_sum) / (double)wakes;
        out->latency_p99 = quantile(before, after, 0.99);
    }
    out->share.demand = share_demand(ran, waited, ns);
}
