/* What a decoded instruction does to registers and flags once its memory operand is known. Pure. */
#ifndef XEN_EXECUTE_H
#define XEN_EXECUTE_H

#include "../hvm.h"
#include "decode.h"

/* Register by the number that instructions use; 1 and 2 bytes leave the rest, 4 clear it. */
uint64_t register_read(const struct guest_regs *r, unsigned number, unsigned bytes);
void register_write(struct guest_regs *r, unsigned number, unsigned bytes, uint64_t value);

static inline uint64_t low_bytes(uint64_t value, unsigned bytes)
{
    return bytes == 8 ? value : value & ((1ULL << 8 * bytes) - 1);
}

/* Does the instruction read its memory operand, and does it write it? Not for string operations. */
bool insn_reads(const struct insn *i);
bool insn_writes(const struct insn *i);
/* Carries it out on *memory, the operand's old value and then its new one, on registers and on
 * flags. RIP stays. */
void insn_execute(const struct insn *i, struct guest_regs *r, uint64_t *memory);

#endif
