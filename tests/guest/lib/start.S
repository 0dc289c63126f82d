/*
 * How a microguest starts, and its traps.
 *
 * PVH entry: 32-bit protected mode, flat, paging off; EBX: hvm_start_info, ESI:
 * the argument that tests/guest/lib/builder gives a child (0 for dom0). The page
 * tables map the first 5 GiB to themselves, for user mode too.
 */
#define CODE      0x08
#define DATA      0x10
#define USER_DATA 0x1b
#define USER_CODE 0x23

#define CR0 0x80010033  /* PG WP NE ET MP PE */
#define CR4 0x20        /* PAE */
#define EFER 0x900      /* NXE LME */
#define MSR_EFER 0xc0000080

#define HAS_ERROR 0x60227d00    /* exceptions with an error code: 8, 10 to 14, 17, 21, 29, 30 */

#define NR_DIRECTORIES 5
#define STACK_SIZE 16384
#define LEAF 0x87       /* 2 MiB, user, writable */
#define TABLE 0x07

        .section .note.Xen, "a", @note
        .balign 4
        .long   4, 4, 18        /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   start

        .text
        .code32
        .globl  start
start:
        cli
        cld
        mov     $boot_stack_end, %esp
        mov     %ebx, start_info_address
        mov     %esi, start_argument

        xor     %ecx, %ecx              /* directories: entry %ecx maps 2 MiB * %ecx */
1:      mov     %ecx, %eax
        mov     %ecx, %edx
        shl     $21, %eax
        shr     $11, %edx
        or      $LEAF, %eax
        mov     %eax, boot_directories(, %ecx, 8)
        mov     %edx, boot_directories + 4(, %ecx, 8)
        inc     %ecx
        cmp     $NR_DIRECTORIES * 512, %ecx
        jb      1b

        xor     %ecx, %ecx
        mov     $boot_directories + TABLE, %eax
1:      mov     %eax, boot_pdpt(, %ecx, 8)
        add     $4096, %eax
        inc     %ecx
        cmp     $NR_DIRECTORIES, %ecx
        jb      1b
        movl    $boot_pdpt + TABLE, boot_pml4

        call    long_mode
        lgdt    gdt_pointer
        ljmp    $CODE, $1f
        .code64
1:      call    load_segments
        mov     $boot_stack_end, %esp
        xor     %ebp, %ebp
        call    guest_main
        ud2

        .code32
long_mode:
        mov     $CR4, %eax
        mov     %eax, %cr4
        mov     $boot_pml4, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $EFER, %eax
        wrmsr
        mov     $CR0, %eax
        mov     %eax, %cr0
        ret

        .code64
load_segments:
        mov     $DATA, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        ret

/* ---- other vCPUs: from real mode ------------------------------------------------------------- */

/* Copied to a page of the first MiB; SIPI: CS = page << 8, IP = 0. */
        .globl  trampoline, trampoline_end
        .code16
trampoline:
        cli
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   gdt_pointer_copy - trampoline
        mov     $CR4, %eax
        mov     %eax, %cr4
        mov     $boot_pml4, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $EFER, %eax
        wrmsr
        mov     $CR0, %eax
        mov     %eax, %cr0
        ljmpl   $CODE, $ap_start
gdt_pointer_copy:
        .word   gdt_end - gdt - 1
        .long   gdt
trampoline_end:

        .code64
ap_start:
        mov     $1, %eax
        cpuid
        shr     $25, %ebx               /* APIC id = 2 * vCPU */
        mov     %ebx, %edi
        jmp     ap_with_id

/* VCPUOP_initialise starts it here: long mode, RDI: its number. */
        .globl  ap_start_64
ap_start_64:
        lgdt    gdt_pointer
        pushq   $CODE
        pushq   $1f
        lretq
1:
ap_with_id:
        imul    $STACK_SIZE, %rdi, %rbx
        lea     ap_stacks + STACK_SIZE(%rbx), %rsp
        call    load_segments
        xor     %ebp, %ebp
        call    ap_main
        ud2

/* ---- traps ----------------------------------------------------------------------------------- */

        .globl  trap_stubs
        .balign 16
trap_stubs:
vector = 0
        .rept   256
        .balign 16
        .if vector > 31 || !(HAS_ERROR >> (vector & 31) & 1)
        push    $0
        .endif
        push    $vector
        jmp     trap_entry
vector = vector + 1
        .endr

trap_entry:                             /* struct trap_frame */
        push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        cld
        mov     %rsp, %rdi
        call    trap
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        iretq

/* ---- user mode ------------------------------------------------------------------------------- */

        .globl  user_call, user_return
user_call:                              /* rdi: function that ends with user_exit() */
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, user_saved_rsp
        pushq   $USER_DATA
        pushq   $user_stack_end - 8
        pushq   $2
        pushq   $USER_CODE
        push    %rdi
        iretq

user_return:                            /* vector 0x80, rdi: the result */
        mov     user_saved_rsp, %rsp
        mov     %rdi, %rax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

/* ---- data ------------------------------------------------------------------------------------ */

        .data
        .balign 16
        .globl  gdt
gdt:    .quad   0
        .quad   0x00af9b000000ffff      /* CODE */
        .quad   0x00cf93000000ffff      /* DATA */
        .quad   0x00cff3000000ffff      /* USER_DATA */
        .quad   0x00affb000000ffff      /* USER_CODE */
        .quad   0, 0                    /* TSS, see trap.c */
gdt_end:
        .globl  gdt_pointer
gdt_pointer:
        .word   gdt_end - gdt - 1
        .quad   gdt

        .globl  start_info_address, start_argument
start_info_address:
        .quad   0
start_argument:
        .quad   0
user_saved_rsp:
        .quad   0

        .section .bss.pages, "aw", @nobits
        .globl  boot_pml4, boot_pdpt
        .balign 4096
boot_pml4:
        .skip   4096
boot_pdpt:
        .skip   4096
boot_directories:
        .skip   4096 * NR_DIRECTORIES
ap_stacks:                              /* the first belongs to vCPU 0 */
boot_stack:
        .skip   STACK_SIZE
boot_stack_end:
        .skip   STACK_SIZE * 3
user_stack:
        .skip   4096
user_stack_end:

        .section .note.GNU-stack, "", @progbits
