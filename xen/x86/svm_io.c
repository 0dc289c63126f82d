/* Port accesses: all are intercepted, ioport.c says what is behind a port. */
#include "svm.h"

/* EXITINFO1 of an IOIO exit (AMD manual vol. 2, 15.10.2); EXITINFO2 is the next RIP. */
#define IO_IN           BIT(0)
#define IO_STRING       BIT(2)
#define IO_REPEAT       BIT(3)
#define IO_BYTES(info)  ((unsigned)((info) >> 4 & 7))
#define IO_ADDRESS_16   BIT(7)
#define IO_ADDRESS_32   BIT(8)
#define IO_PORT(info)   ((uint16_t)((info) >> 16))

#define BATCH 128 /* elements of one REP before interrupts are looked at again */

#define PF_WRITE 2 /* error code of a page fault (8.4.2) */

static const uint8_t legacy_prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                          0x66, 0x67, 0xf0, 0xf2, 0xf3};
#define NR_SEGMENT_PREFIXES 6 /* the first of them */
#define MAX_PREFIXES        14

static bool is_prefix(uint8_t byte, bool cs_long, uint8_t *segment)
{
    for (unsigned i = 0; i < ARRAY_SIZE(legacy_prefixes); i++) {
        if (byte == legacy_prefixes[i]) {
            if (i < NR_SEGMENT_PREFIXES)
                *segment = byte;
            return true;
        }
    }
    return cs_long && (byte & 0xf0) == 0x40; /* REX */
}

unsigned svm_prefixes(struct vcpu *v, uint8_t *segment)
{
    const struct vmcb *c = v->hw->vmcb;
    struct guest_mode mode;
    unsigned n = 0;
    uint64_t at;
    uint8_t byte;

    svm_mode(v, &mode);
    at = mode.cs_long ? c->rip : (uint32_t)(c->cs.base + c->rip);
    *segment = 0;
    while (n < MAX_PREFIXES && !copy_from_guest(v, &byte, at + n, 1) &&
           is_prefix(byte, mode.cs_long, segment))
        n++;
    return n;
}

/* ---- one access -------------------------------------------------------------------------- */

static void single_io(struct vcpu *v, uint64_t info)
{
    struct guest_regs *r = &v->hw->regs;
    unsigned bytes = IO_BYTES(info);
    uint32_t mask = bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;

    if (!(info & IO_IN)) {
        guest_out(v, IO_PORT(info), bytes, (uint32_t)r->rax & mask);
    } else {
        uint32_t value = guest_in(v, IO_PORT(info), bytes) & mask;
        /* a 32-bit result clears the upper half of the register */
        r->rax = bytes == 4 ? value : (r->rax & ~(uint64_t)mask) | value;
    }
    svm_advance_to(v, v->hw->vmcb->exit_info2);
}

/* ---- INS, OUTS --------------------------------------------------------------------------- */

struct string_io {
    uint64_t info, base, mask; /* mask: of the address size */
    uint64_t *index;
};

static uint64_t segment_base(const struct guest_state *s, uint8_t prefix)
{
    switch (prefix) {
    case 0x26:
        return s->es_base;
    case 0x2e:
        return s->cs_base;
    case 0x36:
        return s->ss_base;
    case 0x64:
        return s->fs_base;
    case 0x65:
        return s->gs_base;
    default:
        return s->ds_base;
    }
}

/* Writes a register of the address size: 16 bits leave the rest, 32 bits clear it. */
static void set_register(uint64_t *r, uint64_t value, uint64_t mask)
{
    *r = mask == 0xffff ? (*r & ~mask) | (value & mask) : value & mask;
}

static void decode(struct vcpu *v, uint64_t info, struct string_io *io)
{
    struct guest_regs *r = &v->hw->regs;
    struct guest_state state;
    uint8_t prefix = 0;

    svm_state(v, &state);
    io->info = info;
    io->mask = info & IO_ADDRESS_16 ? 0xffff : info & IO_ADDRESS_32 ? 0xffffffff : ~0ULL;
    if (info & IO_IN) {
        io->index = &r->rdi;
        io->base = state.es_base;
    } else {
        svm_prefixes(v, &prefix);
        io->index = &r->rsi;
        io->base = segment_base(&state, prefix);
    }
}

/* One element; false if the guest's memory does not take or give it. */
static bool element(struct vcpu *v, const struct string_io *io, uint64_t address)
{
    unsigned bytes = IO_BYTES(io->info);
    uint32_t value = 0;
    paddr_t unused;

    if (!(io->info & IO_IN)) {
        if (copy_from_guest(v, &value, address, bytes))
            return false;
        guest_out(v, IO_PORT(io->info), bytes, value);
        return true;
    }
    /* A read from a port cannot be taken back, so ask first. */
    if (guest_translate(v, address + bytes - 1, true, &unused) ||
        guest_translate(v, address, true, &unused))
        return false;
    value = guest_in(v, IO_PORT(io->info), bytes);
    return !copy_to_guest(v, address, &value, bytes);
}

static void page_fault(struct vcpu *v, const struct string_io *io, uint64_t address)
{
    struct vmcb *c = v->hw->vmcb;

    c->cr2 = address;
    svm_inject_fault(v, VECTOR_PF, io->info & IO_IN ? PF_WRITE : 0);
}

static void string_io(struct vcpu *v, uint64_t info)
{
    struct guest_regs *r = &v->hw->regs;
    struct string_io io;
    uint64_t left = 1, step = IO_BYTES(info);

    if (v->hw->vmcb->cpl == 3) { /* its memory would be reached with the kernel's rights */
        svm_inject_fault(v, VECTOR_GP, 0);
        return;
    }
    decode(v, info, &io);
    if (info & IO_REPEAT)
        left = r->rcx & io.mask;
    if (v->hw->vmcb->rflags & RFLAGS_DF)
        step = -step;
    for (unsigned i = 0; left && i < BATCH; i++) {
        uint64_t address = io.base + (*io.index & io.mask);
        if (!element(v, &io, address)) {
            page_fault(v, &io, address);
            return;
        }
        set_register(io.index, *io.index + step, io.mask);
        left--;
        if (info & IO_REPEAT)
            set_register(&r->rcx, left, io.mask);
    }
    if (!left)
        svm_advance_to(v, v->hw->vmcb->exit_info2);
}

void svm_handle_io(struct vcpu *v)
{
    uint64_t info = v->hw->vmcb->exit_info1;

    if (info & IO_STRING)
        string_io(v, info);
    else
        single_io(v, info);
}
