/*
 * Registers and priorities of a vCPU's local APIC. One table serves both
 * faces: register r is MSR 0x800 + r in x2APIC mode and offset r * 16 of the
 * page in xAPIC mode (SDM vol. 3, table 11-6; AMD manual vol. 2, 16.11).
 *
 * Anybody may set bits of IRR and TMR, so those are changed atomically and
 * nobody needs the lock to raise an interrupt; all else belongs to the vCPU
 * itself, but for the timer and the start-up state, which the lock protects.
 */
#include "../domain.h"
#include "../event.h"
#include "vioapic.h"

#define BASE_BSP     BIT(8)
#define BASE_X2APIC  BIT(10)
#define BASE_ENABLE  BIT(11)
#define BASE_ADDRESS 0xfee00000ULL

#define SVR_ENABLE  BIT(8)
#define LVT_MASKED  BIT(16)
#define DFR_FLAT    0xffffffffu
#define MAX_LVT     5 /* six entries: no CMCI */
#define VERSION     (0x14 | MAX_LVT << 16)
#define MSR_X2APIC  0x800

#define ERROR_SENT_ILLEGAL     BIT(5)
#define ERROR_RECEIVED_ILLEGAL BIT(6)

enum {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0a,
    REG_EOI = 0x0b,
    REG_RRD = 0x0c,
    REG_LDR = 0x0d,
    REG_DFR = 0x0e,
    REG_SVR = 0x0f,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_ICR = 0x30,
    REG_ICR_HIGH = 0x31,
    REG_LVT_TIMER = 0x32,
    REG_LVT_THERMAL = 0x33,
    REG_LVT_PERF = 0x34,
    REG_LVT_LINT0 = 0x35,
    REG_LVT_LINT1 = 0x36,
    REG_LVT_ERROR = 0x37,
    REG_TIMER_INITIAL = 0x38,
    REG_TIMER_CURRENT = 0x39,
    REG_TIMER_DIVIDE = 0x3e,
    REG_SELF_IPI = 0x3f,
    NR_REGS,
};

/* Who may do what: xAPIC page, x2APIC MSR. */
enum { XR = 1, XW = 2, MR = 4, MW = 8, R = XR | MR, W = XW | MW, RW = R | W };

static const struct {
    uint8_t access;
    uint64_t writable; /* other bits: ignored on the page, #GP by MSR */
    uint32_t read_only; /* of those others: ignored by MSR too */
} regs[NR_REGS] = {
    [REG_ID] = {R, 0},
    [REG_VERSION] = {R, 0},
    [REG_TPR] = {RW, 0xff},
    [REG_APR] = {XR, 0},
    [REG_PPR] = {R, 0},
    [REG_EOI] = {W, 0},
    [REG_RRD] = {XR, 0},
    [REG_LDR] = {R | XW, 0xff000000},
    [REG_DFR] = {XR | XW, 0xf0000000},
    [REG_SVR] = {RW, 0x1ff},
    [REG_ISR ... REG_ISR + 7] = {R, 0},
    [REG_TMR ... REG_TMR + 7] = {R, 0},
    [REG_IRR ... REG_IRR + 7] = {R, 0},
    [REG_ESR] = {RW, 0},
    [REG_ICR] = {RW, 0xffffffff000cdfff},
    [REG_ICR_HIGH] = {XR | XW, 0xff000000},
    /* Delivery status and remote IRR: Linux writes ones there when it reboots. */
    [REG_LVT_TIMER] = {RW, 0x300ff, BIT(12)},
    [REG_LVT_THERMAL ... REG_LVT_PERF] = {RW, 0x107ff, BIT(12)},
    [REG_LVT_LINT0 ... REG_LVT_LINT1] = {RW, 0x1a7ff, BIT(12) | BIT(14)},
    [REG_LVT_ERROR] = {RW, 0x100ff, BIT(12)},
    [REG_TIMER_INITIAL] = {RW, 0xffffffff},
    [REG_TIMER_CURRENT] = {R, 0},
    [REG_TIMER_DIVIDE] = {RW, 0xb},
    [REG_SELF_IPI] = {MW, 0xff},
};

/* ---- vectors ------------------------------------------------------------------------------- */

/* `some`: the words worth looking at. */
static inline int highest(const uint32_t words[8], uint32_t some)
{
    while (some) {
        int i = 31 ^ __builtin_clz(some);
        uint32_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        if (likely(word))
            return i * 32 + (31 ^ __builtin_clz(word));
        some ^= 1u << i;
    }
    return -1;
}

