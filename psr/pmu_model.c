/* The model's registers and what they count: see pmu_model.h. */
#include "pmu_model.h"

#include "pmu_msr.h"

#define RESERVED(value, bits) ((value) & ~(uint64_t)(bits))

#define INTEL_SELECT 0xffffffffULL /* version 3: all of it */
#define AMD_SELECT                                                                                 \
    (SELECT_EVENT | SELECT_UMASK | SELECT_USR | SELECT_OS | SELECT_EDGE | SELECT_INT | SELECT_EN | \
     SELECT_INV | SELECT_CMASK | SELECT_EVENT_HIGH | SELECT_GUEST | SELECT_HOST)

/* ---- what it is ------------------------------------------------------------------------------ */

void pmu_model_cpuid(void *ctx, unsigned pcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)pcpu;
    psr_words_find(&((struct pmu_model *)ctx)->what->words, leaf, subleaf, out);
}

static uint32_t word(struct pmu_model *m, uint32_t leaf, unsigned r)
{
    uint32_t out[4];

    pmu_model_cpuid(m, 0, leaf, 0, out);
    return out[r];
}

static void read_amd(struct pmu_model *m)
{
    m->extended = word(m, 0x80000001, PSR_ECX) >> 23 & 1;
    m->global = m->extended && (word(m, 0x80000022, PSR_EAX) & 1);
    m->nr_general = m->extended ? 6 : 4;
    if (m->global)
        m->nr_general = word(m, 0x80000022, PSR_EBX) & 15;
    m->nr_fixed = 0;
    m->width = m->fixed_width = 48;
}

static void read_intel(struct pmu_model *m)
{
    uint32_t eax = word(m, 0xa, PSR_EAX), edx = word(m, 0xa, PSR_EDX);

    m->extended = false;
    m->global = (eax & 0xff) >= 2;
    m->nr_general = eax >> 8 & 15;
    m->width = eax >> 16 & 63;
    m->nr_fixed = m->global ? edx & 3 : 0;
    m->fixed_width = edx >> 5 & 63;
}

/* The general counters are on after reset, as far as that register goes (SDM vol. 3A, table 10-1).
 */
static void reset(const struct pmu_model *m, struct pmu_model_pcpu *p)
{
    for (unsigned i = 0; i < PMU_MAX_GENERAL; i++)
        p->select[i] = 0;
    for (unsigned i = 0; i < PMU_MAX_COUNTERS; i++)
        p->counter[i] = p->part[i] = 0;
    p->fixed_control = p->status = 0;
    p->global = (1ULL << m->nr_general) - 1;
}

void pmu_model_init(struct pmu_model *m, const struct pmu_part *what, unsigned nr_pcpus,
                    int64_t (*clock)(unsigned pcpu, bool guest))
{
    m->what = what;
    m->clock = clock;
    m->nr_pcpus = nr_pcpus < MODEL_MAX_PCPUS ? nr_pcpus : MODEL_MAX_PCPUS;
    m->amd = word(m, 0, PSR_ECX) == 0x444d4163; /* the end of its name */
    if (m->amd)
        read_amd(m);
    else
        read_intel(m);
    for (unsigned i = 0; i < m->nr_pcpus; i++) {
        reset(m, &m->pcpu[i]);
        m->pcpu[i].all = clock(i, false);
        m->pcpu[i].guest = clock(i, true);
    }
}

/* ---- counting -------------------------------------------------------------------------------- */

struct times {
    uint64_t all, guest;
};

static uint64_t rate_of(const struct pmu_model *m, uint64_t select)
{
    for (unsigned i = 0; i < m->what->nr_rates; i++)
        if (m->what->rate[i].event == (select & (SELECT_EVENT | SELECT_UMASK)) &&
            !(select & SELECT_EVENT_HIGH))
            return m->what->rate[i].each_us;
    return 1;
}

static uint64_t in_modes(uint64_t ns, bool user, bool kernel)
{
    return user && kernel ? ns : user ? ns - ns / 4 : kernel ? ns / 4 : 0;
}

