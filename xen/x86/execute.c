/* Semantics of the decoder's instructions: see execute.h. */
#include "execute.h"

enum {
    FLAG_CARRY = 1u << 0,
    FLAG_PARITY = 1u << 2,
    FLAG_ADJUST = 1u << 4,
    FLAG_ZERO = 1u << 6,
    FLAG_SIGN = 1u << 7,
    FLAG_OVERFLOW = 1u << 11,
    FLAGS = FLAG_CARRY | FLAG_PARITY | FLAG_ADJUST | FLAG_ZERO | FLAG_SIGN | FLAG_OVERFLOW,
};

/* ---- registers ----------------------------------------------------------------------------- */

static const uint16_t offset_of[16] = {
    offsetof(struct guest_regs, rax), offsetof(struct guest_regs, rcx),
    offsetof(struct guest_regs, rdx), offsetof(struct guest_regs, rbx),
    offsetof(struct guest_regs, rsp), offsetof(struct guest_regs, rbp),
    offsetof(struct guest_regs, rsi), offsetof(struct guest_regs, rdi),
    offsetof(struct guest_regs, r8),  offsetof(struct guest_regs, r9),
    offsetof(struct guest_regs, r10), offsetof(struct guest_regs, r11),
    offsetof(struct guest_regs, r12), offsetof(struct guest_regs, r13),
    offsetof(struct guest_regs, r14), offsetof(struct guest_regs, r15),
};

uint64_t register_read(const struct guest_regs *r, unsigned number, unsigned bytes)
{
    return low_bytes(*(const uint64_t *)((const char *)r + offset_of[number]), bytes);
}

void register_write(struct guest_regs *r, unsigned number, unsigned bytes, uint64_t value)
{
    uint64_t *reg = (uint64_t *)((char *)r + offset_of[number]);

    if (bytes >= 4)
        *reg = low_bytes(value, bytes);
    else
        *reg = (*reg & ~((1ULL << 8 * bytes) - 1)) | low_bytes(value, bytes);
}

static uint64_t operand_read(const struct insn *i, const struct guest_regs *r)
{
    if (i->immediate)
        return low_bytes(i->value, i->size);
    return i->high_byte ? register_read(r, i->reg, 2) >> 8 : register_read(r, i->reg, i->reg_size);
}

static void operand_write(const struct insn *i, struct guest_regs *r, uint64_t value)
{
    if (i->high_byte)
        register_write(r, i->reg, 2, (value & 0xff) << 8 | register_read(r, i->reg, 1));
    else
        register_write(r, i->reg, i->reg_size, value);
}

/* ---- flags --------------------------------------------------------------------------------- */

static uint64_t sign_bit(unsigned bytes)
{
    return 1ULL << (8 * bytes - 1);
}

static uint64_t result_flags(uint64_t result, unsigned bytes)
{
    uint64_t flags = 0;

    if (!(__builtin_popcount((unsigned)result & 0xff) & 1))
        flags |= FLAG_PARITY;
    if (!result)
        flags |= FLAG_ZERO;
    if (result & sign_bit(bytes))
        flags |= FLAG_SIGN;
    return flags;
}

static uint64_t compare_flags(uint64_t a, uint64_t b, unsigned bytes)
{
    uint64_t result = low_bytes(a - b, bytes), flags = result_flags(result, bytes);

    if (a < b)
        flags |= FLAG_CARRY;
    if ((a ^ b ^ result) & 0x10)
        flags |= FLAG_ADJUST;
    if ((a ^ b) & (a ^ result) & sign_bit(bytes))
        flags |= FLAG_OVERFLOW;
    return flags;
}

/* ---- operations ---------------------------------------------------------------------------- */

static bool is_load(const struct insn *i)
{
    return i->op == INSN_MOV || i->op == INSN_MOVZX || i->op == INSN_MOVSX;
}

bool insn_reads(const struct insn *i)
{
    return !(i->op == INSN_MOV && i->to_memory);
}

bool insn_writes(const struct insn *i)
{
    return i->to_memory && i->op != INSN_TEST && i->op != INSN_CMP;
}

static uint64_t sign_extended(uint64_t value, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;

    return (uint64_t)((int64_t)(value << unused) >> unused);
}

static uint64_t logic(unsigned op, uint64_t a, uint64_t b)
{
    return op == INSN_OR ? a | b : op == INSN_XOR ? a ^ b : a & b;
}

static void move(const struct insn *i, struct guest_regs *r, uint64_t *memory)
{
    if (i->to_memory)
        *memory = operand_read(i, r);
    else
        operand_write(i, r, i->op == INSN_MOVSX ? sign_extended(*memory, i->size) : *memory);
}

static void exchange(const struct insn *i, struct guest_regs *r, uint64_t *memory)
{
    uint64_t old = *memory;

    *memory = operand_read(i, r);
    operand_write(i, r, old);
}

void insn_execute(const struct insn *i, struct guest_regs *r, uint64_t *memory)
{
    if (is_load(i)) {
        move(i, r, memory);
        return;
    }
    if (i->op == INSN_XCHG) {
        exchange(i, r, memory);
        return;
    }
    uint64_t mem = *memory, other = operand_read(i, r), flags;
    if (i->op == INSN_CMP) {
        flags = i->to_memory ? compare_flags(mem, other, i->size)
                             : compare_flags(other, mem, i->size);
    } else {
        uint64_t result = logic(i->op, mem, other);
        flags = result_flags(result, i->size);
        if (insn_writes(i))
            *memory = result;
        else if (i->op != INSN_TEST)
            operand_write(i, r, result);
    }
    r->rflags = (r->rflags & ~(uint64_t)FLAGS) | flags;
}
