/* Virtual time and the pCPUs' clocks: see fair.h. */
#include "fair.h"

/* Weights in clocks are den/num in this fixed point: a clock of total weight W advances by
 * 2^WEIGHT_SHIFT/W for each ns that its pCPU is busy. */
#define WEIGHT_SHIFT 24

/* Longest run charged in one step, so that the product below fits in 64 bits. */
#define CHARGE_STEP (1LL << 38)

/* Beyond these, conversions saturate, so that 16-bit weights can not overflow them: 100 days of
 * virtual time, 9 minutes of service. */
#define SPAN_MAX    (1LL << 53)
#define SERVICE_MAX (1LL << 39)

static int64_t clamp(int64_t x, int64_t limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

static uint64_t clock_weight(const struct sched_unit *u)
{
    uint64_t w = ((uint64_t)u->share_den << WEIGHT_SHIFT) / u->share_num;
    return w ? w : 1;
}

void fair_set_share(struct sched_unit *u, uint32_t num, uint32_t den)
{
    u->share_num = num;
    u->share_den = den;
    u->vtime_rest = 0;
}

int64_t fair_to_virtual(const struct sched_unit *u, int64_t service)
{
    int64_t num = u->share_num, den = u->share_den;
    service = clamp(service, SERVICE_MAX);
    return service / den * num + service % den * num / den;
}

int64_t fair_to_service(const struct sched_unit *u, int64_t vtime)
{
    int64_t num = u->share_num, den = u->share_den;
    vtime = clamp(vtime, SPAN_MAX);
    return vtime / num * den + vtime % num * den / num;
}

/* Virtual time of a run, and in *rest what the division leaves. */
static int64_t virtual_time(const struct sched_unit *u, sched_time ran, uint64_t *rest)
{
    int64_t sum = 0;

    while (ran > 0) {
        sched_time step = ran < CHARGE_STEP ? ran : CHARGE_STEP;
        uint64_t x = (uint64_t)step * u->share_num + *rest;
        sum = (int64_t)((uint64_t)sum + x / u->share_den);
        *rest = x % u->share_den;
        ran -= step;
    }
    return sum;
}

/* The clock's sum changes with a vtime that is in it. */
static void advance(struct sched_unit *u, int64_t delta)
{
    u->vtime = (int64_t)((uint64_t)u->vtime + (uint64_t)delta);
    if (u->in_clock)
        u->home->clock.sum += (__int128)clock_weight(u) * delta;
}

void fair_charge(struct sched_unit *u, sched_time ran)
{
    advance(u, virtual_time(u, ran, &u->vtime_rest));
}

void fair_set_vtime(struct sched_unit *u, int64_t vtime)
{
    advance(u, vtime_diff(vtime, u->vtime));
}

int64_t fair_vtime_at(const struct sched_pcpu *pcpu, const struct sched_unit *u, sched_time now)
{
    uint64_t rest = u->vtime_rest;
    int64_t more = pcpu->current == u ? virtual_time(u, now - pcpu->charged, &rest) : 0;
    return (int64_t)((uint64_t)u->vtime + (uint64_t)more);
}

/* sum/weight without a 128-bit division: both lose low bits until the sum fits in 63. */
static int64_t mean(__int128 sum, uint64_t weight)
{
    while (sum > INT64_MAX || sum < -INT64_MAX) {
        sum /= 2;
        weight = weight / 2 + weight % 2;
    }
    return weight <= INT64_MAX ? (int64_t)sum / (int64_t)weight : 0;
}

int64_t fair_clock(const struct sched_pcpu *pcpu, sched_time now)
{
    const struct sched_clock *c = &pcpu->clock;

    if (!c->weight)
        return c->base;
    __int128 sum = c->sum;
    if (pcpu->current && pcpu->current->in_clock)
        sum += (__int128)(now - pcpu->charged) << WEIGHT_SHIFT;
    return (int64_t)((uint64_t)c->base + (uint64_t)mean(sum, c->weight));
}

int64_t fair_clock_without(const struct sched_unit *u)
{
    const struct sched_clock *c = &u->home->clock;
    uint64_t w = clock_weight(u);
    __int128 sum = c->sum - (__int128)(int64_t)w * vtime_diff(u->vtime, c->base);

    return (int64_t)((uint64_t)c->base + (uint64_t)mean(sum, c->weight - w));
}

int64_t fair_clock_time(const struct sched_pcpu *pcpu, int64_t vtime)
{
    return mean((__int128)clamp(vtime, SPAN_MAX) * (int64_t)pcpu->clock.weight,
                1ULL << WEIGHT_SHIFT);
}

/* Keeps the sum small by moving the base to the mean. */
static void rebase(struct sched_clock *c)
{
    int64_t by = mean(c->sum, c->weight);
    c->base = (int64_t)((uint64_t)c->base + (uint64_t)by);
    c->sum -= (__int128)by * (int64_t)c->weight;
}

void fair_join(struct sched_unit *u)
{
    struct sched_clock *c = &u->home->clock;

    if (!c->weight) {
        c->base = u->vtime;
        c->sum = 0;
    }
    uint64_t w = clock_weight(u);
    c->sum += (__int128)(int64_t)w * vtime_diff(u->vtime, c->base);
    c->weight += w;
    u->in_clock = true;
    rebase(c);
}

void fair_leave(struct sched_unit *u)
{
    struct sched_clock *c = &u->home->clock;
    uint64_t w = clock_weight(u);

    rebase(c); /* the last one to leave must leave its vtime as the base */
    c->sum -= (__int128)(int64_t)w * vtime_diff(u->vtime, c->base);
    c->weight -= w;
    u->in_clock = false;
}

void fair_catch_up(struct sched_unit *u)
{
    u->vtime = vtime_later(u->vtime, u->home->clock.base);
}
