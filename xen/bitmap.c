/* The tools' bitmaps, bytes in the guest's memory, to and from masks. */
#include "hc_sysctl.h"

#define MAX_BYTES (SCHED_MAX_PCPUS / 8)

int bitmap_read(struct vcpu *v, const struct xenctl_bitmap *from, struct mask *to, unsigned nr)
{
    uint8_t bytes[MAX_BYTES] = {0};
    unsigned bits = MIN(from->nr_bits, MIN(nr, (unsigned)SCHED_MAX_PCPUS));

    if (copy_from_guest(v, bytes, (uintptr_t)from->bitmap.p, (bits + 7) / 8))
        return -XEN_EFAULT;
    mask_clear_all(to);
    for (unsigned i = 0; i < bits; i++)
        if (bytes[i / 8] >> (i % 8) & 1)
            mask_set(to, i);
    return 0;
}

int bitmap_write(struct vcpu *v, const struct xenctl_bitmap *to, const struct mask *from,
                 unsigned nr)
{
    uint8_t bytes[MAX_BYTES] = {0};
    unsigned room = MIN((uint64_t)to->nr_bits + 7, (uint64_t)SCHED_MAX_PCPUS) / 8;

    for (unsigned i = 0; i < nr && i < to->nr_bits && i < SCHED_MAX_PCPUS; i++)
        if (mask_test(from, i))
            bytes[i / 8] |= 1u << (i % 8);
    return copy_to_guest(v, (uintptr_t)to->bitmap.p, bytes, room);
}