static void set_vector(uint32_t words[8], uint8_t vector)
{
    __atomic_fetch_or(&words[vector / 32], 1u << vector % 32, __ATOMIC_SEQ_CST);
}

static void clear_vector(uint32_t words[8], uint8_t vector)
{
    __atomic_fetch_and(&words[vector / 32], ~(1u << vector % 32), __ATOMIC_SEQ_CST);
}

static bool has_vector(const uint32_t words[8], uint8_t vector)
{
    return __atomic_load_n(&words[vector / 32], __ATOMIC_RELAXED) >> vector % 32 & 1;
}

/* The processor's priority: the task's, or that of the interrupt in service (SDM 11.8.3.1). */
static uint32_t priority(const struct vlapic *l)
{
    int served = highest(l->isr, l->isr_words);
    uint32_t class = served < 0 ? 0 : (uint32_t)served & 0xf0;

    return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

int vlapic_pending(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;
    uint32_t some = __atomic_load_n(&l->irr_words, __ATOMIC_RELAXED);
    int vector;

    if (!some)
        return -1;
    vector = highest(l->irr, some);
    if (vector < 0 || !vlapic_enabled(v))
        return -1;
    return ((uint32_t)vector & 0xf0) > (priority(l) & 0xf0) ? vector : -1;
}

void vlapic_accept(struct vcpu *v, uint8_t vector)
{
    struct vlapic *l = &v->lapic;
    unsigned word = vector / 32;

    clear_vector(l->irr, vector);
    if (!l->irr[word]) {
        __atomic_fetch_and(&l->irr_words, ~(1u << word), __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&l->irr[word], __ATOMIC_SEQ_CST)) /* raised in between */
            __atomic_fetch_or(&l->irr_words, 1u << word, __ATOMIC_SEQ_CST);
    }
    l->isr[word] |= 1u << vector % 32;
    l->isr_words |= 1u << word;
}

static void clear_isr(struct vlapic *l, uint8_t vector)
{
    l->isr[vector / 32] &= ~(1u << vector % 32);
    if (!l->isr[vector / 32])
        l->isr_words &= ~(1u << vector / 32);
}

static void set_irr(struct vlapic *l, uint8_t vector)
{
    set_vector(l->irr, vector);
    __atomic_fetch_or(&l->irr_words, 1u << vector / 32, __ATOMIC_SEQ_CST);
}

void vlapic_withdraw(struct vcpu *v, uint8_t vector)
{
    clear_isr(&v->lapic, vector);
    set_irr(&v->lapic, vector);
}

static void wake_or_kick(struct vcpu *v)
{
    if (v->blocked)
        vcpu_wake(v);
    else
        vcpu_kick(v);
}

static void note_error(struct vcpu *v, uint32_t error)
{
    struct vlapic *l = &v->lapic;
    uint32_t before = __atomic_fetch_or(&l->errors, error, __ATOMIC_SEQ_CST);

    if (!(before & error) && !(l->lvt_error & LVT_MASKED) && (l->lvt_error & 0xff) >= 16)
        vlapic_raise(v, (uint8_t)l->lvt_error, false);
}

static inline __attribute__((always_inline)) void raise(struct vcpu *v, uint8_t vector, bool level)
{
    struct vlapic *l = &v->lapic;

    if (vector < 16) {
        note_error(v, ERROR_RECEIVED_ILLEGAL);
        return;
    }
    if (level)
        set_vector(l->tmr, vector);
    else if (has_vector(l->tmr, vector))
        clear_vector(l->tmr, vector);
    if (has_vector(l->irr, vector))
        return; /* who raised it has woken the vCPU */
    set_irr(l, vector);
    wake_or_kick(v);
}

void vlapic_raise(struct vcpu *v, uint8_t vector, bool level)
{
    if (vlapic_enabled(v))
        raise(v, vector, level);
}

void vlapic_raise_edge(struct vcpu *v, uint8_t vector)
{
    raise(v, vector, false);
}

static void end_of_interrupt(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;
    int vector = highest(l->isr, l->isr_words);

    if (vector < 0)
        return;
    clear_isr(l, (uint8_t)vector);
    if (has_vector(l->tmr, (uint8_t)vector) && v->domain->ioapic)
        vioapic_eoi(v->domain, (uint8_t)vector);
}

/* ---- state --------------------------------------------------------------------------------- */

