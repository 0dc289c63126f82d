/* Guests' MTRRs: see mtrr.h. */
#include "../domain.h"
#include "arch.h"

#define MSR_MTRR_CAP      0xfe
#define MSR_MTRR_VARIABLE 0x200
#define MSR_MTRR_FIX64K   0x250
#define MSR_MTRR_FIX16K   0x258
#define MSR_MTRR_FIX4K    0x268
#define MSR_MTRR_DEF_TYPE 0x2ff

#define CAP_FIXED BIT(8)
#define CAP_WC    BIT(10)

#define DEF_FIXED_ENABLE BIT(10)
#define DEF_ENABLE       BIT(11)
#define MASK_VALID       BIT(11)
#define TYPE_WB          6
#define UC_EVERYWHERE    0ULL
#define WB_EVERYWHERE    0x0606060606060606ULL
#define WP_EVERYWHERE    0x0505050505050505ULL

/* Index of a fixed-range register, or -1. */
static int fixed_index(uint32_t msr)
{
    if (msr == MSR_MTRR_FIX64K)
        return 0;
    if (msr - MSR_MTRR_FIX16K < 2)
        return (int)(1 + msr - MSR_MTRR_FIX16K);
    if (msr - MSR_MTRR_FIX4K < 8)
        return (int)(3 + msr - MSR_MTRR_FIX4K);
    return -1;
}

static bool is_variable(uint32_t msr)
{
    return msr - MSR_MTRR_VARIABLE < 2 * MTRR_VARIABLE;
}

bool mtrr_is(uint32_t msr)
{
    return msr == MSR_MTRR_CAP || msr == MSR_MTRR_DEF_TYPE || is_variable(msr) ||
           fixed_index(msr) >= 0;
}

/* As firmware leaves them: all RAM write-back, the VGA window uncached, the BIOS write-protected;
 * dom0 sees how the machine's own treats the device hole. Under the domain's lock. */
static struct mtrr *mtrr_of(struct domain *d)
{
    struct mtrr *m = &d->mtrr;

    if (m->valid)
        return m;
    m->def_type = DEF_ENABLE | DEF_FIXED_ENABLE | TYPE_WB;
    for (int i = 0; i < MTRR_FIXED; i++)
        m->fixed[i] = i < 2 ? WB_EVERYWHERE : i == 2 ? UC_EVERYWHERE : WP_EVERYWHERE;
    unsigned pairs = is_dom0(d) ? MIN(rdmsr(MSR_MTRR_CAP) & 0xff, MTRR_VARIABLE) : 0;
    for (unsigned i = 0; i < 2 * pairs; i++)
        m->variable[i] = rdmsr(MSR_MTRR_VARIABLE + i);
    m->valid = true;
    return m;
}

static uint64_t *reg_of(struct mtrr *m, uint32_t msr)
{
    if (msr == MSR_MTRR_DEF_TYPE)
        return &m->def_type;
    if (is_variable(msr))
        return &m->variable[msr - MSR_MTRR_VARIABLE];
    return &m->fixed[fixed_index(msr)];
}

int mtrr_read(struct domain *d, uint32_t msr, uint64_t *value)
{
    if (msr == MSR_MTRR_CAP) {
        *value = MTRR_VARIABLE | CAP_FIXED | CAP_WC;
        return 0;
    }
    spin_lock(&d->lock);
    *value = *reg_of(mtrr_of(d), msr);
    spin_unlock(&d->lock);
    return 0;
}

/* UC, WC, WT, WP, WB; AMD's fixed ranges may carry the RdMem and WrMem bits above the type. */
static bool types_ok(uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        unsigned type = value >> 8 * i & 0x07;
        if (type == 2 || type == 3 || type == 7 || (value >> 8 * i & 0xe0))
            return false;
    }
    return true;
}

static bool value_ok(uint32_t msr, uint64_t value)
{
    if (msr == MSR_MTRR_DEF_TYPE)
        return !(value & ~(DEF_ENABLE | DEF_FIXED_ENABLE | 0xff)) && types_ok(value & 0xff, 1);
    if (!is_variable(msr))
        return types_ok(value, 8);
    if (value >> 52)
        return false;
    if (msr & 1)
        return !(value & 0xfff & ~MASK_VALID);
    return !(value & 0xf00) && types_ok(value & 0xff, 1);
}

int mtrr_write(struct domain *d, uint32_t msr, uint64_t value)
{
    if (msr == MSR_MTRR_CAP || !value_ok(msr, value))
        return -XEN_EPERM;
    spin_lock(&d->lock);
    *reg_of(mtrr_of(d), msr) = value;
    spin_unlock(&d->lock);
    return 0;
}
