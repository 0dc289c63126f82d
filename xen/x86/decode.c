/*
 * The decoder: see decode.h. An instruction is prefixes, opcode, ModRM, SIB,
 * displacement, immediate (AMD manual vol. 3, 1.1); the addressing form is only
 * measured, since the nested page fault has told the address.
 */
#include "decode.h"

#define REX_W 8
#define REX_R 4

/* How an opcode names its operands. */
enum form {
    NONE,      /* not one of ours */
    MEM_REG,   /* memory, register */
    REG_MEM,   /* register, memory */
    MEM_IMM,   /* memory, immediate; the operation is in ModRM.reg for groups */
    MEM_IMM8,  /* the same with a sign-extended byte */
    ACC_MOFFS, /* accumulator, memory at an absolute address */
    MOFFS_ACC,
    STRING, /* rSI, rDI */
};

/* What ModRM.reg selects in a group. */
enum { NO_GROUP, GROUP_ARITHMETIC, GROUP_TEST, GROUP_MOV };

struct opcode {
    uint8_t form, op;
    bool byte; /* the operand is a byte; otherwise by prefixes */
    uint8_t group;
    uint8_t source; /* MOVZX, MOVSX: bytes of the memory operand */
};

static const struct opcode one_byte[256] = {
    [0x08] = {MEM_REG, INSN_OR, true, 0, 0},
    [0x09] = {MEM_REG, INSN_OR, false, 0, 0},
    [0x0a] = {REG_MEM, INSN_OR, true, 0, 0},
    [0x0b] = {REG_MEM, INSN_OR, false, 0, 0},
    [0x20] = {MEM_REG, INSN_AND, true, 0, 0},
    [0x21] = {MEM_REG, INSN_AND, false, 0, 0},
    [0x22] = {REG_MEM, INSN_AND, true, 0, 0},
    [0x23] = {REG_MEM, INSN_AND, false, 0, 0},
    [0x30] = {MEM_REG, INSN_XOR, true, 0, 0},
    [0x31] = {MEM_REG, INSN_XOR, false, 0, 0},
    [0x32] = {REG_MEM, INSN_XOR, true, 0, 0},
    [0x33] = {REG_MEM, INSN_XOR, false, 0, 0},
    [0x38] = {MEM_REG, INSN_CMP, true, 0, 0},
    [0x39] = {MEM_REG, INSN_CMP, false, 0, 0},
    [0x3a] = {REG_MEM, INSN_CMP, true, 0, 0},
    [0x3b] = {REG_MEM, INSN_CMP, false, 0, 0},
    [0x63] = {REG_MEM, INSN_MOVSX, false, 0, 4}, /* MOVSXD, 64-bit mode only */
    [0x80] = {MEM_IMM, 0, true, GROUP_ARITHMETIC, 0},
    [0x81] = {MEM_IMM, 0, false, GROUP_ARITHMETIC, 0},
    [0x83] = {MEM_IMM8, 0, false, GROUP_ARITHMETIC, 0},
    [0x84] = {MEM_REG, INSN_TEST, true, 0, 0},
    [0x85] = {MEM_REG, INSN_TEST, false, 0, 0},
    [0x86] = {MEM_REG, INSN_XCHG, true, 0, 0},
    [0x87] = {MEM_REG, INSN_XCHG, false, 0, 0},
    [0x88] = {MEM_REG, INSN_MOV, true, 0, 0},
    [0x89] = {MEM_REG, INSN_MOV, false, 0, 0},
    [0x8a] = {REG_MEM, INSN_MOV, true, 0, 0},
    [0x8b] = {REG_MEM, INSN_MOV, false, 0, 0},
    [0xa0] = {ACC_MOFFS, INSN_MOV, true, 0, 0},
    [0xa1] = {ACC_MOFFS, INSN_MOV, false, 0, 0},
    [0xa2] = {MOFFS_ACC, INSN_MOV, true, 0, 0},
    [0xa3] = {MOFFS_ACC, INSN_MOV, false, 0, 0},
    [0xa4] = {STRING, INSN_MOVS, true, 0, 0},
    [0xa5] = {STRING, INSN_MOVS, false, 0, 0},
    [0xaa] = {STRING, INSN_STOS, true, 0, 0},
    [0xab] = {STRING, INSN_STOS, false, 0, 0},
    [0xc6] = {MEM_IMM, 0, true, GROUP_MOV, 0},
    [0xc7] = {MEM_IMM, 0, false, GROUP_MOV, 0},
    [0xf6] = {MEM_IMM, 0, true, GROUP_TEST, 0},
    [0xf7] = {MEM_IMM, 0, false, GROUP_TEST, 0},
};

static const struct opcode after_0f[256] = {
    [0xb6] = {REG_MEM, INSN_MOVZX, false, 0, 1},
    [0xb7] = {REG_MEM, INSN_MOVZX, false, 0, 2},
    [0xbe] = {REG_MEM, INSN_MOVSX, false, 0, 1},
    [0xbf] = {REG_MEM, INSN_MOVSX, false, 0, 2},
};

struct cursor {
    const uint8_t *bytes;
    unsigned at, available;
    bool overrun;
};

static uint8_t next(struct cursor *c)
{
    if (c->at >= c->available) {
        c->overrun = true;
        return 0;
    }
    return c->bytes[c->at++];
}

/* Sign-extended. */
static uint64_t next_number(struct cursor *c, unsigned bytes)
{
    uint64_t value = 0;

    if (!bytes)
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)next(c) << 8 * i;
    unsigned unused = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* ---- prefixes ------------------------------------------------------------------------------ */