/* APM vol. 2, 13.2.1: both bits, or none, is all the time. */
static uint64_t in_worlds(struct times t, uint64_t select)
{
    bool guest = select & SELECT_GUEST, host = select & SELECT_HOST;

    if (guest == host)
        return t.all;
    return guest ? t.guest : t.all - t.guest;
}

static void count(struct pmu_model *m, struct pmu_model_pcpu *p, unsigned n, uint64_t select,
                  uint64_t ns)
{
    uint64_t parts = ns * rate_of(m, select) + p->part[n];
    unsigned width = n < PMU_MAX_GENERAL ? m->width : m->fixed_width;

    p->part[n] = (uint32_t)(parts % 1000);
    p->counter[n] += parts / 1000;
    if (p->counter[n] >> width)
        p->status |= n < PMU_MAX_GENERAL ? 1ULL << n : 1ULL << (GLOBAL_FIXED + n - PMU_MAX_GENERAL);
    p->counter[n] &= (1ULL << width) - 1;
}

static void count_general(struct pmu_model *m, struct pmu_model_pcpu *p, unsigned n, struct times t)
{
    uint64_t select = p->select[n];

    if (!(select & SELECT_EN) || (m->global && !(p->global >> n & 1)))
        return;
    count(m, p, n, select,
          in_modes(m->amd ? in_worlds(t, select) : t.all, select & SELECT_USR, select & SELECT_OS));
}

/* By the events that they are counters of. */
static void count_fixed(struct pmu_model *m, struct pmu_model_pcpu *p, unsigned n, struct times t)
{
    static const uint16_t event[] = {0x00c0, 0x003c, 0x0300};
    unsigned control = p->fixed_control >> 4 * n & 3;

    if (p->global >> (GLOBAL_FIXED + n) & 1)
        count(m, p, PMU_MAX_GENERAL + n, event[n],
              in_modes(t.all, control & FIXED_USR, control & FIXED_OS));
}

static void advance(struct pmu_model *m, unsigned pcpu)
{
    struct pmu_model_pcpu *p = &m->pcpu[pcpu];
    int64_t all = m->clock(pcpu, false), guest = m->clock(pcpu, true);
    struct times t = {(uint64_t)(all - p->all), (uint64_t)(guest - p->guest)};

    p->all = all;
    p->guest = guest;
    for (unsigned i = 0; i < m->nr_general; i++)
        count_general(m, p, i, t);
    for (unsigned i = 0; i < m->nr_fixed; i++)
        count_fixed(m, p, i, t);
}

/* ---- which register -------------------------------------------------------------------------- */

enum kind {
    NOTHING,
    SELECT,
    COUNTER,
    FIXED,
    FIXED_CONTROL,
    GLOBAL_STATUS,
    GLOBAL_CONTROL,
    GLOBAL_CLEAR
};

struct where {
    enum kind kind;
    unsigned n;
};

static struct where find_intel(const struct pmu_model *m, uint32_t msr)
{
    if (msr - MSR_PERFEVTSEL < m->nr_general)
        return (struct where){SELECT, msr - MSR_PERFEVTSEL};
    if (msr - MSR_PMC < m->nr_general)
        return (struct where){COUNTER, msr - MSR_PMC};
    if (msr - MSR_FIXED_CTR < m->nr_fixed)
        return (struct where){FIXED, PMU_MAX_GENERAL + msr - MSR_FIXED_CTR};
    if (!m->global || msr < MSR_FIXED_CTR_CTRL || msr > MSR_PERF_GLOBAL_OVF)
        return (struct where){NOTHING, 0};
    return (struct where){FIXED_CONTROL + (msr - MSR_FIXED_CTR_CTRL), 0};
}

static struct where find_amd(const struct pmu_model *m, uint32_t msr)
{
    uint32_t n = msr - MSR_AMD_EXTENDED;