bool vlapic_enabled(const struct vcpu *v)
{
    return (v->lapic.svr & SVR_ENABLE) && (v->lapic.base & BASE_ENABLE);
}

bool vlapic_x2apic(const struct vcpu *v)
{
    return v->lapic.base & BASE_X2APIC;
}

static void mask_lvts(struct vlapic *l)
{
    uint32_t *lvt[] = {&l->lvt_timer, &l->lvt_lint0, &l->lvt_lint1,
                       &l->lvt_error, &l->lvt_perf,  &l->lvt_thermal};

    for (unsigned i = 0; i < ARRAY_SIZE(lvt); i++)
        *lvt[i] |= LVT_MASKED;
}

void vlapic_reset(struct vcpu *v)
{
    struct vlapic *l = &v->lapic;

    vlapic_timer_stop(v);
    memset(l->isr, 0, sizeof(l->isr));
    l->isr_words = 0;
    __atomic_store_n(&l->irr_words, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 8; i++) {
        __atomic_store_n(&l->irr[i], 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&l->tmr[i], 0, __ATOMIC_SEQ_CST);
    }
    l->tpr = l->ldr = l->esr = l->errors = 0;
    l->icr = 0;
    l->svr = 0xff;
    l->dfr = DFR_FLAT;
    l->lvt_timer = l->lvt_lint0 = l->lvt_lint1 = 0;
    l->lvt_error = l->lvt_perf = l->lvt_thermal = 0;
    mask_lvts(l);
}

void vlapic_init(struct vcpu *v)
{
    spin_init(&v->lapic.lock, RANK_LAPIC);
    vlapic_timer_init(v);
    v->lapic.base = BASE_ADDRESS | BASE_ENABLE | (v->id == 0 ? BASE_BSP : 0);
    v->lapic.wait_for_sipi = v->id != 0;
    vlapic_reset(v);
}

void vlapic_fini(struct vcpu *v)
{
    timer_fini(&v->lapic.timer);
}

/* Off, xAPIC and x2APIC mode: not every way leads from one to another (SDM 11.12.5). */
static int write_base(struct vcpu *v, uint64_t value)
{
    uint64_t old = v->lapic.base, mode = value & (BASE_X2APIC | BASE_ENABLE);

    if ((value & ~(BASE_X2APIC | BASE_ENABLE)) != (BASE_ADDRESS | (old & BASE_BSP)))
        return -XEN_EPERM;
    if (mode == BASE_X2APIC)
        return -XEN_EPERM;
    if ((old & BASE_X2APIC) && mode == BASE_ENABLE)
        return -XEN_EPERM;
    if (!(old & BASE_ENABLE) && (mode & BASE_X2APIC))
        return -XEN_EPERM;
    v->lapic.base = value;
    if (!mode && (old & BASE_ENABLE))
        vlapic_reset(v);
    return 0;
}

/* ---- registers ----------------------------------------------------------------------------- */

static uint32_t *lvt_of(struct vlapic *l, unsigned reg)
{
    switch (reg) {
    case REG_LVT_TIMER:
        return &l->lvt_timer;
    case REG_LVT_THERMAL:
        return &l->lvt_thermal;
    case REG_LVT_PERF:
        return &l->lvt_perf;
    case REG_LVT_LINT0:
        return &l->lvt_lint0;
    case REG_LVT_LINT1:
        return &l->lvt_lint1;
    default:
        return &l->lvt_error;
    }
}

/* Cluster and bit within it follow from the id in x2APIC mode (SDM 11.12.10.2). */
static uint32_t logical_id(const struct vcpu *v)
{
    uint32_t id = vlapic_id_of(v->id);

    return vlapic_x2apic(v) ? (id >> 4) << 16 | 1u << (id & 15) : v->lapic.ldr;
}

static uint64_t read_reg(struct vcpu *v, unsigned reg)
{
    struct vlapic *l = &v->lapic;

    switch (reg) {
    case REG_ID:
        return vlapic_x2apic(v) ? vlapic_id_of(v->id) : vlapic_id_of(v->id) << 24;
    case REG_VERSION:
        return VERSION;
    case REG_TPR:
        return l->tpr;
    case REG_PPR:
        return priority(l);
    case REG_LDR:
        return logical_id(v);
    case REG_DFR:
        return l->dfr;
    case REG_SVR:
        return l->svr;
    case REG_ISR ... REG_ISR + 7:
        return l->isr[reg - REG_ISR];
    case REG_TMR ... REG_TMR + 7:
        return l->tmr[reg - REG_TMR];
    case REG_IRR ... REG_IRR + 7:
        return l->irr[reg - REG_IRR];
    case REG_ESR:
        return l->esr;
    case REG_ICR:
        return l->icr;
    case REG_ICR_HIGH:
        return l->icr >> 32;
    case REG_LVT_TIMER ... REG_LVT_ERROR:
        return *lvt_of(l, reg);
    case REG_TIMER_INITIAL:
        return l->timer_initial;
    case REG_TIMER_CURRENT:
        return vlapic_timer_count(v);
    case REG_TIMER_DIVIDE:
        return l->timer_divide;
    default:
        return 0;
    }
}

