/* The MMIO decoder and executor against the assembler and the processor: each sample is assembled
 * here, run on the processor and run by execute.c; memory, registers and flags must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__
#include "../../xen/x86/decode.c"
#include "../../xen/x86/execute.c"

#define UNDEFINED_AFTER_LOGIC FLAG_ADJUST

struct sample {
    const char *text;
    const uint8_t *start, *end;
    void (*run)(struct guest_regs *r, uint64_t *memory);
};

/* The memory operand is at (%rdi), however the text names it; the red zone is stepped over. */
#define SAMPLE(name, text)                                                                         \
    extern const uint8_t start_##name[], end_##name[];                                             \
    static __attribute__((noinline)) void run_##name(struct guest_regs *r, uint64_t *memory)       \
    {                                                                                              \
        uint64_t a = r->rax, b = r->rbx, c = r->rcx, d = r->rdx, flags = r->rflags;                \
        register uint64_t r9 __asm__("r9") = r->r9;                                                \
        __asm__ volatile("lea -256(%%rsp), %%rsp; push %[f]; popfq\n"                              \
                         ".globl start_" #name ", end_" #name "\n"                                 \
                         "start_" #name ": " text "\n end_" #name ":\n"                            \
                         "pushfq; pop %[f]; lea 256(%%rsp), %%rsp"                                 \
                         : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+r"(r9), [f] "+r"(flags)           \
                         : "D"(memory), "S"(0ULL)                                                  \
                         : "memory", "cc");                                                        \
        r->rax = a, r->rbx = b, r->rcx = c, r->rdx = d, r->r9 = r9, r->rflags = flags;             \
    }
#define ROW(name, text) {#name, start_##name, end_##name, run_##name},

#define SAMPLES(X)                                                                                 \
    X(mov8_store, "movb %%cl, (%%rdi)")                                                            \
    X(mov8_store_high, "movb %%bh, 16(%%rdi,%%rsi,2)")                                             \
    X(mov8_store_rex, "movb %%r9b, (%%rdi)")                                                       \
    X(mov16_store, "movw %%dx, (%%rdi)")                                                           \
    X(mov32_store, "movl %%ecx, 0x1000(%%rdi,%%rsi,8)")                                            \
    X(mov64_store, "movq %%r9, (%%rdi)")                                                           \
    X(mov8_load, "movb (%%rdi), %%dl")                                                             \
    X(mov8_load_high, "movb (%%rdi), %%ah")                                                        \
    X(mov16_load, "movw (%%rdi), %%bx")                                                            \
    X(mov32_load, "movl (%%rdi), %%r9d")                                                           \
    X(mov32_load_accumulator, "movl (%%rdi), %%eax")                                               \
    X(mov64_load, "movq (%%rdi,%%rsi), %%rbx")                                                     \
    X(mov8_immediate, "movb $0x5a, (%%rdi)")                                                       \
    X(mov16_immediate, "movw $0x5aa5, (%%rdi)")                                                    \
    X(mov32_immediate, "movl $0x80000001, (%%rdi)")                                                \
    X(mov64_immediate, "movq $-2, (%%rdi)")                                                        \
    X(movzx_8_32, "movzbl (%%rdi), %%ecx")                                                         \
    X(movzx_8_16, "movzbw (%%rdi), %%cx")                                                          \
    X(movzx_16_64, "movzwq (%%rdi), %%r9")                                                         \
    X(movsx_8_32, "movsbl (%%rdi), %%ecx")                                                         \
    X(movsx_8_64, "movsbq (%%rdi), %%rdx")                                                         \
    X(movsx_16_32, "movswl (%%rdi), %%ebx")                                                        \
    X(movsx_32_64, "movslq (%%rdi), %%rax")                                                        \
    X(and32, "andl %%ecx, (%%rdi)")                                                                \
    X(and64_immediate8, "andq $-16, (%%rdi)")                                                      \
    X(and8_load, "andb (%%rdi), %%bl")                                                             \
    X(or16_immediate, "orw $0x1234, (%%rdi)")                                                      \
    X(or8_locked, "lock orb $0x80, (%%rdi)")                                                       \
    X(or64_load, "orq (%%rdi), %%r9")                                                              \
    X(xor32_immediate, "xorl $0x12345678, (%%rdi)")                                                \
    X(xor8, "xorb %%dh, (%%rdi)")                                                                  \
    X(test8_immediate, "testb $0x41, (%%rdi)")                                                     \
    X(test32, "testl %%ecx, (%%rdi)")                                                              \
    X(test64_immediate, "testq $-3, (%%rdi)")                                                      \
    X(cmp8_immediate, "cmpb $0x7f, (%%rdi)")                                                       \
    X(cmp16_immediate8, "cmpw $-1, (%%rdi)")                                                       \
    X(cmp32_memory_first, "cmpl %%edx, (%%rdi)")                                                   \
    X(cmp64_register_first, "cmpq (%%rdi), %%rdx")                                                 \
    X(xchg8, "xchgb %%ch, (%%rdi)")                                                                \
    X(xchg32, "xchgl %%ecx, (%%rdi)")                                                              \
    X(xchg64, "xchgq %%r9, (%%rdi)")

SAMPLES(SAMPLE)

static const struct sample samples[] = {SAMPLES(ROW)};

/* The addressing forms above reach up to here. */
static uint64_t arena[0x1010 / 8 + 1];

static uint64_t some_number(void)
{
    static const uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff,
                                     0x80000000, 0xffffffff, 1ULL << 63, ~0ULL};
    unsigned pick = (unsigned)rand();

    if (pick % 3 == 0)
        return edges[pick / 3 % ARRAY_SIZE(edges)];
    return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

static struct guest_regs some_registers(void)
{
    struct guest_regs r = {.rax = some_number(), .rbx = some_number(), .rcx = some_number()};

    r.rdx = some_number();
    r.r9 = some_number();
    r.rflags = 0x202 | (some_number() & FLAGS);
    return r;
}

static unsigned displacement(const struct sample *s)
{
    return strstr(s->text, "store_high") ? 16 : strstr(s->text, "mov32_store") ? 0x1000 : 0;
}

static void assert_same(const struct sample *s, const struct insn *i, struct guest_regs *got,
                        struct guest_regs *expected)
{
    bool logic_op = i->op >= INSN_AND && i->op <= INSN_TEST;
    uint64_t mask = logic_op ? FLAGS & ~UNDEFINED_AFTER_LOGIC : FLAGS;

    if ((got->rflags ^ expected->rflags) & mask)
        fail_msg("%s: flags %lx, not %lx", s->text, got->rflags, expected->rflags);
    got->rflags = expected->rflags;
    if (memcmp(got, expected, sizeof *got))
        fail_msg("%s: registers differ", s->text);
}

static void run_both_ways(const struct sample *s, const struct insn *i)
{
    struct guest_regs native = some_registers(), ours = native;
    uint64_t *cell = &arena[displacement(s) / 8], memory = some_number(), before = memory;

    *cell = memory;
    s->run(&native, arena);
    memory = low_bytes(memory, i->size);
    insn_execute(i, &ours, &memory);
    assert_same(s, i, &ours, &native);
    if (insn_writes(i))
        before = (before & ~low_bytes(~0ULL, i->size)) | low_bytes(memory, i->size);
    if (*cell != before)
        fail_msg("%s: memory %lx, not %lx", s->text, before, *cell);
}

static void test_samples_run_as_on_the_processor(void **state)
{
    (void)state;
    srand(7);
    for (unsigned n = 0; n < ARRAY_SIZE(samples); n++) {
        const struct sample *s = &samples[n];
        struct insn i;
        if (!decode(s->start, INSN_MAX, 8, &i))
            fail_msg("%s is not decoded", s->text);
        if (i.length != s->end - s->start)
            fail_msg("%s has %u bytes, not %ld", s->text, i.length, (long)(s->end - s->start));
        for (unsigned turn = 0; turn < 300; turn++)
            run_both_ways(s, &i);
    }
}

static void test_truncated_instructions_are_refused(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(samples); n++) {
        const struct sample *s = &samples[n];
        struct insn i;
        for (unsigned length = 0; length < s->end - s->start; length++)
            assert_false(decode(s->start, length, 8, &i));
    }
}

/* ---- forms that cannot be run here ----------------------------------------------------------- */

static struct insn decoded(const char *bytes, unsigned n, unsigned mode)
{
    struct insn i;

    if (!decode((const uint8_t *)bytes, n, mode, &i))
        fail_msg("not decoded");
    assert_int_equal(i.length, n);
    return i;
}
#define DECODED(text, mode) decoded(text, sizeof(text) - 1, mode)

static void test_string_instructions(void **state)
{
    (void)state;
    struct insn i = DECODED("\xf3\xaa", 8); /* rep stosb */
    assert_int_equal(i.op, INSN_STOS);
    assert_int_equal(i.size, 1);
    assert_true(i.repeat);
    i = DECODED("\x48\xa5", 8); /* movsq */
    assert_int_equal(i.op, INSN_MOVS);
    assert_int_equal(i.size, 8);
    assert_false(i.repeat);
    i = DECODED("\xf3\x65\x66\xa5", 4); /* rep movsw %gs:(%esi), (%edi) */
    assert_int_equal(i.segment, SEGMENT_GS);
    assert_int_equal(i.size, 2);
    assert_int_equal(i.address_size, 4);
}

static void test_other_modes(void **state)
{
    (void)state;
    struct insn i = DECODED("\xa1\x20\x00\xe0\xfe", 4); /* mov 0xfee00020, %eax */
    assert_int_equal(i.size, 4);
    assert_int_equal(i.reg, 0);
    i = DECODED("\xa3\x20\x00\xe0\xfe\x00\x00\x00\x00", 8); /* movabs %eax, 0xfee00020 */
    assert_true(i.to_memory);
    i = DECODED("\x89\x16\x34\x12", 2); /* mov %dx, 0x1234 */
    assert_int_equal(i.size, 2);
    i = DECODED("\x66\x89\x47\x08", 2); /* mov %eax, 8(%bx) */
    assert_int_equal(i.size, 4);
    i = DECODED("\x67\x8b\x46\x10", 4); /* mov 0x10(%bp), %eax */
    assert_int_equal(i.address_size, 2);
    i = DECODED("\x8b\x05\x00\x00\x00\x00", 8); /* mov 0(%rip), %eax */
    assert_int_equal(i.size, 4);
    i = DECODED("\x8b\x04\x25\xf0\x00\xe0\xfe", 8); /* mov 0xfee000f0, %eax by SIB */
    assert_int_equal(i.reg_size, 4);
}

static void test_what_is_not_ours(void **state)
{
    static const char *const bytes[] = {
        "\x0f\x10\x07\0\0\0\0",         /* movups (%rdi), %xmm0 */
        "\x89\xc8\0\0\0\0\0",           /* mov %ecx, %eax: no memory operand */
        "\x80\x07\x01\0\0\0\0",         /* addb $1, (%rdi) */
        "\xff\x07\0\0\0\0\0",           /* incl (%rdi) */
    };
    struct insn i;

    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(bytes); n++)
        assert_false(decode((const uint8_t *)bytes[n], 7, 8, &i));
    assert_false(decode((const uint8_t *)"\x63\x07", 2, 4, &i)); /* ARPL */
    uint8_t prefixes[INSN_MAX + 5];
    memset(prefixes, 0x66, sizeof prefixes);
    assert_false(decode(prefixes, sizeof prefixes, 8, &i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_run_as_on_the_processor),
        cmocka_unit_test(test_truncated_instructions_are_refused),
        cmocka_unit_test(test_string_instructions),
        cmocka_unit_test(test_other_modes),
        cmocka_unit_test(test_what_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
