/*
 * Decoder for the instructions that compilers use on device memory: moves,
 * string moves and stores, and simple arithmetic with one memory operand.
 * Pure: bytes in, description out.
 */
#ifndef XEN_DECODE_H
#define XEN_DECODE_H

#include "../lib.h"

#define INSN_MAX 15 /* bytes of the longest instruction (AMD manual vol. 3, 1.1) */

enum insn_op {
    INSN_MOV,
    INSN_MOVZX,
    INSN_MOVSX,
    INSN_STOS,
    INSN_MOVS,
    INSN_AND,
    INSN_OR,
    INSN_XOR,
    INSN_TEST,
    INSN_CMP,
    INSN_XCHG,
};

struct insn {
    uint8_t length;
    uint8_t op;
    uint8_t size;     /* bytes of the memory operand: 1, 2, 4 or 8 */
    uint8_t reg_size; /* bytes of the register operand */
    uint8_t reg;      /* number of the register operand */
    uint8_t address_size;
    bool high_byte;   /* the register is AH, CH, DH or BH: bits 15:8 of reg */
    bool to_memory;   /* the memory operand is the destination, or the first one of CMP and TEST */
    bool immediate;   /* the other operand is `value`, not a register */
    bool repeat;
    uint8_t segment;  /* SEGMENT_* of the override, for MOVS */
    uint64_t value;
};

enum { SEGMENT_DEFAULT, SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };

/* `mode` is the default address size of the code segment: 2, 4 or 8. False: not one of these
 * instructions, no memory operand, or more than `available` bytes. */
bool decode(const uint8_t *bytes, unsigned available, unsigned mode, struct insn *insn);

#endif