struct prefixes {
    bool operand, address, repeat;
    uint8_t segment, rex;
};

static uint8_t segment_override(uint8_t byte)
{
    switch (byte) {
    case 0x26:
        return SEGMENT_ES;
    case 0x2e:
        return SEGMENT_CS;
    case 0x36:
        return SEGMENT_SS;
    case 0x3e:
        return SEGMENT_DS;
    case 0x64:
        return SEGMENT_FS;
    case 0x65:
        return SEGMENT_GS;
    default:
        return SEGMENT_DEFAULT;
    }
}

/* True if the byte is a legacy prefix, which is noted. LOCK changes nothing here. */
static bool is_prefix(struct prefixes *p, uint8_t byte)
{
    uint8_t segment = segment_override(byte);

    if (segment)
        p->segment = segment;
    else if (byte == 0x66)
        p->operand = true;
    else if (byte == 0x67)
        p->address = true;
    else if (byte == 0xf2 || byte == 0xf3)
        p->repeat = true;
    else
        return byte == 0xf0;
    return true;
}

/* Returns the first byte of the opcode. REX counts only right before it. */
static uint8_t take_prefixes(struct cursor *c, unsigned mode, struct prefixes *p)
{
    uint8_t byte = next(c);

    while (is_prefix(p, byte) && !c->overrun)
        byte = next(c);
    if (mode == 8 && (byte & 0xf0) == 0x40) {
        p->rex = byte;
        byte = next(c);
    }
    return byte;
}

static unsigned operand_size(const struct prefixes *p, unsigned mode)
{
    if (p->rex & REX_W)
        return 8;
    return p->operand == (mode == 2) ? 4 : 2;
}

static unsigned address_size(const struct prefixes *p, unsigned mode)
{
    if (!p->address)
        return mode;
    return mode == 4 ? 2 : 4;
}

/* ---- ModRM --------------------------------------------------------------------------------- */

static void skip_address_16(struct cursor *c, uint8_t modrm)
{
    unsigned mod = modrm >> 6, rm = modrm & 7;

    next_number(c, mod == 2 || (mod == 0 && rm == 6) ? 2 : mod);
}

/* With an address size of 4 or 8. */
static void skip_address_32(struct cursor *c, uint8_t modrm)
{
    unsigned mod = modrm >> 6, base = modrm & 7;

    if (base == 4)
        base = next(c) & 7; /* SIB */
    next_number(c, mod == 2 || (mod == 0 && base == 5) ? 4 : mod);
}

static bool group_op(const struct opcode *o, unsigned reg, struct insn *i)
{
    static const int8_t arithmetic[8] = {-1, INSN_OR, -1, -1, INSN_AND, -1, INSN_XOR, INSN_CMP};

    switch (o->group) {
    case GROUP_ARITHMETIC:
        i->op = (uint8_t)arithmetic[reg];
        return arithmetic[reg] >= 0;
    case GROUP_TEST:
        i->op = INSN_TEST;
        return reg < 2;
    case GROUP_MOV:
        i->op = INSN_MOV;
        return reg == 0;
    default:
        return true;
    }
}

/* False: the operand is a register, or the group has no such operation here. */
static bool take_modrm(struct cursor *c, const struct opcode *o, const struct prefixes *p,
                       struct insn *i)
{
    uint8_t modrm = next(c);
    unsigned reg = modrm >> 3 & 7;

    if (modrm >> 6 == 3 || !group_op(o, reg, i))
        return false;
    if (i->address_size == 2)
        skip_address_16(c, modrm);
    else
        skip_address_32(c, modrm);
    i->reg = (uint8_t)(reg | (p->rex & REX_R ? 8 : 0));
    if (i->reg_size == 1 && !p->rex && reg >= 4) {
        i->high_byte = true;
        i->reg = (uint8_t)(reg - 4);
    }
    return true;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static bool take_operands(struct cursor *c, const struct opcode *o, const struct prefixes *p,
                          struct insn *i)
{
    switch (o->form) {
    case MEM_REG:
    case REG_MEM:
        i->to_memory = o->form == MEM_REG;
        return take_modrm(c, o, p, i);
    case MEM_IMM:
    case MEM_IMM8:
        i->to_memory = i->immediate = true;
        if (!take_modrm(c, o, p, i))
            return false;
        i->value = next_number(c, o->form == MEM_IMM8 ? 1 : MIN(i->size, 4));
        return true;
    case ACC_MOFFS:
    case MOFFS_ACC:
        i->to_memory = o->form == MOFFS_ACC;
        next_number(c, i->address_size);
        return true;
    case STRING:
        i->to_memory = true;
        i->repeat = p->repeat;
        return true;
    default:
        return false;
    }
}

bool decode(const uint8_t *bytes, unsigned available, unsigned mode, struct insn *insn)
{
    struct cursor c = {bytes, 0, MIN(available, INSN_MAX), false};
    struct prefixes p = {0};
    uint8_t byte = take_prefixes(&c, mode, &p);
    const struct opcode *o = byte == 0x0f ? &after_0f[next(&c)] : &one_byte[byte];

    if (byte == 0x63 && mode != 8)
        return false; /* ARPL there */
    unsigned size = o->byte ? 1 : operand_size(&p, mode);
    *insn = (struct insn){
        .op = o->op,
        .size = (uint8_t)(o->source ? o->source : size),
        .reg_size = (uint8_t)size,
        .address_size = (uint8_t)address_size(&p, mode),
        .segment = p.segment,
    };
    if (!take_operands(&c, o, &p, insn))
        return false;
    insn->length = (uint8_t)c.at;
    return !c.overrun;
}
