/*
 * The way of a pCPU from its start in real mode to C. smp.c copies this to a
 * page below 1 MiB, whichever, and fills in the data at the end; the code finds
 * its own address in CS.
 *
 * It goes to 64-bit mode in one step, as the AMD manual (vol. 2, 14.6) allows:
 * boot_pml4 maps the page at its own address.
 */

#define CR0_PE_ET_WP_PG 0x80010011
#define CR4_PAE         0x20
#define MSR_EFER        0xc0000080
#define EFER_LME_NXE    0x900

#define CS64 0x08
#define DS   0x10

#define OFFSET(symbol) (symbol - trampoline_start)

    .section .rodata
    .code16
    .balign 16
    .globl trampoline_start
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    movzwl %ax, %ebx
    shl $4, %ebx
    lea OFFSET(gdt)(%ebx), %eax
    mov %eax, OFFSET(gdt_pointer) + 2
    lgdtl OFFSET(gdt_pointer)
    lea OFFSET(long_mode)(%ebx), %eax
    mov %eax, OFFSET(far_pointer)

    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov OFFSET(trampoline_pml4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME_NXE, %eax
    wrmsr
    mov $CR0_PE_ET_WP_PG, %eax
    mov %eax, %cr0
    ljmpl *OFFSET(far_pointer)

    .code64
long_mode:
    mov $DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %ebx, %ebx /* the upper half is undefined after the change of mode */
    mov OFFSET(trampoline_stack)(%rbx), %rsp
    mov OFFSET(trampoline_pcpu)(%rbx), %rdi
    mov OFFSET(trampoline_entry)(%rbx), %rax
    xor %ebp, %ebp /* where backtraces end */
    call *%rax
    ud2

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* code, 64-bit */
    .quad 0x00cf93000000ffff /* data */
gdt_pointer:
    .short gdt_pointer - gdt - 1
    .long 0
far_pointer:
    .long 0
    .short CS64

    .balign 8
    .globl trampoline_pml4, trampoline_stack, trampoline_pcpu, trampoline_entry, trampoline_end
trampoline_pml4:
    .quad 0
trampoline_stack:
    .quad 0
trampoline_pcpu:
    .quad 0
trampoline_entry:
    .quad 0
trampoline_end:
