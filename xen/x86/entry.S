/*
 * Interrupts and exceptions. All come from the hypervisor itself: a guest is
 * left by its exit, never through the IDT, so there is one privilege level, GS
 * base stays, and nothing but the general registers is saved (no other is used).
 */
#define STUB_SIZE 16 /* descriptors.c computes the addresses */

    .text
    .balign STUB_SIZE
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign STUB_SIZE
    /* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX push an error code (AMD manual vol. 2, 8.2). */
    .if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || \
          (vector == 21) || (vector == 29) || (vector == 30))
    push $0
    .endif
    push $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

/* struct trap_frame, from its end. The processor has aligned the stack to 16 bytes first. */
trap_common:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    /* A stack frame as if the interrupted code had called this: backtraces go on there. */
    push 17 * 8(%rdi) /* rip */
    push %rbp
    mov %rsp, %rbp
    call trap
    add $16, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rbp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rbx
    pop %rax
    add $16, %rsp
    iretq

/* void descriptors_load(const void *gdt_pointer, const void *idt_pointer): the selectors of
 * descriptors.c. FS and GS keep theirs: a null one would take GS base with it. */
    .globl descriptors_load
descriptors_load:
    lgdt (%rdi)
    lidt (%rsi)
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    pop %rax
    push $0x08
    push %rax
    lretq
