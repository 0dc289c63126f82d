/*
 * From the boot loader to C: 32-bit protected mode without paging, as both
 * multiboot protocols leave it, then long mode in the higher half.
 *
 * Section .boot is linked where it runs, at 2 MiB; all else at KERNEL_BASE plus
 * its physical address. The page tables made here map the first 4 GiB three
 * times: at their own addresses (for .boot, and for a pCPU that comes from real
 * mode), in the direct map, and their first GiB at KERNEL_BASE.
 */

#define KERNEL_BASE 0xffffffff80000000
#define PA(symbol)  (symbol - KERNEL_BASE)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules on page boundaries, memory map wanted */
#define MB2_MAGIC 0xe85250d6

#define PTE_TABLE 0x3  /* present, writable */
#define PTE_2M    0x83 /* the same, a page */

#define CR0_PE_WP_PG 0x80010001
#define CR4_PAE      0x20
#define MSR_EFER     0xc0000080
#define EFER_LME_NXE 0x900

#define CS64 0x08
#define DS   0x10

#define COM1        0x3f8
#define COM1_STATUS (COM1 + 5)

    .section .boot, "ax"
    .code32

    .balign 4
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

    .balign 8
mb2_header:
    .long MB2_MAGIC, 0 /* i386 */, mb2_end - mb2_header
    .long -(MB2_MAGIC + (mb2_end - mb2_header))
    .short 6, 0 /* modules on page boundaries */
    .long 8
    .short 0, 0 /* end of tags */
    .long 8
mb2_end:

    .globl start
start:
    cli
    cld
    lgdt gdt_pointer
    mov $DS, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov %ecx, %ss
    mov %eax, %edi /* magic and info: C's first two arguments */
    mov %ebx, %esi

    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb no_long_mode
    mov $0x80000001, %eax
    cpuid
    and $0x20100000, %edx /* bit 29 LM, bit 20 NX (AMD manual vol. 3, E.4.2) */
    cmp $0x20100000, %edx
    jne no_long_mode

    /* 2048 pages of 2 MiB in the four page directories, which lie one after another. */
    mov $PTE_2M, %eax
    mov $PA(boot_pd), %ebx
    mov $2048, %ecx
1:  mov %eax, (%ebx)
    add $0x200000, %eax
    add $8, %ebx
    loop 1b

    mov $PA(boot_pd) + PTE_TABLE, %eax
    mov $PA(boot_pdpt), %ebx
    mov $4, %ecx
2:  mov %eax, (%ebx)
    add $0x1000, %eax
    add $8, %ebx
    loop 2b

    /* KERNEL_BASE is in slot 511 of the PML4 and 510 of its table, the direct map in slot 256. */
    movl $PA(boot_pd) + PTE_TABLE, PA(boot_pdpt_high) + 510 * 8
    movl $PA(boot_pdpt) + PTE_TABLE, PA(boot_pml4)
    movl $PA(boot_pdpt) + PTE_TABLE, PA(boot_pml4) + 256 * 8
    movl $PA(boot_pdpt_high) + PTE_TABLE, PA(boot_pml4) + 511 * 8

    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $PA(boot_pml4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME_NXE, %eax
    wrmsr
    mov $CR0_PE_WP_PG, %eax
    mov %eax, %cr0
    ljmp $CS64, $long_mode

no_long_mode:
    mov $complaint, %esi
3:  mov $COM1_STATUS, %dx
4:  in (%dx), %al
    test $0x20, %al /* transmitter empty, or no UART at all (all ones) */
    jz 4b
    mov $COM1, %dx
    lodsb
    test %al, %al
    jz 5f
    out %al, (%dx)
    jmp 3b
5:  hlt
    jmp 5b

complaint:
    .asciz "Moirai cannot run here: the processor has no 64-bit mode with no-execute pages\r\n"

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* code, 64-bit */
    .quad 0x00cf93000000ffff /* data */
gdt_pointer:
    .short gdt_pointer - gdt - 1
    .long gdt

    .code64
long_mode:
    movabs $high, %rax
    jmp *%rax

    .text
high:
    mov $boot_stack_top, %rsp
    mov %edi, %edi /* the upper halves are undefined after the change of mode */
    mov %esi, %esi
    xor %ebp, %ebp /* where backtraces end */
    call moirai
    ud2

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .globl boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_pd:
    .skip 4 * 4096
    /* The page below the stack stays unmapped in the final page tables. */
    .globl boot_stack_guard, boot_stack_top
boot_stack_guard:
    .skip 4096
    .skip 8 * 4096
boot_stack_top:
