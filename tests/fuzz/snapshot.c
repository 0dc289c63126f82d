/*
 * The state of the whole hypervisor and back: its variables, RAM, and what
 * AddressSanitizer knows of RAM. Free frames have no contents worth keeping.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "machine.h"

/* This file's variables are not part of the state. */
#pragma clang section bss = "" data = ""

#define NR_SLOTS    4
#define SHADOW_BASE 0x7fff8000UL /* AddressSanitizer's mapping on x86-64 */
#define RAM_SIZE    (RAM_FRAMES * PAGE_SIZE)

extern char __start_hv_data[], __stop_hv_data[], __start_hv_bss[], __stop_hv_bss[];

static struct slot {
    char *data, *bss, *shadow, *ram;
    bool used[RAM_FRAMES];
} slots[NR_SLOTS];
static char *pristine_data;

void plain_copy(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

void plain_fill(void *to, int c, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
}

void *shadow_of(const void *p)
{
    return (void *)(((uintptr_t)p >> 3) + SHADOW_BASE);
}

static size_t data_size(void)
{
    return (size_t)(__stop_hv_data - __start_hv_data);
}

static size_t bss_size(void)
{
    return (size_t)(__stop_hv_bss - __start_hv_bss);
}

static char *copy_of(const void *from, size_t n)
{
    char *to = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (to == MAP_FAILED)
        abort();
    plain_copy(to, from, n);
    return to;
}

void snapshot_init(void)
{
    void *at = (void *)DIRECT_MAP;

    if (mmap(at, RAM_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) {
        perror("no memory for the machine's RAM");
        abort();
    }
    pristine_data = copy_of(__start_hv_data, data_size());
}

void snapshot_pristine(void)
{
    plain_copy(__start_hv_data, pristine_data, data_size());
    plain_fill(__start_hv_bss, 0, bss_size());
    plain_fill(shadow_of((void *)DIRECT_MAP), 0, RAM_SIZE / 8);
}

void snapshot_take(unsigned slot)
{
    struct slot *s = &slots[slot];

    s->data = copy_of(__start_hv_data, data_size());
    s->bss = copy_of(__start_hv_bss, bss_size());
    s->ram = copy_of((void *)DIRECT_MAP, RAM_SIZE);
    s->shadow = copy_of(shadow_of((void *)DIRECT_MAP), RAM_SIZE / 8);
    for (mfn_t mfn = 0; mfn < RAM_FRAMES; mfn++)
        s->used[mfn] = frame_of(mfn)->state != FRAME_FREE;
}

/* Most of the large page is never looked at, so what it holds does not matter. */
static bool matters(mfn_t mfn)
{
    return mfn < LARGE_PAGE + 32 || mfn >= LARGE_PAGE + (1 << ORDER_2M);
}

void snapshot_restore(unsigned slot)
{
    const struct slot *s = &slots[slot];

    plain_copy(__start_hv_data, s->data, data_size());
    plain_copy(__start_hv_bss, s->bss, bss_size());
    plain_copy(shadow_of((void *)DIRECT_MAP), s->shadow, RAM_SIZE / 8);
    for (mfn_t mfn = 0; mfn < RAM_FRAMES; mfn++)
        if (s->used[mfn] && matters(mfn))
            plain_copy(mfn_to_va(mfn), s->ram + (mfn << PAGE_SHIFT), PAGE_SIZE);
}
