/*
 * What the decoders of image.c ask of a C library, besides lib.h's memory
 * functions. Theirs alone: the hypervisor's own code says xmalloc and xfree.
 */
#include "../frames.h"

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
_Noreturn void __stack_chk_fail(void);

void *malloc(size_t size)
{
    return xmalloc(size);
}

void *calloc(size_t n, size_t size)
{
    size_t total;

    return __builtin_mul_overflow(n, size, &total) ? NULL : xmalloc(total);
}

void free(void *p)
{
    xfree(p);
}

void __stack_chk_fail(void)
{
    panic("a decoder of the kernel's image has overrun its stack");
}
