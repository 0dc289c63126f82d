/*
 * Into an SVM guest and back (AMD manual vol. 2, 15.5). No interrupt, NMI or
 * machine check comes while GIF is clear, so nothing sees the guest's GS or TR.
 * RFLAGS.IF is set inside only: with V_INTR_MASKING the value at VMRUN says
 * whether physical interrupts end the guest (15.21.1).
 *
 * The offsets are those of struct guest_regs (svm.c checks them).
 */
        .text
        .globl  svm_run
        .type   svm_run, @function
svm_run:                                /* rdi: regs, rsi: VMCB, rdx: host's VMCB */
        push    %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdx
        push    %rdi
        mov     %rsi, %rax
        clgi
        sti
        vmload
        mov     8(%rdi), %rbx
        mov     16(%rdi), %rcx
        mov     24(%rdi), %rdx
        mov     32(%rdi), %rbp
        mov     40(%rdi), %rsi
        mov     56(%rdi), %r8
        mov     64(%rdi), %r9
        mov     72(%rdi), %r10
        mov     80(%rdi), %r11
        mov     88(%rdi), %r12
        mov     96(%rdi), %r13
        mov     104(%rdi), %r14
        mov     112(%rdi), %r15
        mov     48(%rdi), %rdi
        vmrun                           /* rax and rsp come back as they were */
        vmsave
        push    %rdi
        mov     8(%rsp), %rdi
        mov     %rbx, 8(%rdi)
        mov     %rcx, 16(%rdi)
        mov     %rdx, 24(%rdi)
        mov     %rbp, 32(%rdi)
        mov     %rsi, 40(%rdi)
        mov     %r8, 56(%rdi)
        mov     %r9, 64(%rdi)
        mov     %r10, 72(%rdi)
        mov     %r11, 80(%rdi)
        mov     %r12, 88(%rdi)
        mov     %r13, 96(%rdi)
        mov     %r14, 104(%rdi)
        mov     %r15, 112(%rdi)
        pop     48(%rdi)
        pop     %rdi
        pop     %rax
        vmload
        cli
        stgi
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret
        .size   svm_run, . - svm_run

        .section .note.GNU-stack, "", @progbits
