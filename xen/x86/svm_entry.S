/*
 * Into an SVM guest and back (AMD manual vol. 2, 15.5). No interrupt, NMI or
 * machine check comes while GIF is clear, so nothing sees the guest's GS or TR.
 * RFLAGS.IF is set inside only: with V_INTR_MASKING the value at VMRUN says
 * whether physical interrupts end the guest (15.21.1).
 *
 * Only rsp, rbp and rbx are kept: its one caller (svm.c) has little in
 * registers that it wants back. The offsets are those of struct guest_regs
 * (svm.c checks them).
 */
        .text
        .globl  svm_run
        .type   svm_run, @function
svm_run:                                /* rdi: regs, rsi: VMCB, rdx: host's VMCB */
        push    %rbp
        push    %rbx
        push    %rdx
        push    %rdi
        mov     %rsi, %rax
        clgi
        sti
        vmload
        mov     16(%rdi), %rsi
        mov     24(%rdi), %rdx
        mov     32(%rdi), %r10
        mov     40(%rdi), %r8
        mov     48(%rdi), %r9
        mov     56(%rdi), %rbx
        mov     64(%rdi), %rcx
        mov     72(%rdi), %rbp
        mov     80(%rdi), %r11
        mov     88(%rdi), %r12
        mov     96(%rdi), %r13
        mov     104(%rdi), %r14
        mov     112(%rdi), %r15
        mov     8(%rdi), %rdi
        vmrun                           /* rax and rsp come back as they were */
        vmsave
        push    %rdi
        mov     8(%rsp), %rdi
        mov     %rsi, 16(%rdi)
        mov     %rdx, 24(%rdi)
        mov     %r10, 32(%rdi)
        mov     %r8, 40(%rdi)
        mov     %r9, 48(%rdi)
        mov     %rbx, 56(%rdi)
        mov     %rcx, 64(%rdi)
        mov     %rbp, 72(%rdi)
        mov     %r11, 80(%rdi)
        mov     %r12, 88(%rdi)
        mov     %r13, 96(%rdi)
        mov     %r14, 104(%rdi)
        mov     %r15, 112(%rdi)
        pop     8(%rdi)
        pop     %rdi
        pop     %rax
        vmload
        cli
        stgi
        pop     %rbx
        pop     %rbp
        ret
        .size   svm_run, . - svm_run

        .section .note.GNU-stack, "", @progbits