    if (m->extended && n < 2 * m->nr_general)
        return (struct where){n % 2 ? COUNTER : SELECT, n / 2};
    if (msr - MSR_AMD_SELECT < 4) /* the same as the first four of those */
        return (struct where){SELECT, msr - MSR_AMD_SELECT};
    if (msr - MSR_AMD_COUNTER < 4)
        return (struct where){COUNTER, msr - MSR_AMD_COUNTER};
    if (!m->global || msr < MSR_AMD_GLOBAL_STATUS || msr > MSR_AMD_GLOBAL_CLEAR)
        return (struct where){NOTHING, 0};
    return (struct where){GLOBAL_STATUS + (msr - MSR_AMD_GLOBAL_STATUS), 0};
}

/* ---- accesses: false for #GP ----------------------------------------------------------------- */

static uint64_t global_bits(const struct pmu_model *m)
{
    return ((1ULL << m->nr_general) - 1) | ((1ULL << m->nr_fixed) - 1) << GLOBAL_FIXED;
}

static bool write_checked(uint64_t *to, uint64_t value, uint64_t bits)
{
    if (RESERVED(value, bits))
        return false;
    *to = value;
    return true;
}

static bool write_counter(const struct pmu_model *m, uint64_t *counter, uint64_t value)
{
    uint64_t bits = (1ULL << m->width) - 1;

    if (m->amd)
        return write_checked(counter, value, bits);
    *counter = (uint64_t)(int64_t)(int32_t)value & bits;
    return true;
}

/* Bits 62 and 63: of the buffer that there is not, and of the condition. */
static bool write_clear(const struct pmu_model *m, struct pmu_model_pcpu *p, uint64_t value)
{
    if (RESERVED(value, global_bits(m) | (m->amd ? 0 : 3ULL << 62)))
        return false;
    p->status &= ~value;
    return true;
}

static bool write_register(const struct pmu_model *m, struct pmu_model_pcpu *p, struct where w,
                           uint64_t value)
{
    switch (w.kind) {
    case SELECT:
        return write_checked(&p->select[w.n], value, m->amd ? AMD_SELECT : INTEL_SELECT);
    case COUNTER:
        return write_counter(m, &p->counter[w.n], value);
    case FIXED:
        return write_checked(&p->counter[w.n], value, (1ULL << m->fixed_width) - 1);
    case FIXED_CONTROL:
        return write_checked(&p->fixed_control, value, (1ULL << 4 * m->nr_fixed) - 1);
    case GLOBAL_CONTROL:
        return write_checked(&p->global, value, global_bits(m));
    case GLOBAL_CLEAR:
        return write_clear(m, p, value);
    default: /* the status is there to be read */
        return false;
    }
}

static bool read_register(const struct pmu_model_pcpu *p, struct where w, uint64_t *value)
{
    switch (w.kind) {
    case SELECT:
        *value = p->select[w.n];
        return true;
    case COUNTER:
    case FIXED:
        *value = p->counter[w.n];
        return true;
    case FIXED_CONTROL:
        *value = p->fixed_control;
        return true;
    case GLOBAL_STATUS:
        *value = p->status;
        return true;
    case GLOBAL_CONTROL:
        *value = p->global;
        return true;
    case GLOBAL_CLEAR:
        *value = 0;
        return true;
    default:
        return false;
    }
}

unsigned pmu_model_access(void *ctx, unsigned pcpu, struct psr_access *list, unsigned nr)
{
    struct pmu_model *m = ctx;
    unsigned done = 0;

    if (pcpu >= m->nr_pcpus)
        return 0;
    advance(m, pcpu);
    for (; done < nr; done++) {
        struct psr_access *a = &list[done];
        struct where w = m->amd ? find_amd(m, a->msr) : find_intel(m, a->msr);

        if (a->write ? !write_register(m, &m->pcpu[pcpu], w, a->value)
                     : !read_register(&m->pcpu[pcpu], w, &a->value))
            break;
    }
    return done;
}
