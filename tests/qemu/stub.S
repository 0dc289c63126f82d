/*
 * The least that is a domain: a PVH kernel of a few instructions. The first letter of its command
 * line says what it does: off, reboot, crash and watchdog ask for that shutdown, triple faults
 * until the processor gives up, spin keeps it with interrupts off, and hello does so once it has
 * said hello on its console; anything else halts.
 *
 * PVH entry: 32-bit protected mode, flat, paging off; EBX: hvm_start_info.
 */
#define CMDLINE 24           /* in hvm_start_info */
#define HYPERCALL_SCHED 29
#define SCHEDOP_SHUTDOWN 2
#define HYPERCALL_EVENT 32
#define EVTCHNOP_SEND 4
#define HYPERCALL_HVM 34
#define HVMOP_GET_PARAM 1
#define CONSOLE_PFN 17
#define CONSOLE_EVTCHN 18
#define DOMID_SELF 0x7ff0
#define OUT 1024             /* in the console's ring: what the guest says, */
#define OUT_PROD 3084        /* and how much that is */

/* Into %eax; there is no stack. */
        .macro  get_param index
        movl    $\index, param_index
        mov     $HYPERCALL_HVM, %eax
        mov     $HVMOP_GET_PARAM, %ebx
        mov     $param, %ecx
        vmmcall
        mov     param_value, %eax
        .endm

        .section .note.Xen, "a", @note
        .balign 4
        .long   4, 4, 18        /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   _start

        .text
        .globl  _start
_start:
        mov     CMDLINE(%ebx), %eax
        movb    (%eax), %al
        xor     %ecx, %ecx
1:      cmpb    letters(%ecx), %al
        je      shutdown
        inc     %ecx
        cmp     $5, %ecx
        jb      1b
        cmp     $'t', %al
        je      triple
        cmp     $'s', %al
        je      spin
        cmp     $'h', %al
        je      hello
        sti
idle:   hlt
        jmp     idle

hello:  get_param CONSOLE_PFN
        shl     $12, %eax
        mov     %eax, %ebp
        lea     OUT(%ebp), %edi
        mov     $greeting, %esi
        mov     $greeting_end - greeting, %ecx
        rep movsb
        movl    $greeting_end - greeting, OUT_PROD(%ebp)
        get_param CONSOLE_EVTCHN
        mov     $HYPERCALL_EVENT, %eax
        mov     $EVTCHNOP_SEND, %ebx
        mov     $param_value, %ecx      /* its first half is the port */
        vmmcall
/* Now and then it pauses: under QEMU's -icount that ends the processor's turn (tests/qemu/boot). */
spin:   mov     $1 << 16, %ecx
1:      dec     %ecx
        jnz     1b
        pause
        jmp     spin

/* No interrupt table, so no handler for this, nor for the fault that there is none. */
triple: lidt    no_table
        ud2

shutdown:
        mov     %ecx, reason
        mov     $HYPERCALL_SCHED, %eax
        mov     $SCHEDOP_SHUTDOWN, %ebx
        mov     $reason, %ecx
        vmmcall
        jmp     spin

letters: .ascii "or?cw"         /* by SHUTDOWN_* code; 2 is suspend, which needs more */
greeting: .ascii "stub: hello\r\n"
greeting_end:
        .balign 8
param:  .word   DOMID_SELF, 0
param_index: .long 0
param_value: .quad 0
reason: .long   0
no_table:
        .word   0
        .long   0
        .balign 4096            /* xl loads whole pages */

        .section .note.GNU-stack, "", @progbits