/* Events that came while the APIC was off have found it deaf. */
static void write_svr(struct vcpu *v, uint32_t value)
{
    bool was = vlapic_enabled(v);

    v->lapic.svr = value;
    if (!(value & SVR_ENABLE))
        mask_lvts(&v->lapic);
    else if (!was && vlapic_enabled(v) && events_pending(v))
        event_upcall(v);
}

static void write_lvt(struct vlapic *l, unsigned reg, uint32_t value)
{
    *lvt_of(l, reg) = l->svr & SVR_ENABLE ? value : value | (uint32_t)LVT_MASKED;
}

static void write_icr(struct vcpu *v, uint64_t icr)
{
    unsigned mode = icr >> 8 & 7;

    v->lapic.icr = icr & ~BIT(12); /* delivery status: always idle */
    if ((mode == APIC_FIXED || mode == APIC_LOWEST) && (icr & 0xff) < 16)
        note_error(v, ERROR_SENT_ILLEGAL);
    else
        vlapic_send_icr(v, icr);
}

static void write_reg(struct vcpu *v, unsigned reg, uint64_t value)
{
    struct vlapic *l = &v->lapic;

    switch (reg) {
    case REG_TPR:
        l->tpr = (uint32_t)value;
        break;
    case REG_EOI:
        end_of_interrupt(v);
        break;
    case REG_LDR:
        l->ldr = (uint32_t)value;
        break;
    case REG_DFR:
        l->dfr = (uint32_t)value | 0x0fffffff;
        break;
    case REG_SVR:
        write_svr(v, (uint32_t)value);
        break;
    case REG_ESR:
        l->esr = __atomic_exchange_n(&l->errors, 0, __ATOMIC_SEQ_CST);
        break;
    case REG_ICR:
        write_icr(v, value);
        break;
    case REG_ICR_HIGH:
        l->icr = value << 32 | (uint32_t)l->icr;
        break;
    case REG_LVT_TIMER ... REG_LVT_ERROR:
        write_lvt(l, reg, (uint32_t)value);
        break;
    case REG_TIMER_INITIAL:
        vlapic_timer_restart(v, (uint32_t)value);
        break;
    case REG_TIMER_DIVIDE:
        vlapic_timer_divide(v, (uint32_t)value);
        break;
    case REG_SELF_IPI:
        write_icr(v, 1u << 18 | value); /* shorthand: self */
        break;
    }
}

/* ---- the two faces ------------------------------------------------------------------------- */

static bool may(unsigned reg, uint8_t access)
{
    return reg < NR_REGS && (regs[reg].access & access);
}

int vlapic_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    if (msr == 0x1b) {
        *value = v->lapic.base;
        return 0;
    }
    if (!vlapic_x2apic(v) || !may(msr - MSR_X2APIC, MR))
        return -XEN_EPERM;
    *value = read_reg(v, msr - MSR_X2APIC);
    return 0;
}

int vlapic_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    unsigned reg = msr - MSR_X2APIC;

    if (msr == 0x1b)
        return write_base(v, value);
    if (!vlapic_x2apic(v) || !may(reg, MW) ||
        (value & ~(regs[reg].writable | regs[reg].read_only)))
        return -XEN_EPERM;
    write_reg(v, reg, value & regs[reg].writable);
    return 0;
}

uint32_t vlapic_mmio_read(struct vcpu *v, uint32_t offset)
{
    return may(offset / 16, XR) ? (uint32_t)read_reg(v, offset / 16) : 0;
}

void vlapic_mmio_write(struct vcpu *v, uint32_t offset, uint32_t value)
{
    unsigned reg = offset / 16;
    uint64_t with_dest = reg == REG_ICR ? v->lapic.icr & 0xffffffff00000000 : 0;

    if (may(reg, XW))
        write_reg(v, reg, with_dest | (value & regs[reg].writable));
}
